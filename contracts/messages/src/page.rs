//! How long one page of a list may be. Lists are walked with `start_after`, which names the last item of the page before.

/// Items in a page when the query names no limit.
pub const DEFAULT_PAGE: u32 = 30;

/// The most items in a page, whatever the query asks for.
pub const MAX_PAGE: u32 = 100;

/// The number of items to return for the `limit` of a query. A limit of zero counts as one, so that a walk always moves on.
pub fn page_size(limit: Option<u32>) -> usize {
    limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE) as usize
}
