//! A pass over all coordinates, run by run, that adds up sums beyond 128 bits: what it has found so far, and its canonical bytes.
//!
//! ```text
//! lp(tag) | kind byte | scale_bits byte | be32 groups | be64 coordinates | be64 coordinates seen
//! then 32 bytes big endian for each sum
//! ```

use crypto_bigint::U256;

use crate::canonical::{write_lp, Reader};
use crate::sums::{from_bytes, is_possible, to_bytes, SUM_BYTES};

/// Why the bytes of a pass over the coordinates were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// The bytes do not begin with the tag.
    #[error("the bytes do not begin with the tag {0:?}")]
    Tag(&'static str),
    /// The header is not whole.
    #[error("the bytes end within the header")]
    Truncated,
    /// Another rule, number of groups or of coordinates, or encoding.
    #[error("the {what} is {found}, but {expected} was expected")]
    Other {
        /// The field.
        what: &'static str,
        /// What was asked for.
        expected: u64,
        /// What the bytes say.
        found: u64,
    },
    /// More coordinates seen than there are to see.
    #[error("{seen} of {elements} coordinates were seen")]
    Beyond {
        /// Coordinates seen.
        seen: u64,
        /// All that are looked at.
        elements: u64,
    },
    /// Too short or too long.
    #[error("{expected} bytes must follow the header, but {found} do")]
    Length {
        /// For its sums.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A sum that no vectors have.
    #[error("sum {0} is beyond 2^160, which no vectors reach")]
    Sum(u64),
}

/// Whose pass it is. Equal declarations make equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) tag: &'static str,
    pub(crate) kind: u8,
    /// At most 32.
    pub(crate) scale_bits: u32,
    /// At most 2^20.
    pub(crate) groups: usize,
    /// Coordinates that are looked at: 0 for a pass that looks at none.
    pub(crate) elements: u64,
    /// How many sums are added up.
    pub(crate) sums: usize,
}

/// What a pass has found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) of: Declared,
    pub(crate) seen: u64,
    pub(crate) sums: Vec<U256>,
}

impl Pass {
    /// Before the first run.
    pub(crate) fn new(of: Declared) -> Self {
        Self { of, seen: 0, sums: vec![U256::ZERO; of.sums] }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.of.tag.len() + 24 + self.sums.len() * SUM_BYTES);
        write_lp(&mut out, self.of.tag.as_bytes());
        out.push(self.of.kind);
        out.push(u8::try_from(self.of.scale_bits).expect("at most 32, checked when it was declared"));
        out.extend_from_slice(&u32::try_from(self.of.groups).expect("at most 2^20 groups").to_be_bytes());
        out.extend_from_slice(&self.of.elements.to_be_bytes());
        out.extend_from_slice(&self.seen.to_be_bytes());
        for sum in &self.sums {
            out.extend_from_slice(&to_bytes(sum));
        }
        out
    }

    /// Every accepted byte string is what [`Pass::encode`] gives back.
    pub(crate) fn decode(of: Declared, bytes: &[u8]) -> Result<Self, PassError> {
        let mut reader = Reader::new(bytes);
        if reader.lp() != Some(of.tag.as_bytes()) {
            return Err(PassError::Tag(of.tag));
        }
        let expect = |what, expected: u64, found: Option<u64>| match found {
            None => Err(PassError::Truncated),
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(PassError::Other { what, expected, found }),
        };
        expect("rule", u64::from(of.kind), reader.u8().map(u64::from))?;
        expect("scale_bits", u64::from(of.scale_bits), reader.u8().map(u64::from))?;
        expect("number of groups", of.groups as u64, reader.u32().map(u64::from))?;
        expect("number of coordinates", of.elements, reader.u64())?;
        let seen = reader.u64().ok_or(PassError::Truncated)?;
        if seen > of.elements {
            return Err(PassError::Beyond { seen, elements: of.elements });
        }
        let (words, rest) = reader.rest().as_chunks::<SUM_BYTES>();
        if words.len() != of.sums || !rest.is_empty() {
            let found = (words.len() * SUM_BYTES + rest.len()) as u64;
            return Err(PassError::Length { expected: (of.sums * SUM_BYTES) as u64, found });
        }
        let sums: Vec<U256> = words.iter().map(from_bytes).collect();
        match sums.iter().position(|sum| !is_possible(sum)) {
            Some(place) => Err(PassError::Sum(place as u64)),
            None => Ok(Self { of, seen, sums }),
        }
    }
}
