//! Content-addressed blobs: chunks and models, counted by reference, outside of every tree.
//!
//! The trees hold hashes; a blob is found under its SHA-256. Whoever stores a hash in a tree holds one reference and
//! releases it when the hash goes. Writes are changes of the view like all others, so a failed transaction leaves none.

use std::ops::Bound;

use sha2::{Digest, Sha256};

use super::{Order, Store, View};

const CONTENT: u8 = b'b';
const COUNT: u8 = b'n';

fn key(kind: u8, hash: &[u8; 32]) -> Vec<u8> {
    let mut key = Vec::with_capacity(33);
    key.push(kind);
    key.extend_from_slice(hash);
    key
}

/// The bytes with this SHA-256.
pub fn get(view: &View, hash: &[u8; 32]) -> Option<Vec<u8>> {
    view.get(Store::Blobs, &key(CONTENT, hash))
}

/// At most `limit` of these bytes from `offset` on, and how many there are in all.
pub fn part(view: &View, hash: &[u8; 32], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
    view.part(Store::Blobs, &key(CONTENT, hash), offset, limit)
}

/// How many references there are.
pub fn references(view: &View, hash: &[u8; 32]) -> u64 {
    view.get(Store::Blobs, &key(COUNT, hash)).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Stores bytes, or counts one more reference to them; their SHA-256.
pub fn put(view: &View, bytes: &[u8]) -> [u8; 32] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let count = references(view, &hash);
    if count == 0 {
        view.set(Store::Blobs, key(CONTENT, &hash), bytes.to_vec());
    }
    view.set(Store::Blobs, key(COUNT, &hash), count.saturating_add(1).to_be_bytes().to_vec());
    hash
}

/// Gives one reference back; the bytes go with the last.
pub fn release(view: &View, hash: &[u8; 32]) {
    match references(view, hash) {
        0 => {}
        1 => {
            view.delete(Store::Blobs, &key(CONTENT, hash));
            view.delete(Store::Blobs, &key(COUNT, hash));
        }
        count => view.set(Store::Blobs, key(COUNT, hash), (count - 1).to_be_bytes().to_vec()),
    }
}

/// All blobs, in the order of their hashes: bytes and references.
pub fn all(view: &View) -> Vec<(Vec<u8>, u64)> {
    let (start, end) = ([CONTENT], [CONTENT + 1]);
    let found =
        view.range(Store::Blobs, Bound::Included(&start[..]), Bound::Excluded(&end[..]), Order::Ascending, usize::MAX);
    let counted = found.into_iter().filter_map(|(key, bytes)| {
        let hash: [u8; 32] = key[1..].try_into().ok()?;
        Some((bytes, references(view, &hash)))
    });
    counted.collect()
}

/// Stores bytes with a number of references, for a genesis.
pub fn restore(view: &View, bytes: &[u8], count: u64) {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    view.set(Store::Blobs, key(CONTENT, &hash), bytes.to_vec());
    view.set(Store::Blobs, key(COUNT, &hash), count.to_be_bytes().to_vec());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::MemoryBase;

    #[test]
    fn a_blob_stays_until_its_last_reference_is_released() {
        let view = View::new(Arc::new(MemoryBase::default()));
        let hash = put(&view, b"chunk");
        assert_eq!(put(&view, b"chunk"), hash);
        release(&view, &hash);
        assert_eq!(get(&view, &hash).as_deref(), Some(b"chunk".as_slice()));
        release(&view, &hash);
        assert_eq!(get(&view, &hash), None);
        release(&view, &hash);
        assert_eq!(references(&view, &hash), 0);
    }

    #[test]
    fn a_discarded_layer_takes_its_references_back() {
        let view = View::new(Arc::new(MemoryBase::default()));
        let hash = put(&view, b"chunk");
        view.begin();
        release(&view, &hash);
        assert_eq!(get(&view, &hash), None);
        view.discard();
        assert_eq!(references(&view, &hash), 1);
    }
}
