//! A contract's state for the VM: the part of the wasm store under the contract's prefix, charged as the SDK charges.

use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use cosmwasm_std::{Order, Record};
use cosmwasm_vm::{BackendError, BackendResult, GasInfo, Storage};

use super::{gas, keys};
use crate::error::Result;
use crate::gas::{kv, GasMeter};
use crate::store::{self, Passed, Store, View};

/// Iterators that one call may open.
pub const MAX_ITERATORS: usize = 32_768;

/// The meter of a call, lent to the storage and the querier of the call while it runs.
#[derive(Clone)]
pub(super) struct Meter(Arc<Mutex<GasMeter>>);

impl Meter {
    pub(super) fn lend(meter: &GasMeter) -> Self {
        Self(Arc::new(Mutex::new(meter.clone())))
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut GasMeter) -> T) -> T {
        // A poisoned meter is still the meter: nothing in here panics between two halves of a change.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does `work` and reports what it charged. Out of gas, the VM stops the contract and the meter's holder finds out.
    pub(super) fn report<T>(&self, work: impl FnOnce(&mut GasMeter) -> Result<T>) -> BackendResult<T> {
        self.with(|meter| {
            let before = meter.consumed();
            match work(meter) {
                Ok(done) => {
                    let used = meter.consumed().saturating_sub(before);
                    (Ok(done), GasInfo::with_externally_used(gas::to_vm(used)))
                }
                Err(_) => (Err(BackendError::out_of_gas()), GasInfo::free()),
            }
        })
    }
}

/// The state of one contract during one call.
pub struct ContractStore {
    view: View,
    meter: Meter,
    prefix: Vec<u8>,
    /// A second lock on queries; the first is the VM's.
    readonly: bool,
    iterators: Vec<Iterator>,
}

/// Between which keys of the store an iterator still goes, and the entry it stands on.
struct Iterator {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    order: store::Order,
    current: Option<Record>,
}

impl ContractStore {
    pub(super) fn new(view: View, meter: Meter, contract: &[u8], readonly: bool) -> Self {
        Self { view, meter, prefix: keys::state(contract), readonly, iterators: Vec::new() }
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        [self.prefix.as_slice(), key].concat()
    }

    /// Moves an iterator one entry on; the deleted keys that it passed.
    fn advance(view: &View, iterator: &mut Iterator) -> Passed {
        let (start, end) = (as_slice(&iterator.start), as_slice(&iterator.end));
        let (current, passed) = view.next_counted(Store::Wasm, start, end, iterator.order);
        iterator.current = current;
        if let Some((key, _)) = &iterator.current {
            match iterator.order {
                store::Order::Ascending => iterator.start = Bound::Excluded(key.clone()),
                store::Order::Descending => iterator.end = Bound::Excluded(key.clone()),
            }
        }
        passed
    }

    /// What passing keys costs that were deleted in this block: a step and their bytes each. The SDK passes them for nothing, so that a
    /// contract that deletes much and then opens iterators over it keeps the chain busy for next to no gas.
    pub(super) fn charge_passed(meter: &mut GasMeter, passed: Passed) -> Result<()> {
        let steps = passed.keys.saturating_mul(kv::ITER_STEP);
        meter.consume(steps.saturating_add(passed.bytes.saturating_mul(kv::READ_BYTE)), "IterPassed")
    }

