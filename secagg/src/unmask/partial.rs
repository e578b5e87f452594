//! The body of a seat's answer.

use crate::context::{Ctx, Root};
use crate::curve::Point;
use crate::encoding::{Address, Malformed, Reader, SeatIndex, Writer, MAX_PROVIDERS, MAX_REQUESTS};
use crate::proof::Dleq;
use crate::signature::{Body, Kind};
use crate::unmask::Asked;

/// One entry: what was asked for and the seat's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartialEntry {
    /// `(kind, provider, base)`.
    pub asked: Asked,
    /// `Y = x_{provider,k} * base`.
    pub value: Point,
}

/// A seat's partials for a whole request list, with one proof: one challenge, one `(commitments, response)` a block.
#[derive(Clone, PartialEq, Eq)]
pub struct Partial {
    /// The seat's holder.
    pub address: Address,
    /// The seat `k`.
    pub seat: SeatIndex,
    /// Root of the list it answers.
    pub request_root: Root,
    /// Root over the leaves `(slot, X_{slot,k})` of the providers on the list, by which the chain sees that the seat opened
    /// the deals that it accepted; another root is refused without penalty.
    pub share_keys_root: Root,
    /// The entries in the list's order.
    pub entries: Vec<PartialEntry>,
    /// The self block's proof if there is one, then one for each dropped provider in list order.
    pub proofs: Vec<Dleq>,
}

impl core::fmt::Debug for Partial {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Partial")
            .field("address", &self.address)
            .field("seat", &self.seat)
            .field("request_root", &self.request_root)
            .field("entries", &self.entries.len())
            .field("proofs", &self.proofs.len())
            .finish()
    }
}

impl Body for Partial {
    const KIND: Kind = Kind::Unmask;
    type Context = Ctx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.address).seat(self.seat).bytes(self.request_root.as_bytes());
        writer.bytes(self.share_keys_root.as_bytes());
        writer.count(self.entries.len());
        for entry in &self.entries {
            entry.asked.write(&mut writer);
            writer.point(&entry.value);
        }
        writer.count(self.proofs.len());
        self.proofs.iter().for_each(|proof| proof.write(&mut writer));
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let partial = Self {
            address: reader.address()?,
            seat: reader.seat()?,
            request_root: Root::from_bytes(reader.array("request_root")?),
            share_keys_root: Root::from_bytes(reader.array("share_keys_root")?),
            entries: reader.list("entries", MAX_REQUESTS, 38, |r| {
                Ok(PartialEntry { asked: Asked::read(r)?, value: r.point()? })
            })?,
            proofs: reader.list("proofs", MAX_PROVIDERS + 1, Dleq::BYTES, Dleq::read)?,
        };
        reader.finish()?;
        Ok(partial)
    }
}
