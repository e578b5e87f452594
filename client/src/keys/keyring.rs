//! Keys on disk, one file a key.
//!
//! The `file` backend locks each key under a passphrase. The `test` backend does not: it is for scripts and demonstrations, and its
//! files say so.

use std::path::{Path, PathBuf};

use cosmrs::AccountId;
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::secret::address_of;
use super::{KeyError, Passphrase, Sealed, SecretKey};
use crate::disk::{self, Durability};

/// How a keyring keeps its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringBackend {
    /// Locked under a passphrase.
    File,
    /// In the clear. For scripts and demonstrations only.
    Test,
}

impl KeyringBackend {
    /// The folder's name, and how the command line calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Test => "test",
        }
    }
}

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
    backend: KeyringBackend,
    prefix: String,
}

/// What anybody may know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the keyring.
    pub name: String,
    /// Its address.
    pub address: AccountId,
    /// Its compressed public key.
    pub public_key: [u8; 33],
}

/// A key's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    name: String,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
    /// Only in the `test` backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    unprotected_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

const VERSION: u32 = 1;
const MAX_FILE_BYTES: u64 = 64 * 1024;
const WARNING: &str = "this key is not encrypted: for scripts and demonstrations only";

impl Keyring {
    /// The keyring of a backend below `home`. Addresses are written with `prefix`.
    #[must_use]
    pub fn new(home: &Path, backend: KeyringBackend, prefix: &str) -> Self {
        Self { folder: home.join(format!("keyring-{}", backend.name())), backend, prefix: prefix.to_owned() }
    }

    /// How it keeps its secrets.
    #[must_use]
    pub fn backend(&self) -> KeyringBackend {
        self.backend
    }

    /// Adds a key. The passphrase is needed by the `file` backend and ignored by `test`.
    ///
    /// # Errors
    /// [`KeyError::Name`], [`KeyError::Exists`], [`KeyError::ShortPassphrase`], [`KeyError::Disk`].
    pub fn add(
        &self,
        name: &str,
        key: &SecretKey,
        passphrase: Option<&Passphrase>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Entry, KeyError> {
        let path = self.path(name)?;
        if path.exists() {
            return Err(KeyError::Exists(name.to_owned()));
        }
        let file = match self.backend {
            KeyringBackend::File => locked(name, key, passphrase, rng)?,
            KeyringBackend::Test => KeyFile {
                version: VERSION,
                name: name.to_owned(),
                public_key: hex::encode(key.public_key()),
                sealed: None,
                unprotected_secret: Some(hex::encode(key.to_bytes().as_ref())),
                warning: Some(WARNING.to_owned()),
            },
        };
        disk::private_folder(&self.folder)?;
        disk::create_private(&path, &written(&file)?)?;
        self.show(name)
    }

    /// What anybody may know of a key.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::File`], [`KeyError::Disk`].
    pub fn show(&self, name: &str) -> Result<Entry, KeyError> {
        self.entry(&self.read(name)?)
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// [`KeyError::File`] for the first file that is none, [`KeyError::Disk`].
    pub fn list(&self) -> Result<Vec<Entry>, KeyError> {
        let mut names = Vec::new();
        if let Ok(files) = std::fs::read_dir(&self.folder) {
            for file in files.flatten() {
                let path = file.path();
                if path.extension().is_some_and(|end| end == "json") {
                    if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
                        names.push(name.to_owned());
                    }
                }
            }
        }
        names.sort();
        names.iter().map(|name| self.show(name)).collect()
    }

    /// The secret of a key.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::WrongPassphrase`], [`KeyError::File`], [`KeyError::Disk`].
    pub fn unlock(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeyError> {
        let key = open(&self.read(name)?, passphrase)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = self.path(name)?;
            let mode = std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o777).unwrap_or_default();
            if mode & 0o077 != 0 {
                let file = path.display();
                tracing::warn!("others may read the key {file} (mode {mode:o}); close it with: chmod 600 {file}");
            }
        }
        Ok(key)
    }

    /// Whether a key needs a passphrase to be unlocked.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::File`], [`KeyError::Disk`].
    pub fn needs_passphrase(&self, name: &str) -> Result<bool, KeyError> {
        Ok(self.read(name)?.sealed.is_some())
    }

