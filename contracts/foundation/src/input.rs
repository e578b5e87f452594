//! Checks of what a message brings.

use cosmwasm_std::{Addr, Api, MessageInfo};
use thiserror::Error;

/// Why what a message brings is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// A string that is no address of this chain.
    #[error("{field} {value:?} is not an address of this chain: {reason}")]
    Address {
        /// Which field of the message.
        field: &'static str,
        /// What stands there, at most its first 100 characters.
        value: String,
        /// What the chain says about it.
        reason: String,
    },
    /// Coins came with a message that takes none.
    #[error("this message takes no funds, but {0} came with it")]
    Funds(String),
    /// A text that is too short, too long or not printable.
    #[error("{field} must be {min} to {max} bytes without control characters, not {found} bytes")]
    Text {
        /// Which field of the message.
        field: &'static str,
        /// Its fewest bytes.
        min: usize,
        /// Its most bytes.
        max: usize,
        /// How many it has.
        found: usize,
    },
    /// A number of seconds out of its range.
    #[error("{field} must be {min} to {max} seconds, not {found}")]
    Seconds {
        /// Which field of the message.
        field: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
        /// What stands there.
        found: u64,
    },
}

/// The address that a field of a message names.
pub fn address(api: &dyn Api, field: &'static str, value: &str) -> Result<Addr, InputError> {
    api.addr_validate(value).map_err(|error| InputError::Address {
        field,
        value: value.chars().take(100).collect(),
        // The cause alone: the error's own text starts with its kind.
        reason: error.as_ref().to_string(),
    })
}

/// The address that an optional field of a message names.
pub fn optional_address(api: &dyn Api, field: &'static str, value: Option<&str>) -> Result<Option<Addr>, InputError> {
    value.map(|value| address(api, field, value)).transpose()
}

/// Refuses coins: they would stay in the contract for ever.
pub fn no_funds(info: &MessageInfo) -> Result<(), InputError> {
    match info.funds.first() {
        None => Ok(()),
        Some(coin) => Err(InputError::Funds(coin.to_string())),
    }
}

/// Refuses a text outside its length or with control characters (which would let it pose as something else on a terminal).
pub fn text(field: &'static str, value: &str, min: usize, max: usize) -> Result<(), InputError> {
    let found = value.len();
    if (min..=max).contains(&found) && !value.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InputError::Text { field, min, max, found })
    }
}

/// Refuses a number of seconds out of its range.
pub fn seconds(field: &'static str, found: u64, min: u64, max: u64) -> Result<(), InputError> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(InputError::Seconds { field, min, max, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_control_characters_is_refused() {
        assert!(text("name", "clinic", 1, 6).is_ok());
        assert!(text("name", "cli\u{1b}[", 1, 64).is_err());
        assert!(text("name", "", 1, 64).is_err());
        assert!(text("name", "clinics", 1, 6).is_err());
    }
}
