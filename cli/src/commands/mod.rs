//! The commands, a module a group.

pub mod bank;
pub mod block;
pub mod contracts;
pub mod faucet;
pub mod keys;
pub mod params;
pub mod provider;
pub mod rewards;
pub mod status;
pub mod task;
pub mod tx;
pub mod wasm;
pub mod watch;

use std::io::IsTerminal as _;

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::answer::{Answer, Format};
use crate::args::{self, Cli, Command};
use crate::context::Context;
use crate::demo;
use crate::failure::Failure;
use crate::settings::{Settings, DEFAULT_LOG};

/// What a command gives back.
pub type Answered = Result<Answer, Failure>;

/// Runs the command. How its answer is to be printed is known once the settings are read.
pub async fn run(cli: Cli) -> (Format, Answered) {
    let wanted = cli.global.output.unwrap_or_default();
    // These need no settings, and must work where there is no home folder.
    match cli.command {
        Command::Completions { shell } => return (wanted, Ok(completions(shell))),
        Command::Version => return (wanted, Ok(version())),
        _ => {}
    }
    let settings = match Settings::read(cli.global) {
        Ok(settings) => settings,
        Err(failure) => return (wanted, Err(failure)),
    };
    let format = settings.output;
    // The demo scripts its misfortunes and tells them itself; warnings about them are for who asks.
    let is_scripted = matches!(cli.command, Command::Demo(_)) && settings.log == DEFAULT_LOG;
    let log = if is_scripted { "error" } else { &settings.log };
    // The RPC client logs whole addresses.
    let has_password = settings.nodes.join(", ") != settings.shown_node();
    let log = if has_password { format!("{log},tendermint_rpc=info") } else { log.to_owned() };
    if let Err(failure) = start_log(&log) {
        return (format, Err(failure));
    }
    let context = Context { settings };
    (format, dispatch(&context, cli.command).await)
}

async fn dispatch(context: &Context, command: Command) -> Answered {
    match command {
        Command::Demo(args) => demo::run(args, context.settings.output).await,
        Command::Keys(command) => keys::run(context, command),
        Command::Bank(command) => bank::run(context, command).await,
        Command::Block(args) => block::run(context, args).await,
        Command::Contracts(command) => contracts::run(context, command).await,
        Command::Faucet(args) => faucet::run(context, args).await,
        Command::Tx(command) => tx::run(context, command).await,
        Command::Task(command) => task::run(context, command).await,
        Command::Rewards(args) => rewards::run(context, args).await,
        Command::Provider(command) => provider::run(context, command).await,
        Command::Wasm(command) => wasm::run(context, command).await,
        Command::Watch(args) => watch::run(context, args).await,
        Command::Params(args) => params::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::Completions { shell } => Ok(completions(shell)),
        Command::Version => Ok(version()),
    }
}

fn start_log(filter: &str) -> Result<(), Failure> {
    let wrong = || {
        Failure::usage(format!("the log filter {filter:?} cannot be read"))
            .hint("write levels of parts with commas between, like warn,bauta_client=debug")
    };
    // A word that is no level would be taken for a part of the program, and nothing else be logged.
    let is_level = |text: &str| text.parse::<LevelFilter>().is_ok() && text.parse::<u8>().is_err();
    if !filter.split(',').map(str::trim).all(|directive| directive.contains('=') || is_level(directive)) {
        return Err(wrong());
    }
    let filter = EnvFilter::try_new(filter).map_err(|_| wrong())?;
    // Only the first subscriber counts; there is one.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_colourless())
        // A reader of the log that has gone away must not end a daemon.
        .log_internal_errors(false)
        .try_init();
    Ok(())
}

/// https://no-color.org
fn is_colourless() -> bool {
    // Configuration, read once by a program that executes no block.
    #[allow(clippy::disallowed_methods)]
    let set = std::env::var_os("NO_COLOR");
    set.is_some_and(|value| !value.is_empty())
}

fn completions(shell: clap_complete::Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "bauta", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": shell.to_string(), "script": script });
    Answer::new(script, json)
}

fn version() -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    Answer::new(format!("bauta {version}"), json!({ "name": "bauta", "version": version }))
}
