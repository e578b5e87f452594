//! A classifier with one hidden layer and ReLU.

use ndarray::{ArrayView1, ArrayViewMut1};

use super::softmax::{affine, affine_gradient, errors_in_place, Classifier};

/// `hidden.weight` (hidden x features), `hidden.bias`, `output.weight` (classes x hidden), `output.bias`.
pub(super) struct Mlp {
    features: usize,
    activations: Vec<f32>,
    backward: Vec<f32>,
    scores: Vec<f32>,
}

impl Mlp {
    pub(super) fn new(features: usize, hidden: usize, classes: usize) -> Self {
        Self { features, activations: vec![0.0; hidden], backward: vec![0.0; hidden], scores: vec![0.0; classes] }
    }

    /// Where the output layer's parameters begin.
    fn cut(&self) -> usize {
        (self.features + 1) * self.activations.len()
    }

    fn forward(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>) {
        let (hidden, output) = parameters.split_at(self.cut());
        affine(hidden, self.features, row, &mut self.activations);
        for activation in &mut self.activations {
            *activation = activation.max(0.0);
        }
        let inputs = self.activations.len();
        affine(output, inputs, ArrayView1::from(&self.activations), &mut self.scores);
    }
}

impl Classifier for Mlp {
    fn scores(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>) -> &[f32] {
        self.forward(parameters, row);
        &self.scores
    }

    fn accumulate(&mut self, parameters: &[f32], row: ArrayView1<'_, f32>, label: usize, gradient: &mut [f32]) -> f64 {
        self.forward(parameters, row);
        let loss = errors_in_place(&mut self.scores, label);
        let inputs = self.activations.len();
        let (hidden, output) = gradient.split_at_mut(self.cut());
        affine_gradient(output, inputs, ArrayView1::from(&self.activations), &self.scores);

        self.backward.fill(0.0);
        for (&error, weight) in self.scores.iter().zip(parameters[self.cut()..].chunks_exact(inputs)) {
            ArrayViewMut1::from(&mut self.backward[..]).scaled_add(error, &ArrayView1::from(weight));
        }
        for (error, &activation) in self.backward.iter_mut().zip(&self.activations) {
            if activation <= 0.0 {
                *error = 0.0;
            }
        }
        affine_gradient(hidden, self.features, row, &self.backward);
        loss
    }
}
