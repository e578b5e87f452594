//! Load comes from other machines; here it shares one with the node, and gives way to it.

use std::process::{Command, Stdio};

/// How much less than the node's (nice(1)).
const NICENESS: &str = "10";

/// Lowers the priority of this process, of all its threads but those of this name and of those they begin: what provides load, and not
/// what is measured. Programs that run already keep theirs.
///
/// # Errors
/// When the system does not show the threads, or has no `renice`.
pub fn gives_way_but(name: &str) -> anyhow::Result<()> {
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?;
        // One that has ended meanwhile needs nothing.
        let Ok(called) = std::fs::read_to_string(thread.path().join("comm")) else { continue };
        if called.trim_end() != name {
            let thread = thread.file_name();
            Command::new("renice").args(["-n", NICENESS, "-p"]).arg(thread).stdout(Stdio::null()).status()?;
        }
    }
    Ok(())
}
