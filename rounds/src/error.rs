//! Why a message or a query was refused. Codes are stable; sentences may change.

use crate::offence::Offence;
use bauta_secagg::encoding::Malformed;
use thiserror::Error;

/// The codespace of the codes.
pub const CODESPACE: &str = "training";

/// A refusal: what was wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A field that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// No such task.
    #[error("there is no task {0}; list the tasks to see which there are")]
    UnknownTask(u64),
    /// The task is over.
    #[error("task {0} has ended; nothing more is accepted for it")]
    Ended(u64),
    /// Somebody else's task.
    #[error("only the owner of task {0} may do this")]
    NotOwner(u64),
    /// Another epoch.
    #[error("task {task} is in epoch {current}, the message is for epoch {asked}")]
    WrongEpoch {
        /// The task.
        task: u64,
        /// Its epoch.
        current: u64,
        /// The message's.
        asked: u64,
    },
    /// Another round.
    #[error("task {task} is in round {current}, the message is for round {asked}")]
    WrongRound {
        /// The task.
        task: u64,
        /// Its round.
        current: u64,
        /// The message's.
        asked: u64,
    },
    /// Another phase.
    #[error("task {task} is in phase `{current}`; this message belongs to phase `{belongs}`")]
    WrongPhase {
        /// The task.
        task: u64,
        /// Its phase.
        current: String,
        /// The message's.
        belongs: &'static str,
    },
    /// Too late.
    #[error("the window of phase `{0}` has closed; what comes later is late and is not awaited")]
    Late(&'static str),
    /// Registry or staking do not let it enrol.
    #[error("this provider may not enrol: {0}")]
    NotEligible(String),
    /// Not enrolled.
    #[error("the sender is not enrolled in epoch {epoch} of task {task}; enrol while an epoch's enrolment is open")]
    NotMember {
        /// The task.
        task: u64,
        /// The epoch.
        epoch: u64,
    },
    /// Without a seat.
    #[error("the sender holds no seat in epoch {epoch} of task {task}")]
    NoSeat {
        /// The task.
        task: u64,
        /// The epoch.
        epoch: u64,
    },
    /// Posted before.
    #[error("{0} was posted before and is stored; it is accepted once")]
    Duplicate(&'static str),
    /// A key that was used.
    #[error("{0} was used before, in this or another task; every epoch needs fresh ones")]
    KeyReused(&'static str),
    /// Bytes that are no canonical body.
    #[error("the body is not in canonical form: {0}")]
    Malformed(String),
    /// The inner signature is not V's.
    #[error("the signature is not the enrolled signing key's over this body in this context")]
    BadSignature,
    /// It was made for another state.
    #[error("the message does not fit the state of the chain: {0}")]
    Refused(String),
    /// The proof does not hold.
    #[error("the proof does not hold: {0}; its author signed it, which is an offence")]
    InvalidProof(String),
    /// It may not check in.
    #[error("the sender may not check in: {0}")]
    Barred(String),
    /// No room.
    #[error("enrolment is full: {0} providers have enrolled")]
    Full(u32),
    /// The budget does not reach.
    #[error("the budget of task {task} has {available} to spare, this message costs {needed}; top it up")]
    Unfunded {
        /// The task.
        task: u64,
        /// What is neither spent nor reserved.
        available: u128,
        /// What is needed.
        needed: u128,
    },
    /// Not asked for.
    #[error("nothing is awaited from the sender here: {0}")]
    NotAwaited(String),
    /// The encoding overflows the ring.
    #[error("the encoding overflows the ring: {0}")]
    RingOverflow(String),
    /// The data cannot fit its windows.
    #[error("{bytes} bytes may be sent in the {window} window and need {needed} blocks of {lane} bytes, but it has {blocks}; lengthen it, or shrink the model, the ring or the group")]
    WindowTooShort {
        /// Of all providers together, with their envelopes.
        bytes: u64,
        /// Blocks they need.
        needed: u64,
        /// Bytes of the reserved lane.
        lane: u64,
        /// Name of the window.
        window: &'static str,
        /// Blocks of the window.
        blocks: u32,
    },
    /// The budget cannot pay the rounds.
    #[error("a budget of {budget} cannot pay {rounds} rounds: at least {least} is needed ({fees} for fees, {rewards} for rewards, at most; what is left over is refunded)")]
    BudgetTooSmall {
        /// The budget.
        budget: u128,
        /// Rounds to finish.
        rounds: u32,
        /// What is needed.
        least: u128,
        /// Of it for fees.
        fees: u128,
        /// Of it for rewards.
        rewards: u128,
    },
    /// A group that hides nobody.
    #[error("the group is too small: {0}")]
    GroupTooSmall(String),
    /// A setting that cannot be.
    #[error("settings: {0}")]
    Settings(String),
    /// A model that cannot be.
    #[error("model: {0}")]
    Model(String),
    /// A complaint about a share that is right.
    #[error("the share is right: it opens and fits the commitments; complaining about it is an offence")]
    FalseComplaint,
    /// A second header.
    #[error("a different header of the sender for round {0} is stored; signing two is an offence")]
    TwoHeaders(u64),
    /// Content that is not canonical under a signed header.
    #[error("chunk {index} hashes to its place in the header and is not canonical: {what}; its author signed it, which is an offence")]
    NonCanonical {
        /// The chunk.
        index: u32,
        /// What is wrong with it.
        what: String,
    },
    /// Evidence that shows nothing.
    #[error("the evidence does not hold: {0}; reporting it costs the deposit")]
    EvidenceDoesNotHold(String),
    /// A verdict was given.
    #[error(
        "an offence at least as large of this provider in round {0} is recorded; one round, one penalty: the largest"
    )]
    AlreadySettled(u64),
    /// Too early to judge.
    #[error("round {0} has not settled; a partial is judged once it has, report it then")]
    NotSettled(u64),
    /// Another deposit than the chain asks for.
    #[error("the report puts up a deposit of {found}; this chain asks for {asked} (report_deposit in its parameters), which comes back if the evidence holds")]
    WrongDeposit {
        /// What the message names.
        found: u128,
        /// What the parameters ask for.
        asked: u128,
    },
    /// Contracts are not set.
    #[error("the addresses of registry, staking and slashing are not set in the parameters; its authority sets them")]
    NotConfigured,
    /// Not the authority.
    #[error("only the module's authority may do this")]
    Unauthorized,
    /// Nothing there.
    #[error("{0}")]
    NotFound(String),
    /// The machine broke an invariant of its own; a defect.
    #[error("the records of the module contradict each other: {0}; this is a defect, please report it")]
    State(String),
}

