//! What a seat has answered in a round, and what it may therefore answer still.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{Rctx, Root};
use crate::encoding::{Malformed, Reader, Slot, Writer, MAX_PROVIDERS, MAX_REQUESTS};
use crate::parties::{Group, Survivors};
use crate::switched_off;
use crate::unmask::{Asked, MaskKind, Requests};

/// What a provider's seats answered in one round, for whom: never both kinds of mask for one provider, but for edges that blame names.
/// Written to disk before the answer is made; it survives restarts, resets and state sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    rctx: Rctx,
    answered: BTreeMap<Slot, MaskKind>,
    /// Edges between survivors that blame's lists opened, the lower slot first.
    blamed: BTreeSet<(Slot, Slot)>,
}

/// A request list would open an update together with what was answered before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The list is of another round.
    #[error("the request list is of another round than the record")]
    Round,
    /// Both kinds for one provider.
    #[error(
        "slot {0} was answered for with the other kind of mask in this round; both together would open its update"
    )]
    BothKinds(u32),
    /// A list that is not blame's.
    #[error("blame opens edges between two survivors of one group, but the list asks for something else of slot {0}")]
    NotAnEdge(u32),
    /// Too few would stay hidden behind each other.
    #[error(
        "with the edges opened before, at most {hidden} of a group's members would stay hidden behind each other, fewer than {min_group}"
    )]
    TooFewHidden {
        /// Members of the largest part of the group whose edges with each other, one after another, are not opened.
        hidden: usize,
        /// The task's minimum.
        min_group: usize,
    },
}

/// Says that a record admits a request list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted(Root);

impl Admitted {
    /// The list's root.
    pub fn root(&self) -> Root {
        self.0
    }
}

impl AnswerRecord {
    /// An empty record of a round.
    pub fn new(rctx: &Rctx) -> Self {
        Self { rctx: *rctx, answered: BTreeMap::new(), blamed: BTreeSet::new() }
    }

    /// Adds a list's providers, or says which of them was answered for with the other kind. The caller writes the record to
    /// disk before it uses what this returns.
    pub fn admit(&mut self, requests: &Requests) -> Result<Admitted, Conflict> {
        if requests.rctx() != &self.rctx {
            return Err(Conflict::Round);
        }
        let providers = requests.providers();
        for (slot, kind) in &providers {
            if self.answered.get(slot).is_some_and(|answered| answered != kind) && !switched_off!(AnswerRecord) {
                return Err(Conflict::BothKinds(slot.get()));
            }
        }
        self.answered.extend(providers);
        Ok(Admitted(requests.root()))
    }

    /// Adds a list that blame asks, of which the caller's light client proved the root: edges between survivors of the round's groups,
    /// whose self masks are open. Together with all edges opened before it must leave, in each group, at least `min_group` members that
    /// edges hide which are not opened. What is revealed of a group are the sums of the parts into which the opened edges cut it; so
    /// nobody can have a group taken apart, whatever the chain has written. The caller writes the record to disk before it uses what
    /// this returns.
    pub fn admit_blame(
        &mut self,
        list: &Requests,
        groups: &[(Group, Survivors)],
        min_group: usize,
    ) -> Result<Admitted, Conflict> {
        if list.rctx() != &self.rctx {
            return Err(Conflict::Round);
        }
        let mut blamed = self.blamed.clone();
        let mut touched = BTreeSet::new();
        for asked in list.entries() {
            let found = groups.iter().enumerate().find_map(|(place, group)| Some((place, edge_of(group, asked)?)));
            let (place, edge) = found.ok_or(Conflict::NotAnEdge(asked.provider().get()))?;
            blamed.insert(edge);
            touched.insert(place);
        }
        let touched: Vec<_> = touched.into_iter().filter_map(|place| groups.get(place)).collect();
        for (_, survivors) in &touched {
            let hidden = largest_part(survivors.survivors(), |edge| blamed.contains(edge));
            if hidden < min_group {
                return Err(Conflict::TooFewHidden { hidden, min_group });
            }
        }
        // Whoever has not answered the first list yet may still do so, and for no other kind.
        for slot in touched.iter().flat_map(|(_, survivors)| survivors.survivors()) {
            match self.answered.get(slot) {
                Some(MaskKind::Edge) => return Err(Conflict::BothKinds(slot.get())),
                _ => self.answered.insert(*slot, MaskKind::SelfMask),
            };
        }
        self.blamed = blamed;
        Ok(Admitted(list.root()))
    }

    /// For the disk.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(self.rctx.as_bytes()).count(self.answered.len());
        for (slot, kind) in &self.answered {
            writer.u8(kind.byte()).slot(*slot);
        }
        // A record of a round without blame ends here.
        if !self.blamed.is_empty() {
            writer.count(self.blamed.len());
            for (lower, higher) in &self.blamed {
                writer.slot(*lower).slot(*higher);
            }
        }
        writer.into_bytes()
    }

    /// Reads what [`AnswerRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let rctx = Rctx::from_bytes(reader.array("rctx")?);
        let entries = reader.list("answered slots", MAX_PROVIDERS, 5, |r| {
            let kind = match r.u8("mask kind")? {
                0 => MaskKind::SelfMask,
                1 => MaskKind::Edge,
                got => return Err(Malformed::Variant { what: "mask kind", got }),
            };
            Ok((r.slot()?, kind))
        })?;
        if !entries.windows(2).all(|w| w[0].0 < w[1].0) {
            return Err(Malformed::Order { what: "answered slots" });
        }
        let mut edges = Vec::new();
        if !reader.is_empty() {
            edges = reader.list("blamed edges", MAX_REQUESTS, 8, |r| Ok((r.slot()?, r.slot()?)))?;
            let ascend = edges.windows(2).all(|w| w[0] < w[1]) && edges.iter().all(|(lower, higher)| lower < higher);
            if edges.is_empty() || !ascend {
                return Err(Malformed::Order { what: "blamed edges" });
            }
        }
        reader.finish()?;
        if switched_off!(KeptRecord) {
            return Ok(Self::new(&rctx));
        }
        Ok(Self { rctx, answered: entries.into_iter().collect(), blamed: edges.into_iter().collect() })
    }
}

/// The edge that an entry asks for, the lower slot first, if both its ends are survivors of this group.
fn edge_of((group, survivors): &(Group, Survivors), asked: &Asked) -> Option<(Slot, Slot)> {
    let Asked::Edge { provider, base } = asked else { return None };
    let other = group.iter().find(|member| member.p == *base)?.slot;
    let both = survivors.survivors().contains(provider) && survivors.survivors().contains(&other);
    (both && other != *provider).then(|| (other.min(*provider), other.max(*provider)))
}

/// Members of the largest part of a group that hangs together by edges which are not opened. Every two members have an edge.
pub fn largest_part(members: &[Slot], is_opened: impl Fn(&(Slot, Slot)) -> bool) -> usize {
    let mut left: BTreeSet<Slot> = members.iter().copied().collect();
    let mut largest = 0;
    while let Some(first) = left.pop_first() {
        let mut part = vec![first];
        let mut size = 0;
        while let Some(one) = part.pop() {
            size += 1;
            let next: Vec<Slot> =
                left.iter().copied().filter(|other| !is_opened(&(one.min(*other), one.max(*other)))).collect();
            for other in next {
                left.remove(&other);
                part.push(other);
            }
        }
        largest = largest.max(size);
    }
    largest
}
