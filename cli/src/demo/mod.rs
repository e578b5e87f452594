//! The demo: a chain, its contracts, its providers and a task in this process, with every result checked.
//!
//! The providers run the code of `provider run`, each with its own keyring and folder, and see the chain through the RPC
//! only. Only the checks see more: the updates before they are masked.

pub mod args;
mod engine;
mod judge;
mod ledger;
mod lost;
mod pace;
mod people;
mod report;
mod retrained;
mod run;
mod scenario;
mod screen;
mod script;
mod shadow;
mod terms;
mod watch;
mod world;

use std::path::Path;

use anyhow::{bail, Context as _};
use bauta_client::model_provider;
use bauta_learning::recipes::{self, Recipe};

use args::{Args, Dataset, Engine, Model as ModelKind};
use report::Report;
use run::Run;
use scenario::{Scenario, Size};
use screen::Screen;
use watch::name_of;
use world::World;

use crate::answer::{Answer, Format};
use crate::commands::Answered;
use crate::failure::Failure;
use crate::interrupts::Stops;

/// Runs the demo.
///
/// # Errors
/// When it cannot run, or one of its own checks fails.
pub async fn run(args: Args, format: Format) -> Answered {
    if args.validators > 1 && args.engine == Engine::Embedded {
        return Err(Failure::usage("--validators is for --engine cometbft; the sequencer of this process is one")
            .hint("add --engine cometbft"));
    }
    let mut stops = Stops::listen();
    let (report, text) = tokio::select! {
        done = train(&args, format) => done?,
        // What the run holds goes with it: its processes are stopped, its folder is removed.
        () = stops.next() => return Err(Failure::interrupted()),
    };
    let answer = Answer::new(text, serde_json::to_value(&report).unwrap_or_default());
    if report.passed() {
        return Ok(answer);
    }
    let failed: Vec<&str> =
        report.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect();
    // What there is to see comes first, and then what is wrong with it.
    answer.print(format);
    Err(Failure::new(format!("the demo's own checks failed: {}", failed.join("; "))))
}

/// Trains, judges, and tells: the report, and the same for people.
async fn train(args: &Args, format: Format) -> anyhow::Result<(Report, String)> {
    // The demo measures itself; nothing that a block executes sees this clock.
    #[allow(clippy::disallowed_types)]
    let started = std::time::Instant::now();
    let now = move || started.elapsed();

    let scenario = Scenario::new(Size { providers: args.providers, rounds: args.rounds, drop: args.drop })?;
    let recipe = recipe(args);
    before_anything_runs(args, &recipe, &scenario)?;
    let scratch = tempfile::Builder::new().prefix("bauta-demo-").tempdir().context("no folder for the demo")?;
    let screen = Screen::new(args.rounds, format);

    let mut names = vec!["authority".to_owned(), "model-provider".to_owned()];
    names.extend((0..args.providers as usize).map(name_of));
    screen.say(format!(
        "Training {} on {} with {} data providers over {} masked rounds, seed {}",
        args.model, args.dataset, args.providers, args.rounds, args.seed
    ));
    screen.doing("the node starts");
    let world = match World::start(scratch.path(), args, &names, &screen).await {
        Ok(world) => world,
        Err(error) => return Err(lost::programs(error, lost::logs_in(scratch.path()))),
    };
    let run = Run { args, recipe: &recipe, scenario: &scenario, names: &names, folder: scratch.path() };
    let done = tokio::select! {
        done = run.on(&world, &screen, &now) => done,
        ended = world.program_ends() => Err(ended),
    };
    let (outcome, watched) = match done {
        Ok(done) => done,
        // The logs would go with the folder.
        Err(error) => return Err(lost::programs(world.explained(error).await, world.logs())),
    };
    let processes_mib = world.stop();
    let seconds = now().as_secs_f64();
    screen.finish();

    let mut report = outcome.report(args, &watched, seconds);
    report.peak_rss_mb += processes_mib;
    let folder = out_folder(args);
    let saved = save(&folder, &watched.model)?;
    let mut text = told(&report, &outcome, &saved);
    if let Some(file) = &args.json {
        report.write(file)?;
        text.push_str(&format!("\nreport      {}", file.display()));
    }
    Ok((report, text))
}

/// What would otherwise be found only after the training: a task that the chain refuses, files that cannot be written.
fn before_anything_runs(args: &Args, recipe: &Recipe, scenario: &Scenario) -> anyhow::Result<()> {
    let file = terms::task_file(args, recipe, scenario);
    let params = bauta_rounds::params::default_params();
    let request = bauta_schema::training::v1::QueryEstimateRequest {
        owner: String::new(),
        settings: Some(file.settings()?),
        initial_model: Some(file.initial_model()?),
        budget: terms::BUDGET.to_string(),
        ..Default::default()
    };
    if args.rounds > params.max_rounds {
        bail!("--rounds is {}; a task has at most {} rounds", args.rounds, params.max_rounds);
    }
    let refusals = bauta_rounds::estimate(&params, &request).refusals;
    if !refusals.is_empty() {
        bail!("the chain would refuse the demo's task: {}", refusals.join("; "));
    }
    let folder = out_folder(args);
    std::fs::create_dir_all(&folder).with_context(|| format!("--out: cannot make the folder {}", folder.display()))?;
    tempfile::tempfile_in(&folder)
        .with_context(|| format!("--out: cannot write to the folder {}", folder.display()))?;
    let Some(report) = &args.json else { return Ok(()) };
    let cannot = || format!("--json: cannot write {}", report.display());
    if report.exists() {
        std::fs::OpenOptions::new().append(true).open(report).with_context(cannot)?;
    } else {
        let folder = report.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::tempfile_in(folder).with_context(cannot)?;
    }
    Ok(())
}

fn recipe(args: &Args) -> Recipe {
    let providers = args.providers as usize;
    match (args.dataset, args.model) {
        (Dataset::Digits, ModelKind::Softmax) => recipes::digits_softmax(providers),
        (Dataset::Digits, ModelKind::Mlp) => recipes::digits_mlp(providers),
        (Dataset::BreastCancer, ModelKind::Softmax) => recipes::breast_cancer_softmax(providers),
        (Dataset::BreastCancer, ModelKind::Mlp) => recipes::breast_cancer_mlp(providers),
    }
}

fn out_folder(args: &Args) -> std::path::PathBuf {
    args.out.clone().unwrap_or_else(|| std::env::temp_dir().join("bauta-demo"))
}

fn save(folder: &Path, model: &bauta_learning::model::Model) -> anyhow::Result<std::path::PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    let file = folder.join("model.safetensors");
    model_provider::save(model, &file).with_context(|| format!("could not save the model to {}", file.display()))?;
    Ok(file)
}

fn told(report: &Report, outcome: &judge::Outcome, saved: &Path) -> String {
    format!(
        "\n{}\n\n{}\n\n\
         accuracy    {:.2} % on held-out rows; central training reaches {:.2} %\n\
         model       {}\n\
         saved to    {}\n\
         cost        {:.1} s, at most {:.0} MiB of memory\n\n{}",
        screen::providers_table(&outcome.providers, bauta_client::chain::DEFAULT_DENOM),
        outcome.story.join("\n"),
        report.accuracy * 100.0,
        report.central_accuracy * 100.0,
        report.model_hash,
        saved.display(),
        report.seconds,
        report.peak_rss_mb,
        screen::checks(report)
    )
}
