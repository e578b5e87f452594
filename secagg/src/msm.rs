//! Multi-scalar multiplication in variable time, for **public** data only: Straus with signed windows for few points,
//! Pippenger's buckets for many. Nothing secret may come here.

use crate::curve::Point;
use elliptic_curve::scalar::IsHigh;
use k256::{AffinePoint, ProjectivePoint, Scalar};

/// Above this many points buckets are cheaper than tables.
const PIPPENGER_FROM: usize = 128;

/// Width of the tables' signed windows: odd multiples `P, 3P, ..., 15P`.
const TABLE_WIDTH: u32 = 5;

/// `sum_i s_i P_i`.
pub fn sum(terms: &[(Scalar, Point)]) -> ProjectivePoint {
    let terms: Vec<_> = terms.iter().map(|(scalar, point)| (Magnitude::from_scalar(scalar), point.affine())).collect();
    signed_sum(&terms)
}

/// Whether `sum_i s_i P_i` is the identity, which is how a batch of equations is verified.
#[must_use]
pub fn sum_is_identity(terms: &[(Scalar, Point)]) -> bool {
    sum(terms) == ProjectivePoint::IDENTITY
}

pub(crate) fn signed_sum(terms: &[(Magnitude, AffinePoint)]) -> ProjectivePoint {
    if terms.len() < PIPPENGER_FROM {
        straus(terms.iter().map(|(magnitude, point)| (*magnitude, (*point).into())))
    } else {
        pippenger(terms)
    }
}

/// A signed integer below 2^256 in absolute value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Magnitude {
    pub(crate) negative: bool,
    /// Little-endian words.
    pub(crate) words: [u64; 4],
}

