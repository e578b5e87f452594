//! A matrix times encrypted vectors in one product of polynomials.
//!
//! With `d` features and `k` vectors, row `i` of the matrix is `sum_j A[i][j] X^(i k d + d - 1 - j)` and vector `v` is
//! `sum_j w_v[j] X^(v d + j)`: the coefficient of `X^(i k d + v d + d - 1)` of the product is `(A w_v)[i]`, because two places that are
//! multiples of `d` apart cannot be reached by `|j - j'| < d`. Nothing wraps around `X^N = -1` while `k d^2 + d <= N`. With `k = 1` this
//! is the packing of Chen et al. 2020 ("Efficient Homomorphic Conversion Between (Ring) LWE Ciphertexts", Section 4) and Huang et
//! al. 2022 (Cheetah, Section 3).

/// Rows of a `width x width` matrix side by side in one polynomial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coefficients {
    degree: usize,
    width: usize,
    vectors: usize,
}

impl Coefficients {
    /// `None` unless `vectors * width^2 + width <= degree`.
    #[must_use]
    pub fn new(degree: usize, width: usize, vectors: usize) -> Option<Self> {
        let needed = width.checked_mul(width)?.checked_mul(vectors)?.checked_add(width)?;
        (width > 0 && vectors > 0 && needed <= degree).then_some(Self { degree, width, vectors })
    }

    pub(super) fn model(&self, weights: &[i64]) -> Vec<i64> {
        let mut values = vec![0; self.degree];
        values[..weights.len()].copy_from_slice(weights);
        values
    }

    /// The matrix, row by row, as a polynomial.
    pub(crate) fn matrix(&self, matrix: &[i64]) -> Vec<i64> {
        let mut values = vec![0; self.degree];
        for (i, row) in matrix.chunks_exact(self.width).enumerate() {
            let start = i * self.vectors * self.width;
            for (place, &value) in values[start..start + self.width].iter_mut().rev().zip(row) {
                *place = value;
            }
        }
        values
    }

    pub(super) fn places(&self) -> Vec<usize> {
        let (width, vectors) = (self.width, self.vectors);
        (0..vectors).flat_map(|v| (0..width).map(move |i| i * vectors * width + v * width + width - 1)).collect()
    }
}
