//! Messages: what they are, whether they are awaited, and who handles them.

use crate::env::{Blobs, Env, Providers, Storage};
use crate::epoch::{complain, deal, enrol, partition, seats};
use crate::error::{Error, Rejection};
use crate::escrow::Purse;
use crate::model_provider::{complaint as wrap_complaint, publish, wraps};
use crate::output::Output;
use crate::overlay::nested;
use crate::round::blame::numbers;
use crate::round::{check_in, submit, unmask};
use crate::terms::Terms;
use crate::{cancel, cost, create, report, state};
use bauta_schema::training::v1::{
    MsgBlameValues, MsgCancelTask, MsgCheckIn, MsgComplain, MsgComplainAboutWrap, MsgContribute, MsgCreateTask,
    MsgDeal, MsgEnrol, MsgEvaluate, MsgPublishModel, MsgPublishModelChunk, MsgReport, MsgSubmitChunk, MsgSubmitHeader,
    MsgTopUpTask, MsgUnmask, MsgWrapKeys,
};
use prost::Message as _;

/// A message and who sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Raw bytes of the sender's address, whose account signed the transaction.
    pub sender: Vec<u8>,
    /// What it asks for.
    pub call: Call,
}

/// What a message asks for. Addresses inside that the machine needs are given as raw bytes beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Opens a task.
    CreateTask(Box<MsgCreateTask>),
    /// Ends a task.
    CancelTask(MsgCancelTask),
    /// Adds to a task's budget.
    TopUpTask(MsgTopUpTask),
    /// Posts fresh keys.
    Enrol(MsgEnrol),
    /// Gives a point to the seed of the seats.
    Contribute(MsgContribute),
    /// Shares the masking key.
    Deal(MsgDeal),
    /// Opens a wrong share.
    Complain(MsgComplain),
    /// Answers with a share of the joint key's value.
    Evaluate(MsgEvaluate),
    /// Commits to submit.
    CheckIn(MsgCheckIn),
    /// Posts a header.
    SubmitHeader(MsgSubmitHeader),
    /// Posts a chunk.
    SubmitChunk(MsgSubmitChunk),
    /// Answers a request list.
    Unmask(MsgUnmask),
    /// Signs a number for each edge, in blame.
    BlameValues(MsgBlameValues),
    /// Wraps the key of an epoch's models.
    WrapKeys(MsgWrapKeys),
    /// Announces the encrypted model of a round.
    PublishModel(Box<MsgPublishModel>),
    /// Posts a chunk of it.
    PublishModelChunk(MsgPublishModelChunk),
    /// Says that a wrap, or a model, does not open.
    ComplainAboutWrap(MsgComplainAboutWrap),
    /// Brings evidence.
    Report {
        /// The message.
        msg: Box<MsgReport>,
        /// Raw bytes of the accused's address.
        accused: Vec<u8>,
    },
}

/// What a protocol message costs a task's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee {
    /// The task.
    pub task: u64,
    /// In the fee denomination.
    pub amount: u128,
    /// Whether the running round's reserve pays.
    pub from_reserve: bool,
}

/// A message that may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// What to charge the task's budget; `None` for messages whose sender pays.
    pub fee: Option<Fee>,
    /// Gas of the machine's work, to be consumed before [`handle`].
    pub gas: u64,
    /// What the sender puts at stake before [`handle`]: it comes back, unless the message fails with an error that
    /// [forfeits](Error::forfeits_deposit) it.
    pub deposit: u128,
}

/// What a message answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// Number of the new task.
    Task(u64),
    /// Nothing.
    Empty,
}

impl Call {
    /// Whether it is one that rounds await: with an empty fee, through the reserved lane.
    pub fn is_protocol(&self) -> bool {
        self.protocol().is_some()
    }

