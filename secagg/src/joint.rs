//! The joint key: the sum of all qualified dealers' masking keys, which nobody knows. Seats hold shares of it, the sums of
//! the shares that were dealt to them, and evaluate it on a point that nobody could foresee (a distributed verifiable random
//! function by DDH, Naor, Pinkas and Reingold 1999, with the DLEQ proofs of Chaum and Pedersen). The value is unique: which
//! seats answer changes nothing.

use std::collections::BTreeMap;

use crate::context::{joint_input, Ectx, Root};
use crate::curve::{hash_to_curve, HashKind, Point, VerifyKey};
use crate::deal::ShareKeys;
use crate::encoding::{within, Address, Malformed, Reader, SeatIndex, Slot, Writer, MAX_SEATS};
use crate::enrol::ProviderKeys;
use crate::interpolate::{BadSeats, Lagrange};
use crate::proof::{Dleq, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::seat::{NotAnswered, Share};
use crate::signature::{Body, Kind, Signed};
use crate::switched_off;
use k256::ProjectivePoint;
use rand_core::CryptoRngCore;

/// What the joint key of a set of dealers is evaluated on. It names the dealers, so that no input is evaluated under two
/// keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JointInput {
    hash: [u8; 32],
    base: Point,
}

impl JointInput {
    /// `evaluated` is what the evaluation is about, `dealers` the root of those whose key it is; `round` is 0 outside of
    /// rounds.
    pub fn new(kind: HashKind, ectx: &Ectx, round: u64, evaluated: &Root, dealers: &Root) -> Self {
        let hash = joint_input(kind, ectx, round, evaluated, dealers);
        Self { hash, base: hash_to_curve(kind, &hash) }
    }

    /// The input of an epoch's partition: the root of the qualified dealers, under their own key.
    pub fn partition(ectx: &Ectx, dealers: &Root) -> Self {
        Self::new(HashKind::Partition, ectx, 0, dealers, dealers)
    }

    /// [`joint_input`], which names it in messages.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// `H(kind, input)`.
    pub fn base(&self) -> &Point {
        &self.base
    }
}

/// A seat's share of a joint key's value, signed in `ectx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The seat's holder.
    pub address: Address,
    /// The seat `k`.
    pub seat: SeatIndex,
    /// What is evaluated, [`JointInput::hash`].
    pub input: [u8; 32],
    /// `X_k = sum_i X_{i,k}` over the qualified dealers. A seat that was shown other deals or dealers than the chain's is
    /// refused, not convicted.
    pub share_key: Point,
    /// `x_k H(kind, input)`, `x_k = sum_i x_{i,k}`.
    pub value: Point,
    /// `log_G X_k = log_H value`.
    pub proof: Dleq,
}

impl Body for Evaluation {
    const KIND: Kind = Kind::Evaluate;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.address).seat(self.seat).bytes(&self.input).point(&self.share_key).point(&self.value);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let evaluation = Self {
            address: reader.address()?,
            seat: reader.seat()?,
            input: reader.array("input")?,
            share_key: reader.point()?,
            value: reader.point()?,
            proof: Dleq::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(evaluation)
    }
}

fn transcript(
    ectx: &Ectx,
    address: &Address,
    seat: SeatIndex,
    input: &JointInput,
    share_key: &Point,
    value: &Point,
) -> Transcript {
    let mut transcript = Transcript::new("evaluate", ectx.as_bytes());
    transcript.writer().address(address).seat(seat).bytes(&input.hash);
    transcript.writer().point(share_key).point(&input.base).point(value);
    transcript
}

/// What the state says about an evaluation.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationState<'a> {
    /// The epoch.
    pub ectx: &'a Ectx,
    /// What is evaluated.
    pub input: &'a JointInput,
    /// The seat's holder.
    pub address: &'a Address,
    /// The seat.
    pub seat: SeatIndex,
    /// The holder's signing key.
    pub v: &'a VerifyKey,
    /// `X_k` out of the dealers' [`JointKeys`]; `None` if it is the identity, so that the seat cannot answer.
    pub share_key: Option<&'a Point>,
}

/// Checks signature and state of an evaluation, all but its proof.
pub fn check(state: &EvaluationState<'_>, signed: &Signed<Evaluation>) -> Result<(), Rejection> {
    let evaluation = &signed.body;
    signed.verify(state.ectx, state.v)?;
    if evaluation.address != *state.address {
        return Err(Refusal::Address.into());
    }
    if evaluation.seat != state.seat {
        return Err(Refusal::Seat { expected: state.seat.get(), got: evaluation.seat.get() }.into());
    }
    if evaluation.input != state.input.hash {
        return Err(Refusal::Input.into());
    }
    if state.share_key != Some(&evaluation.share_key) {
        return Err(Refusal::ShareKeys.into());
    }
    Ok(())
}

