//! The built-in trainers and float tensors.

use bauta_learning::data::{Dataset, Embedded};
use bauta_learning::fixed::{Fixed, MAX, ONE};
use bauta_learning::model::{Model, ModelSpec, TensorSpec};
use bauta_learning::recipes;
use bauta_learning::trainers::{
    evaluate, train, ConfigError, Network, TensorError, Tensors, TrainError, TrainerConfig,
};
use ndarray::array;
use proptest::collection::vec;
use proptest::prelude::*;

fn config(network: Network) -> TrainerConfig {
    TrainerConfig {
        network,
        local_epochs: 1,
        batch_size: 4,
        learning_rate: Fixed::power_of_half(10),
        weight_decay: Fixed::ZERO,
    }
}

fn four_rows() -> Dataset {
    let features = array![[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-2.0, 1.0, 0.0], [0.1, 0.2, 0.3]];
    Dataset { features, labels: vec![0, 1, 2, 1], classes: 3 }
}

/// A model whose values are neither zero nor symmetric.
fn some_model(network: Network) -> Tensors {
    let spec = network.model_spec(3, 3).unwrap();
    let values = (0..spec.len()).map(|place| ((place * 37 % 23) as f32 - 11.0) / 20.0).collect();
    Tensors::new(spec, values).unwrap()
}

/// One step with a batch of all rows is `-rate * gradient`; the gradient is compared with differences of the loss.
#[test]
fn a_step_follows_the_numerical_gradient() {
    for network in [Network::Softmax, Network::Mlp { hidden: 5 }] {
        let (model, data) = (some_model(network), four_rows());
        let (trained, _) = train(&config(network), &model, &data, 1).unwrap();
        let update = trained.minus(&model).unwrap();
        for place in 0..model.values().len() {
            let loss_at = |shift: f32| {
                let mut values = model.values().to_vec();
                values[place] += shift;
                evaluate(network, &Tensors::new(model.spec().clone(), values).unwrap(), &data).unwrap().loss
            };
            let gradient = (loss_at(0.01) - loss_at(-0.01)) / 0.02;
            let stepped = f64::from(update.values()[place]) * -1024.0;
            assert!((gradient - stepped).abs() < 2e-3, "{network:?}, parameter {place}: {gradient} and {stepped}");
        }
    }
}

#[test]
fn training_is_decided_by_its_seed() {
    for network in [Network::Softmax, Network::Mlp { hidden: 5 }] {
        let config = TrainerConfig { batch_size: 1, ..config(network) };
        let run = |seed| train(&config, &some_model(network), &four_rows(), seed).unwrap().0;
        assert!(run(1) == run(1));
        assert!(run(1) != run(2));
    }
}

/// Frozen: software exp and log and one order of summation give the same bytes on every machine, so a change here changes published runs.
#[test]
fn training_gives_the_same_bytes_as_when_it_was_written() {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for recipe in [recipes::digits_softmax(10), recipes::digits_mlp(10)] {
        let data =
            recipe.data_spec().standardised(&Embedded::Digits.raw().unwrap().select(&(0..200).collect::<Vec<_>>()));
        let start = Tensors::from_model(&recipe.initial_model(1).unwrap());
        // Recipes may change; what a trainer does with one may not.
        let config = TrainerConfig { batch_size: 16, ..recipe.trainer };
        let (trained, _) = train(&config, &start, &data, 7).unwrap();
        hash.update(trained.to_safetensors().unwrap());
    }
    assert_eq!(hex::encode(hash.finalize()), FROZEN_TRAINING);
}

const FROZEN_TRAINING: &str = "04cb39d18e59d44ae5cc55963a2420f3a98a46e33db9e53c1e0018411cfc2052";

#[test]
fn weight_decay_shrinks_weights_and_leaves_biases() {
    let network = Network::Softmax;
    let plain = train(&config(network), &some_model(network), &four_rows(), 1).unwrap().0;
    let decayed = TrainerConfig { weight_decay: Fixed::ONE, ..config(network) };
    let decayed = train(&decayed, &some_model(network), &four_rows(), 1).unwrap().0;
    let model = some_model(network);
    for (place, value) in model.values().iter().enumerate() {
        let difference = decayed.values()[place] - plain.values()[place];
        let expected = if place < 9 { -value / 1024.0 } else { 0.0 };
        assert!((difference - expected).abs() < 1e-6, "parameter {place}");
    }
}

#[test]
fn metrics_are_those_of_the_model_before_training() {
    let network = Network::Softmax;
    let zero = Tensors::new(network.model_spec(3, 3).unwrap(), vec![0.0; 12]).unwrap();
    let (_, metrics) = train(&config(network), &zero, &four_rows(), 1).unwrap();
    assert!((metrics.loss - 3f64.ln()).abs() < 1e-6);
    // All scores are equal, so the first class counts.
    assert_eq!((metrics.correct, metrics.rows), (1, 4));
}

