//! Keys of the wasm store, the same bytes as wasmd's (x/wasm/types/keys.go). The indices hold a byte where wasmd's are empty: ICS-23
//! verifies no proof of an absence whose neighbour is empty.
//!
//! | key | value |
//! |---|---|
//! | `01 ‖ be64(code id)` | `CodeInfo` |
//! | `02 ‖ contract` | `ContractInfo` |
//! | `03 ‖ contract ‖ key` | the contract's own state |
//! | `04 ‖ "lastCodeId"`, `04 ‖ "lastContractId"` | be64 of the next id, from 1 |
//! | `05 ‖ contract ‖ be64(position)` | `ContractCodeHistoryEntry`, positions from 1 |
//! | `06 ‖ be64(code id) ‖ be64(height) ‖ be64(tx index) ‖ contract` | `01`: contracts of a code |
//! | `07 ‖ be64(code id)` | `01`: the code is pinned |
//! | `09 ‖ len(creator) ‖ creator ‖ be64(height) ‖ be64(tx index) ‖ contract` | `01`: contracts of a creator |
//! | `10` | `Params` |

use cosmos_sdk_proto::cosmwasm::wasm::v1::AbsoluteTxPosition;

/// Codes.
pub const CODE: u8 = 0x01;
/// Contracts.
pub const CONTRACT: u8 = 0x02;
/// State of contracts.
pub const STATE: u8 = 0x03;
/// Sequences of ids.
pub const SEQUENCE: u8 = 0x04;
/// Histories of contracts.
pub const HISTORY: u8 = 0x05;
/// Contracts by code.
pub const BY_CODE: u8 = 0x06;
/// Pinned codes.
pub const PINNED: u8 = 0x07;
/// Contracts by creator.
pub const BY_CREATOR: u8 = 0x09;
/// Parameters.
pub const PARAMS: u8 = 0x10;

/// What stands under a key that says everything itself.
pub const LISTED: &[u8] = &[1];

/// Bytes of a position in an index: height and transaction index.
pub const POSITION_LEN: usize = 16;

/// The sequence of code ids.
pub fn code_sequence() -> Vec<u8> {
    join(SEQUENCE, &[b"lastCodeId"])
}

/// The sequence of instance ids.
pub fn instance_sequence() -> Vec<u8> {
    join(SEQUENCE, &[b"lastContractId"])
}

/// A code's record.
pub fn code(id: u64) -> Vec<u8> {
    join(CODE, &[&id.to_be_bytes()])
}

/// A contract's record.
pub fn contract(address: &[u8]) -> Vec<u8> {
    join(CONTRACT, &[address])
}

/// What all state of a contract begins with.
pub fn state(address: &[u8]) -> Vec<u8> {
    join(STATE, &[address])
}

/// What all history of a contract begins with.
pub fn history(address: &[u8]) -> Vec<u8> {
    join(HISTORY, &[address])
}

/// An entry of a contract's history.
pub fn history_entry(address: &[u8], position: u64) -> Vec<u8> {
    join(HISTORY, &[address, &position.to_be_bytes()])
}

/// What all contracts of a code begin with.
pub fn by_code(id: u64) -> Vec<u8> {
    join(BY_CODE, &[&id.to_be_bytes()])
}

/// A contract in the index of its code.
pub fn by_code_entry(id: u64, updated: &AbsoluteTxPosition, contract: &[u8]) -> Vec<u8> {
    join(BY_CODE, &[&id.to_be_bytes(), &position(updated), contract])
}

/// The mark of a pinned code.
pub fn pinned(id: u64) -> Vec<u8> {
    join(PINNED, &[&id.to_be_bytes()])
}

/// What all contracts of a creator begin with. Addresses are shorter than 256 bytes.
pub fn by_creator(creator: &[u8]) -> Vec<u8> {
    join(BY_CREATOR, &[&[creator.len() as u8], creator])
}

/// A contract in the index of its creator.
pub fn by_creator_entry(creator: &[u8], created: &AbsoluteTxPosition, contract: &[u8]) -> Vec<u8> {
    let mut key = by_creator(creator);
    key.extend_from_slice(&position(created));
    key.extend_from_slice(contract);
    key
}

/// The parameters.
pub fn params() -> Vec<u8> {
    vec![PARAMS]
}

/// The first key after all that begin with `prefix`; `None` when there is none (all bytes are 255).
pub fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if let Some(next) = last.checked_add(1) {
            *last = next;
            return Some(end);
        }
        end.pop();
    }
    None
}

fn position(at: &AbsoluteTxPosition) -> [u8; POSITION_LEN] {
    let mut bytes = [0; POSITION_LEN];
    bytes[..8].copy_from_slice(&at.block_height.to_be_bytes());
    bytes[8..].copy_from_slice(&at.tx_index.to_be_bytes());
    bytes
}

fn join(first: u8, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![first];
    for part in rest {
        key.extend_from_slice(part);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_after_a_prefix_carries_over_255() {
        assert_eq!(after(&[3, 7]), Some(vec![3, 8]));
        assert_eq!(after(&[3, 255, 255]), Some(vec![4]));
        assert_eq!(after(&[255, 255]), None);
    }
}