    /// What a step costs: the entry the iterator stands on, if any, and the step (cosmos-sdk store/gaskv).
    fn charge_step(meter: &mut GasMeter, current: Option<&Record>) -> Result<()> {
        if let Some((key, value)) = current {
            meter.consume(per_byte(kv::READ_BYTE, key.len()), "ValuePerByte")?;
            meter.consume(per_byte(kv::READ_BYTE, value.len()), "ValuePerByte")?;
        }
        meter.consume(kv::ITER_STEP, "IterNextFlat")
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn per_byte(price: u64, bytes: usize) -> u64 {
    price.saturating_mul(bytes as u64)
}

impl Storage for ContractStore {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        let key = self.key(key);
        self.meter.report(|meter| {
            meter.consume(kv::READ_FLAT, "ReadFlat")?;
            let value = self.view.get(Store::Wasm, &key);
            meter.consume(per_byte(kv::READ_BYTE, key.len()), "ReadPerByte")?;
            meter.consume(per_byte(kv::READ_BYTE, value.as_ref().map_or(0, Vec::len)), "ReadPerByte")?;
            Ok(value)
        })
    }

    fn scan(&mut self, start: Option<&[u8]>, end: Option<&[u8]>, order: Order) -> BackendResult<u32> {
        let mut iterator = Iterator {
            start: Bound::Included(self.key(start.unwrap_or_default())),
            end: match end {
                Some(end) => Bound::Excluded(self.key(end)),
                None => keys::after(&self.prefix).map_or(Bound::Unbounded, Bound::Excluded),
            },
            order: match order {
                Order::Ascending => store::Order::Ascending,
                Order::Descending => store::Order::Descending,
            },
            current: None,
        };
        let passed = Self::advance(&self.view, &mut iterator);
        let (charged, info) = self.meter.report(|meter| {
            Self::charge_passed(meter, passed)?;
            Self::charge_step(meter, iterator.current.as_ref())
        });
        if let Err(error) = charged {
            return (Err(error), info);
        }
        if self.iterators.len() >= MAX_ITERATORS {
            return (Err(BackendError::user_err(format!("Reached iterator limit ({MAX_ITERATORS})"))), info);
        }
        // Ids count up from zero in a call, so they are the same on every node.
        let id = self.iterators.len() as u32;
        self.iterators.push(iterator);
        (Ok(id), info)
    }

    fn next(&mut self, iterator_id: u32) -> BackendResult<Option<Record>> {
        let Some(iterator) = self.iterators.get_mut(iterator_id as usize) else {
            return (Err(BackendError::iterator_does_not_exist(iterator_id)), GasInfo::free());
        };
        let Some(entry) = iterator.current.take() else {
            return (Ok(None), GasInfo::free());
        };
        let passed = Self::advance(&self.view, iterator);
        let prefix = self.prefix.len();
        self.meter.report(|meter| {
            Self::charge_passed(meter, passed)?;
            Self::charge_step(meter, Some(&entry))?;
            let (key, value) = entry;
            Ok(Some((key[prefix..].to_vec(), value)))
        })
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        if self.readonly {
            return (Err(BackendError::unknown("a query must not write")), GasInfo::free());
        }
        let key = self.key(key);
        self.meter.report(|meter| {
            meter.consume(kv::WRITE_FLAT, "WriteFlat")?;
            meter.consume(per_byte(kv::WRITE_BYTE, key.len()), "WritePerByte")?;
            meter.consume(per_byte(kv::WRITE_BYTE, value.len()), "WritePerByte")?;
            self.view.set(Store::Wasm, key, value.to_vec());
            Ok(())
        })
    }

    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        if self.readonly {
            return (Err(BackendError::unknown("a query must not write")), GasInfo::free());
        }
        let key = self.key(key);
        self.meter.report(|meter| {
            meter.consume(kv::DELETE, "Delete")?;
            self.view.delete(Store::Wasm, &key);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryBase;

    fn store(limit: u64) -> ContractStore {
        let view = View::new(Arc::new(MemoryBase::default()));
        ContractStore::new(view, Meter::lend(&GasMeter::limited(limit)), &[9; 32], false)
    }

    fn all(store: &mut ContractStore, start: Option<&[u8]>, end: Option<&[u8]>, order: Order) -> Vec<Vec<u8>> {
        let id = store.scan(start, end, order).0.unwrap();
        std::iter::from_fn(|| store.next(id).0.unwrap()).map(|(key, _)| key).collect()
    }

    #[test]
    fn reading_and_writing_cost_what_the_sdk_charges() {
        let mut store = store(u64::MAX);
        let prefix = 33;
        assert_eq!(store.set(b"key", b"value").1.externally_used, (2000 + 30 * (prefix + 3 + 5)) * 140_000);
        assert_eq!(store.get(b"key").1.externally_used, (1000 + 3 * (prefix + 3 + 5)) * 140_000);
        assert_eq!(store.get(b"no").1.externally_used, (1000 + 3 * (prefix + 2)) * 140_000);
        // The first entry is charged when the iterator finds it and again when it is passed.
        let (id, info) = store.scan(None, None, Order::Ascending);
        assert_eq!(info.externally_used, (30 + 3 * (prefix + 3 + 5)) * 140_000);
        assert_eq!(store.next(id.unwrap()).1.externally_used, (30 + 3 * (prefix + 3 + 5)) * 140_000);
        assert_eq!(store.next(0).1.externally_used, 0);
        assert_eq!(store.remove(b"key").1.externally_used, 1000 * 140_000);
        assert_eq!(store.get(b"key").0, Ok(None));
    }

    #[test]
    fn passing_deleted_keys_costs_a_step_and_their_bytes_each() {
        let mut store = store(u64::MAX);
        for key in [b"a", b"b", b"c", b"d"] {
            store.set(key, b"1").0.unwrap();
        }
        for key in [b"a", b"b", b"d"] {
            store.remove(key).0.unwrap();
        }
        let (passing, found) = ((30 + 3 * 34) * 140_000, (30 + 3 * 35) * 140_000);
        let (id, info) = store.scan(None, None, Order::Ascending);
        assert_eq!(info.externally_used, 2 * passing + found);
        let (entry, info) = store.next(id.unwrap());
        assert_eq!(entry.unwrap().unwrap().0, b"c");
        assert_eq!(info.externally_used, passing + found);
        let (_, info) = store.scan(None, None, Order::Descending);
        assert_eq!(info.externally_used, passing + found);
    }

    #[test]
    fn iterators_go_both_ways_between_bounds_and_stay_with_their_contract() {
        let mut store = store(u64::MAX);
        for key in [b"a", b"b", b"c", b"d"] {
            store.set(key, b"1").0.unwrap();
        }
        store.view.set(Store::Wasm, [&keys::state(&[8; 32])[..], b"z"].concat(), b"other".to_vec());
        store.view.set(Store::Wasm, [&keys::state(&[10; 32])[..], b"a"].concat(), b"other".to_vec());
        let keys = |keys: &[&[u8]]| keys.iter().map(|key| key.to_vec()).collect::<Vec<_>>();
        assert_eq!(all(&mut store, None, None, Order::Ascending), keys(&[b"a", b"b", b"c", b"d"]));
        assert_eq!(all(&mut store, None, None, Order::Descending), keys(&[b"d", b"c", b"b", b"a"]));
        assert_eq!(all(&mut store, Some(b"b"), Some(b"d"), Order::Ascending), keys(&[b"b", b"c"]));
        assert_eq!(all(&mut store, Some(b"b"), Some(b"d"), Order::Descending), keys(&[b"c", b"b"]));
        assert!(all(&mut store, Some(b"d"), Some(b"b"), Order::Ascending).is_empty());
        assert!(all(&mut store, Some(b"b"), Some(b"b"), Order::Descending).is_empty());
    }

    #[test]
    fn a_call_opens_at_most_32768_iterators() {
        let mut store = store(u64::MAX);
        for id in 0..MAX_ITERATORS as u32 {
            assert_eq!(store.scan(None, None, Order::Ascending).0, Ok(id));
        }
        let refused = store.scan(None, None, Order::Ascending).0;
        assert_eq!(refused, Err(BackendError::user_err("Reached iterator limit (32768)")));
    }

    #[test]
    fn out_of_gas_stops_before_the_write() {
        let mut store = store(2000);
        assert_eq!(store.set(b"key", b"value").0, Err(BackendError::out_of_gas()));
        assert!(store.view.changes().is_empty());
    }

    #[test]
    fn a_query_writes_nothing() {
        let mut store = ContractStore { readonly: true, ..store(u64::MAX) };
        assert!(store.set(b"key", b"value").0.is_err());
        assert!(store.remove(b"key").0.is_err());
        assert!(store.view.changes().is_empty());
    }

    #[test]
    fn an_unknown_iterator_is_an_error() {
        assert_eq!(store(u64::MAX).next(0).0, Err(BackendError::iterator_does_not_exist(0)));
    }
}
