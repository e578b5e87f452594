//! Submission: a signed header, then the chunks it names, at their places, from its signer's account.

use super::combine::cannot_go_on;
use super::{enter, settle, standing, Standing};
use crate::end_block::Turn;
use crate::env::{Blobs, Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, record, Offence};
use crate::output::{Event, Output};
use crate::params::MAX_CHUNK;
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    AbortReason, CheckIn, Chunks, Epoch, Header as HeaderRecord, MsgSubmitChunk, MsgSubmitHeader, OffenceKind, Round,
    RoundGroup, RoundPhase, Task,
};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::{self, ChunkFault, Header, HeaderState};
use bauta_secagg::switched_off;
use prost::Message;
use std::collections::BTreeSet;

pub(crate) struct CheckedHeader {
    standing: Standing,
    signed: Signed<Header>,
    /// A different header of the same sender that is stored: signing two is an offence.
    other: Option<HeaderRecord>,
}

impl CheckedHeader {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: 2 * cost::SIGNATURE, pays: Pays::Round }
    }
}

/// A check-in that stands in the round that is submitted to.
fn expected(storage: &dyn Storage, standing: &Standing, sender: &[u8]) -> Result<CheckIn, Error> {
    let check_in = state::find_check_in(storage, standing.task.id, standing.round.number, sender)?
        .ok_or_else(|| Error::NotAwaited("the sender did not check in to this round".into()))?;
    if check_in.removed {
        return Err(Error::NotAwaited("an offence removed the sender from this round".into()));
    }
    if !standing.round.group.contains(&check_in.slot) {
        return Err(Error::NotAwaited(
            "too few of the sender's group checked in to this round; it sits the round out and is excused".into(),
        ));
    }
    Ok(check_in)
}

pub(crate) fn check_header(
    storage: &dyn Storage,
    sender: &[u8],
    msg: &MsgSubmitHeader,
) -> Result<CheckedHeader, Error> {
    let standing = standing(storage, msg.task_id, "submit")?;
    standing.expect(msg.round, RoundPhase::Submit, "submit")?;
    let check_in = expected(storage, &standing, sender)?;
    let member = state::member(storage, msg.task_id, standing.epoch.number, sender)?;
    let other = state::find_header(storage, msg.task_id, msg.round, sender)?;
    if other.as_ref().is_some_and(|other| other.body == msg.body) && !switched_off!(SameHeader) {
        return Err(Error::Duplicate("the header"));
    }
    let signed = Signed::<Header>::from_parts(&msg.body, &msg.signature)?;
    let (ctx, v) = (derive::ctx(&standing.round)?, derive::signing_key(&member)?);
    if signed.body.ctx != ctx {
        return Err(Error::Refused("the header was made for another context: another model, roster or round".into()));
    }
    if other.is_some() && !switched_off!(TwoHeaders) {
        // Whatever else differs, two headers that one V signed in one context are two.
        signed.verify(&ctx, &v).map_err(|_| Error::BadSignature)?;
        return Ok(CheckedHeader { standing, signed, other });
    }
    let terms = Terms::read(&state::settings(storage, msg.task_id)?)?;
    let group = group_of(&standing.round, check_in.slot)?;
    let state = HeaderState {
        ctx: &ctx,
        address: &derive::address(sender)?,
        v: &v,
        slot: derive::slot(check_in.slot)?,
        group_root: bauta_secagg::context::Root::from_bytes(state::hash(&group.root)?),
        weight: check_in.weight,
        layout: &terms.layout,
    };
    submit::verify_header(&state, &signed).map_err(derive::refusal)?;
    Ok(CheckedHeader { standing, signed, other: None })
}

pub(crate) fn handle_header(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgSubmitHeader,
) -> Result<Vec<Output>, Rejection> {
    let CheckedHeader { standing: Standing { task, epoch, mut round }, signed, other } =
        check_header(storage, sender, msg)?;
    if let Some(other) = other {
        let offence = Offence {
            kind: OffenceKind::TwoHeaders,
            provider: sender.to_vec(),
            task: task.id,
            epoch: epoch.number,
            round: round.number,
            evidence: evidence(&[b"two_headers", &other.body, &other.signature, &msg.body, &msg.signature]),
            reporter: None,
            harmed: others_of_group(storage, &round, sender)?,
            what: format!("two different signed headers for round {}", round.number),
        };
        return Err(Rejection::offence(Error::TwoHeaders(round.number), offence));
    }
    let total = signed.body.chunks.len() as u32;
    let header = HeaderRecord {
        address: sender.to_vec(),
        body: msg.body.clone(),
        signature: msg.signature.clone(),
        height: env.height,
    };
    state::put_header(storage, task.id, round.number, &header);
    let chunks = Chunks { total, stored: 0, bitmap: vec![0; total.div_ceil(8) as usize] };
    state::put_chunks(storage, task.id, round.number, sender, &chunks);
    round.bytes += msg.encoded_len() as u64;
    state::put_round(storage, &round);
    Ok(vec![Event::of_task("header_submitted", task.id)
        .number("round", round.number)
        .address("provider", sender)
        .into()])
}

