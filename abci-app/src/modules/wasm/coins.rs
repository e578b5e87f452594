//! Coins as contracts name them.

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;

use super::response;
use crate::coin::{check_denom, Coins};
use crate::error::{Error, Result};

/// Coins of a transaction's message: sorted by denomination, none twice, all positive.
///
/// # Errors
/// Invalid coins (sdk 10).
pub fn check(coins: &[ProtoCoin]) -> Result<()> {
    Coins::from_proto(coins).map(|_| ())
}

/// Coins as a contract names them, in any order and in several pieces, as a message must: sorted, added up, without zeros.
///
/// # Errors
/// Invalid coins (sdk 10).
pub fn from_contract(coins: &[response::Coin]) -> Result<Vec<ProtoCoin>> {
    let mut sum = Coins::none();
    for coin in coins {
        check_denom(&coin.denom)?;
        let is_number = !coin.amount.is_empty() && coin.amount.bytes().all(|byte| byte.is_ascii_digit());
        let amount = coin.amount.parse().ok().filter(|_| is_number);
        let invalid = || Error::invalid_coins(format!("{}{}: invalid coins", coin.amount, coin.denom));
        sum = sum.checked_add(&Coins::one(&coin.denom, amount.ok_or_else(invalid)?))?;
    }
    Ok(sum.to_proto())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_of_a_contract_are_added_up_sorted_and_freed_of_zeros() {
        let of = |amount: &str, denom: &str| response::Coin { denom: denom.into(), amount: amount.into() };
        let proto = |amount: &str, denom: &str| ProtoCoin { denom: denom.into(), amount: amount.into() };
        let coins = from_contract(&[of("2", "bauta"), of("1", "atom"), of("3", "bauta"), of("0", "zero")]);
        assert_eq!(coins.unwrap(), vec![proto("1", "atom"), proto("5", "bauta")]);
        for bad in [of("-1", "atom"), of("+1", "atom"), of("", "atom"), of("1", "a"), of(&"9".repeat(40), "atom")] {
            assert_eq!(from_contract(&[bad]).unwrap_err().code, 10);
        }
    }
}
