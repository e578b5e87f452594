//! Errors with a codespace and a code, as the Cosmos SDK's clients expect them.

use thiserror::Error;

/// The SDK's own codespace.
pub const SDK: &str = "sdk";

/// What went wrong in a transaction or a query: stable codespace and code, and one sentence.
///
/// Codespace and code enter the block's results hash (the code does), so they must be the same on every node; the
/// sentence goes to `log` and may change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{log}")]
pub struct Error {
    /// Who defines the code: `sdk`, `wasm`, `bank`, `training`, ...
    pub codespace: &'static str,
    /// Non-zero.
    pub code: u32,
    /// One sentence: what was wrong, and what would be right.
    pub log: String,
    /// Codespace and code of what a simulation failed with, when this is the gRPC status that says so: the SDK's status has neither.
    pub cause: Option<(&'static str, u32)>,
    /// Whether a contract may see `log` (its own and its callees' errors), or only codespace and code.
    pub visible_to_contracts: bool,
}

/// The result of everything that executes in a block.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a codespace; contracts see it as `codespace: x, code: n`.
    pub fn new(codespace: &'static str, code: u32, log: impl Into<String>) -> Self {
        debug_assert_ne!(code, 0, "code 0 means success");
        Self { codespace, code, log: log.into(), cause: None, visible_to_contracts: false }
    }

    /// The same error with its sentence shown to contracts.
    #[must_use]
    pub fn shown_to_contracts(mut self) -> Self {
        self.visible_to_contracts = true;
        self
    }

    /// The same error with `what: ` before its sentence, as Go's `errorsmod.Wrap` would read.
    #[must_use]
    pub fn context(mut self, what: impl std::fmt::Display) -> Self {
        self.log = format!("{what}: {}", self.log);
        self
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn because(mut self, cause: &Self) -> Self {
        self.cause = Some((cause.codespace, cause.code));
        self
    }

    /// What a contract's reply may read.
    pub fn redacted(&self) -> String {
        if self.visible_to_contracts {
            self.log.clone()
        } else {
            format!("codespace: {}, code: {}", self.codespace, self.code)
        }
    }
}

macro_rules! sdk_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(log: impl Into<String>) -> Self { Self::new(SDK, $code, log) })*
        }
    };
}

// cosmos-sdk types/errors/errors.go
sdk_errors! {
    /// The bytes are no transaction.
    tx_decode = 2;
    /// A sequence that cannot be.
    invalid_sequence = 3;
    /// The sender may not do this, or its signature does not verify.
    unauthorized = 4;
    /// The account cannot pay.
    insufficient_funds = 5;
    /// No handler for this message or query.
    unknown_request = 6;
    /// Not an address of this chain.
    invalid_address = 7;
    /// A public key that is not of a supported kind.
    invalid_pub_key = 8;
    /// No such account.
    unknown_address = 9;
    /// Coins that are not sorted, not positive, or of an unknown denomination.
    invalid_coins = 10;
    /// The gas limit is used up.
    out_of_gas = 11;
    /// The memo is longer than allowed.
    memo_too_large = 12;
    /// The fee is below what the node or the chain asks.
    insufficient_fee = 13;
    /// More signatures than allowed, or fewer than signers.
    too_many_signatures = 14;
    /// A signature is missing.
    no_signatures = 15;
    /// A well-formed request that asks for something impossible.
    invalid_request = 18;
    /// The transaction is in the mempool already.
    tx_in_mempool = 19;
    /// The mempool is full.
    mempool_full = 20;
    /// The transaction is larger than allowed.
    tx_too_large = 21;
    /// Nothing is stored under that key.
    key_not_found = 22;
    /// An `Any` of a type that is not known.
    unpack_any = 34;
    /// The node broke one of its own invariants.
    logic = 35;
    /// The transaction's timeout height has passed.
    tx_timeout_height = 30;
    /// A height that is not there.
    invalid_height = 26;
    /// The chain id is another chain's.
    invalid_chain_id = 28;
    /// The signer's sequence is not the account's.
    wrong_sequence = 32;
    /// Extension options that a node must understand, and this one does not.
    unknown_extension_options = 31;
    /// The gas limit is not one.
    invalid_gas_limit = 41;
}

/// Errors of queries, worded and coded as a gRPC status that went through the SDK's `abci_query`
/// (cosmos-sdk baseapp/abci.go, `gRPCErrorToSDKError`).
pub mod grpc {
    use super::Error;

    /// Nothing there: sdk 22.
    pub fn not_found(desc: impl std::fmt::Display) -> Error {
        Error::key_not_found(format!("rpc error: code = NotFound desc = {desc}"))
    }

    /// The request is malformed: sdk 18.
    pub fn invalid_argument(desc: impl std::fmt::Display) -> Error {
        Error::invalid_request(format!("rpc error: code = InvalidArgument desc = {desc}"))
    }

    /// The node cannot answer: sdk 6.
    pub fn internal(desc: impl std::fmt::Display) -> Error {
        Error::unknown_request(format!("rpc error: code = Internal desc = {desc}"))
    }

    /// An error of a module, its sentence unredacted: sdk 6.
    pub fn unknown(desc: impl std::fmt::Display) -> Error {
        Error::unknown_request(format!("rpc error: code = Unknown desc = {desc}"))
    }

    /// No such method: sdk 6.
    pub fn unimplemented(desc: impl std::fmt::Display) -> Error {
        Error::unknown_request(format!("rpc error: code = Unimplemented desc = {desc}"))
    }
}
