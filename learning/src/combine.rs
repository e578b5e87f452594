//! From the groups' sums to one mean update in the model's fixed point.
//!
//! Works on a run of coordinates at a time, so that a block's budget bounds the work: the result of two neighbouring runs is the
//! concatenation of their results.

use ndarray::ArrayView1;

use crate::fixed::{divide_half_even, saturate, FRACTION_BITS};

/// Most groups of a round: keeps every total below `2^(63 + 20 + 32)`.
const MAX_GROUPS: usize = 1 << 20;

/// Why sums could not be combined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// Nothing to combine.
    #[error("no group is left to combine; a round needs at least one")]
    NoGroups,
    /// A group whose survivors weigh nothing.
    #[error("group {0} has a weight of 0; every survivor weighs at least 1")]
    NoWeight(usize),
    /// Runs of different lengths.
    #[error("group {group} has {found} coordinates where group 0 has {expected}")]
    Length {
        /// The group, by its place.
        group: usize,
        /// Coordinates of group 0.
        expected: usize,
        /// Coordinates of this one.
        found: usize,
    },
    /// The encoding's unit is finer than the model's.
    #[error("scale_bits is {0}; at most {FRACTION_BITS} are kept by the model's fixed point")]
    ScaleBits(u32),
    /// More groups than any round has.
    #[error("{0} groups are more than the 2^20 that can be combined")]
    TooManyGroups(usize),
    /// More weight than 64 bits hold.
    #[error("the groups' weights add up to more than 2^63")]
    WeightOverflow,
}

/// A run of coordinates of one group's unmasked sum `U = sum w_i u_i`, centred, range already checked.
#[derive(Clone, Copy, Debug)]
pub struct GroupSum<'a> {
    /// The run.
    pub sum: ArrayView1<'a, i64>,
    /// Sum of the survivors' weights.
    pub weight: u64,
}

impl<'a> GroupSum<'a> {
    /// From a slice.
    #[must_use]
    pub fn new(sum: &'a [i64], weight: u64) -> Self {
        Self { sum: ArrayView1::from(sum), weight }
    }
}

/// How groups become one update. Every rule maps a run of all groups to a run of the result; a rule that needs more than the run itself
/// (distances between groups over all coordinates) takes it as data of its variant, computed in a pass of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Combination {
    /// `sum_g U_g / sum_g w_g`: each survivor counts by its weight, whatever group it is in.
    #[default]
    Mean,
}

impl Combination {
    /// One run of the combined update, in units of `2^-32`, rounded once (half to even), saturated.
    ///
    /// # Errors
    /// A [`CombineError`]; none depends on the values of the sums.
    pub fn combine(self, groups: &[GroupSum<'_>], scale_bits: u32) -> Result<Vec<i64>, CombineError> {
        let length = groups.first().ok_or(CombineError::NoGroups)?.sum.len();
        if groups.len() > MAX_GROUPS {
            return Err(CombineError::TooManyGroups(groups.len()));
        }
        if scale_bits > FRACTION_BITS {
            return Err(CombineError::ScaleBits(scale_bits));
        }
        for (place, group) in groups.iter().enumerate() {
            if group.weight == 0 {
                return Err(CombineError::NoWeight(place));
            }
            if group.sum.len() != length {
                return Err(CombineError::Length { group: place, expected: length, found: group.sum.len() });
            }
        }
        match self {
            Self::Mean => mean(groups, length, FRACTION_BITS - scale_bits),
        }
    }
}

fn mean(groups: &[GroupSum<'_>], length: usize, shift: u32) -> Result<Vec<i64>, CombineError> {
    let weight = groups
        .iter()
        .try_fold(0u64, |total, group| total.checked_add(group.weight))
        .and_then(|total| i64::try_from(total).ok())
        .ok_or(CombineError::WeightOverflow)?;
    let mut combined = Vec::with_capacity(length);
    for coordinate in 0..length {
        let total: i128 = groups.iter().map(|group| i128::from(group.sum[coordinate])).sum();
        let mean = divide_half_even(total << shift, i128::from(weight)).ok_or(CombineError::WeightOverflow)?;
        combined.push(saturate(mean));
    }
    Ok(combined)
}
