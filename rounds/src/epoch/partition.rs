//! The partition: once an epoch, when its dealers are known for good, the seats evaluate the dealers' joint key, and the value cuts the
//! groups. Nobody knows it before it is too late to change who is in, and no answer can change it: it is the same whichever seats answer,
//! and fewer than `t` know nothing of it.
//!
//! Dealers that make one group need no value: the phase is passed over.

use super::enrol::withhold_seat;
use super::{end, enter, standing, Standing};
use crate::end_block::Turn;
use crate::env::{Budget, Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred_for_good, record, Offence};
use crate::output::{Event, Output};
use crate::round::unmask::seat_index;
use crate::round::SILENT_PHASES;
use crate::terms::Terms;
use crate::windows::Now;
use crate::{cost, derive, round, state};
use bauta_schema::training::v1::{
    Bar, Epoch, EpochEnd, EpochPhase, Evaluation as EvaluationRecord, JointKeys as JointKeysRecord, Member,
    MsgEvaluate, OffenceKind, Task,
};
use bauta_secagg::curve::Point;
use bauta_secagg::deal::ShareKeys;
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::joint::{self, Evaluation, EvaluationState, JointInput, JointKeys};
use bauta_secagg::partition;
use bauta_secagg::rejection::Refusal;
use bauta_secagg::signature::Signed;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Checked {
    standing: Standing,
    /// The epoch whose committee answers.
    committee: Epoch,
    member: Member,
    signed: Signed<Evaluation>,
    input: JointInput,
    share_key: Option<Point>,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::EVALUATION, pays: Pays::WhatIsFree }
    }
}

/// Whether a seat's share of the value is awaited: in the window, once a seat, and while fewer than `t` are there. The value cuts the
/// groups of this epoch's dealers; or, while seats are drawn, it is of the epoch before, and seeds the draw.
pub(crate) fn check(env: &Env<'_>, storage: &dyn Storage, sender: &[u8], msg: &MsgEvaluate) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, msg.epoch)?;
    let epoch = &standing.epoch;
    let (committee, input, phase) = match (epoch.phase(), epoch.seed_epoch) {
        (EpochPhase::Seats, before) if before > 0 => {
            let before = state::epoch(storage, msg.task_id, before)?;
            let input = derive::seats_input(epoch, &before)?;
            (before, input, "seats")
        }
        (EpochPhase::Partition, _) => (epoch.clone(), derive::partition_input(epoch)?, "partition"),
        (phase, _) => {
            let current = super::phase_name(phase).into();
            return Err(Error::WrongPhase { task: msg.task_id, current, belongs: "partition" });
        }
    };
    let Some(window) = epoch.window else {
        return Err(Error::NotAwaited("the dealers' share keys are still being added up".into()));
    };
    let now = Now { height: env.height, counted: state::counters(storage)?.counted_blocks, min_window: 0 };
    if now.has_expired(&window) {
        return Err(Error::Late(phase));
    }
    let member = state::member(storage, msg.task_id, committee.number, sender)?;
    if member.seat == 0 {
        return Err(Error::NoSeat { task: msg.task_id, epoch: committee.number });
    }
    // A further lie of it would be covered by its verdict, cost it nothing, and be charged to the task's budget without end.
    if member.bar() == Bar::Offence && is_barred_for_good(&member) {
        return Err(Error::NotAwaited("a seat that was convicted of an offence against all is heard no more".into()));
    }
    let signed = Signed::<Evaluation>::from_parts(&msg.body, &msg.signature)?;
    let seat = signed.body.seat;
    if !derive::seats_of(&member).any(|own| own == seat.get()) {
        return Err(derive::refusal(Refusal::Seat { expected: member.seat, got: seat.get() }.into()));
    }
    if state::find_evaluation(storage, msg.task_id, msg.epoch, seat.get())?.is_some() {
        return Err(Error::Duplicate("the seat's share of the joint key's value"));
    }
    if epoch.evaluations >= committee.threshold {
        return Err(Error::NotAwaited("enough seats have answered; all others are excused".into()));
    }
    let keys = state::joint_keys(storage, msg.task_id, committee.number)?;
    let share_key = JointKeys::decode_one(&keys.points, seat).map_err(|error| Error::State(error.to_string()))?;
    let checked = Checked { standing, committee, member, signed, input, share_key };
    checked.with_state(|state| joint::check(state, &checked.signed))?.map_err(derive::refusal)?;
    Ok(checked)
}

