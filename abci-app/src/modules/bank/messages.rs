//! `cosmos.bank.v1beta1.Msg`.

use cosmos_sdk_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgMultiSendResponse, MsgSend, MsgSendResponse};
use prost::Message as _;

use super::keeper;
use crate::address::Address;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::modules::MessageResponse;
use crate::tx::decode_message;

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";
const MULTI_SEND: &str = "/cosmos.bank.v1beta1.MsgMultiSend";

/// A message of this module.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Coins from one account to another.
    Send(MsgSend),
    /// Coins from one account to many.
    MultiSend(MsgMultiSend),
}

impl Message {
    /// Decodes a message; `None` if the type is another module's.
    pub fn decode(type_url: &str, value: &[u8]) -> Option<Result<Self>> {
        Some(match type_url {
            SEND => decode_message(value).map(Self::Send),
            MULTI_SEND => decode_message(value).map(Self::MultiSend),
            _ => return None,
        })
    }

    /// The type in an `Any`.
    pub fn type_url(&self) -> &'static str {
        match self {
            Self::Send(_) => SEND,
            Self::MultiSend(_) => MULTI_SEND,
        }
    }

    /// Who must sign.
    ///
    /// # Errors
    /// Invalid address (sdk 7).
    pub fn signers(&self, prefix: &str) -> Result<Vec<Address>> {
        match self {
            Self::Send(send) => Ok(vec![Address::parse(&send.from_address, prefix)?]),
            Self::MultiSend(multi) => multi.inputs.iter().map(|input| Address::parse(&input.address, prefix)).collect(),
        }
    }

    /// What can be seen without the state.
    ///
    /// # Errors
    /// Invalid address (sdk 7), invalid coins (sdk 10), or inputs and outputs that do not match.
    pub fn validate_basic(&self, prefix: &str) -> Result<()> {
        match self {
            Self::Send(send) => {
                Address::parse(&send.from_address, prefix).map_err(|e| e.context("invalid from address"))?;
                Address::parse(&send.to_address, prefix).map_err(|e| e.context("invalid to address"))?;
                positive(&Coins::from_proto(&send.amount)?)
            }
            Self::MultiSend(multi) => {
                // More than one payer was never meaningful (cosmos-sdk x/bank, `ErrMultipleSenders`).
                let [input] = multi.inputs.as_slice() else {
                    return Err(Error::new("bank", 9, "a multi-send has exactly one input"));
                };
                if multi.outputs.is_empty() {
                    return Err(Error::new("bank", 3, "no outputs to send transaction"));
                }
                Address::parse(&input.address, prefix).map_err(|e| e.context("invalid input address"))?;
                let spent = Coins::from_proto(&input.coins)?;
                positive(&spent)?;
                let mut received = Coins::none();
                for output in &multi.outputs {
                    Address::parse(&output.address, prefix).map_err(|e| e.context("invalid output address"))?;
                    let coins = Coins::from_proto(&output.coins)?;
                    positive(&coins)?;
                    received = received.checked_add(&coins)?;
                }
                if received != spent {
                    return Err(Error::new("bank", 4, "sum inputs != sum outputs"));
                }
                Ok(())
            }
        }
    }

    /// What the mempool asks: moving coins is cheap, so it is done on the mempool's view; what cannot be paid is
    /// refused, and what is paid there cannot be promised twice.
    ///
    /// # Errors
    /// Those of [`Message::execute`].
    pub fn check(&self, ctx: &mut Context) -> Result<()> {
        self.execute(ctx).map(drop)
    }

    /// Moves the coins.
    ///
    /// # Errors
    /// Unauthorized (sdk 4) for a blocked receiver, insufficient funds (sdk 5), out of gas (sdk 11).
    pub fn execute(&self, ctx: &mut Context) -> Result<MessageResponse> {
        let prefix = ctx.prefix.clone();
        match self {
            Self::Send(send) => {
                let from = Address::parse(&send.from_address, &prefix)?;
                let to = Address::parse(&send.to_address, &prefix)?;
                keeper::send(ctx, &from, &to, &Coins::from_proto(&send.amount)?)?;
                Ok(response("/cosmos.bank.v1beta1.MsgSendResponse", MsgSendResponse {}.encode_to_vec()))
            }
            Self::MultiSend(multi) => {
                for input in &multi.inputs {
                    let from = Address::parse(&input.address, &prefix)?;
                    for output in &multi.outputs {
                        let to = Address::parse(&output.address, &prefix)?;
                        keeper::send(ctx, &from, &to, &Coins::from_proto(&output.coins)?)?;
                    }
                }
                Ok(response("/cosmos.bank.v1beta1.MsgMultiSendResponse", MsgMultiSendResponse {}.encode_to_vec()))
            }
        }
    }
}

fn response(type_url: &str, value: Vec<u8>) -> MessageResponse {
    MessageResponse { type_url: type_url.to_string(), value }
}

fn positive(coins: &Coins) -> Result<()> {
    if coins.is_empty() {
        return Err(Error::invalid_coins("no coins are given; name at least one positive amount"));
    }
    Ok(())
}
