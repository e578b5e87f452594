//! Data sets on a provider's disk: reading them against what a task declares, standardising them, splitting them.
//!
//! A task declares a [`DataSpec`]; a provider brings a file ([`DataSpec::load`]): csv with a header, npz with `x` and `y`, or safetensors
//! with `x` and `y`. Every error says which file, and where in it.

mod csv_file;
mod embedded;
mod npz_file;
mod safetensors_file;
pub(crate) mod split;

use std::fmt;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

pub use csv_file::write_csv;
pub use embedded::Embedded;
pub use split::{dirichlet, held_out, held_out_drawn, SplitError};

use crate::fixed::Fixed;

/// Most features of a row.
pub const MAX_FEATURES: usize = 1 << 20;
/// Most classes.
pub const MAX_CLASSES: u32 = 1 << 16;

/// Rows with a label each.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    /// One row an example, `rows x features`, in standard layout.
    pub features: Array2<f32>,
    /// The class of each row, below `classes`.
    pub labels: Vec<u32>,
    /// Number of classes.
    pub classes: u32,
}

/// Only sizes: rows are private and must not reach a log.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset({} rows, {} features, {} classes)", self.rows(), self.features.ncols(), self.classes)
    }
}

impl Dataset {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// One row and its label.
    #[must_use]
    pub fn row(&self, row: usize) -> (ArrayView1<'_, f32>, u32) {
        (self.features.row(row), self.labels[row])
    }

    /// These rows, in this order. Places beyond the end are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<usize> = rows.iter().copied().filter(|&row| row < self.rows()).collect();
        Self {
            features: self.features.select(Axis(0), &rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes,
        }
    }
}

/// `(x - offset) * factor` for one feature: constants that the task declares, because a provider must not need the others' data to
/// standardise its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// Subtracted first.
    pub offset: Fixed,
    /// Multiplied second, above 0.
    pub factor: Fixed,
}

/// What a task declares about its providers' data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSpec {
    /// Features of a row.
    pub features: usize,
    /// Classes; labels are `0..classes`.
    pub classes: u32,
    /// The features' names in the model's order; empty if the task names none. A csv file's columns are found by name, whatever their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feature_names: Vec<String>,
    /// How raw values become the model's inputs: none, or one a feature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<Scaling>,
    /// The classes' names; none, or one a class. For people only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

/// Why data, or a declaration of data, was refused. Rows count from 1, without the header.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither csv nor npz nor safetensors.
    #[error("{file} must end in .csv, .npz or .safetensors, so that its format is known")]
    Format {
        /// The file.
        file: PathBuf,
    },
    /// The container itself is broken, or an array in it has the wrong shape or type.
    #[error("{file}: {what}")]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A value or label in a row.
    #[error("{file}, row {row}, column {column}: {what}")]
    Cell {
        /// The file.
        file: PathBuf,
        /// Row, from 1.
        row: usize,
        /// Name or number of the column.
        column: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// The declaration contradicts itself.
    #[error("the task's data declaration is wrong: {0}")]
    Spec(String),
}

impl DataSpec {
    /// Whether the declaration is possible.
    ///
    /// # Errors
    /// [`DataError::Spec`] with what is wrong.
    pub fn check(&self) -> Result<(), DataError> {
        let fail = |what: String| Err(DataError::Spec(what));
        if self.features == 0 || self.features > MAX_FEATURES {
            return fail(format!("features is {}; it must be between 1 and {MAX_FEATURES}", self.features));
        }
        if self.classes < 2 || self.classes > MAX_CLASSES {
            return fail(format!("classes is {}; it must be between 2 and {MAX_CLASSES}", self.classes));
        }
        if !self.feature_names.is_empty() {
            if self.feature_names.len() != self.features {
                return fail(format!("{} names are given for {} features", self.feature_names.len(), self.features));
            }
            let mut seen = std::collections::BTreeSet::new();
            for name in &self.feature_names {
                if name.is_empty() || name == csv_file::LABEL || !seen.insert(name) {
                    return fail(format!("the feature name {name:?} is empty, taken, or reserved"));
                }
            }
        }
        if !self.scaling.is_empty() && self.scaling.len() != self.features {
            return fail(format!(
                "{} scalings are given for {} features; give none, or one each",
                self.scaling.len(),
                self.features
            ));
        }
        if !self.class_names.is_empty() && self.class_names.len() != self.classes as usize {
            return fail(format!(
                "{} class names are given for {} classes; give none, or one each",
                self.class_names.len(),
                self.classes
            ));
        }
        match self.scaling.iter().position(|scaling| scaling.factor <= Fixed::ZERO) {
            Some(place) => fail(format!("the factor of scaling {} must be above 0", place + 1)),
            None => Ok(()),
        }
    }