#[test]
fn what_cannot_be_trained_is_refused_in_a_sentence() {
    let (model, data) = (some_model(Network::Softmax), four_rows());
    let none = data.select(&[]);
    assert_eq!(train(&config(Network::Softmax), &model, &none, 1).unwrap_err(), TrainError::NoRows);
    let other = train(&config(Network::Mlp { hidden: 2 }), &model, &data, 1).unwrap_err().to_string();
    assert!(other.contains("weight [3, 3]") && other.contains("hidden.weight [2, 3]"), "{other}");
    assert_eq!(train(&config(Network::Custom), &model, &data, 1).unwrap_err(), TrainError::Custom);
    let wild = TrainerConfig {
        local_epochs: 10_000,
        learning_rate: Fixed::from_integer(100),
        weight_decay: Fixed::from_integer(100),
        ..config(Network::Softmax)
    };
    assert!(matches!(train(&wild, &model, &data, 1), Err(TrainError::Diverged(TensorError::NotFinite { .. }))));
    for (bad, field) in [
        (TrainerConfig { local_epochs: 0, ..config(Network::Softmax) }, "local_epochs"),
        (TrainerConfig { batch_size: 0, ..config(Network::Softmax) }, "batch_size"),
        (config(Network::Mlp { hidden: 0 }), "hidden"),
    ] {
        assert!(matches!(bad.check(), Err(ConfigError::Count { field: found, .. }) if found == field));
    }
    assert!(TrainerConfig { learning_rate: Fixed::ZERO, ..config(Network::Softmax) }.check().is_err());
}

#[test]
fn values_that_are_no_numbers_are_named_by_tensor_and_place() {
    let spec = ModelSpec::new(vec![TensorSpec::new("a", [2]), TensorSpec::new("b", [2])]).unwrap();
    let error = Tensors::new(spec.clone(), vec![0.0, 0.0, 0.0, f32::NAN]).unwrap_err();
    assert_eq!(error, TensorError::NotFinite { name: "b".into(), place: 1, value: "NaN".into() });
    let error = Tensors::new(spec, vec![0.0, 3e9, 0.0, 0.0]).unwrap().to_model().unwrap_err();
    assert!(matches!(error, TensorError::Range { name, place: 1, .. } if name == "a"));
}

#[test]
fn an_own_model_becomes_tensors_in_the_order_of_their_names() {
    let spec = ModelSpec::new(vec![TensorSpec::new("z", [1]), TensorSpec::new("a", [2])]).unwrap();
    let bytes = Tensors::new(spec, vec![1.0, 2.0, 3.0]).unwrap().to_safetensors().unwrap();
    let read = Tensors::from_any_safetensors(&bytes).unwrap();
    assert_eq!((read.spec().tensors()[0].name(), read.values()), ("a", [2.0, 3.0, 1.0].as_slice()));
}

proptest! {
    #[test]
    fn floats_survive_the_way_through_the_fixed_point(values in vec(-1000.0f32..1000.0, 6)) {
        let spec = ModelSpec::new(vec![TensorSpec::new("w", [2, 3])]).unwrap();
        let tensors = Tensors::new(spec, values.clone()).unwrap();
        let back = Tensors::from_model(&tensors.to_model().unwrap());
        for (value, back) in values.iter().zip(back.values()) {
            prop_assert!((value - back).abs() <= 1.2e-10);
        }
        let file = tensors.to_safetensors().unwrap();
        prop_assert!(Tensors::from_safetensors(tensors.spec(), &file).unwrap() == tensors);
    }

    #[test]
    fn a_fixed_point_value_becomes_the_nearest_float(units in -MAX..=MAX) {
        let spec = ModelSpec::new(vec![TensorSpec::new("w", [1])]).unwrap();
        let float = Tensors::from_model(&Model::new(spec, vec![units]).unwrap()).values()[0];
        let exact = units as f64 / ONE as f64;
        prop_assert!((f64::from(float) - exact).abs() <= exact.abs() * 6.0e-8);
    }

    #[test]
    fn arbitrary_safetensors_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let spec = ModelSpec::new(vec![TensorSpec::new("w", [2, 3])]).unwrap();
        let sized = [&(bytes.len() as u64 / 2).to_le_bytes(), bytes.as_slice()].concat();
        for bytes in [bytes, sized] {
            let _ = Tensors::from_safetensors(&spec, &bytes);
            let _ = Tensors::from_any_safetensors(&bytes);
        }
    }
}
