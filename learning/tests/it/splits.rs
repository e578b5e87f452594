//! Dividing data.

use bauta_learning::data::{dirichlet, held_out, held_out_drawn, Embedded, SplitError};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_row_goes_to_exactly_one_provider(
        labels in vec(0u32..5, 1..200), providers in 1usize..12, alpha in 0.05f64..20.0, minimum in 0usize..5, seed in any::<[u8; 32]>(),
    ) {
        let divided = dirichlet(&labels, providers, alpha, minimum, &seed);
        if providers * minimum > labels.len() {
            prop_assert_eq!(divided, Err(SplitError::TooFewRows { rows: labels.len(), providers, minimum }));
        } else {
            let shares = divided.unwrap();
            prop_assert_eq!(shares.len(), providers);
            prop_assert!(shares.iter().all(|share| share.len() >= minimum));
            let mut rows = shares.concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..labels.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn at_least_the_asked_part_is_held_out_and_nothing_is_in_both(
        labels in vec(0u32..4, 0..200), one_in in 1usize..8, seed in any::<[u8; 32]>(),
    ) {
        for (training, held) in [held_out(labels.len(), one_in), held_out_drawn(&labels, one_in, &seed)] {
            prop_assert!(held.len() * one_in >= labels.len());
            let mut rows = [training, held].concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..labels.len()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_division_is_decided_by_its_seed() {
    let labels = Embedded::Digits.raw().unwrap().labels;
    let divide = |seed: u8| dirichlet(&labels, 10, 1.0, 8, &[seed; 32]).unwrap();
    assert_eq!(divide(1), divide(1));
    assert_ne!(divide(1), divide(2));
    // Frozen: a change would change every published run.
    let sizes: Vec<usize> = divide(1).iter().map(Vec::len).collect();
    assert_eq!(sizes, FROZEN_SIZES);
}

const FROZEN_SIZES: [usize; 10] = [135, 230, 223, 86, 186, 145, 274, 198, 237, 83];

#[test]
fn a_small_concentration_gives_uneven_labels_and_a_large_one_even_ones() {
    let labels = Embedded::Digits.raw().unwrap().labels;
    let largest_share = |alpha: f64| {
        let shares = dirichlet(&labels, 10, alpha, 0, &[3; 32]).unwrap();
        let of_class = |share: &Vec<usize>| share.iter().filter(|row| labels[**row] == 0).count();
        shares.iter().map(of_class).max().unwrap() as f64 / 178.0
    };
    assert!(largest_share(0.1) > 0.4, "{}", largest_share(0.1));
    assert!(largest_share(1000.0) < 0.15, "{}", largest_share(1000.0));
}

#[test]
fn divisions_that_cannot_be_are_refused() {
    assert_eq!(dirichlet(&[0, 1], 0, 1.0, 0, &[0; 32]), Err(SplitError::NoProviders));
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(dirichlet(&[0, 1], 1, alpha, 0, &[0; 32]), Err(SplitError::Concentration));
    }
}
