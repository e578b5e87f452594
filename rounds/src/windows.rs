//! When a window closes. Windows count blocks whose reserved lane was not full, so that a proposer who fills the lane gains nothing.

use bauta_schema::training::v1::Window;

/// How far the chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Height of the block that ends.
    pub height: u64,
    /// Counted blocks, this one included.
    pub counted: u64,
    /// Shortest window, in blocks: W_min.
    pub min_window: u32,
}

impl Now {
    /// A window that opens now.
    pub fn open(&self, length: u32) -> Window {
        Window { opened_height: self.height, opened_counted: self.counted, length }
    }

    /// Whether the window's length has passed: what comes in a later block is late.
    pub fn has_expired(&self, window: &Window) -> bool {
        self.counted.saturating_sub(window.opened_counted) >= u64::from(window.length)
    }

    /// Whether the window may close although its length has not passed: after W_min blocks, so that proposers with more than a third
    /// of the power had their turn, when nobody is left to wait for.
    pub fn may_close_early(&self, window: &Window, nobody_is_awaited: bool) -> bool {
        nobody_is_awaited && self.height.saturating_sub(window.opened_height) >= u64::from(self.min_window)
    }

    /// Whether the window closes at the end of this block.
    pub fn closes(&self, window: &Window, nobody_is_awaited: bool) -> bool {
        self.has_expired(window) || self.may_close_early(window, nobody_is_awaited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { opened_height: 10, opened_counted: 7, length: 5 };

    #[test]
    fn a_window_closes_at_the_end_of_its_last_counted_block() {
        let at = |height, counted| Now { height, counted, min_window: 3 };
        assert!(!at(14, 11).closes(&WINDOW, false));
        assert!(at(15, 12).closes(&WINDOW, false));
    }

    #[test]
    fn full_blocks_do_not_bring_the_end_nearer() {
        assert!(!Now { height: 100, counted: 11, min_window: 3 }.closes(&WINDOW, false));
    }

    #[test]
    fn nobody_awaited_closes_it_no_sooner_than_the_shortest_window() {
        let at = |height| Now { height, counted: height - 3, min_window: 3 };
        assert!(!at(12).closes(&WINDOW, true));
        assert!(at(13).closes(&WINDOW, true));
        assert!(!at(13).closes(&WINDOW, false));
    }
}
