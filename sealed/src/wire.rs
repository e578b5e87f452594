//! Canonical bytes of public keys, models, rotation keys and the secret key. One value has one encoding, every length is known from the
//! parameters before anything is allocated, and everything else is an error that says what was wrong.
//!
//! ```text
//! lp("bauta/1/sealed/" | kind) | fingerprint of the parameters (32) | context (32) | body
//! ```
//! with `lp` a be16 length prefix, kind `public`, `model`, `rotation` or `secret`, and context the task's for keys, the round's for a
//! model: what was made for another one does not decode. Bodies: `seed (32) | first polynomial` for a public key and a model, `turn
//! (be32, 2^32 - 1 for the rows) | seed (32) | first polynomials` for a rotation key, `seed (32)` for the secret key, which is
//! nobody's but the model provider's. A polynomial is limb-major, each limb at its prime's bit length.

use zeroize::Zeroizing;

use crate::bits::{pack, packed_bytes, unpack};
use crate::parameters::{bit_length, Parameters};
use crate::sampling::Seed;
use crate::scheme::{RotationKey, Seeded, Turn};

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another length than the parameters give.
    #[error("a {kind} has {expected} bytes, not {found}")]
    Length {
        /// What was expected.
        kind: &'static str,
        /// By the parameters.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// Something else.
    #[error("these bytes are no {0}")]
    Kind(&'static str),
    /// Made under other parameters.
    #[error("this {0} was made under other parameters")]
    Parameters(&'static str),
    /// Made for another task or round: replayed, or mixed up.
    #[error("this {0} was made for another task or round")]
    Context(&'static str),
    /// A value that is not below its prime.
    #[error("value {place} of limb {limb} is not reduced: it must be below {prime}")]
    NotReduced {
        /// From 0, over all polynomials.
        limb: usize,
        /// From 0.
        place: usize,
        /// The limb's.
        prime: u64,
    },
    /// Bits behind the last value.
    #[error("the padding bits of limb {0} must be zero")]
    Padding(usize),
    /// No rotation of slots.
    #[error("{0} is no rotation of slots")]
    Turn(u32),
}

const ROWS: u32 = u32::MAX;

struct Header {
    bytes: Vec<u8>,
    kind: &'static str,
}

impl Header {
    fn new(kind: &'static str, parameters: &Parameters, context: &[u8; 32]) -> Self {
        let tag = ["bauta/1/sealed/", kind].concat();
        let mut bytes = vec![0, tag.len() as u8];
        bytes.extend_from_slice(tag.as_bytes());
        bytes.extend_from_slice(&parameters.fingerprint());
        bytes.extend_from_slice(context);
        Self { bytes, kind }
    }

    /// The body behind this header, of exactly `length` bytes.
    fn strip<'a>(&self, bytes: &'a [u8], length: usize) -> Result<&'a [u8], DecodeError> {
        let kind = self.kind;
        let expected = self.bytes.len() + length;
        if bytes.len() != expected {
            return Err(DecodeError::Length { kind, expected, found: bytes.len() });
        }
        let (header, body) = bytes.split_at(self.bytes.len());
        let context = self.bytes.len() - 32;
        let fingerprint = context - 32;
        if header[..fingerprint] != self.bytes[..fingerprint] {
            return Err(DecodeError::Kind(kind));
        }
        if header[fingerprint..context] != self.bytes[fingerprint..context] {
            return Err(DecodeError::Parameters(kind));
        }
        if header[context..] != self.bytes[context..] {
            return Err(DecodeError::Context(kind));
        }
        Ok(body)
    }
}

/// Bytes of a polynomial modulo all primes.
fn polynomial_bytes(parameters: &Parameters) -> usize {
    parameters.primes().iter().map(|&prime| packed_bytes(parameters.degree(), bit_length(prime))).sum()
}

fn put(parameters: &Parameters, values: &[u64], bytes: &mut Vec<u8>) {
    for (limb, &prime) in values.chunks(parameters.degree()).zip(parameters.primes()) {
        pack(limb, bit_length(prime), bytes);
    }
}

/// `bytes` has a polynomial's length.
fn get(parameters: &Parameters, bytes: &[u8], limbs_before: usize) -> Result<Vec<u64>, DecodeError> {
    let degree = parameters.degree();
    let mut values = Vec::with_capacity(parameters.primes().len() * degree);
    let mut rest = bytes;
    for (limb, &prime) in parameters.primes().iter().enumerate() {
        let (part, behind) = rest.split_at(packed_bytes(degree, bit_length(prime)));
        if !unpack(part, degree, bit_length(prime), &mut values) {
            return Err(DecodeError::Padding(limbs_before + limb));
        }
        if let Some(place) = values[limb * degree..].iter().position(|&value| value >= prime) {
            return Err(DecodeError::NotReduced { limb: limbs_before + limb, place, prime });
        }
        rest = behind;
    }
    Ok(values)
}

fn seeded_to_bytes(header: Header, parameters: &Parameters, seeded: &Seeded) -> Vec<u8> {
    let mut bytes = header.bytes;
    bytes.reserve_exact(32 + polynomial_bytes(parameters));
    bytes.extend_from_slice(&seeded.seed);
    put(parameters, &seeded.first, &mut bytes);
    bytes
}

fn seeded_from_bytes(header: &Header, parameters: &Parameters, bytes: &[u8]) -> Result<Seeded, DecodeError> {
    let body = header.strip(bytes, 32 + polynomial_bytes(parameters))?;
    Ok(Seeded { seed: array(body), first: get(parameters, &body[32..], 0)? })
}

/// The first 32 bytes; there are as many.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    array.copy_from_slice(&bytes[..32]);
    array
}

