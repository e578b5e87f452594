//! The encrypted model of a round: announced with the hashes of its chunks, posted chunk by chunk, and put together at the end of a block.
//! Then the round has its context, and check-in begins.

use super::{owned, Owned};
use crate::end_block::Turn;
use crate::env::{Blobs, Budget, Env, Storage};
use crate::error::{Error, Rejection};
use crate::keys::{self, prefix};
use crate::output::{Event, Output};
use crate::params::MAX_CHUNK;
use crate::round::submit::has;
use crate::round::{enter, settle};
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    AbortReason, Chunks, Epoch, MsgPublishModel, MsgPublishModelChunk, Round, RoundPhase, SealedModel, Task, TaskStatus,
};
use bauta_secagg::cohort::keys::{model_hash, KeyHash, PlainHash, OVERHEAD};
use bauta_secagg::cohort::masks::RoundPoint;
use bauta_secagg::context::{Ctx, Root};
use bauta_secagg::encoding::sha256;

/// Bytes that a model of the task's shape has at most, encrypted: its canonical bytes are a head for each tensor and eight a coordinate.
fn most_bytes(terms: &Terms) -> u64 {
    let heads = terms.spec.tensors().len() as u64 * 1024;
    terms.elements.saturating_mul(8).saturating_add(heads + 1024 + OVERHEAD as u64)
}

pub(crate) struct Checked {
    owned: Owned,
    point: RoundPoint,
}

impl Checked {
    /// Operations of verifying the proof of `Q`.
    pub fn operations(&self, msg: &MsgPublishModel) -> u64 {
        cost::PROOF + msg.chunk_hashes.len() as u64
    }
}

pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgPublishModel) -> Result<Checked, Error> {
    let (owned, _) = owned(storage, msg.task_id, sender, "model")?;
    owned.standing.expect(msg.round, RoundPhase::Model, "model")?;
    if owned.standing.epoch.key_hash.is_empty() {
        return Err(Error::NotAwaited("wrap the epoch's key before its first model".into()));
    }
    if state::find_sealed_model(storage, msg.task_id, msg.round)?.is_some() {
        return Err(Error::Duplicate("the model of the round"));
    }
    for (field, bytes) in [("plain_hash", &msg.plain_hash), ("blob_hash", &msg.blob_hash)] {
        if bytes.len() != 32 {
            return Err(Error::Invalid(format!("{field} must have 32 bytes, found {}", bytes.len())));
        }
    }
    let most = most_bytes(&owned.terms);
    if msg.bytes < OVERHEAD as u64 || msg.bytes > most {
        return Err(Error::Invalid(format!(
            "an encrypted model of this task has {OVERHEAD} to {most} bytes, this one {}",
            msg.bytes
        )));
    }
    let chunks = msg.bytes.div_ceil(MAX_CHUNK as u64);
    if msg.chunk_hashes.len() as u64 != chunks || msg.chunk_hashes.iter().any(|hash| hash.len() != 32) {
        return Err(Error::Invalid(format!("{chunks} chunk hashes of 32 bytes are needed for {} bytes", msg.bytes)));
    }
    let point = RoundPoint::decode(&msg.point).map_err(|error| Error::Malformed(error.to_string()))?;
    if state::is_key_used(storage, &derive::x_coordinate(&point.q)) {
        return Err(Error::Refused("the point Q has been used before; publish the model with a fresh one".into()));
    }
    Ok(Checked { owned, point })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgPublishModel,
) -> Result<Vec<Output>, Rejection> {
    let Checked { owned: Owned { standing, .. }, point } = check(storage, sender, msg)?;
    let rctx = derive::rctx(&standing.round)?;
    point.verify(&rctx, &derive::address(sender)?).map_err(|rejection| Error::Refused(rejection.to_string()))?;
    state::use_key(storage, &derive::x_coordinate(&point.q), msg.task_id, standing.epoch.number);
    let total = msg.chunk_hashes.len() as u32;
    let record = SealedModel {
        plain_hash: msg.plain_hash.clone(),
        blob_hash: msg.blob_hash.clone(),
        bytes: msg.bytes,
        point: msg.point.clone(),
        chunk_hashes: msg.chunk_hashes.clone(),
        chunks: Some(Chunks { total, stored: 0, bitmap: vec![0; total.div_ceil(8) as usize] }),
        height: env.height,
    };
    state::put_sealed_model(storage, msg.task_id, msg.round, &record);
    let event = Event::of_task("model_announced", msg.task_id)
        .number("round", msg.round)
        .number("bytes", msg.bytes)
        .bytes("blob_hash", &msg.blob_hash);
    Ok(vec![event.into()])
}

/// The model that a chunk belongs to.
pub(crate) fn check_chunk(
    storage: &dyn Storage,
    sender: &[u8],
    msg: &MsgPublishModelChunk,
) -> Result<(SealedModel, Chunks), Error> {
    let (owned, _) = owned(storage, msg.task_id, sender, "model")?;
    owned.standing.expect(msg.round, RoundPhase::Model, "model")?;
    let model = state::find_sealed_model(storage, msg.task_id, msg.round)?
        .ok_or_else(|| Error::NotAwaited("announce the model before its chunks".into()))?;
    let chunks = model.chunks.clone().unwrap_or_default();
    let Some(hash) = model.chunk_hashes.get(msg.index as usize) else {
        return Err(Error::Refused(format!(
            "the model has {} chunks, counted from 0; there is no chunk {}",
            chunks.total, msg.index
        )));
    };
    if has(&chunks, msg.index) {
        return Err(Error::Duplicate("the chunk"));
    }
    let left = model.bytes.saturating_sub(u64::from(msg.index) * MAX_CHUNK as u64).min(MAX_CHUNK as u64);
    if msg.data.len() as u64 != left || sha256(&[&msg.data])[..] != hash[..] {
        return Err(Error::Refused(format!("chunk {} is not the one that was announced for its place", msg.index)));
    }
    Ok((model, chunks))
}

