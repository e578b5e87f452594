//! The slashing contract.
