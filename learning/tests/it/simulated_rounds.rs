//! Simulated rounds without a chain: encode, integer sum, combine, optimiser, for the recipes of the demo.

use bauta_learning::recipes::{self, Recipe};
use bauta_learning::simulation::{Outcome, Scenario};

/// What the demo runs when no seed is given.
const DEFAULT_SEED: u64 = 1;

fn all_recipes() -> [(&'static str, Recipe, f64); 4] {
    [
        ("digits softmax", recipes::digits_softmax(10), 0.95),
        ("digits mlp", recipes::digits_mlp(10), 0.95),
        ("breast cancer softmax", recipes::breast_cancer_softmax(10), 0.94),
        ("breast cancer mlp", recipes::breast_cancer_mlp(10), 0.94),
    ]
}

fn run(recipe: &Recipe, seed: u64, leaving: &[(usize, u64)]) -> Outcome {
    let scenario = Scenario { recipe: recipe.clone(), seed, providers: 10, rounds: 30, leaving: leaving.to_vec() };
    scenario.run().unwrap()
}

fn assert_close(name: &str, seed: u64, outcome: &Outcome, floor: f64, allowed: f64) {
    let (federated, central) = (outcome.accuracy(), outcome.central_accuracy);
    assert!(central >= floor, "{name}, seed {seed}: central training reaches {central}");
    assert!(central - federated <= allowed, "{name}, seed {seed}: federated {federated}, central {central}");
}

#[test]
fn thirty_rounds_are_within_one_point_of_central_training_at_the_default_seed() {
    for (name, recipe, floor) in all_recipes() {
        assert_close(name, DEFAULT_SEED, &run(&recipe, DEFAULT_SEED, &[]), floor, 0.01);
    }
}

#[test]
fn thirty_rounds_are_within_three_points_of_central_training_at_other_seeds() {
    for (name, recipe, floor) in all_recipes() {
        for seed in [2, 3, 42, 1_000, u64::MAX] {
            assert_close(name, seed, &run(&recipe, seed, &[]), floor, 0.03);
        }
    }
}

#[test]
fn providers_that_leave_take_their_rows_out_of_the_comparison_and_the_rest_keeps_up() {
    for (name, recipe, floor) in all_recipes() {
        assert_close(name, DEFAULT_SEED, &run(&recipe, DEFAULT_SEED, &[(4, 15)]), floor, 0.01);
        for seed in [2, 3, 4] {
            assert_close(name, seed, &run(&recipe, seed, &[(0, 10), (7, 20)]), floor, 0.03);
        }
    }
}

#[test]
fn a_run_is_the_same_to_the_last_bit_when_it_is_repeated() {
    for (name, recipe, _) in all_recipes() {
        let (first, second) = (run(&recipe, 5, &[]), run(&recipe, 5, &[]));
        assert_eq!(first.model.hash(), second.model.hash(), "{name}");
    }
}

/// Who leaves in the demo, by the number of providers: the last for signing twice, the one before it for silence, where the group bears it.
fn leaving(providers: usize) -> Vec<(usize, u64)> {
    let group = (providers * 4 / 5).min(providers - 2).max(3);
    [(providers - 1, 23), (providers - 2, 7)].into_iter().take(providers - group).collect()
}

#[test]
fn any_number_of_providers_keeps_up_with_central_training_at_the_default_seed() {
    for providers in [3, 4, 5, 6, 8, 12, 16, 24, 40, 64, 96] {
        let (recipe, leaving) = (recipes::digits_softmax(providers), leaving(providers));
        let scenario = Scenario { recipe, seed: DEFAULT_SEED, providers, rounds: 30, leaving };
        assert_close(&format!("{providers} on digits"), DEFAULT_SEED, &scenario.run().unwrap(), 0.95, 0.01);
    }
    for providers in [3, 4, 16] {
        let (recipe, leaving) = (recipes::breast_cancer_softmax(providers), leaving(providers));
        let scenario = Scenario { recipe, seed: DEFAULT_SEED, providers, rounds: 30, leaving };
        assert_close(&format!("{providers} on breast cancer"), DEFAULT_SEED, &scenario.run().unwrap(), 0.94, 0.01);
    }
}

#[test]
fn every_recipe_fits_its_ring_for_any_group() {
    for (name, recipe, _) in all_recipes() {
        for max_group in [1, 3, 8, 15, 31, 96] {
            let encoding = recipe.encoding(max_group).unwrap();
            encoding.check_ring(recipe.ring_bits, max_group).unwrap();
            assert!(encoding.scale_bits >= 10, "{name}: {encoding:?}");
            assert!(u128::from(encoding.bound) > u128::from(encoding.clip_units()));
        }
        recipe.optimiser.check().unwrap();
        recipe.trainer.check().unwrap();
        recipe.data_spec().check().unwrap();
    }
}

#[test]
fn at_least_a_quarter_is_held_out_and_no_provider_has_it() {
    for (name, recipe, _) in all_recipes() {
        let division = recipe.divide(9, 10).unwrap();
        let total = division.held_out.rows() + division.providers.iter().map(|share| share.rows()).sum::<usize>();
        assert!(division.held_out.rows() * 4 >= total, "{name}");
        assert_eq!(total, recipe.dataset.raw().unwrap().rows());
    }
}

#[test]
fn weights_grow_with_rows_up_to_the_largest() {
    assert_eq!(
        [0, 1, 16, 17, 33, 34, 271, 272, 9_999].map(|rows| recipes::weight(rows, 17, 16)),
        [1, 1, 1, 1, 1, 2, 15, 16, 16]
    );
}

#[test]
fn providers_beyond_the_rows_are_refused_in_a_sentence() {
    let error = recipes::breast_cancer_softmax(10).divide(1, 1_000).unwrap_err().to_string();
    assert!(error.contains("426 rows cannot give 1000 providers"), "{error}");
}
