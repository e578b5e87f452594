//! Unmasking: seats answer the request list. Answers are checked against state when they come; their proofs are verified in batches at
//! the end of the block, in the order of height and index, until `t` are valid. All other seats are excused.

use super::blame::lists;
use super::{enter, settle, standing, submit, Standing};
use crate::end_block::Turn;
use crate::env::{Blobs, Budget, Env, Storage};
use crate::epoch::partition::note_silence;
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_excused, record, Offence};
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::windows::Now;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    AbortReason, Epoch, Member, MsgUnmask, OffenceKind, Partial as PartialRecord, PartialStatus, Round, RoundPhase,
    Task,
};
use bauta_secagg::deal::ShareKeys;
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::parties::{Group, Survivors};
use bauta_secagg::rejection::Refusal;
use bauta_secagg::signature::Signed;
use bauta_secagg::switched_off;
use bauta_secagg::unmask::{self, Partial, Requests, SeatKeys, UnmaskState};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of the seats of a round, from its records.
pub(crate) struct Asked {
    pub members: Vec<Member>,
    /// The groups that go on, or did when the list was made, in their order.
    pub groups: Vec<(Group, Survivors)>,
    pub requests: Requests,
    /// Which of the round's lists this is: 0 the first, from 1 on those of blame.
    pub list: u32,
}

impl Asked {
    /// Reads the round's first list, once survivors are final.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn of(storage: &dyn Storage, round: &Round, min_group: u32) -> Result<Self, Error> {
        let members = state::members(storage, round.task_id, round.epoch)?;
        let check_ins = state::check_ins(storage, round.task_id, round.number)?;
        let groups = derive::released_groups(&members, &check_ins, round, min_group)?;
        let requests = derive::requests(round, &groups)?;
        Ok(Self { members, groups, requests, list: 0 })
    }

    /// Reads the list to which the round awaits answers.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn now(storage: &dyn Storage, round: &Round, min_group: u32) -> Result<Self, Error> {
        let first = Self::of(storage, round, min_group)?;
        match derive::asked_list(round) {
            Some(list) if list > 0 => Ok(Self { requests: lists::requests(storage, round, list)?, list, ..first }),
            _ => Ok(first),
        }
    }

    /// Who holds a slot.
    pub fn holder(&self, slot: Slot) -> Result<&Member, Error> {
        let found = self.members.iter().find(|member| member.slot == slot.get());
        found.ok_or_else(|| Error::State(format!("no member holds slot {}", slot.get())))
    }

    /// Who holds a seat.
    pub fn holder_of_seat(&self, seat: u32) -> Result<&Member, Error> {
        let found = self.members.iter().find(|member| derive::seats_of(member).any(|own| own == seat));
        found.ok_or_else(|| Error::State(format!("nobody holds seat {seat}")))
    }

    /// Share keys of the dealers on the list, as they are stored: by slot, the keys of all seats.
    pub fn share_keys(&self, storage: &dyn Storage, round: &Round) -> Result<BTreeMap<Slot, Vec<u8>>, Error> {
        let mut keys = BTreeMap::new();
        for slot in self.requests.providers().into_keys() {
            let dealer = &self.holder(slot)?.address;
            keys.insert(slot, state::share_keys(storage, round.task_id, round.epoch, dealer)?.points);
        }
        Ok(keys)
    }
}

/// The keys of one seat's shares out of those of all seats.
pub(crate) fn seat_keys(share_keys: &BTreeMap<Slot, Vec<u8>>, seat: u32) -> Result<SeatKeys, Error> {
    let seat = seat_index(seat)?;
    let key = |(slot, points): (&Slot, &Vec<u8>)| {
        Ok((*slot, ShareKeys::decode_one(points, seat).map_err(|error| Error::State(error.to_string()))?))
    };
    share_keys.iter().map(key).collect()
}

pub(crate) struct Checked {
    standing: Standing,
    seat: u32,
    entries: u64,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::partial(self.entries), pays: Pays::Round }
    }
}

