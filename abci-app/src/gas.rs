//! Gas: explicit, refused with an error, never with a panic.

use crate::error::{Error, Result};

/// An amount of SDK gas.
pub type Gas = u64;

/// What reads and writes of the store cost (cosmos-sdk store/types/gas.go, `KVGasConfig`).
pub mod kv {
    use super::Gas;
    /// A look-up.
    pub const READ_FLAT: Gas = 1000;
    /// A byte of key and value read.
    pub const READ_BYTE: Gas = 3;
    /// A write.
    pub const WRITE_FLAT: Gas = 2000;
    /// A byte of key and value written.
    pub const WRITE_BYTE: Gas = 30;
    /// A deletion.
    pub const DELETE: Gas = 1000;
    /// A test for presence.
    pub const HAS: Gas = 1000;
    /// A step of an iterator.
    pub const ITER_STEP: Gas = 30;
}

/// Counts gas against a limit.
#[derive(Debug, Clone)]
pub struct GasMeter {
    limit: Gas,
    consumed: Gas,
}

impl GasMeter {
    /// A meter that refuses to go beyond `limit`.
    pub fn limited(limit: Gas) -> Self {
        Self { limit, consumed: 0 }
    }

    /// A meter for work that belongs to no transaction (begin and end of a block, genesis).
    pub fn unlimited() -> Self {
        Self::limited(Gas::MAX)
    }

    /// Counts `amount` for `what`.
    ///
    /// # Errors
    /// Out of gas (sdk 11) when the limit is passed; the meter then stands at its limit or above, as the SDK's does, so
    /// that everything after it fails as well.
    pub fn consume(&mut self, amount: Gas, what: &str) -> Result<()> {
        self.consumed = self.consumed.saturating_add(amount);
        if self.consumed > self.limit {
            return Err(Error::out_of_gas(format!(
                "out of gas in location: {what}; gasWanted: {}, gasUsed: {}",
                self.limit, self.consumed
            )));
        }
        Ok(())
    }

    /// What has been counted.
    pub fn consumed(&self) -> Gas {
        self.consumed
    }

    /// The limit.
    pub fn limit(&self) -> Gas {
        self.limit
    }

    /// What is left.
    pub fn remaining(&self) -> Gas {
        self.limit.saturating_sub(self.consumed)
    }
}
