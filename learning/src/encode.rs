//! How an update becomes integers in a ring, and what the chain may demand of their sum.
//!
//! A client clips its update (new minus old parameters) to the L2 norm `clip`, multiplies by `2^scale_bits`, and rounds at random to
//! integers of at most `bound` in absolute value (`B` in the protocol). It contributes `w u`, the weight `w` in `1..=W` being public.
//! The chain sees sums only; of a group whose weights add up to `w` it demands `|U_c| <= B w` in every coordinate.
//!
//! This module is the chain's part. The client's part, which needs floats, is [`quantise`] (feature `trainers`).

pub mod metrics;
#[cfg(feature = "trainers")]
#[allow(clippy::float_arithmetic)]
pub mod quantise;

use crate::fixed::{Fixed, FRACTION_BITS};

/// Bits of the ring that no honest sum ever reaches, so that a tampered sum is out of range with probability `1 - 2^-8` a coordinate.
pub const GUARD_BITS: u32 = 8;

/// Why an encoding, or a sum, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// A clip of zero or below.
    #[error("the clip bound is {0}; it must be above 0")]
    Clip(Fixed),
    /// Finer than the model's own fixed point.
    #[error("scale_bits is {0}; at most {FRACTION_BITS} are kept by the model's fixed point")]
    ScaleBits(u32),
    /// No integer but zero would be left.
    #[error("the bound of an encoded integer is {0}; it must lie between 1 and 2^55")]
    Bound(u64),
    /// Weights are at least 1.
    #[error("the largest weight is {0}; it must lie between 1 and 2^32")]
    MaxWeight(u64),
    /// The ring's width is none.
    #[error("the ring has {0} bits; it must have between 16 and 64")]
    RingBits(u32),
    /// A group without members.
    #[error("the largest group is {0}; it must have at least 1 member")]
    MaxGroup(u64),
    /// The sum of a group could come near the ring's end.
    #[error(
        "a ring of {bits} bits is too small: 2^8 * 2 * max_group {max_group} * bound {bound} * max_weight {max_weight} = {needed} exceeds 2^{bits}; \
         take more bits, or a smaller bound or weight"
    )]
    Headroom {
        /// Bits of the ring.
        bits: u32,
        /// Members of the largest group.
        max_group: u64,
        /// `B`.
        bound: u64,
        /// `W`.
        max_weight: u64,
        /// The size the ring would need; `u128::MAX` when that does not fit.
        needed: u128,
    },
    /// A weight outside of `1..=W`.
    #[error("weight {weight} is not in 1..={max_weight}")]
    Weight {
        /// The weight.
        weight: u64,
        /// `W`.
        max_weight: u64,
    },
    /// A sum that no honest updates have.
    #[error("coordinate {coordinate} of the sum is {value}, beyond the {limit} that weights of {weight_sum} and a bound of {bound} allow")]
    OutOfRange {
        /// The first such coordinate, counted over the whole vector.
        coordinate: u64,
        /// Its value.
        value: i64,
        /// `B`.
        bound: u64,
        /// Sum of the survivors' weights.
        weight_sum: u64,
        /// `B` times that sum.
        limit: u128,
    },
    /// An integer beyond `B`.
    #[error("coordinate {coordinate} is {value}, beyond the bound {bound}")]
    BeyondBound {
        /// The first such coordinate.
        coordinate: u64,
        /// Its value.
        value: i64,
        /// `B`.
        bound: u64,
    },
    /// Only a float can be this; named here so that a client has one error type for the whole step.
    #[error("value {0} of the update is not a finite number")]
    NotFinite(u64),
}

/// How a task encodes updates. Public, part of its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Largest L2 norm of an update.
    pub clip: Fixed,
    /// One unit of an encoded integer is `2^-scale_bits`; at most 32.
    pub scale_bits: u32,
    /// `B`: largest absolute value of an encoded integer, before weights.
    pub bound: u64,
    /// `W`: largest weight.
    pub max_weight: u64,
}

impl Encoding {
    /// Each number by itself.
    ///
    /// # Errors
    /// An [`EncodingError`] with the number.
    pub fn check(&self) -> Result<(), EncodingError> {
        if self.clip <= Fixed::ZERO {
            return Err(EncodingError::Clip(self.clip));
        }
        if self.scale_bits > FRACTION_BITS {
            return Err(EncodingError::ScaleBits(self.scale_bits));
        }
        if self.bound == 0 || self.bound > 1 << 55 {
            return Err(EncodingError::Bound(self.bound));
        }
        if self.max_weight == 0 || self.max_weight > 1 << 32 {
            return Err(EncodingError::MaxWeight(self.max_weight));
        }
        Ok(())
    }

