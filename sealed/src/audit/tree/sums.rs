//! What rows add to `A` and `b`.

use sha2::{Digest, Sha256};

use super::TreeError;
use crate::submission::Statistics;

/// The shape and bounds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowShape {
    /// `d`.
    pub width: usize,
    /// `k`.
    pub vectors: usize,
    /// Of a feature's absolute value.
    pub feature_bound: u64,
    /// Of a target's.
    pub target_bound: u64,
    /// A target's products are multiplied by two to this power: how much finer `b` is than `x y`. At most 40.
    pub target_shift: u32,
}

/// A quantised row: features and a target a vector.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// `x`.
    pub features: Vec<i64>,
    /// `y_v`.
    pub targets: Vec<i64>,
}

/// Only its size: rows are private.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} features)", self.features.len())
    }
}

/// What rows add to `A` and `b`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sums {
    rows: u64,
    /// `d (d + 1) / 2` products of features, row by row of the upper triangle, then `k d` of targets, vector by vector.
    values: Vec<i64>,
}

impl std::fmt::Debug for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sums({} rows, {} integers)", self.rows, self.values.len())
    }
}

impl Sums {
    pub(super) fn length(shape: &RowShape) -> usize {
        shape.width * (shape.width + 1) / 2 + shape.vectors * shape.width
    }

    /// What one row adds.
    pub(super) fn of(shape: &RowShape, place: usize, row: &Row) -> Result<Self, TreeError> {
        let (features, targets) = (row.features.len(), row.targets.len());
        if features != shape.width || targets != shape.vectors {
            let (width, vectors) = (shape.width, shape.vectors);
            return Err(TreeError::Shape { row: place, features, targets, width, vectors });
        }
        for (values, bound) in [(&row.features, shape.feature_bound), (&row.targets, shape.target_bound)] {
            if let Some(&value) = values.iter().find(|value| value.unsigned_abs() > bound) {
                return Err(TreeError::Bound { row: place, value, bound });
            }
        }
        let product = |a: i64, b: i64, shift: u32| {
            a.checked_mul(b).and_then(|product| product.checked_mul(1 << shift)).ok_or(TreeError::Overflow)
        };
        let shift = shape.target_shift.min(40);
        let mut values = Vec::with_capacity(Self::length(shape));
        for (i, &x) in row.features.iter().enumerate() {
            for &other in &row.features[i..] {
                values.push(product(x, other, 0)?);
            }
        }
        for &target in &row.targets {
            for &x in &row.features {
                values.push(product(target, x, shift)?);
            }
        }
        Ok(Self { rows: 1, values })
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, TreeError> {
        let rows = self.rows.checked_add(other.rows).ok_or(TreeError::Overflow)?;
        let pairs = self.values.iter().zip(&other.values);
        let values = pairs.map(|(a, b)| a.checked_add(*b).ok_or(TreeError::Overflow)).collect::<Result<_, _>>()?;
        Ok(Self { rows, values })
    }

    /// What rows add together.
    ///
    /// # Errors
    /// No rows; a row of another shape or above its bound; a sum that does not fit.
    pub fn over(shape: &RowShape, rows: &[Row]) -> Result<Self, TreeError> {
        let (first, rest) = rows.split_first().ok_or(TreeError::Rows(0))?;
        let first = Self::of(shape, 0, first)?;
        (1..).zip(rest).try_fold(first, |sums, (place, row)| sums.plus(&Self::of(shape, place, row)?))
    }

    /// How many integers there are beside the number of rows.
    pub(super) fn integers(&self) -> usize {
        self.values.len()
    }

    /// Rows that are summed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// `A` in full and `b`.
    #[must_use]
    pub fn statistics(&self, shape: &RowShape) -> Statistics {
        let width = shape.width;
        let (triangle, targets) = self.values.split_at(width * (width + 1) / 2);
        let mut matrix = vec![0; width * width];
        let mut values = triangle.iter();
        for i in 0..width {
            for (j, &value) in (i..width).zip(values.by_ref()) {
                matrix[i * width + j] = value;
                matrix[j * width + i] = value;
            }
        }
        Statistics { matrix, targets: targets.to_vec() }
    }

    pub(super) fn hash_into(&self, hash: &mut Sha256) {
        hash.update(self.rows.to_be_bytes());
        self.values.iter().for_each(|value| hash.update(value.to_be_bytes()));
    }
}
