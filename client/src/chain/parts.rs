//! Long answers, which are read part by part: an engine has one connection for all questions, and a long answer would hold up the others.

use super::query::bad;
use super::ChainError;

/// Most bytes that are read part by part: more than those of the most elements that a task may have, 2^26.
const MAX_BYTES: u64 = 1 << 30;

/// What has been read so far. What a node says of the number of bytes is not trusted: memory is taken as they come.
pub(super) struct Parts {
    method: &'static str,
    bytes: Vec<u8>,
    total: Option<u64>,
}

impl Parts {
    /// Nothing yet of what a method answers.
    pub(super) fn of(method: &'static str) -> Self {
        Self { method, bytes: Vec::new(), total: None }
    }

    /// Where the next part begins.
    pub(super) fn offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether there is more to ask for.
    pub(super) fn are_missing(&self) -> bool {
        self.total.is_none_or(|total| self.offset() < total)
    }

    /// Takes the next part; `total` is how many bytes there are in all.
    pub(super) fn add(&mut self, part: &[u8], total: u64) -> Result<(), ChainError> {
        if *self.total.get_or_insert(total) != total {
            return Err(bad(self.method, "its length is another than before"));
        }
        if total > MAX_BYTES {
            return Err(bad(self.method, &format!("{total} bytes are announced; no task has more than {MAX_BYTES}")));
        }
        if part.is_empty() && self.are_missing() || self.offset() + part.len() as u64 > total {
            return Err(bad(self.method, "its parts are not as long as it is"));
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    /// What has been read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, owned.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_together() {
        let mut parts = Parts::of("Model");
        for (offset, part) in [(0, b"abc".as_slice()), (3, b"d"), (4, b"ef")] {
            assert!(parts.are_missing());
            assert_eq!(parts.offset(), offset);
            parts.add(part, 6).expect("it goes on");
        }
        assert!(!parts.are_missing());
        assert_eq!(parts.into_bytes(), b"abcdef");
    }

    #[test]
    fn what_has_no_bytes_is_read_at_once() {
        let mut parts = Parts::of("Model");
        parts.add(b"", 0).expect("nothing");
        assert!(!parts.are_missing());
    }

    #[test]
    fn a_node_that_changes_its_mind_or_never_ends_is_not_followed() {
        let refused = |adds: &[(&[u8], u64)], why: &str| {
            let mut parts = Parts::of("Model");
            let (last, before) = adds.split_last().expect("one at least");
            for (part, total) in before {
                parts.add(part, *total).expect("it goes on");
            }
            let error = parts.add(last.0, last.1).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(&[(b"abc", 6), (b"def", 7)], "another than before");
        refused(&[(b"abc", 6), (b"", 6)], "not as long");
        refused(&[(b"abc", 6), (b"defg", 6)], "not as long");
        refused(&[(b"abc", MAX_BYTES + 1)], "are announced");
    }
}
