//! Where coins lie in the store `bank` (cosmos-sdk x/bank/types/keys.go). Amounts are decimal text, as the SDK's are.

use crate::address::Address;

/// Supply: 0x00 | denomination -> amount.
pub const SUPPLY: u8 = 0x00;
/// Metadata: 0x01 | denomination -> `cosmos.bank.v1beta1.Metadata`.
pub const METADATA: u8 = 0x01;
/// Balances: 0x02 | length of the address | address | denomination -> amount.
pub const BALANCE: u8 = 0x02;

/// The supply of a denomination.
pub fn supply(denom: &str) -> Vec<u8> {
    [&[SUPPLY], denom.as_bytes()].concat()
}

/// The metadata of a denomination.
pub fn metadata(denom: &str) -> Vec<u8> {
    [&[METADATA], denom.as_bytes()].concat()
}

/// All balances of an address.
pub fn balances(address: &Address) -> Vec<u8> {
    [[BALANCE].as_slice(), &address.length_prefixed()].concat()
}

/// One balance.
pub fn balance(address: &Address, denom: &str) -> Vec<u8> {
    [balances(address).as_slice(), denom.as_bytes()].concat()
}
