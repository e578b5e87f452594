//! What may convict, out of what is kept and what the chain has.

use std::collections::BTreeMap;

use bauta_schema::training::v1 as pb;

use super::book::{Kept, Place};
use super::places::View;
use super::sighting::Sighting;
use super::{Kind, Report, State, WatchError, Watcher, GRACE};

/// Evidence that may convict.
pub(super) struct Case {
    pub report: Report,
    pub evidence: pb::msg_report::Evidence,
    /// The bodies it is made of, by name.
    pub names: Vec<String>,
    /// Whether it was judged here; what was not is asked of every node.
    pub is_judged: bool,
}

impl Watcher {
    /// What may convict now.
    pub(super) async fn cases(&mut self) -> Result<Vec<Case>, WatchError> {
        let chain = self.nodes[0].clone();
        let mut by_place: BTreeMap<Place, Vec<(String, Kept)>> = BTreeMap::new();
        for (name, kept) in self.book.kept() {
            by_place.entry(kept.place()).or_default().push((name.clone(), kept.clone()));
        }
        let mut cases = Vec::new();
        for (place, kept) in by_place {
            let (task, epoch, round, accused) = place.clone();
            let view = self.places.view(&chain, task, epoch, round).await?;
            if view.is_over || self.book.is_convicted(&place) {
                for (name, _) in kept {
                    self.book.forget(&name)?;
                }
                continue;
            }
            let report = |offence: pb::OffenceKind| Report {
                offence: bauta_rounds::offence::name(offence).to_owned(),
                accused: accused.clone(),
                task,
                epoch,
                round,
                state: State::Sending,
                deposit: String::new(),
                bounty: "0".to_owned(),
                tx_hash: None,
            };
            let mut headers: Vec<(Option<String>, pb::SignedBody)> = Vec::new();
            headers.extend(self.stored_header(&view, &place).await?.map(|stored| (None, stored)));
            for (name, kept) in &kept {
                let signed = kept.signed();
                if kept.kind == Kind::Header {
                    if headers.iter().any(|(stored, other)| stored.is_none() && other.body == signed.body) {
                        // The chain has it, and shows it for as long as evidence is heard.
                        self.book.forget(name)?;
                        continue;
                    }
                    if headers.iter().all(|(_, other)| other.body != signed.body) {
                        headers.push((Some(name.clone()), signed));
                    }
                    continue;
                }
                let is_ripe = match kept.kind {
                    Kind::Partial => view.is_settled,
                    _ => self.height >= kept.height.saturating_add(GRACE),
                };
                if !is_ripe {
                    continue;
                }
                if kept.kind == Kind::Partial {
                    let evidence = pb::msg_report::Evidence::UnrequestedPartial(signed.clone());
                    let report = report(pb::OffenceKind::UnrequestedPartial);
                    cases.push(Case { report, evidence, names: vec![name.clone()], is_judged: false });
                }
                if let Some(message) = kept.kind.with_proof() {
                    let proof = pb::InvalidProof { message: message.into(), signed: Some(signed) };
                    let evidence = pb::msg_report::Evidence::InvalidProof(proof);
                    let report = report(pb::OffenceKind::InvalidProof);
                    cases.push(Case { report, evidence, names: vec![name.clone()], is_judged: false });
                }
            }
            if let [(first, one), (second, other), ..] = &headers[..] {
                let header = |signed: &pb::SignedBody| pb::HeaderEvidence {
                    signed: Some(signed.clone()),
                    ..pb::HeaderEvidence::default()
                };
                let two = pb::TwoHeaders { first: Some(header(one)), second: Some(header(other)) };
                let names = [first, second].into_iter().flatten().cloned().collect();
                let report = report(pb::OffenceKind::TwoHeaders);
                let evidence = pb::msg_report::Evidence::TwoHeaders(two);
                cases.push(Case { report, evidence, names, is_judged: true });
            }
        }
        Ok(cases)
    }

    /// The header that the chain has of somebody, if its V signed it: a node may show any.
    async fn stored_header(&mut self, view: &View, place: &Place) -> Result<Option<pb::SignedBody>, WatchError> {
        let chain = self.nodes[0].clone();
        let (task, _, round, accused) = place;
        let author = chain.bytes_of(accused)?;
        let Some(header) = view.header_of(&author) else { return Ok(None) };
        let (body, signature) = (header.body.clone(), header.signature.clone());
        let seen = Sighting { kind: Kind::Header, task: *task, place: *round, author, body, signature };
        let Some(signed) = self.places.of(&chain, &seen).await? else { return Ok(None) };
        let holds = signed.keys.get(&seen.author).is_some_and(|v| seen.is_signed(&signed.contexts, v));
        Ok(holds.then_some(pb::SignedBody { body: seen.body, signature: seen.signature }))
    }
}
