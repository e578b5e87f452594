//! Blame: whose update made a group's sum leave its range. Numbers are opened, never an update.
//!
//! When finalise has found sums out of range, the members of those groups sign one number an edge ([`numbers`]). What each member's own
//! numbers leave of its masked coordinate must be within its bound ([`judge`]); where the ends of an edge differ, and only there, seats
//! open it, and whoever signed the false number is found; then they open the edges of the culprits, and the groups finish without them
//! ([`lists`]). Finalise checks the range again, and what is still out of range has another pass: each removes a culprit, or the group is
//! void, so that there are at most as many passes as members above `min_group`, and one.
//!
//! | the round is in | what is awaited | what follows |
//! |---|---|---|
//! | `blame` | members' numbers | once more for the silent where their numbers are needed; `blame_edges`, `blame_remove` or `finalise` |
//! | `blame_edges` | seats' answers to a list of differing edges | `blame_remove` or `finalise` |
//! | `blame_remove` | seats' answers to a list of the culprits' edges | `finalise` |

pub(crate) mod cost;
mod judge;
pub(crate) mod lists;
pub(crate) mod numbers;

use super::combine::cannot_go_on;
use super::unmask::{self, Answers, Asked};
use super::{enter, submit};
use crate::end_block::Turn;
use crate::env::{Budget, Storage};
use crate::error::Error;
use crate::offence::{evidence, record, Offence};
use crate::terms::Terms;
use crate::{derive, state};
use bauta_schema::training::v1::{
    AbortReason, BlamedEdge, BlamedGroup, Epoch, Finalise, OffenceKind, Round, RoundBlame, RoundGroup, RoundPhase,
};
use bauta_secagg::encoding::Slot;
use bauta_secagg::switched_off;
use lists::Edge;

/// Notes that a group's sum is out of range, first at this coordinate.
pub(super) fn note(storage: &mut dyn Storage, round: &Round, group: &RoundGroup, coordinate: u64) -> Result<(), Error> {
    let mut blame = state::find_blame(storage, round.task_id, round.number)?.unwrap_or_default();
    let members = derive::summed(group);
    blame.groups.push(BlamedGroup { number: group.number, coordinate, members, ..Default::default() });
    state::put_blame(storage, round.task_id, round.number, &blame);
    Ok(())
}

/// Asks the members of the groups that were noted for their numbers; whether there are any.
pub(super) fn begin(
    turn: &mut Turn<'_>,
    terms: &Terms,
    round: &mut Round,
    progress: &mut Finalise,
) -> Result<bool, Error> {
    let Some(window) = terms.blame else { return Ok(false) };
    let mut blame = state::find_blame(turn.storage, round.task_id, round.number)?.unwrap_or_default();
    if blame.groups.is_empty() {
        return Ok(false);
    }
    blame.pass += 1;
    blame.again = false;
    state::put_blame(turn.storage, round.task_id, round.number, &blame);
    // Once blame is over, finalise looks at all groups again.
    progress.group = 0;
    state::put_finalise(turn.storage, round.task_id, round.number, progress);
    enter(turn, round, RoundPhase::Blame, Some(window));
    Ok(true)
}

/// What the end of a block does to a round in blame; whether finalise goes on.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    epoch: &Epoch,
    round: &mut Round,
) -> Result<bool, Error> {
    let mut blame = state::find_blame(turn.storage, round.task_id, round.number)?
        .ok_or_else(|| Error::State(format!("round {} is in blame without a record of it", round.number)))?;
    match round.phase() {
        RoundPhase::Blame => close_numbers(turn, budget, terms, round, &mut blame),
        _ => close_answers(turn, budget, terms, epoch, round, &mut blame),
    }
}

