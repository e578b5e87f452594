//! The demo's task: that of the recipe, as `bauta task init` writes it, with what the scenario changes in it.

use bauta_learning::recipes::Recipe;

use super::args::{Args, Dataset, Engine};
use super::people::BOND;
use super::scenario::Scenario;
use crate::task_file::{Amount, Cohort, Rewards, TaskFile, Windows};

/// The task's budget, smallest denomination.
pub const BUDGET: u128 = 100_000_000_000;
/// What a finished round pays for an update.
const PER_UPDATE: Amount = Amount(1_000_000);
/// What it pays for a partial that was used.
const PER_PARTIAL: Amount = Amount(200_000);

/// The file: the recipe's learning, windows that close early when nobody is left to wait for.
pub fn task_file(args: &Args, recipe: &Recipe, scenario: &Scenario) -> TaskFile {
    let file = TaskFile::of_recipe(recipe, scenario.size.providers, args.seed);
    let elements = recipe.model_spec().map_or(1, |spec| spec.elements());
    let encoding = crate::task_file::Encoding {
        // Even small models travel in more than one chunk.
        chunk_elems: Some((elements / 2).clamp(1, 8192) as u32),
        ..file.encoding
    };
    TaskFile {
        name: format!("{} with {}", args.dataset, args.model),
        description: "The task of `bauta demo`.".to_owned(),
        rounds: scenario.size.rounds,
        encoding,
        // Who was slashed for silence may come back.
        cohort: Cohort { min_bond: Amount(BOND / 2), ..file.cohort },
        // Enrolment is long enough for providers that come back from jail.
        windows: windows(args.engine),
        rewards: Rewards { per_update: PER_UPDATE, per_partial: PER_PARTIAL, gas_price: Amount(10) },
        ..file
    }
}

/// In step with the sequencer a block is as long as everybody needs. With CometBFT it has a length, and a window must be long enough
/// for the slowest machine that is to see the same participants.
fn windows(engine: Engine) -> Windows {
    let times = match engine {
        Engine::Embedded => 1,
        Engine::Cometbft => 8,
    };
    Windows {
        enrol: 60 * times,
        deal: 12 * times,
        complain: 6 * times,
        check_in: 8 * times,
        submit: 10 * times,
        unmask: 8 * times,
        evidence: 10 * times,
        blame: None,
    }
}

/// The share of held-out rows that central training must get right.
pub fn least_central_accuracy(dataset: Dataset) -> f64 {
    match dataset {
        Dataset::Digits => 0.95,
        Dataset::BreastCancer => 0.94,
    }
}
