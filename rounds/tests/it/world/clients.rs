//! Messages of honest clients, made as a provider makes them: from the chain's records and its own secrets.

use super::World;
use bauta_rounds::{derive, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::committee::{self, Contribution};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::joint::Evaluation;
use bauta_secagg::parties::Group;
use bauta_secagg::seat::{AnswerRecord, Seat};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::{Partial, Requests};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;

impl World {
    pub fn enrol_msg(&mut self, i: usize) -> Call {
        let ectx = self.ectx();
        let client = &self.clients[i];
        let signed = client.keys.enrol(&ectx, &client.name(), &mut self.rng);
        let epoch = self.the_task().epoch;
        Call::Enrol(pb::MsgEnrol {
            sender: String::new(),
            task_id: self.task,
            epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    pub fn deal(&mut self, i: usize) -> Signed<Deal> {
        let epoch = self.epoch();
        let seats = derive::seats(&state::seats(&self.storage, self.task, epoch.number).unwrap()).unwrap();
        assert_eq!(seats.root().as_bytes()[..], epoch.seats_root[..]);
        let client = &self.clients[i];
        Dealer::new(&client.keys, self.ectx(), &client.name())
            .deal(&seats, epoch.threshold as usize, &mut self.rng)
            .unwrap()
    }

    pub fn deal_msg(&self, signed: &Signed<Deal>) -> Call {
        let epoch = self.the_task().epoch;
        Call::Deal(pb::MsgDeal {
            sender: String::new(),
            task_id: self.task,
            epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    /// A client opens every deal; the dealers whose shares are bad.
    pub fn open_shares(&mut self, i: usize) -> Vec<Deal> {
        let number = self.the_task().epoch;
        let member = self.member(i);
        let mut bad = Vec::new();
        if member.seat == 0 {
            return bad;
        }
        let ectx = self.ectx();
        let members = self.members();
        let client = &mut self.clients[i];
        let name = client.name();
        client.shares.clear();
        client.further.clear();
        for index in derive::seats_of(&member) {
            let mut shares = BTreeMap::new();
            let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(index).unwrap());
            for dealer in members.iter().filter(|dealer| dealer.dealt) {
                let record = state::find_deal(&self.storage, self.task, number, &dealer.address).unwrap().unwrap();
                let deal = Deal::decode(&record.body).unwrap();
                match role.open(&deal) {
                    Ok(share) if dealer.slot > 0 => {
                        shares.insert(Slot::new(dealer.slot).unwrap(), share);
                    }
                    Ok(_) => {}
                    Err(_) if index == member.seat => bad.push(deal),
                    Err(_) => {}
                }
            }
            if index == member.seat {
                client.shares = shares;
            } else {
                client.further.insert(index, shares);
            }
        }
        bad
    }

    /// What a provider gives to the seed of the seats.
    pub fn contribution(&mut self, i: usize) -> Signed<Contribution> {
        let input = derive::everyones_input(&self.epoch()).unwrap();
        let ectx = self.ectx();
        let client = &self.clients[i];
        committee::contribute(&client.keys, &ectx, &client.name(), &input, &mut self.rng)
    }

    pub fn contribute_msg(&self, signed: &Signed<Contribution>) -> Call {
        Call::Contribute(pb::MsgContribute {
            sender: String::new(),
            task_id: self.task,
            epoch: self.the_task().epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    /// The answers of a provider's seats of the epoch before, which seed the draw of this one's.
    pub fn evaluations_for_seats(&mut self, i: usize) -> Vec<Signed<Evaluation>> {
        let (epoch, ectx) = (self.epoch(), self.ectx());
        let before = state::epoch(&self.storage, self.task, epoch.seed_epoch).unwrap();
        let members = state::members(&self.storage, self.task, before.number).unwrap();
        let dealers: Vec<Slot> = members.iter().filter(|m| m.slot > 0).map(|m| Slot::new(m.slot).unwrap()).collect();
        let input = derive::seats_input(&epoch, &before).unwrap();
        let member = self.member_of(i, before.number);
        let client = &self.clients[i];
        let name = client.name();
        let (keys, shares) = client.before.as_ref().unwrap();
        derive::seats_of(&member)
            .map(|index| {
                let shares = &shares[&if index == member.seat { 0 } else { index }];
                let role = Seat::new(keys, ectx, &name, SeatIndex::new(index).unwrap());
                role.evaluate(&input, &dealers, shares, &mut self.rng).unwrap()
            })
            .collect()
    }

    /// The answers of all seats of a provider to the request list.
    pub fn answers(&mut self, i: usize) -> Vec<Signed<Partial>> {
        let (member, requests) = (self.member(i), self.requests());
        let (ctx, ectx, rctx) = (self.ctx(), self.ectx(), derive::rctx(&self.round()).unwrap());
        let client = &self.clients[i];
        let name = client.name();
        derive::seats_of(&member)
            .map(|index| {
                let shares = if index == member.seat { &client.shares } else { &client.further[&index] };
                let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(index).unwrap());
                let admitted = AnswerRecord::new(&rctx).admit(&requests).unwrap();
                role.answer(&ctx, &requests, &admitted, shares, &mut self.rng).unwrap()
            })
            .collect()
    }

    /// The shares of all seats of a provider of the value that cuts the groups.
    pub fn evaluations(&mut self, i: usize) -> Vec<Signed<Evaluation>> {
        let member = self.member(i);
        let dealers: Vec<Slot> =
            self.members().iter().filter(|m| m.slot > 0).map(|m| Slot::new(m.slot).unwrap()).collect();
        let input = derive::partition_input(&self.epoch()).unwrap();
        let ectx = self.ectx();
        let client = &self.clients[i];
        let name = client.name();
        derive::seats_of(&member)
            .map(|index| {
                let shares = if index == member.seat { &client.shares } else { &client.further[&index] };
                let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(index).unwrap());
                role.evaluate(&input, &dealers, shares, &mut self.rng).unwrap()
            })
            .collect()
    }

    pub fn complain_msg(&mut self, i: usize, deal: &Deal) -> Call {
        let member = self.member(i);
        let ectx = self.ectx();
        let client = &self.clients[i];
        let name = client.name();
        let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(member.seat).unwrap());
        let signed = role.complain(deal, &mut self.rng);
        let epoch = self.the_task().epoch;
        Call::Complain(pb::MsgComplain {
            sender: String::new(),
            task_id: self.task,
            epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    pub fn check_in_msg(&mut self, i: usize, round: u64) -> Call {
        let rctx = self.rctx_of(round);
        let client = &self.clients[i];
        let (signed, _) = CheckedIn::new(&client.keys, &rctx, &client.name(), client.weight, &mut self.rng);
        Call::CheckIn(pb::MsgCheckIn {
            sender: String::new(),
            task_id: self.task,
            round,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    /// The update of a client in a round: anything within the bound; metrics follow if the task has them.
    pub fn update(&self, i: usize, round: u64) -> Vec<i64> {
        let mut rng = ChaCha20Rng::seed_from_u64(1_000_003 * i as u64 + round);
        let terms = self.terms();
        let bound = terms.encoding.bound as i64;
        let update = (0..terms.elements).map(|_| rng.gen_range(-bound..=bound)).collect::<Vec<_>>();
        let metrics = (0..terms.metrics()).map(|_| rng.gen_range(0..=bound)).collect::<Vec<_>>();
        [update, metrics].concat()
    }

    pub fn masked(&mut self, i: usize, update: &[i64]) -> Masked {
        let round = self.round();
        let group = self.group_of(i);
        let client = &self.clients[i];
        let rctx = self.rctx_of(round.number);
        let layout = self.terms().layout;
        let ctx = self.ctx();
        CheckedIn::resume(&client.keys, &rctx, &client.name(), client.weight)
            .mask(&ctx, &group, &layout, update, &mut self.rng)
            .unwrap()
    }

    /// A client's group in the running round, compared with its root.
    pub fn group_of(&self, i: usize) -> Group {
        let round = self.round();
        let slot = self.member(i).slot;
        let of = round.groups.iter().find(|group| group.members.contains(&slot)).unwrap();
        let check_ins = state::check_ins(&self.storage, self.task, round.number).unwrap();
        let group = derive::group_of_round(&self.members(), &check_ins, of).unwrap();
        assert_eq!(group.root().as_bytes()[..], of.root[..]);
        group
    }

    /// The request list of the running round, compared with its root.
    pub fn requests(&self) -> Requests {
        let round = self.round();
        let check_ins = state::check_ins(&self.storage, self.task, round.number).unwrap();
        let least = self.terms().cohort.min_group;
        let groups = derive::released_groups(&self.members(), &check_ins, &round, least).unwrap();
        let requests = derive::requests(&round, &groups).unwrap();
        assert_eq!(requests.root().as_bytes()[..], round.request_root[..]);
        requests
    }

    /// A seat's share of the value that cuts the groups.
    pub fn evaluation(&mut self, i: usize) -> Signed<Evaluation> {
        let member = self.member(i);
        let dealers: Vec<Slot> =
            self.members().iter().filter(|m| m.slot > 0).map(|m| Slot::new(m.slot).unwrap()).collect();
        let input = derive::partition_input(&self.epoch()).unwrap();
        let ectx = self.ectx();
        let client = &self.clients[i];
        let name = client.name();
        let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(member.seat).unwrap());
        role.evaluate(&input, &dealers, &client.shares, &mut self.rng).unwrap()
    }

    pub fn evaluate_msg(&self, signed: &Signed<Evaluation>) -> Call {
        Call::Evaluate(pb::MsgEvaluate {
            sender: String::new(),
            task_id: self.task,
            epoch: self.the_task().epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }

    pub fn header_msg(&self, masked: &Masked) -> Call {
        Call::SubmitHeader(pb::MsgSubmitHeader {
            sender: String::new(),
            task_id: self.task,
            round: self.the_task().round,
            body: masked.header.body_bytes(),
            signature: masked.header.signature.to_vec(),
        })
    }

    pub fn chunk_msg(&self, masked: &Masked, index: u32) -> Call {
        Call::SubmitChunk(pb::MsgSubmitChunk {
            sender: String::new(),
            task_id: self.task,
            round: self.the_task().round,
            index,
            data: masked.chunks[index as usize].clone(),
        })
    }

    pub fn answer(&mut self, i: usize) -> Signed<Partial> {
        let round = self.round();
        let member = self.member(i);
        let requests = self.requests();
        let admitted = AnswerRecord::new(&derive::rctx(&round).unwrap()).admit(&requests).unwrap();
        let ctx = self.ctx();
        let ectx = self.ectx();
        let client = &self.clients[i];
        let name = client.name();
        let role = Seat::new(&client.keys, ectx, &name, SeatIndex::new(member.seat).unwrap());
        role.answer(&ctx, &requests, &admitted, &client.shares, &mut self.rng).unwrap()
    }

    pub fn unmask_msg(&self, signed: &Signed<Partial>) -> Call {
        Call::Unmask(pb::MsgUnmask {
            sender: String::new(),
            task_id: self.task,
            round: self.the_task().round,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        })
    }
}
