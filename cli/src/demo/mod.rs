//! The demo: a chain, its providers and a task in this process, with every result checked.

pub mod args;

/// Runs the demo.
pub async fn run(_args: args::Args) -> anyhow::Result<()> {
    anyhow::bail!("this build has no demo; build bauta from a checkout that has cli/src/demo")
}
