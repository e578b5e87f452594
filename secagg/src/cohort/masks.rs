//! The one mask more: `prg(cohort, z_i Q)`. `Q = qG` is fresh each round, posted by the model provider with the model and part of `ctx`, so
//! that what is opened of one round says nothing of another. What the committee unmasks is the group's sum under these masks.

use crate::check_in::CheckedIn;
use crate::context::{Ctx, Rctx};
use crate::curve::Point;
use crate::encoding::{Address, Malformed, Reader, Writer};
use crate::enrol::ProviderKeys;
use crate::prg::{MaskKey, Use};
use crate::proof::{Dleq, Schnorr, Transcript};
use crate::rejection::Rejection;
use crate::ring::{Elements, Sign};
use crate::secret::SecretScalar;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The model provider's secret of a round; erased on drop, never printed.
#[derive(Clone, Debug)]
pub struct RoundSecret(SecretScalar);

/// `Q` with a proof of `q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundPoint {
    /// `Q = qG`.
    pub q: Point,
    /// Knowledge of `q`, over `rctx` and the model provider.
    pub proof: Schnorr,
}

impl RoundSecret {
    /// A fresh secret for a round.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(SecretScalar::random(rng))
    }

    /// From its owner's disk.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        SecretScalar::from_bytes(bytes).map(Self)
    }

    /// For its owner's disk (mode 0600).
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_bytes()
    }

    /// What is posted with the model.
    pub fn point(&self, rctx: &Rctx, owner: &Address, rng: &mut impl CryptoRngCore) -> RoundPoint {
        let q = self.0.public();
        RoundPoint { q, proof: Schnorr::prove(&self.0, &possession(rctx, owner, &q), rng) }
    }

    /// The mask of a survivor, by its cohort key.
    fn mask(&self, ctx: &Ctx, z: &Point) -> MaskKey {
        MaskKey::new(Use::Cohort, ctx, &self.0.shared(z))
    }

    /// Takes the survivors' masks off one chunk of a group's sum.
    pub fn remove(&self, ctx: &Ctx, survivors: &[Point], sum: &mut Elements) {
        survivors.iter().for_each(|z| self.mask(ctx, z).apply(sum, Sign::Minus));
    }

    /// Opens the mask that it shares with a provider.
    pub fn open(&self, ctx: &Ctx, owner: &Address, z: &Point, rng: &mut impl CryptoRngCore) -> MaskOpening {
        let (q, shared) = (self.0.public(), self.0.times(z));
        let statement = Statement { ctx, prover: owner, key: &q, base: z };
        MaskOpening { shared, proof: Dleq::prove(&self.0, z, &statement.transcript(&shared), rng) }
    }
}

impl RoundPoint {
    /// Bytes of the encoding.
    pub const BYTES: usize = 33 + Schnorr::BYTES;

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.point(&self.q);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    /// Parses canonical bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let point = Self { q: reader.point()?, proof: Schnorr::read(&mut reader)? };
        reader.finish()?;
        Ok(point)
    }

    /// Checks the proof: without it `Q` could be made of somebody's point, and that point's masks be opened in its name. The caller refuses
    /// a point seen before.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(&self, rctx: &Rctx, owner: &Address) -> Result<(), Rejection> {
        if !self.proof.holds(&self.q, &possession(rctx, owner, &self.q)) {
            return Err(Rejection::InvalidProof("the round's point Q"));
        }
        Ok(())
    }
}

fn possession(rctx: &Rctx, owner: &Address, q: &Point) -> Transcript {
    let mut transcript = Transcript::new("cohort/q", rctx.as_bytes());
    transcript.writer().address(owner).point(q);
    transcript
}

impl CheckedIn {
    /// Adds the mask that only the model provider removes. In cohort and sealed tasks nothing is masked without it.
    #[must_use]
    pub fn with_cohort(mut self, keys: &ProviderKeys, q: &Point) -> Self {
        self.cohort = Some(keys.z.shared(q));
        self
    }
}

impl ProviderKeys {
    /// Opens the mask that it shares with the model provider in this round.
    pub fn open_cohort_mask(&self, ctx: &Ctx, own: &Address, q: &Point, rng: &mut impl CryptoRngCore) -> MaskOpening {
        let (z, shared) = (self.z.public(), self.z.times(q));
        let statement = Statement { ctx, prover: own, key: &z, base: q };
        MaskOpening { shared, proof: Dleq::prove(&self.z, q, &statement.transcript(&shared), rng) }
    }
}

/// The point `q Z_i = z_i Q` of a provider's mask in one round, opened by one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskOpening {
    /// The point.
    pub shared: Point,
    /// `log_G key = log_base shared`: the model provider's `Q` and `Z_i`, or the provider's `Z_i` and `Q`.
    pub proof: Dleq,
}

impl MaskOpening {
    /// Bytes of the encoding.
    pub const BYTES: usize = 33 + Dleq::BYTES;

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.point(&self.shared);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    /// Parses canonical bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let opening = Self { shared: reader.point()?, proof: Dleq::read(&mut reader)? };
        reader.finish()?;
        Ok(opening)
    }

    /// Checks an opening against what it says.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(&self, statement: &Statement<'_>) -> Result<(), Rejection> {
        let transcript = statement.transcript(&self.shared);
        if !self.proof.holds(statement.key, statement.base, &self.shared, &transcript) {
            return Err(Rejection::InvalidProof("the opened cohort mask"));
        }
        Ok(())
    }

    /// The mask, once the opening is verified.
    pub fn mask(&self, ctx: &Ctx) -> MaskKey {
        MaskKey::new(Use::Cohort, ctx, &self.shared)
    }
}

/// Whose opening it is, of which mask.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The round.
    pub ctx: &'a Ctx,
    /// The end that opens it.
    pub prover: &'a Address,
    /// That end's public point: `Q` of the model provider, `Z_i` of a provider.
    pub key: &'a Point,
    /// The other end's.
    pub base: &'a Point,
}

impl Statement<'_> {
    fn transcript(&self, shared: &Point) -> Transcript {
        let mut transcript = Transcript::new("cohort/mask", self.ctx.as_bytes());
        transcript.writer().address(self.prover).point(self.key).point(self.base).point(shared);
        transcript
    }
}
