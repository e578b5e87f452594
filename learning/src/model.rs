//! What a model is on the chain: named tensors of fixed-point values, their canonical bytes, their hash, and where the first ones
//! come from.
//!
//! Canonical bytes:
//! ```text
//! lp("bauta/1/model")
//! be32 count of tensors, then each: lp(name), u8 count of dimensions, be64 each dimension
//! the values of all tensors in that order, row-major, be64 two's complement, units of 2^-32
//! ```
//! The part before the values is a function of the [`ModelSpec`] alone, and the values are in one run, so that a model written chunk
//! by chunk is the concatenation of its header and its chunks ([`encode_values`]). Every accepted byte string is what
//! [`Model::encode`] gives back. `model_hash` is SHA-256 of these bytes.

use ndarray::{ArrayViewD, IxDyn};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::canonical::{write_lp, Reader};
use crate::fixed::{Fixed, MAX};

/// The tag in front of a model's canonical bytes.
pub const MODEL_TAG: &str = "bauta/1/model";
/// Most tensors a model may have.
pub const MAX_TENSORS: usize = 1024;
/// Most bytes of a tensor's name.
pub const MAX_NAME_BYTES: usize = 128;
/// Most dimensions of a tensor.
pub const MAX_DIMENSIONS: usize = 8;
/// Most values of a model, all tensors together.
pub const MAX_ELEMENTS: u64 = 1 << 26;

/// Why a model or its description was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No tensors, or too many.
    #[error("a model has between 1 and {MAX_TENSORS} tensors, not {0}")]
    TensorCount(u64),
    /// A name that cannot be told from another on every screen and in every file.
    #[error("tensor {index} needs a name of 1 to {MAX_NAME_BYTES} visible ASCII characters")]
    Name {
        /// Place of the tensor, from 0.
        index: usize,
    },
    /// Two tensors of one name.
    #[error("two tensors are named {0:?}; names are unique")]
    DuplicateName(String),
    /// Too many dimensions.
    #[error("tensor {name:?} has {dimensions} dimensions; at most {MAX_DIMENSIONS} are possible")]
    Dimensions {
        /// The tensor.
        name: String,
        /// How many it has.
        dimensions: usize,
    },
    /// A dimension of zero.
    #[error("tensor {0:?} has a dimension of 0; every dimension is at least 1")]
    EmptyDimension(String),
    /// Too many values.
    #[error("the model has more than {MAX_ELEMENTS} values; make it smaller")]
    TooLarge,
    /// The number of values does not match the tensors.
    #[error("the tensors hold {expected} values, but {found} were given")]
    ValueCount {
        /// What the description says.
        expected: u64,
        /// What was there.
        found: u64,
    },
    /// `i64::MIN`, which has no negative.
    #[error("value {0} is -2^63, outside of the symmetric range of the fixed point")]
    ValueRange(u64),
    /// The bytes do not begin with the model's tag.
    #[error("the bytes do not begin with the tag of a model, {MODEL_TAG:?}")]
    Tag,
    /// The bytes end too early.
    #[error("the model's bytes end in the middle of {0}")]
    Truncated(&'static str),
    /// The number of bounds does not match the tensors.
    #[error("the model has {tensors} tensors, but {bounds} bounds for their first values; give one each")]
    BoundCount {
        /// Tensors of the model.
        tensors: usize,
        /// Bounds given.
        bounds: usize,
    },
    /// A bound below zero.
    #[error("the bound for tensor {name:?} is {bound}; it must be 0 or more")]
    NegativeBound {
        /// The tensor.
        name: String,
        /// Its bound.
        bound: Fixed,
    },
}

/// One tensor: its name and its shape. No dimensions means a single value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    name: String,
    shape: Vec<u64>,
}

impl TensorSpec {
    /// A tensor as it is; [`ModelSpec::new`] checks it.
    #[must_use]
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<u64>>) -> Self {
        Self { name: name.into(), shape: shape.into() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// How many values it has; `None` when that exceeds 64 bits.
    fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |product, &dimension| product.checked_mul(dimension))
    }
}

/// The tensors of a model in their order: what a task declares. Checked when it is made, so that every `ModelSpec` is a possible one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    tensors: Vec<TensorSpec>,
    elements: u64,
}

