//! Addresses for contracts: what the VM calls to check and convert them (wasmd x/wasm/keeper/api.go).

use std::sync::Arc;

use cosmwasm_vm::{BackendApi, BackendError, BackendResult, GasInfo};

use super::{addresses, gas};

/// Addresses of the chain with a prefix.
#[derive(Clone)]
pub struct Api {
    prefix: Arc<str>,
}

impl Api {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }
}

fn cost(gas: u64) -> GasInfo {
    GasInfo::with_cost(gas::to_vm(gas))
}

/// The contract sees the sentence, so it must be the same on every node.
fn refused(error: crate::error::Error) -> BackendError {
    BackendError::user_err(error.log)
}

impl BackendApi for Api {
    fn addr_validate(&self, input: &str) -> BackendResult<()> {
        let bytes = match addresses::parse(&self.prefix, input) {
            Ok(bytes) => bytes,
            Err(error) => return (Err(refused(error)), cost(gas::ADDRESS_CANONICALIZE)),
        };
        let same = addresses::format(&self.prefix, &bytes).is_ok_and(|text| text == input);
        let result = if same { Ok(()) } else { Err(BackendError::user_err("address not normalized")) };
        (result, cost(gas::ADDRESS_VALIDATE))
    }

    fn addr_canonicalize(&self, human: &str) -> BackendResult<Vec<u8>> {
        (addresses::parse(&self.prefix, human).map_err(refused), cost(gas::ADDRESS_CANONICALIZE))
    }

    fn addr_humanize(&self, canonical: &[u8]) -> BackendResult<String> {
        (addresses::format(&self.prefix, canonical).map_err(refused), cost(gas::ADDRESS_HUMANIZE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_there_and_back_at_their_price() {
        let api = Api::new("bauta");
        let (human, price) = api.addr_humanize(&[7; 20]);
        let human = human.unwrap();
        assert_eq!(price.cost, 5 * 140_000);
        let (canonical, price) = api.addr_canonicalize(&human);
        assert_eq!((canonical.unwrap(), price.cost), (vec![7; 20], 4 * 140_000));
        let (valid, price) = api.addr_validate(&human);
        assert_eq!((valid, price.cost), (Ok(()), 9 * 140_000));
    }

    #[test]
    fn an_address_in_capitals_is_not_normalized() {
        let api = Api::new("bauta");
        let human = api.addr_humanize(&[7; 32]).0.unwrap().to_uppercase();
        assert_eq!(api.addr_validate(&human).0, Err(BackendError::user_err("address not normalized")));
        assert!(api.addr_canonicalize(&human).0.is_ok());
    }

    #[test]
    fn foreign_broken_and_misshapen_addresses_are_refused_and_charged() {
        let api = Api::new("bauta");
        let cosmos = Api::new("cosmos").addr_humanize(&[7; 20]).0.unwrap();
        for bad in ["", " ", "bauta", cosmos.as_str(), "bauta1qqqq"] {
            let (result, price) = api.addr_validate(bad);
            assert!(result.is_err(), "{bad:?}");
            assert_eq!(price.cost, 4 * 140_000);
        }
        assert!(api.addr_humanize(&[7; 19]).0.is_err());
        assert!(api.addr_humanize(&[]).0.is_err());
    }
}
