//! Unmasking: the request list of a round, the seats' partials with one proof a message, interpolation in the exponent and
//! the removal of masks chunk by chunk.

mod partial;
mod removal;
mod requests;
mod verify;

pub use partial::{Partial, PartialEntry};
pub use removal::{open, open_range, seats_of, MaskRemoval, OpenError, OpenedMasks};
pub use requests::{Asked, MaskKind, RequestError, Requests};
pub use verify::{check, verify, verify_batch, CheckedPartial, SeatKeys, UnmaskState};

pub(crate) use verify::{coefficient, prover_transcript, share_keys_root, statement_seed};