    /// The key as a file for another keyring, locked under a passphrase of its own.
    ///
    /// # Errors
    /// As [`Keyring::unlock`], and [`KeyError::ShortPassphrase`] for the new passphrase.
    pub fn export(
        &self,
        name: &str,
        passphrase: Option<&Passphrase>,
        new: &Passphrase,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.unlock(name, passphrase)?;
        written(&locked(name, &key, Some(new), rng)?)
    }

    /// The key in a file that [`Keyring::export`] made.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::WrongPassphrase`].
    pub fn import(content: &[u8], place: &str, passphrase: &Passphrase) -> Result<SecretKey, KeyError> {
        open(&parsed(content, place)?, Some(passphrase))
    }

    /// Erases a key.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Disk`].
    pub fn delete(&self, name: &str) -> Result<(), KeyError> {
        self.read(name)?;
        Ok(disk::erase(&self.path(name)?, Durability::PowerCut)?)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyError> {
        let fits =
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            return Err(KeyError::Name(name.to_owned()));
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    fn read(&self, name: &str) -> Result<KeyFile, KeyError> {
        let path = self.path(name)?;
        let content = disk::read_if_present(&path, MAX_FILE_BYTES)?
            .ok_or_else(|| KeyError::Missing { name: name.to_owned(), folder: self.folder.display().to_string() })?;
        parsed(&content, &path.display().to_string())
    }

    fn entry(&self, file: &KeyFile) -> Result<Entry, KeyError> {
        let public_key = public_key_of(file)?;
        let address = AccountId::new(&self.prefix, &address_of(&public_key))
            .map_err(|_| KeyError::Prefix(self.prefix.clone()))?;
        Ok(Entry { name: file.name.clone(), address, public_key })
    }
}

fn locked(
    name: &str,
    key: &SecretKey,
    passphrase: Option<&Passphrase>,
    rng: &mut impl CryptoRngCore,
) -> Result<KeyFile, KeyError> {
    let empty = Passphrase::new("");
    let public_key = key.public_key();
    let sealed = Sealed::lock(key.to_bytes().as_ref(), &public_key, passphrase.unwrap_or(&empty), rng)?;
    Ok(KeyFile {
        version: VERSION,
        name: name.to_owned(),
        public_key: hex::encode(public_key),
        sealed: Some(sealed),
        unprotected_secret: None,
        warning: None,
    })
}

fn open(file: &KeyFile, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeyError> {
    let public_key = public_key_of(file)?;
    let key = match (&file.sealed, &file.unprotected_secret) {
        (Some(sealed), None) => {
            let secret = match passphrase {
                Some(passphrase) => sealed.open(&public_key, passphrase)?,
                None => None,
            };
            SecretKey::from_bytes(&secret.ok_or_else(|| KeyError::WrongPassphrase(file.name.clone()))?)?
        }
        (None, Some(secret)) => {
            let bytes = Zeroizing::new(hex::decode(secret).map_err(|_| KeyError::Secret)?);
            SecretKey::from_bytes(&bytes)?
        }
        _ => return Err(damaged(&file.name, "it holds no secret, or two")),
    };
    if key.public_key() != public_key {
        return Err(damaged(&file.name, "its secret and its public key do not belong together"));
    }
    Ok(key)
}

fn public_key_of(file: &KeyFile) -> Result<[u8; 33], KeyError> {
    hex::decode(&file.public_key)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| damaged(&file.name, "its public key has not 33 bytes in hexadecimal"))
}

fn parsed(content: &[u8], place: &str) -> Result<KeyFile, KeyError> {
    // Where, and not what: the parser's own words may quote the content, which is a secret.
    let file: KeyFile = serde_json::from_slice(content).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "it is cut off",
            serde_json::error::Category::Data => "its fields are not those of a key file",
            _ => "it is not JSON",
        };
        damaged(place, &format!("{what} (line {}, column {})", error.line(), error.column()))
    })?;
    if file.version != VERSION {
        return Err(damaged(place, &format!("it has version {}", file.version)));
    }
    Ok(file)
}

fn written(file: &KeyFile) -> Result<Vec<u8>, KeyError> {
    serde_json::to_vec_pretty(file).map_err(|error| damaged(&file.name, &error.to_string()))
}

