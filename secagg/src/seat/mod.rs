//! A provider in its role as seat: it opens the shares dealt to it, complains, and answers request lists.

mod record;

pub use record::{largest_part, Admitted, AnswerRecord, Conflict};

use std::collections::BTreeMap;

use crate::complain::{self, Complaint};
use crate::context::{Ctx, Ectx};
use crate::curve::Point;
use crate::deal::{open_share, share_key, Deal};
use crate::encoding::{Address, Malformed, SeatIndex, Slot};
use crate::enrol::ProviderKeys;
use crate::joint::{self, Evaluation, JointInput};
use crate::proof::{Dleq, Transcript};
use crate::secret::SecretScalar;
use crate::signature::Signed;
use crate::unmask::{
    coefficient, prover_transcript, share_keys_root, statement_seed, MaskKind, Partial, PartialEntry, Requests,
};
use k256::Scalar;
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

/// A seat's share `x_{i,k}` of one dealer's masking key, checked against the share key.
#[derive(Clone, Debug)]
pub struct Share {
    secret: SecretScalar,
    key: Point,
}

impl Share {
    /// 32 bytes for the owner's disk (mode 0600).
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.to_bytes()
    }

    /// Reads what [`Share::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        let secret = SecretScalar::from_bytes(bytes)?;
        Ok(Self { key: secret.public(), secret })
    }

    /// `X_{i,k}`.
    pub fn key(&self) -> Point {
        self.key
    }

    /// The seat's share of the joint key of these dealers.
    pub(crate) fn sum(dealers: &[Slot], shares: &BTreeMap<Slot, Self>) -> Result<Self, NotAnswered> {
        let mut sum = Zeroizing::new(Scalar::ZERO);
        for slot in dealers {
            *sum += shares.get(slot).ok_or(NotAnswered::NoShare(slot.get()))?.secret.scalar();
        }
        let secret = SecretScalar::new(*sum).ok_or(NotAnswered::Identity)?;
        Ok(Self { key: secret.public(), secret })
    }

    /// `x_k B`.
    pub(crate) fn times(&self, base: &Point) -> Point {
        self.secret.times(base)
    }

    /// `log_G X_k = log_B (x_k B)`.
    pub(crate) fn prove(&self, base: &Point, transcript: &Transcript, rng: &mut impl CryptoRngCore) -> Dleq {
        Dleq::prove(&self.secret, base, transcript, rng)
    }
}

/// A share that does not open or contradicts the commitments: time to complain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the share does not open, or contradicts the deal's commitments; complain about the dealer")]
pub struct BadShare;

/// Why a seat does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    /// It holds no share of a dealer on the list (it complained about it, or lost its share): it is excused or silent.
    #[error("this seat holds no share of slot {0}")]
    NoShare(u32),
    /// Its share of the joint key is zero.
    #[error("this seat's share of the joint key is zero, so that it has nothing to answer with")]
    Identity,
    /// The record was made for another list or round.
    #[error("the record of answers admits another request list; admit this one and write the record to disk first")]
    NotAdmitted,
}

/// The role of one seat in one epoch.
#[derive(Debug)]
pub struct Seat<'a> {
    keys: &'a ProviderKeys,
    ectx: Ectx,
    address: &'a Address,
    seat: SeatIndex,
}

impl<'a> Seat<'a> {
    /// The role of `address` as seat `k` in the epoch `ectx`.
    pub fn new(keys: &'a ProviderKeys, ectx: Ectx, address: &'a Address, seat: SeatIndex) -> Self {
        Self { keys, ectx, address, seat }
    }

    /// Opens the share in a deal that the chain accepted and checks it against the deal's own commitments. (Against a share
    /// key that an endpoint shows, a lying endpoint could make an honest seat complain falsely.)
    pub fn open(&self, deal: &Deal) -> Result<Share, BadShare> {
        let key = share_key(&deal.commitments, self.seat).ok_or(BadShare)?;
        let shared = self.keys.e.shared(&deal.ephemeral);
        let secret = open_share(&self.ectx, deal, self.seat, &shared, &key).ok_or(BadShare)?;
        Ok(Share { secret, key })
    }

