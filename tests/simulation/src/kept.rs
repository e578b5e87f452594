//! Plans that failed, each in a file of `tests/simulation/plans`: once what was wrong is mended, it must not come back.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::run::Failure;
use crate::world::Over;

/// A plan that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// With what it failed, for people.
    pub what: String,
    /// Over what it was run.
    pub over: Over,
    /// The smallest plan that was found to fail.
    pub plan: Plan,
}

/// Where they are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plans")
}

/// Keeps the plan of a failure, so that tests replay it from now on; the file.
///
/// # Errors
/// When it cannot be written.
pub fn keep(failure: &Failure) -> Result<PathBuf> {
    let Failure { plan, what, over, .. } = failure.clone();
    let name = match over {
        Over::Memory => format!("seed-{}.json", plan.seed),
        Over::Node => format!("seed-{}-over-a-node.json", plan.seed),
    };
    let file = folder().join(name);
    fs::create_dir_all(folder())?;
    fs::write(&file, serde_json::to_string_pretty(&Kept { what, over, plan })? + "\n")?;
    Ok(file)
}

/// All of them, by the names of their files.
///
/// # Errors
/// When one cannot be read, naming it.
pub fn kept() -> Result<Vec<(String, Kept)>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kept = serde_json::from_str(&fs::read_to_string(&file)?);
        kept.map(|kept| (name.clone(), kept)).map_err(|error| Error::other(format!("{name}: {error}")))
    };
    files.into_iter().map(read).collect()
}
