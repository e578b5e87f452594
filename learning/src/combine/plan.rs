//! What a survey decides: which groups count, or by how much they are shrunk. It follows from the survey alone and is not stored.

use crypto_bigint::U256;

use super::coordinates::{group_mean, group_means, mean, median_trim, plain_mean, quotient, total_weight, trimmed};
use super::survey::Survey;
use super::{check_run, Combination, CombineError, GroupSum};
use crate::fixed::{Fixed, FRACTION_BITS};
use crate::sums::root_up;

/// How every run is combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    groups: usize,
    shift: u32,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Mean,
    /// The mean by coordinate, without so many at each end.
    Trimmed(usize),
    /// The mean of these groups, ascending.
    Selected(Vec<usize>),
    /// The mean by weight of groups that are shrunk to `norm` from the given norm, rounded up; `None` for those within it.
    Clipped {
        norm: Fixed,
        from: Vec<Option<u128>>,
    },
}

impl Plan {
    pub(super) fn of(survey: &Survey) -> Self {
        let (of, sums) = (survey.pass.of, &survey.pass.sums);
        let way = match survey.rule {
            Combination::Mean => Way::Mean,
            Combination::Median => Way::Trimmed(median_trim(of.groups)),
            Combination::TrimmedMean { trim } => Way::Trimmed(trim as usize),
            Combination::MultiKrum { hostile, selected } => {
                Way::Selected(select(of.groups, hostile as usize, selected as usize, sums))
            }
            Combination::ClippedMean { norm } => {
                let square = u128::from(norm.to_bits().unsigned_abs()).pow(2);
                let limit = U256::from_u128(square);
                let from = sums.iter().map(|sum| (*sum > limit).then(|| root_up(sum))).collect();
                Way::Clipped { norm, from }
            }
        };
        Self { groups: of.groups, shift: FRACTION_BITS - of.scale_bits, way }
    }

    /// The groups that multi-Krum selected, by their places, ascending; `None` for other rules.
    #[must_use]
    pub fn selected(&self) -> Option<&[usize]> {
        match &self.way {
            Way::Selected(places) => Some(places),
            _ => None,
        }
    }

    /// The groups that were too long, by their places, ascending; `None` for other rules than clipping.
    #[must_use]
    pub fn clipped(&self) -> Option<Vec<usize>> {
        match &self.way {
            Way::Clipped { from, .. } => {
                Some(from.iter().enumerate().filter(|(_, norm)| norm.is_some()).map(|(place, _)| place).collect())
            }
            _ => None,
        }
    }

    /// One run of the combined update, in units of `2^-32`. The groups stand in the order of the survey, with the same weights.
    ///
    /// Each coordinate is rounded once, half to even, after what the module says of the groups' means; a mean that is shrunk is rounded once
    /// more, `v_g norm / ceil(|v_g|)`. The result is saturated.
    ///
    /// # Errors
    /// A [`CombineError`]; none depends on the values of the sums.
    pub fn combine(&self, run: &[GroupSum<'_>]) -> Result<Vec<i64>, CombineError> {
        let length = check_run(run, self.groups)?;
        match &self.way {
            Way::Mean => mean(run, length, self.shift),
            Way::Trimmed(trim) => Ok(trimmed(&group_means(run, self.shift), length, *trim)),
            Way::Selected(places) => Ok(self.mean_of_selected(run, length, places)),
            Way::Clipped { norm, from } => self.mean_of_clipped(run, length, *norm, from),
        }
    }

    fn mean_of_selected(&self, run: &[GroupSum<'_>], length: usize, places: &[usize]) -> Vec<i64> {
        let mut values = vec![0i64; places.len()];
        let mut combined = Vec::with_capacity(length);
        for coordinate in 0..length {
            for (value, &place) in values.iter_mut().zip(places) {
                *value = group_mean(run[place].sum[coordinate], run[place].weight, self.shift);
            }
            combined.push(plain_mean(values.iter()));
        }
        combined
    }

    /// A group within the norm counts with its exact sum, `U_g 2^shift`, below `2^95`; one that is shrunk with `w_g` times its shrunk mean.
    /// Weights add up to less than `2^63`, so a total is below `2^20 * 2^95 + 2^63 * 2^63 < 2^127`.
    fn mean_of_clipped(
        &self,
        run: &[GroupSum<'_>],
        length: usize,
        norm: Fixed,
        from: &[Option<u128>],
    ) -> Result<Vec<i64>, CombineError> {
        let weight = i128::from(total_weight(run)?);
        let mut combined = Vec::with_capacity(length);
        for coordinate in 0..length {
            let mut total = 0i128;
            for (group, from) in run.iter().zip(from) {
                let sum = group.sum[coordinate];
                total += match from {
                    None => i128::from(sum) << self.shift,
                    Some(from) => {
                        // The product is below 2^126; the norm it is divided by below 2^77.
                        let product =
                            i128::from(group_mean(sum, group.weight, self.shift)) * i128::from(norm.to_bits());
                        i128::from(quotient(product, from.cast_signed())) * i128::from(group.weight)
                    }
                };
            }
            combined.push(quotient(total, weight));
        }
        Ok(combined)
    }
}

/// The groups with the least scores, ascending by place. `distances` is of pairs in the survey's order; `groups >= 2 hostile + 3`.
fn select(groups: usize, hostile: usize, selected: usize, distances: &[U256]) -> Vec<usize> {
    let near = groups.saturating_sub(hostile + 2);
    // Where the pairs of `a` with those behind it begin: the rows before have `groups - 1`, `groups - 2`, .. pairs.
    let place = |a: usize, b: usize| a * (2 * groups - a - 1) / 2 + (b - a - 1);
    let mut ranked: Vec<(U256, Vec<U256>, usize)> = (0..groups)
        .map(|group| {
            let others = (0..groups).filter(|&other| other != group);
            let mut own: Vec<U256> = others.map(|other| distances[place(group.min(other), group.max(other))]).collect();
            own.sort_unstable();
            let further = own.split_off(near);
            (own.iter().fold(U256::ZERO, |sum, distance| sum.wrapping_add(distance)), further, group)
        })
        .collect();
    ranked.sort_unstable();
    let mut places: Vec<usize> = ranked.into_iter().take(selected).map(|(_, _, group)| group).collect();
    places.sort_unstable();
    places
}