    /// The task of a protocol message, and its size.
    fn protocol(&self) -> Option<(u64, usize)> {
        match self {
            Self::Enrol(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::Contribute(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::Deal(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::Complain(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::Evaluate(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::CheckIn(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::SubmitHeader(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::SubmitChunk(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::Unmask(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::BlameValues(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::ComplainAboutWrap(msg) => Some((msg.task_id, msg.encoded_len())),
            Self::CreateTask(_)
            | Self::CancelTask(_)
            | Self::TopUpTask(_)
            | Self::WrapKeys(_)
            | Self::PublishModel(_)
            | Self::PublishModelChunk(_)
            | Self::Report { .. } => None,
        }
    }
}

/// What the state says of a protocol message that is awaited.
pub(crate) struct Awaited {
    /// Operations of handling it.
    pub operations: u64,
    /// What of the task's budget pays for it.
    pub pays: Pays,
}

/// What of a task's budget pays for a message.
///
/// Who keeps silent in a round, or does not complain about a share that it cannot open, is penalised: the messages that protect from that
/// are never refused because others have spent the budget. Each of them is accepted once, or is an offence, so that this is no gift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pays {
    /// What is not reserved; refused if that is too little.
    Free,
    /// What is not reserved, as far as it goes.
    WhatIsFree,
    /// The running round's reserve and, as far as it goes, what else is held.
    Round,
}

/// Whether a message may come in: everything but the proofs that may convict its author. A protocol message passes only if its round
/// awaits it from this sender, so that what is charged for is either accepted or an offence.
///
/// # Errors
/// Why it is refused; nobody is penalised.
pub fn check(
    env: &Env<'_>,
    storage: &dyn Storage,
    providers: &dyn Providers,
    message: &Message,
) -> Result<Admission, Error> {
    let sender = &message.sender;
    let awaited = match &message.call {
        Call::CreateTask(msg) => return create::check(storage, msg).map(|checked| checked.admission),
        Call::CancelTask(msg) => cancel::check(storage, sender, msg).map(|_| paid_by_sender(0))?,
        Call::TopUpTask(msg) => cancel::check_top_up(storage, msg).map(|_| paid_by_sender(0))?,
        Call::Report { msg, accused } => return report::check(storage, msg, accused),
        Call::Enrol(msg) => enrol::check(storage, providers, sender, msg)?.awaited(),
        Call::Contribute(msg) => seats::check(env, storage, sender, msg)?.awaited(),
        Call::Deal(msg) => deal::check(storage, sender, msg)?.awaited(),
        Call::Complain(msg) => complain::check(storage, sender, msg)?.awaited(),
        Call::Evaluate(msg) => partition::check(env, storage, sender, msg)?.awaited(),
        Call::CheckIn(msg) => check_in::check(storage, providers, sender, msg)?.awaited(),
        Call::SubmitHeader(msg) => submit::check_header(storage, sender, msg)?.awaited(),
        Call::SubmitChunk(msg) => submit::check_chunk(storage, sender, msg)?.awaited(msg),
        Call::Unmask(msg) => unmask::check(env, storage, sender, msg)?.awaited(),
        Call::BlameValues(msg) => numbers::check(env, storage, sender, msg)?.awaited(),
        Call::WrapKeys(msg) => paid_by_sender(wraps::check(storage, sender, msg)?.operations()),
        Call::PublishModel(msg) => paid_by_sender(publish::check(storage, sender, msg)?.operations(msg)),
        Call::PublishModelChunk(msg) => {
            publish::check_chunk(storage, sender, msg)?;
            paid_by_sender(cost::chunk_operations(msg.data.len() as u64))
        }
        Call::ComplainAboutWrap(msg) => wrap_complaint::check(storage, sender, msg)?.awaited(),
    };
    let Some((task, bytes)) = message.call.protocol() else {
        return Ok(Admission { fee: None, gas: cost::gas(0, awaited.operations), deposit: 0 });
    };
    let terms = Terms::read(&state::settings(storage, task)?)?;
    let gas = cost::gas(bytes as u64, awaited.operations);
    let purse = Purse::of(&state::task(storage, task)?)?;
    let price = cost::fee(&terms, gas);
    let amount = match awaited.pays {
        Pays::Free => price,
        Pays::WhatIsFree => price.min(purse.available()),
        Pays::Round => price.min(purse.held),
    };
    let fee = Fee { task, amount, from_reserve: awaited.pays == Pays::Round };
    purse.affords(&fee)?;
    Ok(Admission { fee: Some(fee), gas, deposit: 0 })
}

fn paid_by_sender(operations: u64) -> Awaited {
    Awaited { operations, pays: Pays::Free }
}

/// Carries a message out. What it writes stays only if it succeeds.
///
/// # Errors
/// Why it failed, and the offence if it was one: see [`record_offence`](crate::record_offence).
pub fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &mut dyn Blobs,
    providers: &dyn Providers,
    message: &Message,
) -> Result<(Response, Vec<Output>), Rejection> {
    let sender = &message.sender;
    nested(storage, |storage| {
        let outputs = match &message.call {
            Call::CreateTask(msg) => {
                let (task, outputs) = create::handle(env, storage, blobs, sender, msg)?;
                return Ok((Response::Task(task), outputs));
            }
            Call::CancelTask(msg) => cancel::handle(storage, sender, msg)?,
            Call::TopUpTask(msg) => cancel::top_up(storage, sender, msg)?,
            Call::Report { msg, accused } => report::handle(env, storage, sender, accused, msg)?,
            Call::Enrol(msg) => enrol::handle(storage, providers, sender, msg)?,
            Call::Contribute(msg) => seats::handle(env, storage, sender, msg)?,
            Call::Deal(msg) => deal::handle(env, storage, sender, msg)?,
            Call::Complain(msg) => complain::handle(env, storage, sender, msg)?,
            Call::Evaluate(msg) => partition::handle(env, storage, sender, msg)?,
            Call::CheckIn(msg) => check_in::handle(env, storage, providers, sender, msg)?,
            Call::SubmitHeader(msg) => submit::handle_header(env, storage, sender, msg)?,
            Call::SubmitChunk(msg) => submit::handle_chunk(storage, blobs, sender, msg)?,
            Call::Unmask(msg) => unmask::handle(env, storage, blobs, sender, msg)?,
            Call::BlameValues(msg) => numbers::handle(env, storage, sender, msg)?,
            Call::WrapKeys(msg) => wraps::handle(env, storage, sender, msg)?,
            Call::PublishModel(msg) => publish::handle(env, storage, sender, msg)?,
            Call::PublishModelChunk(msg) => publish::handle_chunk(storage, blobs, sender, msg)?,
            Call::ComplainAboutWrap(msg) => wrap_complaint::handle(env, storage, blobs, sender, msg)?,
        };
        Ok((Response::Empty, outputs))
    })
}
