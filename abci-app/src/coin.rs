//! Amounts of denominations.

use std::collections::BTreeMap;
use std::fmt;

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// An amount of one denomination. The SDK allows 256 bits; here an amount has 128.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coin {
    /// The denomination.
    pub denom: String,
    /// The amount; a decimal string in JSON.
    #[serde(with = "decimal")]
    pub amount: u128,
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

impl Coin {
    /// For the wire.
    pub fn to_proto(&self) -> ProtoCoin {
        ProtoCoin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }
}

/// Positive amounts, sorted by denomination, each denomination once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Coin>", into = "Vec<Coin>")]
pub struct Coins(BTreeMap<String, u128>);

impl Coins {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sorts them.
    ///
    /// # Errors
    /// Invalid coins (sdk 10) for a zero amount, a denomination that occurs twice or is none.
    pub fn new(coins: Vec<Coin>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for coin in coins {
            check_denom(&coin.denom)?;
            if coin.amount == 0 {
                return Err(Error::invalid_coins(format!("coin {} amount is not positive", coin.denom)));
            }
            if all.insert(coin.denom.clone(), coin.amount).is_some() {
                return Err(Error::invalid_coins(format!("duplicate denomination {}", coin.denom)));
            }
        }
        Ok(Self(all))
    }

    /// One coin; nothing if the amount is zero.
    pub fn one(denom: impl Into<String>, amount: u128) -> Self {
        let mut all = BTreeMap::new();
        if amount > 0 {
            all.insert(denom.into(), amount);
        }
        Self(all)
    }

    /// From the wire, where they must be sorted and positive already (cosmos-sdk types/coin.go, `Coins.Validate`).
    ///
    /// # Errors
    /// Invalid coins (sdk 10).
    pub fn from_proto(coins: &[ProtoCoin]) -> Result<Self> {
        let mut all = BTreeMap::new();
        for coin in coins {
            check_denom(&coin.denom)?;
            let amount = parse_amount(&coin.amount)?;
            if amount == 0 {
                return Err(Error::invalid_coins(format!("coin {} amount is not positive", coin.denom)));
            }
            if all.last_key_value().is_some_and(|(last, _): (&String, _)| *last >= coin.denom) {
                return Err(Error::invalid_coins(format!("denomination {} is not sorted", coin.denom)));
            }
            all.insert(coin.denom.clone(), amount);
        }
        Ok(Self(all))
    }

    /// For the wire.
    pub fn to_proto(&self) -> Vec<ProtoCoin> {
        self.iter().map(|coin| coin.to_proto()).collect()
    }

    /// From `10ubauta,3x`.
    ///
    /// # Errors
    /// Invalid coins (sdk 10).
    pub fn parse(text: &str) -> Result<Self> {
        let mut coins = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (amount, denom) = part.split_at(digits);
            coins.push(Coin { denom: denom.trim().to_string(), amount: parse_amount(amount)? });
        }
        Self::new(coins)
    }

    /// The amount of a denomination, zero if absent.
    pub fn amount_of(&self, denom: &str) -> u128 {
        self.0.get(denom).copied().unwrap_or(0)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many denominations.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order of denominations.
    pub fn iter(&self) -> impl Iterator<Item = Coin> + '_ {
        self.0.iter().map(|(denom, amount)| Coin { denom: denom.clone(), amount: *amount })
    }

    /// The sum.
    ///
    /// # Errors
    /// Invalid coins (sdk 10) when an amount would pass 128 bits.
    pub fn checked_add(&self, other: &Self) -> Result<Self> {
        let mut sum = self.0.clone();
        for (denom, amount) in &other.0 {
            let total = sum
                .get(denom)
                .copied()
                .unwrap_or(0)
                .checked_add(*amount)
                .ok_or_else(|| Error::invalid_coins(format!("the sum of {denom} does not fit 128 bits")))?;
            sum.insert(denom.clone(), total);
        }
        Ok(Self(sum))
    }

    /// The difference.
    ///
    /// # Errors
    /// Insufficient funds (sdk 5) when an amount would be negative.
    pub fn checked_sub(&self, other: &Self) -> Result<Self> {
        let mut rest = self.0.clone();
        for (denom, amount) in &other.0 {
            let have = rest.get(denom).copied().unwrap_or(0);
            let left = have
                .checked_sub(*amount)
                .ok_or_else(|| Error::insufficient_funds(format!("{have}{denom} is smaller than {amount}{denom}")))?;
            if left == 0 {
                rest.remove(denom);
            } else {
                rest.insert(denom.clone(), left);
            }
        }
        Ok(Self(rest))
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (denom, amount)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{amount}{denom}")?;
        }
        Ok(())
    }
}

impl TryFrom<Vec<Coin>> for Coins {
    type Error = Error;
    fn try_from(coins: Vec<Coin>) -> Result<Self> {
        Self::new(coins)
    }
}

impl From<Coins> for Vec<Coin> {
    fn from(coins: Coins) -> Self {
        coins.iter().collect()
    }
}

/// Whether it is a denomination: `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}` (cosmos-sdk types/coin.go).
///
/// # Errors
/// Invalid coins (sdk 10).
pub fn check_denom(denom: &str) -> Result<()> {
    let mut bytes = denom.bytes();
    let fits = (3..=128).contains(&denom.len())
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b));
    if fits {
        Ok(())
    } else {
        let shown: String = denom.chars().take(128).collect();
        Err(Error::invalid_coins(format!("invalid denom: {shown}")))
    }
}

fn parse_amount(text: &str) -> Result<u128> {
    // `str::parse` would accept a plus sign.
    if text.is_empty() || text.len() > 39 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::invalid_coins("an amount is a decimal number of at most 128 bits"));
    }
    text.parse().map_err(|_| Error::invalid_coins("an amount is a decimal number of at most 128 bits"))
}

mod decimal {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_amount(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_read_back_as_printed() {
        let coins = Coins::parse("10ubauta,3abc").expect("two coins");
        assert_eq!(coins.to_string(), "3abc,10ubauta");
        assert_eq!(Coins::from_proto(&coins.to_proto()), Ok(coins));
    }

    #[test]
    fn coins_of_the_wire_must_be_sorted_positive_and_unique() {
        let coin = |denom: &str, amount: &str| ProtoCoin { denom: denom.into(), amount: amount.into() };
        for bad in [
            vec![coin("bbb", "1"), coin("aaa", "1")],
            vec![coin("aaa", "1"), coin("aaa", "1")],
            vec![coin("aaa", "0")],
            vec![coin("aaa", "-1")],
            vec![coin("aaa", "+1")],
            vec![coin("1aa", "1")],
            vec![coin("aaa", "340282366920938463463374607431768211456")],
        ] {
            assert_eq!(Coins::from_proto(&bad).map_err(|e| e.code), Err(10), "{bad:?}");
        }
    }

    #[test]
    fn a_difference_is_never_negative() {
        let (two, three) = (Coins::one("aaa", 2), Coins::one("aaa", 3));
        assert_eq!(two.checked_sub(&three).map_err(|e| e.code), Err(5));
        assert_eq!(three.checked_sub(&two), Ok(Coins::one("aaa", 1)));
        assert!(two.checked_sub(&two).expect("equal").is_empty());
    }
}
