//! Sums beyond 128 bits.
//!
//! A group's mean has coordinates of at most `2^63 - 1` in absolute value, and a vector at most `2^26` of them. So a squared norm, or a sum
//! of products of two means, is below `2^126 * 2^26 = 2^152`; a squared distance is below `2^128 * 2^26 = 2^154`, and the sum of 512 of
//! them below `2^163`. None overflows 256 bits.

use crypto_bigint::{Encoding, NonZero, U256};

/// Bytes of a sum, big endian.
pub(crate) const SUM_BYTES: usize = 32;

/// Adds so many terms of 128 bits, at most `2^64` of them.
pub(crate) fn add_terms(sum: &mut U256, terms: impl Iterator<Item = u128>) {
    // In two words, since most terms do not carry.
    let (mut low, mut carries) = (0u128, 0u64);
    for term in terms {
        let (total, carried) = low.overflowing_add(term);
        low = total;
        carries += u64::from(carried);
    }
    let high = U256::from_u128(u128::from(carries)).shl_vartime(128);
    *sum = sum.wrapping_add(&high).wrapping_add(&U256::from_u128(low));
}

/// The square of a distance between two means.
pub(crate) fn squared_distance(a: i64, b: i64) -> u128 {
    let distance = u128::from(a.abs_diff(b));
    distance * distance
}

/// The square root of a sum below `2^254`, rounded up.
pub(crate) fn root_up(sum: &U256) -> u128 {
    let root = sum.sqrt_vartime();
    let exact = root.wrapping_mul(&root) == *sum;
    // Below 2^127.
    low_half(&root) + u128::from(!exact)
}

/// The low 128 bits.
pub(crate) fn low_half(value: &U256) -> u128 {
    let bytes = value.to_be_bytes();
    bytes[16..].iter().fold(0, |half, &byte| half << 8 | u128::from(byte))
}

/// `numerator * 2^shift / denominator`, rounded once (half to even); 0 when there is nothing to divide by. The shifted numerator is below
/// `2^256`, the quotient below `2^127`.
pub(crate) fn quotient(numerator: &U256, shift: usize, denominator: &U256) -> u128 {
    let Some(divisor) = Option::<NonZero<U256>>::from(NonZero::new(*denominator)) else {
        return 0;
    };
    let (floor, remainder) = numerator.shl_vartime(shift).div_rem(&divisor);
    // Compared with what is left to the next integer, as in `divide_half_even`.
    let rest = denominator.wrapping_sub(&remainder);
    let floor = low_half(&floor);
    floor + u128::from(remainder > rest || (remainder == rest && floor & 1 == 1))
}

/// Whether it is below `2^160`: every sum of squares is, with room for any number of further runs.
pub(crate) fn is_possible(sum: &U256) -> bool {
    sum.bits_vartime() <= 160
}

/// Its bytes.
pub(crate) fn to_bytes(sum: &U256) -> [u8; SUM_BYTES] {
    sum.to_be_bytes()
}

/// From its bytes.
pub(crate) fn from_bytes(bytes: &[u8; SUM_BYTES]) -> U256 {
    U256::from_be_bytes(*bytes)
}