    /// Whether every honest sum of a group fits in a ring of `2^bits` with [`GUARD_BITS`] to spare:
    /// `2^bits >= 2^8 * 2 * max_group * B * W`.
    ///
    /// # Errors
    /// [`EncodingError::Headroom`] with all the numbers, or what [`Encoding::check`] finds.
    pub fn check_ring(&self, bits: u32, max_group: u64) -> Result<(), EncodingError> {
        self.check()?;
        if !(16..=64).contains(&bits) {
            return Err(EncodingError::RingBits(bits));
        }
        if max_group == 0 {
            return Err(EncodingError::MaxGroup(max_group));
        }
        let needed = u128::from(max_group)
            .checked_mul(u128::from(self.bound))
            .and_then(|n| n.checked_mul(u128::from(self.max_weight)))
            .and_then(|n| n.checked_mul(2 << GUARD_BITS))
            .unwrap_or(u128::MAX);
        if needed > 1u128 << bits {
            return Err(EncodingError::Headroom {
                bits,
                max_group,
                bound: self.bound,
                max_weight: self.max_weight,
                needed,
            });
        }
        Ok(())
    }

    /// Whether a weight is in `1..=W`.
    ///
    /// # Errors
    /// [`EncodingError::Weight`].
    pub fn check_weight(&self, weight: u64) -> Result<(), EncodingError> {
        if weight == 0 || weight > self.max_weight {
            return Err(EncodingError::Weight { weight, max_weight: self.max_weight });
        }
        Ok(())
    }

    /// `B * weight_sum`: the largest absolute value of a coordinate of a group's sum.
    #[must_use]
    pub fn aggregate_limit(&self, weight_sum: u64) -> u128 {
        u128::from(self.bound) * u128::from(weight_sum)
    }

    /// Whether a chunk of a group's sum, centred, is in range. `first` is the coordinate at which the chunk begins.
    ///
    /// # Errors
    /// [`EncodingError::OutOfRange`] with the first coordinate that is not.
    pub fn check_aggregate(&self, first: u64, sums: &[i64], weight_sum: u64) -> Result<(), EncodingError> {
        let limit = self.aggregate_limit(weight_sum);
        match sums.iter().position(|sum| u128::from(sum.unsigned_abs()) > limit) {
            None => Ok(()),
            Some(place) => Err(EncodingError::OutOfRange {
                coordinate: first.saturating_add(place as u64),
                value: sums[place],
                bound: self.bound,
                weight_sum,
                limit,
            }),
        }
    }

    /// `floor(clip * 2^scale_bits)`: the clip in encoded units.
    #[must_use]
    pub fn clip_units(&self) -> u64 {
        let bits = self.scale_bits.min(FRACTION_BITS);
        self.clip.to_bits().max(0).unsigned_abs() >> (FRACTION_BITS - bits)
    }

    /// The largest `sum u^2` of an honest encoded update of `elements` coordinates, weight not included.
    ///
    /// Kairouz, Liu and Steinke 2021, Algorithm 1 with `gamma = 1` unit and `beta = exp(-1/2)`:
    /// `min((c + sqrt d)^2, c^2 + d/4 + (c + sqrt(d)/2))`, here with `c = clip_units + 1`, square roots and quarters rounded up.
    #[must_use]
    pub fn norm_bound_squared(&self, elements: u64) -> u128 {
        let clip = u128::from(self.clip_units()) + 1;
        let root = u128::from(elements).isqrt() + 1;
        let hard = (clip + root).saturating_mul(clip + root);
        let likely =
            clip.saturating_mul(clip).saturating_add(u128::from(elements) / 4 + 1).saturating_add(clip + root / 2 + 1);
        hard.min(likely)
    }

    /// Whether an encoded update obeys its own bounds: every coordinate, and the norm.
    #[must_use]
    pub fn is_within_bounds(&self, update: &[i64]) -> bool {
        update.iter().all(|u| u.unsigned_abs() <= self.bound)
            && sum_of_squares(update).is_some_and(|sum| sum <= self.norm_bound_squared(update.len() as u64))
    }

    /// `w u`, what a client masks.
    ///
    /// # Errors
    /// [`EncodingError::Weight`], [`EncodingError::BeyondBound`].
    pub fn weigh(&self, update: &[i64], weight: u64) -> Result<Vec<i64>, EncodingError> {
        self.check()?;
        self.check_weight(weight)?;
        let beyond = |place: usize| EncodingError::BeyondBound {
            coordinate: place as u64,
            value: update[place],
            bound: self.bound,
        };
        update
            .iter()
            .enumerate()
            .map(|(place, &u)| {
                let weight = i64::try_from(weight).map_err(|_| beyond(place))?;
                if u.unsigned_abs() > self.bound {
                    return Err(beyond(place));
                }
                u.checked_mul(weight).ok_or_else(|| beyond(place))
            })
            .collect()
    }
}

/// `sum u^2`, exactly; `None` when it exceeds 128 bits.
#[must_use]
pub fn sum_of_squares(update: &[i64]) -> Option<u128> {
    update.iter().try_fold(0u128, |sum, u| {
        let magnitude = u128::from(u.unsigned_abs());
        sum.checked_add(magnitude * magnitude)
    })
}
