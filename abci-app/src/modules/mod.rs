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
use tempfile::TempDir;

use crate::address::Address;
use crate::context::{Context, QueryContext};
use crate::error::{grpc, Error, Result};
use crate::events::Event;
use crate::files;
use crate::gas::Gas;

/// The accounts that modules own and users cannot send to.
pub const MODULE_ACCOUNTS: [&str; 2] = [auth::FEE_COLLECTOR, training::NAME];

/// What modules keep beside the state, shared by all threads.
pub struct Modules {
    /// Contracts.
    pub wasm: wasm::Keeper,
    /// Tasks and rounds.
    pub training: training::Keeper,
    /// The folder of a node in memory, whose contracts' codes lie on disk all the same. It goes with the modules.
    _scratch: Option<TempDir>,
}

/// A message of any module.
#[derive(Debug, Clone)]
pub enum Message {
    /// Of `bank`.
    Bank(bank::Message),
    /// Of `wasm`: its type and its bytes, which the module decodes.
    Wasm(&'static str, Any),
    /// Of `training`.
    Training(training::Message),
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
        if let Some(message) = training::Message::decode(type_url, value) {
            return message.map(Self::Training);
        }
        let shown: String = type_url.chars().take(200).collect();
        Err(Error::unknown_request(format!("no message handler for {shown}")))
    }

    /// The type in an `Any`.
    pub fn type_url(&self) -> &'static str {
        match self {
            Self::Bank(message) => message.type_url(),
            Self::Wasm(type_url, _) => type_url,
            Self::Training(message) => message.type_url(),
        }
    }

    /// The module that handles it.
    pub fn module(&self) -> &'static str {
        match self {
            Self::Bank(_) => bank::NAME,
            Self::Wasm(..) => "wasm",
            Self::Training(_) => training::NAME,
        }
    }

    /// Who must sign; the first pays.
    ///
    /// # Errors
    /// Invalid address (sdk 7).
    pub fn signers(&self, prefix: &str) -> Result<Vec<Address>> {
        match self {
            Self::Bank(message) => message.signers(prefix),
            Self::Training(message) => message.signers(prefix),
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
            Self::Training(message) => message.validate_basic(prefix),
        }
    }

    /// Whether it belongs to the protocol's lane: its fee is empty, and a task's escrow pays.
    pub fn is_protocol(&self) -> bool {
        match self {
            Self::Bank(_) | Self::Wasm(..) => false,
            Self::Training(message) => message.is_protocol(),
        }
    }
}

/// What of several messages in one transaction can be seen without the state.
///
/// # Errors
/// The module's.
pub fn validate_together(messages: &[Message]) -> Result<()> {
    let of_training = |message: &Message| matches!(message, Message::Training(_));
    // Other modules' messages are judged one by one.
    if !messages.iter().any(of_training) {
        return Ok(());
    }
    let training: Vec<&training::Message> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Training(message) => Some(message),
            _ => None,
        })
        .collect();
    if messages.len() > 1 {
        training::messages::validate_in_company(&training)?;
    }
    training::messages::validate_together(&training)
}

impl Modules {
    /// Opens what modules keep beside the state, in `home`, or in a temporary folder: the codes of contracts.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub fn open(home: Option<&Path>) -> anyhow::Result<Self> {
        let (folder, scratch) = match home {
            Some(home) => (home.join("wasm"), None),
            None => {
                let scratch = TempDir::new().context("no temporary folder can be made for the contracts' codes")?;
                (scratch.path().join("wasm"), Some(scratch))
            }
        };
        files::folder(&folder)?;
        let vm = wasm::Vm::open(wasm::VmOptions::new(&folder))
            .with_context(|| format!("the contracts' codes in {} cannot be opened", folder.display()))?;
        let wasm = wasm::Keeper::new(vm, neighbours::Chain, neighbours::Chain);
        wasm.connect(neighbours::Chain, neighbours::Chain);
        Ok(Self { wasm, training: training::Keeper::new(&training::Config::default()), _scratch: scratch })
    }

    /// What the mempool asks of a message, on its own view.
    ///
    /// # Errors
    /// The module's: why the message cannot succeed.
    pub fn check(&self, ctx: &mut Context, message: &Message) -> Result<()> {
        match message {
            Message::Bank(message) => message.check(ctx),
            Message::Wasm(_, any) => self.wasm.check(ctx, any),
            Message::Training(message) => message.check(ctx, &self.training, &self.wasm),
        }
    }

    /// Executes a message.
    ///
    /// # Errors
    /// The module's. The caller undoes what the message did.
    pub fn execute(&self, ctx: &mut Context, message: &Message) -> Result<MessageResponse> {
        tracing::trace!(height = ctx.block.height, mode = ?ctx.mode, message = message.type_url(), "executes a message");
        match message {
            Message::Bank(message) => message.execute(ctx),
            Message::Wasm(_, any) => {
                let response = self.wasm.handle(ctx, any)?;
                Ok(MessageResponse { type_url: response.type_url, value: response.value })
            }
            Message::Training(message) => message.execute(ctx, &self.training, &self.wasm),
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
        if let Some(answer) = training::queries::query(ctx, path, data) {
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
    pub fn charge_protocol_fee(&self, ctx: &mut Context, message: &Message, gas: Gas) -> Result<()> {
        match message {
            Message::Training(message) => self.training.charge_protocol_fee(ctx, &self.wasm, message, gas).map(drop),
            _ => Err(Error::insufficient_fee(format!("{} needs a fee", message.type_url()))),
        }
    }

    /// The chain stops, to go on from an export under another id.
    ///
    /// # Errors
    /// Books that are wrong.
    pub fn halt(&self, ctx: &mut Context) -> Result<()> {
        self.training.halt(ctx, &self.wasm)
    }

    /// What happens before the transactions of a block: nothing today.
    pub fn begin_block(&self, _ctx: &mut Context) {}

    /// What happens after the transactions of a block.
    pub fn end_block(&self, ctx: &mut Context, block: &EndOfBlock) {
        let result = ctx.nested(|ctx| self.training.end_block(ctx, &self.wasm, block));
        if let Err(error) = result {
            hook_failed(ctx, training::NAME, &error);
        }
    }
}

/// A hook that fails leaves nothing behind, and the chain goes on: it says so, and the next block tries again.
fn hook_failed(ctx: &mut Context, module: &str, error: &Error) {
    tracing::error!(module, height = ctx.block.height, %error, "a hook of the block failed and was undone");
    ctx.emit(
        Event::new("block_hook_failed")
            .with("module", module)
            .with("codespace", error.codespace)
            .with("code", error.code.to_string()),
    );
}

/// What hooks at the end of a block are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfBlock {
    /// Whether the block counts towards windows: the lane had room for one more protocol message.
    pub counted: bool,
    /// Bytes of protocol messages in the block.
    pub lane_bytes_used: u64,
}
