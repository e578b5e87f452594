//! Mask streams: `prg(use, point)` is ChaCha20 (RFC 8439) under `SHA-256(lp("bauta/1/prg/" | use) | ctx | point)`, nonce
//! `be32(0) | be64(chunk)`, counter 0. Every chunk of a vector is its own stream, so it can be masked, summed and unmasked
//! alone, and any element can be looked up alone.

use crate::context::Ctx;
use crate::curve::Point;
use crate::encoding::{sha256, tag};
use crate::packing::low_mask;
use crate::ring::{rns, Elements, Pow2, Rns, Sign, Words};
use crate::switched_off;
use chacha20::cipher::consts::U10;
use chacha20::cipher::generic_array::GenericArray;
use chacha20::cipher::{KeyIvInit, StreamCipherCore, StreamCipherSeekCore};
use chacha20::ChaChaCore;
use zeroize::{Zeroize, Zeroizing};

/// ChaCha20 with a 96-bit nonce, block by block.
type Core = ChaChaCore<U10>;
type Block = GenericArray<u8, chacha20::cipher::consts::U64>;

/// Blocks generated at a time: 4 KiB stay in the first-level cache and keep the vector units busy.
const BLOCKS: usize = 64;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Masks of vectors.
    Vector,
    /// Masks of the sketch's blindings.
    Blind,
    /// Cohort masks.
    Cohort,
}

impl Use {
    /// The name in the tag.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Blind => "blind",
            Self::Cohort => "cohort",
        }
    }
}

/// The key of a mask's streams.
#[derive(Clone)]
pub struct MaskKey(Zeroizing<[u8; 32]>);

impl MaskKey {
    /// `SHA-256(lp("bauta/1/prg/" | use) | ctx | point)`.
    pub fn new(use_: Use, ctx: &Ctx, point: &Point) -> Self {
        let tag = tag(&["prg/", use_.name()].concat());
        let point = Zeroizing::new(point.to_bytes());
        let key = sha256(&[&tag, ctx.as_bytes(), point.as_ref()]);
        Self(Zeroizing::new(if switched_off!(SeedSpace) { sha256(&[&key[..2]]) } else { key }))
    }

    fn stream(&self, chunk: u32) -> Core {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&u64::from(chunk).to_be_bytes());
        Core::new((&*self.0).into(), &nonce.into())
    }

    /// Adds the mask's elements of the chunk to `elements`, or subtracts them.
    pub fn apply(&self, elements: &mut Elements, sign: Sign) {
        let chunk = elements.chunk();
        #[cfg(test)]
        trace::record(&self.0, chunk, elements.len());
        let mut stream = self.stream(chunk);
        match (elements.words_mut(), sign) {
            (Words::Narrow(words), Sign::Plus) => {
                expand::<4, _>(&mut stream, words, |w, b| *w = w.wrapping_add(u32::from_le_bytes(b)))
            }
            (Words::Narrow(words), Sign::Minus) => {
                expand::<4, _>(&mut stream, words, |w, b| *w = w.wrapping_sub(u32::from_le_bytes(b)))
            }
            (Words::Wide(words), Sign::Plus) => {
                expand::<8, _>(&mut stream, words, |w, b| *w = w.wrapping_add(u64::from_le_bytes(b)))
            }
            (Words::Wide(words), Sign::Minus) => {
                expand::<8, _>(&mut stream, words, |w, b| *w = w.wrapping_sub(u64::from_le_bytes(b)))
            }
            (Words::Limbs(rns, limbs), sign) => reject(&mut stream, rns, limbs, sign),
        }
    }

    /// Element `e` of a chunk alone: the low `bits` bits of the le64 at byte `8e` for bits above 32, of the le32 at byte
    /// `4e` otherwise.
    pub fn element(&self, ring: Pow2, chunk: u32, e: u32) -> u64 {
        let width = if ring.bits() <= 32 { 4 } else { 8 };
        let mut stream = self.stream(chunk);
        stream.set_block_pos(e / (64 / width));
        let mut block = Zeroizing::new([0u8; 64]);
        stream.write_keystream_block(GenericArray::from_mut_slice(block.as_mut()));
        let at = (e % (64 / width) * width) as usize;
        let word = block[at..at + width as usize].iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        word & low_mask(ring.bits())
    }

    /// The first bytes of a chunk's stream.
    #[cfg(test)]
    pub(crate) fn bytes(&self, chunk: u32, length: usize) -> Vec<u8> {
        let mut blocks = vec![Block::default(); length.div_ceil(64)];
        self.stream(chunk).write_keystream_blocks(&mut blocks);
        blocks.iter().flatten().copied().take(length).collect()
    }
}

impl core::fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MaskKey(..)")
    }
}

/// Combines each word with the next `WIDTH` bytes of the stream.
fn expand<const WIDTH: usize, W>(stream: &mut Core, words: &mut [W], combine: impl Fn(&mut W, [u8; WIDTH])) {
    let mut buffer = [Block::default(); BLOCKS];
    let per_block = 64 / WIDTH;
    for part in words.chunks_mut(BLOCKS * per_block) {
        let blocks = &mut buffer[..part.len().div_ceil(per_block)];
        stream.write_keystream_blocks(blocks);
        for (words, block) in part.chunks_mut(per_block).zip(blocks.iter()) {
            for (word, bytes) in words.iter_mut().zip(block.chunks_exact(WIDTH)) {
                let mut array = [0; WIDTH];
                array.copy_from_slice(bytes);
                combine(word, array);
            }
        }
    }
    buffer.iter_mut().for_each(|block| block.as_mut_slice().zeroize());
}

/// Combines each residue, limb after limb, with the next number of the stream that is below its prime: le64, masked to the prime's bit
/// length, so that at least every second one is.
fn reject(stream: &mut Core, ring: &Rns, limbs: &mut [u64], sign: Sign) {
    let mut buffer = [Block::default(); BLOCKS];
    let (mut next, words) = (BLOCKS * 8, |buffer: &[Block], at: usize| {
        let bytes = &buffer[at / 8][at % 8 * 8..at % 8 * 8 + 8];
        bytes.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte))
    });
    let elements = limbs.len() / ring.moduli().len();
    for (limb, &prime) in limbs.chunks_exact_mut(elements).zip(ring.moduli()) {
        let mask = low_mask(rns::bits(prime));
        for own in limb {
            let number = loop {
                if next == BLOCKS * 8 {
                    stream.write_keystream_blocks(&mut buffer);
                    next = 0;
                }
                let number = words(&buffer, next) & mask;
                next += 1;
                if number < prime {
                    break number;
                }
            };
            *own = rns::combine(*own, number, prime, sign);
        }
    }
    buffer.iter_mut().for_each(|block| block.as_mut_slice().zeroize());
}

/// Records which stream positions are used, so that a test can say that none is used twice.
#[cfg(test)]
pub(crate) mod trace {
    use std::cell::RefCell;

    pub(crate) type Use = ([u8; 32], u32, usize);

    thread_local! {
        static USES: RefCell<Option<Vec<Use>>> = const { RefCell::new(None) };
    }

    pub(super) fn record(key: &[u8; 32], chunk: u32, elements: usize) {
        USES.with_borrow_mut(|uses| {
            if let Some(uses) = uses {
                uses.push((*key, chunk, elements));
            }
        });
    }

    /// Runs `work` and returns what it used.
    pub(crate) fn uses_of(work: impl FnOnce()) -> Vec<Use> {
        USES.set(Some(Vec::new()));
        work();
        USES.take().unwrap_or_default()
    }
}
