//! Bit packing as the protocol has it: value `e` is bits `[e * bits, (e + 1) * bits)`, bit `i` being bit `i mod 8` of byte `i div 8`;
//! the end is padded to a byte with zeros.

/// Bytes of `values` packed at `bits` bits.
pub(crate) fn packed_bytes(values: usize, bits: u32) -> usize {
    (values * bits as usize).div_ceil(8)
}

/// Appends the values, each below `2^bits`; `bits` at most 60.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn pack(values: &[u64], bits: u32, bytes: &mut Vec<u8>) {
    let (mut buffer, mut filled) = (0u128, 0);
    for &value in values {
        buffer |= u128::from(value) << filled;
        filled += bits;
        if filled >= 64 {
            bytes.extend_from_slice(&(buffer as u64).to_le_bytes());
            buffer >>= 64;
            filled -= 64;
        }
    }
    bytes.extend_from_slice(&buffer.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// Appends `count` values of `bytes`, which has the right length, to `values`; false if the padding is not zero.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn unpack(bytes: &[u8], count: usize, bits: u32, values: &mut Vec<u64>) -> bool {
    let mask = u64::MAX >> (64 - bits);
    let mut words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    let (mut buffer, mut filled) = (0u128, 0);
    for _ in 0..count {
        if filled < bits {
            buffer |= u128::from(words.next().unwrap_or(0)) << filled;
            filled += 64;
        }
        values.push(buffer as u64 & mask);
        buffer >>= bits;
        filled -= bits;
    }
    buffer == 0
}
