//! A second implementation of a submission, from the definitions alone: schoolbook products, residues one by one, ChaCha20 read by hand.
//! What a juror must reproduce depends neither on the library's transform nor on its representation.

use bauta_sealed::packing::Plain;
use bauta_sealed::{Parameters, Scheme, Seed, Shape, Statistics};
use chacha20::cipher::{KeyIvInit, StreamCipher};
use sha2::{Digest, Sha256};

use crate::stage::{shape, Stage, ROUND};

const N: usize = 8192;

fn key(name: &str, seed: &[u8; 32], context: &[&[u8]]) -> [u8; 32] {
    let tag = format!("bauta/1/sealed/{name}");
    let mut input = (tag.len() as u16).to_be_bytes().to_vec();
    input.extend_from_slice(tag.as_bytes());
    input.extend_from_slice(seed);
    context.iter().for_each(|part| input.extend_from_slice(part));
    Sha256::digest(&input).into()
}

/// A stream as one long run of bytes; a read that would cross a multiple of 4,096 begins there.
struct Reader {
    bytes: Vec<u8>,
    at: usize,
}

impl Reader {
    fn new(seed: &[u8; 32], name: &str) -> Self {
        let mut bytes = vec![0; 1 << 20];
        chacha20::ChaCha20::new(&key(name, seed, &[]).into(), &[0; 12].into()).apply_keystream(&mut bytes);
        Self { bytes, at: 0 }
    }

    fn read(&mut self, width: usize) -> u128 {
        if self.at / 4096 != (self.at + width - 1) / 4096 {
            self.at = self.at.next_multiple_of(4096);
        }
        let value =
            self.bytes[self.at..self.at + width].iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte));
        self.at += width;
        value
    }

    fn below(&mut self, modulus: u64) -> u64 {
        let mask = (1u128 << (64 - modulus.leading_zeros())) - 1;
        loop {
            let value = (self.read(8) & mask) as u64;
            if value < modulus {
                return value;
            }
        }
    }

    fn ternary(&mut self) -> i64 {
        loop {
            let byte = self.read(1);
            if byte < 255 {
                return (byte % 3) as i64 - 1;
            }
        }
    }

    fn error(&mut self) -> i64 {
        let word = self.read(8);
        let count = |bits: u128| i64::from((bits & 0x1f_ffff).count_ones());
        count(word) - count(word >> 21)
    }

    fn flood(&mut self, bits: u32) -> i128 {
        loop {
            let value = self.read(16) & ((1 << (bits + 2)) - 1);
            if value <= 1 << (bits + 1) {
                return value as i128 - (1 << bits);
            }
        }
    }
}

fn modulo(value: i128, prime: u64) -> u64 {
    value.rem_euclid(i128::from(prime)) as u64
}

fn times(a: u64, b: u64, prime: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(prime)) as u64
}

fn inverse(a: u64, prime: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1, a % prime, prime - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base, prime);
        }
        base = times(base, base, prime);
        exponent >>= 1;
    }
    result
}

/// The product by a polynomial of small integers modulo `X^N + 1` and a prime, added to `sum`.
fn add_product(sum: &mut [u64], limb: &[u64], small: &[i64], prime: u64) {
    for (i, &factor) in small.iter().enumerate().filter(|(_, factor)| **factor != 0) {
        let (plus, minus) = (modulo(factor.into(), prime), modulo((-factor).into(), prime));
        for (k, &value) in limb.iter().enumerate() {
            let (place, factor) = if i + k < N { (i + k, plus) } else { (i + k - N, minus) };
            let product = match factor {
                1 => value,
                _ => times(value, factor, prime),
            };
            sum[place] = (sum[place] + product) % prime;
        }
    }
}

type Limbs = Vec<Vec<u64>>;

fn expand(seed: &[u8; 32], primes: &[u64]) -> Limbs {
    let mut reader = Reader::new(seed, "second");
    primes.iter().map(|&prime| (0..N).map(|_| reader.below(prime)).collect()).collect()
}

fn limbs_of(values: &[u64]) -> Limbs {
    values.chunks_exact(N).map(<[u64]>::to_vec).collect()
}

