//! The canonical ordered list of what the seats are asked for.

use std::collections::BTreeMap;

use crate::context::{Rctx, Root};
use crate::curve::{hash_to_curve, HashKind, Point};
use crate::encoding::{Malformed, Reader, Slot, Writer, MAX_REQUESTS};
use crate::parties::{Group, Survivors};
use crate::root::tree_hash;

/// Which of a provider's masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaskKind {
    /// Kind 0: the self mask of a survivor.
    SelfMask,
    /// Kind 1: an edge of one that dropped out.
    Edge,
}

impl MaskKind {
    /// The byte in leaves and bodies.
    pub fn byte(self) -> u8 {
        match self {
            Self::SelfMask => 0,
            Self::Edge => 1,
        }
    }
}

/// One entry of a request list: `(kind, provider, base)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `x_{i,k} H(self, rctx)` of a survivor `i`. The base is the round's, so it is not repeated on the wire.
    SelfMask {
        /// `i`.
        provider: Slot,
    },
    /// `x_{j,k} P_i` of a dropped `j` for a survivor `i`.
    Edge {
        /// `j`.
        provider: Slot,
        /// `P_i`.
        base: Point,
    },
}

impl Asked {
    /// The kind.
    pub fn kind(&self) -> MaskKind {
        match self {
            Self::SelfMask { .. } => MaskKind::SelfMask,
            Self::Edge { .. } => MaskKind::Edge,
        }
    }

    /// Whose key.
    pub fn provider(&self) -> Slot {
        match self {
            Self::SelfMask { provider } | Self::Edge { provider, .. } => *provider,
        }
    }

    /// Kind byte, slot, and the base of an edge.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u8(self.kind().byte()).slot(self.provider());
        if let Self::Edge { base, .. } = self {
            writer.point(base);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8("mask kind")? {
            0 => Ok(Self::SelfMask { provider: reader.slot()? }),
            1 => Ok(Self::Edge { provider: reader.slot()?, base: reader.point()? }),
            got => Err(Malformed::Variant { what: "mask kind", got }),
        }
    }
}

/// What cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Both kinds for one provider, or one provider in two groups: that would open an update.
    #[error("slot {0} is asked for twice; never both kinds of mask for one provider")]
    BothKinds(u32),
    /// Too long.
    #[error("the request list has {0} entries, more than {MAX_REQUESTS}")]
    TooLong(usize),
    /// The survivors are not of the group.
    #[error("slot {0} is not in the group whose survivors are asked for")]
    NotInGroup(u32),
}

/// Indices of the entries that share a proof block: the self masks (many keys, one base), or the edges of one dropped
/// provider (one key, many bases).
pub(crate) type Block = Vec<usize>;

/// The request list of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    rctx: Rctx,
    entries: Vec<Asked>,
    self_base: Point,
    blocks: Vec<Block>,
    root: Root,
}

impl Requests {
    /// The list for the groups that go on, in their order: kind 0 by slot, then kind 1 by provider slot, then by base slot.
    pub fn new(rctx: &Rctx, groups: &[(&Group, &Survivors)]) -> Result<Self, RequestError> {
        let mut entries = Vec::new();
        for (group, survivors) in groups {
            let bases = survivors
                .survivors()
                .iter()
                .map(|slot| Ok(group.member(*slot).ok_or(RequestError::NotInGroup(slot.get()))?.p))
                .collect::<Result<Vec<_>, _>>()?;
            let edges = survivors.dropped().len().saturating_mul(bases.len());
            let length = entries.len().saturating_add(bases.len()).saturating_add(edges);
            if length > MAX_REQUESTS {
                return Err(RequestError::TooLong(length));
            }
            entries.extend(survivors.survivors().iter().map(|provider| Asked::SelfMask { provider: *provider }));
            for provider in survivors.dropped() {
                entries.extend(bases.iter().map(|base| Asked::Edge { provider: *provider, base: *base }));
            }
        }
        Self::from_entries(rctx, entries)
    }

