//! What the module needs of the rest of the chain.

use cosmos_sdk_proto::cosmos::bank::v1beta1::Metadata;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::Any;

use super::Keeper;
use crate::context::{Context, QueryContext};
use crate::error::{Error, Result};

/// Coins.
pub trait Bank: Send + Sync {
    /// Moves sorted, positive coins with the rules of a `MsgSend` (sending enabled, recipient not blocked) and its events.
    ///
    /// # Errors
    /// As the bank's `MsgSend`.
    fn send(&self, ctx: &mut Context, from: &[u8], to: &[u8], coins: &[Coin]) -> Result<()>;

    /// Takes sorted, positive coins of `from` out of the supply.
    ///
    /// # Errors
    /// Insufficient funds.
    fn burn(&self, ctx: &mut Context, from: &[u8], coins: &[Coin]) -> Result<()>;

    /// What `address` has of a denomination.
    ///
    /// # Errors
    /// Out of gas.
    fn balance(&self, ctx: &mut QueryContext, address: &[u8], denom: &str) -> Result<Coin>;

    /// All that `address` has, sorted.
    ///
    /// # Errors
    /// Out of gas.
    fn all_balances(&self, ctx: &mut QueryContext, address: &[u8]) -> Result<Vec<Coin>>;

    /// The supply of a denomination.
    ///
    /// # Errors
    /// Out of gas.
    fn supply(&self, ctx: &mut QueryContext, denom: &str) -> Result<Coin>;

    /// What is known of a denomination.
    ///
    /// # Errors
    /// Out of gas.
    fn denom_metadata(&self, ctx: &mut QueryContext, denom: &str) -> Result<Option<Metadata>>;

    /// What is known of all denominations, from `start` on, at most `limit`, and the key to go on from.
    ///
    /// # Errors
    /// Out of gas.
    fn all_denom_metadata(
        &self,
        ctx: &mut QueryContext,
        start: Option<&[u8]>,
        limit: u32,
        reverse: bool,
    ) -> Result<(Vec<Metadata>, Option<Vec<u8>>)>;
}

/// An account, as far as contracts are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Whether somebody has signed with it, or could: its sequence is not zero or its public key is known.
    pub is_claimed: bool,
}

/// Accounts.
pub trait Accounts: Send + Sync {
    /// The account at `address`.
    ///
    /// # Errors
    /// Out of gas.
    fn account(&self, ctx: &mut Context, address: &[u8]) -> Result<Option<Account>>;

    /// Makes an account without a public key.
    ///
    /// # Errors
    /// Out of gas.
    fn create(&self, ctx: &mut Context, address: &[u8]) -> Result<()>;
}

/// Messages in protobuf that contracts send, by the accept-list of the implementation.
pub trait Router: Send + Sync {
    /// Who must have signed `message`; an error of kind `INVALID_MSG` when contracts may not send its type.
    ///
    /// # Errors
    /// A type that is not accepted, or bytes that are no message of the type.
    fn signers(&self, prefix: &str, message: &Any) -> Result<Vec<Vec<u8>>>;

    /// Executes `message`, whose signers have been checked. Messages of this module go back to `wasm`.
    ///
    /// # Errors
    /// Those of the handler.
    fn handle(&self, wasm: &Keeper, ctx: &mut Context, message: &Any) -> Result<Any>;
}

/// Queries in protobuf that contracts ask, by the accept-list of the implementation.
pub trait Queries: Send + Sync {
    /// Answers in protobuf; `None` when contracts may not ask `path`.
    ///
    /// # Errors
    /// Those of the handler.
    fn grpc(&self, wasm: &Keeper, ctx: &mut QueryContext, path: &str, request: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Answers in the JSON of protobuf, for contracts of before gRPC queries; `None` when contracts may not ask `path`.
    ///
    /// # Errors
    /// Those of the handler.
    fn stargate(&self, wasm: &Keeper, ctx: &mut QueryContext, path: &str, request: &[u8]) -> Result<Option<Vec<u8>>>;
}

/// A chain on which contracts send and ask nothing in protobuf.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Router for Nothing {
    fn signers(&self, _prefix: &str, message: &Any) -> Result<Vec<Vec<u8>>> {
        Err(cannot_unpack(message))
    }

    fn handle(&self, _wasm: &Keeper, _ctx: &mut Context, message: &Any) -> Result<Any> {
        Err(cannot_unpack(message))
    }
}

impl Queries for Nothing {
    fn grpc(&self, _: &Keeper, _: &mut QueryContext, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn stargate(&self, _: &Keeper, _: &mut QueryContext, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// What a contract gets that sends a type it may not send.
pub fn cannot_unpack(message: &Any) -> Error {
    super::errors::INVALID_MSG.wrap(format!("Cannot unpack proto message with type URL: {}", message.type_url))
}
