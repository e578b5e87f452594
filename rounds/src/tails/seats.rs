//! Tails of a draw of seats by bond with replacement: every seat is an independent trial.

use super::{Declared, Probability, MILLION};
use num_bigint::BigUint;

/// Seats that are drawn above [`bauta_secagg::encoding::MAX_SEATS`] providers (protocol.md, "An epoch" 2).
pub const DRAWN_SEATS: u32 = 96;
/// How many of them unmask.
pub const DRAWN_THRESHOLD: u32 = 58;
/// A committee may be unable to unmask once in so many draws: 1 %.
pub const UNABLE_ONE_IN: u64 = 100;
/// A committee may be corrupt once in so many draws: `2^-40`.
pub const CORRUPT_ONE_IN: u64 = 1 << 40;
/// Operations of both tails.
pub const OPERATIONS: u64 = 500;

/// The odds of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// That fewer than the threshold are honest and online: a seat is with `(1 - corrupt)(1 - offline)`.
    pub unable: Probability,
    /// That the threshold or more are corrupt.
    pub corrupt: Probability,
}

/// The odds of drawing [`DRAWN_SEATS`] of which [`DRAWN_THRESHOLD`] unmask. Shares of a whole or more count as the whole.
pub fn draw(declared: &Declared) -> Draw {
    let (corrupt, offline) = (declared.corrupt_bond_ppm.min(MILLION), declared.offline_seats_ppm.min(MILLION));
    let (honest, online) = (u64::from(MILLION - corrupt), u64::from(MILLION - offline));
    let unable = at_most(DRAWN_SEATS, DRAWN_THRESHOLD - 1, honest * online, u64::from(MILLION) * u64::from(MILLION));
    let corrupt = at_least(DRAWN_SEATS, DRAWN_THRESHOLD, corrupt.into(), MILLION.into());
    Draw { unable, corrupt }
}

/// `P[X >= k]` of `X` successes in `trials`, each with `success / of`.
fn at_least(trials: u32, k: u32, success: u64, of: u64) -> Probability {
    // As many failures as are left at most.
    at_most(trials, trials - k, of - success, of)
}

/// `P[X <= k]` of `X` successes in `trials`, each with `success / of`:
/// `sum_{x <= k} C(trials, x) success^x (of - success)^(trials - x) / of^trials`.
fn at_most(trials: u32, k: u32, success: u64, of: u64) -> Probability {
    let divisor = greatest_common_divisor(success, of);
    let (success, of) = (success / divisor, of / divisor);
    let failure = of - success;
    // With S_k = sum_{x <= k} c_x s^x f^(k - x): S_k = S_(k-1) f + c_k s^k, and the tail is S_k f^(trials - k).
    let (mut sum, mut power, mut choose) = (BigUint::from(1u32), BigUint::from(1u32), BigUint::from(1u32));
    for x in 1..=k {
        choose = choose * (trials - x + 1) / x;
        power *= success;
        sum = sum * failure + &choose * &power;
    }
    Probability::new(sum * BigUint::from(failure).pow(trials - k), BigUint::from(of).pow(trials))
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}
