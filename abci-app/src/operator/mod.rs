//! What an operator has on disk, and how it is made and read: one folder for the application and for CometBFT.
//!
//! ```text
//! HOME/config/app.toml                  the application's choices
//!             config.toml               CometBFT's choices: only what differs from its defaults
//!             genesis.json              the same for every node of a chain
//!             node_key.json             who the node is among peers
//!             priv_validator_key.json   what it signs blocks with
//!             devnet.mnemonic           of a devnet only: the account with the coins
//!     /data/  both databases, and priv_validator_state.json
//!     /wasm/  the contracts' codes
//! ```

mod devnet;
mod engine;
mod home;
mod keys;
pub mod names;
pub mod processes;
pub mod programs;
mod replay;
mod validators;

pub use devnet::{testnet, DevnetKey, Founding, Member, PORTS_PER_NODE};
pub use engine::{EngineOptions, Ports};
pub use home::{url_of, Home};
pub use keys::{NodeKey, ValidatorKey};
pub use replay::Replay;
pub use validators::{Make, Validators};
