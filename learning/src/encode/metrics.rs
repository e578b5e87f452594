//! Metrics as further coordinates: behind the update's coordinates a vector may carry how the round's model did on the rows that a provider
//! trained on, before it was trained. They are masked, weighted and summed with the update, so that the mean over a group is known and
//! nobody's own.
//!
//! | coordinate | metric | `B` stands for |
//! |---|---|---|
//! | `d` | mean loss (natural logarithm) | [`LARGEST_LOSS`]; what is above it counts as that |
//! | `d + 1` | hits: the share of rows whose class the model names | all rows |
//!
//! They are integers from 0 to `B`, so that the range check of sums holds for them as it does for the update.

use super::Encoding;
use crate::fixed::{divide_half_even, Fixed, FRACTION_BITS};

/// How many there are.
pub const METRICS: u32 = 2;

/// The loss, in nats, that the bound stands for. Guessing among 8,000,000 classes has it.
pub const LARGEST_LOSS: u32 = 16;

/// Means over the rows of a sum's providers, by weight. Who cheats can move them by what the range allows, below 0 or above 1 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// Mean loss of the model that the round began with.
    pub loss: Fixed,
    /// The share of rows whose class it names.
    pub hits: Fixed,
}

impl Means {
    /// Out of the sums of the metrics of providers whose weights add up to `weight`. `None` where there are no metrics, or no weight.
    #[must_use]
    pub fn of(encoding: &Encoding, sums: &[i64], weight: u64) -> Option<Self> {
        let [loss, hits] = sums else { return None };
        let most = i128::try_from(encoding.aggregate_limit(weight)).ok().filter(|most| *most > 0)?;
        let mean = |sum: i64, unit: u32| -> Option<Fixed> {
            let scaled = i128::from(sum).checked_mul(i128::from(unit) << FRACTION_BITS)?;
            i64::try_from(divide_half_even(scaled, most)?).ok().map(Fixed::from_bits)
        };
        Some(Self { loss: mean(*loss, LARGEST_LOSS)?, hits: mean(*hits, 1)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn encoding(bound: u64) -> Encoding {
        Encoding { clip: Fixed::from_bits(1 << FRACTION_BITS), scale_bits: 12, bound, max_weight: 8 }
    }

    #[test]
    fn means_are_sums_over_what_the_weights_allow() {
        // Weights of 3 and a bound of 1,000: half of 16 nats, a quarter of the rows.
        let means = Means::of(&encoding(1_000), &[1_500, 750], 3).unwrap();
        assert_eq!(means.loss, Fixed::from_bits(8 << FRACTION_BITS));
        assert_eq!(means.hits, Fixed::from_bits(1 << (FRACTION_BITS - 2)));
        // Whatever passes the range check has a mean.
        for bound in [1, 1_000, 1 << 55] {
            let limit = i64::try_from(bound).unwrap();
            let means = Means::of(&encoding(bound), &[limit, -limit], 1).unwrap();
            assert_eq!((means.loss.to_bits() >> FRACTION_BITS, means.hits.to_bits() >> FRACTION_BITS), (16, -1));
        }
    }

    #[test]
    fn there_are_none_without_metrics_or_weight() {
        assert_eq!(Means::of(&encoding(1_000), &[], 3), None);
        assert_eq!(Means::of(&encoding(1_000), &[1, 1], 0), None);
    }
}
