//! What happens to a transaction before, around and after its messages.

pub mod amino;
pub mod ante;
pub mod decode;
mod inline_json;
pub mod run;
pub mod sign;
mod wire;

pub use ante::{Ante, MinGasPrice};
pub use decode::{decode_message, Signer, Tx};
pub use run::{run, Outcome};