    /// A list that blame asks: edges alone, given by whose key and whose base, in the order given. A provider's edges follow each other.
    pub fn of_edges(rctx: &Rctx, edges: impl IntoIterator<Item = (Slot, Point)>) -> Result<Self, RequestError> {
        let entries: Vec<_> = edges.into_iter().map(|(provider, base)| Asked::Edge { provider, base }).collect();
        if entries.len() > MAX_REQUESTS {
            return Err(RequestError::TooLong(entries.len()));
        }
        Self::from_entries(rctx, entries)
    }

    fn from_entries(rctx: &Rctx, entries: Vec<Asked>) -> Result<Self, RequestError> {
        let self_base = hash_to_curve(HashKind::SelfMask, rctx.as_bytes());
        let blocks = blocks(&entries)?;
        let root = tree_hash(entries.iter().map(|asked| leaf(asked, &self_base)));
        Ok(Self { rctx: *rctx, entries, self_base, blocks, root })
    }

    /// The round asked about.
    pub fn rctx(&self) -> &Rctx {
        &self.rctx
    }

    /// `request_root`, over the leaves `kind byte | provider slot | base point`.
    pub fn root(&self) -> Root {
        self.root
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Asked] {
        &self.entries
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The providers asked about, each with the kind of mask, in slot order: their share keys are needed to verify.
    pub fn providers(&self) -> BTreeMap<Slot, MaskKind> {
        self.entries.iter().map(|asked| (asked.provider(), asked.kind())).collect()
    }

    /// The base point of an entry.
    pub fn base(&self, asked: &Asked) -> Point {
        match asked {
            Asked::SelfMask { .. } => self.self_base,
            Asked::Edge { base, .. } => *base,
        }
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Canonical bytes: a counted list of `kind byte | slot | base of an edge`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.count(self.entries.len());
        self.entries.iter().for_each(|asked| asked.write(&mut writer));
        writer.into_bytes()
    }

    /// Reads what [`Requests::encode`] wrote. A client compares the root with the one its light client proves.
    pub fn decode(rctx: &Rctx, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let entries = reader.list("requests", MAX_REQUESTS, 5, Asked::read)?;
        reader.finish()?;
        Self::from_entries(rctx, entries).map_err(|_| Malformed::Order { what: "requests by provider and kind" })
    }
}

fn leaf(asked: &Asked, self_base: &Point) -> Vec<u8> {
    let mut writer = Writer::new();
    asked.write(&mut writer);
    if asked.kind() == MaskKind::SelfMask {
        writer.point(self_base);
    }
    writer.into_bytes()
}

/// The self block first, then one block for each dropped provider in list order.
fn blocks(entries: &[Asked]) -> Result<Vec<Block>, RequestError> {
    let mut self_block = Block::new();
    let mut edge_blocks: Vec<Block> = Vec::new();
    // For each provider its kind and, of edges, its block.
    let mut seen: BTreeMap<Slot, Option<usize>> = BTreeMap::new();
    for (index, asked) in entries.iter().enumerate() {
        let slot = asked.provider();
        match (asked.kind(), seen.get(&slot)) {
            (MaskKind::SelfMask, None) => {
                seen.insert(slot, None);
                self_block.push(index);
            }
            (MaskKind::Edge, None) => {
                seen.insert(slot, Some(edge_blocks.len()));
                edge_blocks.push(vec![index]);
            }
            // A provider's edges follow each other.
            (MaskKind::Edge, Some(Some(block))) if block + 1 == edge_blocks.len() => edge_blocks[*block].push(index),
            _ => return Err(RequestError::BothKinds(slot.get())),
        }
    }
    let mut blocks = Vec::with_capacity(edge_blocks.len() + 1);
    if !self_block.is_empty() {
        blocks.push(self_block);
    }
    blocks.extend(edge_blocks);
    Ok(blocks)
}
