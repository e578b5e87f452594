//! Judging: what the signed numbers leave of each member's masked coordinate.

use super::lists::{self, Edge};
use super::numbers::members_of;
use crate::end_block::Turn;
use crate::error::Error;
use crate::round::unmask::Asked;
use crate::terms::Terms;
use crate::{derive, state};
use bauta_schema::training::v1::{BlamedGroup, CheckIn, Round, RoundBlame};
use bauta_secagg::blame::{number_of, unmasked, EdgeNumbers};
use bauta_secagg::encoding::Slot;
use bauta_secagg::ring::Pow2;
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Header;
use bauta_secagg::switched_off;
use std::collections::BTreeMap;

/// What was found of a group.
#[derive(Default)]
pub(super) struct Judged {
    /// Members whose own signed numbers leave more than their bound: slot, what is left, the bound. Nobody honest is among them.
    pub out_of_bound: Vec<(Slot, i64, u128)>,
    /// Edges whose ends, neither of them among these, signed different numbers, by their lower slot, then by their higher.
    pub differing: Vec<Edge>,
    /// Members who signed nothing.
    pub silent: Vec<Slot>,
    /// Whether what the silent would have signed is needed: both ends of an edge are silent, or the numbers of the others leave more
    /// than its bound of the one who is. It may be honest and the others not: nothing of it is opened.
    pub unsettled: bool,
}

/// What is public of a member's coordinate.
struct Part {
    masked: u64,
    self_mask: u64,
    /// The numbers of its edges with those who dropped out or were removed.
    opened: Vec<(Slot, u64)>,
    /// Its bound: `B w`.
    limit: u128,
}

/// Judges each group that blame is about, in their order.
pub(super) fn judge(
    turn: &Turn<'_>,
    terms: &Terms,
    round: &Round,
    blame: &RoundBlame,
    signed: &BTreeMap<u32, Signed<EdgeNumbers>>,
) -> Result<Vec<Judged>, Error> {
    let asked = Asked::of(turn.storage, round, terms.cohort.min_group)?;
    let points = lists::points(turn.storage, round, &asked)?;
    let check_ins = state::check_ins(turn.storage, round.task_id, round.number)?;
    let ring = terms.layout.ring().pow2().ok_or_else(|| Error::State("a task of residues does not blame".into()))?;
    let group = |group: &BlamedGroup| {
        let members = members_of(group)?;
        let parts: Result<BTreeMap<Slot, Part>, Error> = members
            .iter()
            .map(|slot| Ok((*slot, part(turn, terms, round, &check_ins, &points, group, *slot)?)))
            .collect();
        let numbers = |slot: Slot| signed.get(&slot.get()).map(|signed| &signed.body);
        Ok(compare(ring, &members, &parts?, numbers))
    };
    blame.groups.iter().map(group).collect()
}

fn part(
    turn: &Turn<'_>,
    terms: &Terms,
    round: &Round,
    check_ins: &[CheckIn],
    points: &lists::Points,
    group: &BlamedGroup,
    slot: Slot,
) -> Result<Part, Error> {
    let broken = |what: &str| Error::State(format!("blame of slot {}: {what}", slot.get()));
    let ctx = derive::ctx(round)?;
    let (chunk, element) = terms.layout.place(group.coordinate).ok_or_else(|| broken("there is no such coordinate"))?;
    let check_in =
        check_ins.iter().find(|check_in| check_in.slot == slot.get()).ok_or_else(|| broken("no check-in"))?;
    let header = state::find_header(turn.storage, round.task_id, round.number, &check_in.address)?
        .ok_or_else(|| broken("no header"))?;
    let header = Header::decode(&header.body).map_err(|error| broken(&error.to_string()))?;
    let bytes = header.chunks.get(chunk as usize).and_then(|hash| turn.blobs.get(hash));
    let bytes = bytes.ok_or_else(|| broken("a chunk is missing"))?;
    let masked = terms.layout.element(chunk, element, &bytes).map_err(|error| broken(&error.to_string()))?;
    let number = |point| number_of(&ctx, &terms.layout, group.coordinate, point).ok_or_else(|| broken("no number"));
    let mask = points.self_masks.get(&slot).ok_or_else(|| broken("its self mask is not open"))?;
    let members = &round.groups.iter().find(|of| of.number == group.number).ok_or_else(|| broken("no group"))?.members;
    let mut opened = Vec::new();
    for other in members.iter().filter(|other| !group.members.contains(other)) {
        let other = derive::slot(*other)?;
        let point = points.edges.get(&(other, slot)).ok_or_else(|| broken("an edge is not open"))?;
        opened.push((other, number(point)?));
    }
    Ok(Part {
        masked: masked.ok_or_else(|| broken("the chunk is too short"))?,
        self_mask: number(mask)?,
        opened,
        limit: terms.encoding.aggregate_limit(check_in.weight),
    })
}

fn compare<'a>(
    ring: Pow2,
    members: &[Slot],
    parts: &BTreeMap<Slot, Part>,
    numbers: impl Fn(Slot) -> Option<&'a EdgeNumbers>,
) -> Judged {
    let mut judged = Judged::default();
    let left = |slot: Slot, part: &Part, edges: Vec<(Slot, u64)>| {
        let edges = edges.into_iter().chain(part.opened.iter().copied());
        let value = unmasked(ring, slot, part.masked, part.self_mask, edges);
        let is_out = u128::from(value.unsigned_abs()) > part.limit && !switched_off!(OutOfBound);
        is_out.then_some((slot, value, part.limit))
    };
    for (slot, part) in parts {
        match numbers(*slot) {
            Some(own) => {
                let edges = own.edges.iter().map(|edge| (edge.other, edge.number)).collect();
                judged.out_of_bound.extend(left(*slot, part, edges));
            }
            None => judged.silent.push(*slot),
        }
    }
    judged.unsettled = match judged.silent[..] {
        [] => false,
        [slot] => {
            // Its edges take the other ends' numbers.
            let others = members.iter().filter(|other| **other != slot);
            let edges = others.filter_map(|other| Some((*other, numbers(*other)?.number(slot)?))).collect();
            let out = parts.get(&slot).and_then(|part| left(slot, part, edges));
            if switched_off!(SilenceIsNoProof) {
                judged.out_of_bound.extend(out);
            }
            out.is_some() && !switched_off!(SilenceIsNoProof)
        }
        _ => true,
    };
    let is_out = |slot: &Slot| judged.out_of_bound.iter().any(|(out, ..)| out == slot);
    for (place, lower) in members.iter().enumerate() {
        for higher in members.iter().skip(place + 1) {
            let (Some(one), Some(other)) = (numbers(*lower), numbers(*higher)) else { continue };
            if one.number(*higher) != other.number(*lower) && !is_out(lower) && !is_out(higher) {
                judged.differing.push(Edge { provider: *lower, other: *higher });
            }
        }
    }
    judged
}
