//! Seats. Up to 96 who may hold one, everyone holds one. Above, 96 are drawn by bond, with replacement, and the draw is seeded after
//! enrolment has closed: by the committee of the epoch before, which evaluates its dealers' joint key on the root of the enrolled; or, in
//! the first epoch and where that committee does not answer in its window, by the hash of what every enrolled provider evaluates under
//! its own masking key, where who withholds it forfeits its enrolment.

use super::partition::add_up;
use super::{end, enter, standing, Standing};
use crate::end_block::Turn;
use crate::env::{Budget, Env, Storage};
use crate::error::{Error, Rejection};
use crate::keys::{self, prefix};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred, record, Offence};
use crate::output::{Event, Output};
use crate::round::unmask::seat_index;
use crate::terms::Terms;
use crate::windows::Now;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    Bar, Contribution as ContributionRecord, Epoch, EpochEnd, EpochPhase, Member, MsgContribute, OffenceKind, Seat,
    Task,
};
use bauta_secagg::committee::{self, Contribution, ContributionState};
use bauta_secagg::curve::Point;
use bauta_secagg::draw::Draw;
use bauta_secagg::encoding::{Address, SeatIndex};
use bauta_secagg::joint;
use bauta_secagg::signature::Signed;
use bauta_secagg::switched_off;

/// How often a draw may fall on providers that are jailed, for a seat, before the epoch ends.
const DRAWS_A_SEAT: usize = 32;

/// Begins with the seats, when enrolment has closed: where everyone holds one they are there at once.
pub(super) fn begin(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let mut may_sit = 0;
    for member in &members {
        may_sit += usize::from(may_hold_seat(turn.storage, epoch, member)?);
    }
    let (m, _) = committee::committee(may_sit);
    if may_sit <= m {
        return everyone_sits(turn, task, terms, epoch, members);
    }
    epoch.enrolment_root = derive::enrolment_root(&members)?.as_bytes().to_vec();
    epoch.seed_epoch = match state::find_epoch(turn.storage, task.id, epoch.number.saturating_sub(1))? {
        Some(before) if can_answer(&before) => before.number,
        _ => 0,
    };
    let window = (epoch.seed_epoch == 0).then_some(terms.windows.unmask);
    enter(turn, epoch, EpochPhase::Seats, window);
    Ok(())
}

/// Whether an epoch's committee can still evaluate its dealers' joint key: there is one, and its records are kept.
fn can_answer(epoch: &Epoch) -> bool {
    epoch.phase() == EpochPhase::Evidence && !epoch.dealers_root.is_empty()
}

/// Whether a member may hold a seat: it is not left without one for what it did earlier, and was not convicted meanwhile.
fn may_hold_seat(storage: &dyn Storage, epoch: &Epoch, member: &Member) -> Result<bool, Error> {
    let conduct = state::conduct(storage, epoch.task_id, &member.address)?;
    Ok(conduct.no_seat_until < epoch.number && member.bar() == Bar::Unspecified)
}

/// What the end of a block does while seats are drawn.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
) -> Result<(), Error> {
    if epoch.seed_epoch == 0 {
        return advance_everyone(turn, budget, task, terms, epoch);
    }
    let before = state::epoch(turn.storage, task.id, epoch.seed_epoch)?;
    if !can_answer(&before) {
        return ask_everyone(turn, terms, epoch);
    }
    let Some(window) = epoch.window else {
        let members = state::members(turn.storage, task.id, before.number)?;
        if add_up(turn, budget, &before, &members)? {
            enter(turn, epoch, EpochPhase::Seats, Some(terms.windows.unmask));
        }
        return Ok(());
    };
    let enough = epoch.evaluations >= before.threshold;
    if !turn.now.closes(&window, enough) {
        return Ok(());
    }
    if !enough {
        // Nobody pays: the epoch that these seats were given for is over.
        return ask_everyone(turn, terms, epoch);
    }
    let members = state::members(turn.storage, task.id, epoch.number)?;
    if !budget.take(u64::from(before.threshold) * cost::INTERPOLATE + members.len() as u64) {
        return Ok(());
    }
    let values: Result<Vec<(SeatIndex, Point)>, Error> = state::evaluations(turn.storage, task.id, epoch.number)?
        .iter()
        .map(|evaluation| Ok((seat_index(evaluation.seat)?, derive::point(&evaluation.value)?)))
        .collect();
    let value = joint::combine(&values?).map_err(|error| Error::State(error.to_string()))?;
    let input = derive::seats_input(epoch, &before)?;
    epoch.seats_seed = value.to_bytes().to_vec();
    draw(turn, task, terms, epoch, members, Draw::new("seats", &input, &value))
}

