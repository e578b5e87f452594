//! What a secret depends on, read with proofs.
//!
//! What the node answers to queries was compared with roots and contexts already ([`snapshot`](super::snapshot)); here the records that
//! hold those roots and contexts are compared with what is proven against verified headers. So two records, the epoch's and the round's,
//! stand for all seats, members, check-ins, survivors and the model:
//!
//! | record | binds |
//! |---|---|
//! | task | the settings, the model |
//! | epoch: `ectx`, `seats_root`, threshold | chain, task, epoch and settings; seats with their keys |
//! | epoch: `dealers_root`, `partition_point` | whose joint key the seats share; who is in which group |
//! | round: `ctx`, `roster_root`, groups with their roots, `request_root` | model, members with their keys; who checked in with what; what is asked |
//! | share keys, deal, member | what a seat opens, answers with, and complains about |
//! | partial | that a seat whose record is gone has answered already |
//!
//! A proof is about the block before the last one. Until it says what the node says, nothing is done; when it says something else, the
//! node lies.

use bauta_rounds::keys::{self, prefix};
use bauta_schema::training::v1 as pb;
use prost::Message;

use super::snapshot::{RoundView, Snapshot};
use super::{Provider, ProviderError};
use crate::chain::{Chain, ChainError};

/// The store of tasks and rounds.
const STORE: &str = "training";

/// How far a round has come when something is sent in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is open: its model and its roster are fixed.
    Open,
    /// Check-in has closed: so is its group.
    Group,
    /// Survivors are final: so is what is asked of the seats.
    Requests,
}

/// A record of the store, or that there is none, as the last proof says.
pub(super) async fn record<M: Message + Default>(chain: &Chain, key: &[u8]) -> Result<Option<M>, ProviderError> {
    let Some(light) = chain.light() else { return Ok(None) };
    let Some(bytes) = light.read(STORE, key).await?.value else { return Ok(None) };
    let record = M::decode(bytes.as_slice());
    record.map(Some).map_err(|error| {
        ChainError::Answer { what: format!("{STORE}/{}", key.escape_ascii()), why: error.to_string() }.into()
    })
}

/// Compares a field of a record.
pub(super) fn same<T: PartialEq + ?Sized>(
    what: &'static str,
    name: &str,
    shown: &T,
    proven: &T,
) -> Result<(), ProviderError> {
    if shown == proven {
        return Ok(());
    }
    Err(ProviderError::inconsistent(what, format!("has another {name} than the chain's headers prove")))
}

