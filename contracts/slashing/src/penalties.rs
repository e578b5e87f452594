//! The table of offences to penalties: what it starts with, and what a row may say.

use bauta_foundation::input::seconds;
use bauta_messages::{
    slashing::{kind, Penalty, MAX_KIND_BYTES},
    MAX_SECONDS,
};
use cosmwasm_std::Decimal;

use crate::error::ContractError;

/// For how long silence jails: ten minutes, what the Cosmos SDK's x/slashing gives a validator that was down.
const SILENCE_JAIL_SECONDS: u64 = 600;
/// What a reporter gets of what is taken, for the offences that are found outside of the chain. It must stay small: an offender can
/// report itself from another address.
const BOUNTY_PERCENT: u64 = 5;
/// What the harmed get together, where the chain names any.
const COMPENSATION_PERCENT: u64 = 50;

/// The table that a new contract starts with: the rows of the protocol's offences.
pub fn defaults() -> [(&'static str, Penalty); 8] {
    let of = |percent| Penalty {
        fraction: Decimal::percent(percent),
        jail_seconds: 0,
        tombstone: false,
        bounty_fraction: Decimal::zero(),
        compensation_fraction: Decimal::percent(COMPENSATION_PERCENT),
    };
    let silence = |percent| Penalty { jail_seconds: SILENCE_JAIL_SECONDS, ..of(percent) };
    let reported = Penalty { bounty_fraction: Decimal::percent(BOUNTY_PERCENT), ..of(100) };
    [
        (kind::BAD_SHARE, of(100)),
        (kind::FALSE_COMPLAINT, of(100)),
        (kind::INVALID_PROOF, of(100)),
        (kind::NO_SUBMISSION, silence(1)),
        (kind::NON_CANONICAL, of(5)),
        (kind::SILENT_SEAT, silence(2)),
        (kind::TWO_HEADERS, Penalty { tombstone: true, ..reported }),
        (kind::UNREQUESTED_PARTIAL, reported),
    ]
}

/// Refuses a kind that cannot be one. The table is open: kinds that this code does not know may be added.
pub fn check_kind(kind: &str) -> Result<(), ContractError> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if kind.len() <= MAX_KIND_BYTES && kind.starts_with(|c: char| c.is_ascii_lowercase()) && kind.chars().all(legal) {
        Ok(())
    } else {
        Err(ContractError::BadKind { max: MAX_KIND_BYTES, found: kind.chars().take(100).collect() })
    }
}

/// Refuses a penalty that could not be carried out: a verdict that always fails would be retried for ever.
pub fn check_penalty(penalty: &Penalty) -> Result<(), ContractError> {
    if penalty.fraction > Decimal::one() {
        return Err(ContractError::BadFraction { field: "fraction", found: penalty.fraction });
    }
    let paid_out = penalty.bounty_fraction.checked_add(penalty.compensation_fraction)?;
    if paid_out > Decimal::one() {
        return Err(ContractError::BadFraction {
            field: "the sum of bounty_fraction and compensation_fraction",
            found: paid_out,
        });
    }
    seconds("jail_seconds", penalty.jail_seconds, 0, MAX_SECONDS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_a_legal_row_for_every_kind_of_the_protocol() {
        assert_eq!(defaults().map(|(kind, _)| kind), kind::ALL);
        for (kind, penalty) in defaults() {
            check_kind(kind).unwrap();
            check_penalty(&penalty).unwrap();
        }
    }

    #[test]
    fn a_kind_is_a_short_name_in_snake_case() {
        for good in ["a", "sketch_missing", "edge2"] {
            check_kind(good).unwrap();
        }
        let long = "a".repeat(MAX_KIND_BYTES + 1);
        for bad in ["", "_a", "2a", "Two", "two headers", "zwei-köpfe", &long] {
            check_kind(bad).unwrap_err();
        }
    }
}
