//! The grammar of calls.
//!
//! `CheckTx`, `Query`, `Echo`, `Flush`, `ListSnapshots` and `LoadSnapshotChunk` are not in it: they come at any time.

use std::fmt;

use tendermint_proto::v0_38::abci::request;

/// A call whose place among the others is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Begins the chain.
    InitChain,
    /// Offers the state of another node.
    OfferSnapshot,
    /// Gives a part of it.
    ApplySnapshotChunk,
    /// Asks what is committed.
    Info,
    /// Asks for a block.
    PrepareProposal,
    /// Asks whether a block is one.
    ProcessProposal,
    /// Asks what to add to a vote.
    ExtendVote,
    /// Asks whether what another added to its vote is right.
    VerifyVoteExtension,
    /// Executes a decided block.
    FinalizeBlock,
    /// Writes what it did.
    Commit,
}

impl Call {
    /// Every call of the grammar.
    pub const ALL: [Self; 10] = [
        Self::InitChain,
        Self::OfferSnapshot,
        Self::ApplySnapshotChunk,
        Self::Info,
        Self::PrepareProposal,
        Self::ProcessProposal,
        Self::ExtendVote,
        Self::VerifyVoteExtension,
        Self::FinalizeBlock,
        Self::Commit,
    ];

    /// The call that a request is; `None` for those that come at any time.
    pub fn of(request: &request::Value) -> Option<Self> {
        use request::Value as Ask;
        match request {
            Ask::InitChain(_) => Some(Self::InitChain),
            Ask::OfferSnapshot(_) => Some(Self::OfferSnapshot),
            Ask::ApplySnapshotChunk(_) => Some(Self::ApplySnapshotChunk),
            Ask::Info(_) => Some(Self::Info),
            Ask::PrepareProposal(_) => Some(Self::PrepareProposal),
            Ask::ProcessProposal(_) => Some(Self::ProcessProposal),
            Ask::ExtendVote(_) => Some(Self::ExtendVote),
            Ask::VerifyVoteExtension(_) => Some(Self::VerifyVoteExtension),
            Ask::FinalizeBlock(_) => Some(Self::FinalizeBlock),
            Ask::Commit(_) => Some(Self::Commit),
            Ask::Echo(_)
            | Ask::Flush(_)
            | Ask::Query(_)
            | Ask::CheckTx(_)
            | Ask::ListSnapshots(_)
            | Ask::LoadSnapshotChunk(_) => None,
        }
    }

