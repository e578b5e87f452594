//! The request lists that blame asks of the seats: edges, and nothing else. Every edge on a list has an end that is a culprit, or of which
//! one end is: it knows the mask and could publish it itself, so that nothing is opened that was hidden from the hostile.

use crate::end_block::Turn;
use crate::env::{Budget, Storage};
use crate::error::Error;
use crate::params::MAX_MESSAGE;
use crate::round::enter;
use crate::round::finalise::interpolate;
use crate::round::unmask::Asked;
use crate::terms::Terms;
use crate::{derive, state};
use bauta_schema::training::v1::{BlameList, BlamedGroup, Round, RoundBlame, RoundPhase};
use bauta_secagg::curve::Point;
use bauta_secagg::encoding::Slot;
use bauta_secagg::parties::Group;
use bauta_secagg::seat::largest_part;
use bauta_secagg::unmask::{Asked as Entry, OpenedMasks, Requests};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a compressed point.
const POINT: usize = 33;

/// An edge that seats are asked for: whose key, and the other end, whose base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub provider: Slot,
    pub other: Slot,
}

/// Of differing edges, given in order, those that may be opened: as many as leave at least `min_group` members of the group hidden behind
/// each other. Where that are not all, so many have lied that the group is void once they are found.
pub(super) fn openable(group: &BlamedGroup, differing: Vec<Edge>, min_group: u32) -> Vec<Edge> {
    let members: Vec<Slot> = group.members.iter().filter_map(|&slot| Slot::new(slot).ok()).collect();
    let mut opened = BTreeSet::new();
    let mut edges = Vec::new();
    for edge in differing {
        let ends = (edge.provider.min(edge.other), edge.provider.max(edge.other));
        opened.insert(ends);
        if largest_part(&members, |edge| opened.contains(edge)) < min_group as usize {
            opened.remove(&ends);
        } else {
            edges.push(edge);
        }
    }
    edges
}

/// The edges of a group's culprits with those who stay.
pub(super) fn of_culprits(group: &BlamedGroup) -> Result<Vec<Edge>, Error> {
    let mut edges = Vec::new();
    for &culprit in &group.culprits {
        for &other in group.members.iter().filter(|slot| !group.culprits.contains(slot)) {
            edges.push(Edge { provider: derive::slot(culprit)?, other: derive::slot(other)? });
        }
    }
    Ok(edges)
}

/// Whether an answer to a list of these edges and more fits in a message. A group whose edges do not fit is void.
pub(super) fn fits(edges: &[Edge], more: &[Edge]) -> bool {
    let providers: BTreeSet<Slot> = edges.iter().chain(more).map(|edge| edge.provider).collect();
    super::cost::partial_bytes((edges.len() + more.len()) as u64, providers.len() as u64) <= MAX_MESSAGE
}

/// Writes a list, and lets the seats be asked for it; whether there is anything to ask for.
pub(super) fn ask(
    turn: &mut Turn<'_>,
    terms: &Terms,
    round: &mut Round,
    blame: &mut RoundBlame,
    phase: RoundPhase,
    edges: &[Edge],
) -> Result<bool, Error> {
    if edges.is_empty() {
        return Ok(false);
    }
    let asked = Asked::of(turn.storage, round, terms.cohort.min_group)?;
    let base = |slot: Slot| {
        let member = asked.groups.iter().find_map(|(group, _)| group.member(slot));
        member.map(|member| member.p).ok_or_else(|| Error::State(format!("slot {} is in no group", slot.get())))
    };
    let entries: Result<Vec<_>, Error> = edges.iter().map(|edge| Ok((edge.provider, base(edge.other)?))).collect();
    let list = Requests::of_edges(&derive::rctx(round)?, entries?).map_err(|error| Error::State(error.to_string()))?;
    let root = list.root().as_bytes().to_vec();
    blame.lists.push(BlameList { root: root.clone(), entries: list.encode(), points: Vec::new() });
    state::put_blame(turn.storage, round.task_id, round.number, blame);
    round.blame_root = root;
    round.blame_lists += 1;
    (round.partials, round.pending_partials) = (0, 0);
    enter(turn, round, phase, Some(terms.windows.unmask));
    Ok(true)
}

