//! Messages as they stand in a transaction.

use bauta_schema::training::v1 as training;
use bauta_schema::type_url;
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use cosmrs::Any;
use prost::Message;
use serde::Serialize;

use super::query::json;
use super::{ChainError, Coin};

/// A message under its type URL.
#[must_use]
pub fn any<M: Message>(type_url: &str, message: &M) -> Any {
    Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }
}

/// Sends coins.
#[must_use]
pub fn send(from: &str, to: &str, coins: &[Coin]) -> Any {
    any(
        "/cosmos.bank.v1beta1.MsgSend",
        &MsgSend {
            from_address: from.to_owned(),
            to_address: to.to_owned(),
            amount: coins.iter().map(Coin::to_proto).collect(),
        },
    )
}

/// Stores a contract's code, gzipped or not.
#[must_use]
pub fn store_code(sender: &str, code: Vec<u8>) -> Any {
    any(
        "/cosmwasm.wasm.v1.MsgStoreCode",
        &wasm::MsgStoreCode { sender: sender.to_owned(), wasm_byte_code: code, instantiate_permission: None },
    )
}

/// Makes a contract of a code; `message` is JSON. With a salt its address follows from code, sender and salt.
#[must_use]
pub fn instantiate(
    sender: &str,
    admin: Option<&str>,
    code_id: u64,
    label: &str,
    message: Vec<u8>,
    funds: &[Coin],
    salt: Option<Vec<u8>>,
) -> Any {
    let (sender, label) = (sender.to_owned(), label.to_owned());
    let admin = admin.unwrap_or_default().to_owned();
    let funds = funds.iter().map(Coin::to_proto).collect();
    match salt {
        None => any(
            "/cosmwasm.wasm.v1.MsgInstantiateContract",
            &wasm::MsgInstantiateContract { sender, admin, code_id, label, msg: message, funds },
        ),
        Some(salt) => any(
            "/cosmwasm.wasm.v1.MsgInstantiateContract2",
            &wasm::MsgInstantiateContract2 { sender, admin, code_id, label, msg: message, funds, salt, fix_msg: false },
        ),
    }
}

/// Calls a contract; `message` is JSON.
#[must_use]
pub fn execute_json(sender: &str, contract: &str, message: Vec<u8>, funds: &[Coin]) -> Any {
    any(
        "/cosmwasm.wasm.v1.MsgExecuteContract",
        &wasm::MsgExecuteContract {
            sender: sender.to_owned(),
            contract: contract.to_owned(),
            msg: message,
            funds: funds.iter().map(Coin::to_proto).collect(),
        },
    )
}

/// Calls a contract.
///
/// # Errors
/// [`ChainError::Answer`] when the message cannot be written as JSON.
pub fn execute<M: Serialize>(sender: &str, contract: &str, message: &M, funds: &[Coin]) -> Result<Any, ChainError> {
    Ok(execute_json(sender, contract, json(message)?, funds))
}

/// Moves a contract to another code; `message` is JSON.
#[must_use]
pub fn migrate(sender: &str, contract: &str, code_id: u64, message: Vec<u8>) -> Any {
    any(
        "/cosmwasm.wasm.v1.MsgMigrateContract",
        &wasm::MsgMigrateContract { sender: sender.to_owned(), contract: contract.to_owned(), code_id, msg: message },
    )
}

/// Gives a contract another admin, or none.
#[must_use]
pub fn set_admin(sender: &str, contract: &str, admin: Option<&str>) -> Any {
    match admin {
        Some(admin) => any(
            "/cosmwasm.wasm.v1.MsgUpdateAdmin",
            &wasm::MsgUpdateAdmin {
                sender: sender.to_owned(),
                new_admin: admin.to_owned(),
                contract: contract.to_owned(),
            },
        ),
        None => any(
            "/cosmwasm.wasm.v1.MsgClearAdmin",
            &wasm::MsgClearAdmin { sender: sender.to_owned(), contract: contract.to_owned() },
        ),
    }
}

/// A message of the training module.
pub trait TrainingMessage: Message {
    /// Its type URL.
    const TYPE_URL: &'static str;

    /// As it stands in a transaction.
    fn to_any(&self) -> Any
    where
        Self: Sized,
    {
        any(Self::TYPE_URL, self)
    }
}

macro_rules! training_messages {
    ($($message:ident $url:ident,)*) => {
        $(impl TrainingMessage for training::$message {
            const TYPE_URL: &'static str = type_url::$url;
        })*
    };
}

training_messages! {
    MsgCreateTask CREATE_TASK,
    MsgCancelTask CANCEL_TASK,
    MsgTopUpTask TOP_UP_TASK,
    MsgEnrol ENROL,
    MsgDeal DEAL,
    MsgComplain COMPLAIN,
    MsgContribute CONTRIBUTE,
    MsgEvaluate EVALUATE,
    MsgCheckIn CHECK_IN,
    MsgSubmitHeader SUBMIT_HEADER,
    MsgSubmitChunk SUBMIT_CHUNK,
    MsgUnmask UNMASK,
    MsgBlameValues BLAME_VALUES,
    MsgWrapKeys WRAP_KEYS,
    MsgPublishModel PUBLISH_MODEL,
    MsgPublishModelChunk PUBLISH_MODEL_CHUNK,
    MsgComplainAboutWrap COMPLAIN_ABOUT_WRAP,
    MsgReport REPORT,
}
