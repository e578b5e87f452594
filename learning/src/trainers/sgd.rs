//! The training loop: minibatch SGD, one thread, one order.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::config::float;
use super::mlp::Mlp;
use super::seeds::derive_seed;
use super::softmax::{Classifier, Softmax};
use super::{ConfigError, Metrics, Network, TensorError, Tensors, TrainerConfig};
use crate::data::split::shuffle;
use crate::data::Dataset;
use crate::model::{ModelError, ModelSpec};

/// Why training did not give a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The network cannot be built for the data.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model is not the one the configuration describes.
    #[error("the model's tensors are {found}, but the trainer works on {expected}")]
    Spec {
        /// What the network has for this data.
        expected: String,
        /// What the model has.
        found: String,
    },
    /// The task's model is not one of the built-in trainers'.
    #[error(
        "the task trains a custom model, which no built-in trainer knows; give a program of your own with --trainer"
    )]
    Custom,
    /// No rows.
    #[error("there are no rows to train on")]
    NoRows,
    /// Values left the range of floats.
    #[error("training diverged: {0}; a smaller learning_rate may help")]
    Diverged(TensorError),
}

impl Network {
    fn classifier(&self, data: &Dataset) -> Result<Box<dyn Classifier>, TrainError> {
        let (features, classes) = (data.features.ncols(), data.classes as usize);
        match *self {
            Self::Softmax => Ok(Box::new(Softmax::new(features, classes))),
            Self::Mlp { hidden } => Ok(Box::new(Mlp::new(features, hidden as usize, classes))),
            Self::Custom => Err(TrainError::Custom),
        }
    }

    fn check_spec(&self, model: &ModelSpec, data: &Dataset) -> Result<(), TrainError> {
        let expected = self.model_spec(data.features.ncols(), data.classes)?;
        if expected == *model {
            Ok(())
        } else {
            Err(TrainError::Spec { expected: describe(&expected), found: describe(model) })
        }
    }
}

fn describe(spec: &ModelSpec) -> String {
    let tensors: Vec<String> =
        spec.tensors().iter().take(8).map(|tensor| format!("{} {:?}", tensor.name(), tensor.shape())).collect();
    tensors.join(", ")
}

/// Trains a model on rows: `local_epochs` passes in the order of a shuffle that `seed` decides. The step size falls linearly, from
/// `learning_rate` at the first step to `learning_rate / steps` at the last: without that, the noise of the last batches is the largest
/// part of what one training differs from the next. Returns the new model, and the metrics of
/// the model as it came in, over the same rows.
///
/// # Errors
/// A [`TrainError`].
pub fn train(
    config: &TrainerConfig,
    model: &Tensors,
    data: &Dataset,
    seed: u64,
) -> Result<(Tensors, Metrics), TrainError> {
    config.check()?;
    if data.rows() == 0 {
        return Err(TrainError::NoRows);
    }
    let metrics = evaluate(config.network, model, data)?;
    let mut classifier = config.network.classifier(data)?;
    let (learning_rate, l2) = (float(config.learning_rate), float(config.weight_decay));
    let decayed: Vec<_> = model
        .spec()
        .ranges()
        .filter(|(tensor, _)| l2 > 0.0 && tensor.shape().len() >= 2)
        .map(|(_, range)| range)
        .collect();

    let mut rng = ChaCha20Rng::from_seed(derive_seed(&seed.to_be_bytes(), "shuffle", &[]));
    let mut order: Vec<usize> = (0..data.rows()).collect();
    let mut parameters = model.values().to_vec();
    let mut gradient = vec![0.0f32; parameters.len()];
    let steps = u64::from(config.local_epochs) * (order.len() as u64).div_ceil(u64::from(config.batch_size));
    let mut left = steps;
    for _ in 0..config.local_epochs {
        shuffle(&mut order, &mut rng);
        for batch in order.chunks(config.batch_size as usize) {
            gradient.fill(0.0);
            for &place in batch {
                let (row, label) = data.row(place);
                classifier.accumulate(&parameters, row, label as usize, &mut gradient);
            }
            let rate = learning_rate * (left as f32 / steps as f32);
            left -= 1;
            let step = rate / batch.len() as f32;
            for range in &decayed {
                let shrink = 1.0 - rate * l2;
                parameters[range.clone()].iter_mut().for_each(|parameter| *parameter *= shrink);
            }
            for (parameter, gradient) in parameters.iter_mut().zip(&gradient) {
                *parameter -= step * gradient;
            }
        }
    }
    let trained = Tensors::new(model.spec().clone(), parameters).map_err(TrainError::Diverged)?;
    Ok((trained, metrics))
}

/// Mean cross-entropy and correct predictions of a model over rows (of equal scores the first class counts).
///
/// # Errors
/// A [`TrainError`] when the model is not of this network.
pub fn evaluate(network: Network, model: &Tensors, data: &Dataset) -> Result<Metrics, TrainError> {
    let mut classifier = network.classifier(data)?;
    network.check_spec(model.spec(), data)?;
    let (mut loss, mut correct) = (0.0f64, 0u64);
    for place in 0..data.rows() {
        let (row, label) = data.row(place);
        let scores = classifier.scores(model.values(), row);
        let mut best = 0;
        for (class, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = class;
            }
        }
        correct += u64::from(best == label as usize);
        let mut scores = scores.to_vec();
        loss += super::softmax::errors_in_place(&mut scores, label as usize);
    }
    let rows = data.rows() as u64;
    let loss = loss / (rows.max(1)) as f64;
    Ok(Metrics { loss, correct, rows })
}
