//! Files that are written once and never over others, folders that are their owner's alone, and what one process at a time may have.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// Makes a folder that only its owner enters, and those above it.
pub fn folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("the folder {} cannot be made", path.display()))
}

/// How often a folder that somebody uses is tried, and the pause between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Takes what one process at a time may have, and waits a second for one that is about to end, or for a child that has not yet closed
/// what it inherited.
pub fn patiently<T, E>(mut take: impl FnMut() -> Result<T, E>, is_taken: impl Fn(&E) -> bool) -> Result<T, E> {
    for _ in 1..TRIES {
        match take() {
            Err(error) if is_taken(&error) => std::thread::sleep(PAUSE),
            taken => return taken,
        }
    }
    take()
}

/// Writes a file that everybody may read.
///
/// # Errors
/// When it exists already, or cannot be written.
pub fn public(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write(path, content, 0o644)
}

/// Writes a program that everybody may run.
///
/// # Errors
/// When it exists already, or cannot be written.
pub fn program(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write(path, content, 0o755)
}

/// Writes a file that only its owner reads.
///
/// # Errors
/// When it exists already, or cannot be written.
pub fn secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write(path, content, 0o600)
}

fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{} exists already; remove it, or choose another folder", path.display())
        }
        _ => anyhow::Error::new(error).context(format!("{} cannot be written", path.display())),
    })?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))
}
