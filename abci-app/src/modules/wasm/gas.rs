//! What working with contracts costs (wasmd x/wasm/types/gas_register.go), and the exchange between the VM's gas and the
//! chain's.

use super::response::{Attribute, CustomEvent};
use crate::error::{Error, Result};
use crate::gas::{Gas, GasMeter};

/// CosmWasm gas in one unit of SDK gas.
pub const MULTIPLIER: u64 = 140_000;
/// To load a contract.
pub const INSTANCE: Gas = 60_000;
/// To load a contract that is in memory as far as the state tells: pinned, loaded in this transaction, or replied to.
pub const INSTANCE_DISCOUNT: Gas = 2_000;
/// To compile, a byte.
pub const COMPILE_BYTE: Gas = 3;
/// An attribute of an event.
pub const ATTRIBUTE: Gas = 10;
/// A byte of keys and values of attributes.
pub const ATTRIBUTE_BYTE: Gas = 1;
/// Bytes of attributes that are free, in a response.
pub const ATTRIBUTE_FREE_BYTES: u64 = 100;
/// An event of the contract's own.
pub const CUSTOM_EVENT: Gas = 20;
/// To pin or unpin a code.
pub const PIN: Gas = 500_000;
/// To validate, canonicalise and humanise an address.
pub const ADDRESS_VALIDATE: Gas = 9;
/// To canonicalise an address.
pub const ADDRESS_CANONICALIZE: Gas = 4;
/// To humanise an address.
pub const ADDRESS_HUMANIZE: Gas = 5;
/// To decode a byte of what a contract answers.
pub const DECODE_BYTE: Gas = 1;
/// To unpack a protobuf message of a contract.
pub const ANY_BASE: Gas = 5;
/// To unpack 1,024 bytes of a protobuf message of a contract.
pub const ANY_KIB: Gas = 1;
/// To build an address on request.
pub const BUILD_ADDRESS: Gas = 10;

/// CosmWasm gas for SDK gas. Past the end of the scale it stays there.
pub fn to_vm(gas: Gas) -> u64 {
    gas.saturating_mul(MULTIPLIER)
}

/// SDK gas for CosmWasm gas, rounded down.
pub fn from_vm(gas: u64) -> Gas {
    gas / MULTIPLIER
}

/// 0.15 a byte of the zipped code, rounded down.
pub fn uncompress(zipped: usize) -> Gas {
    (zipped as u64).saturating_mul(15) / 100
}

/// To make a contract ready for a call.
pub fn setup(discount: bool) -> Gas {
    if discount {
        INSTANCE_DISCOUNT
    } else {
        INSTANCE
    }
}

/// What the contract in a call may spend: all that is left, in CosmWasm gas.
pub fn available(meter: &GasMeter) -> u64 {
    if meter.limit() == Gas::MAX && meter.remaining() > 0 {
        return u64::MAX;
    }
    to_vm(meter.remaining())
}

/// Charges what a call used. A meter that stands exactly at its limit counts as empty, because the VM cannot pass it.
///
/// # Errors
/// Out of gas.
pub fn charge_call(meter: &mut GasMeter, used: u64) -> Result<()> {
    meter.consume(from_vm(used), "wasm contract")?;
    if meter.consumed() >= meter.limit() {
        return Err(Error::out_of_gas(format!(
            "out of gas in location: Wasm engine function execution; gasWanted: {}, gasUsed: {}",
            meter.limit(),
            meter.consumed()
        )));
    }
    Ok(())
}

/// Whether `error` came from `meter` being used up, and not from a smaller allowance inside.
pub fn exhausted(meter: &GasMeter, error: &Error) -> bool {
    super::errors::is_out_of_gas(error) && meter.consumed() >= meter.limit()
}

/// To keep the events of a response.
pub fn events(attributes: &[Attribute], events: &[CustomEvent]) -> Gas {
    let mut free = ATTRIBUTE_FREE_BYTES;
    let mut total = of_attributes(attributes.iter(), &mut free);
    for event in events {
        let kind = (event.kind.len() as u64).saturating_mul(ATTRIBUTE_BYTE);
        total = total.saturating_add(CUSTOM_EVENT).saturating_add(kind);
        total = total.saturating_add(of_attributes(event.attributes.iter(), &mut free));
    }
    total
}

/// To reply: the discounted instance, and the events that the reply shows.
pub fn reply(shown: &[crate::events::Event]) -> Gas {
    let mut free = ATTRIBUTE_FREE_BYTES;
    let kinds = shown.iter().fold(0u64, |sum, event| sum.saturating_add(event.kind.len() as u64));
    let attributes: Vec<_> = shown.iter().flat_map(|event| &event.attributes).collect();
    let bytes = attributes.iter().fold(0u64, |sum, (key, value)| sum.saturating_add((key.len() + value.len()) as u64));
    INSTANCE_DISCOUNT.saturating_add(kinds.saturating_mul(ATTRIBUTE_BYTE)).saturating_add(priced(
        attributes.len(),
        bytes,
        &mut free,
    ))
}

fn of_attributes<'a>(attributes: impl ExactSizeIterator<Item = &'a Attribute>, free: &mut u64) -> Gas {
    let count = attributes.len();
    let bytes = attributes.fold(0u64, |sum, at| sum.saturating_add((at.key.len() + at.value.len()) as u64));
    priced(count, bytes, free)
}

fn priced(count: usize, bytes: u64, free: &mut u64) -> Gas {
    let paid = bytes.saturating_sub(*free);
    *free = free.saturating_sub(bytes);
    paid.saturating_mul(ATTRIBUTE_BYTE).saturating_add((count as u64).saturating_mul(ATTRIBUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: &str) -> Attribute {
        Attribute { key: key.into(), value: value.into() }
    }

    #[test]
    fn attributes_cost_ten_each_and_a_unit_a_byte_after_a_hundred_free_ones() {
        assert_eq!(events(&[], &[]), 0);
        assert_eq!(events(&[attribute("a", "b")], &[]), 10);
        assert_eq!(events(&[attribute("k", &"v".repeat(100))], &[]), 11);
    }

    #[test]
    fn the_free_bytes_are_shared_by_all_events_of_a_response_and_kinds_are_never_free() {
        let event = |value: String| CustomEvent { kind: "foo".into(), attributes: vec![attribute("k", &value)] };
        assert_eq!(events(&[attribute("k", &"v".repeat(49))], &[event("v".repeat(49))]), 10 + 20 + 3 + 10);
        assert_eq!(events(&[attribute("k", &"v".repeat(99))], &[event("v".repeat(4))]), 10 + 20 + 3 + 10 + 5);
    }

    #[test]
    fn unzipping_costs_fifteen_hundredths_a_byte_rounded_down() {
        assert_eq!(uncompress(0), 0);
        assert_eq!(uncompress(13), 1);
        assert_eq!(uncompress(100), 15);
    }

    #[test]
    fn a_meter_exactly_at_its_limit_is_empty_after_a_call() {
        let mut meter = GasMeter::limited(10);
        assert!(charge_call(&mut meter, 9 * MULTIPLIER + 139_999).is_ok());
        assert!(charge_call(&mut meter, MULTIPLIER).is_err());
    }
}
