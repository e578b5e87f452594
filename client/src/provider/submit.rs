//! Check-in and submission.

use bauta_learning::recipes;
use bauta_rounds::cost;
use bauta_schema::training::v1 as pb;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::Rctx;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::Group;
use bauta_secagg::submit::Masked;

use super::attempts::Action;
use super::behaviour::Scene;
use super::proven::Stage;
use super::records::{StoredCheckIn, StoredMessage, StoredSubmission, StoredUpdate};
use super::snapshot::{RoundView, Snapshot};
use super::{CheckInTiming, Event, Provider, ProviderError};
use crate::chain::messages::TrainingMessage;
use crate::contracts::Contracts;

impl Provider {
    /// The public weight: a unit for every `rows_per_weight` rows.
    pub(super) fn weight(&self, snapshot: &Snapshot) -> u64 {
        let encoding = snapshot.terms.settings.encoding.unwrap_or_default();
        recipes::weight(self.config.rows, encoding.rows_per_weight, encoding.max_weight)
    }

    /// Checks in to the running round, with the update on disk.
    pub(super) async fn check_in(&mut self, snapshot: &Snapshot, height: u64, round: u64) -> Result<(), ProviderError> {
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let records = self.records.epoch(view.record.epoch).round(round);
        // An encrypted model is opened first: one that does not open is complained about, and nothing is owed to its round.
        let may_be_early = self.config.check_in == CheckInTiming::Early && view.published.is_none();
        let is_ready = may_be_early || records.update(view.model_hash.as_bytes())?.is_some();
        // Who checks in has committed to submit, and will not on a false model.
        if is_ready
            && self.behaviour.checks_in(round)
            && snapshot.round_is_proven(&self.chain, &view, Stage::Open).await?
        {
            snapshot.check_partition()?;
            self.post_check_in(snapshot, height, round).await?;
        }
        Ok(())
    }

    /// Checks in to the next round while the running one is being finished, if that is how this provider does it.
    pub(super) async fn check_in_early(&mut self, snapshot: &Snapshot, height: u64) -> Result<(), ProviderError> {
        use pb::RoundPhase::{Finalise, Submit, Unmask};
        if self.config.check_in != CheckInTiming::Early {
            return Ok(());
        }
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let next = view.record.number + 1;
        let is_open = matches!(view.record.phase(), Submit | Unmask | Finalise);
        let is_known = view.response.next_check_ins.iter().any(|check_in| check_in.address == self.address.as_bytes());
        let has_submitted = self.records.epoch(view.record.epoch).round(view.record.number).submission()?.is_some();
        let is_last = snapshot.task().finished_rounds + 1 >= snapshot.terms.settings.rounds;
        let is_member =
            snapshot.member(&self.address, None)?.is_some_and(|member| member.slot > 0 && member.barred_from == 0);
        if !is_open || is_known || !has_submitted || is_last || !is_member || !self.behaviour.checks_in(next) {
            return Ok(());
        }
        match self.post_check_in(snapshot, height, next).await {
            Err(ProviderError::Chain(crate::chain::ChainError::Refused(refused))) => {
                tracing::debug!(%refused, next, "an early check-in was refused");
                Ok(())
            }
            // Asked again when the round is open; what is owed to this one goes on.
            Err(ProviderError::Policy(why)) => {
                tracing::debug!(%why, next, "the policy does not admit the company of the next round");
                Ok(())
            }
            other => other,
        }
    }

