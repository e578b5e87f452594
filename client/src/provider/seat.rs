//! The provider as a seat: it opens the shares that were dealt to it, complains about those that are wrong, and answers request lists.

use std::collections::BTreeMap;

use bauta_rounds::{cost, derive};
use bauta_schema::training::v1 as pb;
use bauta_secagg::deal::{self, Deal, DealState, ShareKeys};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::seat::{AnswerRecord, Seat, Share};
use bauta_secagg::signature::Signed;
use bauta_secagg::unmask::Partial;

use super::attempts::Action;
use super::proven::Stage;
use super::records::StoredMessage;
use super::snapshot::{RoundView, Snapshot};
use super::{Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;

/// Blocks that must follow the one in which survivors became final before a seat answers: its header commits to them.
const CONFIRMATIONS: u64 = 1;

impl Provider {
    /// Opens every share that is not on disk yet, and complains about those that are wrong. A complaint is valid until the epoch ends.
    pub(super) async fn open_deals(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
    ) -> Result<(), ProviderError> {
        let keys = self.keys(epoch, "an enrolment")?;
        let Some(member) = snapshot.member(&self.address, Some(&keys))? else { return Ok(()) };
        if !snapshot.seats_are_proven(&self.chain).await? {
            return Ok(());
        }
        snapshot.own_seat(&self.address, member.seat)?;
        let index = SeatIndex::new(member.seat).map_err(|why| ProviderError::inconsistent("a seat", why))?;
        let records = self.records.epoch(epoch);
        let mut shares = records.shares()?;
        let complained = |dealer: &[u8]| {
            let upheld = |complaint: &pb::Complaint| complaint.seat == member.seat && complaint.dealer == dealer;
            snapshot.epoch.complaints.iter().any(upheld)
        };
        let missing = |member: &&pb::Member| {
            member.dealt && !shares.contains_key(&member.address) && !complained(&member.address)
        };
        if !snapshot.epoch.members.iter().any(|member| missing(&member)) {
            return Ok(());
        }
        let mut wrong = Vec::new();
        let before = shares.len();
        for (record, share_keys) in self.chain.deals(self.config.task, epoch).await? {
            if shares.contains_key(&record.dealer) || complained(&record.dealer) {
                continue;
            }
            match self.open_share(snapshot, &keys, index, &record, &share_keys)? {
                Some(_) if !self.share_keys_are_proven(epoch, &record.dealer, &share_keys).await? => {}
                Some(share) => {
                    shares.insert(record.dealer, share);
                }
                None => wrong.push(record),
            }
        }
        if shares.len() > before {
            records.put_shares(&shares)?;
        }
        for record in wrong {
            self.complain(snapshot, height, epoch, &keys, index, &record).await?;
        }
        Ok(())
    }

    /// The share in a deal; `None` when it is wrong beyond doubt. A complaint costs the whole bond if the share was right, so nothing that
    /// the node may have made up leads to one: the deal's signature and proof are verified, and the share is checked against the deal's
    /// own commitments.
    fn open_share(
        &self,
        snapshot: &Snapshot,
        keys: &ProviderKeys,
        index: SeatIndex,
        record: &pb::Deal,
        share_keys: &pb::ShareKeys,
    ) -> Result<Option<Share>, ProviderError> {
        let wrong = |why: String| ProviderError::inconsistent("a deal", why);
        let signed =
            Signed::<Deal>::from_parts(&record.body, &record.signature).map_err(|why| wrong(why.to_string()))?;
        if signed.body.dealer.as_bytes() != record.dealer {
            return Err(wrong("is filed under another dealer".to_owned()));
        }
        let dealer = snapshot.epoch.members.iter().find(|member| member.address == record.dealer);
        let dealer = dealer.ok_or_else(|| wrong("is of nobody who enrolled".to_owned()))?;
        let v = derive::signing_key(dealer).map_err(|why| wrong(why.to_string()))?;
        signed.verify(&snapshot.ectx, &v).map_err(|why| wrong(why.to_string()))?;
        let shown = ShareKeys::decode_one(&share_keys.points, index).map_err(|why| wrong(why.to_string()))?;
        if let Ok(share) = Seat::new(keys, snapshot.ectx, &self.address, index).open(&signed.body) {
            // An answer under another key than the chain's would convict this seat.
            return if share.key() == shown {
                Ok(Some(share))
            } else {
                Err(wrong("does not give the share keys that the chain computed".to_owned()))
            };
        }
        let seats = snapshot.seats(&self.address, keys)?;
        let x = derive::point(&dealer.masking_key).map_err(|why| wrong(why.to_string()))?;
        let state =
            DealState { dealer: &signed.body.dealer, x: &x, v: &v, seats: &seats, threshold: seats.threshold() };
        deal::verify(&snapshot.ectx, &state, &signed).map_err(|why| wrong(why.to_string()))?;
        Ok(None)
    }

    async fn complain(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
        keys: &ProviderKeys,
        index: SeatIndex,
        record: &pb::Deal,
    ) -> Result<(), ProviderError> {
        let action = Action::Complain(epoch, record.dealer.clone());
        if !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        let dealer = snapshot.epoch.members.iter().find(|member| member.address == record.dealer);
        let is_proven = match dealer {
            Some(dealer) => {
                snapshot.seats_are_proven(&self.chain).await? && self.deal_is_proven(epoch, dealer, record).await?
            }
            None => false,
        };
        if !is_proven {
            return Ok(());
        }
        let signed = Signed::<Deal>::from_parts(&record.body, &record.signature)
            .map_err(|why| ProviderError::inconsistent("a deal", why))?;
        let seat = Seat::new(keys, snapshot.ectx, &self.address, index);
        let complaint = seat.complain(&signed.body, &mut self.rng);
        let message = pb::MsgComplain {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: complaint.body_bytes(),
            signature: complaint.signature.to_vec(),
        };
        let operations = cost::SIGNATURE + 2 * cost::PROOF;
        if self.post(height, action, message.to_any(), operations).await? {
            let dealer = self.chain.text_of(&record.dealer)?;
            self.tell(Event::Complained { dealer });
        }
        Ok(())
    }

    /// Answers the request list of a round: what is answered for whom is on disk before the answer is made, and the answer before it is
    /// sent; later only those bytes are sent again. The answer follows from the request list whose root the chain committed to and from
    /// nothing else, so that a second copy of this seat answers the same.
    pub(super) async fn unmask(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        round: u64,
        seat: u32,
    ) -> Result<(), ProviderError> {
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let action = Action::Unmask(round);
        let is_due = height >= view.record.phase_height.saturating_add(CONFIRMATIONS);
        if !is_due || !self.behaviour.answers(round) || !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        if !snapshot.round_is_proven(&self.chain, &view, Stage::Requests).await? {
            return Ok(());
        }
        snapshot.own_seat(&self.address, seat)?;
        let requests = view.requests(&snapshot.epoch.members, snapshot.terms.cohort.min_group)?;
        let records = self.records.epoch(view.record.epoch).round(round);
        let stored = match records.partial()? {
            Some(stored) => {
                let partial = Signed::<Partial>::from_parts(&stored.body, &stored.signature)
                    .map_err(|why| ProviderError::inconsistent("an own record", why))?;
                if partial.body.request_root != requests.root() {
                    return Err(ProviderError::inconsistent(
                        "survivors",
                        "differ from those that this seat answered for",
                    ));
                }
                stored
            }
            None => {
                // A record that is gone may have been one of this round: then the chain has the answer, or will get no other one.
                if records.answers()?.is_none() && self.chain_has_an_answer(&view, seat).await? {
                    return Err(ProviderError::LostRecord { what: format!("this seat's answer to round {round}") });
                }
                self.open_deals(snapshot, height, view.record.epoch).await?;
                let stored = self.answer(snapshot, &view, seat, &requests)?;
                records.put_partial(&stored)?;
                stored
            }
        };
        let message = pb::MsgUnmask {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            round,
            body: stored.body,
            signature: stored.signature,
        };
        let entries = requests.len();
        if self.post(height, action, message.to_any(), cost::partial(entries as u64)).await? {
            self.tell(Event::Answered { round, entries });
        }
        Ok(())
    }

    /// The shares on disk by the slots of their dealers.
    fn shares_by_slot(&self, snapshot: &Snapshot, epoch: u64) -> Result<BTreeMap<Slot, Share>, ProviderError> {
        let by_dealer = self.records.epoch(epoch).shares()?;
        let mut shares = BTreeMap::new();
        for member in snapshot.epoch.members.iter().filter(|member| member.slot > 0) {
            if let (Some(share), Ok(slot)) = (by_dealer.get(&member.address), Slot::new(member.slot)) {
                shares.insert(slot, share.clone());
            }
        }
        Ok(shares)
    }

    /// Answers with this seat's share of the joint key's value, which cuts the groups. What is evaluated is on disk before the answer
    /// is made, and the answer before it is sent; later only those bytes are sent again.
    pub(super) async fn evaluate(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
        seat: u32,
    ) -> Result<(), ProviderError> {
        let action = Action::Evaluate(epoch);
        if !self.behaviour.evaluates(epoch) || !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        if !snapshot.dealers_are_proven(&self.chain).await? {
            return Ok(());
        }
        snapshot.own_seat(&self.address, seat)?;
        let dealers = snapshot.dealers()?;
        let input =
            derive::partition_input(&snapshot.epoch()).map_err(|why| ProviderError::inconsistent("an epoch", why))?;
        let records = self.records.epoch(epoch);
        let stored = match records.evaluation()? {
            _ if !records.may_evaluate(input.hash())? => {
                let why = "are others than those whose joint key this seat has evaluated in this epoch";
                return Err(ProviderError::inconsistent("the dealers", why));
            }
            Some(stored) => stored,
            None => {
                self.open_deals(snapshot, height, epoch).await?;
                let keys = self.keys(epoch, "an enrolment")?;
                snapshot.member(&self.address, Some(&keys))?;
                let index = SeatIndex::new(seat).map_err(|why| ProviderError::inconsistent("a seat", why))?;
                let shares = self.shares_by_slot(snapshot, epoch)?;
                let role = Seat::new(&keys, snapshot.ectx, &self.address, index);
                let stored = StoredMessage::of(&role.evaluate(&input, &dealers, &shares, &mut self.rng)?);
                records.put_evaluation(&stored)?;
                stored
            }
        };
        let message = pb::MsgEvaluate {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: stored.body,
            signature: stored.signature,
        };
        if self.post(height, action, message.to_any(), cost::EVALUATION).await? {
            self.tell(Event::Evaluated { epoch });
        }
        Ok(())
    }

    fn answer(
        &mut self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        seat: u32,
        requests: &bauta_secagg::unmask::Requests,
    ) -> Result<StoredMessage, ProviderError> {
        let epoch = view.record.epoch;
        let keys = self.keys(epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        let index = SeatIndex::new(seat).map_err(|why| ProviderError::inconsistent("a seat", why))?;
        let shares = self.shares_by_slot(snapshot, epoch)?;
        let records = self.records.epoch(epoch).round(view.record.number);
        let mut answers = records.answers()?.unwrap_or_else(|| AnswerRecord::new(&view.rctx));
        let admitted = answers.admit(requests)?;
        records.put_answers(&answers)?;
        let seat = Seat::new(&keys, snapshot.ectx, &self.address, index);
        let partial = seat.answer(&view.ctx, requests, &admitted, &shares, &mut self.rng)?;
        Ok(StoredMessage::of(&partial))
    }
}
