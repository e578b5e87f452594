//! One proof a message, and one multi-scalar multiplication for the messages of a block.
//!
//! With `d_n` the first 16 bytes of `SHA-256(seed | be32(n))`, `n` counting the list's entries, the self block proves
//! `log_G X* = log_H Y*` for `X* = sum d_i X_{i,k}`, `Y* = sum d_i Y_i`; the block of a dropped `j` proves
//! `log_G X_{j,k} = log_{B*} Y*` for `B* = sum d_{j,i} P_i`, `Y* = sum d_{j,i} Y_{j,i}`. One challenge covers all blocks.

use std::collections::BTreeMap;

use crate::context::{Ctx, Root};
use crate::curve::{scalar_from_128, Point, VerifyKey};
use crate::encoding::{sha256, tag, Address, SeatIndex, Slot, Writer};
use crate::msm::sum_is_identity;
use crate::proof::Transcript;
use crate::rejection::{Refusal, Rejection};
use crate::root::tree_hash;
use crate::signature::Signed;
use crate::unmask::requests::Asked;
use crate::unmask::{MaskKind, Partial, Requests};
use k256::Scalar;

/// `X_{i,k}` of one seat for every provider on the list.
pub type SeatKeys = BTreeMap<Slot, Point>;

/// What the state says about a partial.
#[derive(Debug, Clone, Copy)]
pub struct UnmaskState<'a> {
    /// The round.
    pub ctx: &'a Ctx,
    /// Its request list.
    pub requests: &'a Requests,
    /// The seat's holder.
    pub address: &'a Address,
    /// The seat.
    pub seat: SeatIndex,
    /// The holder's signing key.
    pub v: &'a VerifyKey,
    /// The seat's share keys.
    pub keys: &'a SeatKeys,
}

/// A partial that is signed and fits the state, whose proof was not looked at yet.
#[derive(Debug, Clone)]
pub struct CheckedPartial<'a> {
    requests: &'a Requests,
    partial: &'a Partial,
    /// The share key of each block's first entry, and of every entry of the self block.
    keys: Vec<Point>,
    seed: [u8; 32],
    challenge: Scalar,
}

/// Checks signature and state: the message answers the whole list, in its order.
pub fn check<'a>(state: &UnmaskState<'a>, signed: &'a Signed<Partial>) -> Result<CheckedPartial<'a>, Rejection> {
    let partial = &signed.body;
    signed.verify(state.ctx, state.v)?;
    if partial.address != *state.address {
        return Err(Refusal::Address.into());
    }
    if partial.seat != state.seat {
        return Err(Refusal::Seat { expected: state.seat.get(), got: partial.seat.get() }.into());
    }
    if partial.request_root != state.requests.root() {
        return Err(Refusal::RequestRoot.into());
    }
    let (expected, got) = (state.requests.len(), partial.entries.len());
    if expected != got {
        return Err(Refusal::Count { what: "entries", expected, got }.into());
    }
    let differs = |(entry, asked): (&crate::unmask::PartialEntry, &Asked)| entry.asked != *asked;
    if let Some(index) = partial.entries.iter().zip(state.requests.entries()).position(differs) {
        return Err(Refusal::Entries { index }.into());
    }
    let keys = share_keys(state.requests, state.keys)?;
    if partial.share_keys_root != share_keys_root(state.requests, &keys) {
        return Err(Refusal::ShareKeys.into());
    }
    // How many proofs there are is part of the proof, not of the state.
    if partial.proofs.len() != state.requests.blocks().len() {
        return Err(INVALID);
    }
    let values: Vec<_> = partial.entries.iter().map(|entry| entry.value).collect();
    let seed = statement_seed(state.ctx, state.address, state.seat, state.requests, &keys, &values);
    let commitments: Vec<_> = partial.proofs.iter().flat_map(|p| [p.commitment, p.base_commitment]).collect();
    let challenge = prover_transcript(state.ctx, &seed).challenge(&commitments);
    Ok(CheckedPartial { requests: state.requests, partial, keys, seed, challenge })
}

const INVALID: Rejection = Rejection::InvalidProof("the partials");

/// [`check`], then the proof.
pub fn verify(state: &UnmaskState<'_>, signed: &Signed<Partial>) -> Result<(), Rejection> {
    check(state, signed)?.holds().then_some(()).ok_or(INVALID)
}

/// The share key of every entry.
fn share_keys(requests: &Requests, keys: &SeatKeys) -> Result<Vec<Point>, Refusal> {
    let key = |asked: &Asked| {
        let slot = asked.provider();
        keys.get(&slot).copied().ok_or(Refusal::UnknownShareKey { slot: slot.get() })
    };
    requests.entries().iter().map(key).collect()
}

/// Root over the leaves `(slot, X_{slot,k})` of the providers on the list, in slot order.
pub(crate) fn share_keys_root(requests: &Requests, keys: &[Point]) -> Root {
    let by_slot: SeatKeys = requests.entries().iter().map(Asked::provider).zip(keys.iter().copied()).collect();
    tree_hash(by_slot.iter().map(|(slot, key)| {
        let mut leaf = Writer::new();
        leaf.slot(*slot).point(key);
        leaf.into_bytes()
    }))
}

