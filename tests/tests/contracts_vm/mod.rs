//! The committed artifacts of the contracts, in the real CosmWasm VM. `BAUTA_ARTIFACTS` names another folder of artifacts to test.

mod artifacts;
mod bad_input;
mod machine;
mod mutated;
mod registry;
mod slashing;
mod staking;
