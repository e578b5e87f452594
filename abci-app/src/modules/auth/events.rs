//! What ante says of every transaction (cosmos-sdk x/auth/ante).

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use crate::address::Address;
use crate::coin::Coins;
use crate::events::Event;

/// Who paid which fee.
pub fn fee(fee: &Coins, payer: &Address, prefix: &str) -> Event {
    Event::new("tx").with("fee", fee.to_string()).with("fee_payer", payer.to_bech32(prefix))
}

/// The sequence a signer used.
pub fn sequence(signer: &Address, sequence: u64, prefix: &str) -> Event {
    Event::new("tx").with("acc_seq", format!("{}/{sequence}", signer.to_bech32(prefix)))
}

/// A signature.
pub fn signature(signature: &[u8]) -> Event {
    Event::new("tx").with("signature", STANDARD.encode(signature))
}
