//! Blame: where a group's sum is out of range at a coordinate, its members open one number an edge, never an update.
//!
//! Once seats have answered, the self masks `T_i` are public, and so are the edges of those that dropped out. What hides member `i`'s
//! coordinate `c` is then `sum +- prg(vector, S_ij)[c]` over the other survivors. Each member signs these numbers; the chain computes
//! `w_i u_i[c]` from them, and compares the two ends of every edge.
//!
//! Why somebody is found: in the sum over the members of what their own signed numbers leave, agreed edges cancel. If each of these is at
//! most `B w_i` in centred value, so is the group's sum at most `B sum w_i`, which it is not; then either a member's own numbers leave too
//! much, and no honest member's do, or the ends of an edge differ, and one of them lied about what the seats can open. Two ends that lie
//! alike only move the excess from one of them to the other.

use crate::context::Ctx;
use crate::curve::{Point, VerifyKey};
use crate::encoding::{Address, Malformed, Reader, Slot, Writer, MAX_PROVIDERS};
use crate::enrol::ProviderKeys;
use crate::packing::low_mask;
use crate::parties::Group;
use crate::prg::{MaskKey, Use};
use crate::rejection::{Refusal, Rejection};
use crate::ring::{Layout, Pow2, Sign};
use crate::signature::{Body, Kind, Signed};
use crate::submit::sign_of_edge;
use rand_core::CryptoRngCore;

/// What an edge's mask holds at the coordinate, as one end says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeNumber {
    /// The other end.
    pub other: Slot,
    /// `prg(vector, S_ij)[c]`, below `2^bits`.
    pub number: u64,
}

/// What a member signs in blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeNumbers {
    /// The round.
    pub ctx: Ctx,
    /// The member.
    pub address: Address,
    /// Its slot.
    pub slot: Slot,
    /// The how-manieth time of the round that its group is out of range, from 1.
    pub pass: u32,
    /// The coordinate `c`.
    pub coordinate: u64,
    /// A number for each of the others that are asked, by slot.
    pub edges: Vec<EdgeNumber>,
}

impl EdgeNumbers {
    /// What it says of the edge with another member.
    pub fn number(&self, other: Slot) -> Option<u64> {
        let at = self.edges.binary_search_by_key(&other, |edge| edge.other).ok()?;
        Some(self.edges[at].number)
    }
}

impl Body for EdgeNumbers {
    const KIND: Kind = Kind::Blame;
    type Context = Ctx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(self.ctx.as_bytes()).address(&self.address).slot(self.slot);
        writer.be32(self.pass).be64(self.coordinate).count(self.edges.len());
        for edge in &self.edges {
            writer.slot(edge.other).be64(edge.number);
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let numbers = Self {
            ctx: Ctx::from_bytes(reader.array("ctx")?),
            address: reader.address()?,
            slot: reader.slot()?,
            pass: reader.be32("pass")?,
            coordinate: reader.be64("coordinate")?,
            edges: reader.list("edge numbers", MAX_PROVIDERS, 12, |r| {
                Ok(EdgeNumber { other: r.slot()?, number: r.be64("edge number")? })
            })?,
        };
        reader.finish()?;
        if !numbers.edges.windows(2).all(|w| w[0].other < w[1].other) {
            return Err(Malformed::Order { what: "the slots of edge numbers" });
        }
        Ok(numbers)
    }
}

/// What blame asks of a group's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The how-manieth time of the round, from 1.
    pub pass: u32,
    /// The coordinate.
    pub coordinate: u64,
    /// Slots of the members asked, ascending.
    pub members: &'a [Slot],
}

/// What the state says about a member's numbers.
#[derive(Debug, Clone, Copy)]
pub struct EdgeNumbersState<'a> {
    /// The round.
    pub ctx: &'a Ctx,
    /// The member's account.
    pub address: &'a Address,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// Its slot.
    pub slot: Slot,
    /// What is asked.
    pub question: Question<'a>,
    /// The task's vector.
    pub layout: &'a Layout,
}

