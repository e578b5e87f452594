//! The command line: keys, tasks, data providers, contracts, and the demo.
//!
//! Each command group is a module of [`commands`]; a command answers with an [`answer::Answer`], which is printed as text or as JSON,
//! or with a [`failure::Failure`]: one sentence, a hint, and the exit code.

// Accuracies, seconds and megabytes are shown to people; no block is executed here but through the node's library.
#![allow(clippy::float_arithmetic)]

mod answer;
mod args;
mod ask;
mod commands;
mod context;
mod demo;
mod failure;
mod interrupts;
mod progress;
mod settings;
mod show;
mod task_file;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::Cli;

fn main() -> ExitCode {
    failure::expect_panics_of_the_decoder();
    let read = args::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match read {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
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

/// Help and version, which were asked for, or what is wrong with the command line: in clap's words, or as JSON if that was asked for.
fn not_understood(error: &clap::Error) -> ExitCode {
    // Configuration, read once by a program that executes no block.
    #[allow(clippy::disallowed_methods)]
    let wants_json = args::wants_json(std::env::args_os(), std::env::var_os("BAUTA_OUTPUT"));
    if !error.use_stderr() || !wants_json {
        // Nobody is left to be told when the stream is closed.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let text = error.render().to_string();
    use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
    let is_help = matches!(error.kind(), DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand);
    let wrong = text.split("\n\nUsage:").next().unwrap_or_default();
    let (wrong, tip) = wrong.split_once("tip: ").map_or((wrong, None), |(wrong, tip)| (wrong, Some(tip)));
    let sentence = if is_help { "a command is missing" } else { wrong.trim_start_matches("error: ") };
    let hint = tip.unwrap_or("`--help` behind the command explains it");
    failure::Failure::usage(sentence).hint(hint).print(answer::Format::Json)
}
