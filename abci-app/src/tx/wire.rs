//! Fields of protobuf messages, looked at one by one: what nobody here understands must not be signed for.
//!
//! The SDK refuses unknown fields in transactions (cosmos-sdk codec/unknownproto), except non-critical ones of the
//! body, whose numbers have bit 11 set.

use prost::encoding::{decode_key, decode_varint, skip_field, DecodeContext, WireType};

use crate::error::{Error, Result};

/// The fields of a message, with the fields of what they hold.
pub(super) struct Shape {
    name: &'static str,
    fields: &'static [(u32, Option<&'static Shape>)],
    non_critical: bool,
}

const fn shape(name: &'static str, fields: &'static [(u32, Option<&'static Shape>)]) -> Shape {
    Shape { name, fields, non_critical: false }
}

static ANY: Shape = shape("Any", &[(1, None), (2, None)]);
static COIN: Shape = shape("Coin", &[(1, None), (2, None)]);
static FEE: Shape = shape("Fee", &[(1, Some(&COIN)), (2, None), (3, None), (4, None)]);
static SINGLE: Shape = shape("ModeInfo.Single", &[(1, None)]);
static MODE_INFO: Shape = shape("ModeInfo", &[(1, Some(&SINGLE))]);
static SIGNER_INFO: Shape = shape("SignerInfo", &[(1, Some(&ANY)), (2, Some(&MODE_INFO)), (3, None)]);
/// `cosmos.tx.v1beta1.AuthInfo`; tips are not taken.
pub(super) static AUTH_INFO: Shape = shape("AuthInfo", &[(1, Some(&SIGNER_INFO)), (2, Some(&FEE))]);
/// `cosmos.tx.v1beta1.TxBody`.
pub(super) static TX_BODY: Shape = Shape {
    name: "TxBody",
    fields: &[(1, Some(&ANY)), (2, None), (3, None), (1023, Some(&ANY)), (2047, Some(&ANY))],
    non_critical: true,
};

/// What of `TxBody` stands in amino's JSON: any other field would not be signed for.
pub(super) static AMINO_BODY: Shape = shape("TxBody", &[(1, Some(&ANY)), (2, None), (3, None)]);

/// Refuses fields that `shape` does not have.
pub(super) fn refuse_unknown(mut bytes: &[u8], shape: &Shape) -> Result<()> {
    let malformed = |error: prost::DecodeError| Error::tx_decode(format!("{}: {error}", shape.name));
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).map_err(malformed)?;
        match shape.fields.iter().find(|(known, _)| *known == tag) {
            Some((_, Some(inner))) => {
                if wire_type != WireType::LengthDelimited {
                    return Err(Error::tx_decode(format!("{}: field {tag} has the wrong type", shape.name)));
                }
                let len = decode_varint(&mut bytes).map_err(malformed)?;
                let len = usize::try_from(len).ok().filter(|len| *len <= bytes.len()).ok_or_else(|| {
                    Error::tx_decode(format!("{}: field {tag} is longer than the message", shape.name))
                })?;
                let (held, rest) = bytes.split_at(len);
                refuse_unknown(held, inner)?;
                bytes = rest;
            }
            known => {
                let is_non_critical = shape.non_critical && tag & (1 << 10) != 0;
                if known.is_none() && !is_non_critical {
                    return Err(Error::tx_decode(format!(
                        "{} has a field {tag} that this chain does not know; leave it out",
                        shape.name
                    )));
                }
                skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).map_err(malformed)?;
            }
        }
    }
    Ok(())
}