pub(crate) fn handle_chunk(
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    sender: &[u8],
    msg: &MsgPublishModelChunk,
) -> Result<Vec<Output>, Rejection> {
    let (mut model, mut chunks) = check_chunk(storage, sender, msg)?;
    blobs.put(&msg.data);
    if let Some(byte) = chunks.bitmap.get_mut(msg.index as usize / 8) {
        *byte |= 1 << (msg.index % 8);
    }
    chunks.stored += 1;
    model.chunks = Some(chunks);
    state::put_sealed_model(storage, msg.task_id, msg.round, &model);
    Ok(Vec::new())
}

/// Waits for the round's model. Once it is whole the round has its context and checks in; when its window is over without it the model
/// provider has defaulted.
pub(crate) fn advance(
    turn: &mut Turn<'_>,
    budget: &mut Budget,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    mut round: Round,
) -> Result<(), Error> {
    let model = state::find_sealed_model(turn.storage, task.id, round.number)?;
    let is_whole = |model: &SealedModel| model.chunks.as_ref().is_some_and(|chunks| chunks.stored == chunks.total);
    if task.status() == TaskStatus::Running && !task.defaulted {
        if let Some(model) = model.filter(is_whole) {
            if !budget.take(cost::chunk_operations(2 * model.bytes)) {
                return Ok(());
            }
            return put_together(turn, terms, &epoch, &mut round, model);
        }
        if !turn.now.has_expired(&round.window.unwrap_or_default()) {
            return Ok(());
        }
        task.defaulted = true;
    }
    settle::abort(turn, task, terms, epoch, round, AbortReason::NoModel)
}

/// Makes one blob of the chunks. If it is another than was announced nothing was published: nobody could have been shown it.
fn put_together(
    turn: &mut Turn<'_>,
    terms: &Terms,
    epoch: &Epoch,
    round: &mut Round,
    mut model: SealedModel,
) -> Result<(), Error> {
    let mut blob = Vec::with_capacity(usize::try_from(model.bytes).unwrap_or_default());
    for hash in &model.chunk_hashes {
        let chunk = turn.blobs.get(&state::hash(hash)?);
        blob.extend_from_slice(&chunk.ok_or_else(|| Error::State("a chunk of the model is missing".into()))?);
    }
    release_chunks(turn.blobs, &model)?;
    if sha256(&[&blob])[..] != model.blob_hash[..] {
        turn.storage.remove(&keys::numbers(prefix::MODEL, &[round.task_id, round.number]));
        let event = Event::of_task("model_refused", round.task_id)
            .number("round", round.number)
            .text("why", "its chunks are not the blob whose hash was announced");
        turn.outputs.push(event.into());
        return Ok(());
    }
    turn.blobs.put(&blob);
    (model.chunk_hashes, model.chunks) = (Vec::new(), None);
    state::put_sealed_model(turn.storage, round.task_id, round.number, &model);
    let point = RoundPoint::decode(&model.point).map_err(|error| Error::State(error.to_string()))?;
    let key_hash = KeyHash::from_bytes(state::hash(&epoch.key_hash)?);
    let plain_hash = PlainHash::from_bytes(state::hash(&model.plain_hash)?);
    let hash = model_hash(&plain_hash, &key_hash, &state::hash(&model.blob_hash)?, &point.q);
    let roster_root = Root::from_bytes(state::hash(&round.roster_root)?);
    round.model_hash = hash.as_bytes().to_vec();
    round.ctx = Ctx::new(&derive::rctx(round)?, &hash, &roster_root).as_bytes().to_vec();
    round.blob_hash = model.blob_hash;
    enter(turn, round, RoundPhase::CheckIn, Some(terms.windows.check_in));
    let event = Event::of_task("model_published", round.task_id)
        .number("round", round.number)
        .bytes("model_hash", &round.model_hash)
        .bytes("ctx", &round.ctx);
    turn.outputs.push(event.into());
    Ok(())
}

fn release_chunks(blobs: &mut dyn Blobs, model: &SealedModel) -> Result<(), Error> {
    let chunks = model.chunks.clone().unwrap_or_default();
    for (index, hash) in (0..).zip(&model.chunk_hashes) {
        if has(&chunks, index) {
            blobs.release(&state::hash(hash)?);
        }
    }
    Ok(())
}

/// Releases what a round that settles has of its model: nobody needs it any more.
pub(crate) fn release(turn: &mut Turn<'_>, round: &mut Round) -> Result<(), Error> {
    if let Some(model) = state::find_sealed_model(turn.storage, round.task_id, round.number)? {
        release_chunks(turn.blobs, &model)?;
    }
    if !round.blob_hash.is_empty() {
        turn.blobs.release(&state::hash(&round.blob_hash)?);
        round.blob_hash.clear();
    }
    Ok(())
}
