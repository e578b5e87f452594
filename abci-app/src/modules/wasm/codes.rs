//! Codes: their upload and who may make contracts of them.

use std::io::Read;

use cosmos_sdk_proto::cosmwasm::wasm::v1::{AccessConfig, CodeInfo};
use flate2::read::MultiGzDecoder;

use super::state::{self, Reading};
use super::{access, errors, gas, keys, Keeper};
use crate::context::{Context, Mode};
use crate::error::{Error, Result};
use crate::events::Event;

/// The largest code, zipped or not.
pub const MAX_WASM: usize = 800 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

impl Keeper {
    /// Stores a code, which may be zipped. Its id and checksum.
    pub(super) fn store_code(
        &self,
        ctx: &mut Context,
        creator: &str,
        bytes: &[u8],
        permission: Option<&AccessConfig>,
    ) -> Result<(u64, [u8; 32])> {
        let permission = self::permission(ctx, creator, permission)?;
        let unzipped;
        let wasm = if is_gzip(bytes) {
            ctx.gas.consume(gas::uncompress(bytes.len()), "Uncompress gzip bytecode")?;
            unzipped = unzip(bytes, MAX_WASM)?;
            &unzipped
        } else {
            bytes
        };
        let cost = gas::to_vm((wasm.len() as u64).saturating_mul(gas::COMPILE_BYTE));
        let affordable = gas::available(&ctx.gas) >= cost;
        // Estimating leaves no file behind; compiling is what costs, so it is not done for who cannot pay.
        let persist = ctx.mode != Mode::Simulate;
        let stored = if affordable { self.vm().store(wasm, persist) } else { Err("Out of gas".to_string()) };
        gas::charge_call(&mut ctx.gas, cost)?;
        let checksum = stored.map_err(|error| errors::CREATE_FAILED.wrap(error))?;
        let id = state::next_id(ctx, keys::code_sequence())?;
        let info =
            CodeInfo { code_hash: checksum.to_vec(), creator: creator.into(), instantiate_config: Some(permission) };
        state::put(ctx, keys::code(id), &info)?;
        let event = Event::new("store_code").with("code_checksum", hex::encode(checksum));
        ctx.emit(event.with("code_id", id.to_string()));
        Ok((id, checksum))
    }

    /// Changes who may make contracts of a code; only its creator, and only within what the chain allows.
    pub(super) fn set_access_config(
        &self,
        ctx: &mut Context,
        caller: &str,
        code_id: u64,
        permission: &AccessConfig,
    ) -> Result<()> {
        let mut info = ctx.code(code_id)?.ok_or_else(|| errors::no_such_code(code_id))?;
        let default = Reading::params(ctx)?.instantiate_default_permission();
        if info.creator != caller || !access::is_subset_kind(permission.permission(), default) {
            return Err(not_the_creator());
        }
        info.instantiate_config = Some(permission.clone());
        state::put(ctx, keys::code(code_id), &info)?;
        let kind = permission.permission();
        let mut event = Event::new("update_code_access_config")
            .with("code_permission", access::name(kind))
            .with("code_id", code_id.to_string());
        if !permission.addresses.is_empty() {
            event = event.with("authorized_addresses", permission.addresses.join(","));
        }
        ctx.emit(event);
        Ok(())
    }
}

/// Who may make contracts of a code that `creator` stores: what it asks for, or what the chain gives by default.
///
/// # Errors
/// Unauthorized (sdk 4) when it may not store codes, or asks for more than the chain allows.
pub(super) fn permission(
    state: &mut impl Reading,
    creator: &str,
    asked: Option<&AccessConfig>,
) -> Result<AccessConfig> {
    let params = state.params()?;
    let default = access::of_creator(params.instantiate_default_permission(), creator);
    let permission = asked.cloned().unwrap_or_else(|| default.clone());
    if !access::allows(params.code_upload_access.as_ref(), creator) || !access::is_subset(&permission, &default) {
        return Err(Error::unauthorized("can not create code: unauthorized"));
    }
    Ok(permission)
}

pub(super) fn not_the_creator() -> Error {
    Error::unauthorized("can not modify code access config: unauthorized")
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP)
}

/// Unzips at most `limit` bytes; what would be larger is refused without being unzipped.
pub(super) fn unzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut wasm = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(limit as u64 + 1).read_to_end(&mut wasm);
    let failed = |why: &dyn std::fmt::Display| errors::CREATE_FAILED.wrap(format!("uncompress wasm archive: {why}"));
    read.map_err(|error| failed(&error))?;
    if wasm.len() > limit {
        return Err(failed(&format!("more than {limit} bytes: exceeds limit")));
    }
    Ok(wasm)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use flate2::Compression;

    use super::*;

    fn zip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn unzipping_stops_at_the_limit() {
        assert_eq!(unzip(&zip(&[7; 100]), 100).unwrap(), vec![7; 100]);
        assert!(unzip(&zip(&[7; 101]), 100).unwrap_err().log.contains("exceeds limit"));
        // A megabyte of zeros that would be a gigabyte.
        assert!(unzip(&zip(&vec![0; 100 << 20]), MAX_WASM).is_err());
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        let mut zipped = zip(&[7; 1000]);
        let last = zipped.len() - 5;
        zipped[last] ^= 1;
        assert!(unzip(&zipped, 2000).is_err());
        assert!(unzip(GZIP, 2000).is_err());
    }
}