/// A public key of a task.
#[must_use]
pub fn public_to_bytes(parameters: &Parameters, task: &[u8; 32], key: &Seeded) -> Vec<u8> {
    seeded_to_bytes(Header::new("public", parameters, task), parameters, key)
}

/// Reads a task's public key.
///
/// # Errors
/// Anything but what [`public_to_bytes`] writes for this task.
pub fn public_from_bytes(parameters: &Parameters, task: &[u8; 32], bytes: &[u8]) -> Result<Seeded, DecodeError> {
    seeded_from_bytes(&Header::new("public", parameters, task), parameters, bytes)
}

/// The encrypted model of a round.
#[must_use]
pub fn model_to_bytes(parameters: &Parameters, round: &[u8; 32], model: &Seeded) -> Vec<u8> {
    seeded_to_bytes(Header::new("model", parameters, round), parameters, model)
}

/// Reads the model of a round.
///
/// # Errors
/// Anything but what [`model_to_bytes`] writes for this round: a model of another round is a replay.
pub fn model_from_bytes(parameters: &Parameters, round: &[u8; 32], bytes: &[u8]) -> Result<Seeded, DecodeError> {
    seeded_from_bytes(&Header::new("model", parameters, round), parameters, bytes)
}

/// A rotation key of a task.
#[must_use]
pub fn rotation_to_bytes(parameters: &Parameters, task: &[u8; 32], key: &RotationKey) -> Vec<u8> {
    let mut bytes = Header::new("rotation", parameters, task).bytes;
    bytes.reserve_exact(36 + key.firsts.len() * polynomial_bytes(parameters));
    let turn = match key.turn {
        // Turns are below N.
        Turn::Columns(places) => u32::try_from(places).unwrap_or(ROWS),
        Turn::Rows => ROWS,
    };
    bytes.extend_from_slice(&turn.to_be_bytes());
    bytes.extend_from_slice(&key.seed);
    key.firsts.iter().for_each(|first| put(parameters, first, &mut bytes));
    bytes
}

/// Reads a rotation key of a task.
///
/// # Errors
/// Anything but what [`rotation_to_bytes`] writes for this task.
pub fn rotation_from_bytes(parameters: &Parameters, task: &[u8; 32], bytes: &[u8]) -> Result<RotationKey, DecodeError> {
    let digits = parameters.primes().len();
    let length = polynomial_bytes(parameters);
    let body = Header::new("rotation", parameters, task).strip(bytes, 36 + digits * length)?;
    let turn = u32::from_be_bytes([body[0], body[1], body[2], body[3]]);
    let turn = match turn {
        ROWS => Turn::Rows,
        places if (1..parameters.degree() / 2).contains(&(places as usize)) => Turn::Columns(places as usize),
        other => return Err(DecodeError::Turn(other)),
    };
    let firsts = body[36..].chunks_exact(length).enumerate();
    let firsts = firsts.map(|(digit, part)| get(parameters, part, digit * digits)).collect::<Result<_, _>>()?;
    Ok(RotationKey { turn, seed: array(&body[4..]), firsts })
}

/// The secret key of a task, for its owner's eyes: the seed that it grows from.
#[must_use]
pub fn secret_to_bytes(parameters: &Parameters, task: &[u8; 32], seed: &Seed) -> Zeroizing<Vec<u8>> {
    let mut bytes = Header::new("secret", parameters, task).bytes;
    // Grown before the secret is in it: a copy that is left behind would not be wiped.
    bytes.reserve_exact(32);
    bytes.extend_from_slice(seed.expose());
    Zeroizing::new(bytes)
}

/// Reads the secret key of a task. A key of another task is refused: keys are fresh for every task.
///
/// # Errors
/// Anything but what [`secret_to_bytes`] writes for this task.
pub fn secret_from_bytes(parameters: &Parameters, task: &[u8; 32], bytes: &[u8]) -> Result<Seed, DecodeError> {
    let body = Header::new("secret", parameters, task).strip(bytes, 32)?;
    Ok(Seed::from_bytes(array(body)))
}
