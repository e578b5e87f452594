//! A thread with a large stack, for everything that may run contracts.
//!
//! Contracts call contracts up to a depth of 100, and each level holds frames of the host and of compiled code; a
//! server's thread of 2 MiB would overflow, which no handler can catch.

use std::cell::Cell;

/// Bytes of stack.
pub const STACK: usize = 64 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` to its end on a thread of its own and gives back what it returns; on this thread if it is deep already. A
/// panic in it goes on here.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if IS_DEEP.get() {
        return work();
    }
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("deep-stack".into()).stack_size(STACK);
        let spawned = builder.spawn_scoped(scope, || {
            IS_DEEP.set(true);
            work()
        });
        match spawned.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // Without a thread the node cannot execute blocks as the others do; going on would only fork it.
            Err(error) => panic!("the system gives no thread with a {STACK} byte stack: {error}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nested_work_stays_on_the_deep_thread() {
        let (outer, inner) = run(|| (thread::current().id(), run(|| thread::current().id())));
        assert_eq!(outer, inner);
        assert_ne!(outer, thread::current().id());
    }

    #[test]
    fn a_panic_keeps_its_payload() {
        let caught = std::panic::catch_unwind(|| run::<()>(|| panic!("on purpose")));
        assert_eq!(caught.expect_err("it panicked").downcast_ref::<&str>(), Some(&"on purpose"));
    }
}
