//! What an optimiser remembers between rounds, and its canonical bytes.
//!
//! ```text
//! lp("bauta/1/optimiser") | kind byte (1 fed_avg, 2 fed_avg_m, 3 fed_adam) | be64 count of coordinates
//! then each coordinate: fed_avg nothing; fed_avg_m be64 m; fed_adam be64 m, be128 v
//! ```
//! The coordinates follow each other, so the state of a model is its header and the concatenation of its runs' bodies.

use super::{Kind, Optimiser};
use crate::canonical::{write_lp, Reader};
use crate::fixed::Fixed;
use crate::model::MAX_ELEMENTS;

/// The tag in front of a state's canonical bytes.
pub const STATE_TAG: &str = "bauta/1/optimiser";

/// Why a state's bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes do not begin with the tag.
    #[error("the bytes do not begin with the tag of an optimiser's state, {STATE_TAG:?}")]
    Tag,
    /// Another optimiser's state.
    #[error("the state's kind is {found}, but {expected} has kind {}", expected_code)]
    Kind {
        /// The optimiser that asked.
        expected: &'static str,
        /// Its code.
        expected_code: u8,
        /// The code in the bytes.
        found: u8,
    },
    /// A state for another number of coordinates.
    #[error("the state is for {found} coordinates, but {expected} were expected")]
    Count {
        /// What was asked for.
        expected: u64,
        /// What the bytes say.
        found: u64,
    },
    /// Too short or too long.
    #[error("the state needs {expected} bytes after its header, but has {found}")]
    Length {
        /// For that many coordinates.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The header is not whole.
    #[error("the state's bytes end within the header")]
    Truncated,
    /// `i64::MIN`, which has no negative.
    #[error("the first moment of coordinate {0} is -2^63, outside of the symmetric range of the fixed point")]
    Range(u64),
    /// More coordinates than any model has.
    #[error("a state has at most {MAX_ELEMENTS} coordinates, not {0}")]
    TooLarge(u64),
}

/// The state of a run of coordinates, or of the whole model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    kind: Kind,
    len: usize,
    /// `m`, units of `2^-32`; empty for [`Kind::FedAvg`].
    pub(super) first: Vec<i64>,
    /// `v`, units of `2^-64`; empty but for [`Kind::FedAdam`].
    pub(super) second: Vec<u128>,
}

impl State {
    /// The state before the first round: `m = 0`, `v = tau^2` (Reddi et al. 2021, Algorithm 2: at least `tau^2`).
    #[must_use]
    pub fn initial(optimiser: &Optimiser, len: usize) -> Self {
        let kind = optimiser.kind();
        let first = if kind == Kind::FedAvg { Vec::new() } else { vec![0; len] };
        let second = match optimiser {
            Optimiser::FedAdam { tau, .. } => vec![square(*tau); len],
            _ => Vec::new(),
        };
        Self { kind, len, first, second }
    }

    /// Which optimiser made it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Coordinates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no coordinates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The canonical bytes before the coordinates.
    #[must_use]
    pub fn encode_header(optimiser: &Optimiser, len: usize) -> Vec<u8> {
        header(optimiser.kind(), len)
    }

    /// The canonical bytes of the coordinates, without a header.
    #[must_use]
    pub fn encode_body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len * self.kind.state_bytes());
        match self.kind {
            Kind::FedAvg => {}
            Kind::FedAvgM => self.first.iter().for_each(|m| out.extend_from_slice(&m.to_be_bytes())),
            Kind::FedAdam => {
                for (m, v) in self.first.iter().zip(&self.second) {
                    out.extend_from_slice(&m.to_be_bytes());
                    out.extend_from_slice(&v.to_be_bytes());
                }
            }
        }
        out
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = header(self.kind, self.len);
        out.extend_from_slice(&self.encode_body());
        out
    }

    /// Reads the bytes of a run of `len` coordinates, without a header.
    ///
    /// # Errors
    /// [`StateError::Length`], [`StateError::Range`], [`StateError::TooLarge`].
    pub fn decode_body(optimiser: &Optimiser, len: usize, bytes: &[u8]) -> Result<Self, StateError> {
        let kind = optimiser.kind();
        if len as u64 > MAX_ELEMENTS {
            return Err(StateError::TooLarge(len as u64));
        }
        let expected = len * kind.state_bytes();
        if bytes.len() != expected {
            return Err(StateError::Length { expected: expected as u64, found: bytes.len() as u64 });
        }
        let (mut first, mut second) = (Vec::new(), Vec::new());
        match kind {
            Kind::FedAvg => {}
            Kind::FedAvgM => first.extend(bytes.as_chunks::<8>().0.iter().map(|m| i64::from_be_bytes(*m))),
            Kind::FedAdam => {
                let mut reader = Reader::new(bytes);
                while let (Some(m), Some(high), Some(low)) = (reader.u64(), reader.u64(), reader.u64()) {
                    first.push(m.cast_signed());
                    second.push((u128::from(high) << 64) | u128::from(low));
                }
            }
        }
        match first.iter().position(|&m| m == i64::MIN) {
            Some(place) => Err(StateError::Range(place as u64)),
            None => Ok(Self { kind, len, first, second }),
        }
    }

    /// Reads canonical bytes of the state of `len` coordinates made by `optimiser`.
    ///
    /// # Errors
    /// A [`StateError`] that says which rule the bytes break.
    pub fn decode(optimiser: &Optimiser, len: usize, bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new(bytes);
        if reader.lp() != Some(STATE_TAG.as_bytes()) {
            return Err(StateError::Tag);
        }
        let kind = optimiser.kind();
        let found = reader.u8().ok_or(StateError::Truncated)?;
        if found != kind.code() {
            return Err(StateError::Kind { expected: kind.name(), expected_code: kind.code(), found });
        }
        let count = reader.u64().ok_or(StateError::Truncated)?;
        if count != len as u64 {
            return Err(StateError::Count { expected: len as u64, found: count });
        }
        Self::decode_body(optimiser, len, reader.rest())
    }
}

fn header(kind: Kind, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write_lp(&mut out, STATE_TAG.as_bytes());
    out.push(kind.code());
    out.extend_from_slice(&(len as u64).to_be_bytes());
    out
}

/// The square of a value of `2^-32`, exactly, in units of `2^-64`.
fn square(value: Fixed) -> u128 {
    let magnitude = u128::from(value.to_bits().unsigned_abs());
    magnitude * magnitude
}
