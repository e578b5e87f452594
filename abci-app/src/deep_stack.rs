//! A thread with a large stack, for everything that may run contracts.
//!
//! Contracts call contracts up to a depth of 100, and each level holds frames of the host and of compiled code; a
//! server's thread of 2 MiB would overflow, which no handler can catch.

/// Bytes of stack.
pub const STACK: usize = 64 << 20;

/// Runs `work` to its end on a thread of its own and gives back what it returns. A panic in it goes on here.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new().name("deep-stack".into()).stack_size(STACK).spawn_scoped(scope, work);
        match spawned.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // Without a thread the node cannot execute blocks as the others do; going on would only fork it.
            Err(error) => panic!("the system gives no thread with a {STACK} byte stack: {error}"),
        }
    })
}