/// Whether a seat's answer is awaited: in the window, once a seat, for the whole list that the chain wrote, and while fewer than `t`
/// valid answers are there. Answers that wait for verification do not count as valid, so that no bad one can keep a good one out.
pub(crate) fn check(env: &Env<'_>, storage: &dyn Storage, sender: &[u8], msg: &MsgUnmask) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, "unmask")?;
    let list = derive::asked_list(&standing.round);
    let phase = if list.is_some() { standing.round.phase() } else { RoundPhase::Unmask };
    standing.expect(msg.round, phase, "unmask")?;
    let Standing { epoch, round, .. } = &standing;
    let now = Now { height: env.height, counted: state::counters(storage)?.counted_blocks, min_window: 0 };
    if now.has_expired(&round.window.unwrap_or_default()) {
        return Err(Error::Late("unmask"));
    }
    let member = state::member(storage, msg.task_id, epoch.number, sender)?;
    if member.seat == 0 {
        return Err(Error::NoSeat { task: msg.task_id, epoch: epoch.number });
    }
    let signed = Signed::<Partial>::from_parts(&msg.body, &msg.signature)?;
    let seat = signed.body.seat;
    if !derive::seats_of(&member).any(|own| own == seat.get()) {
        return Err(derive::refusal(Refusal::Seat { expected: member.seat, got: seat.get() }.into()));
    }
    if state::find_partial(storage, msg.task_id, msg.round, list.unwrap_or(0), seat.get())?.is_some() {
        return Err(Error::Duplicate("the partial"));
    }
    if round.partials >= epoch.threshold {
        return Err(Error::NotAwaited("enough seats have answered; all others are excused".into()));
    }
    let terms = Terms::read(&state::settings(storage, msg.task_id)?)?;
    let (ctx, v) = (derive::ctx(round)?, derive::signing_key(&member)?);
    // First what is cheap: making the list again takes longer than all of it.
    signed.verify(&ctx, &v).map_err(|_| Error::BadSignature)?;
    if signed.body.request_root.as_bytes()[..] != *derive::asked_root(round) {
        return Err(derive::refusal(Refusal::RequestRoot.into()));
    }
    let asked = Asked::now(storage, round, terms.cohort.min_group)?;
    let state = UnmaskState {
        ctx: &ctx,
        requests: &asked.requests,
        address: &derive::address(sender)?,
        seat,
        v: &v,
        keys: &seat_keys(&asked.share_keys(storage, round)?, seat.get())?,
    };
    match unmask::check(&state, &signed) {
        // A wrong number of proofs is an invalid proof, and is judged with the others at the end of the block.
        Err(rejection) if !rejection.is_offence() => Err(derive::refusal(rejection)),
        _ => Ok(Checked { seat: seat.get(), entries: asked.requests.len() as u64, standing }),
    }
}

pub(crate) fn seat_index(seat: u32) -> Result<SeatIndex, Error> {
    SeatIndex::new(seat).map_err(|error| Error::State(error.to_string()))
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    sender: &[u8],
    msg: &MsgUnmask,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing: Standing { task, mut round, .. }, seat, .. } = check(env, storage, sender, msg)?;
    let partial = PartialRecord {
        seat,
        body_hash: blobs.put(&msg.body).to_vec(),
        signature: msg.signature.clone(),
        height: env.height,
        tx_index: env.tx_index,
        status: PartialStatus::Pending.into(),
        list: derive::asked_list(&round).unwrap_or(0),
    };
    state::put_partial(storage, task.id, round.number, &partial);
    round.pending_partials += 1;
    round.bytes += msg.encoded_len() as u64;
    state::put_round(storage, &round);
    let event = Event::of_task("partial_posted", task.id)
        .number("round", round.number)
        .number("seat", seat.into())
        .address("provider", sender);
    Ok(vec![event.into()])
}

/// What became of a list that seats are asked.
pub(super) enum Answers {
    /// Its window is open.
    Awaited,
    /// `t` answers are valid.
    Enough,
    /// Its window is over and there are fewer. The silent seats are named.
    Missing,
}

