//! A provider in blame: what it signs of its edges, and what its seat opens.

use bauta_rounds::{derive, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::blame::{EdgeNumbers, Question};
use bauta_secagg::encoding::Slot;
use bauta_secagg::signature::Signed;
use bauta_secagg::unmask::{Partial, Requests};

use crate::provider::{broken, parts, terms, Made, Provider};
use crate::world::{World, TASK};

fn blame(chain: &dyn World, round: &pb::Round) -> Made<pb::RoundBlame> {
    let found = state::find_blame(chain.records(), TASK, round.number).map_err(broken)?;
    found.ok_or_else(|| broken("nobody is blamed"))
}

impl Provider {
    /// The numbers of its edges, as blame asks for them.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn numbers(&mut self, chain: &dyn World) -> Made<Signed<EdgeNumbers>> {
        let round = chain.round()?.ok_or_else(|| broken("there is no round"))?;
        let blame = blame(chain, &round)?;
        let own = self.member(chain)?.slot;
        let asked = blame.groups.iter().find(|group| group.members.contains(&own));
        let asked = asked.ok_or_else(|| broken("its group is not blamed"))?;
        let members: Result<Vec<Slot>, _> = asked.members.iter().map(|&slot| Slot::new(slot)).collect();
        let members = members.map_err(broken)?;
        let question = Question { pass: blame.pass, coordinate: asked.coordinate, members: &members };
        let (group, layout) = (self.group(chain, &round)?, terms(chain)?.layout);
        let ctx = derive::ctx(&round).map_err(broken)?;
        let (keys, name, rng) = self.parts_of(round.epoch)?;
        keys.blame(&ctx, name, &group, &layout, &question, rng).map_err(broken)
    }

    /// The answers of its seats to a list of blame; none of a seat that a bad share excuses.
    ///
    /// # Errors
    /// When its record does not admit the list, which never happens to who sees one chain.
    pub fn openings(&mut self, chain: &dyn World, list: u32) -> Made<Vec<Signed<Partial>>> {
        let round = chain.round()?.ok_or_else(|| broken("there is no round"))?;
        let blame = blame(chain, &round)?;
        let rctx = derive::rctx(&round).map_err(broken)?;
        let listed = blame.lists.get(list as usize - 1).ok_or_else(|| broken("blame has no such list"))?;
        let requests = Requests::decode(&rctx, &listed.entries).map_err(broken)?;
        if requests.root().as_bytes()[..] != round.blame_root[..] {
            return Err(broken("the list has another root"));
        }
        let members = state::members(chain.records(), TASK, round.epoch).map_err(broken)?;
        let check_ins = state::check_ins(chain.records(), TASK, round.number).map_err(broken)?;
        let least = terms(chain)?.cohort.min_group;
        let groups = derive::released_groups(&members, &check_ins, &round, least).map_err(broken)?;
        self.answers_to(chain, &round, &requests, |record| record.admit_blame(&requests, &groups, least as usize))
    }
}

/// Numbers as a message.
pub fn numbers_call(round: u64, signed: &Signed<EdgeNumbers>) -> Call {
    let (body, signature) = parts(signed);
    Call::BlameValues(pb::MsgBlameValues { sender: String::new(), task_id: TASK, round, body, signature })
}
