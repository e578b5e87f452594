//! Tests of the client against a chain in memory that answers as `tendermint_rpc::Client` does.
#![allow(
    missing_docs,
    unused_qualifications,
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods
)]

mod blame;
mod cohort;
mod complaints;
mod drawn_seats;
mod endpoints;
mod groups;
mod headers;
mod leaving;
mod ledger;
mod lies;
mod light;
mod mock;
mod model_providers;
mod proven_lies;
mod providers;
mod restarts;
mod seats;
mod sequences;
mod tree;
mod world;
