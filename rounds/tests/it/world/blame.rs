//! The world in blame: updates that are too large, the numbers of edges that members sign, and what seats open.

use super::{all_but, World};
use bauta_rounds::{derive, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::blame::{EdgeNumbers, Question};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::seat::{AnswerRecord, Seat};
use bauta_secagg::signature::Signed;
use bauta_secagg::unmask::{Asked, Partial, Requests};

/// The coordinate at which updates of the hostile are too large: in the second chunk.
pub const PLACE: usize = 21;

impl World {
    /// Everyone checks in and submits; the hostile add `excess` to their weighted update at `PLACE`. The seats answer.
    pub fn until_blame(&mut self, hostile: &[(usize, i64)]) {
        let everyone = all_but(self.clients.len(), &[]);
        let round = self.the_task().round;
        self.check_in(&everyone);
        self.until_round(pb::RoundPhase::Submit);
        for &i in &everyone {
            let mut update = self.update(i, round);
            for (_, excess) in hostile.iter().filter(|(other, _)| *other == i) {
                update[PLACE] = *excess;
            }
            let masked = self.masked(i, &update);
            self.submit_masked(i, &masked);
        }
        self.until_round(pb::RoundPhase::Unmask);
        let seats = self.epoch().threshold as usize;
        self.unmask(&everyone[..seats]);
        self.until_round(pb::RoundPhase::Blame);
    }

    /// What blame asks in the current round.
    pub fn blame(&self) -> pb::RoundBlame {
        state::find_blame(&self.storage, self.task, self.the_task().round).unwrap().unwrap()
    }

    /// The slot of a client.
    pub fn slot(&self, i: usize) -> Slot {
        Slot::new(self.member(i).slot).unwrap()
    }

    /// The numbers of a client's edges, as blame asks for them now.
    pub fn numbers(&mut self, i: usize) -> Signed<EdgeNumbers> {
        let (blame, slot) = (self.blame(), self.slot(i));
        let of = blame.groups.iter().find(|group| group.members.contains(&slot.get())).unwrap();
        let members: Vec<Slot> = of.members.iter().map(|&slot| Slot::new(slot).unwrap()).collect();
        let (ctx, group, layout) = (self.ctx(), self.group_of(i), self.terms().layout);
        let question = Question { pass: blame.pass, coordinate: of.coordinate, members: &members };
        let client = &self.clients[i];
        client.keys.blame(&ctx, &client.name(), &group, &layout, &question, &mut self.rng).unwrap()
    }

    /// Numbers as a message.
    pub fn numbers_msg(&self, signed: &Signed<EdgeNumbers>) -> Call {
        Call::BlameValues(pb::MsgBlameValues {
            sender: String::new(),
            task_id: self.task,
            round: self.the_task().round,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    /// Members sign the true numbers of their edges.
    pub fn sign_numbers(&mut self, who: &[usize]) {
        for &i in who {
            let signed = self.numbers(i);
            let call = self.numbers_msg(&signed);
            self.send_as(i, call).unwrap();
        }
    }

    /// A member signs its numbers, that of the edge with `other` changed so that `more` is left of its own coordinate.
    pub fn sign_lie(&mut self, i: usize, other: usize, more: i64) {
        let mut body = self.numbers(i).body;
        let (own, other) = (self.slot(i), self.slot(other));
        let edge = body.edges.iter_mut().find(|edge| edge.other == other).unwrap();
        // A mask is added by its lower slot, and so taken away from it.
        let change = if own < other { -more } else { more };
        edge.number = edge.number.wrapping_add_signed(change) & u64::from(u32::MAX);
        let ctx = self.ctx();
        let signed = self.sign(i, &ctx, body);
        let call = self.numbers_msg(&signed);
        self.send_as(i, call).unwrap();
    }

    /// The list of edges that the seats are asked.
    pub fn edges(&self) -> Requests {
        let round = self.round();
        let list = self.blame().lists.last().cloned().unwrap();
        assert_eq!(list.root, round.blame_root);
        let requests = Requests::decode(&derive::rctx(&round).unwrap(), &list.entries).unwrap();
        assert_eq!(requests.root().as_bytes()[..], round.blame_root[..]);
        requests
    }

    /// A seat's answer to blame, which its record admits beside all lists before.
    pub fn opening(&mut self, i: usize) -> Signed<Partial> {
        let round = self.round();
        let (first, list) = (self.requests(), self.edges());
        let rctx = derive::rctx(&round).unwrap();
        let check_ins = state::check_ins(&self.storage, self.task, round.number).unwrap();
        let min_group = self.terms().cohort.min_group;
        let groups = derive::released_groups(&self.members(), &check_ins, &round, min_group).unwrap();
        let mut record = AnswerRecord::new(&rctx);
        record.admit(&first).unwrap();
        let lists = self.blame().lists;
        let mut admitted = None;
        for list in &lists {
            let list = Requests::decode(&rctx, &list.entries).unwrap();
            admitted = Some(record.admit_blame(&list, &groups, min_group as usize).unwrap());
            record = AnswerRecord::decode(&record.encode()).unwrap();
        }
        let (ctx, ectx, seat) = (self.ctx(), self.ectx(), self.member(i).seat);
        let client = &self.clients[i];
        let name = client.name();
        let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(seat).unwrap());
        role.answer(&ctx, &list, &admitted.unwrap(), &client.shares, &mut self.rng).unwrap()
    }

    /// As many seats as are needed open what blame asks for now.
    pub fn open_edges(&mut self) {
        for i in 0..self.epoch().threshold as usize {
            let opening = self.opening(i);
            let call = self.unmask_msg(&opening);
            self.send_as(i, call).unwrap();
        }
    }

    /// The ends of the edges on the list that is asked now, as clients.
    pub fn asked_edges(&self) -> Vec<(usize, usize)> {
        let group = self.everyones_group();
        let of_slot = |slot: Slot| (0..self.clients.len()).find(|&i| self.slot(i) == slot).unwrap();
        let of_base = |base| group.iter().find(|(_, p)| *p == base).unwrap().0;
        let entries = self.edges().entries().to_vec();
        entries
            .iter()
            .map(|entry| match entry {
                Asked::Edge { provider, base } => (of_slot(*provider), of_base(*base)),
                Asked::SelfMask { .. } => panic!("blame asks for a self mask"),
            })
            .collect()
    }

    fn everyones_group(&self) -> Vec<(usize, bauta_secagg::curve::Point)> {
        let all = (0..self.clients.len()).map(|i| (i, self.group_of(i)));
        all.map(|(i, group)| (i, group.member(self.slot(i)).unwrap().p)).collect()
    }
}
