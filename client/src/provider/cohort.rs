//! The provider in a task whose model travels encrypted: it opens the epoch's key and the round's model, complains where one of them is not
//! what its hash says, and masks once more.

use bauta_learning::model::Model;
use bauta_rounds::{cost, model_provider};
use bauta_schema::training::v1 as pb;
use bauta_secagg::cohort::keys::{model_hash, EpochKey, KeyHash, PlainHash, SealedModel};
use bauta_secagg::cohort::masks::RoundPoint;
use bauta_secagg::cohort::wraps::Wraps;
use bauta_secagg::context::{ModelHash, Rctx};
use bauta_secagg::curve::Point;
use bauta_secagg::encoding::Address;

use super::attempts::Action;
use super::snapshot::{array, RoundView, Snapshot};
use super::{Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;

/// What a round shows of its encrypted model, compared with the round's model hash.
pub(crate) struct Published {
    pub plain_hash: PlainHash,
    pub blob_hash: [u8; 32],
    /// The model provider's point of the round.
    pub q: Point,
}

fn wrong(why: impl std::fmt::Display) -> ProviderError {
    ProviderError::inconsistent("an encrypted model", why)
}

impl Snapshot {
    /// What the running round shows of its encrypted model, with the model hash that it gives; `None` in open tasks.
    pub(super) fn published(
        &self,
        response: &pb::QueryRoundResponse,
        rctx: &Rctx,
    ) -> Result<Option<(Published, ModelHash)>, ProviderError> {
        if self.terms.model_provider.is_none() {
            return Ok(None);
        }
        let shown = response.model.as_ref().ok_or_else(|| wrong("is missing in a round that is past it"))?;
        let hash = |bytes: &[u8]| array(bytes).ok_or_else(|| wrong("has hashes that are none"));
        let point = RoundPoint::decode(&shown.point).map_err(wrong)?;
        point.verify(rctx, &self.owner()?).map_err(wrong)?;
        let (plain_hash, blob_hash) = (PlainHash::from_bytes(hash(&shown.plain_hash)?), hash(&shown.blob_hash)?);
        let key_hash = KeyHash::from_bytes(hash(&self.epoch().key_hash)?);
        let model_hash = model_hash(&plain_hash, &key_hash, &blob_hash, &point.q);
        Ok(Some((Published { plain_hash, blob_hash, q: point.q }, model_hash)))
    }

    /// The model provider's account.
    pub(crate) fn owner(&self) -> Result<Address, ProviderError> {
        Address::new(self.task().owner).map_err(wrong)
    }

    /// The epoch's wraps, compared with its key hash, and their proof verified.
    fn wraps(&self) -> Result<Wraps, ProviderError> {
        let shown = self.epoch.wraps.as_ref().ok_or_else(|| wrong("has a key that was never wrapped"))?;
        let wraps = Wraps::decode(&shown.body).map_err(wrong)?;
        if wraps.key_hash.as_bytes()[..] != self.epoch().key_hash[..] {
            return Err(wrong("has wraps of another key than the epoch's"));
        }
        let recipients = model_provider::recipients(&self.epoch.members).map_err(wrong)?;
        wraps.verify(&self.ectx, &self.owner()?, &recipients).map_err(wrong)?;
        Ok(wraps)
    }
}

impl Provider {
    /// The model of the running round: the chain's, or decrypted. `None` where it does not open, which this provider has complained about.
    pub(super) async fn model_of(
        &mut self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        height: u64,
    ) -> Result<Option<Model>, ProviderError> {
        let Some(published) = &view.published else {
            return snapshot.model(&self.chain, &view.model_hash).await.map(Some);
        };
        // A complaint costs the whole bond if the model was right: nothing that a node may have made up leads to one.
        if !snapshot.round_is_proven(&self.chain, view, super::proven::Stage::Open).await? {
            return Ok(None);
        }
        let wraps = snapshot.wraps()?;
        let keys = self.keys(view.record.epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        let recipients = model_provider::recipients(&snapshot.epoch.members).map_err(wrong)?;
        let place = recipients.iter().position(|recipient| recipient.address == self.address);
        let place = place.ok_or_else(|| wrong("is for others than this provider"))?;
        let blob = self.chain.model(snapshot.task().id, Some(&published.blob_hash)).await?;
        let sealed = SealedModel { blob, plain_hash: published.plain_hash };
        let opened = wraps
            .open(&keys, &snapshot.ectx, &snapshot.owner()?, &self.address, place)
            .map_err(|fault| fault.to_string())
            .and_then(|key: EpochKey| key.open(&view.rctx, &sealed).map_err(|fault| fault.to_string()));
        match opened {
            // Bytes that have their hash and are no model of this task convict nobody: who gets them takes no part in the round.
            Ok(bytes) => match Model::decode(&bytes) {
                Ok(model) if model.spec() == &snapshot.terms.spec => Ok(Some(model)),
                Ok(_) => {
                    self.sat_out("training", &"the encrypted model has other tensors than the task's settings");
                    Ok(None)
                }
                Err(error) => {
                    self.sat_out("training", &format!("what was encrypted is no model: {error}"));
                    Ok(None)
                }
            },
            Err(why) => {
                self.complain_about_wrap(snapshot, height, view, &wraps, published.blob_hash, why).await?;
                Ok(None)
            }
        }
    }

    async fn complain_about_wrap(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        view: &RoundView<'_>,
        wraps: &Wraps,
        blob_hash: [u8; 32],
        why: String,
    ) -> Result<(), ProviderError> {
        let action = Action::ComplainAboutWrap(view.record.number);
        if !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        let keys = self.keys(view.record.epoch, "an enrolment")?;
        let signed = keys.complain_about_wrap(&snapshot.ectx, &self.address, wraps, blob_hash, &mut self.rng);
        let message = pb::MsgComplainAboutWrap {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch: view.record.epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        };
        let bytes = view.response.model.as_ref().map_or(0, |model| model.bytes);
        let operations = cost::SIGNATURE + 2 * cost::PROOF + cost::chunk_operations(2 * bytes);
        if self.post(height, action, message.to_any(), operations).await? {
            self.tell(Event::ComplainedAboutModel { round: view.record.number, why });
        }
        Ok(())
    }
}
