//! How the recipes do over many seeds, beside central training: `cargo run --release -p bauta-learning --features trainers --example
//! recipes -- [SEEDS] [PROVIDERS] [LEAVING]`.

// Accuracies for people.
#![allow(clippy::float_arithmetic)]

use bauta_learning::recipes::{breast_cancer_mlp, breast_cancer_softmax, digits_mlp, digits_softmax, Recipe};
use bauta_learning::simulation::{Scenario, SimulationError};

fn main() -> Result<(), SimulationError> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>().ok());
    let mut number = |default: usize| numbers.next().flatten().unwrap_or(default);
    let (seeds, providers, leaving) = (number(30), number(10), number(0));
    println!("{seeds} seeds, {providers} providers, of whom {leaving} leave at round 15; accuracies on the held-out rows in per cent");
    println!("recipe                 federated mean  worst   central mean  worst   gap mean  worst");
    let recipes: [(&str, Recipe); 4] = [
        ("digits softmax", digits_softmax(providers)),
        ("digits mlp", digits_mlp(providers)),
        ("breast cancer softmax", breast_cancer_softmax(providers)),
        ("breast cancer mlp", breast_cancer_mlp(providers)),
    ];
    for (name, recipe) in recipes {
        let (mut federated, mut central, mut gap) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 1..=seeds as u64 {
            let leaving = (0..leaving).map(|provider| (provider, 15)).collect();
            let outcome = Scenario { recipe: recipe.clone(), seed, providers, rounds: recipe.rounds, leaving }.run()?;
            federated.push(100.0 * outcome.accuracy());
            central.push(100.0 * outcome.central_accuracy);
            gap.push(100.0 * (outcome.central_accuracy - outcome.accuracy()));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let lowest = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!(
            "{name:22} {:14.2} {:6.2} {:14.2} {:6.2} {:10.2} {:6.2}",
            mean(&federated),
            lowest(&federated),
            mean(&central),
            lowest(&central),
            mean(&gap),
            highest(&gap)
        );
    }
    Ok(())
}
