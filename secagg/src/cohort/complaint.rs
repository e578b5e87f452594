//! Complaints about wraps and blobs: a provider that cannot read the model posts the point `z_i W` with a proof. Whoever judges decrypts the
//! wrap against the key's hash, and then the blob against the plaintext's: if either fails the model provider pays, else the complainer.
//! (That publishes the epoch's key, which any provider could do for nothing.)

use super::keys::SealedModel;
use super::wraps::{Recipient, Wraps};
use crate::context::{Ectx, Rctx};
use crate::curve::{Point, VerifyKey};
use crate::encoding::{Address, Malformed, Reader, Writer};
use crate::enrol::ProviderKeys;
use crate::proof::{Dleq, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::signature::{Body, Kind, Signed};
use rand_core::CryptoRngCore;

/// What a provider posts against the model provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapComplaint {
    /// The complainer.
    pub complainer: Address,
    /// SHA-256 of the wraps complained about: a provider that was shown others than the chain's is refused, not convicted.
    pub wraps_hash: [u8; 32],
    /// SHA-256 of the blob complained about; zeros before there is one.
    pub blob_hash: [u8; 32],
    /// `z_i W`.
    pub shared: Point,
    /// `log_G Z_i = log_W shared`.
    pub proof: Dleq,
}

impl Body for WrapComplaint {
    const KIND: Kind = Kind::WrapComplaint;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.complainer).bytes(&self.wraps_hash).bytes(&self.blob_hash).point(&self.shared);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let complaint = Self {
            complainer: reader.address()?,
            wraps_hash: reader.array("wraps hash")?,
            blob_hash: reader.array("blob hash")?,
            shared: reader.point()?,
            proof: Dleq::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(complaint)
    }
}

fn transcript(ectx: &Ectx, recipient: &Recipient, wraps: &Wraps, shared: &Point) -> Transcript {
    let mut transcript = Transcript::new("wrap-complaint", ectx.as_bytes());
    transcript.writer().address(&recipient.address).point(&recipient.z).bytes(&wraps.hash());
    transcript.writer().point(&wraps.ephemeral).point(shared);
    transcript
}

impl ProviderKeys {
    /// The complaint about a wrap that does not open, or about a blob that does not although the wrap does.
    pub fn complain_about_wrap(
        &self,
        ectx: &Ectx,
        own: &Address,
        wraps: &Wraps,
        blob_hash: [u8; 32],
        rng: &mut impl CryptoRngCore,
    ) -> Signed<WrapComplaint> {
        let recipient = Recipient { address: own.clone(), z: self.z.public() };
        let shared = self.z.times(&wraps.ephemeral);
        let proof = Dleq::prove(&self.z, &wraps.ephemeral, &transcript(ectx, &recipient, wraps, &shared), rng);
        let body = WrapComplaint { complainer: own.clone(), wraps_hash: wraps.hash(), blob_hash, shared, proof };
        self.v.sign(ectx, body, rng)
    }
}

/// What the state says about a complaint.
#[derive(Debug, Clone, Copy)]
pub struct WrapComplaintState<'a> {
    /// The complainer, with its cohort key.
    pub complainer: &'a Recipient,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// Its place among the recipients.
    pub place: usize,
    /// The model provider's account.
    pub owner: &'a Address,
    /// The epoch's wraps.
    pub wraps: &'a Wraps,
    /// The round's model with the round, and its blob's hash; `None` before there is one.
    pub model: Option<(&'a Rctx, &'a SealedModel, [u8; 32])>,
}

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The wrap or the blob does not open, or opens to something else.
    ModelProviderGuilty,
    /// Both are right.
    ComplainerGuilty,
}

/// Decides a complaint. One whose proof fails convicts the complainer as well, of an invalid proof.
///
/// # Errors
/// [`Rejection`].
pub fn judge(
    ectx: &Ectx,
    state: &WrapComplaintState<'_>,
    signed: &Signed<WrapComplaint>,
) -> Result<Verdict, Rejection> {
    let complaint = &signed.body;
    signed.verify(ectx, state.v)?;
    if complaint.complainer != state.complainer.address {
        return Err(Refusal::Address.into());
    }
    let blob_hash = state.model.map_or([0; 32], |(_, _, hash)| hash);
    if complaint.wraps_hash != state.wraps.hash() || complaint.blob_hash != blob_hash {
        return Err(Refusal::Wraps.into());
    }
    let transcript = transcript(ectx, state.complainer, state.wraps, &complaint.shared);
    if !complaint.proof.holds(&state.complainer.z, &state.wraps.ephemeral, &complaint.shared, &transcript) {
        return Err(Rejection::InvalidProof("the complaint's shared point"));
    }
    let opened = state.wraps.open_with(ectx, state.owner, state.complainer, state.place, &complaint.shared);
    let is_right = match (opened, state.model) {
        (Err(_), _) => false,
        (Ok(_), None) => true,
        (Ok(key), Some((rctx, sealed, _))) => key.open(rctx, sealed).is_ok(),
    };
    Ok(match is_right {
        true => Verdict::ComplainerGuilty,
        false => Verdict::ModelProviderGuilty,
    })
}
