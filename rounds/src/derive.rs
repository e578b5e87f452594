//! From records to the values that `secagg` computes with. The chain and its clients use the same functions, so that a client can
//! compare every root and context with its own.

use crate::error::{Error, Rejection as Rejected};
use crate::offence::{is_barred, Offence};
use crate::state;
use bauta_schema::training::v1::{AbortReason, CheckIn, Epoch, Member, Round, RoundGroup, RoundPhase, Seat};
use bauta_secagg::committee::{self, Enrolled};
use bauta_secagg::context::{Ctx, Ectx, Rctx, Root};
use bauta_secagg::curve::{Point, VerifyKey};
use bauta_secagg::encoding::{Address, Slot};
use bauta_secagg::enrol::PublicKeys;
use bauta_secagg::joint::JointInput;
use bauta_secagg::parties::{Group, GroupMember, Member as RosterMember, Roster, SeatHolder, Seats, Survivors};
use bauta_secagg::partition;
use bauta_secagg::rejection::Rejection;
use bauta_secagg::unmask::Requests;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a record that the machine wrote itself.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::State(error.to_string())
}

/// An address out of a record, or of a sender.
///
/// # Errors
/// [`Error::State`] for one that is empty or longer than 255 bytes.
pub fn address(bytes: &[u8]) -> Result<Address, Error> {
    Address::new(bytes).map_err(broken)
}

/// A point out of a record.
///
/// # Errors
/// [`Error::State`].
pub fn point(bytes: &[u8]) -> Result<Point, Error> {
    Point::from_bytes(bytes).map_err(broken)
}

/// A member's signing key V.
///
/// # Errors
/// [`Error::State`].
pub fn signing_key(member: &Member) -> Result<VerifyKey, Error> {
    VerifyKey::from_bytes(&member.signing_key).map_err(broken)
}

/// The 32 bytes that a point and its negative have in common.
pub fn x_coordinate(point: &Point) -> [u8; 32] {
    let bytes = point.to_bytes();
    let mut x = [0; 32];
    x.copy_from_slice(&bytes[1..]);
    x
}

/// A refusal of `secagg` as an error.
pub fn refusal(rejection: Rejection) -> Error {
    match rejection {
        Rejection::Malformed(malformed) => Error::Malformed(malformed.to_string()),
        Rejection::BadSignature(_) => Error::BadSignature,
        Rejection::InvalidProof(what) => Error::InvalidProof(what.to_string()),
        Rejection::Refused(refusal) => Error::Refused(refusal.to_string()),
    }
}

/// A refusal of `secagg` as a failure of a message, with the offence if it is one.
pub(crate) fn reject(rejection: Rejection, offence: impl FnOnce() -> Offence) -> Rejected {
    if rejection.is_offence() {
        Rejected::offence(refusal(rejection), offence())
    } else {
        refusal(rejection).into()
    }
}

/// The context of check-ins of a round.
///
/// # Errors
/// [`Error::State`].
pub fn rctx(round: &Round) -> Result<Rctx, Error> {
    Ok(Rctx::from_bytes(state::hash(&round.rctx)?))
}

/// The context of everything else in a round.
///
/// # Errors
/// [`Error::State`].
pub fn ctx(round: &Round) -> Result<Ctx, Error> {
    Ok(Ctx::from_bytes(state::hash(&round.ctx)?))
}

/// A slot out of a record.
///
/// # Errors
/// [`Error::State`].
pub fn slot(slot: u32) -> Result<Slot, Error> {
    Slot::new(slot).map_err(broken)
}

/// Whether a member is a qualified dealer when `round` opens.
pub fn is_qualified(member: &Member, round: u64) -> bool {
    member.slot > 0 && !is_barred(member, round)
}

/// The dealers qualified when `round` opens, with the slots that are fixed for the epoch. While the round runs this is what its
/// `roster_root` was made of; a member that is barred later is barred from a later round.
///
/// # Errors
/// [`Error::State`].
pub fn roster(members: &[Member], round: u64) -> Result<Roster, Error> {
    roster_of(members.iter().filter(|member| is_qualified(member, round)))
}

/// The dealers that qualified when complaints closed, whatever became of them since: those whose joint key the seats share.
///
/// # Errors
/// [`Error::State`].
pub fn dealers(members: &[Member]) -> Result<Roster, Error> {
    roster_of(members.iter().filter(|member| member.slot > 0))
}

