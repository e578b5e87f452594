//! Pages of a list under a prefix (cosmos-sdk types/query; wasmd x/wasm/keeper/querier.go): by key, at most 100 at once.
//! Offsets and totals would make the node walk through everything for one answer, so they are refused, as wasmd does.

use std::ops::Bound;

use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use super::keys;
use crate::error::{Error, Result};
use crate::store::{Order, Store, View};

/// The most entries of a page, and what is given to who asks for no number.
const MAX_LIMIT: u64 = 100;

/// Entries of a page, with their keys after the prefix.
pub(super) type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// The entries of one page, and where the next begins.
pub(super) fn page(view: &View, prefix: &[u8], request: Option<&PageRequest>) -> Result<(Entries, PageResponse)> {
    let default = PageRequest::default();
    let request = request.unwrap_or(&default);
    if request.offset != 0 || request.count_total {
        return Err(Error::invalid_request(
            "rpc error: code = InvalidArgument desc = offset and count queries not supported",
        ));
    }
    let limit = if request.limit == 0 { MAX_LIMIT } else { request.limit.min(MAX_LIMIT) };
    let from = (!request.key.is_empty()).then(|| [prefix, &request.key].concat());
    let end = keys::after(prefix);
    let to_the_end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    // The key of a request is the first key of its page, in both directions.
    let (start, end, order) = match (&from, request.reverse) {
        (None, false) => (Bound::Included(prefix), to_the_end, Order::Ascending),
        (Some(key), false) => (Bound::Included(key.as_slice()), to_the_end, Order::Ascending),
        (None, true) => (Bound::Included(prefix), to_the_end, Order::Descending),
        (Some(key), true) => (Bound::Included(prefix), Bound::Included(key.as_slice()), Order::Descending),
    };
    // One more than the page holds tells where the next begins.
    let mut entries = view.range(Store::Wasm, start, end, order, limit as usize + 1);
    let next_key = match entries.len() as u64 > limit {
        true => entries.pop().map(|(key, _)| key[prefix.len()..].to_vec()).unwrap_or_default(),
        false => Vec::new(),
    };
    let entries = entries.into_iter().map(|(key, value)| (key[prefix.len()..].to_vec(), value)).collect();
    Ok((entries, PageResponse { next_key, total: 0 }))
}

/// All entries under a prefix, with whole keys; for starting and genesis, never for a block or a query.
pub(super) fn all(view: &View, prefix: &[u8]) -> Entries {
    let end = keys::after(prefix);
    let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    view.range(Store::Wasm, Bound::Included(prefix), end, Order::Ascending, usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::MemoryBase;

    fn view(count: u8) -> View {
        let view = View::new(Arc::new(MemoryBase::default()));
        for index in 0..count {
            view.set(Store::Wasm, vec![6, index], vec![index]);
        }
        view.set(Store::Wasm, vec![7, 0], vec![]);
        view
    }

    fn walk(view: &View, limit: u64, reverse: bool) -> Vec<u8> {
        let (mut found, mut key) = (Vec::new(), Vec::new());
        loop {
            let request = PageRequest { key, limit, reverse, ..PageRequest::default() };
            let (entries, next) = page(view, &[6], Some(&request)).unwrap();
            assert!(entries.len() as u64 <= limit.min(MAX_LIMIT));
            found.extend(entries.into_iter().map(|(_, value)| value[0]));
            if next.next_key.is_empty() {
                return found;
            }
            key = next.next_key;
        }
    }

    #[test]
    fn pages_put_together_are_the_list_in_both_directions() {
        for count in [0, 1, 5, 6, 7] {
            let ascending: Vec<u8> = (0..count).collect();
            let descending: Vec<u8> = (0..count).rev().collect();
            for limit in [1, 2, 3, 100] {
                assert_eq!(walk(&view(count), limit, false), ascending);
                assert_eq!(walk(&view(count), limit, true), descending);
            }
        }
    }

    #[test]
    fn a_page_has_at_most_a_hundred_entries() {
        let request = PageRequest { limit: 1_000, ..PageRequest::default() };
        assert_eq!(page(&view(150), &[6], Some(&request)).unwrap().0.len(), 100);
        assert_eq!(page(&view(150), &[6], None).unwrap().0.len(), 100);
    }

    #[test]
    fn offsets_and_totals_are_refused() {
        let offset = PageRequest { offset: 1, ..PageRequest::default() };
        let count = PageRequest { count_total: true, ..PageRequest::default() };
        for request in [offset, count] {
            assert_eq!(page(&view(1), &[6], Some(&request)).unwrap_err().code, 18);
        }
    }
}