impl Error {
    /// The code, non-zero and stable.
    pub fn code(&self) -> u32 {
        match self {
            Self::Invalid(_) => 2,
            Self::UnknownTask(_) => 3,
            Self::Ended(_) => 4,
            Self::NotOwner(_) => 5,
            Self::WrongEpoch { .. } => 6,
            Self::WrongRound { .. } => 7,
            Self::WrongPhase { .. } => 8,
            Self::Late(_) => 9,
            Self::NotEligible(_) => 10,
            Self::NotMember { .. } => 11,
            Self::NoSeat { .. } => 12,
            Self::Duplicate(_) => 13,
            Self::KeyReused(_) => 14,
            Self::Malformed(_) => 15,
            Self::BadSignature => 16,
            Self::Refused(_) => 17,
            Self::InvalidProof(_) => 18,
            Self::Barred(_) => 19,
            Self::Full(_) => 20,
            Self::Unfunded { .. } => 21,
            Self::NotAwaited(_) => 22,
            Self::RingOverflow(_) => 30,
            Self::WindowTooShort { .. } => 31,
            Self::BudgetTooSmall { .. } => 32,
            Self::GroupTooSmall(_) => 33,
            Self::Settings(_) => 34,
            Self::Model(_) => 35,
            Self::FalseComplaint => 40,
            Self::TwoHeaders(_) => 41,
            Self::NonCanonical { .. } => 42,
            Self::EvidenceDoesNotHold(_) => 43,
            Self::AlreadySettled(_) => 44,
            Self::NotSettled(_) => 45,
            Self::WrongDeposit { .. } => 46,
            Self::NotConfigured => 50,
            Self::Unauthorized => 51,
            Self::NotFound(_) => 52,
            Self::State(_) => 60,
        }
    }
}

impl Error {
    /// Whether a message that fails so costs its sender the deposit: its evidence was judged, and does not hold.
    pub fn forfeits_deposit(&self) -> bool {
        matches!(self, Self::EvidenceDoesNotHold(_))
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.to_string())
    }
}

/// A message that failed, and the offence that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why it failed.
    pub error: Error,
    /// What is to be recorded outside of what the message changed, in a decided block only.
    pub offence: Option<Box<Offence>>,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { error, offence: None }
    }
}

impl Rejection {
    /// A failure that is an offence.
    pub fn offence(error: Error, offence: Offence) -> Self {
        Self { error, offence: Some(Box::new(offence)) }
    }
}
