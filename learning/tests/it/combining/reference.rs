//! The rules again, slowly, in integers of any size and exact fractions.

use bauta_learning::combine::{Combination, GroupSum};
use num_bigint::BigInt;

/// A group: its sum and its weight.
pub type Group = (Vec<i64>, u64);

pub fn sums(groups: &[Group]) -> Vec<GroupSum<'_>> {
    groups.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect()
}

/// `numerator / denominator`, to the nearest integer, ties to even.
pub fn half_even(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let (one, two) = (BigInt::from(1), BigInt::from(2));
    // floor((2n + d) / 2d) rounds ties up.
    let twice: BigInt = &two * denominator;
    let up = floor(&(&two * numerator + denominator), &twice);
    let is_tie = &up * &twice == &two * numerator + denominator;
    if is_tie && &up % &two != BigInt::ZERO {
        up - one
    } else {
        up
    }
}

fn floor(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let quotient = numerator / denominator;
    if &quotient * denominator > *numerator {
        quotient - 1
    } else {
        quotient
    }
}

fn saturated(value: BigInt) -> BigInt {
    let most = BigInt::from(i64::MAX);
    value.clamp(-most.clone(), most)
}

fn to_i64(value: BigInt) -> i64 {
    saturated(value).try_into().unwrap()
}

/// The groups' means in units of 2^-32.
pub fn means(groups: &[Group], scale_bits: u32) -> Vec<Vec<BigInt>> {
    let mean = |sum: i64, weight: u64| saturated(half_even(&(BigInt::from(sum) << (32 - scale_bits)), &weight.into()));
    groups.iter().map(|(sum, weight)| sum.iter().map(|&sum| mean(sum, *weight)).collect()).collect()
}

pub fn squared_distance(a: &[BigInt], b: &[BigInt]) -> BigInt {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Who is selected: scores over all others but itself, the nearest first.
pub fn krum(means: &[Vec<BigInt>], hostile: usize, selected: usize) -> Vec<usize> {
    let mut scores = Vec::new();
    for (place, mean) in means.iter().enumerate() {
        let mut distances = Vec::new();
        for (other, vector) in means.iter().enumerate() {
            if other != place {
                distances.push(squared_distance(mean, vector));
            }
        }
        distances.sort();
        let near: BigInt = distances[..means.len() - hostile - 2].iter().sum();
        scores.push((near, distances[means.len() - hostile - 2..].to_vec(), place));
    }
    scores.sort();
    let mut places: Vec<usize> = scores[..selected].iter().map(|(_, _, place)| *place).collect();
    places.sort_unstable();
    places
}

/// The combined update.
pub fn combine(rule: Combination, groups: &[Group], scale_bits: u32) -> Vec<i64> {
    let means = means(groups, scale_bits);
    let weight: BigInt = groups.iter().map(|(_, weight)| BigInt::from(*weight)).sum();
    let by_coordinate = |combined: &dyn Fn(usize) -> (BigInt, BigInt)| -> Vec<i64> {
        let rounded = |coordinate| {
            let (numerator, denominator) = combined(coordinate);
            to_i64(half_even(&numerator, &denominator))
        };
        (0..groups[0].0.len()).map(rounded).collect()
    };
    let trimmed = |trim: usize| {
        by_coordinate(&|coordinate| {
            let mut values: Vec<BigInt> = means.iter().map(|mean| mean[coordinate].clone()).collect();
            values.sort();
            let kept = &values[trim..values.len() - trim];
            (kept.iter().sum(), BigInt::from(kept.len()))
        })
    };
    let exact = |group: usize, coordinate: usize| BigInt::from(groups[group].0[coordinate]) << (32 - scale_bits);
    match rule {
        Combination::Mean => {
            by_coordinate(&|coordinate| ((0..groups.len()).map(|group| exact(group, coordinate)).sum(), weight.clone()))
        }
        Combination::Median if groups.len() % 2 == 1 => trimmed(groups.len() / 2),
        Combination::Median => trimmed(groups.len() / 2 - 1),
        Combination::TrimmedMean { trim } => trimmed(trim as usize),
        Combination::MultiKrum { hostile, selected } => {
            let places = krum(&means, hostile as usize, selected as usize);
            by_coordinate(&|coordinate| {
                (places.iter().map(|&place| means[place][coordinate].clone()).sum(), BigInt::from(places.len()))
            })
        }
        Combination::ClippedMean { norm } => {
            let norm = BigInt::from(norm.to_bits());
            let lengths: Vec<Option<BigInt>> = means
                .iter()
                .map(|mean| {
                    let square: BigInt = mean.iter().map(|value| value * value).sum();
                    let root = square.sqrt();
                    let up = if &root * &root == square { root } else { root + 1 };
                    (square > &norm * &norm).then_some(up)
                })
                .collect();
            by_coordinate(&|coordinate| {
                let share = |group: usize| match &lengths[group] {
                    None => exact(group, coordinate),
                    Some(length) => half_even(&(&means[group][coordinate] * &norm), length) * groups[group].1,
                };
                ((0..groups.len()).map(share).sum(), weight.clone())
            })
        }
        other => panic!("{other:?} has no reference"),
    }
}
