//! The machine's store and blobs, over a view: whoever drops the view's layer undoes both.

use std::ops::Bound;

use bauta_rounds::{Blobs, Storage};

use crate::store::{blobs, Order, Store, View};

/// [`Store::Training`] of a view.
pub struct Records(pub View);

impl Storage for Records {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(Store::Training, key)
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.set(Store::Training, key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.delete(Store::Training, key);
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        if start >= end {
            return Vec::new();
        }
        self.0.range(Store::Training, Bound::Included(start), Bound::Excluded(end), Order::Ascending, limit)
    }
}

/// The blobs of a view.
pub struct BlobColumn(pub View);

impl Blobs for BlobColumn {
    fn get(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        blobs::get(&self.0, hash)
    }

    fn part(&self, hash: &[u8; 32], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
        blobs::part(&self.0, hash, offset, limit)
    }

    fn put(&mut self, bytes: &[u8]) -> [u8; 32] {
        blobs::put(&self.0, bytes)
    }

    fn release(&mut self, hash: &[u8; 32]) {
        blobs::release(&self.0, hash);
    }
}
