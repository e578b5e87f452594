//! A secret key and where it comes from.

use bip32::{DerivationPath, Language, XPrv};
use cosmrs::crypto::secp256k1;
use cosmrs::AccountId;
use k256::ecdsa;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::KeyError;

/// The coin type of addresses in the Cosmos ecosystem (SLIP-44).
pub const COIN_TYPE: u32 = 118;

/// A BIP-39 mnemonic of 24 English words (256 bits of entropy).
pub struct Mnemonic(bip32::Mnemonic);

impl Mnemonic {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let mut entropy = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(entropy.as_mut());
        Self(bip32::Mnemonic::from_entropy(*entropy, Language::English))
    }

    /// Reads words; spaces and line breaks between them do not matter.
    ///
    /// # Errors
    /// [`KeyError::Mnemonic`] when they are not 24 words of the list with a valid checksum.
    pub fn parse(words: &str) -> Result<Self, KeyError> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let phrase = Zeroizing::new(words.join(" ").to_lowercase());
        bip32::Mnemonic::new(phrase.as_str(), Language::English).map(Self).map_err(|_| KeyError::Mnemonic)
    }

    /// The words, one space apart. Whoever reads them has the key.
    #[must_use]
    pub fn words(&self) -> &str {
        self.0.phrase()
    }

    /// The BIP-39 seed under a passphrase (the "25th word"; empty for none), 64 bytes.
    #[must_use]
    pub fn seed(&self, passphrase: &str) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(*self.0.to_seed(passphrase).as_bytes())
    }
}

impl std::fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mnemonic(24 words, not shown)")
    }
}

/// The secret key of an account.
#[derive(Clone)]
pub struct SecretKey {
    signing: ecdsa::SigningKey,
}

impl SecretKey {
    /// The key at `m/44'/118'/account'/0/index` (BIP-44) of a mnemonic without a passphrase, as wallets of the Cosmos ecosystem
    /// derive it.
    ///
    /// # Errors
    /// [`KeyError::Secret`] for a path whose number is 2^31 or more, or that leads nowhere (chance below 2^-127).
    pub fn from_mnemonic(mnemonic: &Mnemonic, account: u32, index: u32) -> Result<Self, KeyError> {
        let path: DerivationPath =
            format!("m/44'/{COIN_TYPE}'/{account}'/0/{index}").parse().map_err(|_| KeyError::Secret)?;
        let seed = mnemonic.seed("");
        let derived = XPrv::derive_from_path(seed.as_ref(), &path).map_err(|_| KeyError::Secret)?;
        Ok(Self { signing: derived.private_key().clone() })
    }

    /// A key from its 32 bytes, big endian.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when they are no key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        ecdsa::SigningKey::from_slice(bytes).map(|signing| Self { signing }).map_err(|_| KeyError::Secret)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes().into())
    }

    /// The compressed public key, 33 bytes.
    #[must_use]
    pub fn public_key(&self) -> [u8; 33] {
        let point = self.signing.verifying_key().to_encoded_point(true);
        let mut bytes = [0u8; 33];
        bytes.copy_from_slice(point.as_bytes());
        bytes
    }

    /// The raw address, 20 bytes.
    #[must_use]
    pub fn address(&self) -> [u8; 20] {
        address_of(&self.public_key())
    }

    /// The address as text.
    ///
    /// # Errors
    /// [`KeyError::Prefix`] when the prefix cannot be one.
    pub fn account(&self, prefix: &str) -> Result<AccountId, KeyError> {
        AccountId::new(prefix, &self.address()).map_err(|_| KeyError::Prefix(prefix.to_owned()))
    }

    /// The key as `cosmrs` signs with it: RFC 6979, low S, 64 bytes.
    pub(crate) fn signer(&self) -> secp256k1::SigningKey {
        secp256k1::SigningKey::new(Box::new(self.signing.clone()))
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", hex::encode(self.address()))
    }
}

/// The raw address of a compressed public key: `RIPEMD-160(SHA-256(key))`.
pub(super) fn address_of(public_key: &[u8; 33]) -> [u8; 20] {
    use sha2::{Digest, Sha256};
    ripemd::Ripemd160::digest(Sha256::digest(public_key)).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_core::SeedableRng;

    const FAUCET: &str = "economy stock theory fatal elder harbor betray wasp final emotion task crumble siren bottom \
                          lizard educate guess current outdoor pair theory focus wife stone";

    #[test]
    fn the_seed_of_a_published_mnemonic_is_the_published_one() {
        // BIP-39's own vectors: all-zero entropy, passphrase TREZOR.
        let words = format!("{}art", "abandon ".repeat(23));
        let seed = Mnemonic::parse(&words).unwrap().seed("TREZOR");
        assert_eq!(
            hex::encode(seed.as_ref()),
            "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2\
             a5e608d68f92fcc8"
        );
    }

    #[test]
    fn the_first_cosmos_address_of_a_published_mnemonic_is_the_published_one() {
        let key = SecretKey::from_mnemonic(&Mnemonic::parse(FAUCET).unwrap(), 0, 0).unwrap();
        assert_eq!(key.account("cosmos").unwrap().to_string(), "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6");
    }

    #[test]
    fn a_mnemonic_with_a_wrong_checksum_or_word_is_refused() {
        for words in
            [format!("{}abandon", "abandon ".repeat(23)), "abandon about".to_owned(), FAUCET.replace("stone", "stonk")]
        {
            assert!(matches!(Mnemonic::parse(&words), Err(KeyError::Mnemonic)));
        }
    }

    #[test]
    fn a_fresh_mnemonic_reads_back_and_is_never_printed() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(7);
        let mnemonic = Mnemonic::random(&mut rng);
        let again = Mnemonic::parse(&format!("  {}\n", mnemonic.words().replace(' ', "\n "))).unwrap();
        assert_eq!(again.words(), mnemonic.words());
        let key = SecretKey::from_mnemonic(&mnemonic, 0, 0).unwrap();
        let shown = format!("{mnemonic:?} {key:?}");
        assert!(mnemonic.words().split(' ').all(|word| !shown.contains(&format!("\"{word}"))));
        assert!(!shown.contains(&hex::encode(key.to_bytes().as_ref())));
    }
}
