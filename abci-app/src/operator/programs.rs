//! Where the programs of a chain are found, and how CometBFT is had.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{bail, Context as _};

/// How often it is looked whether a program has said its version, and how often at most.
const LOOK: Duration = Duration::from_millis(20);
const VERSION_LOOKS: u32 = 1_500;
/// How often a module's download is tried.
const ATTEMPTS: u32 = 3;

/// What the node is tested with.
pub const COMETBFT_VERSION: &str = "v0.38.25";

/// The node: beside this program, then on PATH.
///
/// # Errors
/// When it is in neither place.
pub fn bautad() -> anyhow::Result<PathBuf> {
    find("bautad").context(
        "bautad is neither beside bauta nor on PATH; build it with `cargo build --release --bin bautad`, or install it",
    )
}

/// CometBFT: beside this program, on PATH, or in the project's cache, where it is installed when it is missing.
///
/// # Errors
/// When it is missing and Go cannot install it.
pub fn cometbft(say: impl Fn(String)) -> anyhow::Result<PathBuf> {
    for found in places("cometbft").filter(|found| is_program(found)) {
        match version(&found) {
            Ok(version) if is_tested(&version) => return Ok(found),
            Ok(other) => {
                say(format!("cometbft    {} is {other:?}, not {COMETBFT_VERSION}; it is not used", found.display()))
            }
            Err(why) => say(format!("cometbft    {} is not used: {why:#}", found.display())),
        }
    }
    let folder = cache()?.join("bin");
    let program = folder.join("cometbft");
    let is_installed = || is_program(&program) && version(&program).is_ok_and(|version| is_tested(&version));
    if is_installed() {
        return Ok(program);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // Whoever comes while another installs it waits, and finds it.
    let turn = folder.join("cometbft.lock");
    let turn = File::create(&turn).with_context(|| format!("{} cannot be written", turn.display()))?;
    turn.lock().context("the cache cannot be locked")?;
    if is_installed() {
        return Ok(program);
    }
    say(format!("cometbft    installing {COMETBFT_VERSION} into {} with Go, once; about a minute", folder.display()));
    let mut attempt = 1;
    while let Err(error) = install(&folder, &program) {
        if attempt == ATTEMPTS || !has_go() {
            return Err(error);
        }
        attempt += 1;
        say(format!("cometbft    {error:#}; trying again"));
    }
    Ok(program)
}

/// Installs it beside its place first: nobody finds half of it.
fn install(folder: &Path, program: &Path) -> anyhow::Result<()> {
    let package = format!("github.com/cometbft/cometbft/cmd/cometbft@{COMETBFT_VERSION}");
    let beside = folder.join("installing");
    let output = Command::new("go").arg("install").arg(&package).env("GOBIN", &beside).env("GOFLAGS", "").output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "cometbft is missing, and so is Go to install it with; install Go, or put cometbft {COMETBFT_VERSION} on PATH"
        ),
        Err(error) => return Err(error).context("go cannot be run"),
    };
    let installed = beside.join("cometbft");
    if !output.status.success() || !installed.is_file() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`go install {package}` failed: {}", said.lines().last().unwrap_or("it said nothing"));
    }
    std::fs::rename(&installed, program).with_context(|| format!("{} cannot be written", program.display()))
}

fn has_go() -> bool {
    Command::new("go").arg("version").output().is_ok_and(|output| output.status.success())
}

/// What a program says its version is.
fn version(program: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.arg("version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("it cannot be run")?;
    let mut looks = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        looks += 1;
        if looks > VERSION_LOOKS {
            let _ = child.kill();
            let _ = child.wait();
            bail!("it does not answer to `version`");
        }
        std::thread::sleep(LOOK);
    };
    anyhow::ensure!(status.success(), "`version` ends with {status}");
    let mut said = String::new();
    // What a version is longer than is none.
    let read = child.stdout.take().map(|said_by| said_by.take(4096).read_to_string(&mut said));
    read.transpose().context("it says no text")?;
    Ok(said.lines().next().unwrap_or_default().trim().chars().take(80).collect())
}

/// Whether it is the version that the node is tested with. What was built from a commit says that behind a plus sign.
fn is_tested(version: &str) -> bool {
    let number = version.split('+').next().unwrap_or_default();
    number.trim_start_matches('v') == COMETBFT_VERSION.trim_start_matches('v')
}

fn find(name: &str) -> Option<PathBuf> {
    places(name).find(|place| is_program(place))
}

/// Whether a path names a program, and not a folder or another file of that name.
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Where a program is looked for: beside this one, then on PATH.
fn places(name: &str) -> impl Iterator<Item = PathBuf> {
    let own = std::env::current_exe().ok();
    let folder = own.as_deref().and_then(Path::parent);
    // Tests lie one folder below the programs that are built with them.
    let above = folder.filter(|folder| folder.ends_with("deps")).and_then(Path::parent);
    let beside: Vec<PathBuf> = folder.into_iter().chain(above).map(|folder| folder.join(name)).collect();
    beside.into_iter().chain(on_path(name))
}

// What the demo starts does not depend on what a block does.
#[allow(clippy::disallowed_methods)]
fn on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).collect()
}

#[allow(clippy::disallowed_methods)]
fn cache() -> anyhow::Result<PathBuf> {
    let folder = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache")
        }
    };
    Ok(folder.join("bauta"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, says: &str, mode: u32) -> PathBuf {
        let path = folder.join("cometbft");
        std::fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = version ] && echo '{says}'\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    #[test]
    fn another_version_is_told_from_the_one_that_is_tested() {
        let folder = tempfile::tempdir().expect("a folder");
        for (says, tested) in
            [("0.38.25", true), ("v0.38.25+a1b2c3", true), ("0.38.2", false), ("1.0.1", false), ("", false)]
        {
            let found = version(&program(folder.path(), says, 0o755)).expect("it says one");
            assert_eq!(is_tested(&found), tested, "{says:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_program(folder.path()));
        assert!(!is_program(&program(folder.path(), "0.38.25", 0o644)));
        assert!(is_program(&program(folder.path(), "0.38.25", 0o755)));
    }
}
