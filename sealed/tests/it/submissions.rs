//! What a submission hides, and that it can be made again.

use bauta_sealed::submission::{self, SubmissionError};
use bauta_sealed::{open, Parameters, Shape, Statistics};
use sha2::{Digest, Sha256};

use crate::stage::{plain, shape, Stage, ROUND};

fn stage(seed: u64) -> Stage {
    Stage::new(Parameters::n8192(3).unwrap(), Shape { matrix_bound: 1 << 12, ..shape(30, 1, 8) }, seed)
}

#[test]
fn the_same_seed_and_round_give_the_same_bytes_and_others_do_not() {
    let mut stage = stage(21);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let statistics = stage.statistics();
    let (seed, other) = (stage.numbers.seed(), stage.numbers.seed());
    let first = stage.submission(&model, &statistics, &seed);
    assert_eq!(first, stage.submission(&model, &statistics, &seed));
    assert_ne!(first, stage.submission(&model, &statistics, &other));
    let elsewhere =
        bauta_sealed::submission(&stage.scheme, &stage.plan, &stage.keys, &model, &statistics, &seed, &[1; 32])
            .unwrap();
    assert_ne!(first, elsewhere);
}

/// A juror of another version must find the same bytes: this digest changes only with the protocol.
#[test]
fn a_recorded_submission_is_reproduced_to_the_byte() {
    let mut stage = stage(22);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let statistics = stage.statistics();
    let seed = stage.numbers.seed();
    let bytes = stage.submission(&model, &statistics, &seed).to_bytes(stage.plan.parameters());
    assert_eq!(hex::encode(Sha256::digest(&bytes)), "d13924c913171c70ff03414f846e708caba02a4fb9fc6ee27018d784955a023e");
}

/// The same by rotations.
#[test]
fn a_recorded_submission_by_rotations_is_reproduced_to_the_byte() {
    let mut stage = Stage::new(Parameters::n8192(3).unwrap(), Shape { matrix_bound: 1 << 10, ..shape(128, 1, 8) }, 29);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let statistics = stage.statistics();
    let seed = stage.numbers.seed();
    let bytes = stage.submission(&model, &statistics, &seed).to_bytes(stage.plan.parameters());
    assert_eq!(hex::encode(Sha256::digest(&bytes)), "dccab25323788af83db45794f5d0cb26a0630e87017d6032d36c9c9b044502cd");
}

#[test]
fn statistics_beyond_the_tasks_bounds_are_refused_with_their_place() {
    let mut stage = stage(23);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let good = stage.statistics();
    let seed = stage.numbers.seed();
    let submit = |statistics: &Statistics| {
        bauta_sealed::submission(&stage.scheme, &stage.plan, &stage.keys, &model, statistics, &seed, &ROUND)
    };
    let mut large = good.clone();
    large.matrix[31] = -(1 << 12) - 1;
    let refused = submit(&large).unwrap_err();
    assert!(matches!(refused, SubmissionError::Bound { what: "the matrix", place: 31, value: -4097, bound: 4096 }));
    let mut short = good.clone();
    short.targets.pop();
    assert!(matches!(
        submit(&short).unwrap_err(),
        SubmissionError::Length { what: "the targets", found: 29, expected: 30 }
    ));
    assert!(submit(&good).is_ok());
}

#[test]
fn weights_beyond_the_tasks_bound_are_not_sealed() {
    let mut stage = stage(24);
    let seed = stage.numbers.seed();
    let mut weights = vec![0; 30];
    weights[3] = (1 << 12) + 1;
    let refused = bauta_sealed::seal(&stage.scheme, &stage.plan, &stage.secret, &weights, &seed, &ROUND).unwrap_err();
    assert!(matches!(refused, SubmissionError::Bound { what: "the model", place: 3, .. }));
}

#[test]
fn one_seed_seals_two_models_under_different_second_polynomials() {
    let mut stage = stage(25);
    let seed = stage.numbers.seed();
    let sealed = |weights: &[i64], round: &[u8; 32]| {
        bauta_sealed::seal(&stage.scheme, &stage.plan, &stage.secret, weights, &seed, round).unwrap().seed
    };
    assert_ne!(sealed(&[1; 30], &ROUND), sealed(&[2; 30], &ROUND));
    assert_ne!(sealed(&[1; 30], &ROUND), sealed(&[1; 30], &[1; 32]));
}

#[test]
fn secrets_are_not_printed() {
    let mut stage = stage(26);
    let statistics = stage.statistics();
    let printed = format!("{:?} {statistics:?} {:?}", stage.secret, stage.numbers.seed());
    assert_eq!(printed, "Secret(..) Statistics(900 and 30 integers) Seed(..)");
}

/// Of 8,192 coefficients the model provider learns 30: the others are uniform, whatever the data.
#[test]
fn places_that_hold_no_result_open_to_uniform_values() {
    use bauta_sealed::packing::Plain;
    use bauta_sealed::Scheme;
    let mut stage = stage(27);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let statistics = Statistics { matrix: vec![0; 900], targets: vec![0; 30] };
    let seed = stage.numbers.seed();
    let limbs = stage.submission(&model, &statistics, &seed);
    let opened = stage.scheme.decrypt(&stage.secret, &limbs, &Plain::Coefficients(Vec::new())).unwrap();
    let Plain::Coefficients(values) = opened else { panic!() };
    assert_eq!(values.iter().filter(|&&value| value == 0).count(), 30);
    // A quarter of the values in each quarter of the range, within six standard deviations (39 each).
    let quarter = (stage.plan.parameters().largest() / 2) as i64;
    let counts = [i64::MIN..-quarter, -quarter..0, 0..quarter, quarter..i64::MAX]
        .map(|range| values.iter().filter(|value| range.contains(value)).count());
    assert!(counts.iter().all(|count| count.abs_diff(2048) < 270), "{counts:?}");
}

#[test]
fn a_sum_does_not_depend_on_the_order_of_its_submissions() {
    let mut stage = stage(28);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let mut submissions = Vec::new();
    let mut expected = vec![0; 30];
    for _ in 0..3 {
        let statistics = stage.statistics();
        expected
            .iter_mut()
            .zip(plain(stage.plan.shape(), &statistics, &weights))
            .for_each(|(sum, value)| *sum += value);
        let seed = stage.numbers.seed();
        submissions.push(stage.submission(&model, &statistics, &seed));
    }
    let forth = submission::sum(stage.plan.parameters(), &submissions).unwrap();
    let back = submission::sum(stage.plan.parameters(), submissions.iter().rev()).unwrap();
    assert_eq!(forth, back);
    assert_eq!(open(&stage.scheme, &stage.plan, &stage.secret, &back).unwrap(), expected);
}
