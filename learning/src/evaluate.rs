//! What a model gets right on public rows, in integers, so that every validator counts the same hits.
//!
//! The classifiers are those of the built-in trainers: softmax regression (`weight` classes x features, `bias`) and the network with one
//! hidden layer and ReLU (`hidden.weight`, `hidden.bias`, `output.weight`, `output.bias`). A row's class is the one with the largest score, of
//! equal scores the first; exponentials do not change which that is and are left out.
//!
//! # Bounds
//! A layer computes `weight x + bias` exactly in 128 bits, in units of `2^-64`. Its inputs, which are a row's values or hidden activations,
//! are at most `2^42` units of `2^-32` in absolute value ([`MAX_INPUT`], 1024), and there are at most `2^20` of them
//! ([`MAX_INPUTS`]); weights and biases are below `2^63`. So a score is below `2^63 * 2^42 * 2^20 + 2^63 * 2^32 < 2^126`. A hidden
//! activation is rounded once (half to even) to units of `2^-32` and cut to `0..=MAX_INPUT`.
//!
//! Canonical bytes of a test set:
//! ```text
//! lp("bauta/1/test-set") | be32 features | be32 classes | be32 rows
//! the rows' values, row-major, be64 two's complement, units of 2^-32; then their labels, be32
//! ```

use crate::canonical::{write_lp, Reader};
use crate::fixed::{shift_half_even, FRACTION_BITS, ONE};
use crate::model::{Model, ModelSpec};

/// The tag in front of a test set's canonical bytes.
pub const TEST_SET_TAG: &str = "bauta/1/test-set";
/// Largest absolute value of a layer's input, in units of `2^-32`: 1024.
pub const MAX_INPUT: i64 = 1024 * ONE;
/// Most inputs of a layer.
pub const MAX_INPUTS: u64 = 1 << 20;
/// Most classes.
pub const MAX_CLASSES: u32 = 1 << 16;
/// Most values of a test set, all rows together.
pub const MAX_VALUES: u64 = 1 << 24;

/// Why a model cannot be evaluated, or rows are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// Tensors that are no classifier's.
    #[error("the model's tensors are neither softmax regression's (weight, bias) nor the network's with one hidden layer (hidden.weight, hidden.bias, output.weight, output.bias), so nothing can be said of its accuracy")]
    NoClassifier,
    /// A size outside of its range.
    #[error("{what} is {value}; it must be between {least} and {most}")]
    Size {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        value: u64,
        /// The fewest.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A row's value beyond [`MAX_INPUT`].
    #[error("value {place} of the test set is {value}, beyond +-1024 in units of 2^-32; scale the features")]
    Value {
        /// Its place, row-major.
        place: u64,
        /// The value.
        value: i64,
    },
    /// A label that is no class.
    #[error("row {row} of the test set has the label {label}, but classes are 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The row, from 0.
        row: u64,
        /// Its label.
        label: u32,
        /// Classes.
        classes: u32,
    },
    /// Rows for another model.
    #[error("the test set has {features} features and {classes} classes, but the model has {model_features} and {model_classes}")]
    Mismatch {
        /// Of the rows.
        features: u64,
        /// Of the rows.
        classes: u64,
        /// Of the model.
        model_features: u64,
        /// Of the model.
        model_classes: u64,
    },
    /// Rows that are not there.
    #[error("rows {first} to {end} were asked for, but the test set has {rows}")]
    Rows {
        /// The first.
        first: usize,
        /// One past the last.
        end: usize,
        /// All of them.
        rows: usize,
    },
    /// The bytes do not begin with the tag.
    #[error("the bytes do not begin with the tag of a test set, {TEST_SET_TAG:?}")]
    Tag,
    /// Too short or too long.
    #[error("a test set of its header has {expected} bytes after it, but {found} are there")]
    Length {
        /// By the header; 0 when the header is not whole.
        expected: u64,
        /// What is there.
        found: u64,
    },
}

/// Public rows with a label each, in fixed point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSet {
    features: usize,
    classes: u32,
    values: Vec<i64>,
    labels: Vec<u32>,
}

