//! Models and updates as floats, and as safetensors files.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::fixed::{Fixed, MAX, ONE};
use crate::model::{Model, ModelSpec, TensorSpec};

/// Why tensors were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// Not a safetensors file.
    #[error("it is no safetensors file: {0}")]
    Container(String),
    /// A tensor of the model is not there.
    #[error("the tensor {0:?} is missing")]
    Missing(String),
    /// A tensor that the model does not have.
    #[error("the tensor {0:?} is not part of the model")]
    Unknown(String),
    /// Another shape.
    #[error("the tensor {name:?} has shape {found:?}; the model's is {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The model's shape.
        expected: Vec<u64>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// Neither F32 nor F64.
    #[error("the tensor {name:?} has type {found}; it must be F32 (or F64, which is rounded)")]
    Type {
        /// The tensor.
        name: String,
        /// The file's type.
        found: String,
    },
    /// NaN or infinite.
    #[error("the tensor {name:?} has {value} at place {place}; every value must be a finite number")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Place in the tensor, row-major, from 0.
        place: usize,
        /// The value, as text.
        value: String,
    },
    /// Beyond the fixed point.
    #[error("the tensor {name:?} has {value} at place {place}, beyond the range of +-2147483648")]
    Range {
        /// The tensor.
        name: String,
        /// Place in the tensor, row-major, from 0.
        place: usize,
        /// The value, as text.
        value: String,
    },
    /// The number of values does not match.
    #[error("{found} values were given for a model of {expected}")]
    Count {
        /// Of the model.
        expected: u64,
        /// Given.
        found: usize,
    },
}

/// Finite `f32` values for the tensors of a model, in the spec's order, row-major: a model, or an update of one.
#[derive(Clone, PartialEq)]
pub struct Tensors {
    spec: ModelSpec,
    values: Vec<f32>,
}

/// Only sizes: an update is private and must not reach a log.
impl std::fmt::Debug for Tensors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensors({} tensors, {} values)", self.spec.tensors().len(), self.values.len())
    }
}

impl Tensors {
    /// Values for a spec.
    ///
    /// # Errors
    /// [`TensorError::Count`], [`TensorError::NotFinite`].
    pub fn new(spec: ModelSpec, values: Vec<f32>) -> Result<Self, TensorError> {
        if values.len() != spec.len() {
            return Err(TensorError::Count { expected: spec.elements(), found: values.len() });
        }
        for (tensor, range) in spec.ranges() {
            if let Some(place) = values[range.clone()].iter().position(|value| !value.is_finite()) {
                let value = values[range.start + place].to_string();
                return Err(TensorError::NotFinite { name: tensor.name().to_owned(), place, value });
            }
        }
        Ok(Self { spec, values })
    }

    /// The floats nearest to a model's fixed-point values.
    #[must_use]
    pub fn from_model(model: &Model) -> Self {
        let values = model.values().iter().map(|&value| (value as f64 / ONE as f64) as f32).collect();
        Self { spec: model.spec().clone(), values }
    }

    /// The fixed-point values nearest to the floats, ties to even: how a model provider uploads a first model.
    ///
    /// # Errors
    /// [`TensorError::Range`].
    pub fn to_model(&self) -> Result<Model, TensorError> {
        let mut fixed = Vec::with_capacity(self.values.len());
        for (tensor, range) in self.spec.ranges() {
            for (place, &value) in self.values[range].iter().enumerate() {
                // Exact: a power of two times a float of 24 bits.
                let units = (f64::from(value) * ONE as f64).round_ties_even();
                if units.abs() >= MAX as f64 {
                    let value = value.to_string();
                    return Err(TensorError::Range { name: tensor.name().to_owned(), place, value });
                }
                fixed.push(units as i64);
            }
        }
        Model::new(self.spec.clone(), fixed)
            .map_err(|_| TensorError::Count { expected: self.spec.elements(), found: self.values.len() })
    }

