//! One chunk's elements as they are masked and summed.

use super::rns::{self, Rns};
use super::{Layout, NonCanonical, Ring};
use crate::packing::{low_mask, pack, unpack};
use zeroize::Zeroize;

/// One chunk's elements. Modulo a power of two sums are kept modulo the word's size, a multiple of the ring's; only the low bits count.
#[derive(Clone)]
pub struct Elements {
    ring: Ring,
    chunk: u32,
    layout: Layout,
    words: Words,
}

/// 32-bit words where the ring fits in them: half the memory traffic. Residues are reduced, limb after limb, each in one piece.
#[derive(Clone)]
pub(crate) enum Words {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
    Limbs(Rns, Vec<u64>),
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
    pub(super) fn zero(layout: &Layout, chunk: u32, elements: usize) -> Self {
        let words = match layout.ring() {
            Ring::Pow2(ring) if ring.bits() <= 32 => Words::Narrow(vec![0; elements]),
            Ring::Pow2(_) => Words::Wide(vec![0; elements]),
            Ring::Rns(rns) => Words::Limbs(rns, vec![0; elements * rns.moduli().len()]),
        };
        Self { ring: layout.ring(), chunk, layout: *layout, words }
    }

    /// The chunk these are of.
    pub fn chunk(&self) -> u32 {
        self.chunk
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.words {
            Words::Narrow(words) => words.len(),
            Words::Wide(words) => words.len(),
            Words::Limbs(rns, residues) => residues.len() / rns.moduli().len(),
        }
    }

    /// Never: a chunk holds at least one element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn words_mut(&mut self) -> &mut Words {
        &mut self.words
    }

    /// Element `e`, reduced; `None` outside of the chunk and in an [`Rns`] ring, which has [`residues`](Self::residues).
    pub fn get(&self, e: usize) -> Option<u64> {
        let word = match &self.words {
            Words::Narrow(words) => u64::from(*words.get(e)?),
            Words::Wide(words) => *words.get(e)?,
            Words::Limbs(..) => return None,
        };
        Some(word & low_mask(self.ring.bits()))
    }

    /// The residues of one limb, each below its prime; `None` in a ring without limbs, or without this one.
    pub fn residues(&self, limb: usize) -> Option<&[u64]> {
        match &self.words {
            Words::Limbs(rns, residues) => residues.chunks_exact(residues.len() / rns.moduli().len()).nth(limb),
            _ => None,
        }
    }

    /// Adds residues to those of one limb. Whether they could be: there is such a limb, they are as many, and each is reduced.
    #[must_use]
    pub fn add_residues(&mut self, limb: usize, values: &[u64]) -> bool {
        let Words::Limbs(rns, residues) = &mut self.words else { return false };
        let (rns, elements) = (*rns, residues.len() / rns.moduli().len());
        let Some(prime) = rns.moduli().get(limb).copied() else { return false };
        let Some(own) = residues.chunks_exact_mut(elements).nth(limb) else { return false };
        if own.len() != values.len() || values.iter().any(|value| *value >= prime) {
            return false;
        }
        own.iter_mut().zip(values).for_each(|(own, value)| *own = rns::add(*own, *value, prime));
        true
    }

    /// Adds an integer to element `e`; outside the chunk nothing happens.
    pub fn add_integer(&mut self, e: usize, value: i64) {
        match &mut self.words {
            Words::Narrow(words) => words.get_mut(e).into_iter().for_each(|w| *w = w.wrapping_add(value as u32)),
            Words::Wide(words) => words.get_mut(e).into_iter().for_each(|w| *w = w.wrapping_add(value as u64)),
            Words::Limbs(rns, residues) => {
                let elements = residues.len() / rns.moduli().len();
                for (limb, prime) in residues.chunks_exact_mut(elements).zip(rns.moduli()) {
                    let own = limb.get_mut(e).into_iter();
                    own.for_each(|own| *own = rns::add(*own, rns::residue(value, *prime), *prime));
                }
            }
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
            Words::Limbs(rns, residues) => {
                let elements = residues.len() / rns.moduli().len();
                for (limb, prime) in residues.chunks_exact_mut(elements).zip(rns.moduli()) {
                    for (own, value) in limb.iter_mut().zip(values) {
                        let product = rns::multiply(rns::residue(*value, *prime), weight % prime, *prime);
                        *own = rns::add(*own, product, *prime);
                    }
                }
            }
        }
    }

    /// Adds or subtracts a packed chunk; the bytes are checked to be canonical first.
    pub fn add_packed(&mut self, bytes: &[u8], sign: Sign) -> Result<(), NonCanonical> {
        self.layout.check(self.chunk, bytes)?;
        let (elements, bits) = (self.len(), self.ring.bits());
        match (&mut self.words, sign) {
            (Words::Narrow(w), Sign::Plus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_add(v as u32)),
            (Words::Narrow(w), Sign::Minus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_sub(v as u32)),
            (Words::Wide(w), Sign::Plus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_add(v)),
            (Words::Wide(w), Sign::Minus) => unpack(bytes, elements, bits, |e, v| w[e] = w[e].wrapping_sub(v)),
            (Words::Limbs(rns, residues), sign) => {
                for ((limb, bytes), prime) in
                    residues.chunks_exact_mut(elements).zip(rns.limbs(bytes, elements)).zip(rns.moduli())
                {
                    unpack(bytes, elements, rns::bits(*prime), |e, v| {
                        limb[e] = rns::combine(limb[e], v, *prime, sign);
                    });
                }
            }
        }
        Ok(())
    }

    /// The chunk on the wire.
    pub fn pack(&self) -> Vec<u8> {
        match &self.words {
            Words::Narrow(words) => pack(words.iter().map(|w| u64::from(*w)), self.ring.bits()),
            Words::Wide(words) => pack(words.iter().copied(), self.ring.bits()),
            Words::Limbs(rns, residues) => {
                let limbs = residues.chunks_exact(self.len()).zip(rns.moduli());
                limbs.flat_map(|(limb, prime)| pack(limb.iter().copied(), rns::bits(*prime))).collect()
            }
        }
    }

    /// Centred values; none in an [`Rns`] ring, whose residues mean nothing to whoever has not the key.
    pub fn decode(&self) -> Vec<i64> {
        let Some(ring) = self.ring.pow2() else { return Vec::new() };
        match &self.words {
            Words::Narrow(words) => words.iter().map(|w| ring.centred(u64::from(*w))).collect(),
            Words::Wide(words) => words.iter().map(|w| ring.centred(*w)).collect(),
            Words::Limbs(..) => Vec::new(),
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
            Words::Wide(words) | Words::Limbs(_, words) => words.as_mut_slice().zeroize(),
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
