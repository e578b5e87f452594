//! The provider as a seat: it opens the shares that were dealt to it, complains about those that are wrong, and answers request lists.

use std::collections::BTreeMap;

use bauta_rounds::{cost, derive};
use bauta_schema::training::v1 as pb;
use bauta_secagg::committee;
use bauta_secagg::deal::{self, Deal, DealState, ShareKeys};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::joint::JointInput;
use bauta_secagg::seat::{AnswerRecord, Seat, Share};
use bauta_secagg::signature::Signed;
use bauta_secagg::unmask::Partial;

use super::attempts::Action;
use super::proven::Stage;
use super::records::{Purpose, StoredMessage};
use super::snapshot::{RoundView, Snapshot};
use super::{Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;

/// Blocks that must follow the one in which survivors became final before a seat answers: its header commits to them.
pub(super) const CONFIRMATIONS: u64 = 1;

/// A joint key that seats are asked to evaluate.
struct Evaluated<'a> {
    purpose: Purpose,
    /// The epoch whose seats are asked.
    committee: u64,
    /// Its members.
    members: &'a [pb::Member],
    /// Those whose joint key it is.
    dealers: &'a [Slot],
    input: &'a JointInput,
}

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
        let records = self.records.epoch(epoch);
        let mut shares = records.shares()?;
        let before = shares.len();
        let mut wrong = Vec::new();
        let mut deals = None;
        for seat in derive::seats_of(member) {
            snapshot.own_seat(&self.address, seat)?;
            let index = SeatIndex::new(seat).map_err(|why| ProviderError::inconsistent("a seat", why))?;
            let is_missing = |dealer: &[u8], shares: &BTreeMap<(u32, Vec<u8>), Share>| {
                let upheld = |complaint: &pb::Complaint| complaint.seat == seat && complaint.dealer == dealer;
                !shares.contains_key(&(seat, dealer.to_vec())) && !snapshot.epoch.complaints.iter().any(upheld)
            };
            let mut dealers = snapshot.epoch.members.iter().filter(|member| member.dealt);
            if !dealers.any(|dealer| is_missing(&dealer.address, &shares)) {
                continue;
            }
            // Read once for all seats.
            if deals.is_none() {
                deals = Some(self.chain.deals(self.config.task, epoch).await?);
            }
            for (record, share_keys) in deals.iter().flatten() {
                if !is_missing(&record.dealer, &shares) {
                    continue;
                }
                match self.open_share(snapshot, &keys, index, record, share_keys)? {
                    Some(_) if !self.share_keys_are_proven(epoch, &record.dealer, share_keys).await? => {}
                    Some(share) => {
                        shares.insert((seat, record.dealer.clone()), share);
                    }
                    None => wrong.push((index, record.clone())),
                }
            }
        }
        if shares.len() > before {
            records.put_shares(&shares)?;
        }
        for (index, record) in wrong {
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
        let threshold = snapshot.epoch().threshold as usize;
        let x = derive::point(&dealer.masking_key).map_err(|why| wrong(why.to_string()))?;
        let state = DealState { dealer: &signed.body.dealer, x: &x, v: &v, seats: &seats, threshold };
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
        let action = Action::Complain(epoch, index.get(), record.dealer.clone());
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
        let action = Action::Unmask(round, seat);
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
        let stored = match records.partial(seat)? {
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
                records.put_partial(seat, &stored)?;
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

    /// A seat's shares on disk by the slots of their dealers, who are among these members.
    pub(super) fn shares_by_slot(
        &self,
        members: &[pb::Member],
        epoch: u64,
        seat: u32,
    ) -> Result<BTreeMap<Slot, Share>, ProviderError> {
        let mut stored = self.records.epoch(epoch).shares()?;
        let mut shares = BTreeMap::new();
        for member in members.iter().filter(|member| member.slot > 0) {
            if let (Some(share), Ok(slot)) = (stored.remove(&(seat, member.address.clone())), Slot::new(member.slot)) {
                shares.insert(slot, share);
            }
        }
        Ok(shares)
    }

    /// Answers with a seat's share of the joint key's value, which cuts the groups.
    pub(super) async fn evaluate(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
        seat: u32,
    ) -> Result<(), ProviderError> {
        if !self.behaviour.evaluates(epoch) || !self.attempts.is_time(&Action::Evaluate(epoch, seat), height) {
            return Ok(());
        }
        if !snapshot.dealers_are_proven(&self.chain).await? {
            return Ok(());
        }
        snapshot.own_seat(&self.address, seat)?;
        let dealers = snapshot.dealers()?;
        let input =
            derive::partition_input(&snapshot.epoch()).map_err(|why| ProviderError::inconsistent("an epoch", why))?;
        self.open_deals(snapshot, height, epoch).await?;
        let asked = Evaluated {
            purpose: Purpose::Partition,
            committee: epoch,
            members: &snapshot.epoch.members,
            dealers: &dealers,
            input: &input,
        };
        let stored = self.evaluation(snapshot, &asked, seat)?;
        self.post_evaluation(height, Action::Evaluate(epoch, seat), epoch, stored).await
    }

    /// Answers with the shares of this provider's seats of an earlier epoch, which seed the draw of this one's.
    pub(super) async fn evaluate_for_seats(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
        of: u64,
    ) -> Result<(), ProviderError> {
        if !self.behaviour.evaluates(of) || self.records.epoch(of).keys()?.is_none() {
            return Ok(());
        }
        let before = self.chain.epoch(self.config.task, of).await?;
        let Some(record) = before.epoch.clone() else { return Ok(()) };
        let Some(member) = before.members.iter().find(|member| member.address == self.address.as_bytes()) else {
            return Ok(());
        };
        if !snapshot.draw_is_proven(&self.chain, &record).await? {
            return Ok(());
        }
        let wrong = |why: &dyn std::fmt::Display| ProviderError::inconsistent("an earlier epoch", why);
        let roster = derive::dealers(&before.members).map_err(|why| wrong(&why))?;
        if roster.root().as_bytes()[..] != record.dealers_root[..] {
            return Err(wrong(&"has other dealers than their root says"));
        }
        let dealers: Vec<Slot> = roster.iter().map(|(slot, _)| slot).collect();
        let input = derive::seats_input(&snapshot.epoch(), &record).map_err(|why| wrong(&why))?;
        for seat in derive::seats_of(member) {
            let action = Action::EvaluateForSeats(epoch, seat);
            let is_there = snapshot.epoch.evaluations.iter().any(|answer| answer.seat == seat);
            if is_there || !self.attempts.is_time(&action, height) {
                continue;
            }
            let asked = Evaluated {
                purpose: Purpose::Seats,
                committee: of,
                members: &before.members,
                dealers: &dealers,
                input: &input,
            };
            let stored = self.evaluation(snapshot, &asked, seat)?;
            self.post_evaluation(height, action, epoch, stored).await?;
        }
        Ok(())
    }

    /// A seat's answer. What is evaluated is on disk before the answer is made, and the answer before it is sent; later only those bytes
    /// are sent again.
    fn evaluation(
        &mut self,
        snapshot: &Snapshot,
        asked: &Evaluated<'_>,
        seat: u32,
    ) -> Result<StoredMessage, ProviderError> {
        let records = self.records.epoch(asked.committee);
        if !records.may_evaluate(asked.purpose, asked.input.hash())? {
            let why = "are others than those whose joint key this seat has evaluated in this epoch";
            return Err(ProviderError::inconsistent("the dealers", why));
        }
        if let Some(stored) = records.evaluation(asked.purpose, seat)? {
            return Ok(stored);
        }
        let keys = self.keys(asked.committee, "an enrolment")?;
        let index = SeatIndex::new(seat).map_err(|why| ProviderError::inconsistent("a seat", why))?;
        let shares = self.shares_by_slot(asked.members, asked.committee, seat)?;
        let role = Seat::new(&keys, snapshot.ectx, &self.address, index);
        let stored = StoredMessage::of(&role.evaluate(asked.input, asked.dealers, &shares, &mut self.rng)?);
        records.put_evaluation(asked.purpose, seat, &stored)?;
        Ok(stored)
    }

    async fn post_evaluation(
        &mut self,
        height: u64,
        action: Action,
        epoch: u64,
        stored: StoredMessage,
    ) -> Result<(), ProviderError> {
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

    /// Gives this provider's point to the seed of the seats: who withholds it forfeits its enrolment.
    pub(super) async fn contribute(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        epoch: u64,
    ) -> Result<(), ProviderError> {
        let action = Action::Contribute(epoch);
        if !self.attempts.is_time(&action, height) || !snapshot.enrolment_is_proven(&self.chain).await? {
            return Ok(());
        }
        let keys = self.keys(epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        let input = snapshot.everyones_input()?;
        let records = self.records.epoch(epoch);
        let stored = match records.contribution()? {
            Some(stored) => stored,
            None => {
                let own = committee::contribute(&keys, &snapshot.ectx, &self.address, &input, &mut self.rng);
                let stored = StoredMessage::of(&own);
                records.put_contribution(&stored)?;
                stored
            }
        };
        let message = pb::MsgContribute {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: stored.body,
            signature: stored.signature,
        };
        if self.post(height, action, message.to_any(), cost::EVALUATION).await? {
            self.tell(Event::Contributed { epoch });
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
        let shares = self.shares_by_slot(&snapshot.epoch.members, epoch, seat)?;
        let records = self.records.epoch(epoch).round(view.record.number);
        let mut answers = records.answers()?.unwrap_or_else(|| AnswerRecord::new(&view.rctx));
        let admitted = answers.admit(requests)?;
        records.put_answers(&answers)?;
        let seat = Seat::new(&keys, snapshot.ectx, &self.address, index);
        let partial = seat.answer(&view.ctx, requests, &admitted, &shares, &mut self.rng)?;
        Ok(StoredMessage::of(&partial))
    }
}