impl TestSet {
    /// Rows, row-major, in units of `2^-32`, standardised as the model's inputs are.
    ///
    /// # Errors
    /// [`EvaluateError::Size`], [`EvaluateError::Value`], [`EvaluateError::Label`], [`EvaluateError::Length`].
    pub fn new(features: usize, classes: u32, values: Vec<i64>, labels: Vec<u32>) -> Result<Self, EvaluateError> {
        within("features of the test set", features as u64, 1, MAX_INPUTS)?;
        within("classes of the test set", u64::from(classes), 2, u64::from(MAX_CLASSES))?;
        within("rows of the test set", labels.len() as u64, 1, MAX_VALUES / features as u64)?;
        let expected = features as u64 * labels.len() as u64;
        if values.len() as u64 != expected {
            return Err(EvaluateError::Length { expected: 8 * expected, found: 8 * values.len() as u64 });
        }
        if let Some(place) = values.iter().position(|value| value.unsigned_abs() > MAX_INPUT.unsigned_abs()) {
            return Err(EvaluateError::Value { place: place as u64, value: values[place] });
        }
        if let Some(row) = labels.iter().position(|&label| label >= classes) {
            return Err(EvaluateError::Label { row: row as u64, label: labels[row], classes });
        }
        Ok(Self { features, classes, values, labels })
    }

    /// Bytes of the canonical form of so many rows.
    #[must_use]
    pub const fn encoded_len(features: u64, rows: u64) -> u64 {
        // The tag with its length, and three numbers.
        let header = 2 + TEST_SET_TAG.len() as u64 + 12;
        features.saturating_mul(8).saturating_add(4).saturating_mul(rows).saturating_add(header)
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(TEST_SET_TAG.len() + 14 + self.values.len() * 8 + self.labels.len() * 4);
        write_lp(&mut out, TEST_SET_TAG.as_bytes());
        let features = u32::try_from(self.features).expect("at most 2^20 features");
        let rows = u32::try_from(self.labels.len()).expect("at most 2^24 rows");
        for number in [features, self.classes, rows] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        self.values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
        self.labels.iter().for_each(|label| out.extend_from_slice(&label.to_be_bytes()));
        out
    }

    /// Reads canonical bytes. Nothing is allocated for rows before their number has been compared with the bytes that are there.
    ///
    /// # Errors
    /// An [`EvaluateError`] that says which rule the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, EvaluateError> {
        let mut reader = Reader::new(bytes);
        if reader.lp() != Some(TEST_SET_TAG.as_bytes()) {
            return Err(EvaluateError::Tag);
        }
        let header = reader.u32().zip(reader.u32()).zip(reader.u32());
        let ((features, classes), rows) = header.ok_or(EvaluateError::Length { expected: 0, found: 0 })?;
        let rest = reader.rest();
        let values = u64::from(features) * u64::from(rows);
        let expected = values.saturating_mul(8).saturating_add(4 * u64::from(rows));
        if rest.len() as u64 != expected {
            return Err(EvaluateError::Length { expected, found: rest.len() as u64 });
        }
        let (values, labels) = rest.split_at(rest.len() - 4 * rows as usize);
        let values = values.as_chunks::<8>().0.iter().map(|word| i64::from_be_bytes(*word)).collect();
        let labels = labels.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        Self::new(features as usize, classes, values, labels)
    }

    fn row(&self, row: usize) -> (&[i64], u32) {
        (&self.values[row * self.features..(row + 1) * self.features], self.labels[row])
    }
}

/// Standardised rows, each value rounded to the nearest unit, ties to even: how a model provider publishes a test set.
#[cfg(feature = "trainers")]
impl TryFrom<&crate::data::Dataset> for TestSet {
    type Error = EvaluateError;

    #[allow(clippy::float_arithmetic)]
    fn try_from(rows: &crate::data::Dataset) -> Result<Self, EvaluateError> {
        // Exact: a power of two times a float of 24 bits; what is out of range is refused by its saturated value.
        let values =
            rows.features.iter().map(|&value| (f64::from(value) * ONE as f64).round_ties_even() as i64).collect();
        Self::new(rows.features.ncols(), rows.classes, values, rows.labels.clone())
    }
}

fn within(what: &'static str, value: u64, least: u64, most: u64) -> Result<(), EvaluateError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(EvaluateError::Size { what, value, least, most })
    }
}

/// A classifier, told by the names and shapes of a model's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classifier {
    features: usize,
    /// Units of the hidden layer; `None` for softmax regression.
    hidden: Option<usize>,
    classes: usize,
}