impl Snapshot {
    /// Whether the task with these settings is proven; not yet if it was created in the last block.
    pub(crate) async fn task_is_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        let shown = self.task();
        let Some(proven) = record::<pb::Task>(chain, &keys::numbers(prefix::TASK, &[shown.id])).await? else {
            return Ok(false);
        };
        same("a task", "hash of its settings", &shown.settings_hash, &proven.settings_hash)?;
        same("a task", "owner", &shown.owner, &proven.owner)?;
        Ok(true)
    }

    /// Whether it is proven that the task has ended as the node says.
    pub(super) async fn end_is_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        let shown = self.task();
        let proven = record::<pb::Task>(chain, &keys::numbers(prefix::TASK, &[shown.id])).await?;
        let Some(proven) = proven.filter(|proven| proven.ended_height > 0) else { return Ok(false) };
        same("a task", "end", &shown.status, &proven.status)?;
        Ok(true)
    }

    /// Whether the seats are proven.
    pub(super) async fn seats_are_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        let (what, shown) = ("an epoch", self.epoch());
        let Some(proven) = epoch(chain, shown.task_id, shown.number).await? else { return Ok(false) };
        same(what, "context", &shown.ectx, &proven.ectx)?;
        if proven.seats_root.is_empty() {
            return Ok(false);
        }
        same(what, "root of its seats", &shown.seats_root, &proven.seats_root)?;
        same(what, "number of seats", &shown.seats, &proven.seats)?;
        same(what, "threshold", &shown.threshold, &proven.threshold)?;
        Ok(true)
    }

    /// Whether the enrolled are proven, among whom seats are drawn.
    pub(super) async fn enrolment_is_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        let (what, shown) = ("an epoch", self.epoch());
        let proven = epoch(chain, shown.task_id, shown.number).await?;
        let Some(proven) = proven.filter(|proven| !proven.enrolment_root.is_empty()) else { return Ok(false) };
        same(what, "context", &shown.ectx, &proven.ectx)?;
        same(what, "root of the enrolled", &shown.enrolment_root, &proven.enrolment_root)?;
        // Whether the committee is still asked may have changed since.
        Ok(shown.seed_epoch == proven.seed_epoch)
    }

    /// Whether it is proven that an earlier epoch's committee is asked to seed the draw, and whose joint key it shares.
    pub(super) async fn draw_is_proven(&self, chain: &Chain, before: &pb::Epoch) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        if !self.enrolment_is_proven(chain).await? {
            return Ok(false);
        }
        let Some(proven) = epoch(chain, before.task_id, before.number).await? else { return Ok(false) };
        same("an earlier epoch", "root of its dealers", &before.dealers_root, &proven.dealers_root)?;
        Ok(true)
    }

    /// Whether the seats are proven, and the dealers whose joint key they share.
    pub(crate) async fn dealers_are_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        if !self.seats_are_proven(chain).await? {
            return Ok(false);
        }
        let shown = self.epoch();
        let proven = epoch(chain, shown.task_id, shown.number).await?;
        let Some(proven) = proven.filter(|proven| !proven.dealers_root.is_empty()) else { return Ok(false) };
        same("an epoch", "root of its dealers", &shown.dealers_root, &proven.dealers_root)?;
        Ok(true)
    }

    /// Whether the groups are proven, too.
    pub(super) async fn partition_is_proven(&self, chain: &Chain) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        if !self.dealers_are_proven(chain).await? {
            return Ok(false);
        }
        let (what, shown) = ("the partition", self.epoch());
        let proven = epoch(chain, shown.task_id, shown.number).await?;
        let Some(proven) = proven.filter(|proven| proven.groups > 0) else { return Ok(false) };
        same(what, "number of groups", &shown.groups, &proven.groups)?;
        same(what, "value of the joint key", &shown.partition_point, &proven.partition_point)?;
        Ok(true)
    }

    /// Whether it is proven that a round of this number waits for its model, and under which key of the epoch.
    pub(crate) async fn model_is_awaited(&self, chain: &Chain, number: u64) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        if !self.task_is_proven(chain).await? || !self.dealers_are_proven(chain).await? {
            return Ok(false);
        }
        let shown = self.epoch();
        let Some(proven) = epoch(chain, shown.task_id, shown.number).await? else { return Ok(false) };
        if proven.key_hash.is_empty() && !shown.key_hash.is_empty() {
            return Ok(false);
        }
        same("an epoch", "key", &shown.key_hash, &proven.key_hash)?;
        let key = keys::numbers(prefix::ROUND, &[shown.task_id, number]);
        let round = record::<pb::Round>(chain, &key).await?;
        Ok(round.is_some_and(|round| round.phase() == pb::RoundPhase::Model && round.epoch == shown.number))
    }

    /// Whether a round is proven up to a stage, and the epoch with its seats and groups.
    pub(super) async fn round_is_proven(
        &self,
        chain: &Chain,
        view: &RoundView<'_>,
        stage: Stage,
    ) -> Result<bool, ProviderError> {
        if chain.light().is_none() {
            return Ok(true);
        }
        if !self.partition_is_proven(chain).await? {
            return Ok(false);
        }
        let (what, shown) = ("a round", view.record);
        let key = keys::numbers(prefix::ROUND, &[shown.task_id, shown.number]);
        let Some(proven) = record::<pb::Round>(chain, &key).await? else { return Ok(false) };
        same(what, "epoch", &shown.epoch, &proven.epoch)?;
        same(what, "context of check-ins", &shown.rctx, &proven.rctx)?;
        if proven.model_hash.is_empty() && !shown.model_hash.is_empty() {
            // The model provider published its model in the last block.
            return Ok(false);
        }
        same(what, "model", &shown.model_hash, &proven.model_hash)?;
        same(what, "root of its members", &shown.roster_root, &proven.roster_root)?;
        same(what, "context", &shown.ctx, &proven.ctx)?;
        if stage == Stage::Open {
            return Ok(true);
        }
        if proven.groups.is_empty() {
            return Ok(false);
        }
        let roots =
            |round: &pb::Round| -> Vec<Vec<u8>> { round.groups.iter().map(|group| group.root.clone()).collect() };
        let lists = |round: &pb::Round| -> Vec<Vec<u32>> { round.groups.iter().map(|of| of.members.clone()).collect() };
        same("a group", "root", &roots(shown), &roots(&proven))?;
        same("a group", "list of members", &lists(shown), &lists(&proven))?;
        if stage == Stage::Group {
            return Ok(true);
        }
        if proven.request_root.is_empty() {
            return Ok(false);
        }
        same("survivors", "request_root", &shown.request_root, &proven.request_root)?;
        same("survivors", "list", &shown.survivors, &proven.survivors)?;
        let lists =
            |round: &pb::Round| -> Vec<Vec<u32>> { round.groups.iter().map(|of| of.survivors.clone()).collect() };
        same("survivors", "list", &lists(shown), &lists(&proven))?;
        Ok(true)
    }
}