    async fn post_check_in(&mut self, snapshot: &Snapshot, height: u64, round: u64) -> Result<(), ProviderError> {
        if !self.attempts.is_time(&Action::CheckIn(round), height) {
            return Ok(());
        }
        self.config.policy.admits(&snapshot.terms)?;
        let epoch = snapshot.epoch().number;
        let keys = self.keys(epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        self.check_company(snapshot, round).await?;
        let records = self.records.epoch(epoch).round(round);
        let stored = match records.check_in()?.and_then(|stored| stored.message) {
            Some(message) => message,
            None => {
                let rctx = Rctx::new(&snapshot.ectx, round);
                let weight = self.weight(snapshot);
                let (signed, _) = CheckedIn::new(&keys, &rctx, &self.address, weight, &mut self.rng);
                let message = StoredMessage::of(&signed);
                records.put_check_in(&StoredCheckIn { weight, message: Some(message.clone()) })?;
                message
            }
        };
        let message = pb::MsgCheckIn {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            round,
            body: stored.body,
            signature: stored.signature,
        };
        let operations = cost::SIGNATURE + cost::PROOF;
        if self.post(height, Action::CheckIn(round), message.to_any(), operations).await? {
            self.tell(Event::CheckedIn { round });
        }
        Ok(())
    }

    /// Whether enough of those of its group who may check in are attested by issuers that the policy trusts: a sum over one honest provider and
    /// many of somebody's own is that provider's update.
    async fn check_company(&mut self, snapshot: &Snapshot, round: u64) -> Result<(), ProviderError> {
        let epoch = snapshot.epoch().number;
        if self.attested.as_ref().is_none_or(|(of, _)| *of != epoch) {
            self.attested = Some((epoch, self.read_attested(snapshot).await?));
        }
        let Some((_, attested)) = &self.attested else { return Ok(()) };
        let own = snapshot.member(&self.address, None)?.map_or(0, |member| member.group);
        let members = snapshot.epoch.members.iter().filter(|member| member.group == own);
        let company: Vec<_> = members.filter(|member| bauta_rounds::derive::is_qualified(member, round)).collect();
        let count = company.iter().filter(|member| attested.contains(&member.address)).count();
        Ok(self.config.policy.admits_group(count, company.len())?)
    }

    async fn read_attested(
        &mut self,
        snapshot: &Snapshot,
    ) -> Result<std::collections::BTreeSet<Vec<u8>>, ProviderError> {
        let members = snapshot.epoch.members.iter().map(|member| member.address.clone());
        if self.config.policy.trusted_issuers.is_empty() {
            // The chain lets nobody enrol who is not registered.
            return Ok(members.collect());
        }
        let contracts = match &self.contracts {
            Some(contracts) => contracts.clone(),
            None => Contracts::of(&self.chain).await?,
        };
        let mut attested = std::collections::BTreeSet::new();
        for issuer in &self.config.policy.trusted_issuers {
            for address in contracts.admitted(&self.chain, issuer).await? {
                attested.insert(self.chain.bytes_of(&address)?);
            }
        }
        self.contracts = Some(contracts);
        Ok(attested)
    }

    /// Sends the submission of a round: the header first, and, once the chain has it, the chunks that it does not have. Masked and signed
    /// once; whatever happens later, only those bytes are sent.
    pub(super) async fn submit(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        round: u64,
        header: bool,
        stored: &[u32],
    ) -> Result<(), ProviderError> {
        if !self.behaviour.submits(round) {
            return Ok(());
        }
        let Some(view) = snapshot.round()? else { return Ok(()) };
        let records = self.records.epoch(view.record.epoch).round(round);
        let submission = match records.submission()? {
            Some(submission) => submission,
            None if header => return Err(ProviderError::LostRecord { what: format!("a header for round {round}") }),
            None if !snapshot.round_is_proven(&self.chain, &view, Stage::Group).await? => return Ok(()),
            None => match self.mask(snapshot, &view)? {
                Some(submission) => submission,
                None => return Ok(()),
            },
        };
        if header {
            return self.post_chunks(height, round, &submission.chunks, stored).await;
        }
        let signed = submission.header.clone().unwrap_or_default();
        let message = pb::MsgSubmitHeader {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            round,
            body: signed.body,
            signature: signed.signature,
        };
        let is_first = !self.attempts.was_sent(&Action::Header(round));
        if self.post(height, Action::Header(round), message.to_any(), 2 * cost::SIGNATURE).await? {
            self.tell(Event::Submitted { round, bytes: 0 });
            if is_first {
                self.show_scene(snapshot, &view, &submission)?;
            }
        }
        Ok(())
    }

    async fn post_chunks(
        &mut self,
        height: u64,
        round: u64,
        chunks: &[Vec<u8>],
        stored: &[u32],
    ) -> Result<(), ProviderError> {
        let mut bytes = 0;
        for (index, chunk) in (0u32..).zip(chunks) {
            if stored.contains(&index) {
                continue;
            }
            let message = pb::MsgSubmitChunk {
                sender: self.signer.address().to_owned(),
                task_id: self.config.task,
                round,
                index,
                data: chunk.clone(),
            };
            let operations = cost::chunk_operations(chunk.len() as u64);
            if self.post(height, Action::Chunk(round, index), message.to_any(), operations).await? {
                bytes += chunk.len() as u64;
            }
        }
        if bytes > 0 {
            self.tell(Event::Submitted { round, bytes });
        }
        Ok(())
    }

    /// Masks the update towards the group that the chain shows, after every root of it was compared, and writes the submission to disk.
    /// `None` while there is no update.
    fn mask(&mut self, snapshot: &Snapshot, view: &RoundView<'_>) -> Result<Option<StoredSubmission>, ProviderError> {
        let round = view.record.number;
        let records = self.records.epoch(view.record.epoch).round(round);
        let keys = self.keys(view.record.epoch, "an enrolment")?;
        snapshot.member(&self.address, Some(&keys))?;
        let lost = || ProviderError::LostRecord { what: format!("a check-in to round {round}") };
        let weight = records.check_in()?.ok_or_else(lost)?.weight;
        let Some(mut update) = records.update(view.model_hash.as_bytes())? else { return Ok(None) };
        self.behaviour.alters(round, &mut update.values);
        let group = self.group(snapshot, view, weight)?;
        let masked = self.mask_towards(snapshot, view, &keys, &group, weight, &update)?;
        let submission = StoredSubmission { header: Some(StoredMessage::of(&masked.header)), chunks: masked.chunks };
        records.put_submission(&submission)?;
        Ok(Some(submission))
    }

    /// The group, compared with its root and with what the policy and the settings ask of it.
    fn group(&self, snapshot: &Snapshot, view: &RoundView<'_>, weight: u64) -> Result<Group, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("a group", why);
        snapshot.check_partition()?;
        let group = self.shown_group(snapshot, view)?;
        if group.len() < snapshot.terms.cohort.min_group as usize {
            return Err(wrong("has fewer members than the task's min_group"));
        }
        let own = view.response.check_ins.iter().find(|check_in| check_in.address == self.address.as_bytes());
        if own.is_none_or(|own| own.weight != weight) {
            return Err(wrong("gives this provider another weight than it checked in with"));
        }
        Ok(group)
    }

    /// This provider's group as the chain shows it.
    pub(super) fn shown_group(&self, snapshot: &Snapshot, view: &RoundView<'_>) -> Result<Group, ProviderError> {
        let own = snapshot.member(&self.address, None)?;
        let own = own.ok_or_else(|| ProviderError::inconsistent("a group", "is not this provider's"))?;
        view.group(&snapshot.epoch.members, own)
    }

    fn mask_towards(
        &mut self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        keys: &ProviderKeys,
        group: &Group,
        weight: u64,
        update: &StoredUpdate,
    ) -> Result<Masked, ProviderError> {
        let mut checked_in = CheckedIn::resume(keys, &view.rctx, &self.address, weight);
        if let Some(published) = &view.published {
            checked_in = checked_in.with_cohort(keys, &published.q);
        }
        Ok(checked_in.mask(&view.ctx, group, &snapshot.terms.layout, &update.values, &mut self.rng)?)
    }

    /// Shows a scenario what went into a submission.
    fn show_scene(
        &self,
        snapshot: &Snapshot,
        view: &RoundView<'_>,
        submission: &StoredSubmission,
    ) -> Result<(), ProviderError> {
        let records = self.records.epoch(view.record.epoch).round(view.record.number);
        let keys = self.keys(view.record.epoch, "an enrolment")?;
        let (Some(update), Some(check_in)) = (records.update(view.model_hash.as_bytes())?, records.check_in()?) else {
            return Ok(());
        };
        let stored = submission.header.clone().unwrap_or_default();
        let header = bauta_secagg::signature::Signed::from_parts(&stored.body, &stored.signature)
            .map_err(|why| ProviderError::inconsistent("an own record", why))?;
        let group = self.shown_group(snapshot, view)?;
        self.behaviour.submitted(&Scene {
            chain_id: self.chain.id(),
            task: self.config.task,
            epoch: view.record.epoch,
            round: view.record.number,
            account: self.signer.address(),
            address: &self.address,
            keys: &keys,
            rctx: &view.rctx,
            ctx: &view.ctx,
            model_hash: &view.model_hash,
            roster_root: &view.roster_root,
            weight: check_in.weight,
            group: &group,
            layout: &snapshot.terms.layout,
            update: &update.values,
            header: &header,
        });
        Ok(())
    }
}
