//! What is kept of a run that failed: what its programs said.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Keeps the logs of a run's programs in a folder of their own, and names it behind the error. Without logs the error stays as it is.
pub fn programs(error: anyhow::Error, logs: Vec<(String, String)>) -> anyhow::Error {
    if logs.is_empty() {
        return error;
    }
    match keep(&logs) {
        Ok(folder) => anyhow::anyhow!("{error:#}; the logs of the chain's programs are kept in {}", folder.display()),
        Err(why) => anyhow::anyhow!("{error:#}; the logs of the chain's programs cannot be kept: {why:#}"),
    }
}

/// The logs that lie in the nodes' folders, by `FOLDER/FILE`.
pub fn logs_in(folder: &Path) -> Vec<(String, String)> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let logs = entries(folder).into_iter().flat_map(|node| entries(&node));
    let read = |log: PathBuf| {
        let name = log.strip_prefix(folder).ok()?.to_str()?.to_owned();
        let said = std::fs::read_to_string(&log).ok()?;
        Some((name, said))
    };
    logs.filter(|path| path.extension().is_some_and(|extension| extension == "log")).filter_map(read).collect()
}

fn keep(logs: &[(String, String)]) -> anyhow::Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix("bauta-demo-logs-").tempdir().context("no folder")?.keep();
    for (name, said) in logs {
        let file = folder.join(name);
        let within = file.parent().unwrap_or(&folder);
        std::fs::create_dir_all(within).with_context(|| format!("{} cannot be made", within.display()))?;
        std::fs::write(&file, said).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_logs_of_every_node_are_kept_and_named() {
        let folder = tempfile::tempdir().unwrap();
        for node in ["node0", "node1"] {
            std::fs::create_dir(folder.path().join(node)).unwrap();
            std::fs::write(folder.path().join(node).join("bautad.log"), format!("{node} said this")).unwrap();
            std::fs::write(folder.path().join(node).join("app.toml"), "no log").unwrap();
        }
        let logs = logs_in(folder.path());
        assert_eq!(logs.len(), 2);
        let said = programs(anyhow::anyhow!("it broke"), logs).to_string();
        let (sentence, kept) = said.split_once("; the logs of the chain's programs are kept in ").unwrap();
        assert_eq!(sentence, "it broke");
        assert_eq!(std::fs::read_to_string(Path::new(kept).join("node1/bautad.log")).unwrap(), "node1 said this");
        std::fs::remove_dir_all(kept).unwrap();
        assert_eq!(programs(anyhow::anyhow!("it broke"), Vec::new()).to_string(), "it broke");
    }
}
