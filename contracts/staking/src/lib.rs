//! The staking contract.
