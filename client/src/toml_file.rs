//! TOML files that people write: read so that a mistake is named with its file, line, column and key, what is wrong there, and what
//! would be right.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use bauta_learning::fixed::Fixed;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::disk::{self, DiskError};

/// Most bytes of a file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Bytes that are no text.
    #[error("{0} is not UTF-8 text; write it in an editor, as plain text")]
    NotText(String),
    /// A mistake in it.
    #[error(transparent)]
    Mistake(#[from] Mistake),
}

/// A mistake at a place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// Line and column, from 1; `None` for a mistake of the file as a whole.
    pub place: Option<(usize, usize)>,
    /// The key whose value it is, if it is one's.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub right: Option<String>,
}

impl std::error::Error for Mistake {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ", line {line}, column {column}")?;
        }
        match &self.key {
            Some(key) => write!(f, ": {key}: {}", self.what)?,
            None => write!(f, ": {}", self.what)?,
        }
        match &self.right {
            Some(right) => write!(f, "; {right}"),
            None => Ok(()),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`TomlError`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, TomlError> {
    Ok(parse(&path.display().to_string(), &text_of(path)?)?)
}

/// A file's text. A byte order mark, which some editors put in front, is not part of it.
///
/// # Errors
/// [`TomlError`].
pub fn text_of(path: &Path) -> Result<String, TomlError> {
    let text = String::from_utf8(disk::read_limited(path, MAX_BYTES)?)
        .map_err(|_| TomlError::NotText(path.display().to_string()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads text. `file` is what it is called in a mistake.
///
/// # Errors
/// The first [`Mistake`].
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Mistake> {
    toml::from_str(text).map_err(|error| {
        // Of an unknown key serde says the name already.
        let unknown = error.message().starts_with("unknown field");
        Mistake {
            file: file.to_owned(),
            place: error.span().map(|span| place_of(text, &span)),
            key: error.span().filter(|_| !unknown).and_then(|span| key_at(text, &span)),
            what: error.message().trim_end_matches('.').lines().collect::<Vec<_>>().join(", "),
            right: None,
        }
    })
}

/// A mistake in the value of a key at the top of a file: one that reads well and means nothing.
#[must_use]
pub fn mistake_of(file: &str, text: &str, key: &str, what: impl Into<String>) -> Mistake {
    let place = text.lines().enumerate().find_map(|(number, line)| {
        let (name, value) = line.split_once('=').filter(|(name, _)| name.trim() == key)?;
        let blanks = value.chars().take_while(|c| c.is_whitespace()).count();
        Some((number + 1, name.chars().count() + 2 + blanks))
    });
    Mistake { file: file.to_owned(), place, key: Some(key.to_owned()), what: what.into(), right: None }
}

fn place_of(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// The key whose value begins before a place and reaches it: on the same line, or, in a value of several lines, on the last line that
/// begins one.
fn key_at(text: &str, span: &Range<usize>) -> Option<String> {
    let before = text.get(..span.start)?;
    let line = before.lines().rev().find(|line| line.contains('=') || line.trim_start().starts_with('['))?;
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.\"'".contains(c));
    is_key.then(|| key.to_owned())
}

/// A decimal number, kept in units of 2^-32. In TOML `0.15` or `"0.15"`; written as a string, like everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Fixed);

impl Decimal {
    /// As it stands in TOML: bare when a float of 64 bits holds it exactly, in quotes when not.
    #[must_use]
    pub fn toml(self) -> String {
        let text = self.0.to_string();
        match text.bytes().filter(u8::is_ascii_digit).count() {
            0..=15 => text,
            _ => format!("\"{text}\""),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number such as 0.15")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                let read = text.parse().map(Decimal);
                read.map_err(|error| E::custom(format!("{text:?} is not a number that fits here: {error}")))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            // The shortest decimal that is this float is what was written, up to 15 digits.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
