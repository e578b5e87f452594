//! `bauta.training.v1.Msg`.

use bauta_rounds::{
    keys, params as rounds_params, state, Call, Error as RoundsError, Message as RoundsMessage, Response,
};
use bauta_schema::training::v1::{
    MsgBlameValues, MsgBlameValuesResponse, MsgCancelTask, MsgCancelTaskResponse, MsgCheckIn, MsgCheckInResponse,
    MsgComplain, MsgComplainAboutWrap, MsgComplainAboutWrapResponse, MsgComplainResponse, MsgContribute,
    MsgContributeResponse, MsgCreateTask, MsgCreateTaskResponse, MsgDeal, MsgDealResponse, MsgEnrol, MsgEnrolResponse,
    MsgEvaluate, MsgEvaluateResponse, MsgPublishModel, MsgPublishModelChunk, MsgPublishModelChunkResponse,
    MsgPublishModelResponse, MsgReport, MsgReportResponse, MsgSubmitChunk, MsgSubmitChunkResponse, MsgSubmitHeader,
    MsgSubmitHeaderResponse, MsgTopUpTask, MsgTopUpTaskResponse, MsgUnmask, MsgUnmaskResponse, MsgUpdateParams,
    MsgUpdateParamsResponse, MsgWrapKeys, MsgWrapKeysResponse, Params,
};
use bauta_schema::type_url;
use prost::Name;

use super::effects::params;
use super::store::Records;
use super::{errors, Contracts, Keeper};
use crate::address::Address;
use crate::context::Context;
use crate::error::Result;
use crate::modules::MessageResponse;
use crate::tx::decode_message;

/// A message of this module.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
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
    Report(Box<MsgReport>),
    /// Changes the parameters.
    UpdateParams(Box<MsgUpdateParams>),
}

impl Message {
    /// Decodes a message; `None` if the type is another module's.
    pub fn decode(type_url: &str, value: &[u8]) -> Option<Result<Self>> {
        Some(match type_url {
            type_url::CREATE_TASK => decode_message(value).map(Box::new).map(Self::CreateTask),
            type_url::CANCEL_TASK => decode_message(value).map(Self::CancelTask),
            type_url::TOP_UP_TASK => decode_message(value).map(Self::TopUpTask),
            type_url::ENROL => decode_message(value).map(Self::Enrol),
            type_url::CONTRIBUTE => decode_message(value).map(Self::Contribute),
            type_url::DEAL => decode_message(value).map(Self::Deal),
            type_url::COMPLAIN => decode_message(value).map(Self::Complain),
            type_url::EVALUATE => decode_message(value).map(Self::Evaluate),
            type_url::CHECK_IN => decode_message(value).map(Self::CheckIn),
            type_url::SUBMIT_HEADER => decode_message(value).map(Self::SubmitHeader),
            type_url::SUBMIT_CHUNK => decode_message(value).map(Self::SubmitChunk),
            type_url::UNMASK => decode_message(value).map(Self::Unmask),
            type_url::BLAME_VALUES => decode_message(value).map(Self::BlameValues),
            type_url::WRAP_KEYS => decode_message(value).map(Self::WrapKeys),
            type_url::PUBLISH_MODEL => decode_message(value).map(Box::new).map(Self::PublishModel),
            type_url::PUBLISH_MODEL_CHUNK => decode_message(value).map(Self::PublishModelChunk),
            type_url::COMPLAIN_ABOUT_WRAP => decode_message(value).map(Self::ComplainAboutWrap),
            type_url::REPORT => decode_message(value).map(Box::new).map(Self::Report),
            type_url::UPDATE_PARAMS => decode_message(value).map(Box::new).map(Self::UpdateParams),
            _ => return None,
        })
    }