fn roster_of<'a>(members: impl Iterator<Item = &'a Member>) -> Result<Roster, Error> {
    let entries: Result<Vec<_>, Error> = members
        .map(|member| {
            let entry = RosterMember {
                address: address(&member.address)?,
                x: point(&member.masking_key)?,
                z: point(&member.cohort_key)?,
                e: point(&member.seat_key)?,
                v: signing_key(member)?,
            };
            Ok((slot(member.slot)?, entry))
        })
        .collect();
    Roster::with_slots(entries?).map_err(broken)
}

/// The seats that a member holds, ascending.
pub fn seats_of(member: &Member) -> impl Iterator<Item = u32> + '_ {
    std::iter::once(member.seat).filter(|seat| *seat > 0).chain(member.further_seats.iter().copied())
}

/// A member's bond when it enrolled.
///
/// # Errors
/// [`Error::State`].
pub fn bond(member: &Member) -> Result<u128, Error> {
    crate::terms::amount("bond", &member.bond).map_err(broken)
}

/// The root of the enrolled, among whom seats are drawn.
///
/// # Errors
/// [`Error::State`].
pub fn enrolment_root(members: &[Member]) -> Result<Root, Error> {
    let enrolled: Result<Vec<Enrolled>, Error> = members
        .iter()
        .map(|member| {
            let keys = PublicKeys {
                x: point(&member.masking_key)?,
                z: point(&member.cohort_key)?,
                e: point(&member.seat_key)?,
                v: signing_key(member)?,
            };
            Ok(Enrolled { address: address(&member.address)?, keys, bond: bond(member)? })
        })
        .collect();
    Ok(committee::enrolment_root(&enrolled?))
}

/// What the joint key of an earlier epoch's dealers is evaluated on to seed the draw of an epoch's seats.
///
/// # Errors
/// [`Error::State`].
pub fn seats_input(epoch: &Epoch, before: &Epoch) -> Result<JointInput, Error> {
    let (ectx, enrolled) = (Ectx::from_bytes(state::hash(&epoch.ectx)?), state::hash(&epoch.enrolment_root)?);
    let dealers = Root::from_bytes(state::hash(&before.dealers_root)?);
    Ok(committee::input_for_committee(&ectx, &Root::from_bytes(enrolled), &dealers))
}

/// What everyone enrolled evaluates under its own key to seed the draw.
///
/// # Errors
/// [`Error::State`].
pub fn everyones_input(epoch: &Epoch) -> Result<JointInput, Error> {
    let (ectx, enrolled) = (Ectx::from_bytes(state::hash(&epoch.ectx)?), state::hash(&epoch.enrolment_root)?);
    Ok(committee::input_for_everyone(&ectx, &Root::from_bytes(enrolled)))
}

/// What the dealers' joint key is evaluated on to cut an epoch's groups.
///
/// # Errors
/// [`Error::State`].
pub fn partition_input(epoch: &Epoch) -> Result<JointInput, Error> {
    let ectx = Ectx::from_bytes(state::hash(&epoch.ectx)?);
    Ok(JointInput::partition(&ectx, &Root::from_bytes(state::hash(&epoch.dealers_root)?)))
}

/// The groups of an epoch's dealers, whose slots are given in ascending order: one, or those that the value of their joint key cuts.
///
/// # Errors
/// [`Error::State`].
pub fn partition(epoch: &Epoch, slots: &[Slot], group_size: u32) -> Result<Vec<Vec<Slot>>, Error> {
    if epoch.partition_point.is_empty() {
        return Ok(vec![slots.to_vec()]);
    }
    Ok(partition::cut(&partition_input(epoch)?, &point(&epoch.partition_point)?, slots, group_size as usize))
}

/// The seats of an epoch, in the order of their indices.
///
/// # Errors
/// [`Error::State`].
pub fn seats(seats: &[Seat]) -> Result<Seats, Error> {
    let holders: Result<Vec<_>, Error> =
        seats.iter().map(|seat| Ok(SeatHolder { address: address(&seat.address)?, e: point(&seat.key)? })).collect();
    Seats::new(holders?).map_err(broken)
}

