//! The ring a vector lives in, how it is cut into chunks, and one chunk's elements as they are summed. The protocol only
//! adds, subtracts and samples. [`Ring`] leaves room for `Rns`.

use crate::encoding::{within, Malformed, MAX_CHUNKS, MAX_CHUNK_BYTES};
use crate::packing::{element, low_mask, pack, packed_bytes, padding_is_zero, unpack};
use zeroize::Zeroize;

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
    /// Checks that a chunk takes at most 64 KiB and that there are at most [`MAX_CHUNKS`] chunks.
    pub fn new(ring: Ring, elements: u64, chunk_elems: u32) -> Result<Self, Malformed> {
        let Ring::Pow2(pow2) = ring;
        within("chunk_elems", u64::from(chunk_elems), 1, (MAX_CHUNK_BYTES * 8) as u64)?;
        let bytes = packed_bytes(chunk_elems as usize, pow2.bits);
        within("bytes of a chunk", bytes as u64, 1, MAX_CHUNK_BYTES as u64)?;
        let chunks = elements.div_ceil(u64::from(chunk_elems));
        within("number of chunks", chunks, 1, MAX_CHUNKS as u64)?;
        Ok(Self { ring, elements, chunk_elems, chunks: chunks as u32 })
    }

    /// The most whole elements that fit in a chunk of 64 KiB.
    pub fn largest_chunk(ring: Ring) -> u32 {
        let Ring::Pow2(pow2) = ring;
        (MAX_CHUNK_BYTES * 8) as u32 / pow2.bits
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
        let Ring::Pow2(pow2) = self.ring;
        Some(packed_bytes(self.elements_in(chunk)?, pow2.bits))
    }

    /// Bytes of all chunks on the wire.
    pub fn total_bytes(&self) -> u64 {
        let last = self.chunks - 1;
        let bytes = |chunk| self.bytes_in(chunk).unwrap_or(0) as u64;
        u64::from(last) * bytes(0) + bytes(last)
    }

    /// Whether bytes are the canonical content of a chunk.
    pub fn check(&self, chunk: u32, bytes: &[u8]) -> Result<(), NonCanonical> {
        let Ring::Pow2(pow2) = self.ring;
        let elements = self.elements_in(chunk).ok_or(NonCanonical::Chunk { chunk, chunks: self.chunks })?;
        let expected = packed_bytes(elements, pow2.bits);
        if bytes.len() != expected {
            return Err(NonCanonical::Length { chunk, expected, got: bytes.len() });
        }
        if !padding_is_zero(bytes, elements, pow2.bits) {
            return Err(NonCanonical::Padding { chunk });
        }
        Ok(())
    }

    /// The chunk that holds a coordinate, and its place there.
    pub fn place(&self, coordinate: u64) -> Option<(u32, u32)> {
        let size = u64::from(self.chunk_elems);
        let chunk = u32::try_from(coordinate / size).ok().filter(|_| coordinate < self.elements)?;
        Some((chunk, (coordinate % size) as u32))
    }

    /// Element `e` of a packed chunk alone; the bytes are checked to be canonical first.
    pub fn element(&self, chunk: u32, e: u32, bytes: &[u8]) -> Result<Option<u64>, NonCanonical> {
        let Ring::Pow2(ring) = self.ring;
        self.check(chunk, bytes)?;
        let is_there = self.elements_in(chunk).is_some_and(|elements| (e as usize) < elements);
        Ok(is_there.then(|| element(bytes, e as usize, ring.bits)))
    }

    /// A chunk of zeros to sum into.
    pub fn zero(&self, chunk: u32) -> Option<Elements> {
        let Ring::Pow2(ring) = self.ring;
        let elements = self.elements_in(chunk)?;
        let words = if ring.bits <= 32 { Words::Narrow(vec![0; elements]) } else { Words::Wide(vec![0; elements]) };
        Some(Elements { ring, chunk, layout: *self, words })
    }
}

/// One chunk's elements. Sums are kept modulo the word's size, a multiple of the ring's; only the low bits count.
#[derive(Clone)]
pub struct Elements {
    ring: Pow2,
    chunk: u32,
    layout: Layout,
    words: Words,
}

/// 32-bit words where the ring fits in them: half the memory traffic.
#[derive(Clone)]
pub(crate) enum Words {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

/// Whether a mask or vector is added or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Add.
    Plus,
    /// Subtract.
    Minus,
}