    /// The type in an `Any`.
    pub fn type_url(&self) -> &'static str {
        match self {
            Self::CreateTask(_) => type_url::CREATE_TASK,
            Self::CancelTask(_) => type_url::CANCEL_TASK,
            Self::TopUpTask(_) => type_url::TOP_UP_TASK,
            Self::Enrol(_) => type_url::ENROL,
            Self::Contribute(_) => type_url::CONTRIBUTE,
            Self::Deal(_) => type_url::DEAL,
            Self::Complain(_) => type_url::COMPLAIN,
            Self::Evaluate(_) => type_url::EVALUATE,
            Self::CheckIn(_) => type_url::CHECK_IN,
            Self::SubmitHeader(_) => type_url::SUBMIT_HEADER,
            Self::SubmitChunk(_) => type_url::SUBMIT_CHUNK,
            Self::Unmask(_) => type_url::UNMASK,
            Self::BlameValues(_) => type_url::BLAME_VALUES,
            Self::WrapKeys(_) => type_url::WRAP_KEYS,
            Self::PublishModel(_) => type_url::PUBLISH_MODEL,
            Self::PublishModelChunk(_) => type_url::PUBLISH_MODEL_CHUNK,
            Self::ComplainAboutWrap(_) => type_url::COMPLAIN_ABOUT_WRAP,
            Self::Report(_) => type_url::REPORT,
            Self::UpdateParams(_) => type_url::UPDATE_PARAMS,
        }
    }

    fn sender(&self) -> &str {
        match self {
            Self::CreateTask(msg) => &msg.owner,
            Self::CancelTask(msg) => &msg.owner,
            Self::TopUpTask(msg) => &msg.sender,
            Self::Enrol(msg) => &msg.sender,
            Self::Contribute(msg) => &msg.sender,
            Self::Deal(msg) => &msg.sender,
            Self::Complain(msg) => &msg.sender,
            Self::Evaluate(msg) => &msg.sender,
            Self::CheckIn(msg) => &msg.sender,
            Self::SubmitHeader(msg) => &msg.sender,
            Self::SubmitChunk(msg) => &msg.sender,
            Self::Unmask(msg) => &msg.sender,
            Self::BlameValues(msg) => &msg.sender,
            Self::WrapKeys(msg) => &msg.sender,
            Self::PublishModel(msg) => &msg.sender,
            Self::PublishModelChunk(msg) => &msg.sender,
            Self::ComplainAboutWrap(msg) => &msg.sender,
            Self::Report(msg) => &msg.sender,
            Self::UpdateParams(msg) => &msg.authority,
        }
    }

    /// Who must sign.
    ///
    /// # Errors
    /// Invalid address (sdk 7).
    pub fn signers(&self, prefix: &str) -> Result<Vec<Address>> {
        Ok(vec![Address::parse(self.sender(), prefix)?])
    }

    /// Whether it belongs to the reserved lane, with an empty fee.
    pub fn is_protocol(&self) -> bool {
        type_url::PROTOCOL.contains(&self.type_url())
    }

    /// Whether trying it costs proofs; chunks and headers cost none, and others in the mempool stand on them.
    pub(super) fn is_costly(&self) -> bool {
        !matches!(self, Self::SubmitHeader(_) | Self::SubmitChunk(_))
    }

    /// What can be seen without the state.
    ///
    /// # Errors
    /// Invalid address (sdk 7); the module's own.
    pub fn validate_basic(&self, prefix: &str) -> Result<()> {
        Address::parse(self.sender(), prefix).map_err(|error| error.context("invalid sender"))?;
        match self {
            Self::CreateTask(msg) => {
                let cohort = msg.settings.as_ref().and_then(|settings| settings.cohort.as_ref());
                if let Some(cohort) = cohort.filter(|cohort| !cohort.issuer.is_empty()) {
                    Address::parse(&cohort.issuer, prefix).map_err(|error| error.context("invalid issuer"))?;
                }
                Ok(())
            }
            Self::Report(msg) => {
                Address::parse(&msg.accused, prefix).map(drop).map_err(|error| error.context("invalid accused"))
            }
            Self::UpdateParams(msg) => match &msg.params {
                Some(params) => check_params(params, prefix),
                None => Err(errors::of_message(&RoundsError::Invalid("params are missing".into()))),
            },
            _ => Ok(()),
        }
    }

    /// What the mempool asks.
    ///
    /// # Errors
    /// Those of [`Message::execute`], as far as no contract has to be told anything to see them.
    pub fn check(&self, ctx: &mut Context, keeper: &Keeper, contracts: &dyn Contracts) -> Result<()> {
        match self {
            Self::UpdateParams(msg) => update_params(ctx, msg),
            _ => keeper.check(ctx, contracts, self),
        }
    }

    /// Carries it out.
    ///
    /// # Errors
    /// The module's (codespace `training`), insufficient funds (sdk 5), the staking contract's.
    pub fn execute(&self, ctx: &mut Context, keeper: &Keeper, contracts: &dyn Contracts) -> Result<MessageResponse> {
        if let Self::UpdateParams(msg) = self {
            update_params(ctx, msg)?;
            return Ok(response(&MsgUpdateParamsResponse {}));
        }
        let answer = keeper.execute(ctx, contracts, self)?;
        Ok(match self {
            Self::CreateTask(_) => {
                let task_id = if let Response::Task(id) = answer { id } else { 0 };
                response(&MsgCreateTaskResponse { task_id })
            }
            Self::CancelTask(_) => response(&MsgCancelTaskResponse {}),
            Self::TopUpTask(_) => response(&MsgTopUpTaskResponse {}),
            Self::Enrol(_) => response(&MsgEnrolResponse {}),
            Self::Contribute(_) => response(&MsgContributeResponse {}),
            Self::Deal(_) => response(&MsgDealResponse {}),
            Self::Complain(_) => response(&MsgComplainResponse {}),
            Self::Evaluate(_) => response(&MsgEvaluateResponse {}),
            Self::CheckIn(_) => response(&MsgCheckInResponse {}),
            Self::SubmitHeader(_) => response(&MsgSubmitHeaderResponse {}),
            Self::SubmitChunk(_) => response(&MsgSubmitChunkResponse {}),
            Self::Unmask(_) => response(&MsgUnmaskResponse {}),
            Self::BlameValues(_) => response(&MsgBlameValuesResponse {}),
            Self::WrapKeys(_) => response(&MsgWrapKeysResponse {}),
            Self::PublishModel(_) => response(&MsgPublishModelResponse {}),
            Self::PublishModelChunk(_) => response(&MsgPublishModelChunkResponse {}),
            Self::ComplainAboutWrap(_) => response(&MsgComplainAboutWrapResponse {}),
            Self::Report(_) => response(&MsgReportResponse {}),
            Self::UpdateParams(_) => response(&MsgUpdateParamsResponse {}),
        })
    }

    /// As the machine takes it.
    ///
    /// # Errors
    /// Invalid address (sdk 7); unauthorized for one that is no call of the machine.
    pub(super) fn to_rounds(&self, prefix: &str) -> Result<RoundsMessage> {
        let call = match self.clone() {
            Self::CreateTask(msg) => Call::CreateTask(msg),
            Self::CancelTask(msg) => Call::CancelTask(msg),
            Self::TopUpTask(msg) => Call::TopUpTask(msg),
            Self::Enrol(msg) => Call::Enrol(msg),
            Self::Contribute(msg) => Call::Contribute(msg),
            Self::Deal(msg) => Call::Deal(msg),
            Self::Complain(msg) => Call::Complain(msg),
            Self::Evaluate(msg) => Call::Evaluate(msg),
            Self::CheckIn(msg) => Call::CheckIn(msg),
            Self::SubmitHeader(msg) => Call::SubmitHeader(msg),
            Self::SubmitChunk(msg) => Call::SubmitChunk(msg),
            Self::Unmask(msg) => Call::Unmask(msg),
            Self::BlameValues(msg) => Call::BlameValues(msg),
            Self::WrapKeys(msg) => Call::WrapKeys(msg),
            Self::PublishModel(msg) => Call::PublishModel(msg),
            Self::PublishModelChunk(msg) => Call::PublishModelChunk(msg),
            Self::ComplainAboutWrap(msg) => Call::ComplainAboutWrap(msg),
            Self::Report(msg) => {
                let accused = Address::parse(&msg.accused, prefix)?.as_bytes().to_vec();
                Call::Report { msg, accused }
            }
            Self::UpdateParams(_) => return Err(errors::of_message(&RoundsError::Unauthorized)),
        };
        Ok(RoundsMessage { sender: Address::parse(self.sender(), prefix)?.as_bytes().to_vec(), call })
    }
}

