//! All randomness, from 32-byte seeds through ChaCha20 (RFC 8439) and samplers of our own: integers only, so that a juror who is given
//! a seed draws the same numbers on every machine and with every version of every library.
//!
//! A stream's key is `SHA-256(lp("bauta/1/sealed/" | use) | seed | context)`, its nonce zero, its counter from 0. `lp` is a be16 length
//! prefix. It is read from the front; a read that would cross a multiple of 4,096 bytes begins there.
//!
//! How much of a stream a sampler with rejection reads depends on what was rejected, never on what was kept, so time tells nothing about
//! the numbers drawn.

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::ChaCha20;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::parameters::bit_length;

/// The largest absolute value of an error. Errors are the difference of two sums of 21 bits: variance 10.5, standard deviation 3.24,
/// above the 3.2 that the standard's table asks for.
pub const ERROR_BOUND: u64 = 21;

/// Thirty-two secret bytes, wiped when dropped, that everything random is drawn from.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From the system's randomness, or from an opening.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For an opening to a juror.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another seed for this use and context; nothing about this one follows from it.
    #[must_use]
    pub fn derive(&self, name: &str, context: &[&[u8]]) -> Self {
        Self(key(name, &self.0, context))
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

fn key(name: &str, seed: &[u8; 32], context: &[&[u8]]) -> [u8; 32] {
    const PREFIX: &str = "bauta/1/sealed/";
    let mut hash = Sha256::new();
    // Names are constants of this crate, far below 64 KiB.
    let length = u16::try_from(PREFIX.len() + name.len()).unwrap_or(u16::MAX);
    hash.update(length.to_be_bytes());
    hash.update(PREFIX);
    hash.update(name);
    hash.update(seed);
    context.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// One stream of ChaCha20, read in order.
pub(crate) struct Stream {
    cipher: ChaCha20,
    buffer: Zeroizing<[u8; Stream::BUFFER]>,
    read: usize,
}

impl Stream {
    const BUFFER: usize = 4096;

    /// The stream of a seed, for one use.
    pub(crate) fn new(seed: &Seed, name: &str) -> Self {
        Self::public(&seed.0, name)
    }

    /// The same for a seed that everybody knows.
    pub(crate) fn public(seed: &[u8; 32], name: &str) -> Self {
        let key = Zeroizing::new(key(name, seed, &[]));
        let cipher = ChaCha20::new((&*key).into(), &[0; 12].into());
        Self { cipher, buffer: Zeroizing::new([0; Self::BUFFER]), read: Self::BUFFER }
    }

    /// The next `W` bytes; `W` divides the buffer's length, or what is left of it is skipped.
    fn bytes<const W: usize>(&mut self) -> [u8; W] {
        if self.read + W > Self::BUFFER {
            self.buffer.fill(0);
            // A stream has 256 GiB; nothing here reads a thousandth of that.
            self.cipher.apply_keystream(self.buffer.as_mut());
            self.read = 0;
        }
        let mut bytes = [0; W];
        bytes.copy_from_slice(&self.buffer[self.read..self.read + W]);
        self.read += W;
        bytes
    }

    /// Uniform below `modulus`: a le64 masked to its bit length, accepted if below.
    pub(crate) fn below(&mut self, modulus: u64) -> u64 {
        let mask = u64::MAX >> modulus.leading_zeros();
        loop {
            let value = u64::from_le_bytes(self.bytes()) & mask;
            if value < modulus {
                return value;
            }
        }
    }

    /// Uniform in -1, 0, 1: a byte below 255, modulo 3, less 1.
    pub(crate) fn ternary(&mut self) -> i64 {
        loop {
            let [byte] = self.bytes();
            if byte < 255 {
                return i64::from(byte % 3) - 1;
            }
        }
    }

    /// An error: the low 21 bits of a le64 counted, less the next 21.
    pub(crate) fn error(&mut self) -> i64 {
        const MASK: u64 = (1 << ERROR_BOUND) - 1;
        let word = u64::from_le_bytes(self.bytes());
        i64::from((word & MASK).count_ones()) - i64::from(((word >> ERROR_BOUND) & MASK).count_ones())
    }

    /// Uniform in `[-2^bits, 2^bits]`: the low `bits + 2` bits of a le128, accepted up to `2^(bits + 1)`. `bits` at most 124.
    pub(crate) fn flood(&mut self, bits: u32) -> i128 {
        let mask = (1u128 << (bits + 2)) - 1;
        let width = 1u128 << (bits + 1);
        loop {
            let value = u128::from_le_bytes(self.bytes()) & mask;
            if value <= width {
                // At most 2^125.
                return value.cast_signed() - (1i128 << bits);
            }
        }
    }

    /// `degree` ternary coefficients.
    pub(crate) fn ternaries(&mut self, degree: usize) -> Zeroizing<Vec<i64>> {
        Zeroizing::new((0..degree).map(|_| self.ternary()).collect())
    }

    /// `degree` errors.
    pub(crate) fn errors(&mut self, degree: usize) -> Zeroizing<Vec<i64>> {
        Zeroizing::new((0..degree).map(|_| self.error()).collect())
    }

    /// A uniform polynomial: for each prime in turn `degree` values below it, limb-major.
    pub(crate) fn polynomial(&mut self, primes: &[u64], degree: usize) -> Vec<u64> {
        let mut values = Vec::with_capacity(primes.len() * degree);
        for &prime in primes {
            debug_assert!(bit_length(prime) > 1);
            values.extend((0..degree).map(|_| self.below(prime)));
        }
        values
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_other_uses_and_seeds_differ() {
        let first = Stream::new(&Seed([1; 32]), "a").bytes::<32>();
        assert_ne!(first, Stream::new(&Seed([1; 32]), "b").bytes::<32>());
        assert_ne!(first, Stream::new(&Seed([2; 32]), "a").bytes::<32>());
        assert_eq!(first, Stream::public(&[1; 32], "a").bytes::<32>());
    }

    #[test]
    fn every_value_that_a_sampler_may_give_is_given_and_no_other() {
        let mut stream = Stream::new(&Seed([7; 32]), "samples");
        let mut ternary = [0usize; 3];
        let mut flood = [0usize; 9];
        let mut below = [0usize; 5];
        for _ in 0..9000 {
            ternary[usize::try_from(stream.ternary() + 1).unwrap()] += 1;
            flood[usize::try_from(stream.flood(2) + 4).unwrap()] += 1;
            below[usize::try_from(stream.below(5)).unwrap()] += 1;
        }
        // Each expected count is 1,000 to 3,000; five standard deviations are below 230.
        assert!(ternary.iter().all(|count| count.abs_diff(3000) < 230), "{ternary:?}");
        assert!(flood.iter().all(|count| count.abs_diff(1000) < 160), "{flood:?}");
        assert!(below.iter().all(|count| count.abs_diff(1800) < 200), "{below:?}");
    }

    #[test]
    fn errors_have_the_standards_deviation() {
        let mut stream = Stream::new(&Seed([3; 32]), "errors");
        let errors: Vec<i64> = (0..100_000).map(|_| stream.error()).collect();
        assert!(errors.iter().all(|error| error.unsigned_abs() <= ERROR_BOUND));
        let squares: i64 = errors.iter().map(|error| error * error).sum();
        // 10.5 each; five standard deviations of the sum are about 24,000.
        assert!(squares.abs_diff(1_050_000) < 24_000, "{squares}");
        let sum: i64 = errors.iter().sum();
        assert!(sum.abs() < 5_200, "{sum}");
    }

    #[test]
    fn the_streams_are_those_of_the_recorded_vector() {
        let mut stream = Stream::new(&Seed([9; 32]), "vector");
        let drawn = (stream.below(PRIME), stream.ternary(), stream.error(), stream.flood(83));
        assert_eq!(drawn, VECTOR);
    }

    const PRIME: u64 = 0x7ff_fffd_8001;
    /// Recorded once; a change means that openings made before no longer reproduce.
    const VECTOR: (u64, i64, i64, i128) = (7_399_531_933_812, 1, 0, 1_932_742_995_337_611_861_074_323);
}
