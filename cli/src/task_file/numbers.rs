//! Numbers as people write them in a task's file: decimals, and amounts of coins.

use std::fmt;

use bauta_learning::fixed::Fixed;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A decimal number, kept in units of 2^-32. In TOML `0.15` or `"0.15"`; written as a string, like everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Fixed);

/// An amount in the smallest unit of the fee denomination. In TOML `1000` or `"1000"`; written as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub u128);

impl Decimal {
    /// As it stands in TOML: bare when a float of 64 bits holds it exactly, in quotes when not.
    pub fn toml(self) -> String {
        let text = self.0.to_string();
        match text.bytes().filter(u8::is_ascii_digit).count() {
            0..=15 => text,
            _ => format!("\"{text}\""),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number such as 0.15")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                let read = text.parse().map(Decimal);
                read.map_err(|error| E::custom(format!("{text:?} is not a number that fits here: {error}")))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            // The shortest decimal that is this float is what was written, up to 15 digits.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount: a whole number, not negative, without a denomination")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                let read = text.parse().map(Amount);
                read.map_err(|_| E::custom(format!("{text:?} is not an amount; write a whole number such as 1000")))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount(number.into()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
