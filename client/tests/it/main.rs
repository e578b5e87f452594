//! Tests of the client against a chain in memory that answers as `tendermint_rpc::Client` does.
#![allow(
    missing_docs,
    unused_qualifications,
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods
)]

mod complaints;
mod leaving;
mod ledger;
mod lies;
mod mock;
mod model_providers;
mod providers;
mod restarts;
mod sequences;
mod world;
