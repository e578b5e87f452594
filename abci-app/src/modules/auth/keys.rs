//! Where accounts lie in the store `auth` (cosmos-sdk x/auth/types/keys.go).

use crate::address::Address;

/// Accounts: 0x01 | address -> `Any` of a `BaseAccount` or `ModuleAccount`.
pub const ACCOUNT: u8 = 0x01;
/// The next account number: be64.
pub const NEXT_NUMBER: &[u8] = b"globalAccountNumber";
/// Parameters: `cosmos.auth.v1beta1.Params`.
pub const PARAMS: &[u8] = &[0x00];

/// An account.
pub fn account(address: &Address) -> Vec<u8> {
    let mut key = vec![ACCOUNT];
    key.extend_from_slice(address.as_bytes());
    key
}
