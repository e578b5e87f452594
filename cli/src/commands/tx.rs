//! `bauta tx`: look at transactions.

use bauta_client::chain::{ChainError, Outcome};
use clap::Subcommand;
use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};
use prost::Message as _;
use serde_json::json;

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::{events_json, Context};
use crate::failure::Failure;

/// Transactions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a transaction that is in a block
    #[command(after_help = "Example:
  bauta tx show 4A5C6F...

JSON: {tx_hash, height, index, code, codespace, log, gas_wanted, gas_used, memo, fee: [{denom, amount}], \
messages: [type URL], events: [{type, attributes: [{key, value}]}]}; code 0 is success.")]
    Show {
        /// Its hash: 64 hexadecimal digits
        hash: String,
    },
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    let Command::Show { hash } = command;
    let digits = hash.strip_prefix("0x").unwrap_or(&hash);
    let bytes: [u8; 32] = hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Failure::usage(format!("{hash:?} is not the hash of a transaction")).hint("a hash has 64 hexadecimal digits")
    })?;
    let chain = context.chain().await?;
    let outcome = context.ask(chain.transaction(&bytes)).await?.ok_or_else(|| {
        Failure::from(ChainError::NoTransaction(hex::encode_upper(bytes)))
            .hint("it may be waiting for a block still; ask again in a few seconds")
    })?;
    Ok(shown(&outcome))
}

fn shown(outcome: &Outcome) -> Answer {
    let (body, auth) = parts(&outcome.bytes);
    let messages: Vec<&str> = body.messages.iter().map(|any| any.type_url.as_str()).collect();
    let fee = auth.fee.unwrap_or_default().amount;
    let (codespace, code, log) = match &outcome.refused {
        Some(refused) => (refused.codespace.as_str(), refused.code, refused.sentence.as_str()),
        None => ("", 0, ""),
    };
    let json = json!({
        "tx_hash": outcome.hash_text(),
        "height": outcome.height,
        "index": outcome.index,
        "code": code,
        "codespace": codespace,
        "log": log,
        "gas_wanted": outcome.gas_wanted,
        "gas_used": outcome.gas_used,
        "memo": body.memo,
        "fee": fee.iter().map(|coin| json!({ "denom": coin.denom, "amount": coin.amount })).collect::<Vec<_>>(),
        "messages": messages,
        "events": events_json(outcome.events.iter()),
    });
    let result = match &outcome.refused {
        None => "succeeded".to_owned(),
        Some(refused) => format!("failed: {refused}"),
    };
    let fees = fee.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect::<Vec<_>>().join(",");
    let mut rows = vec![
        ("transaction", outcome.hash_text()),
        ("block", format!("{}, place {}", outcome.height, outcome.index)),
        ("result", result),
        ("gas", format!("{} of {}", outcome.gas_used, outcome.gas_wanted)),
        ("fee", if fees.is_empty() { "none".to_owned() } else { fees }),
    ];
    if !body.memo.is_empty() {
        rows.push(("memo", body.memo.clone()));
    }
    rows.extend(messages.iter().map(|url| ("message", (*url).to_owned())));
    for event in &outcome.events {
        let attributes: Vec<String> = event
            .attributes
            .iter()
            .map(|attribute| {
                let (key, value) = (attribute.key_bytes(), attribute.value_bytes());
                format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value))
            })
            .collect();
        rows.push(("event", format!("{} {}", event.kind, attributes.join(" "))));
    }
    Answer::new(fields(&rows), json)
}

/// What was signed; empty where the bytes cannot be read, which the chain would have refused.
fn parts(bytes: &[u8]) -> (TxBody, AuthInfo) {
    let raw = TxRaw::decode(bytes).unwrap_or_default();
    (
        TxBody::decode(raw.body_bytes.as_slice()).unwrap_or_default(),
        AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap_or_default(),
    )
}