/// Messages of a transaction with several: a report is none of them.
///
/// # Errors
/// Invalid request of the module's codespace.
pub fn validate_in_company(messages: &[&Message]) -> Result<()> {
    if messages.iter().any(|message| matches!(message, Message::Report(_))) {
        let what =
            "a report is the only message of its transaction: its deposit may be taken although the transaction fails";
        return Err(errors::of_message(&RoundsError::Invalid(what.into())));
    }
    Ok(())
}

/// Messages of one transaction whose fees a task's budget pays: one, or chunks of one submission at different places. Two of the same would
/// both be awaited when they are charged and could not both succeed, and who sends such pairs would empty the budget.
///
/// # Errors
/// Invalid request of the module's codespace.
pub fn validate_together(messages: &[&Message]) -> Result<()> {
    if messages.len() < 2 || !messages.iter().any(|message| message.is_protocol()) {
        return Ok(());
    }
    let mut places = std::collections::BTreeSet::new();
    for message in messages {
        let is_new = match message {
            Message::SubmitChunk(msg) => places.insert((msg.sender.clone(), msg.task_id, msg.round, msg.index)),
            _ => false,
        };
        if !is_new {
            let what = "a transaction holds one protocol message, or chunks at different places of a submission";
            return Err(errors::of_message(&RoundsError::Invalid(what.into())));
        }
    }
    Ok(())
}