/// Asks everyone enrolled, because no committee can answer, or none did.
fn ask_everyone(turn: &mut Turn<'_>, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    forget_evaluations(turn.storage, epoch)?;
    epoch.seed_epoch = 0;
    enter(turn, epoch, EpochPhase::Seats, Some(terms.windows.unmask));
    Ok(())
}

/// The answers of another epoch's seats must not be taken for those of this one's.
fn forget_evaluations(storage: &mut dyn Storage, epoch: &mut Epoch) -> Result<(), Error> {
    for evaluation in state::evaluations(storage, epoch.task_id, epoch.number)? {
        storage.remove(&keys::seat(prefix::EVALUATION, &[epoch.task_id, epoch.number], evaluation.seat));
    }
    epoch.evaluations = 0;
    Ok(())
}

/// Closes when everyone has contributed, or the window is over: who withheld pays, and is out of the epoch.
fn advance_everyone(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
) -> Result<(), Error> {
    let window = epoch.window.unwrap_or_default();
    let next = task.round + 1;
    let contributions = state::contributions(turn.storage, task.id, epoch.number)?;
    let mut members = state::members(turn.storage, task.id, epoch.number)?;
    let has = |member: &Member| contributions.iter().any(|contribution| contribution.address == member.address);
    let withheld: Vec<Member> =
        members.iter().filter(|member| !is_barred(member, next) && !has(member)).cloned().collect();
    if !turn.now.closes(&window, withheld.is_empty()) || !budget.take(2 * members.len() as u64) {
        return Ok(());
    }
    for member in withheld {
        forfeit(turn, task, epoch, member)?;
    }
    members.retain(|member| contributions.iter().any(|contribution| contribution.address == member.address));
    let values: Result<Vec<(Address, Point)>, Error> = contributions
        .iter()
        .map(|contribution| Ok((derive::address(&contribution.address)?, derive::point(&contribution.value)?)))
        .collect();
    let seed = committee::seed(&derive::everyones_input(epoch)?, &values?);
    epoch.seats_seed = seed.to_vec();
    draw(turn, task, terms, epoch, members, Draw::from_seed(&seed))
}

/// Who withholds its contribution would choose between two seeds: that costs its enrolment, and a part of its bond.
fn forfeit(turn: &mut Turn<'_>, task: &Task, epoch: &Epoch, member: Member) -> Result<(), Error> {
    let offence = Offence {
        kind: OffenceKind::WithheldSeed,
        provider: member.address.clone(),
        task: task.id,
        epoch: epoch.number,
        round: 0,
        evidence: evidence(&[b"withheld_seed", &epoch.ectx, &epoch.enrolment_root, &member.address]),
        reporter: None,
        harmed: Vec::new(),
        what: format!("enrolled in epoch {} and gave nothing to the seed of its seats", epoch.number),
    };
    if !switched_off!(WithheldSeed) {
        let outputs = record(turn.env, turn.storage, &offence)?;
        turn.outputs.extend(outputs);
    }
    // Recording the offence has changed the record.
    let mut member = state::member(turn.storage, task.id, epoch.number, &member.address)?;
    member.set_bar(Bar::Offence);
    member.barred_from = task.round + 1;
    member.barred_until = 0;
    state::put_member(turn.storage, task.id, epoch.number, &member);
    Ok(())
}

/// Draws the seats among those who may hold one.
fn draw(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
    members: Vec<Member>,
    mut stream: Draw,
) -> Result<(), Error> {
    forget_evaluations(turn.storage, epoch)?;
    let mut candidates = Vec::new();
    for member in members {
        if may_hold_seat(turn.storage, epoch, &member)? {
            candidates.push(member);
        }
    }
    let (m, t) = committee::committee(candidates.len());
    if candidates.len() <= m {
        return everyone_sits(turn, task, terms, epoch, candidates);
    }
    let bonds: Result<Vec<u128>, Error> = candidates.iter().map(derive::bond).collect();
    let (bonds, mut drawn) = (bonds?, Vec::new());
    for _ in 0..m * DRAWS_A_SEAT {
        let Some(place) = committee::draw_one(&mut stream, &bonds) else { break };
        // Jail bars from the draw.
        if !turn.providers.is_jailed(&candidates[place].address) {
            drawn.push(candidates[place].clone());
        }
        if drawn.len() == m {
            break;
        }
    }
    if drawn.len() < m {
        return end(turn, task, terms, epoch.clone(), EpochEnd::TooFewSeats);
    }
    give(turn, terms, epoch, drawn, t as u32)
}

