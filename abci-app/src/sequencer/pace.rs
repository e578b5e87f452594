//! When the next block is made, and who waits for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{lock, EngineError, Pacing, Shared};

/// Who runs, who waits, and whether there is work.
pub(super) struct Pace {
    pacing: Pacing,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By number: the height that must be passed, for those who wait; `None` for those who run.
    participants: BTreeMap<u64, Option<u64>>,
    next: u64,
    height: u64,
    work: bool,
    stopped: Option<String>,
}

impl State {
    fn all_wait(&self) -> bool {
        self.participants.values().all(Option::is_some)
    }
}

impl Pace {
    pub(super) fn new(pacing: Pacing) -> Self {
        Self { pacing, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits until the next block is due; `false` when the engine is to stop.
    pub(super) fn due(&self) -> bool {
        let mut state = self.state();
        loop {
            if state.stopped.is_some() {
                return false;
            }
            let due = match self.pacing {
                Pacing::Lockstep if state.participants.is_empty() => state.work,
                Pacing::Lockstep => state.all_wait(),
                Pacing::Immediate => state.work,
                Pacing::Interval(every) => return self.pause(state, every),
            };
            if due {
                return true;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the whole interval, however often it is woken: work does not hurry an interval.
    fn pause(&self, state: MutexGuard<'_, State>, every: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(state, every, |state| state.stopped.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        state.stopped.is_none()
    }

    /// Whether blocks are made in lockstep, so that the order of a block's transactions must not depend on timing.
    pub(super) fn is_lockstep(&self) -> bool {
        self.pacing == Pacing::Lockstep
    }

    /// Says whether the mempool holds something.
    pub(super) fn set_work(&self, work: bool) {
        self.state().work = work;
        self.changed.notify_all();
    }

    /// A block was committed: those whose height is passed run again. Under one lock, so that the next block is not due
    /// before they have waited again.
    pub(super) fn passed(&self, height: u64) {
        let mut state = self.state();
        state.height = height;
        for waits in state.participants.values_mut() {
            if waits.is_some_and(|target| target < height) {
                *waits = None;
            }
        }
    }

    /// Ends it; the first reason stays.
    pub(super) fn stop(&self, reason: &str) {
        self.state().stopped.get_or_insert_with(|| reason.to_string());
        self.changed.notify_all();
    }

    pub(super) fn stopped(&self) -> Option<EngineError> {
        self.state().stopped.clone().map(EngineError::Stopped)
    }
}

/// Registers participants.
#[derive(Clone)]
pub struct Lockstep(Arc<Shared>);

impl Lockstep {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// A participant, running. No block is made in lockstep until it waits.
    pub fn register(&self) -> Participant {
        let mut state = self.0.pace.state();
        let number = state.next;
        state.next += 1;
        state.participants.insert(number, None);
        Participant { shared: Arc::clone(&self.0), number }
    }
}

/// Somebody without whom no block is made in lockstep. Dropping it unregisters it.
pub struct Participant {
    shared: Arc<Shared>,
    number: u64,
}

impl Participant {
    /// Waits until the chain is higher than `height`; the height it then has.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn wait_past(&mut self, height: u64) -> Result<u64, EngineError> {
        // Subscribed before the look at the height, so that no block is missed between the two.
        let mut heights = self.shared.height.subscribe();
        let _waits = {
            let mut state = self.shared.pace.state();
            if state.height > height {
                return Ok(state.height);
            }
            state.participants.insert(self.number, Some(height));
            Waits { shared: Arc::clone(&self.shared), number: self.number }
        };
        self.shared.pace.changed.notify_all();
        loop {
            if *heights.borrow_and_update() > height {
                return Ok(*heights.borrow());
            }
            if let Some(stopped) = self.shared.pace.stopped() {
                return Err(stopped);
            }
            // A closed channel means that the engine is gone; the next turn says so.
            if heights.changed().await.is_err() {
                return Err(EngineError::Stopped("it is gone".into()));
            }
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.shared.pace.state().participants.remove(&self.number);
        self.shared.pace.changed.notify_all();
    }
}

/// Somebody waits. Who gives the wait up runs again.
struct Waits {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Some(waits) = self.shared.pace.state().participants.get_mut(&self.number) {
            *waits = None;
        }
    }
}
