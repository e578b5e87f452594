//! What a finished round pays for updates: so much each, or, where rewards follow scores, a pot that is divided by them.
//!
//! The pot is what all these updates would be paid without scores, so that it never exceeds what the round reserved. Groups share it in
//! proportion to their updates times their factor ([`shares`]): updates, and not weights, since weights are what members declare and
//! more pay would make them declare more. Who cannot be told apart is paid alike: groups of equal factors, or of none at all,
//! get per update what they would get without scores. Within a group, whose members nobody can tell apart, the share is divided evenly;
//! what that leaves, less than a unit each, goes to the lowest slots.

use crate::env::Storage;
use crate::error::Error;
use crate::terms::Terms;
use crate::{derive, state};
use bauta_learning::fixed::Fixed;
use bauta_learning::score::shares;
use bauta_schema::training::v1::{CheckIn, Round, RoundGroup};

/// The addresses of those whose update is paid, and the amounts.
///
/// # Errors
/// [`Error::State`].
pub(super) fn updates(storage: &dyn Storage, terms: &Terms, round: &Round) -> Result<Vec<(Vec<u8>, u128)>, Error> {
    let mut paid = state::check_ins(storage, round.task_id, round.number)?;
    paid.retain(|check_in| derive::takes_part(round, check_in.slot));
    if !terms.scoring.as_ref().is_some_and(|scoring| scoring.rewards) {
        return Ok(paid.into_iter().map(|check_in| (check_in.address, terms.per_update)).collect());
    }
    let pot = terms.per_update.saturating_mul(paid.len() as u128);
    let members = |group: &RoundGroup| -> Vec<&CheckIn> {
        paid.iter().filter(|check_in| group.survivors.contains(&check_in.slot)).collect()
    };
    let groups: Vec<_> = round.groups.iter().map(|group| (members(group), factor(group))).collect();
    let parts: Vec<_> = groups.iter().map(|(members, factor)| (members.len() as u64, *factor)).collect();
    let mut owed = Vec::with_capacity(paid.len());
    for ((members, _), share) in groups.iter().zip(shares(pot, &parts)) {
        let count = members.len() as u128;
        let (Some(each), Some(left)) = (share.checked_div(count), share.checked_rem(count)) else { continue };
        for (place, member) in members.iter().enumerate() {
            owed.push((member.address.clone(), each + u128::from((place as u128) < left)));
        }
    }
    Ok(owed)
}

/// What a group's updates count for: nothing without a score.
fn factor(group: &RoundGroup) -> Fixed {
    let units = group.scores.as_ref().map_or(0, |scores| scores.factor);
    Fixed::from_bits(i64::try_from(units).unwrap_or(i64::MAX))
}