/// Everyone holds one seat, numbered by the order of addresses, but for those who hold none for some epochs.
fn everyone_sits(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: &mut Epoch,
    members: Vec<Member>,
) -> Result<(), Error> {
    // Nothing was drawn after all, if so many withheld their points that everyone else can sit.
    epoch.seats_seed.clear();
    let mut holders = Vec::new();
    for member in members {
        if may_hold_seat(turn.storage, epoch, &member)? {
            holders.push(member);
        }
    }
    let Ok(threshold) = terms.check_seats(epoch.enrolled, holders.len() as u32) else {
        return end(turn, task, terms, epoch.clone(), EpochEnd::TooFewSeats);
    };
    give(turn, terms, epoch, holders, threshold)
}

/// Writes the seats, in the order of their holders, and opens dealing.
fn give(
    turn: &mut Turn<'_>,
    terms: &Terms,
    epoch: &mut Epoch,
    holders: Vec<Member>,
    threshold: u32,
) -> Result<(), Error> {
    let mut seats = Vec::with_capacity(holders.len());
    for (index, holder) in (1u32..).zip(holders) {
        let seat = Seat { index, address: holder.address.clone(), key: holder.seat_key.clone() };
        let mut member = state::member(turn.storage, epoch.task_id, epoch.number, &holder.address)?;
        if member.seat == 0 {
            member.seat = index;
        } else {
            member.further_seats.push(index);
        }
        state::put_member(turn.storage, epoch.task_id, epoch.number, &member);
        state::put_seat(turn.storage, epoch.task_id, epoch.number, &seat);
        seats.push(seat);
    }
    epoch.seats = seats.len() as u32;
    epoch.threshold = threshold;
    epoch.seats_root = derive::seats(&seats)?.root().as_bytes().to_vec();
    enter(turn, epoch, EpochPhase::Deal, Some(terms.windows.deal));
    Ok(())
}

pub(crate) struct Checked {
    standing: Standing,
    member: Member,
    signed: Signed<Contribution>,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::EVALUATION, pays: Pays::WhatIsFree }
    }

    /// What the state says about the message.
    fn with_state<T>(&self, judge: impl FnOnce(&ContributionState<'_>) -> T) -> Result<T, Error> {
        Ok(judge(&ContributionState {
            ectx: &self.standing.ectx,
            input: &derive::everyones_input(&self.standing.epoch)?,
            address: &derive::address(&self.member.address)?,
            x: &derive::point(&self.member.masking_key)?,
            v: &derive::signing_key(&self.member)?,
        }))
    }
}

/// Whether a contribution is awaited: while everyone is asked, in the window, once.
pub(crate) fn check(
    env: &Env<'_>,
    storage: &dyn Storage,
    sender: &[u8],
    msg: &MsgContribute,
) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, msg.epoch)?;
    standing.expect(EpochPhase::Seats, "seats")?;
    let (true, Some(window)) = (standing.epoch.seed_epoch == 0, standing.epoch.window) else {
        return Err(Error::NotAwaited("the committee of the epoch before is asked, not everyone".into()));
    };
    let now = Now { height: env.height, counted: state::counters(storage)?.counted_blocks, min_window: 0 };
    if now.has_expired(&window) {
        return Err(Error::Late("seats"));
    }
    let member = state::member(storage, msg.task_id, msg.epoch, sender)?;
    if is_barred(&member, standing.task.round + 1) {
        return Err(Error::Barred("it was convicted of an offence in this epoch".into()));
    }
    if state::find_contribution(storage, msg.task_id, msg.epoch, sender)?.is_some() {
        return Err(Error::Duplicate("the contribution to the seed of the seats"));
    }
    let signed = Signed::<Contribution>::from_parts(&msg.body, &msg.signature)?;
    let checked = Checked { standing, member, signed };
    checked.with_state(|state| committee::check(state, &checked.signed))?.map_err(derive::refusal)?;
    Ok(checked)
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgContribute,
) -> Result<Vec<Output>, Rejection> {
    let checked = check(env, storage, sender, msg)?;
    checked.with_state(|state| committee::verify(state, &checked.signed))?.map_err(|rejection| {
        derive::reject(rejection, || Offence {
            kind: OffenceKind::InvalidProof,
            provider: sender.to_vec(),
            task: msg.task_id,
            epoch: msg.epoch,
            round: 0,
            evidence: evidence(&[b"contribution", &msg.body, &msg.signature]),
            reporter: None,
            harmed: Vec::new(),
            what: "a signed contribution to the seed of the seats whose proof does not hold".into(),
        })
    })?;
    let value = checked.signed.body.value.to_bytes().to_vec();
    let contribution = ContributionRecord { address: sender.to_vec(), value, height: env.height };
    state::put_contribution(storage, msg.task_id, msg.epoch, &contribution);
    Ok(vec![Event::of_task("contributed", msg.task_id).number("epoch", msg.epoch).address("provider", sender).into()])
}
