//! Rules that look at one coordinate at a time.

use super::{CombineError, GroupSum};
use crate::fixed::{divide_half_even, saturate};

/// One coordinate of a group's mean in units of `2^-32`: `sum * 2^shift / weight`, rounded once (half to even), saturated. `shift` is
/// 32 less the encoding's `scale_bits`, at most 32; `weight` is at least 1 (0 gives 0).
#[must_use]
pub const fn group_mean(sum: i64, weight: u64, shift: u32) -> i64 {
    let shift = if shift > 32 { 32 } else { shift };
    // Below 2^95.
    match divide_half_even((sum as i128) << shift, weight as i128) {
        Some(mean) => saturate(mean),
        None => 0,
    }
}

/// A run of every group's mean.
pub(crate) fn group_means(groups: &[GroupSum<'_>], shift: u32) -> Vec<Vec<i64>> {
    groups.iter().map(|group| group.sum.iter().map(|&sum| group_mean(sum, group.weight, shift)).collect()).collect()
}

/// Sum of all weights, below `2^63`.
pub(super) fn total_weight(groups: &[GroupSum<'_>]) -> Result<i64, CombineError> {
    groups
        .iter()
        .try_fold(0u64, |total, group| total.checked_add(group.weight))
        .and_then(|total| i64::try_from(total).ok())
        .ok_or(CombineError::WeightOverflow)
}

pub(super) fn mean(groups: &[GroupSum<'_>], length: usize, shift: u32) -> Result<Vec<i64>, CombineError> {
    let weight = total_weight(groups)?;
    let mut combined = Vec::with_capacity(length);
    for coordinate in 0..length {
        let total: i128 = groups.iter().map(|group| i128::from(group.sum[coordinate])).sum();
        combined.push(quotient(total << shift, i128::from(weight)));
    }
    Ok(combined)
}

/// In every coordinate the mean of the groups' means without the `trim` least and largest. At least one must be left.
pub(crate) fn trimmed(means: &[Vec<i64>], length: usize, trim: usize) -> Vec<i64> {
    let mut values = vec![0i64; means.len()];
    let mut combined = Vec::with_capacity(length);
    for coordinate in 0..length {
        for (value, mean) in values.iter_mut().zip(means) {
            *value = mean[coordinate];
        }
        values.sort_unstable();
        combined.push(plain_mean(values.iter().take(means.len() - trim).skip(trim)));
    }
    combined
}

/// The median is the trimmed mean that leaves one group, or the two in the middle.
pub(crate) const fn median_trim(groups: usize) -> usize {
    groups.saturating_sub(1) / 2
}

/// The mean of values that count alike, rounded once. Nothing gives 0.
pub(super) fn plain_mean<'a>(values: impl Iterator<Item = &'a i64>) -> i64 {
    let (total, count) = values.fold((0i128, 0i128), |(total, count), &value| (total + i128::from(value), count + 1));
    quotient(total, count)
}

/// Rounded once, saturated; 0 when there is nothing to divide by.
pub(super) fn quotient(numerator: i128, denominator: i128) -> i64 {
    divide_half_even(numerator, denominator).map_or(0, saturate)
}
