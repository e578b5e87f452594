//! How numbers and bytes stand in JSON: numbers of 64 bits as decimal strings, bytes as base64, keys of state as hexadecimal (wasmd's
//! genesis). For `#[serde(with = ...)]`.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};

macro_rules! as_text {
    ($(#[$doc:meta])* $name:ident, $type:ty, $seen:ty, $shown:path, $parsed:path) => {
        $(#[$doc])*
        pub mod $name {
            use serde::{Deserialize as _, Deserializer, Serializer};

            /// Writes the text.
            ///
            /// # Errors
            /// The serializer's.
            pub fn serialize<S: Serializer>(value: &$seen, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$shown(value))
            }

            /// Reads the text.
            ///
            /// # Errors
            /// When it is no such text.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = String::deserialize(deserializer)?;
                $parsed(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(
    /// A number of 64 bits, decimal.
    decimal, u64, u64, u64::to_string, str::parse::<u64>
);
as_text!(
    /// Bytes, base64.
    base64_text, Vec<u8>, [u8], super::to_base64, super::from_base64
);
as_text!(
    /// Bytes, hexadecimal.
    hexadecimal, Vec<u8>, [u8], hex::encode_upper, hex::decode
);

fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn from_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    STANDARD.decode(text)
}