/// The hash of the whole statement.
pub(crate) fn statement_seed(
    ctx: &Ctx,
    address: &Address,
    seat: SeatIndex,
    requests: &Requests,
    keys: &[Point],
    values: &[Point],
) -> [u8; 32] {
    let mut statement = Writer::new();
    statement.bytes(&tag("statement/unmask")).bytes(ctx.as_bytes()).address(address).seat(seat);
    statement.bytes(requests.root().as_bytes()).count(requests.len());
    for ((asked, key), value) in requests.entries().iter().zip(keys).zip(values) {
        statement.u8(asked.kind().byte()).slot(asked.provider());
        statement.point(key).point(&requests.base(asked)).point(value);
    }
    sha256(&[&statement.into_bytes()])
}

/// The transcript whose challenge covers all blocks.
pub(crate) fn prover_transcript(ctx: &Ctx, seed: &[u8; 32]) -> Transcript {
    let mut transcript = Transcript::new("unmask", ctx.as_bytes());
    transcript.writer().bytes(seed);
    transcript
}

/// `d_n`: the first 16 bytes of `SHA-256(seed | be32(n))`.
pub(crate) fn coefficient(seed: &[u8; 32], n: usize) -> Scalar {
    let hash = sha256(&[seed, &(n as u32).to_be_bytes()]);
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    scalar_from_128(half)
}

impl CheckedPartial<'_> {
    /// Whether the proof holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        verify_batch(core::slice::from_ref(self)).is_ok()
    }

    /// Binds the message's proofs, so that the batch's weights depend on all of them.
    fn digest(&self) -> [u8; 32] {
        let mut writer = Writer::new();
        writer.bytes(&self.seed);
        for proof in &self.partial.proofs {
            writer.point(&proof.commitment).point(&proof.base_commitment).scalar(&proof.response);
        }
        sha256(&[&writer.into_bytes()])
    }
}

/// Verifies the proofs of messages that answer the same list in one multi-scalar multiplication. If that fails, one by one:
/// the error holds the indices of those that do not hold. Weights come from a hash of all messages, never from the machine.
pub fn verify_batch(messages: &[CheckedPartial<'_>]) -> Result<(), Vec<usize>> {
    let mut batch = Batch::new(messages);
    messages.iter().for_each(|message| batch.add(message));
    if batch.holds() {
        return Ok(());
    }
    if messages.len() <= 1 {
        return Err((0..messages.len()).collect());
    }
    let culprits: Vec<_> = (0..messages.len()).filter(|index| !messages[*index].holds()).collect();
    // Valid messages always hold together; this line only keeps an empty list of culprits from being returned.
    if culprits.is_empty() {
        return Ok(());
    }
    Err(culprits)
}

/// The sum of all equations, each with a weight of its own; equal bases are merged.
struct Batch {
    seed: [u8; 32],
    equations: usize,
    generator: Scalar,
    bases: BTreeMap<[u8; 33], (Scalar, Point)>,
    terms: Vec<(Scalar, Point)>,
}

impl Batch {
    fn new(messages: &[CheckedPartial<'_>]) -> Self {
        let digests: Vec<_> = messages.iter().map(CheckedPartial::digest).collect();
        let mut seed = tag("batch/unmask");
        seed.extend(digests.iter().flatten());
        Self {
            seed: sha256(&[&seed]),
            equations: 0,
            generator: Scalar::ZERO,
            bases: BTreeMap::new(),
            terms: Vec::new(),
        }
    }

    fn weight(&mut self) -> Scalar {
        let weight = coefficient(&self.seed, self.equations);
        self.equations += 1;
        weight
    }

    /// Adds `rho (z G - A - e X*)` and `rho' (z B* - A' - e Y*)` for each block.
    fn add(&mut self, message: &CheckedPartial<'_>) {
        let (requests, partial) = (message.requests, message.partial);
        for (block, proof) in requests.blocks().iter().zip(&partial.proofs) {
            let (rho, rho_base) = (self.weight(), self.weight());
            let (rho_e, rho_base_e) = (rho * message.challenge, rho_base * message.challenge);
            self.generator += rho * proof.response;
            self.terms.push((-rho, proof.commitment));
            self.terms.push((-rho_base, proof.base_commitment));
            let many_keys = requests.entries()[block[0]].kind() == MaskKind::SelfMask;
            if many_keys {
                self.add_base(&requests.base(&requests.entries()[block[0]]), rho_base * proof.response);
            } else {
                self.terms.push((-rho_e, message.keys[block[0]]));
            }
            for index in block {
                let d = coefficient(&message.seed, *index);
                self.terms.push((-(rho_base_e * d), partial.entries[*index].value));
                if many_keys {
                    self.terms.push((-(rho_e * d), message.keys[*index]));
                } else {
                    let base = requests.base(&requests.entries()[*index]);
                    self.add_base(&base, rho_base * proof.response * d);
                }
            }
        }
    }

    fn add_base(&mut self, base: &Point, scalar: Scalar) {
        self.bases.entry(base.to_bytes()).or_insert((Scalar::ZERO, *base)).0 += scalar;
    }

    fn holds(mut self) -> bool {
        self.terms.push((self.generator, Point::GENERATOR));
        self.terms.extend(self.bases.into_values());
        sum_is_identity(&self.terms)
    }
}