/// One of a round's lists of blame, which count from 1.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn requests(storage: &dyn Storage, round: &Round, number: u32) -> Result<Requests, Error> {
    let blame = state::find_blame(storage, round.task_id, round.number)?.unwrap_or_default();
    let list = (number as usize).checked_sub(1).and_then(|place| blame.lists.get(place));
    let list = list.ok_or_else(|| Error::State(format!("blame has no list {number}")))?;
    decode(round, list)
}

fn decode(round: &Round, list: &BlameList) -> Result<Requests, Error> {
    Requests::decode(&derive::rctx(round)?, &list.entries).map_err(|error| Error::State(error.to_string()))
}

/// All lists of a round's blame.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn all(storage: &dyn Storage, round: &Round) -> Result<Vec<Requests>, Error> {
    let blame = state::find_blame(storage, round.task_id, round.number)?.unwrap_or_default();
    blame.lists.iter().map(|list| decode(round, list)).collect()
}

/// Opens the current list from the seats' answers, as far as the budget bears; its edges with their points once all are open.
pub(super) fn open(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    round: &Round,
    blame: &mut RoundBlame,
    asked: &Asked,
) -> Result<Option<Vec<(Edge, Point)>>, Error> {
    let list = blame.lists.last_mut().ok_or_else(|| Error::State("blame has asked for nothing".into()))?;
    if !interpolate(turn, budget, round, asked, &mut list.points)? {
        return Ok(None);
    }
    let points: Result<Vec<Point>, Error> = list.points.chunks_exact(POINT).map(derive::point).collect();
    let ends = |(entry, point): (&Entry, Point)| {
        let group = asked.groups.iter().find(|(group, _)| group.member(entry.provider()).is_some());
        let edge = group.and_then(|(group, _)| edge_of(group, entry));
        Ok((edge.ok_or_else(|| Error::State("blame asked for what is no edge".into()))?, point))
    };
    asked.requests.entries().iter().zip(points?).map(ends).collect::<Result<_, _>>().map(Some)
}

fn edge_of(group: &Group, entry: &Entry) -> Option<Edge> {
    let Entry::Edge { provider, base } = entry else { return None };
    let other = group.iter().find(|member| member.p == *base)?.slot;
    Some(Edge { provider: *provider, other })
}

/// What is open of a round's masks.
#[derive(Default)]
pub(super) struct Points {
    pub self_masks: BTreeMap<Slot, Point>,
    /// By whose key was asked for, and the other end.
    pub edges: BTreeMap<(Slot, Slot), Point>,
}

/// Everything that the round's lists have opened.
pub(super) fn points(storage: &dyn Storage, round: &Round, asked: &Asked) -> Result<Points, Error> {
    let progress = state::finalise(storage, round.task_id, round.number)?;
    let first: Result<Vec<Point>, Error> = progress.points.chunks_exact(POINT).map(derive::point).collect();
    let mut lists = vec![(asked.requests.clone(), OpenedMasks::from_points(first?))];
    lists.extend(opened(storage, round)?);
    let mut points = Points::default();
    for (requests, opened) in &lists {
        for (entry, point) in requests.entries().iter().zip(opened.points()) {
            let slot = entry.provider();
            let group = asked.groups.iter().find(|(group, _)| group.member(slot).is_some());
            match (entry, group.and_then(|(group, _)| edge_of(group, entry))) {
                (Entry::SelfMask { .. }, _) => {
                    points.self_masks.insert(slot, *point);
                }
                (_, Some(edge)) => {
                    points.edges.insert((edge.provider, edge.other), *point);
                }
                _ => return Err(Error::State("an opened edge has no other end".into())),
            }
        }
    }
    Ok(points)
}

/// The lists of blame that were opened in whole, with their points.
pub(crate) fn opened(storage: &dyn Storage, round: &Round) -> Result<Vec<(Requests, OpenedMasks)>, Error> {
    let blame = state::find_blame(storage, round.task_id, round.number)?.unwrap_or_default();
    let mut opened = Vec::new();
    for list in &blame.lists {
        let requests = decode(round, list)?;
        if list.points.len() == POINT * requests.len() {
            let points: Result<Vec<Point>, Error> = list.points.chunks_exact(POINT).map(derive::point).collect();
            opened.push((requests, OpenedMasks::from_points(points?)));
        }
    }
    Ok(opened)
}
