//! Lagrange interpolation at zero in the exponent, with one set of integer coefficients for all points of a round.

use crate::curve::Point;
use crate::encoding::{SeatIndex, MAX_SEATS};
use crate::msm::{straus, Magnitude};
use k256::{ProjectivePoint, Scalar};

/// Seats that cannot be interpolated over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSeats {
    /// None.
    #[error("interpolation needs at least one seat")]
    Empty,
    /// A seat twice.
    #[error("seat {0} is named twice")]
    Twice(u32),
    /// Another number of points than seats.
    #[error("{expected} points are needed, one a seat, got {got}")]
    Count {
        /// Seats.
        expected: usize,
        /// Points.
        got: usize,
    },
    /// The interpolated point is the identity.
    #[error("the interpolated point is the identity")]
    Identity,
}

/// `lambda_k = prod_{j != k} j / (j - k)` as `factor * coefficient_k`, the coefficients being integers without a common
/// factor. Short integers cost fewer additions than scalars of full length.
#[derive(Debug, Clone)]
pub struct Lagrange {
    coefficients: Vec<Magnitude>,
    factor: Scalar,
}

impl Lagrange {
    /// Coefficients for these seats, in the order given.
    pub fn new(seats: &[SeatIndex]) -> Result<Self, BadSeats> {
        if seats.is_empty() {
            return Err(BadSeats::Empty);
        }
        for (at, seat) in seats.iter().enumerate() {
            if seats[..at].contains(seat) {
                return Err(BadSeats::Twice(seat.get()));
            }
        }
        let exponents: Vec<_> = seats.iter().map(|k| Exponents::of_lambda(*k, seats)).collect();
        let common = Exponents::minimum(&exponents);
        let short: Option<Vec<_>> = exponents.iter().map(|lambda| lambda.integer_over(&common)).collect();
        Ok(match short {
            Some(coefficients) => Self { coefficients, factor: common.scalar() },
            // Coefficients above 2^255 are no shorter than scalars.
            None => Self {
                coefficients: exponents.iter().map(|lambda| Magnitude::from_scalar(&lambda.scalar())).collect(),
                factor: Scalar::ONE,
            },
        })
    }

    /// `sum_k lambda_k V_k`, the values in the seats' order.
    pub fn interpolate(&self, values: &[Point]) -> Result<Point, BadSeats> {
        Point::from_projective(&self.projective(values)?).ok_or(BadSeats::Identity)
    }

    pub(crate) fn projective(&self, values: &[Point]) -> Result<ProjectivePoint, BadSeats> {
        if values.len() != self.coefficients.len() {
            return Err(BadSeats::Count { expected: self.coefficients.len(), got: values.len() });
        }
        let terms = self.coefficients.iter().zip(values);
        let sum = straus(terms.map(|(coefficient, value)| (*coefficient, value.projective())));
        Ok(straus([(Magnitude::from_scalar(&self.factor), sum)].into_iter()))
    }

    /// The coefficients as scalars.
    pub fn scalars(&self) -> Vec<Scalar> {
        self.coefficients.iter().map(|coefficient| coefficient.scalar() * self.factor).collect()
    }
}

const PRIMES: [u32; 24] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89];
const _: () = assert!(MAX_SEATS < 97, "the table of primes covers seats below 97");

/// A rational by the exponents of its primes.
#[derive(Debug, Clone)]
struct Exponents {
    negative: bool,
    of: [i32; PRIMES.len()],
}

impl Exponents {
    fn one() -> Self {
        Self { negative: false, of: [0; PRIMES.len()] }
    }

    fn of_lambda(k: SeatIndex, seats: &[SeatIndex]) -> Self {
        let mut lambda = Self::one();
        for j in seats.iter().filter(|j| **j != k) {
            lambda.multiply(j.get(), 1);
            lambda.multiply(j.get().abs_diff(k.get()), -1);
            lambda.negative ^= *j < k;
        }
        lambda
    }

    fn multiply(&mut self, mut number: u32, by: i32) {
        for (exponent, prime) in self.of.iter_mut().zip(PRIMES) {
            while number.is_multiple_of(prime) {
                number /= prime;
                *exponent += by;
            }
        }
    }

    fn minimum(all: &[Self]) -> Self {
        let mut common = Self { negative: false, of: [i32::MAX; PRIMES.len()] };
        for one in all {
            for (least, exponent) in common.of.iter_mut().zip(one.of) {
                *least = exponent.min(*least);
            }
        }
        common
    }

    /// `self / common`, an integer, if it is below 2^255.
    fn integer_over(&self, common: &Self) -> Option<Magnitude> {
        let mut words = [1, 0, 0, 0];
        for ((exponent, least), prime) in self.of.iter().zip(common.of).zip(PRIMES) {
            for _ in 0..exponent - least {
                let mut carry = 0u128;
                for word in &mut words {
                    let product = u128::from(*word) * u128::from(prime) + carry;
                    *word = product as u64;
                    carry = product >> 64;
                }
                if carry != 0 || words[3] >> 63 != 0 {
                    return None;
                }
            }
        }
        Some(Magnitude { negative: self.negative, words })
    }

    fn scalar(&self) -> Scalar {
        let (mut above, mut below) = (Scalar::ONE, Scalar::ONE);
        for (exponent, prime) in self.of.iter().zip(PRIMES) {
            for _ in 0..exponent.unsigned_abs() {
                let part = if *exponent > 0 { &mut above } else { &mut below };
                *part *= Scalar::from(prime);
            }
        }
        let value = above * below.invert().expect("a product of small primes is not zero modulo the order");
        if self.negative {
            -value
        } else {
            value
        }
    }
}
