//! Coins, gas prices and fees.

use std::fmt;
use std::str::FromStr;

use cosmrs::proto::cosmos::base::v1beta1 as base;

use super::{ChainError, DEFAULT_DENOM};

/// An amount of one denomination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coin {
    /// How much.
    pub amount: u128,
    /// Of what.
    pub denom: String,
}

impl Coin {
    /// An amount of a denomination.
    #[must_use]
    pub fn new(amount: u128, denom: impl Into<String>) -> Self {
        Self { amount, denom: denom.into() }
    }

    /// As it stands in a message.
    #[must_use]
    pub fn to_proto(&self) -> base::Coin {
        base::Coin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }

    /// From a message.
    ///
    /// # Errors
    /// [`ChainError::Amount`].
    pub fn from_proto(coin: &base::Coin) -> Result<Self, ChainError> {
        let amount = coin.amount.parse().map_err(|_| ChainError::Amount(coin.amount.clone()))?;
        Ok(Self::new(amount, coin.denom.clone()))
    }

    /// Several coins, `5uatom,7ubauta`: sorted by denomination as the chain wants them, none twice.
    ///
    /// # Errors
    /// [`ChainError::Amount`].
    pub fn parse_many(text: &str) -> Result<Vec<Self>, ChainError> {
        let mut coins = text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<Self>, _>>()?;
        coins.sort_by(|a, b| a.denom.cmp(&b.denom));
        if coins.windows(2).any(|pair| pair[0].denom == pair[1].denom) {
            return Err(ChainError::Amount(text.to_owned()));
        }
        Ok(coins)
    }
}

impl FromStr for Coin {
    type Err = ChainError;

    /// `1000000ubauta`.
    fn from_str(text: &str) -> Result<Self, ChainError> {
        let bad = || ChainError::Amount(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (amount, denom) = text.split_at(digits);
        if !is_denom(denom) {
            return Err(bad());
        }
        Ok(Self::new(amount.parse().map_err(|_| bad())?, denom))
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

/// The SDK's rule: a letter and 2 to 127 letters, digits, `/`, `:`, `.`, `_` or `-`.
fn is_denom(text: &str) -> bool {
    let mut bytes = text.bytes();
    (3..=128).contains(&text.len())
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b))
}

/// The price of a unit of gas: a decimal number with at most 18 places, and a denomination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// In units of 10^-18.
    atto: u128,
    /// The denomination.
    pub denom: String,
}

/// The dearest unit of gas that is paid without being asked for: 1, forty times the default.
const DEAREST: u128 = ATTO;

const ATTO: u128 = 1_000_000_000_000_000_000;

impl GasPrice {
    /// Nothing.
    #[must_use]
    pub fn free(denom: impl Into<String>) -> Self {
        Self { atto: 0, denom: denom.into() }
    }

    /// Whether it is so much above the usual price that a person should say so: a node names it, and may name any.
    #[must_use]
    pub fn is_dear(&self) -> bool {
        self.atto > DEAREST
    }

    /// What so much gas costs, rounded up.
    #[must_use]
    pub fn cost(&self, gas: u64) -> Coin {
        let product = self.atto.saturating_mul(u128::from(gas));
        Coin::new(product.div_ceil(ATTO), self.denom.clone())
    }
}

impl Default for GasPrice {
    /// 0.025ubauta.
    fn default() -> Self {
        Self { atto: ATTO / 40, denom: DEFAULT_DENOM.to_owned() }
    }
}

impl FromStr for GasPrice {
    type Err = ChainError;

    /// `0.025ubauta`.
    fn from_str(text: &str) -> Result<Self, ChainError> {
        let bad = || ChainError::Amount(text.to_owned());
        let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, denom) = text.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 18 || fraction.contains('.') || !is_denom(denom) {
            return Err(bad());
        }
        let atto = format!("{whole}{fraction:0<18}").parse().map_err(|_| bad())?;
        Ok(Self { atto, denom: denom.to_owned() })
    }
}

/// What a transaction pays, and how much gas it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fee {
    /// Simulate, and pay for that gas with the settings' margin.
    Simulated,
    /// Pay for so much gas.
    Gas(u64),
    /// Pay nothing for so much gas: a protocol message, which its task pays.
    ByTask(u64),
    /// Pay these coins, whatever gas costs.
    Exact {
        /// The gas; simulated, with the settings' margin, if absent.
        gas: Option<u64>,
        /// The coins.
        amount: Vec<Coin>,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn coins_and_prices_are_read_as_the_sdk_writes_them() {
        assert_eq!("12ubauta".parse::<Coin>().unwrap(), Coin::new(12, "ubauta"));
        assert_eq!("0.025ubauta".parse::<GasPrice>().unwrap(), GasPrice::default());
        assert_eq!("2uatom".parse::<GasPrice>().unwrap().cost(3), Coin::new(6, "uatom"));
        for text in ["", "12", "ubauta", "1.5ubauta", "-1ubauta", "12 ubauta", "1é", "1a"] {
            assert!(text.parse::<Coin>().is_err(), "{text}");
        }
        for text in ["", ".5ubauta", "1.2.3ubauta", "0.0000000000000000001ubauta", "é"] {
            assert!(text.parse::<GasPrice>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_price_far_above_the_usual_is_dear() {
        let is_dear = |text: &str| text.parse::<GasPrice>().unwrap().is_dear();
        assert!(!is_dear("0.025ubauta") && !is_dear("1ubauta"));
        assert!(is_dear("1.1ubauta") && is_dear("100000ubauta"));
    }

    #[test]
    fn a_fee_is_rounded_up() {
        let price: GasPrice = "0.025ubauta".parse().unwrap();
        assert_eq!(price.cost(40), Coin::new(1, "ubauta"));
        assert_eq!(price.cost(41), Coin::new(2, "ubauta"));
        assert_eq!(GasPrice::free("ubauta").cost(u64::MAX), Coin::new(0, "ubauta"));
    }

    #[test]
    fn several_coins_are_sorted_and_none_comes_twice() {
        let coins = Coin::parse_many("7ubauta, 5uatom").unwrap();
        assert_eq!(coins[0].denom, "uatom");
        assert!(Coin::parse_many("7ubauta,5ubauta").is_err());
    }
}
