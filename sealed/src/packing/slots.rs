//! A matrix times encrypted vectors by products of slots and rotations: the hybrid of diagonals and copies of Juvekar et al. 2018
//! (GAZELLE, Section IV), rotated in baby steps and giant steps (Halevi and Shoup 2014, "Algorithms in HElib", Section 4.3).
//!
//! A plaintext is two rows of `N / 2` slots, and a rotation turns both. With `d` features padded to a power of two `D` and `k` vectors
//! padded to a power of two `K`, the slot of vector `v` at position `p` of a row is `p K + v`; a row has `N / (2 K)` positions, cut into
//! copies of `D`. Copy `c` of row `r` holds the vector turned by `2 R c + R r`, where `R = D / copies`, so that all copies together see
//! `D / R` of the `D` diagonals at once and `R` rotations show all of them to every row of the matrix. What a rotation carries over from one
//! copy to the next is turned by `2 R` more, which only permutes the copies of a row. At the end the copies are added up by rotations.

use super::{MAX_VECTORS, MAX_WIDTH};

/// Where everything lies, and which rotations are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    degree: usize,
    width: usize,
    vectors: usize,
    /// `D`.
    block: usize,
    /// `K`.
    stride: usize,
    /// Copies of a row that are used.
    copies: usize,
    /// `R`.
    rotations: usize,
    /// Baby steps.
    baby: usize,
}

impl Slots {
    /// `None` where a row has no room for a copy: `D K <= N / 2` is needed, at most [`MAX_WIDTH`] features and [`MAX_VECTORS`] vectors.
    #[must_use]
    pub fn new(degree: usize, width: usize, vectors: usize) -> Option<Self> {
        if !(1..=MAX_WIDTH).contains(&width) || !(1..=MAX_VECTORS).contains(&vectors) {
            return None;
        }
        let block = width.next_power_of_two().max(2);
        let stride = vectors.next_power_of_two();
        if block * stride > degree / 2 {
            return None;
        }
        let copies = (degree / 2 / stride / block).min(block / 2);
        let rotations = block / (2 * copies);
        // The power of two at or above the square root: a giant step costs what a baby step costs.
        let baby = 1 << rotations.ilog2().div_ceil(2);
        Some(Self { degree, width, vectors, block, stride, copies, rotations, baby })
    }