    /// Complains about a deal whose share is bad. (The shared point of this deal becomes public; a false complaint convicts.)
    pub fn complain(&self, deal: &Deal, rng: &mut impl CryptoRngCore) -> Signed<Complaint> {
        let shared = self.keys.e.times(&deal.ephemeral);
        let transcript =
            complain::transcript(&self.ectx, self.address, self.seat, &self.keys.e.public(), deal, &shared);
        let proof = Dleq::prove(&self.keys.e, &deal.ephemeral, &transcript, rng);
        let body = Complaint {
            complainer: self.address.clone(),
            seat: self.seat,
            dealer: deal.dealer.clone(),
            deal_hash: deal.hash(),
            shared,
            proof,
        };
        self.keys.v.sign(&self.ectx, body, rng)
    }

    /// Answers a request list: only after the light client proved its root, and after `admitted`'s record was written to
    /// disk.
    pub fn answer(
        &self,
        ctx: &Ctx,
        requests: &Requests,
        admitted: &Admitted,
        shares: &BTreeMap<Slot, Share>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Signed<Partial>, NotAnswered> {
        if admitted.root() != requests.root() {
            return Err(NotAnswered::NotAdmitted);
        }
        let shares = requests
            .entries()
            .iter()
            .map(|asked| shares.get(&asked.provider()).ok_or(NotAnswered::NoShare(asked.provider().get())))
            .collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<_> = requests
            .entries()
            .iter()
            .zip(&shares)
            .map(|(asked, share)| PartialEntry { asked: *asked, value: share.secret.times(&requests.base(asked)) })
            .collect();
        let keys: Vec<_> = shares.iter().map(|share| share.key).collect();
        let proofs = self.prove(ctx, requests, &shares, &entries, rng);
        let (request_root, share_keys_root) = (requests.root(), share_keys_root(requests, &keys));
        let body =
            Partial { address: self.address.clone(), seat: self.seat, request_root, share_keys_root, entries, proofs };
        Ok(self.keys.v.sign(ctx, body, rng))
    }

    /// Evaluates the joint key of these dealers: only after the light client proved who they are, and after it was written
    /// to disk that this is what the seat evaluates.
    pub fn evaluate(
        &self,
        input: &JointInput,
        dealers: &[Slot],
        shares: &BTreeMap<Slot, Share>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Signed<Evaluation>, NotAnswered> {
        joint::evaluate(self.keys, &self.ectx, (self.address, self.seat), input, dealers, shares, rng)
    }

    fn prove(
        &self,
        ctx: &Ctx,
        requests: &Requests,
        shares: &[&Share],
        entries: &[PartialEntry],
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Dleq> {
        let keys: Vec<_> = shares.iter().map(|share| share.key).collect();
        let values: Vec<_> = entries.iter().map(|entry| entry.value).collect();
        let seed = statement_seed(ctx, self.address, self.seat, requests, &keys, &values);
        let transcript = prover_transcript(ctx, &seed);
        let mut witnesses = Vec::with_capacity(requests.blocks().len());
        for (block, index) in requests.blocks().iter().zip(0u32..) {
            let (secret, base) = block_witness(requests, block, &seed, shares);
            let nonce = transcript.nonce(&secret, index, rng);
            let commitments = (nonce.public(), nonce.times(&base));
            witnesses.push((secret, nonce, commitments));
        }
        let commitments: Vec<_> = witnesses.iter().flat_map(|(_, _, (a, b))| [*a, *b]).collect();
        let challenge = transcript.challenge(&commitments);
        let prove = |(secret, nonce, commitments): &(Zeroizing<Scalar>, SecretScalar, (Point, Point))| Dleq {
            commitment: commitments.0,
            base_commitment: commitments.1,
            response: challenge * **secret + nonce.scalar(),
        };
        witnesses.iter().map(prove).collect()
    }
}

/// What a block proves: its combined secret and its combined base.
fn block_witness(
    requests: &Requests,
    block: &[usize],
    seed: &[u8; 32],
    shares: &[&Share],
) -> (Zeroizing<Scalar>, Point) {
    let first = &requests.entries()[block[0]];
    match first.kind() {
        MaskKind::SelfMask => {
            let mut secret = Zeroizing::new(Scalar::ZERO);
            for index in block {
                let mut term = coefficient(seed, *index) * shares[*index].secret.scalar();
                *secret += term;
                term.zeroize();
            }
            (secret, requests.base(first))
        }
        MaskKind::Edge => {
            let terms: Vec<_> = block
                .iter()
                .map(|index| (coefficient(seed, *index), requests.base(&requests.entries()[*index])))
                .collect();
            let base = Point::from_projective(&crate::msm::sum(&terms))
                .expect("a random combination of bases is the identity with probability 2^-128");
            (Zeroizing::new(*shares[block[0]].secret.scalar()), base)
        }
    }
}
