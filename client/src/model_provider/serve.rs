//! The daemon of a model provider whose model is encrypted: it wraps each epoch's key, publishes each round's model, reads what a round's
//! groups come to, and moves its model, with the integer code by which the chain moves an open one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bauta_learning::combine::GroupSum;
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_rounds::{derive, keys, model_provider};
use bauta_schema::training::v1 as pb;
use bauta_secagg::cohort::wraps::Wraps;
use bauta_secagg::context::Rctx;
use bauta_secagg::encoding::{sha256, Address};
use bauta_secagg::ring::{check_range, Sign};
use prost::Message as _;
use rand_core::CryptoRngCore;

use super::desk::{Desk, Kept, StoredModel};
use crate::chain::messages::TrainingMessage;
use crate::chain::{Chain, ChainError, Fee, Signer};
use crate::disk::Durability;
use crate::provider::snapshot::Snapshot;
use crate::provider::ProviderError;
use crate::training::Unusable;

/// Bytes of a chunk of a model.
const CHUNK: usize = 65_536;

/// What a daemon needs.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The task.
    pub task: u64,
    /// Where keys and models are kept.
    pub home: PathBuf,
    /// The model that the task begins with.
    pub first: Model,
    /// Whether files survive the machine's end, or the process's.
    pub durability: Durability,
}

/// What a daemon says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeEvent {
    /// The epoch's key is wrapped to so many providers.
    Wrapped {
        /// The epoch.
        epoch: u64,
        /// How many.
        providers: usize,
    },
    /// The round's model is on the chain.
    Published {
        /// The round.
        round: u64,
        /// Bytes of its blob.
        bytes: u64,
    },
    /// The sums of a round have moved the model.
    Moved {
        /// The round.
        round: u64,
        /// Groups whose sums were combined.
        groups: usize,
        /// Those whose sums were out of range.
        out_of_range: Vec<u32>,
        /// Hash of the canonical bytes of the model.
        model_hash: String,
    },
    /// The secret of a finished round is gone, and with it what the round came to: the model stays as it was.
    Lost {
        /// The round.
        round: u64,
    },
    /// The task is over.
    TaskEnded {
        /// How.
        status: pb::TaskStatus,
    },
}

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// There may be.
    Going,
    /// The task is over, and the model is what its last round made of it.
    Done,
}

/// A model provider that serves its task.
pub struct ModelServer<R> {
    chain: Chain,
    signer: Signer,
    config: ServeConfig,
    desk: Desk,
    rng: R,
    listener: Box<dyn FnMut(&ServeEvent) + Send>,
}

fn wrong(why: impl std::fmt::Display) -> ProviderError {
    ProviderError::inconsistent("a task with an encrypted model", why)
}

impl<R: CryptoRngCore> ModelServer<R> {
    /// Opens its folder.
    ///
    /// # Errors
    /// [`ProviderError::Record`] where it is in use or cannot be read.
    pub fn new(
        chain: Chain,
        signer: Signer,
        config: ServeConfig,
        rng: R,
        listener: Box<dyn FnMut(&ServeEvent) + Send>,
    ) -> Result<Self, ProviderError> {
        let desk = Desk::open(&config.home, chain.id(), config.task, config.durability)?;
        Ok(Self { chain, signer, config, desk, rng, listener })
    }

    /// The model as the last round that was read has it.
    ///
    /// # Errors
    /// [`ProviderError::Record`].
    pub fn model(&self) -> Result<Model, ProviderError> {
        Ok(match self.desk.kept()? {
            Some(kept) => Model::decode(&kept.model)?,
            None => self.config.first.clone(),
        })
    }

    /// One look at the chain: reads finished rounds, and publishes what is awaited.
    ///
    /// # Errors
    /// [`ProviderError`]; what was sent stays sent, and the next step goes on.
    pub async fn step(&mut self) -> Result<Served, ProviderError> {
        let snapshot = Snapshot::read(&self.chain, self.config.task).await?;
        let task = snapshot.task();
        if task.owner != self.chain.bytes_of(self.signer.address())? {
            return Err(Unusable(format!("task {} is not {}'s", task.id, self.signer.address())).into());
        }
        if snapshot.terms.model_provider.is_none() {
            let what = format!("the model of task {} is the chain's: it needs no server", task.id);
            return Err(Unusable(what).into());
        }
        if self.config.first.spec() != &snapshot.terms.spec {
            return Err(Unusable("the model has other tensors than the task's settings".to_owned()).into());
        }
        let all_read = self.read_rounds(&snapshot).await?;
        if !all_read {
            // Its last round is on its way into a header that proves it.
            return Ok(Served::Going);
        }
        if !matches!(task.status(), pb::TaskStatus::Running | pb::TaskStatus::Cancelling) {
            (self.listener)(&ServeEvent::TaskEnded { status: task.status() });
            return Ok(Served::Done);
        }
        let round = snapshot.round.as_ref().and_then(|response| response.round.as_ref());
        let awaited = round.is_some_and(|round| {
            round.phase() == pb::RoundPhase::Model && round.epoch == task.epoch && round.number == task.round
        });
        // A key that was wrapped to a node's own inventions, or a model sealed for a round that is not there, could not be taken back.
        let is_awaited = awaited && task.status() == pb::TaskStatus::Running && !task.defaulted;
        if is_awaited && snapshot.model_is_awaited(&self.chain, task.round).await? {
            snapshot.dealers()?;
            if snapshot.epoch().key_hash.is_empty() {
                self.wrap(&snapshot).await?;
            } else {
                self.publish(&snapshot).await?;
            }
        }
        Ok(Served::Going)
    }

