//! Check-in: a provider posts its public weight and its round base `P_i = x_i H(pair, rctx)` with a DLEQ proof. Who checks
//! in has committed to submit.

use crate::context::Rctx;
use crate::curve::{hash_to_curve, HashKind, Point, VerifyKey};
use crate::encoding::{Address, Malformed, Reader, Writer};
use crate::enrol::ProviderKeys;
use crate::proof::{Dleq, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::secret::{SecretScalar, SharedPoint};
use crate::signature::{Body, Kind, Signed, SigningKey};
use crate::switched_off;
use rand_core::CryptoRngCore;

/// What a provider posts to take part in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckIn {
    /// The provider.
    pub address: Address,
    /// `w_i` in `1..=W`.
    pub weight: u64,
    /// `P_i`.
    pub point: Point,
    /// `log_G X_i = log_H P_i`.
    pub proof: Dleq,
}

impl Body for CheckIn {
    const KIND: Kind = Kind::CheckIn;
    type Context = Rctx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.address).be64(self.weight).point(&self.point);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let check_in = Self {
            address: reader.address()?,
            weight: reader.be64("weight")?,
            point: reader.point()?,
            proof: Dleq::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(check_in)
    }
}

fn transcript(rctx: &Rctx, address: &Address, weight: u64, x: &Point, base: &Point, point: &Point) -> Transcript {
    let mut transcript = Transcript::new("check-in", rctx.as_bytes());
    transcript.writer().address(address).be64(weight).point(x).point(base).point(point);
    transcript
}

/// What the state says about a check-in.
#[derive(Debug, Clone, Copy)]
pub struct CheckInState<'a> {
    /// The provider's account.
    pub address: &'a Address,
    /// Its masking key.
    pub x: &'a Point,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// The task's `W`.
    pub max_weight: u64,
}

/// Checks a check-in. The caller has checked the phase and that the provider may check in.
pub fn verify(rctx: &Rctx, state: &CheckInState<'_>, signed: &Signed<CheckIn>) -> Result<(), Rejection> {
    let check_in = &signed.body;
    signed.verify(rctx, state.v)?;
    if check_in.address != *state.address {
        return Err(Refusal::Address.into());
    }
    if !(1..=state.max_weight).contains(&check_in.weight) && !switched_off!(WeightRange) {
        return Err(Refusal::Weight { max: state.max_weight, got: check_in.weight }.into());
    }
    let base = hash_to_curve(HashKind::Pair, rctx.as_bytes());
    let transcript = transcript(rctx, state.address, check_in.weight, state.x, &base, &check_in.point);
    if !check_in.proof.holds(state.x, &base, &check_in.point, &transcript) && !switched_off!(CheckInProof) {
        return Err(Rejection::InvalidProof("the round base P"));
    }
    Ok(())
}

/// A client that checked in to a round and owes a submission. It can mask one vector: masking consumes it, so a second
/// header in the round does not compile.
///
/// ```compile_fail,E0382
/// # use bauta_secagg::{check_in::CheckedIn, context::Ctx, parties::Group, ring::Layout, submit::MaskError};
/// # use rand_core::CryptoRngCore;
/// fn twice(state: CheckedIn, ctx: &Ctx, group: &Group, layout: &Layout, rng: &mut impl CryptoRngCore) -> Result<(), MaskError> {
///     state.mask(ctx, group, layout, &[1], rng)?;
///     state.mask(ctx, group, layout, &[2], rng)?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CheckedIn {
    pub(crate) x: SecretScalar,
    pub(crate) v: SigningKey,
    pub(crate) rctx: Rctx,
    pub(crate) address: Address,
    pub(crate) weight: u64,
    pub(crate) point: Point,
    /// `z_i Q`, in tasks with a mask that only the model provider removes.
    pub(crate) cohort: Option<SharedPoint>,
}

impl CheckedIn {
    /// Makes the check-in to post.
    pub fn new(
        keys: &ProviderKeys,
        rctx: &Rctx,
        address: &Address,
        weight: u64,
        rng: &mut impl CryptoRngCore,
    ) -> (Signed<CheckIn>, Self) {
        let base = hash_to_curve(HashKind::Pair, rctx.as_bytes());
        let point = keys.x.times(&base);
        let transcript = transcript(rctx, address, weight, &keys.x.public(), &base, &point);
        let proof = Dleq::prove(&keys.x, &base, &transcript, rng);
        let body = CheckIn { address: address.clone(), weight, point, proof };
        (keys.v.sign(rctx, body, rng), Self::resume(keys, rctx, address, weight))
    }

    /// The same state after a restart. Only for a client whose record says that it signed no header in this round.
    pub fn resume(keys: &ProviderKeys, rctx: &Rctx, address: &Address, weight: u64) -> Self {
        let point = keys.x.times(&hash_to_curve(HashKind::Pair, rctx.as_bytes()));
        Self {
            x: keys.x.clone(),
            v: keys.v.clone(),
            rctx: *rctx,
            address: address.clone(),
            weight,
            point,
            cohort: None,
        }
    }
}
