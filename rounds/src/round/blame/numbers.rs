//! What members of a blamed group sign: one number an edge.

use crate::env::{Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::output::{Event, Output};
use crate::round::{standing, Standing};
use crate::terms::Terms;
use crate::windows::Now;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{BlameValues, BlamedGroup, MsgBlameValues, Round, RoundBlame, RoundPhase};
use bauta_secagg::blame::{self, EdgeNumbers, EdgeNumbersState, Question};
use bauta_secagg::encoding::Slot;
use bauta_secagg::signature::Signed;
use prost::Message;
use std::collections::BTreeMap;

pub(crate) struct Checked {
    standing: Standing,
    pass: u32,
    others: u64,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::SIGNATURE + self.others, pays: Pays::Round }
    }
}

/// The group of a slot among those that blame is about.
pub fn group_of(blame: &RoundBlame, slot: u32) -> Option<&BlamedGroup> {
    blame.groups.iter().find(|group| group.members.contains(&slot))
}

/// Whether numbers are awaited from a slot: its group is blamed, and where blame asks once more, it asks this group.
pub fn is_asked(blame: &RoundBlame, slot: u32) -> bool {
    group_of(blame, slot).is_some_and(|group| group.again || !blame.again)
}

/// What blame asks of a group.
///
/// # Errors
/// [`Error::State`].
pub fn members_of(group: &BlamedGroup) -> Result<Vec<Slot>, Error> {
    group.members.iter().map(|&slot| derive::slot(slot)).collect()
}

/// Whether a member's numbers are awaited: in the window, once a member and pass. Of two different ones the first stands: whichever is
/// true, a second says nothing that the seats would not be asked about.
pub(crate) fn check(
    env: &Env<'_>,
    storage: &dyn Storage,
    sender: &[u8],
    msg: &MsgBlameValues,
) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, "blame")?;
    standing.expect(msg.round, RoundPhase::Blame, "blame")?;
    let round = &standing.round;
    let now = Now { height: env.height, counted: state::counters(storage)?.counted_blocks, min_window: 0 };
    if now.has_expired(&round.window.unwrap_or_default()) {
        return Err(Error::Late("blame"));
    }
    let not_asked = || Error::NotAwaited("the sum of the sender's group is not out of range".into());
    let blame = state::find_blame(storage, msg.task_id, msg.round)?.unwrap_or_default();
    let check_in = state::find_check_in(storage, msg.task_id, msg.round, sender)?.ok_or_else(not_asked)?;
    let group = group_of(&blame, check_in.slot).filter(|_| is_asked(&blame, check_in.slot)).ok_or_else(not_asked)?;
    if state::find_blame_values(storage, msg.task_id, msg.round, blame.pass, sender)?.is_some() {
        return Err(Error::Duplicate("the numbers"));
    }
    let member = state::member(storage, msg.task_id, round.epoch, sender)?;
    let terms = Terms::read(&state::settings(storage, msg.task_id)?)?;
    let signed = Signed::<EdgeNumbers>::from_parts(&msg.body, &msg.signature)?;
    let members = members_of(group)?;
    let state = EdgeNumbersState {
        ctx: &derive::ctx(round)?,
        address: &derive::address(sender)?,
        v: &derive::signing_key(&member)?,
        slot: derive::slot(check_in.slot)?,
        question: Question { pass: blame.pass, coordinate: group.coordinate, members: &members },
        layout: &terms.layout,
    };
    blame::verify(&state, &signed).map_err(derive::refusal)?;
    Ok(Checked { pass: blame.pass, others: members.len() as u64, standing })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgBlameValues,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing: Standing { task, mut round, .. }, pass, .. } = check(env, storage, sender, msg)?;
    let values = BlameValues {
        address: sender.to_vec(),
        pass,
        body: msg.body.clone(),
        signature: msg.signature.clone(),
        height: env.height,
    };
    state::put_blame_values(storage, task.id, round.number, &values);
    round.bytes += msg.encoded_len() as u64;
    state::put_round(storage, &round);
    let event = Event::of_task("blame_values", task.id)
        .number("round", round.number)
        .number("pass", pass.into())
        .address("provider", sender);
    Ok(vec![event.into()])
}

/// What was signed in a pass, by slot.
///
/// # Errors
/// [`Error::State`].
pub(super) fn signed(
    storage: &dyn Storage,
    round: &Round,
    pass: u32,
) -> Result<BTreeMap<u32, Signed<EdgeNumbers>>, Error> {
    let mut signed = BTreeMap::new();
    for values in state::blame_values(storage, round.task_id, round.number)? {
        if values.pass == pass {
            let numbers = Signed::<EdgeNumbers>::from_parts(&values.body, &values.signature)
                .map_err(|error| Error::State(error.to_string()))?;
            signed.insert(numbers.body.slot.get(), numbers);
        }
    }
    Ok(signed)
}

/// What convicts a member: its header, and its numbers, each with its signature.
pub(super) fn evidence_of(storage: &dyn Storage, round: &Round, pass: u32, slot: Slot) -> Result<Vec<Vec<u8>>, Error> {
    let check_ins = state::check_ins(storage, round.task_id, round.number)?;
    let Some(own) = check_ins.iter().find(|check_in| check_in.slot == slot.get()) else { return Ok(Vec::new()) };
    let mut parts = Vec::new();
    if let Some(header) = state::find_header(storage, round.task_id, round.number, &own.address)? {
        parts.extend([header.body, header.signature]);
    }
    if let Some(values) = state::find_blame_values(storage, round.task_id, round.number, pass, &own.address)? {
        parts.extend([values.body, values.signature]);
    }
    Ok(parts)
}