impl Classifier {
    /// Which classifier's tensors these are.
    ///
    /// # Errors
    /// [`EvaluateError::NoClassifier`]; [`EvaluateError::Size`] for more inputs or classes than can be evaluated.
    pub fn of(spec: &ModelSpec) -> Result<Self, EvaluateError> {
        let tensors: Vec<(&str, &[u64])> =
            spec.tensors().iter().map(|tensor| (tensor.name(), tensor.shape())).collect();
        let (features, hidden, classes) = match tensors[..] {
            [("weight", &[classes, features]), ("bias", &[biases])] if classes == biases => (features, None, classes),
            [("hidden.weight", &[hidden, features]), ("hidden.bias", &[hidden_biases]), ("output.weight", &[classes, inputs]), ("output.bias", &[biases])]
                if hidden == hidden_biases && hidden == inputs && classes == biases =>
            {
                (features, Some(hidden), classes)
            }
            _ => return Err(EvaluateError::NoClassifier),
        };
        within("features of the model", features, 1, MAX_INPUTS)?;
        within("hidden units of the model", hidden.unwrap_or(1), 1, MAX_INPUTS)?;
        within("classes of the model", classes, 2, u64::from(MAX_CLASSES))?;
        // At most 2^20 each.
        Ok(Self { features: features as usize, hidden: hidden.map(|units| units as usize), classes: classes as usize })
    }

    /// Operations that evaluating so many rows counts in a block's budget, in the unit of [`crate::optimiser::Optimiser::cost`]: four
    /// products that are added up are one.
    #[must_use]
    pub const fn cost(&self, rows: u64) -> u64 {
        let (features, classes) = (self.features as u64, self.classes as u64);
        let products = match self.hidden {
            None => (features + 1) * classes,
            Some(hidden) => (features + 5) * hidden as u64 + (hidden as u64 + 1) * classes,
        };
        products.div_ceil(4).saturating_mul(rows)
    }

    /// Values of a row.
    #[must_use]
    pub const fn features(&self) -> u64 {
        self.features as u64
    }

    /// Whether rows are of its kind.
    ///
    /// # Errors
    /// [`EvaluateError::Mismatch`].
    pub const fn check(&self, rows: &TestSet) -> Result<(), EvaluateError> {
        if rows.features == self.features && rows.classes as usize == self.classes {
            return Ok(());
        }
        Err(EvaluateError::Mismatch {
            features: rows.features as u64,
            classes: rows.classes as u64,
            model_features: self.features as u64,
            model_classes: self.classes as u64,
        })
    }

    /// How many of these rows the model classifies as they are labelled. The hits of two neighbouring runs of rows add up.
    ///
    /// # Errors
    /// [`EvaluateError::NoClassifier`] for a model of another kind, [`EvaluateError::Mismatch`], [`EvaluateError::Rows`]; none depends on
    /// the model's values.
    pub fn hits(&self, model: &Model, rows: &TestSet, run: std::ops::Range<usize>) -> Result<u64, EvaluateError> {
        if Self::of(model.spec())? != *self {
            return Err(EvaluateError::NoClassifier);
        }
        self.check(rows)?;
        if run.start > run.end || run.end > rows.rows() {
            return Err(EvaluateError::Rows { first: run.start, end: run.end, rows: rows.rows() });
        }
        let right = |row: &usize| {
            let (values, label) = rows.row(*row);
            self.class_of(model.values(), values) == label as usize
        };
        Ok(run.filter(right).count() as u64)
    }

    fn class_of(&self, parameters: &[i64], row: &[i64]) -> usize {
        match self.hidden {
            None => largest(&layer(parameters, row, self.classes)),
            Some(hidden) => {
                let (first, second) = parameters.split_at((self.features + 1) * hidden);
                let activations: Vec<i64> = layer(first, row, hidden).into_iter().map(activation).collect();
                largest(&layer(second, &activations, self.classes))
            }
        }
    }
}

/// `weight x + bias` in units of `2^-64`, the layer's parameters being its weight, row-major, and its bias.
fn layer(parameters: &[i64], inputs: &[i64], outputs: usize) -> Vec<i128> {
    let (weight, bias) = parameters.split_at(inputs.len() * outputs);
    let score = |(weight, bias): (&[i64], &i64)| {
        let sum: i128 = weight.iter().zip(inputs).map(|(&weight, &input)| i128::from(weight) * i128::from(input)).sum();
        sum + (i128::from(*bias) << FRACTION_BITS)
    };
    weight.chunks_exact(inputs.len()).zip(bias).map(score).collect()
}

/// ReLU, rounded to units of `2^-32`, cut to [`MAX_INPUT`].
fn activation(score: i128) -> i64 {
    let rounded = shift_half_even(score, FRACTION_BITS).clamp(0, i128::from(MAX_INPUT));
    // Within 0..=2^42.
    rounded as i64
}

/// The place of the largest, the first of equal ones.
fn largest(scores: &[i128]) -> usize {
    scores.iter().enumerate().fold(0, |best, (class, score)| if *score > scores[best] { class } else { best })
}
