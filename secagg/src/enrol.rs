//! Enrolment: four keys, fresh every epoch of every task, each with a proof of possession over
//! `(ectx, address, X, Z, E, V)`.

use crate::context::Ectx;
use crate::curve::{Point, VerifyKey};
use crate::encoding::{sha256, tag, Address, Malformed, Reader, Writer};
use crate::proof::{Schnorr, Transcript};
use crate::rejection::Rejection;
use crate::secret::SecretScalar;
use crate::signature::{verify_digest, Body, Kind, Signed, SigningKey};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The four public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKeys {
    /// Masking key `X = xG`.
    pub x: Point,
    /// Cohort key `Z = zG`, never dealt.
    pub z: Point,
    /// Decryption key as a seat, never used for anything else.
    pub e: Point,
    /// BIP 340 key that signs the protocol messages.
    pub v: VerifyKey,
}

/// What a provider posts to take part in an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrol {
    /// The provider.
    pub address: Address,
    /// Its keys.
    pub keys: PublicKeys,
    /// Possession of `x`.
    pub proof_x: Schnorr,
    /// Possession of `z`.
    pub proof_z: Schnorr,
    /// Possession of `e`.
    pub proof_e: Schnorr,
    /// Possession of `V`'s secret: a BIP 340 signature.
    pub proof_v: [u8; 64],
}

impl Body for Enrol {
    const KIND: Kind = Kind::Enrol;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        write_statement(&mut writer, &self.address, &self.keys);
        self.proof_x.write(&mut writer);
        self.proof_z.write(&mut writer);
        self.proof_e.write(&mut writer);
        writer.bytes(&self.proof_v);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let enrol = Self {
            address: reader.address()?,
            keys: PublicKeys { x: reader.point()?, z: reader.point()?, e: reader.point()?, v: reader.verify_key()? },
            proof_x: Schnorr::read(&mut reader)?,
            proof_z: Schnorr::read(&mut reader)?,
            proof_e: Schnorr::read(&mut reader)?,
            proof_v: reader.array("proof of possession of V")?,
        };
        reader.finish()?;
        Ok(enrol)
    }
}

fn write_statement(writer: &mut Writer, address: &Address, keys: &PublicKeys) {
    writer.address(address).point(&keys.x).point(&keys.z).point(&keys.e).bytes(&keys.v.to_bytes());
}

fn possession(kind: &str, ectx: &Ectx, address: &Address, keys: &PublicKeys) -> Transcript {
    let mut transcript = Transcript::new(&["possession/", kind].concat(), ectx.as_bytes());
    write_statement(transcript.writer(), address, keys);
    transcript
}

fn possession_of_v(ectx: &Ectx, address: &Address, keys: &PublicKeys) -> [u8; 32] {
    let mut writer = Writer::new();
    write_statement(&mut writer, address, keys);
    sha256(&[&tag("proof/possession/v"), ectx.as_bytes(), &writer.into_bytes()])
}

/// Checks signature and proofs of an enrolment. The caller has checked phase, bond and admission, that the address is the
/// account that sent it, and refuses a key seen before.
pub fn verify(ectx: &Ectx, address: &Address, signed: &Signed<Enrol>) -> Result<(), Rejection> {
    let Enrol { keys, proof_x, proof_z, proof_e, proof_v, .. } = &signed.body;
    signed.verify(ectx, &keys.v)?;
    if signed.body.address != *address {
        return Err(crate::rejection::Refusal::Address.into());
    }
    let valid = proof_x.holds(&keys.x, &possession("x", ectx, address, keys))
        && proof_z.holds(&keys.z, &possession("z", ectx, address, keys))
        && proof_e.holds(&keys.e, &possession("e", ectx, address, keys))
        && verify_digest(&keys.v, &possession_of_v(ectx, address, keys), proof_v).is_ok();
    valid.then_some(()).ok_or(Rejection::InvalidProof("possession of the enrolled keys"))
}

/// A provider's secret keys of one epoch of one task.
#[derive(Clone, Debug)]
pub struct ProviderKeys {
    pub(crate) x: SecretScalar,
    pub(crate) z: SecretScalar,
    pub(crate) e: SecretScalar,
    pub(crate) v: SigningKey,
}

impl ProviderKeys {
    /// Bytes of the secret encoding.
    pub const BYTES: usize = 128;

    /// Four fresh keys.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self {
            x: SecretScalar::random(rng),
            z: SecretScalar::random(rng),
            e: SecretScalar::random(rng),
            v: SigningKey::new(SecretScalar::random(rng)),
        }
    }

    /// `x | z | e | v`, for the owner's disk (mode 0600).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let parts = [&self.x, &self.z, &self.e, self.v.secret()];
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::BYTES));
        parts.iter().for_each(|secret| bytes.extend_from_slice(secret.to_bytes().as_ref()));
        bytes
    }

    /// Reads what [`ProviderKeys::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut next = || SecretScalar::from_bytes(&Zeroizing::new(reader.array("secret key")?));
        let keys = Self { x: next()?, z: next()?, e: next()?, v: SigningKey::new(next()?) };
        reader.finish()?;
        Ok(keys)
    }

    /// The public halves.
    pub fn public(&self) -> PublicKeys {
        PublicKeys { x: self.x.public(), z: self.z.public(), e: self.e.public(), v: self.v.verify_key() }
    }

    /// The enrolment to post.
    pub fn enrol(&self, ectx: &Ectx, address: &Address, rng: &mut impl CryptoRngCore) -> Signed<Enrol> {
        let keys = self.public();
        let body = Enrol {
            address: address.clone(),
            keys,
            proof_x: Schnorr::prove(&self.x, &possession("x", ectx, address, &keys), rng),
            proof_z: Schnorr::prove(&self.z, &possession("z", ectx, address, &keys), rng),
            proof_e: Schnorr::prove(&self.e, &possession("e", ectx, address, &keys), rng),
            proof_v: self.v.sign_digest(&possession_of_v(ectx, address, &keys), rng),
        };
        self.v.sign(ectx, body, rng)
    }
}
