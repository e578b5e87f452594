//! The life of a training task as a deterministic state machine.
//!
//! Pure: a message and a height go in, records of a key-value store change, and payments, verdicts and events come out. Nothing here
//! knows a clock, a network or a contract; what the machine must ask of the outside stands in [`env`]. Its records are the protobuf
//! messages of `bauta_schema::training::v1`, so that a client decodes what it reads, or proves, with the same types.
//!
//! A block runs like this: for each transaction [`check`] (is this what the round awaits?), [`charge`] for a protocol message, and
//! [`handle`]; then [`end_block`], the only place where phases change. A message is first checked against state and refused without
//! penalty; only then its proof is looked at, and what a proof refutes is an offence: [`handle`] fails and names it, and the caller
//! records it with [`record_offence`] outside of what the failed message changed.
//!
//! | module | what happens there |
//! |---|---|
//! | [`create`], [`cancel`] | a task opens, is topped up, is cancelled |
//! | [`epoch`] | enrol, deal, complain; an epoch opens and ends |
//! | [`round`] | check in, submit, unmask, finalise, settle |
//! | [`model_provider`] | wraps and models of a task whose model is encrypted |
//! | [`offence`], [`report`] | what an offence does here; evidence from outside |
//! | [`end_block`](mod@end_block), [`windows`], [`prune`] | what happens at the end of a block |
//! | [`halt`](mod@halt) | every task ends, because the chain does |
//! | [`terms`], [`cost`], [`escrow`] | what a task's settings mean, cost and pay |
//! | [`scoring`] | how a task scores its groups, and moves rewards by that |
//! | [`tails`] | how likely a committee or a partition fails, for what a task declares |
//! | [`derive`](mod@derive), [`due`], [`query`] | what clients compute from records |

pub mod cancel;
pub mod cost;
pub mod create;
pub mod derive;
pub mod due;
pub mod end_block;
pub mod env;
pub mod epoch;
pub mod error;
pub mod escrow;
pub mod halt;
pub mod keys;
pub mod message;
pub mod model_provider;
pub mod offence;
pub mod output;
pub mod overlay;
pub mod params;
pub mod prune;
pub mod query;
pub mod report;
pub mod round;
pub mod scoring;
pub mod state;
pub mod tails;
pub mod terms;
pub mod windows;

pub use end_block::end_block;
pub use env::{Blobs, Budget, EnrolQuery, Env, Providers, Storage};
pub use error::{Error, Rejection, CODESPACE};
pub use escrow::charge;
pub use halt::halt;
pub use message::{check, handle, Admission, Call, Fee, Message, Response};
pub use offence::{record_offence, Offence};
pub use output::{Event, Output, Value};
pub use query::estimate;
