//! What messages and rounds cost. A protocol message's fee is what the machine itself counts, not what its sender declares: nobody can
//! drain a task's budget by declaring much.

use crate::params::{MAX_CHUNK, MAX_PROVIDERS, MAX_SEATS};
use crate::terms::Terms;
use bauta_secagg::ring::Layout;

/// Gas of every protocol message.
pub const GAS_MESSAGE: u64 = 5_000;
/// Gas of a byte.
pub const GAS_BYTE: u64 = 10;
/// Gas of an operation, about a microsecond of one core.
pub const GAS_OPERATION: u64 = 10;

/// Operations of verifying a signature.
pub const SIGNATURE: u64 = 90;
/// Operations of verifying a proof of one equation.
pub const PROOF: u64 = 200;
/// Operations of an enrolment: three proofs of possession and two signatures.
pub const ENROL: u64 = 3 * PROOF + 2 * SIGNATURE;
/// Operations of a small multiple and an addition of points, one step of Horner's rule.
pub const HORNER: u64 = 6;
/// Operations of a point in a batch, decompression included.
pub const BATCH_POINT: u64 = 40;
/// Operations of reading a compressed point and adding it to another.
pub const SUM_POINT: u64 = 8;
/// Operations of interpolating a point from one partial.
pub const INTERPOLATE: u64 = 20;
/// Elements of a stream that are added in an operation.
pub const ELEMENTS: u64 = 250;

/// Bytes of a message's envelope at most: type, addresses, numbers, signature.
const ENVELOPE: u64 = 512;

/// Operations of checking a deal for `m` seats with threshold `t`.
pub fn deal(m: u64, t: u64) -> u64 {
    SIGNATURE + PROOF + m * t * HORNER
}

/// Operations of verifying a partial over `entries` points.
pub fn partial(entries: u64) -> u64 {
    SIGNATURE + PROOF + entries * 2 * BATCH_POINT
}

/// Operations of verifying a seat's share of the joint key's value.
pub const EVALUATION: u64 = SIGNATURE + PROOF;

/// Gas of a protocol message of so many bytes and operations.
pub fn gas(bytes: u64, operations: u64) -> u64 {
    GAS_MESSAGE.saturating_add(bytes.saturating_mul(GAS_BYTE)).saturating_add(operations.saturating_mul(GAS_OPERATION))
}

/// The price of gas, rounded up.
pub fn fee(terms: &Terms, gas: u64) -> u128 {
    terms.gas_price.saturating_mul(u128::from(gas)).div_ceil(1000)
}

/// What a task may cost, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Fees of an epoch's enrolment and dealing.
    pub epoch_fees: u128,
    /// Fees of a round.
    pub round_fees: u128,
    /// Rewards of a round.
    pub round_rewards: u128,
    /// Budget with which the task is accepted: one epoch and all rounds.
    pub least_budget: u128,
}

/// What a round may need, fees and rewards, with groups of so many members that may check in and a committee of `seats`, of whom all may
/// answer and `threshold` are paid: more sit than may check in when some did not deal or were convicted.
pub fn round(terms: &Terms, groups: &[u32], seats: u32, threshold: u32) -> (u128, u128) {
    let n = groups.iter().fold(0u32, |n, &size| n.saturating_add(size));
    round_of(terms, n, asked(groups, terms.cohort.min_group), seats, threshold)
}

/// The same for `n` members and what is asked of a seat.
fn round_of(terms: &Terms, n: u32, asked: Asked, seats: u32, threshold: u32) -> (u128, u128) {
    let members = u128::from(n);
    let check_in = gas(check_in_bytes(), SIGNATURE + PROOF);
    // Two: a second header is an offence, and is charged before it is found.
    let headers = 2 * gas(ENVELOPE + 256 + 32 * u64::from(terms.layout.chunks()), 2 * SIGNATURE);
    let bytes = terms.layout.total_bytes();
    let chunks = u64::from(terms.layout.chunks());
    // And one chunk more: one that is not canonical is charged before it is found.
    let content =
        gas(0, 0).saturating_mul(chunks + 1).saturating_add(GAS_BYTE.saturating_mul(
            bytes.saturating_add(MAX_CHUNK as u64).saturating_add((chunks + 1).saturating_mul(ENVELOPE)),
        )) + chunk_operations(bytes + MAX_CHUNK as u64) * GAS_OPERATION;
    let unmask = gas(partial_bytes(asked), partial(asked.entries));
    let fees = members
        .saturating_mul(fee(terms, check_in) + fee(terms, headers) + u128::from(chunks + 1) + fee(terms, content))
        .saturating_add(u128::from(seats).saturating_mul(fee(terms, unmask)))
        .saturating_add(fee(terms, crate::round::blame::cost::round(terms, n, seats)));
    let rewards = members
        .saturating_mul(terms.per_update)
        .saturating_add(u128::from(threshold).saturating_mul(terms.per_partial));
    (fees, rewards)
}