/// The group of a slot in a round.
pub(crate) fn group_of(round: &Round, slot: u32) -> Result<&RoundGroup, Error> {
    let found = round.groups.iter().find(|group| group.members.contains(&slot));
    found.ok_or_else(|| Error::State(format!("slot {slot} is in no group of round {}", round.number)))
}

/// The others of a provider's group in a round: who is harmed when its submission fails them.
pub(crate) fn others_of_group(storage: &dyn Storage, round: &Round, provider: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    Ok(of_its_group(&state::check_ins(storage, round.task_id, round.number)?, provider))
}

fn of_its_group(check_ins: &[CheckIn], provider: &[u8]) -> Vec<Vec<u8>> {
    let own = check_ins.iter().find(|check_in| check_in.address == provider).map_or(0, |own| own.group);
    let others = check_ins.iter().filter(|check_in| check_in.group == own && check_in.address != provider);
    others.map(|check_in| check_in.address.clone()).collect()
}

/// The others of a round: who is harmed when a seat fails it.
pub(crate) fn others(storage: &dyn Storage, round: &Round, provider: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let check_ins = state::check_ins(storage, round.task_id, round.number)?;
    Ok(check_ins.into_iter().map(|check_in| check_in.address).filter(|address| address != provider).collect())
}

pub(crate) struct CheckedChunk {
    standing: Standing,
    header: HeaderRecord,
    chunks: Chunks,
    /// Content that hashes to its place and is not canonical: an offence.
    fault: Option<String>,
}

impl CheckedChunk {
    pub fn awaited(&self, msg: &MsgSubmitChunk) -> Awaited {
        Awaited { operations: cost::chunk_operations(msg.data.len() as u64), pays: Pays::Round }
    }
}

pub(crate) fn check_chunk(storage: &dyn Storage, sender: &[u8], msg: &MsgSubmitChunk) -> Result<CheckedChunk, Error> {
    let standing = standing(storage, msg.task_id, "submit")?;
    standing.expect(msg.round, RoundPhase::Submit, "submit")?;
    expected(storage, &standing, sender)?;
    let header = state::find_header(storage, msg.task_id, msg.round, sender)?
        .ok_or_else(|| Error::NotAwaited("submit the header before its chunks".into()))?;
    let chunks = state::find_chunks(storage, msg.task_id, msg.round, sender)?
        .ok_or_else(|| Error::State("a header without its chunks".into()))?;
    if msg.data.len() > MAX_CHUNK {
        return Err(Error::Invalid(format!("a chunk has at most {MAX_CHUNK} bytes, this one has {}", msg.data.len())));
    }
    if msg.index >= chunks.total {
        return Err(Error::Refused(format!(
            "the header names {} chunks, counted from 0; there is no chunk {}",
            chunks.total, msg.index
        )));
    }
    if has(&chunks, msg.index) {
        return Err(Error::Duplicate("the chunk"));
    }
    let body = Header::decode(&header.body).map_err(|error| Error::State(error.to_string()))?;
    let terms = Terms::read(&state::settings(storage, msg.task_id)?)?;
    let fault = match submit::verify_chunk(&body, &terms.layout, msg.index, &msg.data) {
        Ok(()) => None,
        Err(refused @ ChunkFault::Refused { .. }) => return Err(Error::Refused(refused.to_string())),
        Err(ChunkFault::NonCanonical(_)) if switched_off!(NonCanonical) => None,
        Err(ChunkFault::NonCanonical(what)) => Some(what.to_string()),
    };
    Ok(CheckedChunk { standing, header, chunks, fault })
}

