//! Runs seeds until so many rounds were settled.

// The time is told to people; no round depends on it.
#![allow(clippy::disallowed_types)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bauta_simulation::{keep, run, shrink, Failure, Outcome, Over, Plan, NODE_EVERY};
use bauta_simulation_node as node;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Simulates rounds under random schedules and hostile minorities. Every seed is a chain with one task, every tenth a whole node with its
/// contracts; a seed that fails is made smaller, printed, and kept in a file that a test replays, and the exit code is 1.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Rounds to settle, at least
    #[arg(long, default_value_t = 500)]
    rounds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Coordinates of an update
    #[arg(long, default_value_t = 60)]
    elements: u32,
    /// Providers in every run, instead of 5 to 20
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=200))]
    providers: Option<u32>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Every so many seeds run over a whole node, with the contracts in the VM; 0 for none
    #[arg(long, default_value_t = NODE_EVERY, value_name = "N")]
    node_every: u64,
    /// All of it over a whole node
    #[arg(long, conflicts_with = "node_every")]
    node: bool,
    /// A plan to run instead, as a failure prints it
    #[arg(long, conflicts_with_all = ["rounds", "seed", "elements", "providers", "node_every"])]
    plan: Option<String>,
    /// The result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What runs a plan.
type RunPlan = fn(&Plan) -> Result<Outcome, Failure>;

impl Options {
    fn runs(&self, seed: u64) -> RunPlan {
        match self.node || (self.node_every > 0 && seed.is_multiple_of(self.node_every)) {
            true => node::run,
            false => run,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(plan) = &options.plan {
        let plan: Plan = serde_json::from_str(plan).context("this is no plan")?;
        let run: RunPlan = if options.node { node::run } else { run };
        return match run(&plan) {
            Ok(outcome) => {
                println!("{}", serde_json::to_string(&outcome)?);
                Ok(())
            }
            Err(failure) => Err(anyhow::anyhow!("{failure}")),
        };
    }
    let begun = Instant::now();
    let (next, settled) = (AtomicU64::new(options.seed), AtomicU64::new(0));
    let found: Mutex<(Outcome, Option<Failure>)> = Mutex::default();
    let progress = ProgressBar::new(options.rounds);
    progress.set_style(ProgressStyle::with_template("{pos}/{len} rounds {wide_bar} {eta}")?);
    progress.enable_steady_tick(Duration::from_millis(500));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while settled.load(Ordering::Relaxed) < options.rounds {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let plan = Plan::of(seed, options.elements);
                    let plan = options.providers.map_or(plan.clone(), |providers| plan.with_providers(providers));
                    let result = options.runs(seed)(&plan);
                    let Ok(mut found) = found.lock() else { return };
                    match result {
                        Ok(outcome) => {
                            settled.fetch_add(outcome.rounds, Ordering::Relaxed);
                            found.0.add(&outcome);
                            progress.set_position(settled.load(Ordering::Relaxed));
                        }
                        Err(failure) => {
                            found.1.get_or_insert(failure);
                            settled.store(u64::MAX, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    progress.finish_and_clear();
    let (outcome, failure) = found.into_inner().unwrap_or_default();
    let seconds = begun.elapsed().as_secs();
    let seeds = next.load(Ordering::Relaxed) - options.seed;
    if options.json {
        println!(
            "{}",
            json!({ "seeds": seeds, "first_seed": options.seed, "seconds": seconds, "outcome": outcome,
            "failure": failure.as_ref().map(ToString::to_string) })
        );
    } else {
        println!("{seeds} seeds from {}, {seconds} s: {outcome}", options.seed);
    }
    match failure {
        None => Ok(()),
        Some(failure) => {
            eprintln!("failed {failure}\nmaking it smaller");
            let smaller = match failure.over {
                Over::Memory => shrink(failure),
                Over::Node => node::shrink(failure),
            };
            let file = keep(&smaller).context("the plan cannot be kept")?;
            anyhow::bail!("{smaller}\na test replays it from now on: {}", file.display())
        }
    }
}
