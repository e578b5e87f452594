//! `bautad`: the node, as CometBFT's application.

mod commands;

use clap::Parser as _;

fn main() {
    if let Err(error) = commands::run(commands::Cli::parse()) {
        eprintln!("bautad: {error:#}");
        std::process::exit(1);
    }
}
