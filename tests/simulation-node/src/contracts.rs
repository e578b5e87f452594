//! Messages to the wasm module, and the machine's calls as messages of the training module.

use abci_app::address::Address;
use abci_app::coin::Coins;
use bauta_rounds::Call;
use bauta_schema::type_url;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{MsgExecuteContract, MsgInstantiateContract, MsgStoreCode};
use cosmos_sdk_proto::Any;
use serde_json::Value;

use crate::account::PREFIX;
use crate::wrong;

/// Of coins.
pub const DENOM: &str = "ubauta";

/// The contracts, as they are deployed.
pub const ARTIFACTS: [(&str, &[u8]); 3] = [
    ("registry", include_bytes!("../../../contracts/artifacts/registry.wasm")),
    ("staking", include_bytes!("../../../contracts/artifacts/staking.wasm")),
    ("slashing", include_bytes!("../../../contracts/artifacts/slashing.wasm")),
];

/// A message.
pub fn any(type_url: &str, message: &impl prost::Message) -> Any {
    Any { type_url: type_url.into(), value: message.encode_to_vec() }
}

/// Stores a code.
pub fn store(sender: String, code: &[u8]) -> Any {
    let message = MsgStoreCode { sender, wasm_byte_code: code.to_vec(), instantiate_permission: None };
    any("/cosmwasm.wasm.v1.MsgStoreCode", &message)
}

/// Makes a contract of a code, of which its sender is the admin.
pub fn instantiate(sender: String, code_id: u64, label: &str, msg: &Value) -> Any {
    let (admin, msg) = (sender.clone(), msg.to_string().into_bytes());
    let message = MsgInstantiateContract { sender, admin, code_id, label: label.into(), msg, funds: Vec::new() };
    any("/cosmwasm.wasm.v1.MsgInstantiateContract", &message)
}

/// Calls a contract, with coins.
pub fn execute(sender: String, contract: &str, msg: &Value, coins: u128) -> Any {
    let funds = if coins == 0 { Vec::new() } else { Coins::one(DENOM, coins).to_proto() };
    let message = MsgExecuteContract { sender, contract: contract.into(), msg: msg.to_string().into_bytes(), funds };
    any("/cosmwasm.wasm.v1.MsgExecuteContract", &message)
}

/// A call as a message of its sender.
///
/// # Errors
/// When a report accuses what is no address.
pub fn message(call: Call, sender: String) -> Result<Any, String> {
    macro_rules! of {
        ($url:expr, $msg:expr) => {{
            let mut msg = $msg;
            msg.sender = sender;
            any($url, &msg)
        }};
    }
    Ok(match call {
        Call::CreateTask(msg) => {
            let mut msg = *msg;
            msg.owner = sender;
            any(type_url::CREATE_TASK, &msg)
        }
        Call::CancelTask(mut msg) => {
            msg.owner = sender;
            any(type_url::CANCEL_TASK, &msg)
        }
        Call::TopUpTask(msg) => of!(type_url::TOP_UP_TASK, msg),
        Call::Enrol(msg) => of!(type_url::ENROL, msg),
        Call::Contribute(msg) => of!(type_url::CONTRIBUTE, msg),
        Call::Deal(msg) => of!(type_url::DEAL, msg),
        Call::Complain(msg) => of!(type_url::COMPLAIN, msg),
        Call::Evaluate(msg) => of!(type_url::EVALUATE, msg),
        Call::CheckIn(msg) => of!(type_url::CHECK_IN, msg),
        Call::SubmitHeader(msg) => of!(type_url::SUBMIT_HEADER, msg),
        Call::SubmitChunk(msg) => of!(type_url::SUBMIT_CHUNK, msg),
        Call::Unmask(msg) => of!(type_url::UNMASK, msg),
        Call::BlameValues(msg) => of!(type_url::BLAME_VALUES, msg),
        Call::WrapKeys(msg) => of!(type_url::WRAP_KEYS, msg),
        Call::PublishModel(msg) => of!(type_url::PUBLISH_MODEL, *msg),
        Call::PublishModelChunk(msg) => of!(type_url::PUBLISH_MODEL_CHUNK, msg),
        Call::ComplainAboutWrap(msg) => of!(type_url::COMPLAIN_ABOUT_WRAP, msg),
        Call::Report { mut msg, accused } => {
            msg.sender = sender;
            msg.accused = Address::new(accused).map_err(wrong)?.to_bech32(PREFIX);
            any(type_url::REPORT, &*msg)
        }
    })
}