/// [`check`], then the proof.
pub fn verify(state: &EvaluationState<'_>, signed: &Signed<Evaluation>) -> Result<(), Rejection> {
    check(state, signed)?;
    let Evaluation { share_key, value, proof, .. } = &signed.body;
    let transcript = transcript(state.ectx, state.address, state.seat, state.input, share_key, value);
    if !proof.holds(share_key, &state.input.base, value, &transcript) && !switched_off!(EvaluationProof) {
        return Err(Rejection::InvalidProof("the share of the joint key's value"));
    }
    Ok(())
}

/// The joint key's value: `sum_k lambda_k y_k` over exactly the threshold's number of distinct seats, in any order.
pub fn combine(values: &[(SeatIndex, Point)]) -> Result<Point, BadSeats> {
    let (seats, points): (Vec<_>, Vec<_>) = values.iter().copied().unzip();
    Lagrange::new(&seats)?.interpolate(&points)
}

/// Evaluates as seat `k`, with its shares of every one of the dealers; after its record was written to disk.
pub(crate) fn evaluate(
    keys: &ProviderKeys,
    ectx: &Ectx,
    (address, seat): (&Address, SeatIndex),
    input: &JointInput,
    dealers: &[Slot],
    shares: &BTreeMap<Slot, Share>,
    rng: &mut impl CryptoRngCore,
) -> Result<Signed<Evaluation>, NotAnswered> {
    let share = Share::sum(dealers, shares)?;
    let (share_key, value) = (share.key(), share.times(&input.base));
    let transcript = transcript(ectx, address, seat, input, &share_key, &value);
    let proof = share.prove(&input.base, &transcript, rng);
    let body = Evaluation { address: address.clone(), seat, input: input.hash, share_key, value, proof };
    Ok(keys.v.sign(ectx, body, rng))
}

/// Public keys `X_k` of the seats' shares of the joint key: sums of the dealers' [`ShareKeys`], added up one dealer at a
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JointKeys(Vec<ProjectivePoint>);

/// The identity on its own, where no compressed point begins with 0.
const IDENTITY: [u8; 33] = [0; 33];

impl JointKeys {
    /// The keys of no dealer, for `seats` seats.
    pub fn new(seats: usize) -> Self {
        Self(vec![ProjectivePoint::IDENTITY; seats.min(MAX_SEATS)])
    }

    /// Adds a dealer's share keys. Refuses keys of another number of seats.
    pub fn add(&mut self, dealer: &ShareKeys) -> Result<(), Malformed> {
        let seats = self.0.len() as u64;
        within("share keys of a dealer", dealer.len() as u64, seats, seats)?;
        for (sum, key) in self.0.iter_mut().zip(dealer.iter()) {
            *sum += key.affine();
        }
        Ok(())
    }

    /// `X_k`; `None` for the identity, and for a seat that is not there.
    pub fn get(&self, seat: SeatIndex) -> Option<Point> {
        Point::from_projective(self.0.get(seat.get() as usize - 1)?)
    }

    /// Compressed points one after the other, the identity as zeros, for the state.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = |sum| Point::from_projective(sum).map_or(IDENTITY, |point| point.to_bytes());
        self.0.iter().flat_map(bytes).collect()
    }

    /// Reads what [`JointKeys::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        within("joint keys", (bytes.len() / 33) as u64, 0, MAX_SEATS as u64)?;
        let (points, rest) = bytes.as_chunks::<33>();
        if !rest.is_empty() {
            return Err(Malformed::Trailing { extra: rest.len() });
        }
        let read = |point: &[u8; 33]| match *point == IDENTITY {
            true => Ok(ProjectivePoint::IDENTITY),
            false => Ok(Point::from_bytes(point)?.projective()),
        };
        Ok(Self(points.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Reads one key out of the encoding, without parsing the others; `None` for the identity.
    pub fn decode_one(bytes: &[u8], seat: SeatIndex) -> Result<Option<Point>, Malformed> {
        let at = (seat.get() as usize - 1) * 33;
        let have = bytes.len();
        let point = bytes.get(at..at + 33).ok_or(Malformed::Short { what: "joint keys", need: at + 33, have })?;
        if point == IDENTITY {
            return Ok(None);
        }
        Point::from_bytes(point).map(Some)
    }
}