/// Collects the answers to the round's first list. Whether the round goes on to be finalised.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: &Epoch,
    round: &mut Round,
) -> Result<bool, Error> {
    let asked = Asked::of(turn.storage, round, terms.cohort.min_group)?;
    match collect(turn, budget, epoch, round, &asked)? {
        Answers::Awaited => Ok(false),
        Answers::Enough => {
            enter(turn, round, RoundPhase::Finalise, None);
            Ok(true)
        }
        Answers::Missing => {
            settle::abort(turn, task, terms, epoch.clone(), round.clone(), AbortReason::TooFewPartials)?;
            Ok(false)
        }
    }
}

/// Verifies what has come, and closes the window when it is over, when `t` answers are valid, or when every seat that is not excused has
/// answered.
pub(super) fn collect(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    epoch: &Epoch,
    round: &mut Round,
    asked: &Asked,
) -> Result<Answers, Error> {
    if round.pending_partials > 0 {
        verify_pending(turn, budget, epoch, round, asked)?;
    }
    let window = round.window.unwrap_or_default();
    let enough = round.partials >= epoch.threshold;
    let silent = silent_seats(turn.storage, epoch, round, asked)?;
    let nobody_is_awaited = enough || (silent.is_empty() && round.pending_partials == 0);
    if !turn.now.closes(&window, nobody_is_awaited) || (!enough && round.pending_partials > 0) {
        state::put_round(turn.storage, round);
        return Ok(Answers::Awaited);
    }
    if enough {
        return Ok(Answers::Enough);
    }
    for member in silent.into_iter().filter(|_| !switched_off!(SilentSeat)) {
        let offence = silent_seat(turn.storage, round, &member)?;
        let outputs = record(turn.env, turn.storage, &offence)?;
        turn.outputs.extend(outputs);
        note_silence(turn.storage, round.task_id, epoch.number, &member.address)?;
    }
    Ok(Answers::Missing)
}

/// The holders of seats that have not answered and are not excused by a complaint about a dealer on the list.
fn silent_seats(storage: &dyn Storage, epoch: &Epoch, round: &Round, asked: &Asked) -> Result<Vec<Member>, Error> {
    let complaints = state::complaints(storage, round.task_id, epoch.number)?;
    let partials = state::partials(storage, round.task_id, round.number, asked.list)?;
    let mut dealers = Vec::new();
    for slot in asked.requests.providers().into_keys() {
        dealers.push(&asked.holder(slot)?.address);
    }
    let is_silent = |seat: u32| {
        !partials.iter().any(|partial| partial.seat == seat)
            && !dealers.iter().any(|dealer| is_excused(&complaints, seat, dealer))
    };
    let silent = asked.members.iter().filter(|member| derive::seats_of(member).any(is_silent));
    Ok(silent.cloned().collect())
}

/// Verifies pending answers in the order of height and index, as many as are needed and the budget bears.
fn verify_pending(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    epoch: &Epoch,
    round: &mut Round,
    asked: &Asked,
) -> Result<(), Error> {
    let mut pending: Vec<PartialRecord> = state::partials(turn.storage, round.task_id, round.number, asked.list)?;
    pending.retain(|partial| partial.status() == PartialStatus::Pending);
    pending.sort_by_key(|partial| (partial.height, partial.tx_index, partial.seat));
    let share_keys = asked.share_keys(turn.storage, round)?;
    let operations = cost::partial(asked.requests.len() as u64);
    let mut queue = pending.into_iter().peekable();
    while round.partials < epoch.threshold && queue.peek().is_some() {
        let needed = (epoch.threshold - round.partials) as usize;
        let mut batch = Vec::new();
        while batch.len() < needed && queue.peek().is_some() && budget.take(operations) {
            batch.extend(queue.next());
        }
        if batch.is_empty() {
            return Ok(());
        }
        verify_batch(turn, round, asked, &share_keys, batch)?;
    }
    for mut partial in queue.filter(|_| round.partials >= epoch.threshold) {
        partial.set_status(PartialStatus::Excess);
        round.pending_partials = round.pending_partials.saturating_sub(1);
        state::put_partial(turn.storage, round.task_id, round.number, &partial);
    }
    Ok(())
}

