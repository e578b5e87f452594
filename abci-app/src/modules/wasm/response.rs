//! What contracts answer, decoded from JSON as leniently as wasmd decodes it: a message of an unknown kind is no malformed
//! answer, it fails when its turn comes.

use cosmwasm_std::Binary;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest payload that a contract may give a sub-message.
pub const MAX_PAYLOAD: usize = 128 * 1024;

/// A coin in a contract's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Coin {
    /// The denomination.
    pub denom: String,
    /// A decimal number.
    pub amount: String,
}

/// An attribute of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attribute {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// An event of a contract's own kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomEvent {
    /// What will follow `wasm-`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In order.
    #[serde(default, deserialize_with = "or_default")]
    pub attributes: Vec<Attribute>,
}

/// When a contract wants a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyOn {
    /// Whatever happens.
    Always,
    /// Only after a failure.
    Error,
    /// Only after a success.
    Success,
    /// Not at all.
    Never,
}

/// A message that a contract sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubMessage {
    /// The contract's own number for it.
    pub id: u64,
    /// The message.
    pub message: Message,
    /// What the reply carries back.
    pub payload: Binary,
    /// SDK gas that it may use.
    pub gas_limit: Option<u64>,
    /// When to reply.
    pub reply_on: ReplyOn,
}

/// What a contract can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// To send coins.
    Send {
        /// To whom.
        to_address: String,
        /// What.
        amount: Vec<Coin>,
    },
    /// To burn coins.
    Burn {
        /// What.
        amount: Vec<Coin>,
    },
    /// To do something with contracts.
    Wasm(WasmMessage),
    /// A message in protobuf.
    Any {
        /// Its type.
        type_url: String,
        /// Its bytes.
        value: Binary,
    },
    /// Something this chain has no handler for.
    Unknown(String),
}

/// What a contract can ask of contracts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum WasmMessage {
    Execute {
        contract_addr: String,
        msg: Binary,
        #[serde(default, deserialize_with = "or_default")]
        funds: Vec<Coin>,
    },
    Instantiate {
        #[serde(default, deserialize_with = "or_default")]
        admin: String,
        code_id: u64,
        msg: Binary,
        #[serde(default, deserialize_with = "or_default")]
        funds: Vec<Coin>,
        #[serde(default)]
        label: String,
    },
    Instantiate2 {
        #[serde(default, deserialize_with = "or_default")]
        admin: String,
        code_id: u64,
        #[serde(default)]
        label: String,
        msg: Binary,
        #[serde(default, deserialize_with = "or_default")]
        funds: Vec<Coin>,
        salt: Binary,
    },
    Migrate {
        contract_addr: String,
        new_code_id: u64,
        msg: Binary,
    },
    UpdateAdmin {
        contract_addr: String,
        admin: String,
    },
    ClearAdmin {
        contract_addr: String,
    },
}

/// A contract's answer to everything but a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// In the order in which they are to be executed.
    pub messages: Vec<SubMessage>,
    /// What the caller gets; `None` when the contract set nothing.
    pub data: Option<Vec<u8>>,
    /// Attributes of the `wasm` event.
    pub attributes: Vec<Attribute>,
    /// Further events.
    pub events: Vec<CustomEvent>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(default = "Option::default")]
    ok: Option<T>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct RawResponse {
    #[serde(default, deserialize_with = "or_default")]
    messages: Vec<RawSubMessage>,
    #[serde(default)]
    data: Option<Binary>,
    #[serde(default, deserialize_with = "or_default")]
    attributes: Vec<Attribute>,
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<CustomEvent>,
}

#[derive(Deserialize)]
struct RawSubMessage {
    #[serde(default)]
    id: u64,
    msg: Map<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    payload: Binary,
    #[serde(default)]
    gas_limit: Option<u64>,
    reply_on: ReplyOn,
}

/// Go decodes `null` as nothing.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Decodes the answer of a contract. The outer error: it is malformed. The inner one: the contract's own.
pub(super) fn decode(answer: &[u8]) -> Result<Result<Response, String>, String> {
    let raw: RawResponse = match open(answer)? {
        Ok(raw) => raw,
        Err(own) => return Ok(Err(own)),
    };
    let mut messages = Vec::with_capacity(raw.messages.len());
    for (index, raw) in raw.messages.into_iter().enumerate() {
        if raw.payload.len() > MAX_PAYLOAD {
            return Err(format!(
                "reply contains submessage at index {index} with payload larger than {MAX_PAYLOAD} bytes: {} bytes",
                raw.payload.len()
            ));
        }
        messages.push(SubMessage {
            id: raw.id,
            message: Message::decode(raw.msg)?,
            payload: raw.payload,
            gas_limit: raw.gas_limit,
            reply_on: raw.reply_on,
        });
    }
    Ok(Ok(Response { messages, data: raw.data.map(Vec::from), attributes: raw.attributes, events: raw.events }))
}

/// Decodes the answer of a contract to a query.
pub(super) fn decode_query(answer: &[u8]) -> Result<Result<Vec<u8>, String>, String> {
    Ok(open::<Binary>(answer)?.map(Vec::from))
}

