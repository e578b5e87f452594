//! Files that are written once and never over others.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Makes a folder that only its owner enters, and those above it.
pub fn folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("the folder {} cannot be made", path.display()))
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
            anyhow::anyhow!("{} exists already; remove it, or use another --home", path.display())
        }
        _ => anyhow::Error::new(error).context(format!("{} cannot be written", path.display())),
    })?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))
}