    fn own(&self) -> Result<Address, ProviderError> {
        Address::new(self.chain.bytes_of(self.signer.address())?).map_err(wrong)
    }

    async fn wrap(&mut self, snapshot: &Snapshot) -> Result<(), ProviderError> {
        let epoch = snapshot.epoch().number;
        let recipients = model_provider::recipients(&snapshot.epoch.members).map_err(wrong)?;
        let key = self.desk.epoch_key(epoch, &mut self.rng)?;
        let wraps = Wraps::new(&snapshot.ectx, &self.own()?, &key, &recipients, &mut self.rng);
        let message = pb::MsgWrapKeys {
            sender: self.signer.address().to_owned(),
            task_id: self.config.task,
            epoch,
            body: wraps.encode(),
        };
        self.send(message.to_any()).await?;
        (self.listener)(&ServeEvent::Wrapped { epoch, providers: recipients.len() });
        Ok(())
    }

    /// Announces the round's model and posts the chunks that the chain does not have. Sealed once: whatever happens later, only those bytes
    /// are sent.
    async fn publish(&mut self, snapshot: &Snapshot) -> Result<(), ProviderError> {
        let (task, round) = (self.config.task, snapshot.task().round);
        let rctx = Rctx::new(&snapshot.ectx, round);
        let own = self.own()?;
        let stored = match self.desk.published(round)? {
            Some(stored) => stored,
            None => {
                let key = self.desk.epoch_key(snapshot.epoch().number, &mut self.rng)?;
                if key.hash(&snapshot.ectx).as_bytes()[..] != snapshot.epoch().key_hash[..] {
                    return Err(ProviderError::LostRecord { what: "the key of this epoch".to_owned() });
                }
                let secret = self.desk.round_secret(round, &mut self.rng)?;
                let sealed = key.seal(&rctx, &self.model()?.encode(), &mut self.rng);
                let stored = StoredModel {
                    plain_hash: sealed.plain_hash.as_bytes().to_vec(),
                    point: secret.point(&rctx, &own, &mut self.rng).encode(),
                    blob: sealed.blob,
                };
                self.desk.put_published(round, &stored)?;
                stored
            }
        };
        let shown = snapshot.round.as_ref().and_then(|response| response.model.clone());
        if shown.is_none() {
            let message = pb::MsgPublishModel {
                sender: self.signer.address().to_owned(),
                task_id: task,
                round,
                plain_hash: stored.plain_hash.clone(),
                blob_hash: sha256(&[&stored.blob]).to_vec(),
                bytes: stored.blob.len() as u64,
                point: stored.point.clone(),
                chunk_hashes: stored.blob.chunks(CHUNK).map(|chunk| sha256(&[chunk]).to_vec()).collect(),
            };
            self.send(message.to_any()).await?;
        }
        let chunks = shown.and_then(|shown| shown.chunks).unwrap_or_default();
        for (index, data) in (0u32..).zip(stored.blob.chunks(CHUNK)) {
            let is_there = chunks.bitmap.get(index as usize / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
            if is_there {
                continue;
            }
            let message = pb::MsgPublishModelChunk {
                sender: self.signer.address().to_owned(),
                task_id: task,
                round,
                index,
                data: data.to_vec(),
            };
            self.send(message.to_any()).await?;
        }
        (self.listener)(&ServeEvent::Published { round, bytes: stored.blob.len() as u64 });
        Ok(())
    }

    async fn send(&mut self, message: cosmrs::Any) -> Result<(), ProviderError> {
        match self.chain.execute(&self.signer, &[message], Fee::Simulated, "").await {
            Ok(_) => Ok(()),
            // A block may have come between looking and sending.
            Err(ChainError::Refused(refused)) => {
                tracing::debug!(%refused, "the chain does not await this now");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Lets every finished round that was not read yet move the model, in their order; whether there is none that has settled and could not
    /// be read.
    async fn read_rounds(&mut self, snapshot: &Snapshot) -> Result<bool, ProviderError> {
        let applied = self.desk.kept()?.map_or(0, |kept| kept.round);
        for number in applied + 1..=snapshot.task().round {
            let response = self.chain.round(self.config.task, number).await?;
            let round = response.and_then(|response| response.round);
            let round = round.filter(|round| round.number == number && round.task_id == self.config.task);
            let round = round.ok_or_else(|| wrong(format!("does not show round {number} where that was asked for")))?;
            if round.settled_height == 0 {
                return Ok(true);
            }
            if !self.proven(&round).await? {
                return Ok(false);
            }
            if round.phase() == pb::RoundPhase::Finished {
                self.read_round(snapshot, &round).await?;
            }
            self.desk.forget_round(number)?;
        }
        Ok(true)
    }

    /// Whether a round is the one that the chain's headers prove; not yet if they prove an older state of it.
    async fn proven(&self, shown: &pb::Round) -> Result<bool, ProviderError> {
        let Some(light) = self.chain.light() else { return Ok(true) };
        let key = keys::numbers(keys::prefix::ROUND, &[shown.task_id, shown.number]);
        let Some(bytes) = light.read("training", &key).await?.value else { return Ok(false) };
        let proven = pb::Round::decode(bytes.as_slice()).map_err(wrong)?;
        if proven.settled_height == 0 {
            return Ok(false);
        }
        if proven != *shown {
            return Err(wrong("shows another settled round than the chain's headers prove"));
        }
        Ok(true)
    }

    async fn read_round(&mut self, snapshot: &Snapshot, round: &pb::Round) -> Result<(), ProviderError> {
        let terms = &snapshot.terms;
        let mut kept = match self.desk.kept()? {
            Some(kept) => kept,
            None => Kept {
                round: 0,
                model: self.config.first.encode(),
                optimiser: OptimiserState::initial(&terms.optimiser, self.config.first.values().len()).encode(),
            },
        };
        let Some(secret) = self.desk.known_secret(round.number)? else {
            // What it came to cannot be read any more, and later rounds can: who stopped here would lose the bond as well.
            kept.round = round.number;
            self.desk.put_kept(&kept)?;
            (self.listener)(&ServeEvent::Lost { round: round.number });
            return Ok(());
        };
        let members = self.chain.epoch(self.config.task, round.epoch).await?.members;
        let check_ins = self.chain.round(self.config.task, round.number).await?.unwrap_or_default().check_ins;
        let ctx = derive::ctx(round).map_err(wrong)?;
        let mut sums: BTreeMap<u32, (Vec<i64>, u64)> = BTreeMap::new();
        let mut out_of_range = Vec::new();
        for group in round.groups.iter().filter(|group| derive::goes_on(group)) {
            let mut survivors = Vec::new();
            let mut weight = 0u64;
            for slot in derive::summed(group) {
                let member = members.iter().find(|member| member.slot == slot);
                let member = member.ok_or_else(|| wrong("has a survivor that is no member"))?;
                survivors.push(derive::point(&member.cohort_key).map_err(wrong)?);
                weight += check_ins.iter().find(|own| own.slot == slot).map_or(0, |own| own.weight);
            }
            let blob = self.chain.group_sum(self.config.task, round.number, group.number).await?;
            if sha256(&[&blob])[..] != group.aggregate_hash[..] {
                return Err(wrong("shows a sum that does not have its hash"));
            }
            let mut values = Vec::new();
            let mut from = 0usize;
            for chunk in 0..terms.layout.chunks() {
                let bytes = terms.layout.bytes_in(chunk).unwrap_or_default();
                let part = from.checked_add(bytes).and_then(|to| blob.get(from..to));
                let (Some(part), Some(mut sum)) = (part, terms.layout.zero(chunk)) else {
                    return Err(wrong("shows a sum of another length"));
                };
                sum.add_packed(part, Sign::Plus).map_err(wrong)?;
                secret.remove(&ctx, &survivors, &mut sum);
                values.extend(sum.decode());
                from += bytes;
            }
            // What the chain checks in an open task; here nobody else can.
            match check_range(&values, terms.encoding.aggregate_limit(weight)) {
                Ok(()) => {
                    values.truncate(usize::try_from(terms.elements).unwrap_or(usize::MAX));
                    sums.insert(group.number, (values, weight));
                }
                Err(_) => out_of_range.push(group.number),
            }
        }
        let groups: Vec<GroupSum<'_>> = sums.values().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect();
        let count = groups.len();
        if terms.combination().check_groups(count).is_ok() && count > 0 {
            let update = terms.combination().combine(&groups, terms.encoding.scale_bits).map_err(wrong)?;
            let mut model = Model::decode(&kept.model)?;
            let mut state = OptimiserState::decode(&terms.optimiser, update.len(), &kept.optimiser).map_err(wrong)?;
            terms.optimiser.step(model.values_mut(), &mut state, &update).map_err(wrong)?;
            (kept.model, kept.optimiser) = (model.encode(), state.encode());
        }
        kept.round = round.number;
        self.desk.put_kept(&kept)?;
        let model_hash = hex::encode(sha256(&[&kept.model]));
        (self.listener)(&ServeEvent::Moved { round: round.number, groups: count, out_of_range, model_hash });
        Ok(())
    }
}

impl<R> std::fmt::Debug for ModelServer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelServer({} of task {})", self.signer.address(), self.config.task)
    }
}
