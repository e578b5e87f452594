//! The one fixed point of the chain and its one rounding.
//!
//! A model value is an `i64` that counts units of `2^-32`: range about `+-2.1e9`, resolution `2.3e-10`. Hyper-parameters have the
//! same format, as the type [`Fixed`].
//!
//! Rules, the same everywhere:
//! - A product or quotient is computed exactly in 128 bits and rounded **once**, to the nearest unit, **ties to even**. Shifts to the
//!   right and divisions round alike ([`shift_half_even`], [`divide_half_even`]).
//! - Model values and optimiser state **saturate** at `+-(2^63 - 1)` ([`saturate`]). The range is symmetric (`i64::MIN` is never
//!   produced and refused when decoded). Saturation is an answer where an error would stop a task for good: a model that diverges is
//!   its owner's loss, and nobody else may be held up by it.
//! - Sizes, bounds, weights and sums are **checked**: what does not fit is an error with the numbers in it.
//! - Nothing wraps.

use std::fmt;
use std::str::FromStr;

/// Fraction bits of a model value.
pub const FRACTION_BITS: u32 = 32;
/// The value 1 in model units.
pub const ONE: i64 = 1 << FRACTION_BITS;
/// The largest model value; the smallest is its negative.
pub const MAX: i64 = i64::MAX;

/// `value / 2^bits`, rounded to the nearest integer, ties to even. `bits` above 126 give 0, the limit of the quotient.
#[must_use]
pub const fn shift_half_even(value: i128, bits: u32) -> i128 {
    if bits == 0 {
        return value;
    }
    if bits > 126 {
        return 0;
    }
    let floor = value >> bits;
    let remainder = value - (floor << bits);
    let half = 1i128 << (bits - 1);
    if remainder > half || (remainder == half && floor & 1 == 1) {
        floor + 1
    } else {
        floor
    }
}

/// `numerator / denominator`, rounded to the nearest integer, ties to even. `None` unless `denominator > 0`.
#[must_use]
pub const fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let floor = numerator.div_euclid(denominator);
    let remainder = numerator.rem_euclid(denominator);
    // Compared with what is left to the next integer, because twice the remainder could overflow.
    let rest = denominator - remainder;
    if remainder > rest || (remainder == rest && floor & 1 == 1) {
        Some(floor + 1)
    } else {
        Some(floor)
    }
}

/// The nearest model value in `-MAX..=MAX`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub const fn saturate(value: i128) -> i64 {
    if value > MAX as i128 {
        MAX
    } else if value < -(MAX as i128) {
        -MAX
    } else {
        value as i64
    }
}

/// `a + b`, saturated.
#[must_use]
pub const fn add(a: i64, b: i64) -> i64 {
    saturate(a as i128 + b as i128)
}

/// The product of two values of `2^-32`, rounded once, saturated.
#[must_use]
pub const fn multiply(a: i64, b: i64) -> i64 {
    saturate(shift_half_even(a as i128 * b as i128, FRACTION_BITS))
}

/// `value * fraction`, rounded once, for a fraction in `0..=1` (in units of `2^-32`) and a value of any format. A fraction above 1 counts
/// as 1.
///
/// The product may need 160 bits; the high part is exact, so that only the low 32 bits are rounded.
#[must_use]
pub const fn multiply_fraction(value: u128, fraction: u64) -> u128 {
    if fraction >= ONE as u64 {
        return value;
    }
    let fraction = fraction as u128;
    // Below 2^96 * 2^32; adding the rounded low part, below 2^32 + 1, stays at most `value`, since the fraction is below 1.
    let high = (value >> FRACTION_BITS) * fraction;
    let low = (value & 0xffff_ffff) * fraction;
    let floor = high + (low >> FRACTION_BITS);
    let remainder = low & 0xffff_ffff;
    let half = 1u128 << (FRACTION_BITS - 1);
    if remainder > half || (remainder == half && floor & 1 == 1) {
        floor + 1
    } else {
        floor
    }
}

/// The square root of a value of `2^-64`, as a value of `2^-32`, rounded down (integer square root).
#[must_use]
pub const fn square_root(value: u128) -> u64 {
    // The square root of a u128 is below 2^64.
    value.isqrt() as u64
}

