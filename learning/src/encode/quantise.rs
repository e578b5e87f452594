//! The client's part of the encoding: floats in, integers out.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::metrics::{LARGEST_LOSS, METRICS};
use super::{Encoding, EncodingError};
use crate::fixed::{divide_half_even, ONE};

/// Tries before the rounding gives up on chance. Each succeeds with probability at least `1 - exp(-1/2) = 0.39`, all but one in `10^13`
/// updates earlier.
const TRIES: usize = 64;

impl Encoding {
    /// Clips, scales and rounds an update (new minus old parameters): conditional stochastic rounding, Kairouz, Liu and Steinke 2021,
    /// Algorithm 1, without the rotation, in units of `2^-scale_bits`.
    ///
    /// 1. If its L2 norm exceeds `clip`, the update is shrunk to it; then each coordinate is cut to `+-bound`.
    /// 2. Each coordinate is rounded up with the probability of its fraction, otherwise down, so that the expectation is the coordinate.
    /// 3. If `sum u^2` exceeds [`Encoding::norm_bound_squared`], all coordinates are drawn again from the same stream. After 64 tries
    ///    (never, for practical purposes) they are rounded towards zero, which always obeys the bound.
    ///
    /// The draws are the ChaCha20 key stream of `seed`; the same update, parameters and seed give the same integers.
    ///
    /// # Errors
    /// [`EncodingError::NotFinite`] names the first value that is no number; otherwise what [`Encoding::check`] finds.
    pub fn quantise(&self, update: &[f32], seed: &[u8; 32]) -> Result<Vec<i64>, EncodingError> {
        self.check()?;
        if let Some(place) = update.iter().position(|value| !value.is_finite()) {
            return Err(EncodingError::NotFinite(place as u64));
        }
        let scaled = self.clip_and_scale(update);
        let limit = self.norm_bound_squared(update.len() as u64);
        let mut rng = ChaCha20Rng::from_seed(*seed);
        for _ in 0..TRIES {
            let rounded: Vec<i64> =
                scaled.iter().map(|&value| self.within_bound(round_at_random(value, &mut rng))).collect();
            if super::sum_of_squares(&rounded).is_some_and(|sum| sum <= limit) {
                return Ok(rounded);
            }
        }
        Ok(scaled.iter().map(|&value| self.within_bound(truncate(value))).collect())
    }

    /// The integers of a provider's [metrics](super::metrics): its mean loss, and how many of its rows are `correct`. A loss that is no
    /// number counts as the largest.
    #[must_use]
    pub fn quantise_metrics(&self, loss: f64, correct: u64, rows: u64) -> [i64; METRICS as usize] {
        let largest = f64::from(LARGEST_LOSS);
        let share = if loss.is_nan() { 1.0 } else { loss.clamp(0.0, largest) / largest };
        let loss = self.within_bound((share * self.bound as f64).round() as i64);
        let (correct, rows) = (i128::from(correct.min(rows)), i128::from(rows));
        let hits = divide_half_even(correct * i128::from(self.bound), rows).and_then(|hits| i64::try_from(hits).ok());
        [loss, hits.unwrap_or(0)]
    }

    /// A bound above 2^53 need not be a double, and the nearest one may lie beyond it: what was cut as a double is cut once more.
    fn within_bound(&self, value: i64) -> i64 {
        // `check` has seen that the bound is at most 2^55.
        let bound = self.bound.cast_signed();
        value.clamp(-bound, bound)
    }

    /// The factor by which clipping shrinks an update: 1 for one within the bound.
    #[must_use]
    pub fn clip_factor(&self, update: &[f32]) -> f64 {
        let norm = l2_norm(update);
        let clip = self.clip.to_bits() as f64 / ONE as f64;
        if norm > clip {
            clip / norm
        } else {
            1.0
        }
    }

    fn clip_and_scale(&self, update: &[f32]) -> Vec<f64> {
        let factor = self.clip_factor(update) * (1u64 << self.scale_bits) as f64;
        let bound = self.bound as f64;
        update.iter().map(|&value| (f64::from(value) * factor).clamp(-bound, bound)).collect()
    }
}

/// The L2 norm, summed in the vector's order in double precision.
#[must_use]
pub fn l2_norm(update: &[f32]) -> f64 {
    update.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}

/// `floor(value)`, plus 1 with the probability of the fraction, which is compared in steps of `2^-53`. One draw a value, integers included.
fn round_at_random(value: f64, rng: &mut ChaCha20Rng) -> i64 {
    let floor = value.floor();
    let draw = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let up = i64::from(draw < value - floor);
    // At most 2^55 in absolute value: the bound of an encoding.
    floor as i64 + up
}

fn truncate(value: f64) -> i64 {
    value.trunc() as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixed::{Fixed, FRACTION_BITS};

    #[test]
    fn a_bound_that_is_no_double_is_kept_all_the_same() {
        // The double that is nearest to 2^53 + 3 is 2^53 + 4.
        let bound = (1 << 53) + 3;
        let encoding = Encoding { clip: Fixed::from_bits(i64::MAX), scale_bits: FRACTION_BITS, bound, max_weight: 1 };
        encoding.check_ring(64, 3).unwrap();
        let update = encoding.quantise(&[2_097_153.5, -2_097_153.5, 1.0], &[7; 32]).unwrap();
        assert_eq!(update, [bound.cast_signed(), -bound.cast_signed(), 1 << 32]);
        assert_eq!(encoding.weigh(&update, 1).unwrap(), update);
    }

    #[test]
    fn metrics_are_integers_from_0_to_the_bound() {
        let at =
            |bound: u64| Encoding { clip: Fixed::from_bits(i64::MAX), scale_bits: FRACTION_BITS, bound, max_weight: 1 };
        assert_eq!(at(1_000).quantise_metrics(4.0, 1, 3), [250, 333]);
        assert_eq!(at(1_000).quantise_metrics(-1.0, 0, 0), [0, 0]);
        for bound in [1, 1_000, (1 << 53) + 3, 1 << 55] {
            for loss in [16.0, 17.0, f64::INFINITY, f64::NAN] {
                let [loss, hits] = at(bound).quantise_metrics(loss, u64::MAX, u64::MAX);
                let whole = bound.cast_signed();
                // The bound need not be a double.
                assert!(loss <= whole && whole - loss < 2, "{loss} {whole}");
                assert_eq!(hits, whole);
            }
        }
    }
}
