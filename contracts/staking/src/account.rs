//! What one provider has: a bond, and entries on their way out. Pure arithmetic, checked everywhere.

use bauta_messages::staking::Unbonding;
use cosmwasm_schema::cw_serde;
use cosmwasm_std::{Decimal, OverflowError, Uint128};

use crate::error::ContractError;

/// A provider's coins.
#[cw_serde]
#[derive(Default)]
pub struct Account {
    /// What is bonded.
    pub bonded: Uint128,
    /// What is unbonding, in the order in which it was unbonded.
    pub unbondings: Vec<Unbonding>,
}

/// What a slash took from an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// From the bond.
    pub bonded: Uint128,
    /// From the unbonding entries.
    pub unbonding: Uint128,
}

impl Account {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.bonded.is_zero() && self.unbondings.is_empty()
    }

    /// The sum of the unbonding entries.
    pub fn unbonding(&self) -> Result<Uint128, OverflowError> {
        self.unbondings.iter().try_fold(Uint128::zero(), |sum, entry| sum.checked_add(entry.amount))
    }

    /// Bond and unbonding entries.
    pub fn total(&self) -> Result<Uint128, OverflowError> {
        self.bonded.checked_add(self.unbonding()?)
    }

    /// Moves `amount` of the bond, which must hold it, to an entry. Entries of one time are one entry.
    pub fn unbond(&mut self, amount: Uint128, matures_at: u64) -> Result<(), OverflowError> {
        self.bonded = self.bonded.checked_sub(amount)?;
        match self.unbondings.last_mut() {
            Some(last) if last.matures_at == matures_at => {
                last.amount = last.amount.checked_add(amount)?;
            }
            _ => self.unbondings.push(Unbonding { amount, matures_at }),
        }
        Ok(())
    }

    /// Takes out the entries that have matured and returns their sum.
    pub fn withdraw(&mut self, now: u64) -> Result<Uint128, OverflowError> {
        let before = self.unbonding()?;
        self.unbondings.retain(|entry| entry.matures_at > now);
        before.checked_sub(self.unbonding()?)
    }

    /// Takes `floor(fraction * total)`, so that no split into entries changes what is taken: first the floor of every part's own
    /// share, then the units still missing from the bond and after it from the entries, oldest first. `fraction` is at most 1.
    pub fn slash(&mut self, fraction: Decimal) -> Result<Taken, ContractError> {
        let unbonding_before = self.unbonding()?;
        let target = self.total()?.checked_mul_floor(fraction)?;

        let mut missing = target;
        let from_bond = self.bonded.checked_mul_floor(fraction)?;
        self.bonded = self.bonded.checked_sub(from_bond)?;
        missing = missing.checked_sub(from_bond)?;
        for entry in &mut self.unbondings {
            let from_entry = entry.amount.checked_mul_floor(fraction)?;
            entry.amount = entry.amount.checked_sub(from_entry)?;
            missing = missing.checked_sub(from_entry)?;
        }

        let extra = missing.min(self.bonded);
        self.bonded = self.bonded.checked_sub(extra)?;
        missing = missing.checked_sub(extra)?;
        for entry in &mut self.unbondings {
            let extra = missing.min(entry.amount);
            entry.amount = entry.amount.checked_sub(extra)?;
            missing = missing.checked_sub(extra)?;
        }

        self.unbondings.retain(|entry| !entry.amount.is_zero());
        let unbonding = unbonding_before.checked_sub(self.unbonding()?)?;
        let bonded = target.checked_sub(unbonding)?;
        Ok(Taken { bonded, unbonding })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(bonded: u128, entries: &[u128]) -> Account {
        Account {
            bonded: bonded.into(),
            unbondings: entries
                .iter()
                .enumerate()
                .map(|(i, amount)| Unbonding { amount: Uint128::new(*amount), matures_at: i as u64 })
                .collect(),
        }
    }

    #[test]
    fn a_slash_takes_its_share_of_every_entry() {
        let mut account = account(1_000, &[500, 200]);
        let taken = account.slash(Decimal::percent(10)).unwrap();
        assert_eq!(taken.bonded, Uint128::new(100));
        assert_eq!(taken.unbonding, Uint128::new(70));
        assert_eq!(account, self::account(900, &[450, 180]));
    }

    #[test]
    fn a_bond_split_into_dust_loses_as_much_as_a_whole_one() {
        let mut dust = account(0, &[1; 32]);
        let mut whole = account(32, &[]);
        let fraction = Decimal::percent(50);
        let from_dust = dust.slash(fraction).unwrap();
        let from_whole = whole.slash(fraction).unwrap();
        assert_eq!(from_dust.unbonding, from_whole.bonded);
        assert_eq!(dust.total().unwrap(), Uint128::new(16));
    }

    #[test]
    fn entries_of_one_time_are_one_entry() {
        let mut account = account(10, &[]);
        account.unbond(Uint128::new(3), 7).unwrap();
        account.unbond(Uint128::new(4), 7).unwrap();
        assert_eq!(account.unbondings.len(), 1);
        assert_eq!(account.withdraw(6).unwrap(), Uint128::zero());
        assert_eq!(account.withdraw(7).unwrap(), Uint128::new(7));
    }

    #[test]
    fn sums_beyond_128_bits_are_an_error() {
        let mut account = account(u128::MAX, &[1]);
        assert!(account.slash(Decimal::one()).is_err());
    }

    proptest! {
        #[test]
        fn a_slash_takes_exactly_the_floor_of_the_whole(
            bonded in 0u128..=u64::MAX as u128,
            entries in prop::collection::vec(1u128..=u64::MAX as u128, 0..33),
            fraction in 0u128..=1_000_000_000_000_000_000,
        ) {
            let mut account = account(bonded, &entries);
            let before = account.total().unwrap();
            let fraction = Decimal::new(Uint128::new(fraction));
            let taken = account.slash(fraction).unwrap();
            let after = account.total().unwrap();
            let slashed = before.checked_sub(after).unwrap();
            prop_assert_eq!(slashed, before.mul_floor(fraction));
            prop_assert_eq!(slashed, taken.bonded + taken.unbonding);
            prop_assert_eq!(account.bonded, Uint128::new(bonded) - taken.bonded);
            if fraction.is_zero() {
                prop_assert!(slashed.is_zero());
            }
            if fraction == Decimal::one() {
                prop_assert!(account.is_empty());
            }
        }
    }
}
