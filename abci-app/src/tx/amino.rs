//! What hardware wallets sign: the transaction in amino's JSON (`SIGN_MODE_LEGACY_AMINO_JSON`).
//!
//! Keys are sorted, numbers are strings, empty fields are left out except where the module says otherwise, and `&`, `<`,
//! `>` are escaped (cosmos-sdk x/auth/migrations/legacytx, x/tx/signing/aminojson). The messages that wallets sign are
//! those of bank and wasm; others have no such form here.

use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2,
    MsgMigrateContract, MsgStoreCode, MsgUpdateAdmin,
};
use cosmos_sdk_proto::Any;
use serde_json::{json, Map, Value};

use super::decode::{Signer, Tx};
use super::inline_json::InlineJson;
use super::wire;
use crate::error::{Error, Result};
use crate::modules::{bank, Message};

/// The bytes that a signer signs.
///
/// # Errors
/// Unauthorized (sdk 4) for a message without a form in amino's JSON; fields of the body that this form does not show (sdk 2); a
/// contract's message that could be changed without changing what is signed (sdk 18).
pub fn sign_bytes(tx: &Tx, signer: &Signer, chain_id: &str, account_number: u64) -> Result<Vec<u8>> {
    // Whoever passes the transaction on could add what is not signed (cosmos-sdk x/auth/migrations/legacytx refuses them too).
    wire::refuse_unknown(&tx.body_bytes, &wire::AMINO_BODY)?;
    let mut fee = json!({ "amount": coins(&tx.fee.to_proto()), "gas": tx.gas_limit.to_string() });
    put(&mut fee, "payer", &tx.fee_payer);
    put(&mut fee, "granter", &tx.fee_granter);
    let mut doc = json!({
        "account_number": account_number.to_string(),
        "chain_id": chain_id,
        "fee": fee,
        "memo": tx.memo,
        "msgs": tx.messages.iter().map(message).collect::<Result<Vec<_>>>()?,
        "sequence": signer.sequence.to_string(),
    });
    if tx.timeout_height > 0 {
        doc["timeout_height"] = json!(tx.timeout_height.to_string());
    }
    Ok(escaped(&sorted(doc).to_string()).into_bytes())
}

/// Keys in order, whatever order the JSON library keeps them in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// In JSON these signs occur in strings only, so that replacing them everywhere changes no structure.
fn escaped(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

fn coins(coins: &[Coin]) -> Value {
    coins.iter().map(|coin| json!({ "amount": coin.amount, "denom": coin.denom })).collect()
}

/// Adds a text unless it is empty.
fn put(value: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        value[key] = json!(text);
    }
}

fn typed(kind: &str, value: Value) -> Value {
    json!({ "type": kind, "value": value })
}

fn message(message: &Message) -> Result<Value> {
    match message {
        Message::Bank(bank::Message::Send(send)) => {
            let mut value = json!({ "amount": coins(&send.amount) });
            put(&mut value, "from_address", &send.from_address);
            put(&mut value, "to_address", &send.to_address);
            Ok(typed("cosmos-sdk/MsgSend", value))
        }
        Message::Bank(bank::Message::MultiSend(multi)) => {
            let side = |address: &str, amount: &[Coin]| json!({ "address": address, "coins": coins(amount) });
            let inputs: Vec<_> = multi.inputs.iter().map(|one| side(&one.address, &one.coins)).collect();
            let outputs: Vec<_> = multi.outputs.iter().map(|one| side(&one.address, &one.coins)).collect();
            Ok(typed("cosmos-sdk/MsgMultiSend", json!({ "inputs": inputs, "outputs": outputs })))
        }
        Message::Wasm(_, any) => wasm(any),
        Message::Training(message) => Err(without_form(message.type_url())),
    }
}

fn without_form(type_url: &str) -> Error {
    Error::unauthorized(format!("{type_url} has no form in amino's JSON; sign with SIGN_MODE_DIRECT"))
}

