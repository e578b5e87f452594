//! What a plan runs over: the machine in memory, or a whole node.

use bauta_rounds::{state, Call, Storage};
use bauta_schema::training::v1 as pb;
use serde::{Deserialize, Serialize};

/// The one task.
pub const TASK: u64 = 1;
/// What the task may cost.
pub const BUDGET: &str = "1000000000";

/// The worlds that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The machine in memory.
    Memory,
    /// A whole node, with its contracts in the VM.
    Node,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Records of the machine.
    pub records: usize,
    /// Bytes of its blobs.
    pub blobs: usize,
}

/// A chain with a plan's task, whose providers are registered and bonded. What it can see of coins it looks at after every block.
pub trait World {
    /// The addresses of the providers.
    fn providers(&self) -> &[Vec<u8>];

    /// The machine's records, as a provider sees them who decides what to send.
    fn records(&self) -> &dyn Storage;

    /// A blob of the machine.
    fn blob(&self, hash: &[u8; 32]) -> Option<Vec<u8>>;

    /// How much the machine keeps.
    fn size(&self) -> Size;

    /// The height of the block that is made.
    fn height(&self) -> u64;

    /// Every verdict that was carried out so far.
    fn verdicts(&self) -> &[pb::Verdict];

    /// Takes a provider's message into the block that is made. Whether it is refused shows in what happens to its sender.
    ///
    /// # Errors
    /// What must never happen.
    fn deliver(&mut self, provider: usize, call: Call) -> Result<(), String>;

    /// Ends the block. One whose lane is full does not count towards windows.
    ///
    /// # Errors
    /// What must never happen: coins are made or lost, or the chain stands still.
    fn end_block(&mut self, is_full: bool) -> Result<(), String>;

    /// Whether lanes are full when messages fill them, and not when the plan says so.
    fn fills_itself(&self) -> bool {
        false
    }

    /// Restarts what a world has of a node; whether it has one.
    ///
    /// # Errors
    /// When it does not come back as it was.
    fn restart(&mut self) -> Result<bool, String> {
        Ok(false)
    }

    /// The task.
    ///
    /// # Errors
    /// When its record is broken.
    fn task(&self) -> Result<pb::Task, String> {
        state::task(self.records(), TASK).map_err(|error| error.to_string())
    }

    /// The current epoch.
    ///
    /// # Errors
    /// When its record is broken.
    fn epoch(&self) -> Result<pb::Epoch, String> {
        state::epoch(self.records(), TASK, self.task()?.epoch).map_err(|error| error.to_string())
    }

    /// The running round, or the last; none before the first.
    ///
    /// # Errors
    /// When its record is broken.
    fn round(&self) -> Result<Option<pb::Round>, String> {
        state::find_round(self.records(), TASK, self.task()?.round).map_err(|error| error.to_string())
    }

    /// Blocks so far that do not count, and a few.
    ///
    /// # Errors
    /// When the record is broken.
    fn uncounted(&self) -> Result<u64, String> {
        let counters = state::counters(self.records()).map_err(|error| error.to_string())?;
        Ok(self.height().saturating_sub(counters.counted_blocks))
    }
}
