//! What the chain can do, listed statically: no registry by string, no dynamic router.

pub mod auth;
pub mod bank;
mod neighbours;
pub mod pages;
pub mod training;
pub mod wasm;

use std::path::Path;

use anyhow::Context as _;
use cosmos_sdk_proto::Any;

use crate::address::Address;
use crate::context::{Context, QueryContext};
use crate::error::{grpc, Error, Result};

/// The accounts that modules own and users cannot send to.
pub const MODULE_ACCOUNTS: [&str; 2] = [auth::FEE_COLLECTOR, "training"];

/// What modules keep beside the state, shared by all threads.
pub struct Modules {
    /// Contracts.
    pub wasm: wasm::Keeper,
}

/// A message of any module.
#[derive(Debug, Clone)]
pub enum Message {
    /// Of `bank`.
    Bank(bank::Message),
    /// Of `wasm`: its type and its bytes, which the module decodes.
    Wasm(&'static str, Any),
}

/// What a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageResponse {
    /// The type in the `Any` of `TxMsgData.msg_responses`.
    pub type_url: String,
    /// Its protobuf bytes.
    pub value: Vec<u8>,
}

impl Message {
    /// Decodes a message.
    ///
    /// # Errors
    /// Unknown type (sdk 6), malformed bytes (sdk 2).
    pub fn decode(type_url: &str, value: &[u8]) -> Result<Self> {
        if let Some(message) = bank::Message::decode(type_url, value) {
            return message.map(Self::Bank);
        }
        if let Some(known) = wasm::messages::TYPES.iter().find(|known| **known == type_url) {
            return Ok(Self::Wasm(known, Any { type_url: type_url.to_string(), value: value.to_vec() }));
        }
        let shown: String = type_url.chars().take(200).collect();
        Err(Error::unknown_request(format!("no message handler for {shown}")))
    }

    /// The type in an `Any`.
    pub fn type_url(&self) -> &'static str {
        match self {
            Self::Bank(message) => message.type_url(),
            Self::Wasm(type_url, _) => type_url,
        }
    }

    /// The module that handles it.
    pub fn module(&self) -> &'static str {
        match self {
            Self::Bank(_) => bank::NAME,
            Self::Wasm(..) => "wasm",
        }
    }

    /// Who must sign; the first pays.
    ///
    /// # Errors
    /// Invalid address (sdk 7).
    pub fn signers(&self, prefix: &str) -> Result<Vec<Address>> {
        match self {
            Self::Bank(message) => message.signers(prefix),
            Self::Wasm(_, any) => Ok(vec![Address::parse(&wasm::messages::signer(any)?, prefix)?]),
        }
    }

    /// What can be seen without the state.
    ///
    /// # Errors
    /// The module's.
    pub fn validate_basic(&self, prefix: &str) -> Result<()> {
        match self {
            Self::Bank(message) => message.validate_basic(prefix),
            Self::Wasm(_, any) => wasm::messages::validate(prefix, any),
        }
    }

    /// Whether it belongs to the protocol's lane: its fee is empty, and a task's escrow pays.
    pub fn is_protocol(&self) -> bool {
        match self {
            Self::Bank(_) | Self::Wasm(..) => false,
        }
    }
}

/// What of several messages in one transaction can be seen without the state.
///
/// # Errors
/// The module's.
pub fn validate_together(_messages: &[Message]) -> Result<()> {
    Ok(())
}

impl Modules {
    /// Opens what modules keep beside the state, in `home`: the codes of contracts.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub fn open(home: &Path) -> anyhow::Result<Self> {
        let folder = home.join("wasm");
        let vm = wasm::Vm::open(wasm::VmOptions::new(&folder))
            .with_context(|| format!("the contracts' codes in {} cannot be opened", folder.display()))?;
        let wasm = wasm::Keeper::new(vm, neighbours::Chain, neighbours::Chain);
        wasm.connect(neighbours::Chain, neighbours::Chain);
        Ok(Self { wasm })
    }

    /// What the mempool asks of a message, on its own view.
    ///
    /// # Errors
    /// The module's: why the message cannot succeed.
    pub fn check(&self, ctx: &mut Context, message: &Message) -> Result<()> {
        match message {
            Message::Bank(message) => message.check(ctx),
            // Whether a contract succeeds is known only by running it, which the mempool does not.
            Message::Wasm(..) => Ok(()),
        }
    }

    /// Executes a message.
    ///
    /// # Errors
    /// The module's. The caller undoes what the message did.
    pub fn execute(&self, ctx: &mut Context, message: &Message) -> Result<MessageResponse> {
        match message {
            Message::Bank(message) => message.execute(ctx),
            Message::Wasm(_, any) => {
                let response = self.wasm.handle(ctx, any)?;
                Ok(MessageResponse { type_url: response.type_url, value: response.value })
            }
        }
    }

    /// Answers a query.
    ///
    /// # Errors
    /// Unknown path (sdk 6), or the module's.
    pub fn query(&self, ctx: &mut QueryContext, path: &str, data: &[u8]) -> Result<Vec<u8>> {
        if let Some(answer) = auth::queries::query(ctx, path, data) {
            return answer;
        }
        if let Some(answer) = bank::queries::query(ctx, path, data) {
            return answer;
        }
        if wasm::PATHS.contains(&path) {
            return self.wasm.query(ctx, path, data);
        }
        let shown: String = path.chars().take(200).collect();
        Err(grpc::unimplemented(format!("unknown query path {shown}")))
    }

    /// Charges a task's escrow for a protocol message with an empty fee.
    ///
    /// # Errors
    /// Insufficient fee (sdk 13) for a message that no escrow pays.
    pub fn charge_protocol_fee(&self, _ctx: &mut Context, message: &Message, _gas: u64) -> Result<()> {
        Err(Error::insufficient_fee(format!("{} needs a fee", message.type_url())))
    }

    /// What happens before the transactions of a block.
    pub fn begin_block(&self, _ctx: &mut Context) {}

    /// What happens after the transactions of a block.
    pub fn end_block(&self, _ctx: &mut Context, _block: &EndOfBlock) {}
}

/// What hooks at the end of a block are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfBlock {
    /// Whether the block counts towards windows: the lane had room for one more protocol message.
    pub counted: bool,
    /// Bytes of protocol messages in the block.
    pub lane_bytes_used: u64,
}