impl Sign {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Plus => Self::Minus,
            Self::Minus => Self::Plus,
        }
    }
}

impl Elements {
    /// The chunk these are of.
    pub fn chunk(&self) -> u32 {
        self.chunk
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.words {
            Words::Narrow(words) => words.len(),
            Words::Wide(words) => words.len(),
        }
    }

    /// Never: a chunk holds at least one element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn words_mut(&mut self) -> &mut Words {
        &mut self.words
    }

    /// Element `e`, reduced.
    pub fn get(&self, e: usize) -> Option<u64> {
        let word = match &self.words {
            Words::Narrow(words) => u64::from(*words.get(e)?),
            Words::Wide(words) => *words.get(e)?,
        };
        Some(word & low_mask(self.ring.bits))
    }

    /// Adds an integer to element `e`; outside the chunk nothing happens.
    pub fn add_integer(&mut self, e: usize, value: i64) {
        match &mut self.words {
            Words::Narrow(words) => words.get_mut(e).into_iter().for_each(|w| *w = w.wrapping_add(value as u32)),
            Words::Wide(words) => words.get_mut(e).into_iter().for_each(|w| *w = w.wrapping_add(value as u64)),
        }
    }

    /// Adds `weight * value` to each element.
    pub fn add_weighted(&mut self, values: &[i64], weight: u64) {
        let product = |value: i64| (value as u64).wrapping_mul(weight);
        match &mut self.words {
            Words::Narrow(words) => {
                words.iter_mut().zip(values).for_each(|(w, v)| *w = w.wrapping_add(product(*v) as u32));
            }
            Words::Wide(words) => words.iter_mut().zip(values).for_each(|(w, v)| *w = w.wrapping_add(product(*v))),
        }
    }

    /// Adds or subtracts a packed chunk; the bytes are checked to be canonical first.
    pub fn add_packed(&mut self, bytes: &[u8], sign: Sign) -> Result<(), NonCanonical> {
        self.layout.check(self.chunk, bytes)?;
        let (elements, bits) = (self.len(), self.ring.bits);
        match (&mut self.words, sign) {
            (Words::Narrow(w), Sign::Plus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_add(v as u32)),
            (Words::Narrow(w), Sign::Minus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_sub(v as u32)),
            (Words::Wide(w), Sign::Plus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_add(v)),
            (Words::Wide(w), Sign::Minus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_sub(v)),
        }
        Ok(())
    }

    /// The chunk on the wire.
    pub fn pack(&self) -> Vec<u8> {
        match &self.words {
            Words::Narrow(words) => pack(words.iter().map(|w| u64::from(*w)), self.ring.bits),
            Words::Wide(words) => pack(words.iter().copied(), self.ring.bits),
        }
    }

    /// Centred values.
    pub fn decode(&self) -> Vec<i64> {
        match &self.words {
            Words::Narrow(words) => words.iter().map(|w| self.ring.centred(u64::from(*w))).collect(),
            Words::Wide(words) => words.iter().map(|w| self.ring.centred(*w)).collect(),
        }
    }
}

impl core::fmt::Debug for Elements {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // A chunk may hold a plain update on the client: its values are never printed.
        write!(f, "Elements {{ chunk: {}, elements: {} }}", self.chunk, self.len())
    }
}

impl Drop for Elements {
    fn drop(&mut self) {
        match &mut self.words {
            Words::Narrow(words) => words.as_mut_slice().zeroize(),
            Words::Wide(words) => words.as_mut_slice().zeroize(),
        }
    }
}

/// A coordinate of an aggregate out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("coordinate {index} of the aggregate is {value}, outside +-{bound}")]
pub struct OutOfRange {
    /// The first such coordinate of those given.
    pub index: usize,
    /// Its centred value.
    pub value: i64,
    /// `B * sum of the survivors' w_i`.
    pub bound: u128,
}

/// `|U_c| <= bound` in every coordinate given.
pub fn check_range(values: &[i64], bound: u128) -> Result<(), OutOfRange> {
    let outside = values.iter().position(|value| u128::from(value.unsigned_abs()) > bound);
    outside.map_or(Ok(()), |index| Err(OutOfRange { index, value: values[index], bound }))
}
