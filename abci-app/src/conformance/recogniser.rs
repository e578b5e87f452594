//! Reading calls one at a time.

use std::collections::VecDeque;
use std::fmt;
use std::sync::LazyLock;

use super::automaton::{Automaton, Places};
use super::grammar::{Call, START};

static AUTOMATON: LazyLock<Automaton> = LazyLock::new(|| Automaton::of(&START));

/// How many calls are remembered, for the sentence about a wrong one.
const REMEMBERED: usize = 12;

/// In every sentence about a wrong call, and so in the logs of a node whose engine makes one.
pub const OUT_OF_ORDER: &str = "is out of CometBFT's order";

/// What an engine may call next, after what it has called. Its memory does not grow with the calls.
///
/// An engine may end after any call; the run that follows begins with `Info`. An `Info` may as well be a client's question that the
/// engine passes on, after which everything goes on as before: both are followed until later calls tell them apart. As long as
/// nothing is committed, the engine that comes back begins the chain again (CometBFT v0.38, consensus/replay.go,
/// `ReplayBlocks`), which the grammar's `recovery` leaves out.
#[derive(Debug, Clone)]
pub struct Recogniser {
    next: Places,
    committed: bool,
    recent: VecDeque<Call>,
    calls: u64,
}

impl Default for Recogniser {
    fn default() -> Self {
        Self { next: AUTOMATON.first, committed: false, recent: VecDeque::new(), calls: 0 }
    }
}

impl Recogniser {
    /// Takes the next call.
    ///
    /// # Errors
    /// When CometBFT makes no such call here. The call counts as made: what may follow it in other places may follow it now.
    pub fn take(&mut self, call: Call) -> Result<(), WrongCall> {
        let here = AUTOMATON.places_of(call);
        let found = self.next.within(here);
        let wrong = if found.is_empty() && call != Call::Info {
            Some(WrongCall { call, number: self.calls + 1, expected: self.expected(), after: self.recent() })
        } else {
            None
        };
        self.next = match call {
            Call::Info => self.after_info(found),
            _ if wrong.is_some() => AUTOMATON.after(here),
            _ => AUTOMATON.after(found),
        };
        self.committed |= call == Call::Commit;
        self.calls += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(call);
        wrong.map_or(Ok(()), Err)
    }

    fn after_info(&self, found: Places) -> Places {
        let begins = AUTOMATON.first.within(AUTOMATON.places_of(Call::Info));
        let next = self.next.and(AUTOMATON.after(found)).and(AUTOMATON.after(begins));
        if self.committed {
            return next;
        }
        next.and(AUTOMATON.first)
    }

    /// What may come next. `Info` may always; it is named where the grammar has it.
    pub fn expected(&self) -> Vec<Call> {
        let may_come = |call: &Call| !self.next.within(AUTOMATON.places_of(*call)).is_empty();
        Call::ALL.into_iter().filter(may_come).collect()
    }

    /// The last calls, the latest at the end.
    pub fn recent(&self) -> Vec<Call> {
        self.recent.iter().copied().collect()
    }
}

/// A call that CometBFT does not make at this point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongCall {
    /// The call.
    pub call: Call,
    /// The how many-th it was, from 1.
    pub number: u64,
    /// What may have come instead.
    pub expected: Vec<Call>,
    /// The calls before it, the latest at the end.
    pub after: Vec<Call>,
}

impl std::error::Error for WrongCall {}

impl fmt::Display for WrongCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |calls: &[Call]| calls.iter().map(Call::to_string).collect::<Vec<_>>().join(", ");
        let after = match self.after.as_slice() {
            [] => "at the start".to_owned(),
            calls => format!("after {}", list(calls)),
        };
        write!(
            out,
            "call {}, {}, {OUT_OF_ORDER}: {after}, expected was one of {}",
            self.number,
            self.call,
            list(&self.expected)
        )
    }
}

#[cfg(test)]
mod tests;