/// Whether a chunk is stored.
pub fn has(chunks: &Chunks, index: u32) -> bool {
    chunks.bitmap.get(index as usize / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

pub(crate) fn handle_chunk(
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    sender: &[u8],
    msg: &MsgSubmitChunk,
) -> Result<Vec<Output>, Rejection> {
    let CheckedChunk { standing: Standing { task, epoch, mut round }, header, mut chunks, fault } =
        check_chunk(storage, sender, msg)?;
    if let Some(what) = fault {
        let offence = Offence {
            kind: OffenceKind::NonCanonical,
            provider: sender.to_vec(),
            task: task.id,
            epoch: epoch.number,
            round: round.number,
            evidence: evidence(&[
                b"non_canonical",
                &header.body,
                &header.signature,
                &msg.index.to_be_bytes(),
                &msg.data,
            ]),
            reporter: None,
            harmed: others_of_group(storage, &round, sender)?,
            what: format!("chunk {} under a signed header is not canonical: {what}", msg.index),
        };
        return Err(Rejection::offence(Error::NonCanonical { index: msg.index, what }, offence));
    }
    blobs.put(&msg.data);
    if let Some(byte) = chunks.bitmap.get_mut(msg.index as usize / 8) {
        *byte |= 1 << (msg.index % 8);
    }
    chunks.stored += 1;
    state::put_chunks(storage, task.id, round.number, sender, &chunks);
    round.bytes += msg.encoded_len() as u64;
    let mut outputs = Vec::new();
    if chunks.stored == chunks.total {
        round.submissions += 1;
        let event = Event::of_task("submitted", task.id).number("round", round.number).address("provider", sender);
        outputs.push(event.into());
    }
    state::put_round(storage, &round);
    Ok(outputs)
}

/// Whether every chunk of a submission is stored.
fn is_complete(storage: &dyn Storage, round: &Round, address: &[u8]) -> Result<bool, Error> {
    let chunks = state::find_chunks(storage, round.task_id, round.number, address)?;
    Ok(chunks.is_some_and(|chunks| chunks.stored == chunks.total))
}

/// Closes submission when its window is over, or everyone who owes a submission has made it. Survivors are final: the block writes the root
/// of the request list, and the round is released.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    mut round: Round,
) -> Result<(), Error> {
    let window = round.window.unwrap_or_default();
    let mut silent = Vec::new();
    let mut survivors = BTreeSet::new();
    let check_ins = state::check_ins(turn.storage, task.id, round.number)?;
    let owing = |check_in: &&CheckIn| !check_in.removed && round.group.contains(&check_in.slot);
    for check_in in check_ins.iter().filter(owing) {
        if is_complete(turn.storage, &round, &check_in.address)? {
            survivors.insert(check_in.slot);
        } else {
            silent.push(check_in.address.clone());
        }
    }
    if !turn.now.closes(&window, silent.is_empty()) {
        return Ok(());
    }
    for provider in silent.into_iter().filter(|_| !switched_off!(NoSubmission)) {
        let offence = no_submission(&check_ins, &round, provider);
        let outputs = record(turn.env, turn.storage, &offence)?;
        turn.outputs.extend(outputs);
    }
    for group in round.groups.iter_mut().filter(|group| derive::goes_on(group)) {
        group.survivors = group.members.iter().copied().filter(|slot| survivors.contains(slot)).collect();
        if group.survivors.len() < terms.cohort.min_group as usize && !switched_off!(MinGroup) {
            group.set_void(AbortReason::TooFewSurvivors);
        }
    }
    round.survivors = survivors.into_iter().collect();
    // Before the seats are asked for anything: sums of which nothing can be made are not revealed.
    if let Some(reason) = cannot_go_on(terms, &round.groups, AbortReason::TooFewSurvivors) {
        return settle::abort(turn, task, terms, epoch, round, reason);
    }
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let groups = derive::released_groups(&members, &check_ins, &round, terms.cohort.min_group)?;
    let requests = derive::requests(&round, &groups)?;
    round.request_root = requests.root().as_bytes().to_vec();
    round.released = true;
    enter(turn, &mut round, RoundPhase::Unmask, Some(terms.windows.unmask));
    Ok(())
}

fn no_submission(check_ins: &[CheckIn], round: &Round, provider: Vec<u8>) -> Offence {
    Offence {
        kind: OffenceKind::NoSubmission,
        task: round.task_id,
        epoch: round.epoch,
        round: round.number,
        evidence: evidence(&[b"no_submission", &round.ctx, &provider]),
        reporter: None,
        harmed: of_its_group(check_ins, &provider),
        what: format!("checked in to round {} and did not submit in its window", round.number),
        provider,
    }
}
