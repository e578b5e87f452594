//! The provider as a holder of seats: it opens what was dealt to them, complains, and answers for each of them.

use std::collections::BTreeMap;

use bauta_rounds::{derive, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::committee;
use bauta_secagg::context::Ectx;
use bauta_secagg::deal::Deal;
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::joint::JointInput;
use bauta_secagg::seat::{Admitted, AnswerRecord, Conflict, Seat, Share};
use bauta_secagg::signature::{Body as _, Signed};
use bauta_secagg::unmask::{Partial, Requests};

use crate::provider::{broken, ectx, parts, terms, Made, Provider};
use crate::world::{World, TASK};

/// The shares that a provider's seats were dealt, by seat and by the slots of their dealers.
pub type Shares = BTreeMap<SeatIndex, BTreeMap<Slot, Share>>;

/// What opening the deals of an epoch came to.
struct Opened {
    shares: Shares,
    bad: Vec<(SeatIndex, Deal)>,
}

impl Provider {
    /// Opens every deal; a complaint for each share that is bad.
    pub(crate) fn check_deals(&mut self, chain: &dyn World, epoch: u64) -> Made<Vec<Call>> {
        let (bad, ectx) = (self.open_deals(chain, epoch)?.bad, ectx(chain)?);
        let complain = |(seat, deal): (SeatIndex, Deal)| {
            let (keys, name, rng) = self.parts_of(epoch)?;
            let (body, signature) = parts(&Seat::new(keys, ectx, name, seat).complain(&deal, rng));
            Ok(Call::Complain(pb::MsgComplain { sender: String::new(), task_id: TASK, epoch, body, signature }))
        };
        bad.into_iter().map(complain).collect()
    }

    /// Opens the shares of every dealer of an epoch for every seat of this provider.
    fn open_deals(&self, chain: &dyn World, epoch: u64) -> Made<Opened> {
        let record = state::epoch(chain.records(), TASK, epoch).map_err(broken)?;
        let ectx = Ectx::from_bytes(state::hash(&record.ectx).map_err(broken)?);
        let own = state::member(chain.records(), TASK, epoch, &self.address).map_err(broken)?;
        let mut opened = Opened { shares: Shares::new(), bad: Vec::new() };
        let mut deals = Vec::new();
        for dealer in state::members(chain.records(), TASK, epoch).map_err(broken)? {
            if let Some(deal) = state::find_deal(chain.records(), TASK, epoch, &dealer.address).map_err(broken)? {
                deals.push((dealer.slot, Deal::decode(&deal.body).map_err(broken)?));
            }
        }
        for index in derive::seats_of(&own) {
            let seat = SeatIndex::new(index).map_err(broken)?;
            let role = Seat::new(self.keys_of(epoch)?, ectx, self.name(), seat);
            let shares = opened.shares.entry(seat).or_default();
            for (slot, deal) in &deals {
                match role.open(deal) {
                    Ok(share) if *slot > 0 => {
                        shares.insert(Slot::new(*slot).map_err(broken)?, share);
                    }
                    Ok(_) => {}
                    Err(_) => opened.bad.push((seat, deal.clone())),
                }
            }
        }
        Ok(opened)
    }

    /// Answers of its seats when the groups are to be cut.
    pub(crate) fn evaluate(&mut self, chain: &dyn World, epoch: u64) -> Made<Vec<Call>> {
        let input = derive::partition_input(&chain.epoch()?).map_err(broken)?;
        self.evaluations(chain, &input, epoch, epoch)
    }

    /// Answers of its seats of an epoch that is over, when the seats of the next are to be drawn.
    pub(crate) fn evaluate_for_seats(&mut self, chain: &dyn World, epoch: u64, of: u64) -> Made<Vec<Call>> {
        let member = state::find_member(chain.records(), TASK, of, &self.address).map_err(broken)?;
        if member.is_none_or(|member| member.seat == 0) {
            return Ok(Vec::new());
        }
        let before = state::epoch(chain.records(), TASK, of).map_err(broken)?;
        let input = derive::seats_input(&chain.epoch()?, &before).map_err(broken)?;
        self.evaluations(chain, &input, of, epoch)
    }

    /// Answers of its seats of an epoch's committee, for an epoch; none of a seat that has a bad share, which its complaint excuses.
    fn evaluations(&mut self, chain: &dyn World, input: &JointInput, committee: u64, epoch: u64) -> Made<Vec<Call>> {
        let shares = self.open_deals(chain, committee)?.shares;
        let members = state::members(chain.records(), TASK, committee).map_err(broken)?;
        let dealers: Result<Vec<Slot>, _> =
            members.iter().filter(|member| member.slot > 0).map(|member| Slot::new(member.slot)).collect();
        let (dealers, ectx) = (dealers.map_err(broken)?, ectx(chain)?);
        let mut calls = Vec::new();
        for (seat, shares) in &shares {
            if dealers.iter().any(|slot| !shares.contains_key(slot)) {
                continue;
            }
            let (keys, name, rng) = self.parts_of(committee)?;
            let signed = Seat::new(keys, ectx, name, *seat).evaluate(input, &dealers, shares, rng).map_err(broken)?;
            let (body, signature) = parts(&signed);
            calls.push(Call::Evaluate(pb::MsgEvaluate {
                sender: String::new(),
                task_id: TASK,
                epoch,
                body,
                signature,
            }));
        }
        Ok(calls)
    }

    /// What it gives to the seed of the seats.
    pub(crate) fn contribute(&mut self, chain: &dyn World, epoch: u64) -> Made<Call> {
        let input = derive::everyones_input(&chain.epoch()?).map_err(broken)?;
        let ectx = ectx(chain)?;
        let (keys, name, rng) = self.parts_of(epoch)?;
        let (body, signature) = parts(&committee::contribute(keys, &ectx, name, &input, rng));
        Ok(Call::Contribute(pb::MsgContribute { sender: String::new(), task_id: TASK, epoch, body, signature }))
    }

    /// The answers of its seats to the request list; none of a seat that a bad share excuses.
    ///
    /// # Errors
    /// When its record does not admit the list, which never happens to who sees one chain.
    pub(crate) fn answers(&mut self, chain: &dyn World) -> Made<Vec<Signed<Partial>>> {
        let round = chain.round()?.ok_or_else(|| broken("there is no round"))?;
        let requests = requests(chain, &round)?;
        self.answers_to(chain, &round, &requests, |record| record.admit(&requests))
    }

    /// The answers of its seats to one of a round's lists, once its record admits it; none of a seat that a bad share excuses.
    pub(crate) fn answers_to(
        &mut self,
        chain: &dyn World,
        round: &pb::Round,
        requests: &Requests,
        admit: impl Fn(&mut AnswerRecord) -> Result<Admitted, Conflict>,
    ) -> Made<Vec<Signed<Partial>>> {
        let asked: Vec<Slot> = requests.providers().into_keys().collect();
        let is_whole = |shares: &BTreeMap<Slot, Share>| asked.iter().all(|slot| shares.contains_key(slot));
        let kept = self.shares().take().filter(|(epoch, _)| *epoch == round.epoch);
        let kept = kept.map(|(_, shares)| shares).filter(|shares| shares.values().all(is_whole));
        let shares = match kept {
            Some(shares) => shares,
            None => self.open_deals(chain, round.epoch)?.shares,
        };
        let (rctx, ctx) = (derive::rctx(round).map_err(broken)?, derive::ctx(round).map_err(broken)?);
        let ectx = ectx(chain)?;
        let mut answers = Vec::new();
        for (seat, shares) in shares.iter().filter(|(_, shares)| is_whole(shares)) {
            let record = self.answered(round.number).get_or_insert_with(|| AnswerRecord::new(&rctx));
            let admitted = admit(record).map_err(broken)?;
            let (keys, name, rng) = self.parts_of(round.epoch)?;
            let role = Seat::new(keys, ectx, name, *seat);
            answers.push(role.answer(&ctx, requests, &admitted, shares, rng).map_err(broken)?);
        }
        *self.shares() = Some((round.epoch, shares));
        Ok(answers)
    }
}

/// The request list of a round, compared with its root.
fn requests(chain: &dyn World, round: &pb::Round) -> Made<Requests> {
    let members = state::members(chain.records(), TASK, round.epoch).map_err(broken)?;
    let check_ins = state::check_ins(chain.records(), TASK, round.number).map_err(broken)?;
    let least = terms(chain)?.cohort.min_group;
    let groups = derive::released_groups(&members, &check_ins, round, least).map_err(broken)?;
    let requests = derive::requests(round, &groups).map_err(broken)?;
    if requests.root().as_bytes()[..] != round.request_root[..] {
        return Err(broken("the request list has another root"));
    }
    Ok(requests)
}

/// An answer as a message.
pub fn unmask_call(round: u64, signed: &Signed<Partial>) -> Call {
    let (body, signature) = parts(signed);
    Call::Unmask(pb::MsgUnmask { sender: String::new(), task_id: TASK, round, body, signature })
}
