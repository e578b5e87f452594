//! Errors of the module, with wasmd's codes (x/wasm/types/errors.go) in codespace `wasm`.

use std::fmt::Display;

use crate::error::{Error, SDK};

/// The codespace.
pub const CODESPACE: &str = "wasm";

/// A kind of error: its code, and the sentence that ends each error of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The code in [`CODESPACE`].
    pub code: u32,
    /// What it says.
    pub text: &'static str,
}

impl Kind {
    /// The error without particulars.
    pub fn plain(self) -> Error {
        Error::new(CODESPACE, self.code, self.text)
    }

    /// The error with what happened before its text, as Go's `errorsmod.Wrap` puts it.
    pub fn wrap(self, what: impl Display) -> Error {
        Error::new(CODESPACE, self.code, format!("{what}: {}", self.text))
    }

    /// Whether `error` is of this kind.
    pub fn is(self, error: &Error) -> bool {
        error.codespace == CODESPACE && error.code == self.code
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Kind = Kind { code: $code, text: $text };)*
        /// All kinds, by code.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    /// The code was refused.
    CREATE_FAILED = 2 "create wasm contract failed";
    /// The contract's address belongs to somebody.
    ACCOUNT_EXISTS = 3 "contract account already exists";
    /// `instantiate` answered an error.
    INSTANTIATE_FAILED = 4 "instantiate wasm contract failed";
    /// `execute`, `sudo` or `reply` answered an error.
    EXECUTE_FAILED = 5 "execute wasm contract failed";
    /// Not enough gas.
    GAS_LIMIT = 6 "insufficient gas";
    /// The genesis contradicts itself.
    INVALID_GENESIS = 7 "invalid genesis";
    /// Nothing there.
    NOT_FOUND = 8 "not found";
    /// `query` answered an error.
    QUERY_FAILED = 9 "query wasm contract failed";
    /// A message of a contract that cannot be decoded.
    INVALID_MSG = 10 "invalid CosmosMsg from the contract";
    /// `migrate` answered an error.
    MIGRATION_FAILED = 11 "migrate wasm contract failed";
    /// Something is missing.
    EMPTY = 12 "empty";
    /// Something is too long.
    LIMIT = 13 "exceeds limit";
    /// Something is wrong in this place.
    INVALID = 14 "invalid";
    /// It is there already.
    DUPLICATE = 15 "duplicate";
    /// Too many channels.
    MAX_IBC_CHANNELS = 16 "max transfer channels";
    /// Not for this contract.
    UNSUPPORTED_FOR_CONTRACT = 17 "unsupported for this contract";
    /// The code cannot be pinned.
    PIN_FAILED = 18 "pinning contract failed";
    /// The code cannot be unpinned.
    UNPIN_FAILED = 19 "unpinning contract failed";
    /// Nobody handles this message of a contract.
    UNKNOWN_MSG = 20 "unknown message from the contract";
    /// An event of a contract breaks the rules.
    INVALID_EVENT = 21 "invalid event";
    /// The address is no contract's.
    NO_SUCH_CONTRACT = 22 "no such contract";
    /// Contracts query each other too deep.
    MAX_QUERY_STACK = 27 "max query stack size exceeded";
    /// No code has this id.
    NO_SUCH_CODE = 28 "no such code";
    /// The virtual machine stopped the contract.
    VM = 29 "wasmvm error";
    /// Contracts call each other too deep.
    MAX_CALL_DEPTH = 30 "max call depth exceeded";
    /// The pinned codes do not match the state.
    SYNC_PINNED_FAILED = 31 "syncing pinned codes failed";
}

/// The address is no contract's.
pub fn no_such_contract(address: &str) -> Error {
    NO_SUCH_CONTRACT.wrap(format!("address {address}"))
}

/// No code has this id.
pub fn no_such_code(id: u64) -> Error {
    NO_SUCH_CODE.wrap(format!("code id {id}"))
}

/// `error` with `what: ` before it. A wrapped error is no longer shown to contracts: only the outermost counts, so that a
/// change inside never changes consensus.
pub fn wrapped(error: Error, what: impl Display) -> Error {
    Error { visible_to_contracts: false, log: format!("{what}: {}", error.log), ..error }
}

/// Whether `error` says that gas ran out.
pub fn is_out_of_gas(error: &Error) -> bool {
    error.codespace == SDK && error.code == 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_wasmd_and_ascend() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(ALL.iter().map(|kind| kind.code).collect::<Vec<_>>(), {
            let mut codes: Vec<u32> = (2..=22).collect();
            codes.extend([27, 28, 29, 30, 31]);
            codes
        });
    }

    #[test]
    fn a_wrapped_error_is_redacted() {
        let error = EXECUTE_FAILED.wrap("no").shown_to_contracts();
        assert_eq!(error.redacted(), "no: execute wasm contract failed");
        assert_eq!(wrapped(error, "dispatch").redacted(), "codespace: wasm, code: 5");
    }
}
