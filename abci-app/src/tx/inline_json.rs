//! JSON that is signed as a value and not as bytes: what two texts with one value could differ in is refused.
//!
//! Of equal keys the value keeps the last, and of numbers as much as a float holds; a contract reads the bytes and may see more. Whoever
//! passes a transaction on could then change what the contract does and the signature would still be right.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value that only one content can have.
pub(super) struct InlineJson(pub Value);

impl<'de> Deserialize<'de> for InlineJson {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Strict).map(Self)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose keys differ and whose numbers are whole and of at most 64 bits")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(InlineJson(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, InlineJson(value))) = entries.next_entry::<String, _>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_content() {
        let good = r#"{"a":[1,-2,null,true,"x",{"b":{}}],"c":18446744073709551615}"#;
        let InlineJson(value) = serde_json::from_str(good).expect("nothing is ambiguous");
        assert_eq!(value, serde_json::from_str::<Value>(good).expect("it is JSON"));
        for ambiguous in [
            r#"{"send":{"amount":"1"},"send":{"amount":"2"}}"#,
            r#"[{"a":{"b":1,"b":1}}]"#,
            // As floats, these two are one.
            r#"{"amount":100000000000000000001}"#,
            r#"{"amount":100000000000000000002}"#,
            r#"{"amount":1.0}"#,
        ] {
            assert!(serde_json::from_str::<InlineJson>(ambiguous).is_err(), "{ambiguous}");
        }
    }
}
