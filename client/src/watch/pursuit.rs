//! Reporting: what a case would come to is asked first, and what became of a report is kept.

use bauta_rounds::CODESPACE;
use bauta_schema::training::v1 as pb;

use super::cases::Case;
use super::{Event, Report, State, WatchError, Watcher};
use crate::chain::messages::TrainingMessage;
use crate::chain::{ChainError, Fee, Refused};
use crate::contracts::Contracts;

/// Codes of the training module that say what became of a report.
mod code {
    pub const LATE: u32 = 9;
    pub const DOES_NOT_HOLD: u32 = 43;
    pub const SETTLED: u32 = 44;
    pub const NOT_YET: u32 = 45;
}

/// What became of a case.
enum Verdict {
    Convicts,
    /// Nothing will ever come of it.
    Innocent,
    Settled,
    /// The node does not answer.
    Away,
    /// It may come later.
    Waits(String),
}

impl Watcher {
    /// Reports, if every node that answers convicts.
    pub(super) async fn pursue(&mut self, mut case: Case) -> Result<Option<Event>, WatchError> {
        let asked = self.nodes[0].training_params().await?.report_deposit;
        case.report.deposit = if asked.is_empty() { "0".to_owned() } else { asked };
        let message = pb::MsgReport {
            sender: self.signer.address().to_owned(),
            accused: case.report.accused.clone(),
            task_id: case.report.task,
            epoch: case.report.epoch,
            round: case.report.round,
            deposit: case.report.deposit.clone(),
            evidence: Some(case.evidence),
        };
        let message = message.to_any();
        let nodes = if case.is_judged { 1 } else { self.nodes.len() };
        for node in 0..nodes {
            let simulated = self.nodes[node].simulate(&self.signer, std::slice::from_ref(&message), "").await;
            match verdict(simulated.map(drop)) {
                Verdict::Convicts => {}
                Verdict::Away if node > 0 => {}
                Verdict::Away => return Ok(None),
                Verdict::Innocent => return self.let_go(&case.names, &case.report).map(|()| None),
                Verdict::Settled => {
                    let report = Report { state: State::Settled, ..case.report };
                    return self.close(&case.names, report).map(|report| Some(Event::Settled(report)));
                }
                Verdict::Waits(why) => return Ok(self.waits(case.report, why)),
            }
        }
        if self.config.dry_run {
            let is_news = self.is_news(&case.report, "it would be reported");
            return Ok(is_news.then_some(Event::Would(case.report)));
        }
        self.book.put_report(case.report.clone())?;
        let outcome = self.nodes[0].execute(&self.signer, &[message], Fee::Simulated, "").await;
        match outcome {
            Ok(outcome) => {
                let mut report = Report { state: State::Held, tx_hash: Some(outcome.hash_text()), ..case.report };
                report.bounty = self.bounty_of(&report).await?.to_string();
                self.close(&case.names, report).map(|report| Some(Event::Held(report)))
            }
            Err(ChainError::Refused(refused)) if refused.is(CODESPACE, code::DOES_NOT_HOLD) => {
                let why = refused.to_string();
                let report = Report { state: State::Lost, ..case.report };
                self.close(&case.names, report).map(|report| Some(Event::Lost { report, why }))
            }
            Err(ChainError::Refused(refused)) if refused.is(CODESPACE, code::SETTLED) => {
                let report = Report { state: State::Settled, ..case.report };
                self.close(&case.names, report).map(|report| Some(Event::Settled(report)))
            }
            Err(error) => Ok(self.waits(case.report, error.to_string())),
        }
    }

    fn close(&mut self, names: &[String], report: Report) -> Result<Report, WatchError> {
        self.book.put_report(report.clone())?;
        for name in names {
            self.book.forget(name)?;
        }
        Ok(report)
    }

    /// A body that convicts nobody of this; one that may be an offence of another kind is kept for that.
    fn let_go(&mut self, names: &[String], report: &Report) -> Result<(), WatchError> {
        if report.offence != bauta_rounds::offence::name(pb::OffenceKind::UnrequestedPartial) {
            for name in names {
                self.book.forget(name)?;
            }
        }
        Ok(())
    }

    /// Says once why a report waits.
    fn waits(&mut self, report: Report, why: String) -> Option<Event> {
        self.is_news(&report, &why).then_some(Event::Waits { report, why })
    }

    fn is_news(&mut self, report: &Report, why: &str) -> bool {
        let of = format!("{}/{}/{}/{}/{}", report.task, report.epoch, report.round, report.accused, report.offence);
        self.said.insert(of, why.to_owned()).is_none_or(|before| before != why)
    }

    /// What a report earned, by the slashing contract's own record.
    async fn bounty_of(&mut self, report: &Report) -> Result<u128, WatchError> {
        let chain = &self.nodes[0];
        let contracts = match &self.contracts {
            Some(contracts) => contracts.clone(),
            None => Contracts::of(chain).await?,
        };
        let history = contracts.history(chain, Some(&report.accused)).await?;
        self.contracts = Some(contracts);
        let own = self.signer.address();
        let settled = history.iter().rev().find(|offence| {
            let place = (offence.task, offence.epoch, offence.round);
            offence.reporter.as_ref().is_some_and(|reporter| reporter.as_str() == own)
                && place == (report.task, report.epoch, report.round)
                && offence.kind == report.offence
        });
        Ok(settled.map_or(0, |offence| offence.bounty.u128()))
    }
}

/// What a simulation says.
fn verdict(simulated: Result<(), ChainError>) -> Verdict {
    let of = |refused: &Refused, code| refused.is(CODESPACE, code);
    match simulated {
        Ok(()) => Verdict::Convicts,
        Err(ChainError::Refused(refused)) if of(&refused, code::SETTLED) => Verdict::Settled,
        Err(ChainError::Refused(refused)) if of(&refused, code::NOT_YET) => Verdict::Waits(refused.to_string()),
        Err(ChainError::Refused(refused)) if of(&refused, code::DOES_NOT_HOLD) || of(&refused, code::LATE) => {
            Verdict::Innocent
        }
        Err(ChainError::Unreachable(_)) => Verdict::Away,
        Err(error) => Verdict::Waits(error.to_string()),
    }
}
