//! The table of offences to penalties: what it starts with, and what a row may say.

use bauta_foundation::input::seconds;
use bauta_messages::{
    slashing::{kind, Penalty, MAX_KIND_BYTES},
    MAX_SECONDS,
};
use cosmwasm_std::{Decimal, Uint128};

use crate::error::ContractError;

/// For how long silence jails: ten minutes, what the Cosmos SDK's x/slashing gives a validator that was down.
const SILENCE_JAIL_SECONDS: u64 = 600;
/// What a reporter gets of what is taken, for the offences that are found outside of the chain. It must stay small: an offender can
/// report itself from another address.
const BOUNTY_PERCENT: u64 = 5;
/// What the harmed get together, where the chain names any.
const COMPENSATION_PERCENT: u64 = 50;

/// The table that a new contract starts with: the rows of the protocol's offences.
pub fn defaults() -> [(&'static str, Penalty); 12] {
    let of = |percent| Penalty {
        fraction: Decimal::percent(percent),
        jail_seconds: 0,
        tombstone: false,
        bounty_fraction: Decimal::zero(),
        compensation_fraction: Decimal::percent(COMPENSATION_PERCENT),
    };
    let silence = |percent| Penalty { jail_seconds: SILENCE_JAIL_SECONDS, ..of(percent) };
    // What cannot happen by accident takes all, and who did it does not come back: with nothing at stake, what it does next, in this
    // task or another that it is in, would cost nothing.
    let all = Penalty { tombstone: true, ..of(100) };
    let reported = Penalty { bounty_fraction: Decimal::percent(BOUNTY_PERCENT), ..all };
    [
        (kind::BAD_SHARE, all),
        (kind::FALSE_COMPLAINT, all),
        (kind::FALSE_EDGE, all),
        (kind::INVALID_PROOF, reported),
        (kind::NO_SUBMISSION, silence(1)),
        (kind::NON_CANONICAL, of(5)),
        (kind::OUT_OF_BOUND, all),
        (kind::SILENT_IN_BLAME, silence(2)),
        (kind::SILENT_SEAT, silence(2)),
        (kind::TWO_HEADERS, reported),
        (kind::UNREQUESTED_PARTIAL, reported),
        (kind::WITHHELD_SEED, of(20)),
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

/// The fraction of what is left after `before` was taken that makes `fraction` of the whole, `before` included:
/// `(fraction - before) / (1 - before)`, rounded up to the last digit, so that the floor of what is then taken reaches the whole's own.
pub fn rest(before: Decimal, fraction: Decimal) -> Result<Decimal, ContractError> {
    if fraction <= before {
        return Ok(Decimal::zero());
    }
    // Of at most 10^18 parts each, so that the product stays below 2^128; `before` is below `fraction`, which is at most 1, so that
    // something is left.
    let more = fraction.checked_sub(before)?.atomics().u128();
    let left = Decimal::one().checked_sub(before)?.atomics().u128();
    let parts = more * Decimal::one().atomics().u128();
    Ok(Decimal::new(Uint128::new(parts.div_ceil(left))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn what_is_still_to_be_taken_makes_up_the_difference() {
        let percent = Decimal::percent;
        assert_eq!(rest(Decimal::zero(), percent(5)).unwrap(), percent(5));
        assert_eq!(rest(percent(1), percent(100)).unwrap(), Decimal::one());
        assert_eq!(rest(percent(20), percent(60)).unwrap(), percent(50));
        for (before, fraction) in [(100, 100), (100, 1), (5, 5), (5, 2), (0, 0)] {
            assert_eq!(rest(percent(before), percent(fraction)).unwrap(), Decimal::zero());
        }
    }

    proptest! {
        #[test]
        fn two_penalties_of_a_round_take_what_the_larger_takes_alone(
            bond in 0u128..=1_000_000_000_000_000,
            fractions in (0u128..=ONE, 0u128..=ONE),
        ) {
            let fractions = <[u128; 2]>::from(fractions).map(|parts| Decimal::new(Uint128::new(parts)));
            let (bond, larger) = (Uint128::new(bond), fractions[0].max(fractions[1]));
            let left = bond - bond.mul_floor(fractions[0]);
            let taken = bond - left + left.mul_floor(rest(fractions[0], fractions[1]).unwrap());
            let alone = bond.mul_floor(larger);
            // Each slash rounds down by less than a unit.
            prop_assert!(taken <= alone && alone - taken <= Uint128::one(), "{taken} {alone}");
        }
    }

    const ONE: u128 = 1_000_000_000_000_000_000;

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
