//! What an update gives away, and what a masked one does: recovers a provider's digits from one update of the demo's model, and noise from
//! the same update masked. `cargo run --release -p bauta-learning --features trainers --example gradient_inversion -- [FILE.png] [SEED]`.

// Pixels.
#![allow(clippy::float_arithmetic)]

mod attack;
mod picture;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().unwrap_or_else(|| "gradient-inversion.png".to_owned()));
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse::<u64>())?;
    let scene = attack::scene(seed)?;
    picture::write(&file, &[&scene.originals, &scene.from_unmasked, &scene.from_masked])?;
    let with_original =
        |recovered: &ndarray::Array2<f64>| attack::correlation(scene.originals.view(), recovered.view());
    println!("seed {seed}, one update of {} rows; correlation with the provider's digits:", scene.originals.nrows());
    println!("recovered from the update        {:6.3}", with_original(&scene.from_unmasked));
    println!("recovered from the masked update {:6.3}", with_original(&scene.from_masked));
    println!("{}: the digits, recovered from the update, recovered from the masked update", file.display());
    Ok(())
}
