//! The ring a vector lives in, how it is cut into chunks, and one chunk's elements as they are summed ([`Elements`]). The protocol only
//! adds, subtracts and samples.

mod elements;
pub(crate) mod rns;

pub use elements::{check_range, Elements, OutOfRange, Sign};
pub use rns::{Rns, MAX_LIMBS};

pub(crate) use elements::Words;

use crate::encoding::{within, Malformed, MAX_CHUNKS, MAX_CHUNK_BYTES};
use crate::packing::{element, packed_bytes, padding_is_zero};

/// Integers modulo `2^bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pow2 {
    bits: u32,
}

impl Pow2 {
    /// `bits` in 16..=64.
    pub fn new(bits: u32) -> Result<Self, Malformed> {
        within("bits of the ring", u64::from(bits), 16, 64)?;
        Ok(Self { bits })
    }

    /// The exponent.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The representative in `[-2^(bits-1), 2^(bits-1))`.
    pub fn centred(self, element: u64) -> i64 {
        let shift = 64 - self.bits;
        ((element << shift) as i64) >> shift
    }
}

/// A task's ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ring {
    /// Integers modulo a power of two, bit-packed on the wire.
    Pow2(Pow2),
    /// Integers modulo a product of primes as their residues: what ciphertexts of sealed tasks are made of.
    Rns(Rns),
}

impl Ring {
    /// Bits that an element takes on the wire.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Pow2(pow2) => pow2.bits,
            Self::Rns(rns) => rns.bits(),
        }
    }

    /// The ring modulo a power of two, if it is one: the others have no centred values, no range and no single elements.
    pub fn pow2(&self) -> Option<Pow2> {
        match self {
            Self::Pow2(pow2) => Some(*pow2),
            Self::Rns(_) => None,
        }
    }
}

/// Content that is not canonical: its author signed for it, so this is evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NonCanonical {
    /// Wrong length.
    #[error("chunk {chunk} must have {expected} bytes, got {got}")]
    Length {
        /// The chunk.
        chunk: u32,
        /// By the layout.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// Padding bits are set.
    #[error("the padding bits at the end of chunk {chunk} must be zero")]
    Padding {
        /// The chunk.
        chunk: u32,
    },
    /// A residue at or above its prime.
    #[error("in chunk {chunk} a residue of limb {limb} is not reduced")]
    Residue {
        /// The chunk.
        chunk: u32,
        /// The limb, from 0.
        limb: usize,
    },
    /// No such chunk.
    #[error("chunk {chunk} is outside the vector, which has {chunks}")]
    Chunk {
        /// The chunk.
        chunk: u32,
        /// How many there are.
        chunks: u32,
    },
}

/// How a task's vector is cut: `elements` elements (metrics included) in chunks of `chunk_elems`; the last may be short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    ring: Ring,
    elements: u64,
    chunk_elems: u32,
    chunks: u32,
}

impl Layout {
    /// Checks that a chunk takes at most 64 KiB and that there are at most [`MAX_CHUNKS`] chunks. In an [`Rns`] ring chunks hold a
    /// multiple of eight elements, so that every limb of a chunk is whole bytes.
    pub fn new(ring: Ring, elements: u64, chunk_elems: u32) -> Result<Self, Malformed> {
        within("chunk_elems", u64::from(chunk_elems), 1, (MAX_CHUNK_BYTES * 8) as u64)?;
        if matches!(ring, Ring::Rns(_)) {
            within("elements of a chunk modulo 8", u64::from(chunk_elems % 8) + elements % 8, 0, 0)?;
        }
        let bytes = packed_bytes(chunk_elems as usize, ring.bits());
        within("bytes of a chunk", bytes as u64, 1, MAX_CHUNK_BYTES as u64)?;
        let chunks = elements.div_ceil(u64::from(chunk_elems));
        within("number of chunks", chunks, 1, MAX_CHUNKS as u64)?;
        Ok(Self { ring, elements, chunk_elems, chunks: chunks as u32 })
    }

    /// The most whole elements that fit in a chunk of 64 KiB.
    pub fn largest_chunk(ring: Ring) -> u32 {
        let most = (MAX_CHUNK_BYTES * 8) as u32 / ring.bits();
        match ring {
            Ring::Pow2(_) => most,
            Ring::Rns(_) => most - most % 8,
        }
    }

    /// The ring.
    pub fn ring(&self) -> Ring {
        self.ring
    }

    /// Elements of the whole vector.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// Elements of every chunk but the last.
    pub fn chunk_elems(&self) -> u32 {
        self.chunk_elems
    }

    /// Number of chunks.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Elements of a chunk.
    pub fn elements_in(&self, chunk: u32) -> Option<usize> {
        if chunk >= self.chunks {
            return None;
        }
        let before = u64::from(chunk) * u64::from(self.chunk_elems);
        Some(u64::from(self.chunk_elems).min(self.elements - before) as usize)
    }

    /// Bytes of a chunk on the wire.
    pub fn bytes_in(&self, chunk: u32) -> Option<usize> {
        Some(packed_bytes(self.elements_in(chunk)?, self.ring.bits()))
    }

    /// Bytes of all chunks on the wire.
    pub fn total_bytes(&self) -> u64 {
        let last = self.chunks - 1;
        let bytes = |chunk| self.bytes_in(chunk).unwrap_or(0) as u64;
        u64::from(last) * bytes(0) + bytes(last)
    }

    /// Whether bytes are the canonical content of a chunk.
    pub fn check(&self, chunk: u32, bytes: &[u8]) -> Result<(), NonCanonical> {
        let elements = self.elements_in(chunk).ok_or(NonCanonical::Chunk { chunk, chunks: self.chunks })?;
        let expected = packed_bytes(elements, self.ring.bits());
        if bytes.len() != expected {
            return Err(NonCanonical::Length { chunk, expected, got: bytes.len() });
        }
        match self.ring {
            Ring::Pow2(pow2) if !padding_is_zero(bytes, elements, pow2.bits) => Err(NonCanonical::Padding { chunk }),
            Ring::Pow2(_) => Ok(()),
            Ring::Rns(rns) => match rns.first_unreduced(bytes, elements) {
                Some(limb) => Err(NonCanonical::Residue { chunk, limb }),
                None => Ok(()),
            },
        }
    }

    /// The chunk that holds a coordinate, and its place there.
    pub fn place(&self, coordinate: u64) -> Option<(u32, u32)> {
        let size = u64::from(self.chunk_elems);
        let chunk = u32::try_from(coordinate / size).ok().filter(|_| coordinate < self.elements)?;
        Some((chunk, (coordinate % size) as u32))
    }

    /// Element `e` of a packed chunk alone; the bytes are checked to be canonical first. `None` outside of the chunk, and in an [`Rns`]
    /// ring, whose elements are no single numbers.
    pub fn element(&self, chunk: u32, e: u32, bytes: &[u8]) -> Result<Option<u64>, NonCanonical> {
        self.check(chunk, bytes)?;
        let is_there = self.elements_in(chunk).is_some_and(|elements| (e as usize) < elements);
        Ok(self.ring.pow2().filter(|_| is_there).map(|ring| element(bytes, e as usize, ring.bits)))
    }

    /// A chunk of zeros to sum into.
    pub fn zero(&self, chunk: u32) -> Option<Elements> {
        Some(Elements::zero(self, chunk, self.elements_in(chunk)?))
    }
}
