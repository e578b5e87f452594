//! Pages of long answers, as `cosmos.base.query.v1beta1` asks for them.

use std::ops::Bound;

use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use crate::error::{grpc, Error, Result};
use crate::store::{Order, Store, View};

/// Entries of a page when none is asked for (cosmos-sdk types/query/pagination.go).
const DEFAULT_LIMIT: u64 = 100;
/// No page is longer, whatever is asked for.
const MAX_LIMIT: u64 = 1_000;
/// The furthest that an offset skips, and a total counts: a page key reaches any entry at no such cost.
const MAX_WALK: u64 = 10_000;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct Page {
    key: Vec<u8>,
    offset: u64,
    limit: u64,
    count_total: bool,
    order: Order,
}

/// The error for a request that is no protobuf of its kind.
pub fn malformed(error: prost::DecodeError) -> Error {
    grpc::invalid_argument(format!("the request is not readable: {error}"))
}

impl Page {
    /// Reads a request; the first hundred if there is none.
    ///
    /// # Errors
    /// Invalid argument when both a key and an offset are given, or the offset is too far.
    pub fn read(request: Option<PageRequest>) -> Result<Self> {
        let request = request.unwrap_or_default();
        if !request.key.is_empty() && request.offset > 0 {
            return Err(grpc::invalid_argument("invalid request, either offset or key is expected, got both"));
        }
        if request.offset > MAX_WALK {
            return Err(grpc::invalid_argument(format!("an offset is at most {MAX_WALK}; go on with next_key")));
        }
        Ok(Self {
            key: request.key,
            offset: request.offset,
            limit: if request.limit == 0 { DEFAULT_LIMIT } else { request.limit.min(MAX_LIMIT) },
            // The SDK counts when no limit is given.
            count_total: request.count_total || request.limit == 0,
            order: if request.reverse { Order::Descending } else { Order::Ascending },
        })
    }

    /// The entries of the page among those whose keys start with `prefix`; keys come without it.
    ///
    /// # Errors
    /// None today; queries answer errors alike.
    pub fn collect(&self, view: &View, store: Store, prefix: &[u8]) -> Result<(Vec<Entry>, PageResponse)> {
        let end = prefix_end(prefix);
        let mut at = prefix.to_vec();
        at.extend_from_slice(&self.key);
        let (start, end) = match (self.key.is_empty(), self.order) {
            (true, _) => (Bound::Included(prefix.to_vec()), end),
            // `next_key` names the entry with which the next page starts.
            (false, Order::Ascending) => (Bound::Included(at), end),
            (false, Order::Descending) => (Bound::Included(prefix.to_vec()), Bound::Included(at)),
        };
        // One more than the page, for the next page's key; all that may be counted, if asked.
        let wanted = self.offset.saturating_add(self.limit).saturating_add(1);
        let counting = self.count_total && self.key.is_empty();
        let walk = if counting { wanted.max(MAX_WALK) } else { wanted };
        let found = view.range(store, as_slice(&start), as_slice(&end), self.order, walk as usize);
        let total = if counting { found.len() as u64 } else { 0 };
        let mut entries = found
            .into_iter()
            .skip(self.offset as usize)
            .take(self.limit as usize + 1)
            .map(|(key, value)| (key[prefix.len()..].to_vec(), value))
            .collect::<Vec<_>>();
        let next_key = if entries.len() as u64 > self.limit {
            entries.pop().map(|(key, _)| key).unwrap_or_default()
        } else {
            Vec::new()
        };
        Ok((entries, PageResponse { next_key, total }))
    }
}

/// The bound behind the last key that starts with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}