impl Magnitude {
    /// The representative of least absolute value: small negative coefficients stay small.
    pub(crate) fn from_scalar(scalar: &Scalar) -> Self {
        let negative = bool::from(scalar.is_high());
        let bytes = if negative { -scalar } else { *scalar }.to_bytes();
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().rev().zip(bytes.chunks_exact(8)) {
            *word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        Self { negative, words }
    }

    /// Modulo the group order.
    pub(crate) fn scalar(&self) -> Scalar {
        let shift = Scalar::from(1u128 << 64);
        let value = self.words.iter().rev().fold(Scalar::ZERO, |value, word| value * shift + Scalar::from(*word));
        if self.negative {
            -value
        } else {
            value
        }
    }

    /// Bits needed.
    pub(crate) fn bits(&self) -> u32 {
        let top = self.words.iter().rposition(|word| *word != 0);
        top.map_or(0, |top| 64 * top as u32 + 64 - self.words[top].leading_zeros())
    }

    /// Bits `[from, from + count)`, zero beyond the top; `count <= 32`.
    fn window(&self, from: u32, count: u32) -> u32 {
        let (word, shift) = ((from / 64) as usize, from % 64);
        let low = self.words.get(word).copied().unwrap_or(0) >> shift;
        let high = match shift {
            0 => 0,
            _ => self.words.get(word + 1).copied().unwrap_or(0) << (64 - shift),
        };
        ((low | high) & ((1 << count) - 1)) as u32
    }

    /// Non-adjacent form of width `TABLE_WIDTH`: digits are zero or odd, below 2^4 in absolute value; least significant
    /// first, one digit a bit.
    fn non_adjacent_form(&self, digits: &mut Vec<i8>) {
        digits.clear();
        let bits = self.bits();
        let (mut at, mut carry) = (0, 0);
        while at < bits || carry == 1 {
            let low = self.window(at, 1) + carry;
            if low & 1 == 0 {
                digits.push(0);
                at += 1;
                carry = low >> 1;
                continue;
            }
            let value = (self.window(at, TABLE_WIDTH) + carry) as i32;
            carry = u32::from(value >= 1 << (TABLE_WIDTH - 1));
            let digit = value - ((carry as i32) << TABLE_WIDTH);
            digits.push(if self.negative { -digit } else { digit } as i8);
            digits.extend([0; TABLE_WIDTH as usize - 1]);
            at += TABLE_WIDTH;
        }
    }
}

/// Straus' method (Handbook of Applied Cryptography 14.88) over non-adjacent forms: the doublings are shared.
pub(crate) fn straus(terms: impl Iterator<Item = (Magnitude, ProjectivePoint)>) -> ProjectivePoint {
    let (mut forms, mut tables) = (Vec::new(), Vec::new());
    let mut length = 0;
    for (magnitude, point) in terms {
        let mut form = Vec::with_capacity(260);
        magnitude.non_adjacent_form(&mut form);
        length = length.max(form.len());
        tables.push(odd_multiples(&point));
        forms.push(form);
    }
    let mut sum = ProjectivePoint::IDENTITY;
    for at in (0..length).rev() {
        sum = sum.double();
        for (form, table) in forms.iter().zip(&tables) {
            match form.get(at).copied().unwrap_or(0) {
                0 => {}
                digit if digit > 0 => sum += &table[digit as usize / 2],
                digit => sum -= &table[digit.unsigned_abs() as usize / 2],
            }
        }
    }
    sum
}

fn odd_multiples(point: &ProjectivePoint) -> [ProjectivePoint; 1 << (TABLE_WIDTH - 2)] {
    let twice = point.double();
    let mut table = [*point; 1 << (TABLE_WIDTH - 2)];
    for at in 1..table.len() {
        table[at] = table[at - 1] + twice;
    }
    table
}

/// Pippenger's buckets with signed digits (Bernstein et al. 2012, "Faster batch forgery identification", section 4).
fn pippenger(terms: &[(Magnitude, AffinePoint)]) -> ProjectivePoint {
    let bits = terms.iter().map(|(magnitude, _)| magnitude.bits()).max().unwrap_or(0);
    let width = best_width(terms.len(), bits);
    // One more bit for the carry of the topmost signed digit.
    let windows = (bits + 1).div_ceil(width);
    let digits = signed_digits(terms, width, windows);
    let mut sum = ProjectivePoint::IDENTITY;
    let mut buckets = vec![ProjectivePoint::IDENTITY; 1 << (width - 1)];
    for window in (0..windows as usize).rev() {
        for _ in 0..width {
            sum = sum.double();
        }
        buckets.fill(ProjectivePoint::IDENTITY);
        let row = &digits[window * terms.len()..(window + 1) * terms.len()];
        for (digit, (_, point)) in row.iter().zip(terms) {
            match *digit {
                0 => {}
                digit if digit > 0 => buckets[digit as usize - 1] += point,
                digit => buckets[digit.unsigned_abs() as usize - 1] -= point,
            }
        }
        let mut running = ProjectivePoint::IDENTITY;
        for bucket in buckets.iter().rev() {
            running += bucket;
            sum += &running;
        }
    }
    sum
}

/// Digits in `[-2^(width-1), 2^(width-1)]`, window by window.
fn signed_digits(terms: &[(Magnitude, AffinePoint)], width: u32, windows: u32) -> Vec<i32> {
    let mut digits = vec![0i32; terms.len() * windows as usize];
    for (at, (magnitude, _)) in terms.iter().enumerate() {
        let mut carry = 0;
        for window in 0..windows {
            let value = (magnitude.window(window * width, width) + carry) as i32;
            carry = u32::from(value > 1 << (width - 1));
            let digit = value - ((carry as i32) << width);
            digits[window as usize * terms.len() + at] = if magnitude.negative { -digit } else { digit };
        }
    }
    digits
}

/// The window width with the fewest additions.
fn best_width(points: usize, bits: u32) -> u32 {
    let cost = |width: u32| ((bits + 1).div_ceil(width) as usize) * (points + (1 << width));
    (4..=16).min_by_key(|width| cost(*width)).unwrap_or(8)
}