/// Operations of checking a chunk of so many bytes: its hash.
pub fn chunk_operations(bytes: u64) -> u64 {
    bytes / 300 + 1
}

/// Bytes of a check-in's transaction at most.
pub fn check_in_bytes() -> u64 {
    ENVELOPE + 256
}

/// Bytes of a deal's transaction for `m` seats with threshold `t` at most.
pub fn deal_bytes(m: u64, t: u64) -> u64 {
    ENVELOPE + 256 + 33 * t + 48 * m
}

/// Seats and threshold of the largest committee that `n` enrolled may have.
pub fn committee(n: u32) -> (u64, u64) {
    let (m, t) = bauta_secagg::committee::committee(n as usize);
    (m as u64, t as u64)
}

/// Bytes of the transactions of a submission at most: a header, and the chunks in their envelopes.
pub fn submission_bytes(layout: &Layout) -> u64 {
    let chunks = u64::from(layout.chunks());
    (ENVELOPE + 256 + 32 * chunks).saturating_add(chunks * ENVELOPE).saturating_add(layout.total_bytes())
}

/// What is asked of a seat, at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Entries of the request list.
    pub entries: u64,
    /// Providers that dropped out: each has a proof of its own.
    pub dropped: u64,
}

/// Bytes of a partial's transaction at most: an entry is its place and a point, and all survivors together have one proof.
pub fn partial_bytes(asked: Asked) -> u64 {
    ENVELOPE + 256 + 72 * asked.entries + 108 * (asked.dropped + 1)
}

/// What is asked of a seat about groups of so many at most. A group of `n` with `s` survivors has `s + (n - s) s` entries, most of them at
/// half of `n + 1` survivors, or as few as are enough.
pub fn asked(groups: &[u32], min_group: u32) -> Asked {
    groups.iter().fold(Asked::default(), |all, &size| {
        let (n, least) = (u64::from(size), u64::from(min_group.min(size)));
        let s = n.div_ceil(2).clamp(least, n);
        Asked { entries: all.entries + s * (1 + n - s), dropped: all.dropped + n - least }
    })
}

/// What is asked of a seat of a task at most, over all numbers of dealers with which its epochs go on.
pub fn asked_at_most(terms: &Terms) -> Asked {
    let n = terms.cohort.max_providers.min(MAX_PROVIDERS);
    let fewest = terms.cohort.group_size.clamp(1, n.max(1));
    (fewest..=n).map(|n| asked(&group_sizes(n, fewest), terms.cohort.min_group)).fold(
        Asked::default(),
        |most, other| Asked { entries: most.entries.max(other.entries), dropped: most.dropped.max(other.dropped) },
    )
}

/// Sizes of the groups that `n` dealers make.
fn group_sizes(n: u32, g: u32) -> Vec<u32> {
    let count = (n / g.max(1)).max(1);
    (0..count).map(|number| n / count + u32::from(number < n % count)).collect()
}

/// What an epoch may need before its first round.
pub fn epoch(terms: &Terms) -> u128 {
    let n = terms.cohort.max_providers.min(MAX_PROVIDERS);
    let (m, t) = committee(n);
    let evaluation = fee(terms, gas(evaluation_bytes(), EVALUATION));
    // Seats are drawn once they are too few for everyone: the committee before is asked, then everyone.
    let is_drawn = n > MAX_SEATS;
    let contribution = if is_drawn { evaluation } else { 0 };
    let each = fee(terms, gas(ENVELOPE + 512, ENROL))
        .saturating_add(fee(terms, gas(deal_bytes(m, t), deal(m, t))))
        .saturating_add(contribution);
    let evaluations = u128::from(m) * (u128::from(terms.may_have_many_groups()) + u128::from(is_drawn));
    u128::from(n).saturating_mul(each).saturating_add(evaluations.saturating_mul(evaluation))
}

/// Bytes of a transaction at most that answers with a share of the joint key's value.
pub fn evaluation_bytes() -> u64 {
    ENVELOPE + 256
}

/// What a round of a full task may need, fees and rewards.
pub fn full_round(terms: &Terms) -> (u128, u128) {
    let n = terms.cohort.max_providers.min(MAX_PROVIDERS);
    let (m, t) = committee(n);
    round_of(terms, n, asked_at_most(terms), m as u32, t as u32)
}

/// What a task may cost.
pub fn estimate(terms: &Terms) -> Estimate {
    let epoch_fees = epoch(terms);
    let (round_fees, round_rewards) = full_round(terms);
    let least_budget = (round_fees.saturating_add(round_rewards))
        .saturating_mul(u128::from(terms.settings.rounds))
        .saturating_add(epoch_fees);
    Estimate { epoch_fees, round_fees, round_rewards, least_budget }
}
