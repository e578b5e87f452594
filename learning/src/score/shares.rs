//! From scores to rewards.

use crypto_bigint::{NonZero, U256};

use crate::fixed::{Fixed, ONE};
use crate::sums::low_half;

/// One number of a group's scores, in `0..=1`: its agreement, or nothing where it disagrees; with a test set the mean of that and its
/// usefulness, rounded down.
#[must_use]
pub fn factor(agreement: Fixed, usefulness: Option<Fixed>) -> Fixed {
    let agreement = agreement.to_bits().clamp(0, ONE);
    match usefulness {
        None => Fixed::from_bits(agreement),
        Some(usefulness) => Fixed::from_bits((agreement + usefulness.to_bits().clamp(0, ONE)) / 2),
    }
}

/// Divides `total` over groups, each given by its weight and its factor, in proportion to `weight * factor` (a factor below 0 counts as 0, above
/// 1 as 1). If all of these are 0, in proportion to the weights: who cannot be told apart is paid alike. If the weights are 0 too,
/// evenly.
///
/// The shares are whole, none is below 0, and they add up to `total`: each is its exact share rounded down, and the units that are left go
/// one each to the largest remainders, of equal ones to the first (largest remainders, Hamilton). So groups of equal factor get equal shares
/// by weight, and equal weights differ by at most one unit. No groups get nothing.
#[must_use]
pub fn shares(total: u128, groups: &[(u64, Fixed)]) -> Vec<u128> {
    let factors = |(weight, factor): &(u64, Fixed)| {
        // Below 2^64 * 2^33.
        u128::from(*weight) * u128::from(factor.to_bits().clamp(0, ONE).unsigned_abs())
    };
    let weights = |(weight, _): &(u64, Fixed)| u128::from(*weight);
    let mut parts: Vec<u128> = groups.iter().map(factors).collect();
    if parts.iter().all(|&part| part == 0) {
        parts = groups.iter().map(weights).collect();
    }
    if parts.iter().all(|&part| part == 0) {
        parts = vec![1; groups.len()];
    }
    // At most 2^20 groups in a round, so below 2^117; more than any machine holds would saturate.
    let whole = parts.iter().fold(0u128, |whole, &part| whole.saturating_add(part));
    let Some(divisor) = Option::<NonZero<U256>>::from(NonZero::new(U256::from_u128(whole))) else {
        return Vec::new();
    };
    let mut shares = Vec::with_capacity(parts.len());
    let mut remainders = Vec::with_capacity(parts.len());
    for (place, &part) in parts.iter().enumerate() {
        // Below 2^128 * 2^128.
        let product = U256::from_u128(total).wrapping_mul(&U256::from_u128(part));
        let (share, remainder) = product.div_rem(&divisor);
        shares.push(low_half(&share));
        remainders.push((std::cmp::Reverse(remainder), place));
    }
    let given = shares.iter().fold(0u128, |given, &share| given.saturating_add(share));
    remainders.sort_unstable();
    // Fewer are left than there are groups.
    for (_, place) in remainders.iter().zip(0..total.saturating_sub(given)).map(|(entry, _)| entry) {
        shares[*place] = shares[*place].saturating_add(1);
    }
    shares
}
