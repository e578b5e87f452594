//! safetensors: `x`, two dimensions of numbers, and `y`, one dimension of integers.

use std::path::Path;

use ndarray::Array2;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{DataError, DataSpec, Dataset};

pub(super) fn parse(file: &Path, bytes: &[u8], spec: &DataSpec) -> Result<Dataset, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.to_owned(), what };
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|error| malformed(format!("it is no safetensors file: {error}")))?;
    let tensor = |name: &str| tensors.tensor(name).map_err(|_| malformed(format!("it holds no tensor named {name}")));
    let (x, y) = (tensor("x")?, tensor("y")?);
    let features = features(&x).map_err(malformed)?;
    let labels = labels(&y).map_err(malformed)?;
    spec.assemble(file, features, &labels)
}

fn features(x: &TensorView<'_>) -> Result<Array2<f32>, String> {
    let &[rows, columns] = x.shape() else {
        return Err(format!("the tensor x has {} dimensions; it must have two, rows and features", x.shape().len()));
    };
    let values: Vec<f32> = match x.dtype() {
        Dtype::F32 => words(x).map(f32::from_le_bytes).collect(),
        Dtype::F64 => words(x).map(|word| f64::from_le_bytes(word) as f32).collect(),
        Dtype::U8 => x.data().iter().map(|&value| f32::from(value)).collect(),
        Dtype::I32 => words(x).map(|word| i32::from_le_bytes(word) as f32).collect(),
        Dtype::I64 => words(x).map(|word| i64::from_le_bytes(word) as f32).collect(),
        other => return Err(format!("the tensor x has type {other:?}; it must be F32, F64, U8, I32 or I64")),
    };
    Array2::from_shape_vec((rows, columns), values).map_err(|error| format!("the tensor x is broken: {error}"))
}

fn labels(y: &TensorView<'_>) -> Result<Vec<i64>, String> {
    if y.shape().len() != 1 {
        return Err(format!("the tensor y has {} dimensions; it must have one, a label a row", y.shape().len()));
    }
    Ok(match y.dtype() {
        Dtype::I64 => words(y).map(i64::from_le_bytes).collect(),
        Dtype::I32 => words(y).map(|word| i64::from(i32::from_le_bytes(word))).collect(),
        Dtype::U32 => words(y).map(|word| i64::from(u32::from_le_bytes(word))).collect(),
        Dtype::U8 => y.data().iter().map(|&label| i64::from(label)).collect(),
        other => return Err(format!("the tensor y has type {other:?}; it must be I64, I32, U32 or U8")),
    })
}

/// The little-endian words of a tensor whose type has `N` bytes.
fn words<'a, const N: usize>(tensor: &TensorView<'a>) -> impl Iterator<Item = [u8; N]> + 'a {
    tensor.data().as_chunks::<N>().0.iter().copied()
}
