//! Checks that a test may take out, one at a time, to show that an attack succeeds without it.
//!
//! Only with the feature `switches`, which nothing but the workspace `tests/adversary` turns on. Without it [`switched_off`] is the
//! constant `false`, and there is nothing here.
//!
//! [`switched_off`]: crate::switched_off

/// Whether a test took this check out.
#[cfg(feature = "switches")]
#[doc(hidden)]
#[macro_export]
macro_rules! switched_off {
    ($switch:ident) => {
        $crate::switches::is_off($crate::switches::Switch::$switch)
    };
}

/// Whether a test took this check out: never, in what is not compiled for such tests.
#[cfg(not(feature = "switches"))]
#[doc(hidden)]
#[macro_export]
macro_rules! switched_off {
    ($switch:ident) => {
        false
    };
}

#[cfg(feature = "switches")]
pub use on::{is_off, without, Restored, Switch};

#[cfg(feature = "switches")]
mod on {
    use std::cell::Cell;

    macro_rules! switches {
        ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
            /// One check that an adversary runs into.
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub enum Switch {
                $($(#[$doc])* $name),*
            }

            impl Switch {
                /// All of them.
                pub const ALL: &'static [Self] = &[$(Self::$name),*];
            }
        };
    }

    switches! {
        /// A seat's record of what it answered for whom: without it a seat answers a second list, of whatever kinds.
        AnswerRecord,
        /// What contradicts the commitments, or does not open, convicts its dealer: without it, who complains.
        BadShare,
        /// The proof of a check-in's point.
        CheckInProof,
        /// The hash that a header names at a chunk's place.
        ChunkPlace,
        /// The proof of the point that a complaint opens.
        ComplaintProof,
        /// Windows count blocks whose lane was not full: without it, all.
        CountedBlocks,
        /// The proof of a deal's ephemeral key.
        DealProof,
        /// The proof of a seat's share of the joint key's value.
        EvaluationProof,
        /// A share that opens and is right convicts who complained: without it, its dealer.
        FalseComplaint,
        /// Groups are fixed for an epoch: without it they move on by one member a round.
        FixedGroups,
        /// The root of the group that a header was masked towards.
        GroupRoot,
        /// No share key is the identity.
        IdentityShare,
        /// A seat's record is read back from its disk: without it a seat that was restarted begins with an empty one.
        KeptRecord,
        /// The fewest survivors that may be summed.
        MinGroup,
        /// `ctx` names the model.
        ModelInContext,
        /// Content under a signed header is canonical.
        NonCanonical,
        /// Who checked in and did not submit is named when the window ends.
        NoSubmission,
        /// Seats open the edge whose ends signed different numbers in blame: without it the higher slot's is taken for false.
        OpenedEdge,
        /// A member whose own numbers leave more than its bound is a culprit.
        OutOfBound,
        /// The proofs of seats' partials.
        PartialProof,
        /// The seat's own signature on a partial that is brought as evidence.
        PartialSignature,
        /// The odds that a partition leaves a member alone among sybils.
        PartitionTail,
        /// A proof's transcript holds its statement and context: without it only the commitments.
        ProofStatement,
        /// A decoder looks how much is left before it takes.
        ReaderBounds,
        /// `rctx` names the round, and with it the points that masks are made of.
        RoundInContext,
        /// The same header again is no second one.
        SameHeader,
        /// The root of the seats that a deal was made for.
        SeatsRoot,
        /// A mask's key has 256 bits: without it 16.
        SeedSpace,
        /// The mask of a member's own, besides those it shares.
        SelfMask,
        /// A signature's context.
        SignatureContext,
        /// What others say of a member that was silent in blame is no proof: without it their numbers convict it.
        SilenceIsNoProof,
        /// Who was silent in blame is named when its window ends.
        SilentInBlame,
        /// Seats that were silent in a phase that failed are named.
        SilentSeat,
        /// The range of a group's sum.
        SumRange,
        /// A second, different header is an offence: without it it replaces the first.
        TwoHeaders,
        /// What a partial lists and nobody asked for.
        UnrequestedPartial,
        /// The largest weight.
        WeightRange,
        /// Who gave nothing to the seed of the seats is named when the window ends.
        WithheldSeed,
    }

    thread_local! {
        static OFF: Cell<Option<Switch>> = const { Cell::new(None) };
    }

    /// Whether a check is taken out in this thread.
    pub fn is_off(switch: Switch) -> bool {
        OFF.get() == Some(switch)
    }

    /// Takes a check out, in this thread, until what it returns is dropped.
    #[must_use]
    pub fn without(switch: Switch) -> Restored {
        OFF.set(Some(switch));
        Restored(())
    }

    /// Puts the check back when it is dropped.
    #[derive(Debug)]
    pub struct Restored(());

    impl Drop for Restored {
        fn drop(&mut self) {
            OFF.set(None);
        }
    }
}
