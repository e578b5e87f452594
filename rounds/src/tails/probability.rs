//! A probability as an exact fraction of integers, and how people read it.

use num_bigint::BigUint;
use std::fmt;

/// An exact probability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probability {
    favourable: BigUint,
    all: BigUint,
}

impl Probability {
    /// `favourable / all`; `all` is above zero.
    pub(super) fn new(favourable: BigUint, all: BigUint) -> Self {
        Self { favourable, all }
    }

    /// What cannot happen.
    pub fn zero() -> Self {
        Self::new(BigUint::ZERO, BigUint::from(1u32))
    }

    /// Whether it cannot happen.
    pub fn is_zero(&self) -> bool {
        self.favourable == BigUint::ZERO
    }

    /// Whether it is above `1 / one_in`.
    pub fn is_above(&self, one_in: u64) -> bool {
        &self.favourable * one_in > self.all
    }

    /// Whether it is below `1 / one_in`.
    pub fn is_below(&self, one_in: u64) -> bool {
        &self.favourable * one_in < self.all
    }

    /// Whether it is the larger of two.
    pub fn exceeds(&self, other: &Self) -> bool {
        &self.favourable * &other.all > &other.favourable * &self.all
    }

    /// The least power of two, in tenths of an exponent, that it does not exceed: `2^-42.0`.
    pub fn power_of_two(&self) -> String {
        if self.is_zero() {
            return "0".into();
        }
        // P <= 2^(-k/10) is (all / favourable)^10 >= 2^k.
        let k = (self.all.pow(10) / self.favourable.pow(10)).bits().saturating_sub(1);
        format!("2^-{}.{}", k / 10, k % 10)
    }

    /// Three digits and the power of ten they are to be divided by, after the first of them.
    fn digits(&self) -> (u32, u32) {
        let mut scaled = self.favourable.clone();
        let mut power = 0;
        while scaled < self.all {
            scaled *= 10u32;
            power += 1;
        }
        // Rounded to the nearest.
        let digits = (scaled * 200u32 + &self.all) / (&self.all * 2u32);
        match u32::try_from(digits).unwrap_or(u32::MAX) {
            1000.. => (100, power - 1),
            digits => (digits, power),
        }
    }
}

impl fmt::Display for Probability {
    /// Three digits: a percentage down to a hundredth of one, `2.02e-7` below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        let (digits, power) = self.digits();
        let (first, rest) = (digits / 100, digits % 100);
        match power {
            0 => write!(f, "{digits} %"),
            1 => write!(f, "{}.{} %", digits / 10, digits % 10),
            2 => write!(f, "{first}.{rest:02} %"),
            3 => write!(f, "0.{digits} %"),
            4 => write!(f, "0.0{digits} %"),
            _ => write!(f, "{first}.{rest:02}e-{power}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(favourable: u64, all: u64) -> Probability {
        Probability::new(favourable.into(), all.into())
    }

    #[test]
    fn it_is_written_with_three_digits() {
        for ((favourable, all), written) in [
            ((0, 7), "0"),
            ((7, 7), "100 %"),
            ((1, 3), "33.3 %"),
            ((2, 3), "66.7 %"),
            ((9996, 10_000), "100 %"),
            ((9994, 10_000), "99.9 %"),
            ((1, 100), "1.00 %"),
            ((99_999, 10_000_000), "1.00 %"),
            ((8_334_925, 1_000_000_000), "0.833 %"),
            ((1, 1000), "0.100 %"),
            ((1, 8192), "0.0122 %"),
            ((1, 100_000), "1.00e-5"),
            ((202, 1_000_000_000), "2.02e-7"),
            ((1, 1 << 40), "9.09e-13"),
        ] {
            assert_eq!(of(favourable, all).to_string(), written, "{favourable} / {all}");
        }
    }

    #[test]
    fn the_power_of_two_is_never_below_it() {
        for ((favourable, all), written) in [
            ((0, 7), "0"),
            ((7, 7), "2^-0.0"),
            ((1, 2), "2^-1.0"),
            ((1, 1 << 40), "2^-40.0"),
            // log2 3 = 1.58.
            ((1, 3), "2^-1.5"),
            ((3, 1 << 40), "2^-38.4"),
        ] {
            assert_eq!(of(favourable, all).power_of_two(), written, "{favourable} / {all}");
        }
    }

    #[test]
    fn limits_are_neither_above_nor_below_themselves() {
        let limit = of(7, 7_000_000);
        assert!(!limit.is_above(1_000_000) && !limit.is_below(1_000_000));
        assert!(of(8, 7_000_000).is_above(1_000_000) && !of(8, 7_000_000).is_below(1_000_000));
        assert!(of(6, 7_000_000).is_below(1_000_000) && !of(6, 7_000_000).is_above(1_000_000));
        assert!(of(1, 3).exceeds(&of(333, 1000)) && !of(333, 1000).exceeds(&of(1, 3)) && !of(2, 6).exceeds(&of(1, 3)));
    }
}
