//! Canonical bytes: big-endian integers, length prefixes, counted lists, and a reader that bounds every size before it
//! allocates. Decoders accept exactly the bytes that the encoders produce.

use crate::curve::{Point, VerifyKey};
use crate::switched_off;
use k256::Scalar;
use sha2::{Digest, Sha256};

/// The most data providers an epoch may have.
pub const MAX_PROVIDERS: usize = 1024;
/// The most seats a committee may have.
pub const MAX_SEATS: usize = 96;
/// The most entries a request list, and so a partial, may have.
pub const MAX_REQUESTS: usize = 65_536;
/// The most chunks a masked vector may have.
pub const MAX_CHUNKS: usize = 65_536;
/// The most bytes a chunk may have on the wire.
pub const MAX_CHUNK_BYTES: usize = 65_536;
/// The most bytes an address may have, as in the Cosmos SDK.
pub const MAX_ADDRESS_BYTES: usize = 255;

/// Why bytes were not accepted as the canonical encoding of anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end too early.
    #[error("{what} needs {need} more bytes, but only {have} are left")]
    Short {
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        need: usize,
        /// Bytes left.
        have: usize,
    },
    /// Bytes are left over.
    #[error("{extra} bytes follow the end of the message; send exactly its canonical encoding")]
    Trailing {
        /// Bytes left over.
        extra: usize,
    },
    /// A count or length is out of its range.
    #[error("{what} must be between {min} and {max}, got {got}")]
    OutOfRange {
        /// What was counted.
        what: &'static str,
        /// The least allowed.
        min: u64,
        /// The most allowed.
        max: u64,
        /// What was found.
        got: u64,
    },
    /// Not a compressed point of secp256k1 other than the identity.
    #[error("not a compressed secp256k1 point other than the identity (33 bytes, SEC1)")]
    Point,
    /// Not an x-only public key.
    #[error("not an x-only secp256k1 public key (32 bytes, BIP 340)")]
    VerifyKey,
    /// Not a canonical scalar.
    #[error("not a canonical scalar (32 bytes, big endian, below the group order)")]
    Scalar,
    /// A modulus that is no prime, or that is there twice.
    #[error("{got} is no modulus of a residue number system: distinct primes are")]
    Modulus {
        /// What was found.
        got: u64,
    },
    /// A list is not in its canonical order, or holds something twice.
    #[error("{what} must be in strictly ascending order")]
    Order {
        /// The list.
        what: &'static str,
    },
    /// A byte that selects a variant is unknown.
    #[error("{what} has no variant {got}")]
    Variant {
        /// The field.
        what: &'static str,
        /// The byte found.
        got: u8,
    },
}

/// Raw bytes of an account address, 1 to 255 of them; ordered by bytes, which is the order of slots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Vec<u8>);

impl Address {
    /// Checks the length.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        within("address length", bytes.len() as u64, 1, MAX_ADDRESS_BYTES as u64)?;
        Ok(Self(bytes))
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Address({})", Hex(&self.0))
    }
}

