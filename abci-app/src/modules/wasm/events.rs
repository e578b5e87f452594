//! Events of contracts, and what may be in them (wasmd x/wasm/keeper/events.go).

use super::errors;
use super::response::{Attribute, CustomEvent};
use crate::error::Result;
use crate::events::Event;

/// The attribute that names the contract, always the first.
pub const CONTRACT_ADDRESS: &str = "_contract_address";

const MIN_KIND: usize = 2;

/// An event of the module about a contract.
pub(super) fn about(kind: &str, contract: &str) -> Event {
    Event::new(kind).with(CONTRACT_ADDRESS, contract)
}

/// The events of a response: `wasm` if there are attributes, then `wasm-*`.
///
/// # Errors
/// An event that breaks the rules.
pub(super) fn of_response(contract: &str, attributes: &[Attribute], custom: &[CustomEvent]) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    if !attributes.is_empty() {
        events.push(with_attributes(about("wasm", contract), attributes)?);
    }
    for event in custom {
        let kind = event.kind.trim();
        if kind.len() <= MIN_KIND {
            return Err(errors::INVALID_EVENT.wrap(format!("Event type too short: '{kind}'")));
        }
        events.push(with_attributes(about(&format!("wasm-{kind}"), contract), &event.attributes)?);
    }
    Ok(events)
}

fn with_attributes(event: Event, attributes: &[Attribute]) -> Result<Event> {
    attributes.iter().try_fold(event, |event, attribute| {
        let key = attribute.key.trim();
        if key.is_empty() {
            return Err(errors::INVALID_EVENT.wrap(format!("Empty attribute key. Value: {}", attribute.value)));
        }
        if key.starts_with('_') {
            return Err(errors::INVALID_EVENT.wrap(format!("Attribute key starts with reserved prefix _: '{key}'")));
        }
        Ok(event.with(key, attribute.value.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: &str) -> Attribute {
        Attribute { key: key.into(), value: value.into() }
    }

    fn custom(kind: &str, attributes: Vec<Attribute>) -> CustomEvent {
        CustomEvent { kind: kind.into(), attributes }
    }

    #[test]
    fn the_contract_comes_first_and_everything_is_trimmed() {
        let events = of_response("c", &[attribute(" a ", " b ")], &[custom("  foo ", vec![])]).unwrap();
        assert_eq!(
            events,
            vec![
                Event::new("wasm").with("_contract_address", "c").with("a", "b"),
                Event::new("wasm-foo").with("_contract_address", "c"),
            ]
        );
    }

    #[test]
    fn without_attributes_there_is_no_wasm_event() {
        assert!(of_response("c", &[], &[]).unwrap().is_empty());
    }

    #[test]
    fn an_empty_value_is_kept() {
        assert_eq!(of_response("c", &[attribute("a", "  ")], &[]).unwrap()[0].attributes[1].1, "");
    }

    #[test]
    fn empty_and_reserved_keys_and_short_kinds_are_refused() {
        for bad in [
            of_response("c", &[attribute("  ", "b")], &[]),
            of_response("c", &[attribute("_reserved", "b")], &[]),
            of_response("c", &[attribute(" _reserved", "b")], &[]),
            of_response("c", &[], &[custom("fo", vec![])]),
            of_response("c", &[], &[custom(" f  ", vec![])]),
            of_response("c", &[], &[custom("foo", vec![attribute("", "b")])]),
        ] {
            assert_eq!(bad.unwrap_err().code, errors::INVALID_EVENT.code);
        }
    }
}