/// An epoch, as the last proof says.
async fn epoch(chain: &Chain, task: u64, number: u64) -> Result<Option<pb::Epoch>, ProviderError> {
    record(chain, &keys::numbers(prefix::EPOCH, &[task, number])).await
}

impl Provider {
    /// Whether it is proven that these are the share keys that the chain computed for a dealer: a seat that kept another share than the
    /// chain's would answer with it, and pay for that.
    pub(super) async fn share_keys_are_proven(
        &self,
        number: u64,
        dealer: &[u8],
        shown: &pb::ShareKeys,
    ) -> Result<bool, ProviderError> {
        if self.chain.light().is_none() {
            return Ok(true);
        }
        let key = keys::address(prefix::SHARE_KEYS, &[self.config.task, number], dealer);
        let Some(proven) = record::<pb::ShareKeys>(&self.chain, &key).await? else { return Ok(false) };
        same("a deal", "share keys", shown, &proven)?;
        Ok(true)
    }

    /// Whether a deal and its dealer's keys are proven: a complaint opens what was sealed to this seat, so the deal must be the one that
    /// the chain has.
    pub(super) async fn deal_is_proven(
        &self,
        number: u64,
        member: &pb::Member,
        shown: &pb::Deal,
    ) -> Result<bool, ProviderError> {
        if self.chain.light().is_none() {
            return Ok(true);
        }
        let of = [self.config.task, number];
        let key = keys::address(prefix::MEMBER, &of, &shown.dealer);
        let Some(proven) = record::<pb::Member>(&self.chain, &key).await? else { return Ok(false) };
        same("a member", "masking key", &member.masking_key, &proven.masking_key)?;
        same("a member", "signing key", &member.signing_key, &proven.signing_key)?;
        let key = keys::address(prefix::DEAL, &of, &shown.dealer);
        let Some(proven) = record::<pb::Deal>(&self.chain, &key).await? else { return Ok(false) };
        same("a deal", "body", &shown.body, &proven.body)?;
        same("a deal", "signature", &shown.signature, &proven.signature)?;
        Ok(true)
    }

    /// Whether the chain has an answer of a seat to a round: a node may hide it, a proof does not.
    pub(super) async fn chain_has_an_answer(&self, view: &RoundView<'_>, seat: u32) -> Result<bool, ProviderError> {
        let is_shown = view.response.partials.iter().any(|partial| partial.seat == seat);
        let key = keys::partial(view.record.task_id, view.record.number, 0, seat);
        Ok(is_shown || record::<pb::Partial>(&self.chain, &key).await?.is_some())
    }

    /// Whether an epoch is closed, so that its secrets may be erased.
    pub(super) async fn epoch_is_closed(&self, task: &pb::Task, number: u64) -> Result<bool, ProviderError> {
        if self.chain.light().is_some() {
            let proven = epoch(&self.chain, task.id, number).await?;
            return Ok(proven.is_some_and(|epoch| epoch.phase() == pb::EpochPhase::Closed));
        }
        match self.chain.epoch(task.id, number).await {
            Ok(response) => Ok(response.epoch.is_some_and(|epoch| epoch.phase() == pb::EpochPhase::Closed)),
            // Its records have been removed.
            Err(ChainError::Refused(refused)) if refused.is(bauta_rounds::CODESPACE, 52) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