/// Closes the members' window, and judges what they have signed.
fn close_numbers(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    round: &mut Round,
    blame: &mut RoundBlame,
) -> Result<bool, Error> {
    let signed = numbers::signed(turn.storage, round, blame.pass)?;
    let is_awaited = |group: &BlamedGroup| {
        (group.again || !blame.again) && group.members.iter().any(|slot| !signed.contains_key(slot))
    };
    let nobody_is_awaited = !blame.groups.iter().any(is_awaited);
    if !turn.now.closes(&round.window.unwrap_or_default(), nobody_is_awaited)
        || !budget.take(cost::judging(round, blame))
    {
        return Ok(false);
    }
    let judged = judge::judge(turn, terms, round, blame, &signed)?;
    if !blame.again && judged.iter().any(|judged| judged.unsettled) {
        blame.again = true;
        for (group, judged) in blame.groups.iter_mut().zip(&judged) {
            group.again = judged.unsettled;
        }
        state::put_blame(turn.storage, round.task_id, round.number, blame);
        enter(turn, round, RoundPhase::Blame, terms.blame);
        return Ok(false);
    }
    let mut asked: Vec<Edge> = Vec::new();
    for (group, judged) in blame.groups.iter_mut().zip(judged) {
        for slot in judged.silent.iter().filter(|_| !switched_off!(SilentInBlame)) {
            let what = format!("signed no number for its edges in blame in round {}", round.number);
            convict(turn, round, group, OffenceKind::SilentInBlame, *slot, &[], what)?;
        }
        for (slot, value, limit) in &judged.out_of_bound {
            let what = format!(
                "by its own signed numbers its update is {value} at coordinate {} in round {}, and may be {limit} at most",
                group.coordinate, round.number
            );
            let parts = numbers::evidence_of(turn.storage, round, blame.pass, *slot)?;
            convict(turn, round, group, OffenceKind::OutOfBound, *slot, &parts, what)?;
        }
        group.culprits = judged.out_of_bound.iter().map(|(slot, ..)| slot.get()).collect();
        let edges = lists::openable(group, judged.differing, terms.cohort.min_group);
        if judged.unsettled || !lists::fits(&asked, &edges) {
            set_void(round, group.number);
            continue;
        }
        let record = |edge: &Edge| BlamedEdge { lower: edge.provider.get(), higher: edge.other.get() };
        group.edges = edges.iter().map(record).collect();
        asked.extend(edges);
    }
    if lists::ask(turn, terms, round, blame, RoundPhase::BlameEdges, &asked)? {
        return Ok(false);
    }
    remove(turn, terms, round, blame)
}

/// Collects the seats' answers to a list of edges, opens it, and convicts whoever signed another number than an edge's mask holds.
fn close_answers(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    terms: &Terms,
    epoch: &Epoch,
    round: &mut Round,
    blame: &mut RoundBlame,
) -> Result<bool, Error> {
    let asked = Asked::now(turn.storage, round, terms.cohort.min_group)?;
    let removes = round.phase() == RoundPhase::BlameRemove;
    match unmask::collect(turn, budget, epoch, round, &asked)? {
        Answers::Awaited => return Ok(false),
        Answers::Missing => {
            // Without answers the groups that the list is about are void; the others go on.
            for group in blame.groups.iter().filter(|group| removes || !group.edges.is_empty()) {
                set_void(round, group.number);
            }
        }
        Answers::Enough => {
            let opened = lists::open(turn, budget, round, blame, &asked)?;
            state::put_blame(turn.storage, round.task_id, round.number, blame);
            let Some(opened) = opened.filter(|opened| budget.take(cost::comparing(opened.len()))) else {
                state::put_round(turn.storage, round);
                return Ok(false);
            };
            compare(turn, terms, round, blame, &opened, removes)?;
        }
    }
    if !removes {
        return remove(turn, terms, round, blame);
    }
    for group in &blame.groups {
        if let Some(record) = of_number(round, group.number).filter(|record| derive::goes_on(record)) {
            record.removed.extend(&group.culprits);
            record.removed.sort_unstable();
        }
    }
    finish(turn, round, blame)
}