impl Checked {
    /// What the state says about the message.
    fn with_state<T>(&self, judge: impl FnOnce(&EvaluationState<'_>) -> T) -> Result<T, Error> {
        Ok(judge(&EvaluationState {
            ectx: &self.standing.ectx,
            input: &self.input,
            address: &derive::address(&self.member.address)?,
            seat: self.signed.body.seat,
            v: &derive::signing_key(&self.member)?,
            share_key: self.share_key.as_ref(),
        }))
    }
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgEvaluate,
) -> Result<Vec<Output>, Rejection> {
    let checked = check(env, storage, sender, msg)?;
    checked.with_state(|state| joint::verify(state, &checked.signed))?.map_err(|rejection| {
        derive::reject(rejection, || Offence {
            kind: OffenceKind::InvalidProof,
            provider: sender.to_vec(),
            task: msg.task_id,
            epoch: checked.committee.number,
            round: 0,
            evidence: evidence(&[b"evaluation", &msg.body, &msg.signature]),
            reporter: None,
            harmed: Vec::new(),
            what: "a signed share of the joint key's value whose proof does not hold".into(),
        })
    })?;
    let Checked { standing: Standing { task, mut epoch, .. }, signed, .. } = checked;
    let (seat, value) = (signed.body.seat.get(), signed.body.value.to_bytes().to_vec());
    let evaluation = EvaluationRecord { seat, value, height: env.height };
    state::put_evaluation(storage, task.id, epoch.number, &evaluation);
    epoch.evaluations += 1;
    state::put_epoch(storage, &epoch);
    Ok(vec![Event::of_task("evaluated", task.id)
        .number("epoch", epoch.number)
        .number("seat", seat.into())
        .address("provider", sender)
        .into()])
}

/// Begins with the partition, when slots are given: one group is there at once.
pub(super) fn begin(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let dealers = derive::dealers(&members)?;
    epoch.dealers_root = dealers.root().as_bytes().to_vec();
    if partition::groups(dealers.len(), terms.cohort.group_size as usize) <= 1 {
        return give_groups(turn, task, terms, epoch, members);
    }
    enter(turn, epoch, EpochPhase::Partition, None);
    Ok(())
}

/// Adds up the dealers' share keys, awaits the seats' answers, and cuts the groups.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
) -> Result<(), Error> {
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let Some(window) = epoch.window else {
        if add_up(turn, budget, epoch, &members)? {
            enter(turn, epoch, EpochPhase::Partition, Some(terms.windows.unmask));
        }
        return Ok(());
    };
    let enough = epoch.evaluations >= epoch.threshold;
    let silent = silent_seats(turn.storage, epoch, &members)?;
    if !turn.now.closes(&window, enough || silent.is_empty()) {
        return Ok(());
    }
    if !enough {
        return fail(turn, task, terms, epoch, silent);
    }
    if !budget.take(u64::from(epoch.threshold) * cost::INTERPOLATE + members.len() as u64) {
        return Ok(());
    }
    let values: Result<Vec<(SeatIndex, Point)>, Error> = state::evaluations(turn.storage, task.id, epoch.number)?
        .iter()
        .map(|evaluation| Ok((seat_index(evaluation.seat)?, derive::point(&evaluation.value)?)))
        .collect();
    let point = joint::combine(&values?).map_err(|error| Error::State(error.to_string()))?;
    epoch.partition_point = point.to_bytes().to_vec();
    give_groups(turn, task, terms, epoch, members)
}

/// Adds share keys of as many dealers as the budget bears; whether those of all are added.
pub(super) fn add_up(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    epoch: &Epoch,
    members: &[Member],
) -> Result<bool, Error> {
    let broken = |error: bauta_secagg::encoding::Malformed| Error::State(error.to_string());
    let stored = state::joint_keys(turn.storage, epoch.task_id, epoch.number)?;
    let mut slot = stored.slot;
    let mut sums = match slot {
        0 => JointKeys::new(epoch.seats as usize),
        _ => JointKeys::decode(&stored.points).map_err(broken)?,
    };
    // Members are in the order of their addresses, which is that of their slots.
    let mut is_whole = true;
    for dealer in members.iter().filter(|member| member.slot > stored.slot) {
        if !budget.take(u64::from(epoch.seats) * cost::SUM_POINT) {
            is_whole = false;
            break;
        }
        let keys = state::share_keys(turn.storage, epoch.task_id, epoch.number, &dealer.address)?;
        sums.add(&ShareKeys::decode(&keys.points).map_err(broken)?).map_err(broken)?;
        slot = dealer.slot;
    }
    let record = JointKeysRecord { points: sums.encode(), slot };
    state::put_joint_keys(turn.storage, epoch.task_id, epoch.number, &record);
    Ok(is_whole)
}