fn wasm(any: &Any) -> Result<Value> {
    match any.type_url.as_str() {
        "/cosmwasm.wasm.v1.MsgStoreCode" => {
            let msg: MsgStoreCode = read(any)?;
            let mut value = json!({ "wasm_byte_code": STANDARD.encode(&msg.wasm_byte_code) });
            put(&mut value, "sender", &msg.sender);
            if let Some(permission) = &msg.instantiate_permission {
                value["instantiate_permission"] = access(permission)?;
            }
            Ok(typed("wasm/MsgStoreCode", value))
        }
        "/cosmwasm.wasm.v1.MsgInstantiateContract" => {
            let msg: MsgInstantiateContract = read(any)?;
            let mut value = json!({ "msg": inline(&msg.msg)?, "funds": coins(&msg.funds) });
            instantiation(&mut value, &msg.sender, &msg.admin, msg.code_id, &msg.label);
            Ok(typed("wasm/MsgInstantiateContract", value))
        }
        "/cosmwasm.wasm.v1.MsgInstantiateContract2" => {
            let msg: MsgInstantiateContract2 = read(any)?;
            let mut value = json!({ "msg": inline(&msg.msg)?, "funds": coins(&msg.funds) });
            instantiation(&mut value, &msg.sender, &msg.admin, msg.code_id, &msg.label);
            put(&mut value, "salt", &STANDARD.encode(&msg.salt));
            if msg.fix_msg {
                value["fix_msg"] = json!(true);
            }
            Ok(typed("wasm/MsgInstantiateContract2", value))
        }
        "/cosmwasm.wasm.v1.MsgExecuteContract" => {
            let msg: MsgExecuteContract = read(any)?;
            let mut value = json!({ "msg": inline(&msg.msg)?, "funds": coins(&msg.funds) });
            put(&mut value, "sender", &msg.sender);
            put(&mut value, "contract", &msg.contract);
            Ok(typed("wasm/MsgExecuteContract", value))
        }
        "/cosmwasm.wasm.v1.MsgMigrateContract" => {
            let msg: MsgMigrateContract = read(any)?;
            let mut value = json!({ "msg": inline(&msg.msg)? });
            put(&mut value, "sender", &msg.sender);
            put(&mut value, "contract", &msg.contract);
            number(&mut value, "code_id", msg.code_id);
            Ok(typed("wasm/MsgMigrateContract", value))
        }
        "/cosmwasm.wasm.v1.MsgUpdateAdmin" => {
            let msg: MsgUpdateAdmin = read(any)?;
            let mut value = Value::Object(Map::new());
            put(&mut value, "sender", &msg.sender);
            put(&mut value, "new_admin", &msg.new_admin);
            put(&mut value, "contract", &msg.contract);
            Ok(typed("wasm/MsgUpdateAdmin", value))
        }
        "/cosmwasm.wasm.v1.MsgClearAdmin" => {
            let msg: MsgClearAdmin = read(any)?;
            let mut value = Value::Object(Map::new());
            put(&mut value, "sender", &msg.sender);
            put(&mut value, "contract", &msg.contract);
            Ok(typed("wasm/MsgClearAdmin", value))
        }
        other => Err(without_form(other)),
    }
}

fn instantiation(value: &mut Value, sender: &str, admin: &str, code_id: u64, label: &str) {
    put(value, "sender", sender);
    put(value, "admin", admin);
    put(value, "label", label);
    number(value, "code_id", code_id);
}

fn number(value: &mut Value, key: &str, number: u64) {
    if number > 0 {
        value[key] = json!(number.to_string());
    }
}

fn read<M: prost::Message + Default>(any: &Any) -> Result<M> {
    M::decode(any.value.as_slice()).map_err(|error| Error::tx_decode(error.to_string()))
}

/// A contract's message stands in the document as JSON, its keys sorted like the rest.
fn inline(msg: &[u8]) -> Result<Value> {
    serde_json::from_slice(msg)
        .map(|InlineJson(value)| value)
        .map_err(|error| Error::invalid_request(format!("the contract's message: {error}")))
}

fn access(config: &AccessConfig) -> Result<Value> {
    let permission = match AccessType::try_from(config.permission) {
        Ok(AccessType::Nobody) => "Nobody",
        Ok(AccessType::Everybody) => "Everybody",
        Ok(AccessType::AnyOfAddresses) => "AnyOfAddresses",
        _ => return Err(Error::invalid_request("the permission to instantiate is of an unknown kind")),
    };
    let mut value = json!({ "permission": permission });
    if !config.addresses.is_empty() {
        value["addresses"] = json!(config.addresses);
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