impl ModelSpec {
    /// Checks names, shapes and the total.
    ///
    /// # Errors
    /// A [`ModelError`] that names the first tensor at fault.
    pub fn new(tensors: Vec<TensorSpec>) -> Result<Self, ModelError> {
        if tensors.is_empty() || tensors.len() > MAX_TENSORS {
            return Err(ModelError::TensorCount(tensors.len() as u64));
        }
        let mut elements = 0u64;
        let mut names = std::collections::BTreeSet::new();
        for (index, tensor) in tensors.iter().enumerate() {
            let name = &tensor.name;
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(ModelError::Name { index });
            }
            if tensor.shape.len() > MAX_DIMENSIONS {
                return Err(ModelError::Dimensions { name: name.clone(), dimensions: tensor.shape.len() });
            }
            if tensor.shape.contains(&0) {
                return Err(ModelError::EmptyDimension(name.clone()));
            }
            if !names.insert(name.as_str()) {
                return Err(ModelError::DuplicateName(name.clone()));
            }
            elements = tensor
                .elements()
                .and_then(|more| elements.checked_add(more))
                .filter(|&total| total <= MAX_ELEMENTS)
                .ok_or(ModelError::TooLarge)?;
        }
        Ok(Self { tensors, elements })
    }

    /// The tensors in their order.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// Values of the model, `d` in the protocol: the length of an update.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// The same as a length in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.elements).expect("at most 2^26 values")
    }

    /// Never: a model has at least one value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements == 0
    }

    /// Where each tensor's values lie in the model's, in the tensors' order.
    pub fn ranges(&self) -> impl Iterator<Item = (&TensorSpec, std::ops::Range<usize>)> {
        self.tensors.iter().scan(0usize, |start, tensor| {
            let length =
                tensor.elements().and_then(|n| usize::try_from(n).ok()).expect("checked when the spec was made");
            let range = *start..*start + length;
            *start = range.end;
            Some((tensor, range))
        })
    }

    /// The canonical bytes before a model's values. They identify the spec and end where the first value begins.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_lp(&mut out, MODEL_TAG.as_bytes());
        let count = u32::try_from(self.tensors.len()).expect("at most 1024 tensors");
        out.extend_from_slice(&count.to_be_bytes());
        for tensor in &self.tensors {
            write_lp(&mut out, tensor.name.as_bytes());
            out.push(u8::try_from(tensor.shape.len()).expect("at most 8 dimensions"));
            for dimension in &tensor.shape {
                out.extend_from_slice(&dimension.to_be_bytes());
            }
        }
        out
    }

    /// Reads a spec's bytes; nothing may follow them.
    ///
    /// # Errors
    /// A [`ModelError`]; bytes that [`ModelSpec::encode`] would not give are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        let (spec, rest) = Self::decode_prefix(bytes)?;
        if rest.is_empty() {
            Ok(spec)
        } else {
            Err(ModelError::ValueCount { expected: 0, found: (rest.len() / 8).max(1) as u64 })
        }
    }

    fn decode_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), ModelError> {
        let mut reader = Reader::new(bytes);
        if reader.lp() != Some(MODEL_TAG.as_bytes()) {
            return Err(ModelError::Tag);
        }
        let count = reader.u32().ok_or(ModelError::Truncated("the count of tensors"))?;
        if count == 0 || count as usize > MAX_TENSORS {
            return Err(ModelError::TensorCount(u64::from(count)));
        }
        let mut tensors = Vec::new();
        for index in 0..count as usize {
            let name = reader.lp().ok_or(ModelError::Truncated("a tensor's name"))?;
            let name = std::str::from_utf8(name).map_err(|_| ModelError::Name { index })?.to_owned();
            let dimensions = usize::from(reader.u8().ok_or(ModelError::Truncated("a tensor's shape"))?);
            if dimensions > MAX_DIMENSIONS {
                return Err(ModelError::Dimensions { name, dimensions });
            }
            let mut shape = Vec::with_capacity(dimensions);
            for _ in 0..dimensions {
                shape.push(reader.u64().ok_or(ModelError::Truncated("a tensor's shape"))?);
            }
            tensors.push(TensorSpec { name, shape });
        }
        Ok((Self::new(tensors)?, reader.rest()))
    }
}

/// A model: its spec and the values of all its tensors, row-major, one after the other, in units of `2^-32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    spec: ModelSpec,
    values: Vec<i64>,
}

impl Model {
    /// A model with these values.
    ///
    /// # Errors
    /// [`ModelError::ValueCount`], [`ModelError::ValueRange`].
    pub fn new(spec: ModelSpec, values: Vec<i64>) -> Result<Self, ModelError> {
        if values.len() as u64 != spec.elements {
            return Err(ModelError::ValueCount { expected: spec.elements, found: values.len() as u64 });
        }
        if let Some(place) = values.iter().position(|&value| value < -MAX) {
            return Err(ModelError::ValueRange(place as u64));
        }
        Ok(Self { spec, values })
    }

    /// Its description.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// All values, in units of `2^-32`.
    #[must_use]
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// All values, to be changed in place. The optimiser keeps them in range.
    pub fn values_mut(&mut self) -> &mut [i64] {
        &mut self.values
    }

    /// The values alone.
    #[must_use]
    pub fn into_values(self) -> Vec<i64> {
        self.values
    }