/// 1-based rank of a dealer's address among the qualified dealers, fixed for the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    /// Refuses 0 and numbers above [`MAX_PROVIDERS`].
    pub fn new(slot: u32) -> Result<Self, Malformed> {
        within("slot", u64::from(slot), 1, MAX_PROVIDERS as u64)?;
        Ok(Self(slot))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Index `k` of a seat, 1-based: also the point at which its shares are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatIndex(u32);

impl SeatIndex {
    /// Refuses 0 and numbers above [`MAX_SEATS`].
    pub fn new(seat: u32) -> Result<Self, Malformed> {
        within("seat index", u64::from(seat), 1, MAX_SEATS as u64)?;
        Ok(Self(seat))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Checks that a number lies in a closed range.
pub(crate) fn within(what: &'static str, got: u64, min: u64, max: u64) -> Result<(), Malformed> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(Malformed::OutOfRange { what, min, max, got })
    }
}

/// `lp("bauta/1/" | kind)`. Kinds are constants of this crate and short.
pub fn tag(kind: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.short_lp(&[b"bauta/1/", kind.as_bytes()].concat());
    writer.into_bytes()
}

/// SHA-256 of the concatenation of parts.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Writes canonical bytes.
#[derive(Debug, Default, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    /// A 32-bit integer, big endian.
    pub fn be32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A 64-bit integer, big endian.
    pub fn be64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// The count of a list. Lists are bounded far below 2^32 wherever they are built.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.be32(u32::try_from(count).expect("lists are bounded by MAX_REQUESTS and MAX_CHUNKS, below 2^32"))
    }

    /// A be16 length prefix and the bytes; only for strings that are bounded where they are made.
    pub(crate) fn short_lp(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u16::try_from(bytes.len()).expect("addresses, tags and chain ids are at most 255 bytes long");
        self.bytes(&length.to_be_bytes()).bytes(bytes)
    }

    /// `lp` of an address.
    pub fn address(&mut self, address: &Address) -> &mut Self {
        self.short_lp(address.as_bytes())
    }

    /// A slot, be32.
    pub fn slot(&mut self, slot: Slot) -> &mut Self {
        self.be32(slot.get())
    }

    /// A seat index, be32.
    pub fn seat(&mut self, seat: SeatIndex) -> &mut Self {
        self.be32(seat.get())
    }

    /// A compressed point.
    pub fn point(&mut self, point: &Point) -> &mut Self {
        self.bytes(&point.to_bytes())
    }

    /// A scalar, 32 bytes big endian.
    pub fn scalar(&mut self, scalar: &Scalar) -> &mut Self {
        self.bytes(&scalar.to_bytes())
    }
}

/// Reads canonical bytes.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails unless everything was read.
    pub fn finish(self) -> Result<(), Malformed> {
        match self.0.len() {
            0 => Ok(()),
            extra => Err(Malformed::Trailing { extra }),
        }
    }

    /// The next `need` bytes.
    pub fn take(&mut self, what: &'static str, need: usize) -> Result<&'a [u8], Malformed> {
        if self.0.len() < need && !switched_off!(ReaderBounds) {
            return Err(Malformed::Short { what, need, have: self.0.len() });
        }
        let (head, rest) = self.0.split_at(need);
        self.0 = rest;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(what)?[0])
    }

    /// A 32-bit integer.
    pub fn be32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    /// A 64-bit integer.
    pub fn be64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array(what)?))
    }

    /// A counted list. `min_item_bytes` is what an item takes at least: a count that the remaining bytes cannot hold is
    /// refused before anything is allocated.
    pub fn list<T>(
        &mut self,
        what: &'static str,
        max: usize,
        min_item_bytes: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.be32(what)?;
        within(what, u64::from(count), 0, max as u64)?;
        let count = count as usize;
        let need = count.saturating_mul(min_item_bytes);
        if self.0.len() < need {
            return Err(Malformed::Short { what, need, have: self.0.len() });
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// An address behind its length.
    pub fn address(&mut self) -> Result<Address, Malformed> {
        let length = u16::from_be_bytes(self.array("address length")?);
        within("address length", u64::from(length), 1, MAX_ADDRESS_BYTES as u64)?;
        Address::new(self.take("address", usize::from(length))?)
    }

    /// A slot.
    pub fn slot(&mut self) -> Result<Slot, Malformed> {
        Slot::new(self.be32("slot")?)
    }

    /// A seat index.
    pub fn seat(&mut self) -> Result<SeatIndex, Malformed> {
        SeatIndex::new(self.be32("seat index")?)
    }

    /// A compressed point, never the identity.
    pub fn point(&mut self) -> Result<Point, Malformed> {
        Point::from_bytes(self.take("point", 33)?)
    }

    /// An x-only public key.
    pub fn verify_key(&mut self) -> Result<VerifyKey, Malformed> {
        VerifyKey::from_bytes(self.take("x-only public key", 32)?)
    }

    /// A canonical scalar.
    pub fn scalar(&mut self) -> Result<Scalar, Malformed> {
        crate::curve::scalar_from_bytes(&self.array("scalar")?)
    }
}

/// Lower-case hex for `Debug`.
pub(crate) struct Hex<'a>(pub &'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
