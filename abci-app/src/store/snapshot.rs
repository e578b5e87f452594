//! One committed state, readable while later ones are written.

use std::ops::Bound;

use redb::{ReadOnlyTable, ReadTransaction};

use super::disk::{LastBlock, StoreError, NODES, ROOTS, STORES, VALUES};
use super::view::{part_of, Base, Order};
use super::Store;

/// A row's key and its value.
type Entry = (Vec<u8>, Vec<u8>);
type Rows = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A committed state.
pub struct Snapshot {
    stores: Vec<Rows>,
    nodes: Rows,
    values: Rows,
    roots: Rows,
    last: LastBlock,
}

impl Snapshot {
    pub(super) fn open(read: &ReadTransaction, last: LastBlock) -> Result<Self, StoreError> {
        Ok(Self {
            stores: STORES.into_iter().map(|table| read.open_table(table)).collect::<Result<_, _>>()?,
            nodes: read.open_table(NODES)?,
            values: read.open_table(VALUES)?,
            roots: read.open_table(ROOTS)?,
            last,
        })
    }

    /// The block whose state this is.
    pub fn last(&self) -> &LastBlock {
        &self.last
    }

    pub(super) fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.nodes.get(key)?.map(|bytes| bytes.value().to_vec()))
    }

    /// The newest value row of a key between two versions, as its row key and its bytes.
    pub(super) fn newest_value(&self, from: &[u8], to: &[u8]) -> Result<Option<Entry>, StoreError> {
        newest(&self.values, from, to)
    }

    /// The newest root row between two heights.
    pub(super) fn newest_root(&self, from: &[u8], to: &[u8]) -> Result<Option<Entry>, StoreError> {
        newest(&self.roots, from, to)
    }
}

fn newest(rows: &Rows, from: &[u8], to: &[u8]) -> Result<Option<Entry>, StoreError> {
    let found = rows.range::<&[u8]>(from..=to)?.next_back().transpose()?;
    Ok(found.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
}

/// A disk that cannot be read leaves no state to go on with: the process stops rather than compute another state than
/// the other nodes. No peer and no client can cause it.
fn read<T>(result: Result<T, impl std::fmt::Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the state's database cannot be read: {error}"),
    }
}

impl Base for Snapshot {
    fn get(&self, store: Store, key: &[u8]) -> Option<Vec<u8>> {
        read(self.stores[store.index()].get(key)).map(|value| value.value().to_vec())
    }

    fn part(&self, store: Store, key: &[u8], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
        read(self.stores[store.index()].get(key)).map(|value| part_of(value.value(), offset, limit))
    }

    fn next(&self, store: Store, start: Bound<&[u8]>, end: Bound<&[u8]>, order: Order) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut rows = read(self.stores[store.index()].range::<&[u8]>((start, end)));
        let row = match order {
            Order::Ascending => rows.next(),
            Order::Descending => rows.next_back(),
        };
        row.map(|row| {
            let (key, value) = read(row);
            (key.value().to_vec(), value.value().to_vec())
        })
    }
}
