//! Inner signatures: BIP 340 by `V` over `SHA-256(tag_kind, c, body)`. Only inner-signed bodies are evidence; a proof alone
//! is not a signature.

use crate::curve::VerifyKey;
use crate::encoding::{sha256, tag, Hex, Malformed};
use crate::rejection::BadSignature;
use crate::secret::SecretScalar;
use crate::switched_off;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// What a signed body is; part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Keys of an epoch.
    Enrol,
    /// Shares of a masking key.
    Deal,
    /// A share that contradicts its deal.
    Complain,
    /// A seat's share of a joint key's value.
    Evaluate,
    /// A point for the seed of the seats.
    Contribute,
    /// A round base and a weight.
    CheckIn,
    /// Header of a masked vector.
    Submit,
    /// A seat's partials.
    Unmask,
    /// A number for each edge.
    Blame,
    /// A wrap or a model that does not open.
    WrapComplaint,
}

impl Kind {
    /// The kind's name in the tag.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Deal => "deal",
            Self::Complain => "complain",
            Self::Evaluate => "evaluate",
            Self::Contribute => "contribute",
            Self::CheckIn => "check-in",
            Self::Submit => "submit",
            Self::Unmask => "unmask",
            Self::Blame => "blame",
            Self::WrapComplaint => "wrap-complaint",
        }
    }
}

/// A protocol message's body: canonical bytes, and the context it is signed in.
pub trait Body: Sized {
    /// What it is.
    const KIND: Kind;
    /// `Ectx` in enrol, deal, complain and evaluations, `Rctx` in check-in, `Ctx` otherwise.
    type Context: AsRef<[u8; 32]>;

    /// Canonical bytes.
    fn encode(&self) -> Vec<u8>;

    /// Parses canonical bytes; whatever is accepted encodes to the same bytes again.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed>;
}

/// A body with the inner signature of `V`; not verified until [`Signed::verify`] says so.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<B> {
    /// The body.
    pub body: B,
    /// BIP 340 signature, 64 bytes.
    pub signature: [u8; 64],
}

impl<B: core::fmt::Debug> core::fmt::Debug for Signed<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Signed")
            .field("body", &self.body)
            .field("signature", &format_args!("{}", Hex(&self.signature)))
            .finish()
    }
}

impl<B: Body> Signed<B> {
    /// Parses the two fields of a transaction.
    pub fn from_parts(body: &[u8], signature: &[u8]) -> Result<Self, Malformed> {
        let length = signature.len() as u64;
        let signature = signature.try_into().map_err(|_| Malformed::OutOfRange {
            what: "inner signature length",
            min: 64,
            max: 64,
            got: length,
        })?;
        Ok(Self { body: B::decode(body)?, signature })
    }

    /// The body's canonical bytes.
    pub fn body_bytes(&self) -> Vec<u8> {
        self.body.encode()
    }

    /// Checks the signature of `v` in a context.
    pub fn verify(&self, context: &B::Context, v: &VerifyKey) -> Result<(), BadSignature> {
        verify_digest(v, &digest(B::KIND, context.as_ref(), &self.body.encode()), &self.signature)
    }
}

/// `SHA-256(tag_kind, c, body)`, the 32 bytes that are signed.
pub fn digest(kind: Kind, context: &[u8; 32], body: &[u8]) -> [u8; 32] {
    let context = if switched_off!(SignatureContext) { &[0; 32] } else { context };
    sha256(&[&tag(kind.name()), context, body])
}

/// BIP 340 verification over 32 bytes.
pub fn verify_digest(v: &VerifyKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), BadSignature> {
    let key = k256::schnorr::VerifyingKey::from_bytes(&v.to_bytes()).map_err(|_| BadSignature)?;
    let signature = k256::schnorr::Signature::try_from(&signature[..]).map_err(|_| BadSignature)?;
    key.verify_raw(digest, &signature).map_err(|_| BadSignature)
}

/// The secret half of `V`.
#[derive(Clone, Debug)]
pub struct SigningKey(SecretScalar);

impl SigningKey {
    /// A key from its scalar.
    pub(crate) fn new(secret: SecretScalar) -> Self {
        Self(secret)
    }

    /// The scalar's bytes, for the owner's disk.
    pub(crate) fn secret(&self) -> &SecretScalar {
        &self.0
    }

    /// The public half.
    pub fn verify_key(&self) -> VerifyKey {
        let point = self.0.public().to_bytes();
        VerifyKey::from_bytes(&point[1..]).expect("the x-coordinate of a point is an x-only key")
    }

    /// Signs a body in a context.
    pub fn sign<B: Body>(&self, context: &B::Context, body: B, rng: &mut impl CryptoRngCore) -> Signed<B> {
        let signature = self.sign_digest(&digest(B::KIND, context.as_ref(), &body.encode()), rng);
        Signed { body, signature }
    }

    /// BIP 340 signature over 32 bytes, with fresh auxiliary randomness.
    pub(crate) fn sign_digest(&self, digest: &[u8; 32], rng: &mut impl CryptoRngCore) -> [u8; 64] {
        let mut aux = Zeroizing::new([0; 32]);
        rng.fill_bytes(aux.as_mut());
        self.sign_digest_with(digest, &aux)
    }

    pub(crate) fn sign_digest_with(&self, digest: &[u8; 32], aux: &[u8; 32]) -> [u8; 64] {
        k256::schnorr::SigningKey::from_bytes(self.0.to_bytes().as_ref())
            .and_then(|key| key.sign_raw(digest, aux))
            .expect("the key is not zero, and a zero nonce has probability 2^-256")
            .to_bytes()
    }
}