#[test]
fn a_second_implementation_gives_the_same_submission_to_the_last_bit() {
    let bounds = Shape { matrix_bound: 1 << 12, ..shape(3, 1, 8) };
    let mut stage = Stage::new(Parameters::n8192(3).unwrap(), bounds, 61);
    let parameters = stage.plan.parameters().clone();
    let (primes, t) = (parameters.primes(), parameters.plaintext_modulus());
    let secret = &stage.secret;
    let public = stage.scheme.encrypt(secret, &Plain::Coefficients(vec![0; N]), &Seed::from_bytes([1; 32])).unwrap();
    let weights = [5, -7, 4000];
    let sealed = bauta_sealed::seal(&stage.scheme, &stage.plan, secret, &weights, &Seed::from_bytes([2; 32]), &ROUND);
    let sealed = sealed.unwrap();
    let statistics = Statistics { matrix: vec![1, -2, 3, 4096, 5, -6, 0, -4096, 9], targets: vec![77, -(1 << 28), 3] };
    let seed = stage.numbers.seed();
    let keys = bauta_sealed::Keys::new(&stage.scheme, &stage.plan, &public, &[]).unwrap();
    let model = stage.scheme.expand(&sealed).unwrap();
    let made = bauta_sealed::submission(&stage.scheme, &stage.plan, &keys, &model, &statistics, &seed, &ROUND).unwrap();

    // Row i of the matrix at X^(3 i + 2 - j).
    let mut multiplier = vec![0; 9];
    for i in 0..3 {
        for j in 0..3 {
            multiplier[3 * i + 2 - j] = statistics.matrix[3 * i + j];
        }
    }
    let own = key("submission", seed.expose(), &[&ROUND, &parameters.fingerprint()]);
    let mut unused = Reader::new(&own, "unused places");
    let mut subtrahend: Vec<i64> = (0..N).map(|_| unused.below(t) as i64 - ((t - 1) / 2) as i64).collect();
    (0..3).for_each(|i| subtrahend[3 * i + 2] = statistics.targets[i]);
    let mut zero = Reader::new(&own, "encryption of zero");
    let u: Vec<i64> = (0..N).map(|_| zero.ternary()).collect();
    let errors: [Vec<i64>; 2] = std::array::from_fn(|_| (0..N).map(|_| zero.error()).collect());

    let models = [limbs_of(&sealed.first), expand(&sealed.seed, primes)];
    let publics = [limbs_of(&public.first), expand(&public.seed, primes)];
    let q_mod_t = primes.iter().fold(1, |product, prime| times(product, prime % t, t));
    let mut parts: Vec<Limbs> = Vec::new();
    for part in 0..2 {
        let limb = |(place, &prime): (usize, &u64)| {
            let mut sum = vec![0; N];
            add_product(&mut sum, &models[part][place], &multiplier, prime);
            add_product(&mut sum, &publics[part][place], &u, prime);
            for (k, value) in sum.iter_mut().enumerate() {
                let mut change = i128::from(errors[part][k]);
                if part == 0 {
                    // floor(q m / t) = -((q m) mod t) / t modulo q.
                    let rest = times(modulo(subtrahend[k].into(), t), q_mod_t, t);
                    change += i128::from(times(rest % prime, inverse(t, prime), prime));
                }
                *value = modulo(i128::from(*value) + change, prime);
            }
            sum
        };
        parts.push(primes.iter().enumerate().map(limb).collect());
    }

    // Each drop divides by the prime and rounds.
    for part in &mut parts {
        while part.len() > 3 {
            let (last, prime) = (part.pop().unwrap(), primes[part.len()]);
            for (limb, &other) in part.iter_mut().zip(primes) {
                let inverse = inverse(prime, other);
                for (value, &last) in limb.iter_mut().zip(&last) {
                    let half = prime / 2;
                    let rounded = i128::from(*value) + i128::from(half) - i128::from((last + half) % prime);
                    *value = times(modulo(rounded, other), inverse, other);
                }
            }
        }
    }
    let mut flood = Reader::new(&own, "flood");
    for k in 0..N {
        let flood = flood.flood(84);
        for (limb, &prime) in parts[0].iter_mut().zip(primes) {
            limb[k] = modulo(i128::from(limb[k]) + flood, prime);
        }
    }
    let expected = parts.iter().map(|part| part.concat()).collect::<Vec<_>>();
    assert!(made.polynomials()[0] == expected[0], "the first polynomial differs");
    assert!(made.polynomials()[1] == expected[1], "the second polynomial differs");
}