fn damaged(place: &str, what: &str) -> KeyError {
    KeyError::File { place: place.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
    }

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[7; 32]).unwrap()
    }

    fn ring(backend: KeyringBackend) -> (tempfile::TempDir, Keyring) {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path(), backend, "bauta");
        (home, ring)
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase_and_with_no_other() {
        let (_home, ring) = ring(KeyringBackend::File);
        let passphrase = Passphrase::new("correct horse\n");
        let entry = ring.add("alice", &key(), Some(&passphrase), &mut rng()).unwrap();
        assert_eq!(entry.address, key().account("bauta").unwrap());
        let back = ring.unlock("alice", Some(&Passphrase::new("correct horse"))).unwrap();
        assert_eq!(back.to_bytes(), key().to_bytes());
        for wrong in [None, Some(Passphrase::new("incorrect horse"))] {
            assert!(matches!(ring.unlock("alice", wrong.as_ref()), Err(KeyError::WrongPassphrase(_))));
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let (home, ring) = ring(KeyringBackend::Test);
        ring.add("alice", &key(), None, &mut rng()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.path().join("keyring-test")), 0o700);
        assert_eq!(mode(&home.path().join("keyring-test/alice.json")), 0o600);
    }

    #[test]
    fn a_public_key_that_was_exchanged_is_noticed() {
        for backend in [KeyringBackend::Test, KeyringBackend::File] {
            let (home, ring) = ring(backend);
            let passphrase = Passphrase::new("correct horse");
            ring.add("alice", &key(), Some(&passphrase), &mut rng()).unwrap();
            let path = home.path().join(format!("keyring-{}/alice.json", backend.name()));
            let other = SecretKey::from_bytes(&[9; 32]).unwrap();
            let content = std::fs::read_to_string(&path)
                .unwrap()
                .replace(&hex::encode(key().public_key()), &hex::encode(other.public_key()));
            std::fs::write(&path, content).unwrap();
            assert!(ring.unlock("alice", Some(&passphrase)).is_err());
        }
    }

    #[test]
    fn an_exported_key_can_be_imported_under_its_own_passphrase() {
        let (_home, ring) = ring(KeyringBackend::Test);
        ring.add("alice", &key(), None, &mut rng()).unwrap();
        let passphrase = Passphrase::new("for the road");
        let file = ring.export("alice", None, &passphrase, &mut rng()).unwrap();
        assert!(!String::from_utf8_lossy(&file).contains(&hex::encode(key().to_bytes().as_ref())));
        let back = Keyring::import(&file, "file", &passphrase).unwrap();
        assert_eq!(back.to_bytes(), key().to_bytes());
    }

    #[test]
    fn a_damaged_file_is_named_and_nothing_of_it_is_quoted() {
        let (home, ring) = ring(KeyringBackend::Test);
        ring.add("alice", &key(), None, &mut rng()).unwrap();
        let path = home.path().join("keyring-test/alice.json");
        let good = std::fs::read_to_string(&path).unwrap();
        let secret = hex::encode(key().to_bytes().as_ref());
        let damages = [
            good.replace("\"version\": 1", &format!("\"version\": \"{secret}\"")),
            good.replace("unprotected_secret", &format!("{secret}\": 1, \"unprotected_secret")),
            good.replace(&secret, &secret[..20]),
            good[..good.len() / 2].to_owned(),
            String::new(),
        ];
        for damage in damages {
            std::fs::write(&path, &damage).unwrap();
            let error = ring.unlock("alice", None).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains(&secret[..20]), "{said}");
        }
    }

    #[test]
    fn names_are_taken_once_and_cannot_leave_the_folder() {
        let (_home, ring) = ring(KeyringBackend::Test);
        ring.add("alice", &key(), None, &mut rng()).unwrap();
        assert!(matches!(ring.add("alice", &key(), None, &mut rng()), Err(KeyError::Exists(_))));
        for name in ["", "../alice", "a b", "."] {
            assert!(matches!(ring.show(name), Err(KeyError::Name(_))));
        }
        ring.delete("alice").unwrap();
        assert!(matches!(ring.show("alice"), Err(KeyError::Missing { .. })));
        assert!(ring.list().unwrap().is_empty());
    }

    #[test]
    fn a_short_passphrase_is_refused_before_anything_is_written() {
        let (_home, ring) = ring(KeyringBackend::File);
        for passphrase in [None, Some(Passphrase::new("short"))] {
            assert!(matches!(
                ring.add("alice", &key(), passphrase.as_ref(), &mut rng()),
                Err(KeyError::ShortPassphrase(_))
            ));
        }
        assert!(ring.list().unwrap().is_empty());
    }
}
