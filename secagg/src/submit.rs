//! Submission: a header signed by `V`, then the chunks of
//! `y_i = w_i u_i + prg(vector, T_i) + sum_{j>i} prg(vector, S_ij) - sum_{j<i} prg(vector, S_ij)`.

use crate::check_in::CheckedIn;
use crate::context::{Ctx, Root};
use crate::curve::{hash_to_curve, HashKind, VerifyKey};
use crate::encoding::{sha256, Address, Malformed, Reader, Slot, Writer, MAX_CHUNKS};
use crate::parties::Group;
use crate::prg::{MaskKey, Use};
use crate::rejection::{Refusal, Rejection};
use crate::ring::{Elements, Layout, NonCanonical, Ring, Sign};
use crate::signature::{Body, Kind, Signed};
use crate::switched_off;
use rand_core::CryptoRngCore;

/// Header of a masked vector.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// The round it is for.
    pub ctx: Ctx,
    /// The provider.
    pub address: Address,
    /// Its slot.
    pub slot: Slot,
    /// Root of the group it was masked towards.
    pub group_root: Root,
    /// `w_i` as checked in.
    pub weight: u64,
    /// Bytes of all chunks together.
    pub bytes: u64,
    /// SHA-256 of each chunk.
    pub chunks: Vec<[u8; 32]>,
}

impl core::fmt::Debug for Header {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Header")
            .field("ctx", &self.ctx)
            .field("address", &self.address)
            .field("slot", &self.slot)
            .field("group_root", &self.group_root)
            .field("weight", &self.weight)
            .field("bytes", &self.bytes)
            .field("chunks", &self.chunks.len())
            .finish()
    }
}

impl Body for Header {
    const KIND: Kind = Kind::Submit;
    type Context = Ctx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(self.ctx.as_bytes()).address(&self.address).slot(self.slot).bytes(self.group_root.as_bytes());
        writer.be64(self.weight).be64(self.bytes).count(self.chunks.len());
        self.chunks.iter().for_each(|hash| {
            writer.bytes(hash);
        });
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = Self {
            ctx: Ctx::from_bytes(reader.array("ctx")?),
            address: reader.address()?,
            slot: reader.slot()?,
            group_root: Root::from_bytes(reader.array("group_root")?),
            weight: reader.be64("weight")?,
            bytes: reader.be64("bytes")?,
            chunks: reader.list("chunk hashes", MAX_CHUNKS, 32, |r| r.array("chunk hash"))?,
        };
        reader.finish()?;
        Ok(header)
    }
}

/// What the state says about a submission.
#[derive(Debug, Clone, Copy)]
pub struct HeaderState<'a> {
    /// The round.
    pub ctx: &'a Ctx,
    /// The provider's account.
    pub address: &'a Address,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// Its slot.
    pub slot: Slot,
    /// Root of its group's check-ins.
    pub group_root: Root,
    /// The weight it checked in.
    pub weight: u64,
    /// The task's vector.
    pub layout: &'a Layout,
}

/// Checks a header. There is no proof in it: a header is signed and fits the state, or is refused without penalty.
pub fn verify_header(state: &HeaderState<'_>, signed: &Signed<Header>) -> Result<(), Rejection> {
    let header = &signed.body;
    signed.verify(state.ctx, state.v)?;
    let refusal = if header.ctx != *state.ctx {
        Refusal::Context
    } else if header.address != *state.address {
        Refusal::Address
    } else if header.slot != state.slot {
        Refusal::Slot { expected: state.slot.get(), got: header.slot.get() }
    } else if header.group_root != state.group_root && !switched_off!(GroupRoot) {
        Refusal::GroupRoot
    } else if header.weight != state.weight {
        Refusal::WeightChanged { expected: state.weight, got: header.weight }
    } else if header.bytes != state.layout.total_bytes() {
        Refusal::Bytes { expected: state.layout.total_bytes(), got: header.bytes }
    } else if header.chunks.len() != state.layout.chunks() as usize {
        Refusal::Count { what: "chunk hashes", expected: state.layout.chunks() as usize, got: header.chunks.len() }
    } else {
        return Ok(());
    };
    Err(refusal.into())
}

/// Why a chunk was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    /// It is not the chunk that the header names at this place. No penalty.
    #[error("chunk {index} is not the one that the header names; send the bytes whose hash was signed")]
    Refused {
        /// The place.
        index: u32,
    },
    /// It is that chunk, and its content is not canonical: an offence of the header's signer.
    #[error(transparent)]
    NonCanonical(#[from] NonCanonical),
}

/// Checks a chunk against a stored header.
pub fn verify_chunk(header: &Header, layout: &Layout, index: u32, bytes: &[u8]) -> Result<(), ChunkFault> {
    match header.chunks.get(index as usize) {
        Some(hash) if *hash == sha256(&[bytes]) || switched_off!(ChunkPlace) => Ok(layout.check(index, bytes)?),
        _ => Err(ChunkFault::Refused { index }),
    }
}

/// A masked update, ready to be written to disk and sent. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The header.
    pub header: Signed<Header>,
    /// The chunks' bytes.
    pub chunks: Vec<Vec<u8>>,
}

/// Why a client does not mask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// The group does not hold this client as it checked in: the endpoint shows a false group.
    #[error(
        "the group shown does not hold this provider with the keys it checked in with; the endpoint is lying or behind"
    )]
    NotInGroup,
    /// The update has the wrong length.
    #[error("the update has {got} elements, but the task's vector has {expected}")]
    Length {
        /// By the layout.
        expected: u64,
        /// Of the update.
        got: u64,
    },
    /// The ring is of another kind.
    #[error("the task's vector is of {0}")]
    Ring(&'static str),
    /// Residues that are none of the ring's.
    #[error("limb {limb} of the update is not as many reduced residues as the task's vector has elements")]
    Residues {
        /// The limb.
        limb: usize,
    },
    /// A weighted element does not fit in the ring.
    #[error("element {index} of the update times the weight does not fit in the task's ring; clip the update")]
    Overflow {
        /// The element.
        index: u64,
    },
}