fn verify_batch(
    turn: &mut Turn<'_>,
    round: &mut Round,
    asked: &Asked,
    share_keys: &BTreeMap<Slot, Vec<u8>>,
    batch: Vec<PartialRecord>,
) -> Result<(), Error> {
    let ctx = derive::ctx(round)?;
    let mut answers = Vec::new();
    for partial in &batch {
        let holder = asked.holder_of_seat(partial.seat)?;
        let (address, v) = (derive::address(&holder.address)?, derive::signing_key(holder)?);
        answers.push((
            seat_index(partial.seat)?,
            address,
            v,
            seat_keys(share_keys, partial.seat)?,
            read(turn.blobs, partial)?,
        ));
    }
    let mut culprits = BTreeSet::new();
    let mut checked = Vec::new();
    for (place, (seat, address, v, keys, signed)) in answers.iter().enumerate() {
        let state = UnmaskState { ctx: &ctx, requests: &asked.requests, address, seat: *seat, v, keys };
        match unmask::check(&state, signed) {
            Ok(partial) => checked.push((place, partial)),
            Err(rejection) if rejection.is_offence() => {
                culprits.insert(place);
            }
            // It was checked when it came, and nothing it was checked against has changed.
            Err(rejection) => return Err(Error::State(rejection.to_string())),
        }
    }
    let (places, checked): (Vec<usize>, Vec<_>) = checked.into_iter().unzip();
    if !checked.is_empty() {
        let found = unmask::verify_batch(&checked).err().filter(|_| !switched_off!(PartialProof)).unwrap_or_default();
        culprits.extend(found.into_iter().filter_map(|index| places.get(index).copied()));
    }
    for (place, mut partial) in batch.into_iter().enumerate() {
        round.pending_partials = round.pending_partials.saturating_sub(1);
        if culprits.contains(&place) {
            partial.set_status(PartialStatus::Invalid);
            state::put_partial(turn.storage, round.task_id, round.number, &partial);
            convict(turn, round, asked, &partial)?;
        } else {
            round.partials += 1;
            partial.set_status(PartialStatus::Used);
            state::put_partial(turn.storage, round.task_id, round.number, &partial);
        }
    }
    Ok(())
}

/// A partial with its signature.
pub(crate) fn read(blobs: &dyn Blobs, partial: &PartialRecord) -> Result<Signed<Partial>, Error> {
    let bytes = blobs
        .get(&state::hash(&partial.body_hash)?)
        .ok_or_else(|| Error::State(format!("the body of seat {}'s partial is missing", partial.seat)))?;
    Signed::from_parts(&bytes, &partial.signature).map_err(|error| Error::State(error.to_string()))
}

fn convict(turn: &mut Turn<'_>, round: &Round, asked: &Asked, partial: &PartialRecord) -> Result<(), Error> {
    let holder = asked.holder_of_seat(partial.seat)?;
    let harmed = submit::others(turn.storage, round, &holder.address)?;
    let body = read(turn.blobs, partial)?.body_bytes();
    let offence = invalid_partial(round, &holder.address, harmed, &body, &partial.signature);
    let outputs = record(turn.env, turn.storage, &offence)?;
    turn.outputs.extend(outputs);
    Ok(())
}

fn invalid_partial(round: &Round, provider: &[u8], harmed: Vec<Vec<u8>>, body: &[u8], signature: &[u8]) -> Offence {
    Offence {
        kind: OffenceKind::InvalidProof,
        provider: provider.to_vec(),
        task: round.task_id,
        epoch: round.epoch,
        round: round.number,
        evidence: evidence(&[b"partial", body, signature]),
        reporter: None,
        harmed,
        what: format!("a signed partial of round {} whose proof does not hold", round.number),
    }
}

fn silent_seat(storage: &dyn Storage, round: &Round, member: &Member) -> Result<Offence, Error> {
    Ok(Offence {
        kind: OffenceKind::SilentSeat,
        provider: member.address.clone(),
        task: round.task_id,
        epoch: round.epoch,
        round: round.number,
        evidence: evidence(&[b"silent_seat", &round.ctx, derive::asked_root(round), &member.address]),
        reporter: None,
        harmed: submit::others(storage, round, &member.address)?,
        what: format!(
            "seat {} did not answer in round {}, which failed for want of answers",
            member.seat, round.number
        ),
    })
}