    /// The tensors' names and shapes.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// All values in the spec's order.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// `self - before`, the update that training made.
    ///
    /// # Errors
    /// [`TensorError::Count`] for models of different length, [`TensorError::NotFinite`] for a difference beyond the range of floats.
    pub fn minus(&self, before: &Self) -> Result<Self, TensorError> {
        if self.values.len() != before.values.len() {
            return Err(TensorError::Count { expected: before.spec.elements(), found: self.values.len() });
        }
        let difference = self.values.iter().zip(&before.values).map(|(new, old)| new - old).collect();
        Self::new(self.spec.clone(), difference)
    }

    /// The safetensors bytes, type F32, little endian.
    ///
    /// # Errors
    /// [`TensorError::Container`], if the library refuses the names.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, TensorError> {
        let bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let container = |error: safetensors::SafeTensorError| TensorError::Container(error.to_string());
        let mut views = Vec::new();
        for (tensor, range) in self.spec.ranges() {
            let view = TensorView::new(Dtype::F32, sizes(tensor), &bytes[range.start * 4..range.end * 4])
                .map_err(container)?;
            views.push((tensor.name(), view));
        }
        safetensors::serialize(views, None).map_err(container)
    }

    /// Reads safetensors bytes that must hold exactly the tensors of `spec`.
    ///
    /// # Errors
    /// A [`TensorError`] that names the tensor.
    pub fn from_safetensors(spec: &ModelSpec, bytes: &[u8]) -> Result<Self, TensorError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| TensorError::Container(error.to_string()))?;
        let known = |name: &str| spec.tensors().iter().any(|tensor| tensor.name() == name);
        let mut names = file.names();
        names.sort_unstable();
        if let Some(unknown) = names.into_iter().find(|name| !known(name)) {
            return Err(TensorError::Unknown(unknown.to_owned()));
        }
        let mut values = Vec::with_capacity(spec.len());
        for tensor in spec.tensors() {
            let name = || tensor.name().to_owned();
            let view = file.tensor(tensor.name()).map_err(|_| TensorError::Missing(name()))?;
            if view.shape() != sizes(tensor) {
                return Err(TensorError::Shape {
                    name: name(),
                    expected: tensor.shape().to_vec(),
                    found: view.shape().to_vec(),
                });
            }
            match view.dtype() {
                Dtype::F32 => {
                    values.extend(view.data().as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)))
                }
                Dtype::F64 => {
                    values.extend(view.data().as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word) as f32))
                }
                other => return Err(TensorError::Type { name: name(), found: format!("{other:?}") }),
            }
        }
        Self::new(spec.clone(), values)
    }

    /// Reads a safetensors file whose tensors become a spec, in the order of their names: how a model provider starts from an own model.
    ///
    /// # Errors
    /// A [`TensorError`] that names the tensor.
    pub fn from_any_safetensors(bytes: &[u8]) -> Result<Self, TensorError> {
        let container = |what: String| TensorError::Container(what);
        let file = SafeTensors::deserialize(bytes).map_err(|error| container(error.to_string()))?;
        let mut tensors = Vec::new();
        for (name, view) in file.iter() {
            tensors.push(TensorSpec::new(name, view.shape().iter().map(|&size| size as u64).collect::<Vec<_>>()));
        }
        tensors.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        let spec = ModelSpec::new(tensors).map_err(|error| container(error.to_string()))?;
        Self::from_safetensors(&spec, bytes)
    }

    /// Writes a safetensors file.
    ///
    /// # Errors
    /// What the system says, or the container's error as one of its kind.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        std::fs::write(file, self.to_safetensors().map_err(std::io::Error::other)?)
    }

    /// The largest bytes that a file with these tensors needs: F64 values and a header.
    pub(super) fn largest_file(spec: &ModelSpec) -> u64 {
        spec.elements() * 8 + 1024 * 1024
    }
}

fn sizes(tensor: &TensorSpec) -> Vec<usize> {
    tensor.shape().iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
}

/// The float nearest to a fixed-point number.
impl From<Fixed> for f64 {
    fn from(value: Fixed) -> Self {
        value.to_bits() as f64 / ONE as f64
    }
}
