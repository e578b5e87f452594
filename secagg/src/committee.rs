//! The committee of a large epoch: above [`MAX_SEATS`] enrolled, its seats are drawn by bond, with replacement, one share a
//! draw. What seeds the draw nobody knows before enrolment has closed: the joint key of the epoch before, evaluated on the
//! root of the enrolled; or, where no committee can answer, the hash of what every enrolled provider evaluates under its own
//! masking key.

use crate::context::{Ectx, Root};
use crate::curve::{HashKind, Point, VerifyKey};
use crate::draw::Draw;
use crate::encoding::{sha256, tag, Address, Malformed, Reader, Writer, MAX_SEATS};
use crate::enrol::{ProviderKeys, PublicKeys};
use crate::joint::JointInput;
use crate::parties::threshold;
use crate::proof::{Dleq, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::root::tree_hash;
use crate::signature::{Body, Kind, Signed};
use rand_core::CryptoRngCore;

/// `t` of a committee that was drawn: of 96 seats.
pub const DRAWN_THRESHOLD: usize = 58;

/// Seats and threshold with `n` enrolled who may hold one: everyone holds one up to [`MAX_SEATS`], above so many are drawn.
pub fn committee(n: usize) -> (usize, usize) {
    if n > MAX_SEATS {
        (MAX_SEATS, DRAWN_THRESHOLD)
    } else {
        (n, threshold(n))
    }
}

/// One of those among whom seats are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Account address.
    pub address: Address,
    /// Its keys.
    pub keys: PublicKeys,
    /// Its bond, in the chain's smallest unit.
    pub bond: u128,
}

/// The root of the enrolled in the order of their addresses, over the leaves `(address, X, Z, E, V, be128(bond))`.
pub fn enrolment_root<'a>(enrolled: impl IntoIterator<Item = &'a Enrolled>) -> Root {
    tree_hash(enrolled.into_iter().map(|one| {
        let mut leaf = Writer::new();
        leaf.address(&one.address).point(&one.keys.x).point(&one.keys.z).point(&one.keys.e);
        leaf.bytes(&one.keys.v.to_bytes()).bytes(&one.bond.to_be_bytes());
        leaf.into_bytes()
    }))
}

/// The input of the draw under the joint key of earlier dealers.
pub fn input_for_committee(ectx: &Ectx, enrolled: &Root, dealers: &Root) -> JointInput {
    JointInput::new(HashKind::Seats, ectx, 0, enrolled, dealers)
}

/// The input of the draw under everyone's own key.
pub fn input_for_everyone(ectx: &Ectx, enrolled: &Root) -> JointInput {
    JointInput::new(HashKind::Seats, ectx, 0, enrolled, enrolled)
}

/// Draws a place among providers with these bonds: each with the probability of its part of all bonds. Nobody is drawn where
/// all bonds are zero.
pub fn draw_one(draw: &mut Draw, bonds: &[u128]) -> Option<usize> {
    let total = bonds.iter().fold(0u128, |total, bond| total.saturating_add(*bond));
    (total > 0).then(|| place_of(draw.below_128(total), bonds))
}

fn place_of(mut at: u128, bonds: &[u128]) -> usize {
    for (place, bond) in bonds.iter().enumerate() {
        if at < *bond {
            return place;
        }
        at -= bond;
    }
    bonds.len().saturating_sub(1)
}

/// What an enrolled provider gives to the seed: a point that only it can compute and everybody can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The provider.
    pub address: Address,
    /// What is evaluated, [`JointInput::hash`].
    pub input: [u8; 32],
    /// `x_i H(seats, input)`.
    pub value: Point,
    /// `log_G X_i = log_H value`.
    pub proof: Dleq,
}

impl Body for Contribution {
    const KIND: Kind = Kind::Contribute;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.address).bytes(&self.input).point(&self.value);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let contribution = Self {
            address: reader.address()?,
            input: reader.array("input")?,
            value: reader.point()?,
            proof: Dleq::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(contribution)
    }
}

fn transcript(ectx: &Ectx, address: &Address, input: &JointInput, x: &Point, value: &Point) -> Transcript {
    let mut transcript = Transcript::new("contribute", ectx.as_bytes());
    transcript.writer().address(address).bytes(input.hash()).point(x).point(input.base()).point(value);
    transcript
}

/// Evaluates under the provider's own masking key.
pub fn contribute(
    keys: &ProviderKeys,
    ectx: &Ectx,
    address: &Address,
    input: &JointInput,
    rng: &mut impl CryptoRngCore,
) -> Signed<Contribution> {
    let value = keys.x.times(input.base());
    let transcript = transcript(ectx, address, input, &keys.x.public(), &value);
    let proof = Dleq::prove(&keys.x, input.base(), &transcript, rng);
    let body = Contribution { address: address.clone(), input: *input.hash(), value, proof };
    keys.v.sign(ectx, body, rng)
}

/// What the state says about a contribution.
#[derive(Debug, Clone, Copy)]
pub struct ContributionState<'a> {
    /// The epoch.
    pub ectx: &'a Ectx,
    /// What is evaluated.
    pub input: &'a JointInput,
    /// The provider's account.
    pub address: &'a Address,
    /// Its masking key.
    pub x: &'a Point,
    /// Its signing key.
    pub v: &'a VerifyKey,
}

/// Checks signature and state of a contribution, all but its proof.
pub fn check(state: &ContributionState<'_>, signed: &Signed<Contribution>) -> Result<(), Rejection> {
    signed.verify(state.ectx, state.v)?;
    if signed.body.address != *state.address {
        return Err(Refusal::Address.into());
    }
    if signed.body.input != *state.input.hash() {
        return Err(Refusal::Input.into());
    }
    Ok(())
}

/// [`check`], then the proof.
pub fn verify(state: &ContributionState<'_>, signed: &Signed<Contribution>) -> Result<(), Rejection> {
    check(state, signed)?;
    let Contribution { value, proof, .. } = &signed.body;
    let transcript = transcript(state.ectx, state.address, state.input, state.x, value);
    if !proof.holds(state.x, state.input.base(), value, &transcript) {
        return Err(Rejection::InvalidProof("the contribution to the seed of the seats"));
    }
    Ok(())
}

/// The seed of contributions in the order of their addresses:
/// `SHA-256(lp("bauta/1/seed/seats") | input | count | (address, value)...)`.
pub fn seed(input: &JointInput, contributions: &[(Address, Point)]) -> [u8; 32] {
    let mut writer = Writer::new();
    writer.bytes(&tag("seed/seats")).bytes(input.hash()).count(contributions.len());
    for (address, value) in contributions {
        writer.address(address).point(value);
    }
    sha256(&[&writer.into_bytes()])
}
