//! Cohort tasks: the model travels encrypted to those who train on it, and what the seats unmask is under one more mask a provider, which
//! only the model provider removes. Updates fall to `t` seats *and* the model provider.
//!
//! 1. [`keys`]: an epoch's key and the model of each round under it. Everyone trains on the same plaintext: its salted hash, the key's
//!    hash, the blob's hash and the round's `Q` are one model hash ([`keys::model_hash`]), and with it part of `ctx`.
//! 2. [`wraps`]: the key, wrapped to every provider's cohort key `Z_i` from one ephemeral `W`; [`complaint`]: a wrap, or a blob, that does
//!    not open, judged by whoever sees the complaint.
//! 3. [`masks`]: `prg(cohort, z_i Q)` with `Q` fresh each round; taken away by the model provider; opened by either side for one round.
//!
//! The dealt `x_i` has no part in any of this: who holds it could strip the masks of all rounds.

pub mod complaint;
pub mod keys;
pub mod masks;
pub mod wraps;
