//! The chain's own protobuf types, generated from schema/proto.
//!
//! The protos are the source; `cargo run --release -p bauta-schema --example generate` writes `src/generated` from them and a test
//! compares. Fields named `body` carry the canonical bytes of `secagg`'s messages, which only `secagg` parses.

/// The training module.
pub mod training {
    /// Package `bauta.training.v1`.
    #[allow(missing_docs, clippy::all)]
    pub mod v1 {
        include!("generated/bauta.training.v1.rs");

        pub use super::settings::{settings_hash, SETTINGS_TAG};
    }

    mod settings;
}

pub mod type_url;