fn update_params(ctx: &mut Context, msg: &MsgUpdateParams) -> Result<()> {
    let authority = params(ctx)?.authority;
    if authority.is_empty() || authority != msg.authority {
        return Err(errors::of_message(&RoundsError::Unauthorized));
    }
    let Some(params) = &msg.params else {
        return Err(errors::of_message(&RoundsError::Invalid("params are missing".into())));
    };
    set_params(ctx, params)
}

/// Checks parameters against the chain's own and writes them.
///
/// # Errors
/// The module's, naming the parameter.
pub(super) fn set_params(ctx: &mut Context, params: &Params) -> Result<()> {
    check_params(params, &ctx.prefix)?;
    let lane = crate::params::load(&ctx.view).lane_bytes;
    if params.lane_bytes > lane {
        let what = format!("params: lane_bytes is {}, but the chain's lane has {lane}", params.lane_bytes);
        return Err(errors::of_message(&RoundsError::Invalid(what)));
    }
    state::save(&mut Records(ctx.view.clone()), keys::PARAMS.to_vec(), params);
    Ok(())
}

fn check_params(params: &Params, prefix: &str) -> Result<()> {
    rounds_params::check(params).map_err(|error| errors::of_message(&error))?;
    for (name, address) in [
        ("authority", &params.authority),
        ("registry", &params.registry),
        ("staking", &params.staking),
        ("slashing", &params.slashing),
    ] {
        if !address.is_empty() {
            Address::parse(address, prefix).map_err(|error| error.context(format!("params.{name}")))?;
        }
    }
    Ok(())
}

fn response<M: Name>(message: &M) -> MessageResponse {
    MessageResponse { type_url: M::type_url(), value: message.encode_to_vec() }
}