/// Writes the groups, fixed for the epoch, and opens the first round.
fn give_groups(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
    members: Vec<Member>,
) -> Result<(), Error> {
    let slots: Result<Vec<Slot>, Error> =
        members.iter().filter(|member| member.slot > 0).map(|member| derive::slot(member.slot)).collect();
    let groups = derive::partition(epoch, &slots?, terms.cohort.group_size)?;
    epoch.groups = groups.len() as u32;
    let numbered = (1..).zip(&groups).flat_map(|(number, group)| group.iter().map(move |slot| (slot.get(), number)));
    let number_of: BTreeMap<u32, u32> = numbered.collect();
    for mut member in members.into_iter().filter(|member| member.slot > 0) {
        let number = number_of.get(&member.slot);
        member.group = *number.ok_or_else(|| Error::State(format!("slot {} is in no group", member.slot)))?;
        state::put_member(turn.storage, task.id, epoch.number, &member);
    }
    if epoch.groups > 1 {
        let event = Event::of_task("partitioned", task.id)
            .number("epoch", epoch.number)
            .number("groups", epoch.groups.into())
            .bytes("point", &epoch.partition_point);
        turn.outputs.push(event.into());
    }
    enter(turn, epoch, EpochPhase::Rounds, None);
    round::open(turn, task, terms, epoch.clone())
}

/// The holders of seats that have not answered and are not excused by a complaint about one of the dealers.
fn silent_seats(storage: &dyn Storage, epoch: &Epoch, members: &[Member]) -> Result<Vec<Member>, Error> {
    let complaints = state::complaints(storage, epoch.task_id, epoch.number)?;
    let answered = state::evaluations(storage, epoch.task_id, epoch.number)?;
    let dealers: BTreeSet<&[u8]> =
        members.iter().filter(|member| member.slot > 0).map(|member| &member.address[..]).collect();
    let is_excused = |seat: u32| {
        complaints.iter().any(|complaint| complaint.seat == seat && dealers.contains(&complaint.dealer[..]))
    };
    let is_silent = |seat: u32| !answered.iter().any(|answer| answer.seat == seat) && !is_excused(seat);
    let silent = members.iter().filter(|member| derive::seats_of(member).any(is_silent));
    Ok(silent.cloned().collect())
}

/// Ends the epoch for want of answers: the silent seats pay.
fn fail(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &Epoch, silent: Vec<Member>) -> Result<(), Error> {
    for member in silent {
        let offence = Offence {
            kind: OffenceKind::SilentSeat,
            provider: member.address.clone(),
            task: task.id,
            epoch: epoch.number,
            round: 0,
            evidence: evidence(&[b"silent_seat", &epoch.ectx, &epoch.dealers_root, &member.address]),
            reporter: None,
            harmed: Vec::new(),
            what: format!(
                "seat {} did not answer when the groups of epoch {} were to be cut, which failed for want of answers",
                member.seat, epoch.number
            ),
        };
        let outputs = record(turn.env, turn.storage, &offence)?;
        turn.outputs.extend(outputs);
        note_silence(turn.storage, task.id, epoch.number, &member.address)?;
    }
    end(turn, task, terms, epoch.clone(), EpochEnd::TooFewSeats)
}

/// Counts a failed phase in which a seat was silent. After the second, in whatever epochs, its holder sits in none of the next.
pub(crate) fn note_silence(storage: &mut dyn Storage, task: u64, epoch: u64, address: &[u8]) -> Result<(), Error> {
    let mut member = state::member(storage, task, epoch, address)?;
    let mut conduct = state::conduct(storage, task, address)?;
    conduct.silent_phases += 1;
    // Whatever it was silent in before, it is no longer live once it is out.
    member.silent_phases = conduct.silent_phases;
    state::put_member(storage, task, epoch, &member);
    let is_out = conduct.silent_phases >= SILENT_PHASES;
    if is_out {
        conduct.silent_phases = 0;
    }
    state::put_conduct(storage, task, address, &conduct);
    if is_out {
        withhold_seat(storage, task, epoch, address)?;
    }
    Ok(())
}
