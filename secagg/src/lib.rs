//! Masked sums on a bulletin board: keys, dealing, masking, partial unmasking and their proofs.
//!
//! The protocol is Flamingo's idea (Ma et al. 2023: a committee that can remove masks, set up once for many rounds) on a
//! chain: consensus shows every party the same transcript, every message is publicly verifiable, and every deviation has a
//! culprit. This crate is the protocol's mathematics and nothing else: no chain, no clock, no network, no storage.
//! Randomness is always handed in by the caller.
//!
//! In the order of an epoch:
//! 1. [`enrol`]: four fresh keys a provider, with proofs of possession.
//! 2. [`committee`]: seats, drawn by bond in large epochs.
//! 3. [`deal`]: Feldman sharing of the masking key with encrypted shares; [`complain`]: a share that contradicts it.
//! 4. [`joint`]: evaluations of the dealers' joint key; [`partition`]: the groups that its value cuts.
//! 5. [`check_in`]: the round's base point `P_i`; [`submit`]: header and masked chunks.
//! 6. [`unmask`]: the request list, partials with one proof a message, interpolation in the exponent, removal of masks.
//! 7. [`blame`]: where a sum is out of range, one number an edge says whose update is.
//! 8. [`evidence`]: what convicts.
//!
//! [`cohort`]: what a task adds whose model only those may read who train it.
//!
//! Below them: [`encoding`], [`root`], [`context`], [`curve`], [`prg`], [`ring`], [`proof`], [`msm`], [`signature`],
//! [`draw`], [`parties`], [`rejection`].
//!
//! Functions that a chain calls take public data only, are deterministic, use integers, and answer hostile input with an
//! error. A client's roles are types that hold secrets; secrets are erased on drop and never printed.

pub mod blame;
pub mod check_in;
pub mod cohort;
pub mod committee;
pub mod complain;
pub mod context;
pub mod curve;
pub mod deal;
pub mod draw;
pub mod encoding;
pub mod enrol;
pub mod evidence;
pub mod interpolate;
pub mod joint;
pub mod msm;
mod packing;
pub mod parties;
pub mod partition;
pub mod prg;
pub mod proof;
pub mod rejection;
pub mod ring;
pub mod root;
pub mod seat;
pub mod secret;
pub mod signature;
pub mod submit;
pub mod switches;
pub mod unmask;

#[cfg(test)]
mod tests;
