//! What blame costs.

use crate::cost::{self, BATCH_POINT, GAS_BYTE, GAS_OPERATION, PROOF, SIGNATURE, SUM_POINT};
use crate::params::MAX_MESSAGE;
use crate::terms::Terms;
use bauta_schema::training::v1::{Round, RoundBlame};

/// Bytes of a message's envelope, and of what a body names beside its lists, at most.
const ENVELOPE: u64 = 512 + 256;
/// Bytes of an entry of a partial, and of a provider's proof in it.
const ENTRY: u64 = 72;
const BLOCK: u64 = 108;

/// Bytes of a member's numbers at most, in a group of so many.
fn numbers_bytes(members: u64) -> u64 {
    ENVELOPE + 12 * members
}

/// Bytes of a seat's answer to a list of blame at most.
pub(super) fn partial_bytes(entries: u64, providers: u64) -> u64 {
    ENVELOPE + ENTRY * entries + BLOCK * providers
}

/// Operations of judging the groups that a pass is about: a point is read and a number made of it for each member and each that is no
/// longer one, and every two members are compared.
pub(super) fn judging(round: &Round, blame: &RoundBlame) -> u64 {
    let of_group = |number: u32, members: usize| {
        let all = round.groups.iter().find(|group| group.number == number).map_or(0, |group| group.members.len());
        let (members, all) = (members as u64, all as u64);
        members * (1 + all - all.min(members)) * 2 * SUM_POINT + members * members
    };
    blame.groups.iter().map(|group| of_group(group.number, group.members.len())).sum::<u64>() + 1
}

/// Operations of comparing the ends of so many opened edges with their masks.
pub(super) fn comparing(edges: usize) -> u64 {
    2 * SUM_POINT * edges as u64 + 1
}

/// Groups in a round at most, and members of each at most.
fn groups(terms: &Terms, n: u32) -> (u64, u64) {
    let count = u64::from(terms.groups_of(n));
    (count, u64::from(n).div_ceil(count.max(1)))
}

/// Gas of a round's blame at most, with `n` members and `seats` seats. A pass removes a member of each group it is about or is its last,
/// so that a group has at most as many passes as it has members above `min_group`, and one. The edges that a pass opens because they
/// differ have each an end that is removed; so over all passes there are no more than a group has, and of those of culprits no more than
/// each of them has.
pub(crate) fn round(terms: &Terms, n: u32, seats: u32) -> u64 {
    if terms.blame.is_none() {
        return 0;
    }
    let (count, size) = groups(terms, n);
    let spare = size.saturating_sub(u64::from(terms.cohort.min_group));
    let passes = spare + 1;
    let numbers = cost::gas(numbers_bytes(size), SIGNATURE + size);
    let lists = cost::gas(ENVELOPE, SIGNATURE + PROOF);
    let entries = count.saturating_mul(size * size / 2 + spare * size);
    let entry = (ENTRY + BLOCK) * GAS_BYTE + 2 * BATCH_POINT * GAS_OPERATION;
    let of_seat = lists.saturating_mul(2 * passes).saturating_add(entries.saturating_mul(entry));
    let of_members = numbers.saturating_mul(u64::from(n)).saturating_mul(passes);
    of_members.saturating_add(of_seat.saturating_mul(u64::from(seats)))
}

/// Bytes of members' numbers in a window, and of a seat's answer to a list of blame, at most.
pub(crate) fn bytes(terms: &Terms, n: u32) -> (u64, u64) {
    let (count, size) = groups(terms, n);
    let spare = size.saturating_sub(u64::from(terms.cohort.min_group));
    let edges = partial_bytes(count * (size * size / 2).max(spare * size), u64::from(n));
    (u64::from(n) * numbers_bytes(size), edges.min(MAX_MESSAGE))
}
