//! bautad: the ABCI application that runs federated rounds and CosmWasm contracts.
