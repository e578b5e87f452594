//! npz: `x`, two dimensions of numbers, and `y`, one dimension of integers.

use std::io::Cursor;
use std::path::Path;

use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, ReadNpzError, ReadableElement};

use super::{DataError, DataSpec, Dataset};

type Archive<'a> = NpzReader<Cursor<&'a [u8]>>;

pub(super) fn parse(file: &Path, bytes: &[u8], spec: &DataSpec) -> Result<Dataset, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.to_owned(), what };
    let mut archive =
        NpzReader::new(Cursor::new(bytes)).map_err(|error| malformed(format!("it is no npz archive: {error}")))?;
    let features = features(&mut archive).map_err(malformed)?;
    let labels = labels(&mut archive).map_err(malformed)?;
    spec.assemble(file, features, &labels)
}

fn features(archive: &mut Archive) -> Result<Array2<f32>, String> {
    if let Some(found) = array::<f32>(archive)? {
        return Ok(found);
    }
    if let Some(found) = array::<f64>(archive)? {
        return Ok(found.mapv(|value| value as f32));
    }
    if let Some(found) = array::<u8>(archive)? {
        return Ok(found.mapv(f32::from));
    }
    if let Some(found) = array::<i32>(archive)? {
        return Ok(found.mapv(|value| value as f32));
    }
    if let Some(found) = array::<i64>(archive)? {
        return Ok(found.mapv(|value| value as f32));
    }
    Err("the array x must be two-dimensional, of type float32, float64, uint8, int32 or int64".to_owned())
}

fn array<T: ReadableElement>(archive: &mut Archive) -> Result<Option<Array2<T>>, String> {
    read(archive.by_name("x"), "x")
}

fn labels(archive: &mut Archive) -> Result<Vec<i64>, String> {
    if let Some(found) = vector::<i64>(archive)? {
        return Ok(found.to_vec());
    }
    if let Some(found) = vector::<i32>(archive)? {
        return Ok(found.iter().map(|&label| i64::from(label)).collect());
    }
    if let Some(found) = vector::<u8>(archive)? {
        return Ok(found.iter().map(|&label| i64::from(label)).collect());
    }
    if let Some(found) = vector::<u32>(archive)? {
        return Ok(found.iter().map(|&label| i64::from(label)).collect());
    }
    if let Some(found) = vector::<u64>(archive)? {
        // A label above 2^63 is out of any task's range, as -1 is.
        return Ok(found.iter().map(|&label| i64::try_from(label).unwrap_or(-1)).collect());
    }
    Err("the array y must be one-dimensional, of type int64, int32, uint8, uint32 or uint64".to_owned())
}

fn vector<T: ReadableElement>(archive: &mut Archive) -> Result<Option<Array1<T>>, String> {
    read(archive.by_name("y"), "y")
}

/// `None`: the array has another type or number of dimensions, so the next type is tried.
fn read<T>(result: Result<T, ReadNpzError>, name: &str) -> Result<Option<T>, String> {
    use ndarray_npy::ReadNpyError::{WrongDescriptor, WrongNdim};
    match result {
        Ok(found) => Ok(Some(found)),
        Err(ReadNpzError::Npy(WrongDescriptor(_) | WrongNdim(..))) => Ok(None),
        Err(ReadNpzError::Zip(_)) => Err(format!("it holds no readable array named {name}")),
        Err(error) => Err(format!("the array {name} cannot be read: {error}")),
    }
}