fn open<'de, T: Deserialize<'de>>(answer: &'de [u8]) -> Result<Result<T, String>, String> {
    let envelope: Envelope<T> = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    match (envelope.ok, envelope.error) {
        (_, Some(error)) if !error.is_empty() => Ok(Err(error)),
        (Some(ok), _) => Ok(Ok(ok)),
        (None, _) => Err("the contract answered neither ok nor error".into()),
    }
}

impl Message {
    fn decode(message: Map<String, Value>) -> Result<Self, String> {
        let first = message.iter().find(|(_, content)| !content.is_null());
        let Some((kind, content)) = first else {
            return Ok(Self::Unknown("unknown variant of Wasm".into()));
        };
        match kind.as_str() {
            "bank" => match variant(content) {
                Some("send") => {
                    let Bank::Send { to_address, amount } = parse(content)? else { return Err(mismatch("bank")) };
                    Ok(Self::Send { to_address, amount })
                }
                Some("burn") => {
                    let Bank::Burn { amount } = parse(content)? else { return Err(mismatch("bank")) };
                    Ok(Self::Burn { amount })
                }
                _ => Ok(Self::Unknown("unknown variant of Bank".into())),
            },
            "wasm" => match variant(content) {
                Some("execute" | "instantiate" | "instantiate2" | "migrate" | "update_admin" | "clear_admin") => {
                    Ok(Self::Wasm(parse(content)?))
                }
                _ => Ok(Self::Unknown("unknown variant of Wasm".into())),
            },
            "any" | "stargate" => {
                let Any { type_url, value } = parse(content)?;
                Ok(Self::Any { type_url, value })
            }
            "custom" => Ok(Self::Unknown("custom variant not supported".into())),
            "staking" | "distribution" | "gov" | "ibc" | "ibc2" => Ok(Self::Unknown(format!("no handler for {kind}"))),
            _ => Ok(Self::Unknown("unknown variant of Wasm".into())),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bank {
    Send {
        to_address: String,
        #[serde(default, deserialize_with = "or_default")]
        amount: Vec<Coin>,
    },
    Burn {
        #[serde(default, deserialize_with = "or_default")]
        amount: Vec<Coin>,
    },
}

#[derive(Deserialize)]
struct Any {
    type_url: String,
    #[serde(default, deserialize_with = "or_default")]
    value: Binary,
}

/// The name of the only variant in an enum's JSON.
pub(super) fn variant(content: &Value) -> Option<&str> {
    let object = content.as_object()?;
    let mut names = object.keys();
    names.next().filter(|_| names.next().is_none()).map(String::as_str)
}

fn parse<T: for<'de> Deserialize<'de>>(content: &Value) -> Result<T, String> {
    T::deserialize(content).map_err(|error| error.to_string())
}

fn mismatch(kind: &str) -> String {
    format!("a {kind} message is not what it is called")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(msg: &str) -> Result<Vec<SubMessage>, String> {
        let json = format!(r#"{{"ok":{{"messages":[{{"id":1,"msg":{msg},"reply_on":"never"}}]}}}}"#);
        decode(json.as_bytes()).map(|response| response.unwrap().messages)
    }

    #[test]
    fn an_answer_is_an_error_or_a_response_with_everything_optional() {
        assert_eq!(decode(br#"{"error":"no"}"#), Ok(Err("no".into())));
        let empty = Response { messages: vec![], data: None, attributes: vec![], events: vec![] };
        assert_eq!(decode(br#"{"ok":{"messages":null,"data":null,"attributes":[],"extra":1}}"#), Ok(Ok(empty)));
        for bad in ["", "{}", "[]", r#"{"ok":null}"#, r#"{"error":""}"#, r#"{"ok":{"data":"***"}}"#] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_of_an_unknown_kind_is_no_malformed_answer() {
        for unknown in [
            r#"{"custom":{"x":1}}"#,
            r#"{"staking":{"delegate":{}}}"#,
            r#"{"gov":{}}"#,
            r#"{"ibc":{}}"#,
            r#"{"new_kind":{}}"#,
            r#"{"bank":{"mint":{}}}"#,
            r#"{"wasm":{"store":{}}}"#,
            "{}",
        ] {
            assert!(matches!(messages(unknown).unwrap()[0].message, Message::Unknown(_)), "{unknown}");
        }
    }

    #[test]
    fn a_known_message_with_wrong_content_is_a_malformed_answer() {
        for bad in [r#"{"bank":{"send":{"to_address":1}}}"#, r#"{"wasm":{"execute":{"contract_addr":"a"}}}"#, "1"] {
            assert!(messages(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn stargate_is_the_old_name_of_any() {
        let old = messages(r#"{"stargate":{"type_url":"/x","value":"AQ=="}}"#).unwrap();
        assert_eq!(old, messages(r#"{"any":{"type_url":"/x","value":"AQ=="}}"#).unwrap());
    }

    #[test]
    fn a_payload_of_more_than_128_kib_is_a_malformed_answer() {
        let with = |length: usize| {
            let payload = Binary::from(vec![0; length]).to_base64();
            decode(
                format!(r#"{{"ok":{{"messages":[{{"id":1,"msg":{{}},"payload":"{payload}","reply_on":"always"}}]}}}}"#)
                    .as_bytes(),
            )
        };
        assert!(with(MAX_PAYLOAD).is_ok());
        assert!(with(MAX_PAYLOAD + 1).unwrap_err().contains("index 0"));
    }
}
