//! Decrypted sums equal the plaintext integer computation.

use crate::stage::{plain, shape, Stage};
use bauta_sealed::{open, submission, Parameters, Shape};

/// Sums of `group` submissions against integers.
fn a_group_opens_to_its_integer_sum(parameters: Parameters, shape: Shape, seed: u64) {
    println!("seed {seed}");
    let group = shape.group;
    let mut stage = Stage::new(parameters, shape, seed);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let mut expected = vec![0i64; shape.width * shape.vectors];
    let mut submissions = Vec::new();
    for _ in 0..group {
        let statistics = stage.statistics();
        expected.iter_mut().zip(plain(&shape, &statistics, &weights)).for_each(|(sum, value)| *sum += value);
        let seed = stage.numbers.seed();
        submissions.push(stage.submission(&model, &statistics, &seed));
    }
    let sum = submission::sum(stage.plan.parameters(), &submissions).unwrap();
    assert_eq!(open(&stage.scheme, &stage.plan, &stage.secret, &sum).unwrap(), expected);
}

#[test]
fn a_group_of_eight_with_64_features_opens_to_its_integer_sum() {
    a_group_opens_to_its_integer_sum(
        Parameters::n8192(3).unwrap(),
        Shape { matrix_bound: 1 << 12, ..shape(64, 1, 8) },
        1,
    );
}

#[test]
fn the_widest_matrix_for_one_product_is_exact_at_both_degrees() {
    let shape = |width| Shape { matrix_bound: 1 << 12, ..shape(width, 1, 2) };
    a_group_opens_to_its_integer_sum(Parameters::n8192(3).unwrap(), shape(90), 2);
    a_group_opens_to_its_integer_sum(Parameters::n16384(3).unwrap(), shape(127), 3);
}

#[test]
fn several_vectors_share_one_product() {
    a_group_opens_to_its_integer_sum(Parameters::n8192(3).unwrap(), shape(30, 9, 2), 4);
}

#[test]
fn the_largest_values_that_a_plan_allows_do_not_wrap() {
    // 2 (30 * 2^19 * 2^13 + 2^35) is just below half the plaintext modulus.
    let bounds = Shape { matrix_bound: 1 << 19, model_bound: 1 << 13, target_bound: 1 << 35, ..shape(30, 1, 2) };
    let mut stage = Stage::new(Parameters::n8192(3).unwrap(), bounds, 5);
    let weights = vec![1i64 << 13; 30];
    let model = stage.model(&weights);
    let statistics = bauta_sealed::Statistics { matrix: vec![1 << 19; 900], targets: vec![-(1 << 35); 30] };
    let submissions: Vec<_> = (0..2)
        .map(|_| {
            let seed = stage.numbers.seed();
            stage.submission(&model, &statistics, &seed)
        })
        .collect();
    let sum = submission::sum(stage.plan.parameters(), &submissions).unwrap();
    let expected = 2 * (30 * (1i64 << 32) + (1 << 35));
    assert_eq!(open(&stage.scheme, &stage.plan, &stage.secret, &sum).unwrap(), vec![expected; 30]);
}

#[test]
fn rotations_are_exact_for_256_features() {
    a_group_opens_to_its_integer_sum(
        Parameters::n8192(3).unwrap(),
        Shape { matrix_bound: 1 << 10, ..shape(256, 1, 2) },
        6,
    );
}

#[test]
fn rotations_are_exact_for_1024_features() {
    a_group_opens_to_its_integer_sum(
        Parameters::n8192(3).unwrap(),
        Shape { matrix_bound: 1 << 10, ..shape(1024, 1, 2) },
        7,
    );
}

#[test]
fn ten_classes_of_64_features_share_one_ciphertext() {
    a_group_opens_to_its_integer_sum(
        Parameters::n8192(3).unwrap(),
        Shape { matrix_bound: 1 << 12, ..shape(64, 10, 2) },
        8,
    );
}
