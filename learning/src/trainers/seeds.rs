//! Independent seeds from one.

use sha2::{Digest, Sha256};

/// `SHA-256(lp("bauta/1/seed/" | what) | seed | be64 of each number)`: a 32-byte seed for one purpose (`what`, at most a few words) and
/// one place (task, provider, round, ...).
#[must_use]
pub fn derive_seed(seed: &[u8], what: &str, numbers: &[u64]) -> [u8; 32] {
    let mut tag = Vec::new();
    let name: String = what.chars().take(1024).collect();
    crate::canonical::write_lp(&mut tag, format!("bauta/1/seed/{name}").as_bytes());
    let mut hash = Sha256::new_with_prefix(tag);
    hash.update(seed);
    for number in numbers {
        hash.update(number.to_be_bytes());
    }
    hash.finalize().into()
}

/// The first eight bytes of [`derive_seed`], big endian: the seed in a `round.json`.
#[must_use]
pub fn derive_u64(seed: &[u8], what: &str, numbers: &[u64]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = derive_seed(seed, what, numbers);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
