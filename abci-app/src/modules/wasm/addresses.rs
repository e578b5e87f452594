//! Addresses: bech32, and how contracts get theirs (wasmd x/wasm/keeper/addresses.go; cosmos-sdk types/address `Module`).

use sha2::{Digest, Sha256};

use super::errors;
use crate::address::Address;
use crate::error::{Error, Result};

/// Bytes of an account's address.
pub const ACCOUNT_LEN: usize = 20;
/// Bytes of a contract's or a module's address.
pub const CONTRACT_LEN: usize = 32;
/// The longest salt.
pub const MAX_SALT: usize = 64;

/// The bytes of `text`, which must be an address of the chain with `prefix`; capitals throughout are allowed.
///
/// # Errors
/// Invalid address (sdk 7).
pub fn parse(prefix: &str, text: &str) -> Result<Vec<u8>> {
    let address = Address::parse(text, prefix)
        .map_err(|error| Error::invalid_address(format!("{}: invalid address", error.log)))?;
    check_length(address.as_bytes())?;
    // Bits that do not fill a byte must be zero, or one address would have several spellings.
    if address.to_bech32(prefix) != text.to_ascii_lowercase() {
        return Err(Error::invalid_address(format!("{text:?} is padded wrongly: invalid address")));
    }
    Ok(address.as_bytes().to_vec())
}

/// The text of an address.
///
/// # Errors
/// Invalid address (sdk 7) when it has no address's length.
pub fn format(prefix: &str, bytes: &[u8]) -> Result<String> {
    check_length(bytes)?;
    Ok(Address::new(bytes)?.to_bech32(prefix))
}

fn check_length(bytes: &[u8]) -> Result<()> {
    if bytes.len() == ACCOUNT_LEN || bytes.len() == CONTRACT_LEN {
        return Ok(());
    }
    Err(Error::invalid_address(format!("an address has 20 or 32 bytes, this one has {}: invalid address", bytes.len())))
}

/// The address of the `instance`-th contract of the chain.
pub fn classic(code_id: u64, instance: u64) -> Vec<u8> {
    let mut key = code_id.to_be_bytes().to_vec();
    key.extend_from_slice(&instance.to_be_bytes());
    module_address(&key)
}

/// The address that does not depend on order: of checksum, creator, salt and, if it is fixed too, the message (else empty).
///
/// # Errors
/// A salt of no or more than 64 bytes; a creator that is no address.
pub fn predictable(checksum: &[u8; 32], creator: &[u8], salt: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    check_length(creator)?;
    check_salt(salt)?;
    let mut key = Vec::new();
    for part in [&checksum[..], creator, salt, message] {
        key.extend_from_slice(&(part.len() as u64).to_be_bytes());
        key.extend_from_slice(part);
    }
    Ok(module_address(&key))
}

/// Whether a salt has 1 to 64 bytes.
///
/// # Errors
/// If not.
pub fn check_salt(salt: &[u8]) -> Result<()> {
    match salt.len() {
        0 => Err(errors::EMPTY.wrap("is required")),
        1..=MAX_SALT => Ok(()),
        _ => Err(errors::LIMIT.wrap(format!("cannot be longer than {MAX_SALT} characters"))),
    }
}

/// `sha256(sha256("module") ‖ "wasm" ‖ 00 ‖ key)`.
fn module_address(key: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(b"module"));
    hash.update(b"wasm\0");
    hash.update(key);
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_get_the_addresses_that_cosmjs_expects() {
        // cosmjs packages/cosmwasm/src/testutils.ts
        for (code, instance, expected) in [
            (1, 1, "wasm14hj2tavq8fpesdwxxcu44rty3hh90vhujrvcmstl4zr3txmfvw9s0phg4d"),
            (1, 2, "wasm1suhgf5svhu4usrurvxzlgn54ksxmn8gljarjtxqnapv8kjnp4nrss5maay"),
            (1, 3, "wasm1yyca08xqdgvjz0psg56z67ejh9xms6l436u8y58m82npdqqhmmtqas0cl7"),
            (2, 4, "wasm1aakfpghcanxtc45gpqlx8j3rq0zcpyf49qmhm9mdjrfx036h4z5se0hfnq"),
        ] {
            assert_eq!(format("wasm", &classic(code, instance)).unwrap(), expected, "{code}/{instance}");
        }
    }

    #[test]
    fn predictable_addresses_are_those_of_wasmd() {
        // wasmd x/wasm/keeper/addresses_test.go
        let checksum = "13a1fc994cc6d1c81b746ee0c0ff6f90043875e0bf1d9be6b7d779fc978dc2a5";
        let checksum: [u8; 32] = hex::decode(checksum).unwrap().try_into().unwrap();
        let creator = hex::decode("9999999999aaaaaaaaaabbbbbbbbbbcccccccccc").unwrap();
        let longest = concat!(
            "aabbccddeeffffeeddbbccddaa66551155aaaabbcc787878789900aabbccddee",
            "ffffeeddbbccddaa66551155aaaabbcc787878789900aabbbbcc221100acadae"
        );
        let structured = r#"{"some":123,"structure":{"nested":["ok",true]}}"#;
        for (salt, message, expected) in [
            ("61", "", "5e865d3e45ad3e961f77fd77d46543417ced44d924dc3e079b5415ff6775f847"),
            ("61", "{}", "0995499608947a5281e2c7ebd71bdb26a1ad981946dad57f6c4d3ee35de77835"),
            ("61", structured, "83326e554723b15bac664ceabc8a5887e27003abe9fbd992af8c7bcea4745167"),
            (longest, "", "9384c6248c0bb171e306fd7da0993ec1e20eba006452a3a9e078883eb3594564"),
        ] {
            let address = predictable(&checksum, &creator, &hex::decode(salt).unwrap(), message.as_bytes()).unwrap();
            assert_eq!(hex::encode(address), expected, "{salt} {message}");
        }
        assert!(predictable(&checksum, &creator, &[], b"").is_err());
        assert!(predictable(&checksum, &creator, &[1; 65], b"").is_err());
        assert!(predictable(&checksum, &[1; 10], &[1], b"").is_err());
    }

    #[test]
    fn wrong_padding_is_no_second_spelling() {
        let text = format("wasm", &[7; 32]).unwrap();
        assert!(parse("wasm", &text).is_ok());
        // 52 characters carry 260 bits; the last four must be zero. Any other last character changes the checksum too, so
        // the same bytes are encoded from 33 bytes' worth of characters here.
        let fives: Vec<bech32::Fe32> = {
            use bech32::ByteIterExt;
            let mut fives: Vec<_> = [7u8; 32].iter().copied().bytes_to_fes().collect();
            let last = fives.pop().unwrap();
            fives.push(bech32::Fe32::try_from(last.to_u8() | 1).unwrap());
            fives
        };
        use bech32::Fe32IterExt;
        let hrp = bech32::Hrp::parse("wasm").unwrap();
        let spelled: String = fives.into_iter().with_checksum::<bech32::Bech32>(&hrp).chars().collect();
        assert!(parse("wasm", &spelled).is_err());
    }
}