/// Compares what the ends of opened edges signed with what the edges' masks hold.
fn compare(
    turn: &mut Turn<'_>,
    terms: &Terms,
    round: &mut Round,
    blame: &mut RoundBlame,
    opened: &[(Edge, bauta_secagg::curve::Point)],
    removes: bool,
) -> Result<(), Error> {
    let ctx = derive::ctx(round)?;
    let signed = numbers::signed(turn.storage, round, blame.pass)?;
    for (edge, point) in opened {
        let is_of = |group: &&mut BlamedGroup| group.members.contains(&edge.provider.get());
        let group = blame.groups.iter_mut().find(is_of).ok_or_else(|| Error::State("an edge of no group".into()))?;
        let number = match switched_off!(OpenedEdge) {
            true => {
                let (lower, higher) = (edge.provider.min(edge.other), edge.provider.max(edge.other));
                signed.get(&lower.get()).and_then(|numbers| numbers.body.number(higher))
            }
            false => bauta_secagg::blame::number_of(&ctx, &terms.layout, group.coordinate, point),
        };
        for (end, other) in [(edge.provider, edge.other), (edge.other, edge.provider)] {
            // One that was silent said nothing false.
            let said = signed.get(&end.get()).and_then(|numbers| numbers.body.number(other));
            if said.is_none() || said == number {
                continue;
            }
            let what = format!(
                "signed a false number for its edge with slot {other} at coordinate {} in round {}",
                group.coordinate,
                round.number,
                other = other.get(),
            );
            let parts = numbers::evidence_of(turn.storage, round, blame.pass, end)?;
            convict(turn, round, group, OffenceKind::FalseEdge, end, &parts, what)?;
            // Who lied about a culprit's edge is out of the next round; whether its own update is in bounds, finalise sees.
            if !removes && !group.culprits.contains(&end.get()) {
                group.culprits.push(end.get());
                group.culprits.sort_unstable();
            }
        }
    }
    Ok(())
}

/// Asks for the culprits' edges with those who stay, so that their vectors can be taken away. A group without a culprit, or without
/// `min_group` others, is void; so are all if nothing could be made of the groups that are left.
fn remove(turn: &mut Turn<'_>, terms: &Terms, round: &mut Round, blame: &mut RoundBlame) -> Result<bool, Error> {
    let mut asked: Vec<Edge> = Vec::new();
    for group in &blame.groups {
        let edges = lists::of_culprits(group)?;
        let left = group.members.len() - group.culprits.len();
        let can_finish = !group.culprits.is_empty() && left >= terms.cohort.min_group as usize;
        let goes_on = of_number(round, group.number).is_some_and(|record| derive::goes_on(record));
        if goes_on && can_finish && lists::fits(&asked, &edges) {
            asked.extend(edges);
        } else {
            set_void(round, group.number);
        }
    }
    // Sums of which nothing can be made are not revealed.
    if cannot_go_on(terms, &round.groups, AbortReason::OutOfRange).is_none()
        && lists::ask(turn, terms, round, blame, RoundPhase::BlameRemove, &asked)?
    {
        return Ok(false);
    }
    finish(turn, round, blame)
}

/// Ends a pass: finalise goes on, with the groups that are left.
fn finish(turn: &mut Turn<'_>, round: &mut Round, blame: &mut RoundBlame) -> Result<bool, Error> {
    blame.groups.clear();
    blame.again = false;
    state::put_blame(turn.storage, round.task_id, round.number, blame);
    enter(turn, round, RoundPhase::Finalise, None);
    Ok(true)
}

fn of_number(round: &mut Round, number: u32) -> Option<&mut RoundGroup> {
    round.groups.iter_mut().find(|group| group.number == number)
}

fn set_void(round: &mut Round, number: u32) {
    if let Some(group) = of_number(round, number) {
        group.set_void(AbortReason::OutOfRange);
    }
}

/// Records an offence of a member of a blamed group.
fn convict(
    turn: &mut Turn<'_>,
    round: &Round,
    group: &BlamedGroup,
    kind: OffenceKind,
    slot: Slot,
    signed: &[Vec<u8>],
    what: String,
) -> Result<(), Error> {
    let check_ins = state::check_ins(turn.storage, round.task_id, round.number)?;
    let of_slot = |slot: u32| check_ins.iter().find(|check_in| check_in.slot == slot);
    let provider = of_slot(slot.get())
        .map(|check_in| check_in.address.clone())
        .ok_or_else(|| Error::State(format!("slot {} was blamed and did not check in", slot.get())))?;
    let coordinate = group.coordinate.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![crate::offence::name(kind).as_bytes(), &round.ctx, &provider, &coordinate];
    parts.extend(signed.iter().map(Vec::as_slice));
    let offence = Offence {
        kind,
        task: round.task_id,
        epoch: round.epoch,
        round: round.number,
        evidence: evidence(&parts),
        reporter: None,
        harmed: submit::others_of_group(turn.storage, round, &provider)?,
        what,
        provider,
    };
    let outputs = record(turn.env, turn.storage, &offence)?;
    turn.outputs.extend(outputs);
    Ok(())
}
