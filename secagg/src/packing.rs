//! Bit packing: element `e` is bits `[e*bits, (e+1)*bits)`, bit `i` being bit `i mod 8` of byte `i div 8`; padding is zero.

/// Bytes of `elements` packed at `bits` bits.
pub(crate) fn packed_bytes(elements: usize, bits: u32) -> usize {
    // Widened so that no length a caller can name overflows.
    usize::try_from((elements as u128 * u128::from(bits)).div_ceil(8)).unwrap_or(usize::MAX)
}

/// Whether the padding bits behind `elements` elements are zero. `bytes` has the right length.
pub(crate) fn padding_is_zero(bytes: &[u8], elements: usize, bits: u32) -> bool {
    let used = elements as u128 * u128::from(bits) % 8;
    used == 0 || bytes.last().is_none_or(|last| last >> used == 0)
}

/// Packs the low `bits` bits of each value.
pub(crate) fn pack(values: impl ExactSizeIterator<Item = u64>, bits: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed_bytes(values.len(), bits) + 8);
    match bits {
        16 => values.for_each(|value| bytes.extend_from_slice(&(value as u16).to_le_bytes())),
        32 => values.for_each(|value| bytes.extend_from_slice(&(value as u32).to_le_bytes())),
        64 => values.for_each(|value| bytes.extend_from_slice(&value.to_le_bytes())),
        _ => {
            let mask = low_mask(bits);
            let (mut buffer, mut filled) = (0u128, 0);
            for value in values {
                buffer |= u128::from(value & mask) << filled;
                filled += bits;
                if filled >= 64 {
                    bytes.extend_from_slice(&(buffer as u64).to_le_bytes());
                    buffer >>= 64;
                    filled -= 64;
                }
            }
            let rest = filled.div_ceil(8) as usize;
            bytes.extend_from_slice(&buffer.to_le_bytes()[..rest]);
        }
    }
    bytes
}

/// Hands each element to `put` in order. `bytes` has the right length for `elements`.
pub(crate) fn unpack(bytes: &[u8], elements: usize, bits: u32, mut put: impl FnMut(usize, u64)) {
    match bits {
        16 => bytes.chunks_exact(2).enumerate().for_each(|(e, b)| put(e, u64::from(u16::from_le_bytes([b[0], b[1]])))),
        32 => bytes
            .chunks_exact(4)
            .enumerate()
            .for_each(|(e, b)| put(e, u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))),
        64 => bytes
            .chunks_exact(8)
            .enumerate()
            .for_each(|(e, b)| put(e, u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))),
        _ => {
            let mask = low_mask(bits);
            let mut words = bytes.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            });
            let (mut buffer, mut filled) = (0u128, 0);
            for element in 0..elements {
                if filled < bits {
                    buffer |= u128::from(words.next().unwrap_or(0)) << filled;
                    filled += 64;
                }
                put(element, buffer as u64 & mask);
                buffer >>= bits;
                filled -= bits;
            }
        }
    }
}

/// Element `e` alone. `bytes` holds at least `e + 1` elements.
pub(crate) fn element(bytes: &[u8], e: usize, bits: u32) -> u64 {
    let from = e as u128 * u128::from(bits);
    let first = usize::try_from(from / 8).unwrap_or(usize::MAX);
    // An element of at most 64 bits touches at most nine bytes.
    let word = bytes.iter().skip(first).take(9).rev().fold(0u128, |word, byte| word << 8 | u128::from(*byte));
    (word >> (from % 8)) as u64 & low_mask(bits)
}

/// The low `bits` bits set; bits in 1..=64.
pub(crate) fn low_mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}