/// A number in units of `2^-32`: hyper-parameters, clip bounds.
///
/// Written in decimal (`"0.9"`); reading takes at most 18 digits behind the point and rounds to the nearest unit, ties to even.
/// Displayed with the fewest digits that read back to the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(i64);

impl Fixed {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(ONE);

    /// From a count of units of `2^-32`. `i64::MIN` becomes `-MAX`.
    #[must_use]
    pub const fn from_bits(units: i64) -> Self {
        Self(saturate(units as i128))
    }

    /// The count of units of `2^-32`.
    #[must_use]
    pub const fn to_bits(self) -> i64 {
        self.0
    }

    /// A whole number.
    #[must_use]
    pub const fn from_integer(value: i32) -> Self {
        // 31 bits and a sign, shifted by 32, fit in 63 bits and a sign; saturated for the one value that would be `i64::MIN`.
        Self(saturate((value as i128) << FRACTION_BITS))
    }

    /// `numerator / denominator`, rounded to the nearest unit, ties to even, saturated. A denominator of 0 counts as 1.
    #[must_use]
    pub const fn ratio(numerator: i32, denominator: u32) -> Self {
        let denominator = if denominator == 0 { 1 } else { denominator };
        match divide_half_even((numerator as i128) << FRACTION_BITS, denominator as i128) {
            Some(value) => Self(saturate(value)),
            None => Self(0),
        }
    }

    /// `2^-bits`; below half a unit, zero.
    #[must_use]
    pub const fn power_of_half(bits: u32) -> Self {
        if bits > FRACTION_BITS {
            Self(0)
        } else {
            Self(ONE >> bits)
        }
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten digits always read back: their error is below 2^-34, half of half a unit and less.
        for digits in 0..=10u32 {
            let text = decimal(self.0, digits);
            if digits == 10 || text.parse() == Ok(*self) {
                return f.write_str(&text);
            }
        }
        Ok(())
    }
}

/// `value` with exactly `digits` digits behind the point, rounded to nearest, ties to even.
fn decimal(value: i64, digits: u32) -> String {
    let scale = 10u128.pow(digits);
    // Below 2^63 * 10^10 < 2^97.
    let scaled = i128::from(value.unsigned_abs()) * scale as i128;
    let rounded = shift_half_even(scaled, FRACTION_BITS).unsigned_abs();
    let sign = if value < 0 && rounded != 0 { "-" } else { "" };
    if digits == 0 {
        return format!("{sign}{rounded}");
    }
    let width = digits as usize;
    format!("{sign}{}.{:0width$}", rounded / scale, rounded % scale)
}

/// Why a decimal number was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFixedError {
    /// Not a decimal number.
    #[error("{0:?} is not a decimal number; write it like 0.9 or -12.25, with at most 18 digits behind the point")]
    NotDecimal(String),
    /// Outside of the range.
    #[error("{0} is out of range; values lie between -2147483648 and 2147483648")]
    OutOfRange(String),
}

impl FromStr for Fixed {
    type Err = ParseFixedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_decimal = || ParseFixedError::NotDecimal(text.chars().take(40).collect());
        let out_of_range = || ParseFixedError::OutOfRange(text.chars().take(40).collect());
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 18 {
            return Err(not_decimal());
        }
        if whole.len() > 10 {
            return Err(out_of_range());
        }
        let whole: i128 = whole.parse().map_err(|_| not_decimal())?;
        let places = u32::try_from(fraction.len()).map_err(|_| not_decimal())?;
        let fraction: i128 = fraction.parse().map_err(|_| not_decimal())?;
        let scale = 10i128.pow(places);
        // Below (10^10 + 1) * 10^18 * 2^32 < 2^126.
        let units = divide_half_even((whole * scale + fraction) << FRACTION_BITS, scale).ok_or_else(not_decimal)?;
        let units = if negative { -units } else { units };
        if saturate(units) as i128 != units {
            return Err(out_of_range());
        }
        Ok(Self(saturate(units)))
    }
}

/// In JSON a decimal string, `"0.9"`, because a JSON number is a float in most programs.
#[cfg(feature = "trainers")]
impl serde::Serialize for Fixed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "trainers")]
impl<'de> serde::Deserialize<'de> for Fixed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
