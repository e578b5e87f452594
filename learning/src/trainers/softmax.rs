//! Softmax regression.

use ndarray::{ArrayView1, ArrayViewMut1};

/// A classifier as the training loop needs it: all parameters in one slice, in the order of its tensors.
pub(super) trait Classifier {
    /// The scores of the classes for one row.
    fn scores(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>) -> &[f32];
    /// Adds the gradient of the row's cross-entropy to `gradient` and returns the loss.
    fn accumulate(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>, label: usize, gradient: &mut [f32]) -> f64;
}

/// `weight` (classes x features), then `bias` (classes).
pub(super) struct Softmax {
    features: usize,
    scores: Vec<f32>,
}

impl Softmax {
    pub(super) fn new(features: usize, classes: usize) -> Self {
        Self { features, scores: vec![0.0; classes] }
    }
}

impl Classifier for Softmax {
    fn scores(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>) -> &[f32] {
        affine(parameters, self.features, row, &mut self.scores);
        &self.scores
    }

    fn accumulate(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>, label: usize, gradient: &mut [f32]) -> f64 {
        affine(parameters, self.features, row, &mut self.scores);
        let loss = errors_in_place(&mut self.scores, label);
        affine_gradient(gradient, self.features, row, &self.scores);
        loss
    }
}

/// `outputs = weight row + bias`, the layer's parameters being its weight, row-major, and its bias.
pub(super) fn affine(layer: &[f32], inputs: usize, row: ArrayView1<'_, f32>, outputs: &mut [f32]) {
    let (weight, bias) = layer.split_at(inputs * outputs.len());
    for ((output, weight), bias) in outputs.iter_mut().zip(weight.chunks_exact(inputs)).zip(bias) {
        *output = ArrayView1::from(weight).dot(&row) + bias;
    }
}

/// Adds `errors x row` to the gradient of the weight and `errors` to that of the bias.
pub(super) fn affine_gradient(gradient: &mut [f32], inputs: usize, row: ArrayView1<'_, f32>, errors: &[f32]) {
    let (weight, bias) = gradient.split_at_mut(inputs * errors.len());
    for ((&error, weight), bias) in errors.iter().zip(weight.chunks_exact_mut(inputs)).zip(bias) {
        if error != 0.0 {
            ArrayViewMut1::from(weight).scaled_add(error, &row);
        }
        *bias += error;
    }
}

/// Turns scores into `softmax(scores) - one_hot(label)`, the gradient of the cross-entropy, and returns the loss.
pub(super) fn errors_in_place(scores: &mut [f32], label: usize) -> f64 {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = scores[label] - largest;
    let mut total = 0.0f32;
    for score in scores.iter_mut() {
        *score = libm::expf(*score - largest);
        total += *score;
    }
    for score in scores.iter_mut() {
        *score /= total;
    }
    scores[label] -= 1.0;
    libm::log(f64::from(total)) - f64::from(own)
}
