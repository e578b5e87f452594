//! The example `gradient_inversion`: why updates are masked.

#[path = "../../examples/gradient_inversion/attack.rs"]
mod attack;

use attack::{correlation, scene};
use ndarray::Axis;

/// Over all 512 pixels at once: the correlation with noise has a standard deviation of 0.044.
#[test]
fn an_update_gives_its_digits_away_and_a_masked_one_does_not() {
    for seed in [1, 2, 3, 42, 1_000, u64::MAX] {
        println!("seed {seed}");
        let scene = scene(seed).unwrap();
        let digits = scene.originals.view();
        assert_eq!(digits.dim(), (8, attack::PIXELS), "seed {seed}");
        for (place, digit) in digits.axis_iter(Axis(0)).enumerate() {
            let recovered = scene.from_unmasked.row(place).insert_axis(Axis(0));
            let correlation = correlation(digit.insert_axis(Axis(0)), recovered);
            assert!(correlation > 0.9, "seed {seed}: digit {place} from the update correlates by {correlation}");
        }
        let masked = correlation(digits, scene.from_masked.view());
        assert!(masked.abs() < 0.2, "seed {seed}: digits from the masked update correlate by {masked}");
    }
}
