//! The command line: keys, tasks, data providers, contracts, and the demo.
//!
//! Each command group is a module of [`commands`]; a command answers with an [`answer::Answer`], which is printed as text or as JSON,
//! or with a [`failure::Failure`]: one sentence, a hint, and the exit code.

mod answer;
mod args;
mod ask;
mod commands;
mod context;
mod demo;
mod failure;
mod progress;
mod settings;
mod show;
mod task_file;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let wanted = cli.global.output;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::Failure::new(format!("the program's threads cannot be started: {error}"))
                .print(wanted.unwrap_or_default());
        }
    };
    let (format, result) = runtime.block_on(commands::run(cli));
    // Work that was given up (a lookup of a host's name, say) is not waited for.
    runtime.shutdown_background();
    match result {
        Ok(answer) => answer.print(format),
        Err(failure) => failure.print(format),
    }
}
