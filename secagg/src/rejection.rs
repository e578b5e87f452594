//! Why a message was not accepted, and whether that convicts its author.

use crate::encoding::Malformed;

/// A message that was not accepted. Checks run in the order of the variants: bytes, signature of `V`, state, and only then
/// the proof, so that a client that was shown a false state by its endpoint is never convicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The bytes are not canonical.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The inner signature is not `V`'s over this body in this context.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    /// The body does not fit the state. No penalty.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The body is signed, fits the state, and its proof does not hold: an offence.
    #[error("the proof of {0} does not hold, although the message is signed and fits the state")]
    InvalidProof(&'static str),
}

impl Rejection {
    /// Whether the inner-signed message convicts its author (an inner-signed body with an invalid proof).
    pub fn is_offence(&self) -> bool {
        matches!(self, Self::InvalidProof(_))
    }
}

/// The inner signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the inner signature is not the enrolled key V's over this body in this context")]
pub struct BadSignature;

/// A signed body that does not fit the state; refused without penalty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body names another author than the state.
    #[error("the body names another address than the party it is checked for")]
    Address,
    /// The body names another slot.
    #[error("the body names slot {got}, but the address holds slot {expected}")]
    Slot {
        /// By the state.
        expected: u32,
        /// In the body.
        got: u32,
    },
    /// The body names another seat.
    #[error("the body names seat {got}, but it is checked for seat {expected}")]
    Seat {
        /// By the state.
        expected: u32,
        /// In the body.
        got: u32,
    },
    /// Another context.
    #[error("the body was made for another round, model or roster; read the round's context again")]
    Context,
    /// Another `seats_root`.
    #[error("the deal was made for other seats; read the seats again and deal for them")]
    SeatsRoot,
    /// The first commitment is not the dealer's masking key.
    #[error("the first commitment is not the masking key X that the dealer enrolled")]
    MaskingKey,
    /// A list has the wrong length.
    #[error("{what}: {expected} are needed, got {got}")]
    Count {
        /// The list.
        what: &'static str,
        /// By the state.
        expected: usize,
        /// In the body.
        got: usize,
    },
    /// A share key is the identity.
    #[error("the share key of seat {seat} is the identity; deal again with fresh randomness")]
    IdentityShare {
        /// The seat.
        seat: u32,
    },
    /// The complaint names another dealer.
    #[error("the complaint names another dealer than the deal it is checked against")]
    Dealer,
    /// The complaint is about another deal of the dealer.
    #[error("the complaint is about another deal than the chain accepted; read the deal again and open it")]
    Deal,
    /// The complaint is about other wraps or another model.
    #[error("the complaint is about other wraps, or another model, than the chain has; read them again and open them")]
    Wraps,
    /// The weight is outside the task's range.
    #[error("the weight must be between 1 and {max}, got {got}")]
    Weight {
        /// The task's `W`.
        max: u64,
        /// In the body.
        got: u64,
    },
    /// The weight differs from the check-in.
    #[error("the header repeats weight {got}, but {expected} was checked in")]
    WeightChanged {
        /// At check-in.
        expected: u64,
        /// In the header.
        got: u64,
    },
    /// Another `group_root`.
    #[error("the vector was masked towards another group; read the group's check-ins again")]
    GroupRoot,
    /// Another size.
    #[error("the masked vector has {got} bytes, but the task's has {expected}")]
    Bytes {
        /// By the task.
        expected: u64,
        /// In the header.
        got: u64,
    },
    /// Another `request_root`.
    #[error("the partial answers another request list; read the round's request_root again")]
    RequestRoot,
    /// The entries are not the request list.
    #[error(
        "entry {index} of the partial is not that of the request list; a partial answers the whole list in its order"
    )]
    Entries {
        /// The first entry that differs.
        index: usize,
    },
    /// The numbers are not those that blame asks for.
    #[error("the edge numbers are not those that blame asks for: {what}")]
    EdgeNumbers {
        /// What differs.
        what: &'static str,
    },
    /// Another input.
    #[error("the joint key was evaluated on another input; read the qualified dealers again")]
    Input,
    /// Other share keys.
    #[error("it was made with shares of other deals than the chain accepted; read the deals again and open them")]
    ShareKeys,
    /// The state given lacks a share key that is needed.
    #[error("no share key is known for slot {slot}")]
    UnknownShareKey {
        /// The slot.
        slot: u32,
    },
}
