//! Before the rounds: fresh keys, and the sharing of the masking key.

use bauta_rounds::cost;
use bauta_schema::training::v1 as pb;
use bauta_secagg::deal::Dealer;
use bauta_secagg::enrol::ProviderKeys;

use super::attempts::Action;
use super::records::StoredMessage;
use super::snapshot::Snapshot;
use super::{Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;

impl Provider {
    /// Posts fresh keys, once the policy has agreed to the task.
    pub(super) async fn enrol(&mut self, snapshot: &Snapshot, height: u64, epoch: u64) -> Result<(), ProviderError> {
        self.config.policy.admits(&snapshot.terms)?;
        if !self.attempts.is_time(&Action::Enrol(epoch), height) {
            return Ok(());
        }
        let records = self.records.epoch(epoch);
        let message = match (records.keys()?, records.enrolment()?) {
            (Some(_), Some(message)) => message,
            (keys, _) => {
                let keys = keys.unwrap_or_else(|| ProviderKeys::generate(&mut self.rng));
                records.put_keys(&keys)?;
                let message = StoredMessage::of(&keys.enrol(&snapshot.ectx, &self.address, &mut self.rng));
                records.put_enrolment(&message)?;
                message
            }
        };
        let message = pb::MsgEnrol {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: message.body,
            signature: message.signature,
        };
        if self.post(height, Action::Enrol(epoch), message.to_any(), cost::ENROL).await? {
            self.tell(Event::Enrolled { epoch });
        }
        Ok(())
    }

    /// Shares the masking key among the seats.
    pub(super) async fn deal(&mut self, snapshot: &Snapshot, height: u64, epoch: u64) -> Result<(), ProviderError> {
        if !self.attempts.is_time(&Action::Deal(epoch), height) {
            return Ok(());
        }
        let keys = self.keys(epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        if !snapshot.seats_are_proven(&self.chain).await? {
            return Ok(());
        }
        let seats = snapshot.seats(&self.address, &keys)?;
        let records = self.records.epoch(epoch);
        let message = match records.deal()? {
            Some(message) => message,
            None => {
                let dealer = Dealer::new(&keys, snapshot.ectx, &self.address);
                let message =
                    StoredMessage::of(&dealer.deal(&seats, snapshot.epoch().threshold as usize, &mut self.rng)?);
                records.put_deal(&message)?;
                message
            }
        };
        let message = pb::MsgDeal {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: message.body,
            signature: message.signature,
        };
        let operations = cost::deal(seats.len() as u64, snapshot.epoch().threshold.into());
        if self.post(height, Action::Deal(epoch), message.to_any(), operations).await? {
            self.tell(Event::Dealt { epoch });
        }
        Ok(())
    }

    /// The keys of an epoch in which the chain has something of this provider.
    pub(super) fn keys(&self, epoch: u64, what: &str) -> Result<ProviderKeys, ProviderError> {
        self.records
            .epoch(epoch)
            .keys()?
            .ok_or_else(|| ProviderError::LostRecord { what: format!("{what} in epoch {epoch}") })
    }
}
