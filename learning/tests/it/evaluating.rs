//! Hits of a model on public rows, in integers.

use bauta_learning::evaluate::{Classifier, EvaluateError, TestSet, MAX_INPUT};
use bauta_learning::fixed::{MAX, ONE};
use bauta_learning::model::{Model, ModelSpec, TensorSpec};
use bauta_learning::recipes::{breast_cancer_mlp, breast_cancer_softmax, digits_mlp, digits_softmax};
use bauta_learning::simulation::Scenario;
use bauta_learning::trainers::{evaluate, Tensors};
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;

fn softmax(features: u64, classes: u64) -> ModelSpec {
    ModelSpec::new(vec![TensorSpec::new("weight", [classes, features]), TensorSpec::new("bias", [classes])]).unwrap()
}

fn mlp(features: u64, hidden: u64, classes: u64) -> ModelSpec {
    ModelSpec::new(vec![
        TensorSpec::new("hidden.weight", [hidden, features]),
        TensorSpec::new("hidden.bias", [hidden]),
        TensorSpec::new("output.weight", [classes, hidden]),
        TensorSpec::new("output.bias", [classes]),
    ])
    .unwrap()
}

/// A layer in integers of any size, in units of 2^-64.
fn layer(parameters: &[i64], inputs: &[i64], outputs: usize) -> Vec<BigInt> {
    let (weight, bias) = parameters.split_at(inputs.len() * outputs);
    let score = |(weight, bias): (&[i64], &i64)| {
        let products = weight.iter().zip(inputs).map(|(w, x)| BigInt::from(*w) * *x);
        products.sum::<BigInt>() + (BigInt::from(*bias) << 32)
    };
    weight.chunks(inputs.len()).zip(bias).map(score).collect()
}

fn first_largest(scores: &[BigInt]) -> usize {
    let most = scores.iter().max().unwrap();
    scores.iter().position(|score| score == most).unwrap()
}

fn any_weight() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -2 * ONE..2 * ONE, 1 => -MAX..=MAX, 1 => prop::sample::select(vec![-MAX, MAX, 0])]
}

fn any_input() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -2 * ONE..2 * ONE, 1 => -MAX_INPUT..=MAX_INPUT, 1 => prop::sample::select(vec![-MAX_INPUT, MAX_INPUT, 0])]
}

