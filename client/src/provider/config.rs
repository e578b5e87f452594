//! How a provider serves a task, and what it tells of it.

use std::path::PathBuf;
use std::sync::Arc;

use bauta_learning::trainers::Trainer;
use bauta_schema::training::v1 as pb;

use super::Owed;
use crate::disk::Durability;
use crate::policy::Policy;

/// A trainer that may be called from another thread.
pub type SharedTrainer = Arc<dyn Trainer + Send + Sync>;

/// Told what happens, for people to read.
pub type Listener = Box<dyn FnMut(&Event) + Send + Sync>;

/// How a provider serves a task.
pub struct ProviderConfig {
    /// The task.
    pub task: u64,
    /// A folder of this account alone, where the records are kept.
    pub home: PathBuf,
    /// What trains.
    pub trainer: SharedTrainer,
    /// The rows of data behind it: the public weight follows from them.
    pub rows: usize,
    /// What is agreed to.
    pub policy: Policy,
    /// Where peers put evidence that they hand over; none is read if absent.
    pub evidence: Option<PathBuf>,
    /// When it checks in.
    pub check_in: CheckInTiming,
    /// Where it trains.
    pub training: TrainingMode,
    /// When it is done.
    pub until: Until,
    /// What its records must survive.
    pub durability: Durability,
}

impl ProviderConfig {
    /// A configuration with defaults for all but the task, the folder, and what trains on how many rows.
    #[must_use]
    pub fn new(task: u64, home: impl Into<PathBuf>, trainer: SharedTrainer, rows: usize) -> Self {
        Self {
            task,
            home: home.into(),
            trainer,
            rows,
            policy: Policy::default(),
            evidence: None,
            check_in: CheckInTiming::default(),
            training: TrainingMode::default(),
            until: Until::default(),
            durability: Durability::default(),
        }
    }
}

/// When a provider checks in. Who checks in has committed to submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckInTiming {
    /// With its update on disk: a trainer that fails, or takes too long, costs a round and no bond.
    #[default]
    AfterTraining,
    /// For the next round with the submission of the running one, before anything is trained: a block less a round, for trainers that
    /// never fail and are faster than the windows.
    Early,
}

/// Where a provider trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrainingMode {
    /// Beside the loop, which goes on serving the provider's seat.
    #[default]
    Background,
    /// Within the step of the loop: nothing depends on how long it takes if blocks wait for all participants.
    Inline,
}

/// When a provider is done with its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// When the evidence window of the last epoch is over and the secrets are erased.
    #[default]
    EvidenceClosed,
    /// When the task has ended.
    TaskEnded,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Keys were posted.
    Enrolled {
        /// The epoch.
        epoch: u64,
    },
    /// The masking key was shared among the seats.
    Dealt {
        /// The epoch.
        epoch: u64,
    },
    /// A dealer's share is wrong, and the chain was told.
    Complained {
        /// The dealer.
        dealer: String,
    },
    /// An update is on disk.
    Trained {
        /// The round.
        round: u64,
        /// Mean loss of the model as it came in, over the rows trained on.
        loss: f64,
        /// Share of rows that the model as it came in predicts correctly.
        accuracy: f64,
        /// L2 norm of the update.
        norm: f64,
    },
    /// A check-in was sent.
    CheckedIn {
        /// The round.
        round: u64,
    },
    /// A header, or chunks, were sent.
    Submitted {
        /// The round.
        round: u64,
        /// Bytes of the chunks that were sent; 0 for the header.
        bytes: u64,
    },
    /// A point for the seed of the seats was sent.
    Contributed {
        /// The epoch.
        epoch: u64,
    },
    /// The seat answered with its share of the value that cuts the groups, or that seeds the draw of seats.
    Evaluated {
        /// The epoch.
        epoch: u64,
    },
    /// The seat answered.
    Answered {
        /// The round.
        round: u64,
        /// Entries of its answer.
        entries: usize,
    },
    /// The round's model does not open, or is not what its hash says, and it complained.
    ComplainedAboutModel {
        /// The round.
        round: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The sum of its group is out of range, and it signed the numbers of its edges at one coordinate.
    SignedNumbers {
        /// The round.
        round: u64,
        /// The coordinate.
        coordinate: u64,
    },
    /// The seat opened edges of culprits, or of which one end lied.
    OpenedEdges {
        /// The round.
        round: u64,
        /// How many.
        edges: usize,
    },
    /// Evidence was reported.
    Reported {
        /// Whom it convicts.
        accused: String,
        /// The round.
        round: u64,
    },
    /// A round is over.
    RoundSettled {
        /// The round.
        round: u64,
        /// Whether the model moved.
        finished: bool,
        /// Whether this provider's update is in it.
        took_part: bool,
    },
    /// Something was not done, and why.
    SatOut {
        /// What was not done.
        what: String,
        /// Why.
        why: String,
    },
    /// The task is over.
    TaskEnded {
        /// How.
        status: pb::TaskStatus,
    },
    /// It was asked to stop, and stays for this; said again when something of it is done.
    Leaving(Owed),
    /// The node does not answer; it is waited for.
    NodeAway {
        /// Why.
        why: String,
    },
    /// The node answers again.
    NodeBack,
}
