//! What messages and rounds cost. A protocol message's fee is what the machine itself counts, not what its sender declares: nobody can
//! drain a task's budget by declaring much.

use crate::params::{MAX_CHUNK, MAX_PROVIDERS};
use crate::terms::Terms;
use bauta_secagg::parties::threshold;
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

/// Operations of checking a deal for `m` seats.
pub fn deal(m: u64) -> u64 {
    SIGNATURE + PROOF + m * threshold(m as usize) as u64 * HORNER
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
    round_of(terms, n, requests(groups, terms.cohort.min_group), seats, threshold)
}

/// The same for `n` members and a request list of so many entries.
fn round_of(terms: &Terms, n: u32, entries: u64, seats: u32, threshold: u32) -> (u128, u128) {
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
    let unmask = gas(partial_bytes(n, entries), partial(entries));
    let fees = members
        .saturating_mul(fee(terms, check_in) + fee(terms, headers) + u128::from(chunks + 1) + fee(terms, content))
        .saturating_add(u128::from(seats).saturating_mul(fee(terms, unmask)));
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

/// Bytes of a deal's transaction for `m` seats at most.
pub fn deal_bytes(m: u64) -> u64 {
    ENVELOPE + 256 + 33 * threshold(m as usize) as u64 + 48 * m
}

/// Bytes of the transactions of a submission at most: a header, and the chunks in their envelopes.
pub fn submission_bytes(layout: &Layout) -> u64 {
    let chunks = u64::from(layout.chunks());
    (ENVELOPE + 256 + 32 * chunks).saturating_add(chunks * ENVELOPE).saturating_add(layout.total_bytes())
}

/// Bytes of a partial's transaction at most, for a list of so many entries about `n` that checked in.
pub fn partial_bytes(n: u32, entries: u64) -> u64 {
    ENVELOPE + 256 + 72 * entries + 108 * (u64::from(n) + 1)
}

/// Entries of a request list about groups of so many at most.
pub fn requests(groups: &[u32], min_group: u32) -> u64 {
    groups.iter().map(|&size| most_requests(size, min_group)).sum()
}

/// Entries for a group of `n` at most, over all numbers `s` of survivors that are enough: `s + (n - s) s` is largest at half of `n + 1`.
fn most_requests(n: u32, min_group: u32) -> u64 {
    let s = u64::from(n.saturating_add(1) / 2).clamp(u64::from(min_group.min(n)), u64::from(n));
    s * (1 + u64::from(n) - s)
}

/// Entries of a request list of a task at most, over all numbers of dealers with which its epochs go on.
pub fn requests_at_most(terms: &Terms) -> u64 {
    let n = terms.cohort.max_providers.min(MAX_PROVIDERS);
    let fewest = terms.cohort.group_size.clamp(1, n.max(1));
    (fewest..=n).map(|n| requests(&group_sizes(n, fewest), terms.cohort.min_group)).max().unwrap_or(0)
}

/// Sizes of the groups that `n` dealers make.
fn group_sizes(n: u32, g: u32) -> Vec<u32> {
    let count = (n / g.max(1)).max(1);
    (0..count).map(|number| n / count + u32::from(number < n % count)).collect()
}

/// What an epoch may need before its first round.
pub fn epoch(terms: &Terms) -> u128 {
    let n = u64::from(terms.cohort.max_providers.min(MAX_PROVIDERS));
    let enrol = gas(ENVELOPE + 512, ENROL);
    let deal = gas(deal_bytes(n), deal(n));
    let each = fee(terms, enrol).saturating_add(fee(terms, deal));
    let evaluations = if terms.may_have_many_groups() { u128::from(n) } else { 0 };
    u128::from(n)
        .saturating_mul(each)
        .saturating_add(evaluations.saturating_mul(fee(terms, gas(evaluation_bytes(), EVALUATION))))
}

/// Bytes of a transaction at most that answers with a share of the joint key's value.
pub fn evaluation_bytes() -> u64 {
    ENVELOPE + 256
}

/// What a round of a full task may need, fees and rewards.
pub fn full_round(terms: &Terms) -> (u128, u128) {
    let n = terms.cohort.max_providers.min(MAX_PROVIDERS);
    round_of(terms, n, requests_at_most(terms), n, threshold(n as usize) as u32)
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