    /// What the specification's rules call it.
    fn symbol(self) -> &'static str {
        match self {
            Self::InitChain => "init-chain",
            Self::OfferSnapshot => "offer-snapshot",
            Self::ApplySnapshotChunk => "apply-chunk",
            Self::Info => "info",
            Self::PrepareProposal => "prepare-proposal",
            Self::ProcessProposal => "process-proposal",
            Self::ExtendVote => "extend-vote",
            Self::VerifyVoteExtension => "got-vote",
            Self::FinalizeBlock => "decide",
            Self::Commit => "commit",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// What calls may follow each other, in the forms of ABNF that the specification uses (RFC 5234).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// One call.
    One(Call),
    /// A rule that has a name.
    Named(&'static str, &'static Rule),
    /// One after the other.
    Sequence(&'static [Rule]),
    /// One of them: `a / b`.
    Either(&'static [Rule]),
    /// Perhaps: `[a]`.
    Perhaps(&'static Rule),
    /// As often as one likes: `*a`.
    AnyTimes(&'static Rule),
    /// At least once: `1*a`.
    AtLeastOnce(&'static Rule),
    /// For ever: `(inf)a`.
    Forever(&'static Rule),
}

const INIT_CHAIN: Rule = Rule::One(Call::InitChain);
const OFFER_SNAPSHOT: Rule = Rule::One(Call::OfferSnapshot);
const APPLY_CHUNK: Rule = Rule::One(Call::ApplySnapshotChunk);
const INFO: Rule = Rule::One(Call::Info);
const PREPARE_PROPOSAL: Rule = Rule::One(Call::PrepareProposal);
const PROCESS_PROPOSAL: Rule = Rule::One(Call::ProcessProposal);
const EXTEND_VOTE: Rule = Rule::One(Call::ExtendVote);
const ANY_VOTES: Rule = Rule::AnyTimes(&Rule::One(Call::VerifyVoteExtension));
const DECIDE: Rule = Rule::One(Call::FinalizeBlock);
const COMMIT: Rule = Rule::One(Call::Commit);

/// A run of an engine, from its start until it ends, which may be after any call.
pub const START: Rule = Rule::Named("start", &Rule::Either(&[CLEAN_START, RECOVERY]));

/// The first run.
pub const CLEAN_START: Rule =
    Rule::Named("clean-start", &Rule::Sequence(&[INIT_CHAIN, Rule::Perhaps(&STATE_SYNC), CONSENSUS_EXEC]));

/// Taking the state from another node instead of executing its blocks.
pub const STATE_SYNC: Rule =
    Rule::Named("state-sync", &Rule::Sequence(&[Rule::AnyTimes(&STATE_SYNC_ATTEMPT), SUCCESS_SYNC, INFO]));
const STATE_SYNC_ATTEMPT: Rule =
    Rule::Named("state-sync-attempt", &Rule::Sequence(&[OFFER_SNAPSHOT, Rule::AnyTimes(&APPLY_CHUNK)]));
const SUCCESS_SYNC: Rule =
    Rule::Named("success-sync", &Rule::Sequence(&[OFFER_SNAPSHOT, Rule::AtLeastOnce(&APPLY_CHUNK)]));

/// Every later run.
pub const RECOVERY: Rule = Rule::Named("recovery", &Rule::Sequence(&[INFO, CONSENSUS_EXEC]));

const CONSENSUS_EXEC: Rule = Rule::Named("consensus-exec", &Rule::Forever(&CONSENSUS_HEIGHT));

/// From one block to the next.
pub const CONSENSUS_HEIGHT: Rule =
    Rule::Named("consensus-height", &Rule::Sequence(&[Rule::AnyTimes(&CONSENSUS_ROUND), DECIDE, COMMIT]));
const CONSENSUS_ROUND: Rule = Rule::Named("consensus-round", &Rule::Either(&[PROPOSER, NON_PROPOSER]));

const PROPOSER: Rule = Rule::Named(
    "proposer",
    &Rule::Sequence(&[
        ANY_VOTES,
        Rule::Perhaps(&Rule::Sequence(&[PREPARE_PROPOSAL, Rule::Perhaps(&PROCESS_PROPOSAL)])),
        Rule::Perhaps(&EXTEND),
    ]),
);
const EXTEND: Rule = Rule::Named("extend", &Rule::Sequence(&[ANY_VOTES, EXTEND_VOTE, ANY_VOTES]));
const NON_PROPOSER: Rule = Rule::Named(
    "non-proposer",
    &Rule::Sequence(&[ANY_VOTES, Rule::Perhaps(&PROCESS_PROPOSAL), Rule::Perhaps(&EXTEND)]),
);

/// As it stands on the right of a definition.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(call) => out.write_str(call.symbol()),
            Self::Named(name, _) => out.write_str(name),
            Self::Sequence(parts) => write_all(out, parts, " "),
            Self::Either(parts) => write_all(out, parts, " / "),
            Self::Perhaps(part) => write!(out, "[{part}]"),
            Self::AnyTimes(part) => write!(out, "*{part}"),
            Self::AtLeastOnce(part) => write!(out, "1*{part}"),
            Self::Forever(part) => write!(out, "(inf){part}"),
        }
    }
}

fn write_all(out: &mut fmt::Formatter<'_>, parts: &[Rule], between: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.write_str(between)?;
        }
        write!(out, "{part}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The rules of the specification, by name. `recovery` and the terminals are as there.
    const SPECIFIED: [(&str, &str); 12] = [
        ("start", "clean-start / recovery"),
        ("clean-start", "init-chain [state-sync] consensus-exec"),
        ("state-sync", "*state-sync-attempt success-sync info"),
        ("state-sync-attempt", "offer-snapshot *apply-chunk"),
        ("success-sync", "offer-snapshot 1*apply-chunk"),
        ("recovery", "info consensus-exec"),
        ("consensus-exec", "(inf)consensus-height"),
        ("consensus-height", "*consensus-round decide commit"),
        ("consensus-round", "proposer / non-proposer"),
        ("proposer", "*got-vote [prepare-proposal [process-proposal]] [extend]"),
        ("extend", "*got-vote extend-vote *got-vote"),
        ("non-proposer", "*got-vote [process-proposal] [extend]"),
    ];

    fn definitions(rule: &Rule, found: &mut BTreeMap<&'static str, String>) {
        match rule {
            Rule::One(_) => {}
            Rule::Named(name, rule) => {
                found.insert(name, rule.to_string());
                definitions(rule, found);
            }
            Rule::Sequence(parts) | Rule::Either(parts) => parts.iter().for_each(|part| definitions(part, found)),
            Rule::Perhaps(part) | Rule::AnyTimes(part) | Rule::AtLeastOnce(part) | Rule::Forever(part) => {
                definitions(part, found)
            }
        }
    }

    #[test]
    fn the_value_reads_as_the_specification_does() {
        let mut found = BTreeMap::new();
        definitions(&START, &mut found);
        let specified: BTreeMap<&str, String> =
            SPECIFIED.into_iter().map(|(name, rule)| (name, rule.to_owned())).collect();
        assert_eq!(found, specified);
    }
}
