//! Uniform numbers out of a joint key's value: ChaCha20 (RFC 8439) under
//! `SHA-256(lp("bauta/1/draw/" | kind) | input | point)`, nonce 0, counter 0, read as le64 words; a word that would favour
//! small numbers is passed over.

use crate::curve::Point;
use crate::encoding::{sha256, tag};
use crate::joint::JointInput;
use chacha20::cipher::consts::U10;
use chacha20::cipher::generic_array::GenericArray;
use chacha20::cipher::{KeyIvInit, StreamCipherCore};
use chacha20::ChaChaCore;

/// A stream of uniform numbers that anybody computes from public data.
pub struct Draw {
    stream: ChaChaCore<U10>,
    words: [u64; 8],
    used: usize,
}

impl Draw {
    /// The stream of a kind (`partition`, `seats`) for the value `point` of a joint key on `input`.
    pub fn new(kind: &str, input: &JointInput, point: &Point) -> Self {
        Self::from_seed(&sha256(&[&tag(&["draw/", kind].concat()), input.hash(), &point.to_bytes()]))
    }

    /// The stream under a key.
    pub fn from_seed(key: &[u8; 32]) -> Self {
        Self { stream: ChaChaCore::new(key.into(), &[0; 12].into()), words: [0; 8], used: 8 }
    }

    fn word(&mut self) -> u64 {
        if self.used == self.words.len() {
            let mut block = GenericArray::from([0u8; 64]);
            self.stream.write_keystream_block(&mut block);
            let (bytes, _) = block.as_chunks::<8>();
            for (word, bytes) in self.words.iter_mut().zip(bytes) {
                *word = u64::from_le_bytes(*bytes);
            }
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }

    /// Uniform in `0..bound`, for a bound that is not zero: a word of `2^64 mod bound` topmost ones is passed over, which
    /// happens with probability below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        let bound = bound.max(1);
        // 2^64 mod bound, without a 65th bit.
        let excess = (u64::MAX % bound + 1) % bound;
        loop {
            let word = self.word();
            if word <= u64::MAX - excess {
                return word % bound;
            }
        }
    }
}

impl Draw {
    /// The same for 128 bits: two words, the less significant first.
    pub fn below_128(&mut self, bound: u128) -> u128 {
        let bound = bound.max(1);
        let excess = (u128::MAX % bound + 1) % bound;
        loop {
            let low = u128::from(self.word());
            let number = u128::from(self.word()) << 64 | low;
            if number <= u128::MAX - excess {
                return number % bound;
            }
        }
    }
}

impl core::fmt::Debug for Draw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Draw(..)")
    }
}