    /// Turns of the model that are multiplied by diagonals, the turn by 0 included.
    pub(crate) fn baby_steps(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.baby).map(|step| step * self.stride)
    }

    /// Turns of the sums of products, the turn by 0 included.
    pub(crate) fn giant_steps(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rotations / self.baby).map(|step| step * self.baby * self.stride)
    }

    /// Turns that add the copies of a row up.
    pub(crate) fn folds(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.copies.ilog2()).map(|power| (self.block * self.stride) << power)
    }

    /// Every turn that needs a key, in order, each once.
    #[must_use]
    pub fn turns(&self) -> Vec<usize> {
        let mut turns: Vec<usize> =
            self.baby_steps().chain(self.giant_steps()).chain(self.folds()).filter(|&turn| turn != 0).collect();
        turns.sort_unstable();
        turns.dedup();
        turns
    }

    /// Products of a ciphertext by a plaintext.
    #[must_use]
    pub fn products(&self) -> usize {
        self.rotations
    }

    pub(super) fn model(&self, weights: &[i64]) -> Vec<i64> {
        self.fill(|row, copy, i, v| {
            let j = (i + self.turn_of(row, copy)) % self.block;
            if v < self.vectors && j < self.width {
                weights[v * self.width + j]
            } else {
                0
            }
        })
    }

    /// Diagonal `giant + baby` of the matrix (in turns), turned back by the giant step that will turn it again.
    pub(crate) fn diagonal(&self, matrix: &[i64], giant: usize, baby: usize) -> Vec<i64> {
        let turn = (giant + baby) / self.stride;
        let diagonal = self.fill(|row, copy, i, v| {
            // Below 2: a turn is below a copy's length.
            let carried = (i + turn) / self.block;
            let j = (i + turn + self.turn_of(row, copy + carried)) % self.block;
            if copy < self.copies && v < self.vectors && i < self.width && j < self.width {
                matrix[i * self.width + j]
            } else {
                0
            }
        });
        let mut turned = diagonal;
        turned.chunks_exact_mut(self.degree / 2).for_each(|row| row.rotate_right(giant));
        turned
    }

    fn turn_of(&self, row: usize, copy: usize) -> usize {
        self.rotations * (2 * copy + row)
    }

    /// All slots, from row, copy, place in the copy and vector.
    fn fill(&self, value: impl Fn(usize, usize, usize, usize) -> i64) -> Vec<i64> {
        let half = self.degree / 2;
        (0..self.degree)
            .map(|slot| {
                let (row, place) = (slot / half, slot % half);
                let (position, v) = (place / self.stride, place % self.stride);
                value(row, position / self.block, position % self.block, v)
            })
            .collect()
    }

    pub(super) fn places(&self) -> Vec<usize> {
        (0..self.vectors).flat_map(|v| (0..self.width).map(move |i| i * self.stride + v)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the scheme will do with slots, done in the clear.
    fn product(layout: &Slots, matrix: &[i64], weights: &[i64]) -> Vec<i64> {
        let half = layout.degree / 2;
        let turned = |values: &[i64], turn: usize| {
            let mut values = values.to_vec();
            values.chunks_exact_mut(half).for_each(|row| row.rotate_left(turn));
            values
        };
        let add = |a: &mut Vec<i64>, b: &[i64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        let model = layout.model(weights);
        let mut sum = vec![0; layout.degree];
        for giant in layout.giant_steps() {
            let mut inner = vec![0; layout.degree];
            for baby in layout.baby_steps() {
                let diagonal = layout.diagonal(matrix, giant, baby);
                let product: Vec<i64> = turned(&model, baby).iter().zip(&diagonal).map(|(a, b)| a * b).collect();
                add(&mut inner, &product);
            }
            add(&mut sum, &turned(&inner, giant));
        }
        for fold in layout.folds() {
            let turned = turned(&sum, fold);
            add(&mut sum, &turned);
        }
        let mut swapped = sum.clone();
        swapped.rotate_left(half);
        add(&mut sum, &swapped);
        layout.places().into_iter().map(|place| sum[place]).collect()
    }

    #[test]
    fn diagonals_and_turns_give_the_product_for_every_shape() {
        for (degree, width, vectors) in
            [(64, 8, 1), (64, 16, 1), (64, 16, 2), (64, 3, 3), (64, 5, 1), (256, 64, 2), (256, 128, 1), (8192, 64, 10)]
        {
            let layout = Slots::new(degree, width, vectors).unwrap_or_else(|| panic!("{degree} {width} {vectors}"));
            let matrix: Vec<i64> = (0..width * width).map(|e| (e * e % 23) as i64 - 11).collect();
            let weights: Vec<i64> = (0..width * vectors).map(|e| (e * 7 % 17) as i64 - 8).collect();
            let expected: Vec<i64> = (0..vectors * width)
                .map(|place| {
                    let (v, i) = (place / width, place % width);
                    (0..width).map(|j| matrix[i * width + j] * weights[v * width + j]).sum()
                })
                .collect();
            assert_eq!(product(&layout, &matrix, &weights), expected, "{degree} {width} {vectors}");
        }
    }

    #[test]
    fn copies_save_rotations() {
        let products = |width| Slots::new(8192, width, 1).map(|layout| (layout.products(), layout.turns().len()));
        // A product a diagonal would be 256 and 1,024.
        assert_eq!(products(256), Some((8, 8)));
        assert_eq!(products(1024), Some((128, 24)));
        assert_eq!(products(1025), None);
    }
}