impl CheckedIn {
    /// Masks the update `u_i` (unweighted, quantised) towards the group and signs the header. Consumes the check-in: one
    /// header a round.
    pub fn mask(
        self,
        ctx: &Ctx,
        group: &Group,
        layout: &Layout,
        update: &[i64],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Masked, MaskError> {
        check_update(layout, update, self.weight)?;
        let weight = self.weight;
        self.mask_chunks(ctx, group, layout, rng, |elements, from| {
            elements.add_weighted(&update[from..from + elements.len()], weight);
            Ok(())
        })
    }

    /// Masks residues towards the group and signs the header: for each limb of an [`Rns`] ring those of all elements, already times the
    /// weight. Consumes the check-in: one header a round.
    ///
    /// [`Rns`]: crate::ring::Rns
    ///
    /// # Errors
    /// [`MaskError`].
    pub fn mask_residues(
        self,
        ctx: &Ctx,
        group: &Group,
        layout: &Layout,
        limbs: &[Vec<u64>],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Masked, MaskError> {
        let Ring::Rns(rns) = layout.ring() else { return Err(MaskError::Ring("one number an element, not residues")) };
        let expected = rns.moduli().len().max(limbs.len());
        let is_whole = |limb: &usize| limbs.get(*limb).is_some_and(|limb| limb.len() as u64 == layout.elements());
        if let Some(limb) = (0..expected).find(|limb| *limb >= rns.moduli().len() || !is_whole(limb)) {
            return Err(MaskError::Residues { limb });
        }
        self.mask_chunks(ctx, group, layout, rng, |elements, from| {
            for (limb, residues) in limbs.iter().enumerate() {
                if !elements.add_residues(limb, &residues[from..from + elements.len()]) {
                    return Err(MaskError::Residues { limb });
                }
            }
            Ok(())
        })
    }

    /// Masks chunk by chunk what `fill` adds to each, given the place of its first element in the vector.
    fn mask_chunks(
        self,
        ctx: &Ctx,
        group: &Group,
        layout: &Layout,
        rng: &mut impl CryptoRngCore,
        fill: impl Fn(&mut Elements, usize) -> Result<(), MaskError>,
    ) -> Result<Masked, MaskError> {
        let (slot, masks) = self.masks(ctx, group)?;
        let mut chunks = Vec::with_capacity(layout.chunks() as usize);
        let mut from = 0;
        for chunk in 0..layout.chunks() {
            let mut elements = layout.zero(chunk).expect("the chunk is one of the layout's");
            fill(&mut elements, from)?;
            from += elements.len();
            masks.iter().for_each(|(key, sign)| key.apply(&mut elements, *sign));
            chunks.push(elements.pack());
        }
        let header = Header {
            ctx: *ctx,
            address: self.address.clone(),
            slot,
            group_root: group.root(),
            weight: self.weight,
            bytes: layout.total_bytes(),
            chunks: chunks.iter().map(|chunk| sha256(&[chunk])).collect(),
        };
        Ok(Masked { header: self.v.sign(ctx, header, rng), chunks })
    }

    /// The keys of all masks with their signs: the self mask, a pairwise mask with every other member, and in cohort tasks the one that it
    /// shares with the model provider.
    fn masks(&self, ctx: &Ctx, group: &Group) -> Result<(Slot, Vec<(MaskKey, Sign)>), MaskError> {
        let me = group.iter().find(|member| member.address == self.address).ok_or(MaskError::NotInGroup)?;
        if me.x != self.x.public() || me.p != self.point {
            return Err(MaskError::NotInGroup);
        }
        let self_mask = self.x.shared(&hash_to_curve(HashKind::SelfMask, self.rctx.as_bytes()));
        let mut masks = vec![(MaskKey::new(Use::Vector, ctx, &self_mask), Sign::Plus)];
        if switched_off!(SelfMask) {
            masks.clear();
        }
        for other in group.iter().filter(|member| member.slot != me.slot) {
            let pairwise = self.x.shared(&other.p);
            masks.push((MaskKey::new(Use::Vector, ctx, &pairwise), sign_of_edge(me.slot, other.slot)));
        }
        masks.extend(self.cohort.iter().map(|shared| (MaskKey::new(Use::Cohort, ctx, shared), Sign::Plus)));
        Ok((me.slot, masks))
    }
}

/// The sign with which `of` adds the mask it shares with `other`.
pub(crate) fn sign_of_edge(of: Slot, other: Slot) -> Sign {
    if other > of {
        Sign::Plus
    } else {
        Sign::Minus
    }
}

fn check_update(layout: &Layout, update: &[i64], weight: u64) -> Result<(), MaskError> {
    let ring = layout.ring().pow2().ok_or(MaskError::Ring("residues, not one number an element"))?;
    if update.len() as u64 != layout.elements() {
        return Err(MaskError::Length { expected: layout.elements(), got: update.len() as u64 });
    }
    let limit = 1u128 << (ring.bits() - 1);
    // The largest is looked for first: which element it is matters only for the message.
    let largest = update.iter().map(|element| element.unsigned_abs()).max().unwrap_or(0);
    if u128::from(largest) * u128::from(weight) < limit {
        return Ok(());
    }
    let index = update.iter().position(|element| element.unsigned_abs() == largest).unwrap_or(0) as u64;
    Err(MaskError::Overflow { index })
}