    /// Every tensor's name and its values in its shape.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, ArrayViewD<'_, i64>)> {
        self.spec.ranges().map(|(tensor, range)| {
            let shape: Vec<usize> =
                tensor.shape.iter().map(|&d| usize::try_from(d).expect("a dimension is at most 2^26")).collect();
            let view = ArrayViewD::from_shape(IxDyn(&shape), &self.values[range])
                .expect("the range holds as many values as the shape");
            (tensor.name.as_str(), view)
        })
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.spec.encode();
        out.reserve_exact(self.values.len() * 8);
        write_values(&mut out, &self.values);
        out
    }

    /// Reads canonical bytes. Nothing is allocated for values before their number has been compared with the bytes that are there.
    ///
    /// # Errors
    /// A [`ModelError`] that says which rule the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        let (spec, rest) = ModelSpec::decode_prefix(bytes)?;
        let values = decode_values(rest, spec.elements)?;
        Ok(Self { spec, values })
    }

    /// `model_hash`: SHA-256 of the canonical bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        model_hash(&self.encode())
    }
}

/// `model_hash` of canonical model bytes.
#[must_use]
pub fn model_hash(canonical_bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(canonical_bytes).into()
}

/// A run of values as it stands in a model's canonical bytes.
#[must_use]
pub fn encode_values(values: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * 8);
    write_values(&mut out, values);
    out
}

/// Reads a run of exactly `expected` values.
///
/// # Errors
/// [`ModelError::ValueCount`], [`ModelError::ValueRange`] (counted from the run's begin), [`ModelError::Truncated`].
pub fn decode_values(bytes: &[u8], expected: u64) -> Result<Vec<i64>, ModelError> {
    let found = (bytes.len() / 8) as u64;
    if found != expected {
        return Err(ModelError::ValueCount { expected, found });
    }
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(ModelError::Truncated("a value"));
    }
    words
        .iter()
        .enumerate()
        .map(|(place, word)| match i64::from_be_bytes(*word) {
            i64::MIN => Err(ModelError::ValueRange(place as u64)),
            value => Ok(value),
        })
        .collect()
}

fn write_values(out: &mut Vec<u8>, values: &[i64]) {
    for value in values {
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Where the first values of a model come from, when they are not uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Initialisation {
    /// All zero: right for convex models such as softmax regression.
    Zeros,
    /// Uniform in `[-bound, bound]`, one bound a tensor (a bound of 0 gives zeros).
    ///
    /// Element `e` of tensor `k` (from 0) is `floor(r (2 b + 1) / 2^64) - b`, `b` the bound in units, `r` the le64 at byte `8 e` of the
    /// ChaCha20 key stream with key `seed`, 64-bit stream id (nonce words 2 and 3, little endian) `k`, and 64-bit counter from 0.
    Uniform {
        /// Key of the streams.
        seed: [u8; 32],
        /// Largest absolute value, one a tensor, in the spec's order.
        bounds: Vec<Fixed>,
    },
}

impl Initialisation {
    /// The first model.
    ///
    /// # Errors
    /// [`ModelError::BoundCount`], [`ModelError::NegativeBound`].
    pub fn model(&self, spec: &ModelSpec) -> Result<Model, ModelError> {
        let mut values = vec![0i64; spec.len()];
        if let Self::Uniform { seed, bounds } = self {
            self.check(spec)?;
            for (stream, ((_, range), bound)) in spec.ranges().zip(bounds).enumerate() {
                if *bound == Fixed::ZERO {
                    continue;
                }
                let mut rng = ChaCha20Rng::from_seed(*seed);
                rng.set_stream(stream as u64);
                let bound = i128::from(bound.to_bits());
                // The width is below 2^64, so the product fits in 128 bits.
                let width = bound.unsigned_abs() * 2 + 1;
                for value in &mut values[range] {
                    let drawn = (u128::from(rng.next_u64()) * width) >> 64;
                    // The difference is at most the bound, which is a model value.
                    *value = crate::fixed::saturate(drawn.cast_signed() - bound);
                }
            }
        }
        Ok(Model { spec: spec.clone(), values })
    }

    /// Whether it fits the model.
    ///
    /// # Errors
    /// [`ModelError::BoundCount`], [`ModelError::NegativeBound`].
    pub fn check(&self, spec: &ModelSpec) -> Result<(), ModelError> {
        let Self::Uniform { bounds, .. } = self else {
            return Ok(());
        };
        if bounds.len() != spec.tensors.len() {
            return Err(ModelError::BoundCount { tensors: spec.tensors.len(), bounds: bounds.len() });
        }
        match spec.tensors.iter().zip(bounds).find(|(_, bound)| **bound < Fixed::ZERO) {
            Some((tensor, bound)) => Err(ModelError::NegativeBound { name: tensor.name.clone(), bound: *bound }),
            None => Ok(()),
        }
    }
}