/// Those who checked in, once check-in has closed.
///
/// # Errors
/// [`Error::State`].
pub fn group(members: &[Member], check_ins: &[CheckIn]) -> Result<Group, Error> {
    let by_address: BTreeMap<&[u8], &Member> = members.iter().map(|member| (&member.address[..], member)).collect();
    let group: Result<Vec<_>, Error> = check_ins
        .iter()
        .map(|check_in| {
            let member = by_address
                .get(&check_in.address[..])
                .ok_or_else(|| broken("a check-in of an address that is no member"))?;
            Ok(GroupMember {
                slot: slot(check_in.slot)?,
                address: address(&check_in.address)?,
                x: point(&member.masking_key)?,
                p: point(&check_in.point)?,
            })
        })
        .collect();
    Group::new(group?).map_err(broken)
}

/// Those of a round's group who checked in, once check-in has closed.
///
/// # Errors
/// [`Error::State`].
pub fn group_of_round(members: &[Member], check_ins: &[CheckIn], of: &RoundGroup) -> Result<Group, Error> {
    let own: Vec<CheckIn> = check_ins.iter().filter(|check_in| of.members.contains(&check_in.slot)).cloned().collect();
    group(members, &own)
}

/// Whether a group of a round goes on.
pub fn goes_on(group: &RoundGroup) -> bool {
    group.void() == AbortReason::Unspecified
}

/// Whether a group's masks are asked for, once survivors are final: it had enough of them, whatever its sum turns out to be.
pub fn is_released(group: &RoundGroup) -> bool {
    !group.survivors.is_empty() && matches!(group.void(), AbortReason::Unspecified | AbortReason::OutOfRange)
}

/// Whether a slot's update is in a group of a round that goes on, or finished.
pub fn takes_part(round: &Round, slot: u32) -> bool {
    let is_in = |group: &RoundGroup| group.survivors.contains(&slot) && !group.removed.contains(&slot);
    round.groups.iter().any(|group| goes_on(group) && is_in(group))
}

/// Which of a round's request lists the seats are asked now: 0 the first, from 1 on those of blame.
pub fn asked_list(round: &Round) -> Option<u32> {
    match round.phase() {
        RoundPhase::Unmask => Some(0),
        RoundPhase::BlameEdges | RoundPhase::BlameRemove => Some(round.blame_lists),
        _ => None,
    }
}

/// Root of the list that the seats are asked now; of the first while they are asked none.
pub fn asked_root(round: &Round) -> &[u8] {
    match asked_list(round) {
        Some(list) if list > 0 => &round.blame_root,
        _ => &round.request_root,
    }
}

/// Slots of the survivors of a group whom blame has not removed, ascending: those whose updates its sum has.
pub fn summed(group: &RoundGroup) -> Vec<u32> {
    group.survivors.iter().copied().filter(|slot| !group.removed.contains(slot)).collect()
}

/// The groups of a round whose masks are asked for, in their order, once survivors are final: those with enough survivors.
///
/// # Errors
/// [`Error::State`].
pub fn released_groups(
    members: &[Member],
    check_ins: &[CheckIn],
    round: &Round,
    min_group: u32,
) -> Result<Vec<(Group, Survivors)>, Error> {
    let released = round.groups.iter().filter(|group| is_released(group));
    released
        .map(|of| {
            let group = group_of_round(members, check_ins, of)?;
            let survivors = survivors(&group, &of.survivors, min_group)?;
            Ok((group, survivors))
        })
        .collect()
}

/// The survivors of a group, once they are final.
///
/// # Errors
/// [`Error::State`].
pub fn survivors(group: &Group, slots: &[u32], min_group: u32) -> Result<Survivors, Error> {
    let submitted: Result<BTreeSet<Slot>, Error> = slots.iter().map(|&number| slot(number)).collect();
    Survivors::new(group, &submitted?, min_group as usize).map_err(broken)
}

/// The request list of a round that was released.
///
/// # Errors
/// [`Error::State`].
pub fn requests(round: &Round, groups: &[(Group, Survivors)]) -> Result<Requests, Error> {
    let groups: Vec<_> = groups.iter().map(|(group, survivors)| (group, survivors)).collect();
    Requests::new(&rctx(round)?, &groups).map_err(broken)
}