/// Checks what a member signed. There is no proof in it: whether its numbers are true is seen once the other ends have signed theirs.
pub fn verify(state: &EdgeNumbersState<'_>, signed: &Signed<EdgeNumbers>) -> Result<(), Rejection> {
    let Some(ring) = state.layout.ring().pow2() else {
        return Err(Refusal::EdgeNumbers { what: "residues have no numbers to sign" }.into());
    };
    let numbers = &signed.body;
    signed.verify(state.ctx, state.v)?;
    let others = state.question.members.iter().filter(|slot| **slot != state.slot);
    let refusal = if numbers.ctx != *state.ctx {
        Refusal::Context
    } else if numbers.address != *state.address {
        Refusal::Address
    } else if numbers.slot != state.slot {
        Refusal::Slot { expected: state.slot.get(), got: numbers.slot.get() }
    } else if (numbers.pass, numbers.coordinate) != (state.question.pass, state.question.coordinate) {
        Refusal::EdgeNumbers { what: "they are for another pass or coordinate" }
    } else if !others.eq(numbers.edges.iter().map(|edge| &edge.other)) {
        Refusal::EdgeNumbers { what: "one is needed for each other member that is asked, by slot" }
    } else if numbers.edges.iter().any(|edge| edge.number > low_mask(ring.bits())) {
        Refusal::EdgeNumbers { what: "a number is not reduced to the ring" }
    } else {
        return Ok(());
    };
    Err(refusal.into())
}

/// `prg(vector, point)[c]`; `None` outside of the vector.
pub fn number_of(ctx: &Ctx, layout: &Layout, coordinate: u64, point: &Point) -> Option<u64> {
    let ring = layout.ring().pow2()?;
    let (chunk, e) = layout.place(coordinate)?;
    Some(MaskKey::new(Use::Vector, ctx, point).element(ring, chunk, e))
}

/// What is left of a masked coordinate when its masks are taken away, in centred value: `w_i u_i[c]`, if the numbers are true. `edges` are
/// all edges of the member, with the numbers of their masks.
pub fn unmasked(
    ring: Pow2,
    slot: Slot,
    masked: u64,
    self_mask: u64,
    edges: impl IntoIterator<Item = (Slot, u64)>,
) -> i64 {
    let left = edges.into_iter().fold(masked.wrapping_sub(self_mask), |left, (other, number)| {
        match sign_of_edge(slot, other) {
            Sign::Plus => left.wrapping_sub(number),
            Sign::Minus => left.wrapping_add(number),
        }
    });
    ring.centred(left)
}

/// Why a client does not answer blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// The group does not hold this client.
    #[error("the group shown does not hold this provider, or not the others that are asked; the endpoint is lying or behind")]
    NotInGroup,
    /// There is no such coordinate.
    #[error("the vector has no coordinate {0}")]
    Coordinate(u64),
}

impl ProviderKeys {
    /// Signs the number of each edge with the others that are asked. Only after the light client proved what is asked, and after it was
    /// written to disk that this coordinate is what this pass opens: each pass opens one, and the caller signs for no other.
    pub fn blame(
        &self,
        ctx: &Ctx,
        address: &Address,
        group: &Group,
        layout: &Layout,
        question: &Question<'_>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Signed<EdgeNumbers>, NotSigned> {
        let me = group.iter().find(|member| member.address == *address).ok_or(NotSigned::NotInGroup)?;
        if me.x != self.x.public() || !question.members.contains(&me.slot) {
            return Err(NotSigned::NotInGroup);
        }
        let mut edges = Vec::with_capacity(question.members.len());
        for slot in question.members.iter().filter(|slot| **slot != me.slot) {
            let other = group.member(*slot).ok_or(NotSigned::NotInGroup)?;
            let shared = self.x.shared(&other.p);
            let number = number_of(ctx, layout, question.coordinate, &shared)
                .ok_or(NotSigned::Coordinate(question.coordinate))?;
            edges.push(EdgeNumber { other: *slot, number });
        }
        let body = EdgeNumbers {
            ctx: *ctx,
            address: address.clone(),
            slot: me.slot,
            pass: question.pass,
            coordinate: question.coordinate,
            edges,
        };
        Ok(self.v.sign(ctx, body, rng))
    }
}