proptest! {
    #[test]
    fn a_row_is_of_the_class_with_the_largest_exact_score(
        weights in vec(any_weight(), 5 * 3 + 3 + (5 + 1) * 4 + (4 + 1) * 3), row in vec(any_input(), 5), label in 0u32..3,
    ) {
        let rows = TestSet::new(5, 3, row.clone(), vec![label]).unwrap();
        let (of_softmax, of_mlp) = weights.split_at(18);
        let hits = |spec: ModelSpec, values: &[i64]| {
            let classifier = Classifier::of(&spec).unwrap();
            classifier.hits(&Model::new(spec, values.to_vec()).unwrap(), &rows, 0..1).unwrap()
        };
        let expected = first_largest(&layer(of_softmax, &row, 3));
        prop_assert_eq!(hits(softmax(5, 3), of_softmax), u64::from(expected == label as usize));
        let hidden: Vec<i64> = layer(&of_mlp[..24], &row, 4).iter().map(|score| {
            let rounded = crate::combining::reference::half_even(score, &(BigInt::from(1) << 32));
            rounded.clamp(BigInt::ZERO, MAX_INPUT.into()).try_into().unwrap()
        }).collect();
        let expected = first_largest(&layer(&of_mlp[24..], &hidden, 3));
        prop_assert_eq!(hits(mlp(5, 4, 3), of_mlp), u64::from(expected == label as usize));
    }

    #[test]
    fn a_test_set_is_what_its_bytes_decode_to_and_others_are_refused(
        rows in vec((vec(any_input(), 3), 0u32..4), 1..6), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let (values, labels): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let set = TestSet::new(3, 4, values.concat(), labels).unwrap();
        let mut bytes = set.encode();
        prop_assert_eq!(TestSet::decode(&bytes).unwrap(), set);
        prop_assert!(TestSet::decode(&bytes[..cut.index(bytes.len())]).is_err());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(other) = TestSet::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

#[test]
fn trained_models_hit_in_integers_what_they_hit_in_floats() {
    for (name, recipe) in [
        ("digits softmax", digits_softmax(5)),
        ("digits mlp", digits_mlp(5)),
        ("breast cancer softmax", breast_cancer_softmax(5)),
        ("breast cancer mlp", breast_cancer_mlp(5)),
    ] {
        for seed in [1, 2] {
            let scenario = Scenario { recipe: recipe.clone(), seed, providers: 5, rounds: 2, leaving: vec![] };
            let model = scenario.run().unwrap().model;
            let held_out = recipe.data_spec().standardised(&recipe.divide(seed, 5).unwrap().held_out);
            let floats = evaluate(recipe.trainer.network, &Tensors::from_model(&model), &held_out).unwrap().correct;
            let rows = TestSet::try_from(&held_out).unwrap();
            let classifier = Classifier::of(model.spec()).unwrap();
            let integers = classifier.hits(&model, &rows, 0..rows.rows()).unwrap();
            assert_eq!(integers, floats, "{name}, seed {seed}");
            let halves = [0..rows.rows() / 2, rows.rows() / 2..rows.rows()];
            assert_eq!(halves.map(|run| classifier.hits(&model, &rows, run).unwrap()).iter().sum::<u64>(), integers);
            assert!(classifier.cost(1) >= model.spec().elements() / 4);
        }
    }
}

#[test]
fn models_and_rows_that_do_not_belong_together_are_refused_by_what_differs() {
    let spec = softmax(3, 2);
    let model = Model::new(spec.clone(), vec![0; 8]).unwrap();
    let classifier = Classifier::of(&spec).unwrap();
    let rows = |features: usize, classes: u32| TestSet::new(features, classes, vec![0; features], vec![0]).unwrap();
    assert_eq!(classifier.hits(&model, &rows(3, 2), 0..1), Ok(1), "of equal scores the first class");
    let mismatch = EvaluateError::Mismatch { features: 4, classes: 2, model_features: 3, model_classes: 2 };
    assert_eq!(classifier.hits(&model, &rows(4, 2), 0..1), Err(mismatch));
    assert_eq!(classifier.hits(&model, &rows(3, 2), 0..2), Err(EvaluateError::Rows { first: 0, end: 2, rows: 1 }));
    let custom = ModelSpec::new(vec![TensorSpec::new("kernel", [3, 3])]).unwrap();
    assert_eq!(Classifier::of(&custom), Err(EvaluateError::NoClassifier));
    let uneven = ModelSpec::new(vec![TensorSpec::new("weight", [2, 3]), TensorSpec::new("bias", [3])]).unwrap();
    assert_eq!(Classifier::of(&uneven), Err(EvaluateError::NoClassifier));
    assert!(matches!(Classifier::of(&softmax(3, 1)), Err(EvaluateError::Size { value: 1, .. })));
}

#[test]
fn rows_that_are_none_are_refused_with_their_place() {
    let set = |values: Vec<i64>, labels: Vec<u32>| TestSet::new(2, 3, values, labels).unwrap_err();
    assert!(matches!(set(vec![], vec![]), EvaluateError::Size { what: "rows of the test set", .. }));
    assert_eq!(set(vec![0; 3], vec![0, 0]), EvaluateError::Length { expected: 32, found: 24 });
    assert_eq!(set(vec![0, 0, 0, MAX_INPUT + 1], vec![0, 0]), EvaluateError::Value { place: 3, value: MAX_INPUT + 1 });
    assert_eq!(set(vec![0; 4], vec![0, 3]), EvaluateError::Label { row: 1, label: 3, classes: 3 });
    let huge = [b"\0\x10bauta/1/test-set".as_slice(), &[0xff; 12]].concat();
    assert!(matches!(TestSet::decode(&huge), Err(EvaluateError::Length { found: 0, .. })));
}
