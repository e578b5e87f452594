//! Blame: a member signs the numbers of its edges at the coordinate that the chain names, and a seat opens edges that the rules allow.
//!
//! A node that lies could ask for more. So nothing is answered before the question is proven against a verified header, and then only
//! this:
//! - a member signs at one coordinate a pass, which is on disk before it is sent, for the survivors of its own group whom blame has not
//!   removed, and at most as many passes as can each have removed one;
//! - a seat opens edges and nothing else; each has two ends that signed different numbers, whose signatures it verifies itself, or one
//!   end that the chain has convicted in this round, by a proven verdict; and whatever was opened before, at least `min_group` members of
//!   a group stay hidden behind each other ([`AnswerRecord::admit_blame`]).

use std::collections::BTreeSet;

use bauta_rounds::keys::{self, prefix};
use bauta_rounds::{cost, derive};
use bauta_schema::training::v1 as pb;
use bauta_secagg::blame::{EdgeNumbers, Question};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::parties::{Group, Survivors};
use bauta_secagg::seat::{AnswerRecord, Seat};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::unmask::{Asked, Partial, Requests};

use super::attempts::Action;
use super::proven::{record, same, Stage};
use super::records::StoredMessage;
use super::seat::CONFIRMATIONS;
use super::snapshot::{RoundView, Snapshot};
use super::{Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;

fn wrong(why: impl std::fmt::Display) -> ProviderError {
    ProviderError::inconsistent("blame", why)
}

impl Provider {
    /// Signs what the masks of its edges hold at the coordinate at which its group's sum is out of range.
    pub(super) async fn sign_numbers(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        round: u64,
        pass: u32,
    ) -> Result<(), ProviderError> {
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let action = Action::BlameValues(round, pass);
        let is_due = height >= view.record.phase_height.saturating_add(CONFIRMATIONS);
        if !is_due || !self.behaviour.signs_numbers(round) || !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        let keys = self.keys(view.record.epoch, "an enrolment")?;
        let Some(own) = snapshot.member(&self.address, Some(&keys))? else { return Ok(()) };
        let blame = view.response.blame.as_ref().ok_or_else(|| wrong("has no record"))?;
        let asked = blame.groups.iter().find(|group| group.members.contains(&own.slot));
        let asked = asked.ok_or_else(|| wrong("is not about this provider's group"))?;
        if !snapshot.round_is_proven(&self.chain, &view, Stage::Requests).await?
            || !self.question_is_proven(&view, pass, asked).await?
        {
            return Ok(());
        }
        let group = self.shown_group(snapshot, &view)?;
        let shown = view.record.groups.iter().find(|group| group.number == own.group);
        let shown = shown.ok_or_else(|| wrong("is about no group of the round"))?;
        if asked.number != own.group || asked.members != derive::summed(shown) {
            return Err(wrong("asks for edges with others than those whose updates are in the sum"));
        }
        // Each pass before this one removed somebody, and the group still had enough members.
        let passes = (shown.survivors.len() as u64 + 1).saturating_sub(u64::from(snapshot.terms.cohort.min_group));
        if u64::from(pass) > passes {
            return Err(wrong("asks more often than it can have removed a member"));
        }
        let records = self.records.epoch(view.record.epoch).round(round);
        let stored = match records.numbers(pass)? {
            Some(stored) => {
                let signed = EdgeNumbers::decode(&stored.body).map_err(wrong)?;
                if signed.coordinate != asked.coordinate {
                    return Err(wrong("asks for another coordinate than the one that was signed for in this pass"));
                }
                stored
            }
            None => {
                let members: Result<Vec<Slot>, _> = asked.members.iter().map(|&slot| Slot::new(slot)).collect();
                let members = members.map_err(wrong)?;
                let question = Question { pass, coordinate: asked.coordinate, members: &members };
                let layout = &snapshot.terms.layout;
                let signed = keys.blame(&view.ctx, &self.address, &group, layout, &question, &mut self.rng);
                let stored = StoredMessage::of(&signed.map_err(wrong)?);
                records.put_numbers(pass, &stored)?;
                stored
            }
        };
        let message = pb::MsgBlameValues {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            round,
            body: stored.body,
            signature: stored.signature,
        };
        let operations = cost::SIGNATURE + asked.members.len() as u64;
        if self.post(height, action, message.to_any(), operations).await? {
            self.tell(Event::SignedNumbers { round, coordinate: asked.coordinate });
        }
        Ok(())
    }

    /// Answers a list of blame, as the first list is answered: the record of what it opens is on disk before the answer is made, and the
    /// answer before it is sent.
    pub(super) async fn open_edges(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        round: u64,
        seat: u32,
        list: u32,
    ) -> Result<(), ProviderError> {
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let action = Action::OpenEdges(round, seat, list);
        let is_due = height >= view.record.phase_height.saturating_add(CONFIRMATIONS);
        if !is_due || !self.behaviour.answers(round) || !self.attempts.is_time(&action, height) {
            return Ok(());
        }
        if !snapshot.round_is_proven(&self.chain, &view, Stage::Requests).await?
            || !self.list_is_proven(&view, list).await?
        {
            return Ok(());
        }
        snapshot.own_seat(&self.address, seat)?;
        let min_group = snapshot.terms.cohort.min_group;
        // Compared with the round's request root, and the groups with theirs.
        view.requests(&snapshot.epoch.members, min_group)?;
        let requests = listed(&view, list)?;
        let groups = derive::released_groups(&snapshot.epoch.members, &view.response.check_ins, view.record, min_group)
            .map_err(wrong)?;
        if !self.edges_are_justified(snapshot, &view, &groups, &requests).await? {
            return Ok(());
        }
        let records = self.records.epoch(view.record.epoch).round(round);
        let stored = match records.opening(seat, list)? {
            Some(stored) => {
                let partial = Partial::decode(&stored.body).map_err(wrong)?;
                if partial.request_root != requests.root() {
                    return Err(wrong("has another list than the one that this seat answered"));
                }
                stored
            }
            None => {
                // A record that is gone may have been of edges opened before: then too few might stay hidden.
                if records.answers()?.is_none() && self.chain_has_an_answer(&view, seat).await? {
                    return Err(ProviderError::LostRecord { what: format!("this seat's answers to round {round}") });
                }
                self.open_deals(snapshot, height, view.record.epoch).await?;
                let keys = self.keys(view.record.epoch, "an enrolment")?;
                snapshot.member(&self.address, Some(&keys))?;
                let index = SeatIndex::new(seat).map_err(wrong)?;
                let shares = self.shares_by_slot(&snapshot.epoch.members, view.record.epoch, seat)?;
                let mut answers = records.answers()?.unwrap_or_else(|| AnswerRecord::new(&view.rctx));
                let admitted = answers.admit_blame(&requests, &groups, min_group as usize)?;
                records.put_answers(&answers)?;
                let role = Seat::new(&keys, snapshot.ectx, &self.address, index);
                let partial = role.answer(&view.ctx, &requests, &admitted, &shares, &mut self.rng)?;
                let stored = StoredMessage::of(&partial);
                records.put_opening(seat, list, &stored)?;
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
        let edges = requests.len();
        if self.post(height, action, message.to_any(), cost::partial(edges as u64)).await? {
            self.tell(Event::OpenedEdges { round, edges });
        }
        Ok(())
    }

    /// Whether each edge on a list may be opened: its ends signed different numbers, or one of them is convicted.
    async fn edges_are_justified(
        &self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        groups: &[(Group, Survivors)],
        requests: &Requests,
    ) -> Result<bool, ProviderError> {
        let signed = signed_numbers(snapshot, view)?;
        let mut convicted: BTreeSet<Slot> = BTreeSet::new();
        for asked in requests.entries() {
            let Asked::Edge { provider, base } = asked else { return Err(wrong("asks for a self mask")) };
            let (group, _) = groups
                .iter()
                .find(|(group, _)| group.member(*provider).is_some())
                .ok_or_else(|| wrong("asks for an edge of nobody's"))?;
            let other = group.iter().find(|member| member.p == *base);
            let other = other.ok_or_else(|| wrong("asks for an edge with nobody"))?.slot;
            let said =
                |by: Slot, of: Slot| signed.iter().filter(move |body| body.slot == by).find_map(|b| b.number(of));
            let (one, two) = (said(*provider, other), said(other, *provider));
            if (one.is_some() && two.is_some() && one != two) || convicted.contains(provider) {
                continue;
            }
            let address = group.member(*provider).map(|member| member.address.as_bytes().to_vec()).unwrap_or_default();
            if !self.is_convicted(view, &address).await? {
                return Ok(false);
            }
            convicted.insert(*provider);
        }
        Ok(true)
    }

    /// Whether blame has convicted a provider in this round, by a verdict that is proven.
    async fn is_convicted(&self, view: &RoundView<'_>, address: &[u8]) -> Result<bool, ProviderError> {
        let place = [view.record.task_id, view.record.epoch, view.record.number];
        let verdict = if self.chain.light().is_some() {
            record::<pb::Verdict>(&self.chain, &keys::address(prefix::VERDICT, &place, address)).await?
        } else {
            let provider = self.chain.text_of(address)?;
            let request = pb::QueryVerdictsRequest { task_id: view.record.task_id, provider, limit: 100 };
            let all: pb::QueryVerdictsResponse = self.chain.training("Verdicts", &request).await?;
            all.verdicts.into_iter().find(|verdict| verdict.round == view.record.number && verdict.provider == address)
        };
        // Whoever committed something as large before in this round has that verdict instead.
        Ok(verdict.is_some_and(|verdict| {
            bauta_rounds::offence::severity(verdict.kind())
                >= bauta_rounds::offence::severity(pb::OffenceKind::OutOfBound)
        }))
    }

    /// Whether it is proven that blame asks a group this in this pass; not yet if it began in the last block.
    async fn question_is_proven(
        &self,
        view: &RoundView<'_>,
        pass: u32,
        shown: &pb::BlamedGroup,
    ) -> Result<bool, ProviderError> {
        if self.chain.light().is_none() {
            return Ok(true);
        }
        let proven = self.proven_blame(view).await?.filter(|proven| proven.pass == pass);
        let proven = proven.and_then(|proven| proven.groups.into_iter().find(|group| group.number == shown.number));
        let Some(proven) = proven else { return Ok(false) };
        same("blame", "coordinate", &shown.coordinate, &proven.coordinate)?;
        same("blame", "list of members", &shown.members, &proven.members)?;
        Ok(true)
    }

    /// Whether it is proven that this is one of blame's lists.
    async fn list_is_proven(&self, view: &RoundView<'_>, list: u32) -> Result<bool, ProviderError> {
        if self.chain.light().is_none() {
            return Ok(true);
        }
        let place = (list as usize).saturating_sub(1);
        let proven = self.proven_blame(view).await?.and_then(|proven| proven.lists.into_iter().nth(place));
        let Some(proven) = proven else { return Ok(false) };
        let shown = view.response.blame.as_ref().and_then(|blame| blame.lists.get(place));
        let shown = shown.ok_or_else(|| wrong("does not have the list that it asks"))?;
        same("blame", "root of its list", &shown.root, &proven.root)?;
        same("blame", "list", &shown.entries, &proven.entries)?;
        Ok(true)
    }

    async fn proven_blame(&self, view: &RoundView<'_>) -> Result<Option<pb::RoundBlame>, ProviderError> {
        record(&self.chain, &keys::numbers(prefix::BLAME, &[view.record.task_id, view.record.number])).await
    }
}

/// A list of blame, compared with its root.
fn listed(view: &RoundView<'_>, list: u32) -> Result<Requests, ProviderError> {
    let shown = view.response.blame.as_ref().and_then(|blame| blame.lists.get((list as usize).checked_sub(1)?));
    let shown = shown.ok_or_else(|| wrong("does not have the list that it asks"))?;
    let requests = Requests::decode(&view.rctx, &shown.entries).map_err(wrong)?;
    if requests.root().as_bytes()[..] != shown.root[..] || shown.root != view.record.blame_root {
        return Err(wrong("has a list that does not have its root"));
    }
    Ok(requests)
}

/// What members have signed in the running pass; the signatures are verified.
fn signed_numbers(snapshot: &Snapshot, view: &RoundView<'_>) -> Result<Vec<EdgeNumbers>, ProviderError> {
    let pass = view.response.blame.as_ref().map_or(0, |blame| blame.pass);
    let mut bodies = Vec::new();
    for values in view.response.blame_values.iter().filter(|values| values.pass == pass) {
        let signed = Signed::<EdgeNumbers>::from_parts(&values.body, &values.signature).map_err(wrong)?;
        let member = snapshot.epoch.members.iter().find(|member| member.slot == signed.body.slot.get());
        let member = member.ok_or_else(|| wrong("shows numbers of nobody"))?;
        let v = derive::signing_key(member).map_err(wrong)?;
        signed.verify(&view.ctx, &v).map_err(wrong)?;
        if signed.body.pass != pass || signed.body.address.as_bytes() != member.address {
            return Err(wrong("shows numbers under another's name"));
        }
        bodies.push(signed.body);
    }
    Ok(bodies)
}