    /// Reads a file by its ending and standardises it: rows ready for training.
    ///
    /// # Errors
    /// A [`DataError`] that names the file, row and column.
    pub fn load(&self, file: &Path) -> Result<Dataset, DataError> {
        Ok(self.standardised(&self.load_raw(file)?))
    }

    /// Reads a file by its ending, values as they stand there.
    ///
    /// # Errors
    /// A [`DataError`] that names the file, row and column.
    pub fn load_raw(&self, file: &Path) -> Result<Dataset, DataError> {
        self.check()?;
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let read = || std::fs::read(file).map_err(|source| DataError::Read { file: file.to_owned(), source });
        match ending.as_str() {
            "csv" => csv_file::parse(file, &read()?, self),
            "npz" => npz_file::parse(file, &read()?, self),
            "safetensors" => safetensors_file::parse(file, &read()?, self),
            _ => Err(DataError::Format { file: file.to_owned() }),
        }
    }

    /// Parses csv text; `file` is what errors call it.
    ///
    /// # Errors
    /// A [`DataError`] that names the file, row and column.
    pub fn parse_csv(&self, file: &Path, bytes: &[u8]) -> Result<Dataset, DataError> {
        self.check()?;
        csv_file::parse(file, bytes, self)
    }

    /// The rows with the declared standardisation applied, computed in double precision and rounded once.
    #[must_use]
    pub fn standardised(&self, raw: &Dataset) -> Dataset {
        let mut data = raw.clone();
        for (mut values, scaling) in data.features.columns_mut().into_iter().zip(&self.scaling) {
            let (offset, factor) = (f64::from(scaling.offset), f64::from(scaling.factor));
            values.mapv_inplace(|value| ((f64::from(value) - offset) * factor) as f32);
        }
        data
    }

    /// Puts parsed arrays together: shapes, finite values, labels in range.
    fn assemble(&self, file: &Path, features: Array2<f32>, labels: &[i64]) -> Result<Dataset, DataError> {
        let malformed = |what: String| Err(DataError::Malformed { file: file.to_owned(), what });
        if features.ncols() != self.features {
            return malformed(format!("rows have {} features; the task declares {}", features.ncols(), self.features));
        }
        if features.nrows() != labels.len() {
            return malformed(format!("{} rows have {} labels; one each is needed", features.nrows(), labels.len()));
        }
        if labels.is_empty() {
            return malformed("there are no rows".to_owned());
        }
        if let Some(((row, column), value)) = features.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(DataError::Cell {
                file: file.to_owned(),
                row: row + 1,
                column: self.column_name(column),
                what: format!("{value} is not a finite number"),
            });
        }
        let labels = labels
            .iter()
            .enumerate()
            .map(|(row, &label)| {
                u32::try_from(label).ok().filter(|&label| label < self.classes).ok_or_else(|| DataError::Cell {
                    file: file.to_owned(),
                    row: row + 1,
                    column: csv_file::LABEL.to_owned(),
                    what: format!("the label {label} is not in 0..={}", self.classes - 1),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Dataset { features: features.as_standard_layout().into_owned(), labels, classes: self.classes })
    }

    fn column_name(&self, column: usize) -> String {
        self.feature_names.get(column).cloned().unwrap_or_else(|| (column + 1).to_string())
    }
}
