//! Steps of a task, and what a round must have come to.

use super::{zero_model, World};
use bauta_learning::combine::{Combination, GroupSum};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_rounds::{state, Call, Rejection};
use bauta_schema::training::v1 as pb;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::signature::{digest, Body, Signed};
use bauta_secagg::submit::Masked;

impl World {
    pub fn send_as(&mut self, i: usize, call: Call) -> Result<(), Rejection> {
        let address = self.clients[i].address.clone();
        self.send(&address, call)
    }

    pub fn enrol(&mut self, who: &[usize]) {
        for &i in who {
            // Keys are fresh every epoch; those of the one before are kept while evidence is heard.
            let client = &mut self.clients[i];
            let keys = std::mem::replace(&mut client.keys, ProviderKeys::generate(&mut self.rng));
            let mut shares = std::mem::take(&mut client.further);
            shares.insert(0, std::mem::take(&mut client.shares));
            client.before = Some((keys, shares));
            let call = self.enrol_msg(i);
            self.send_as(i, call).unwrap();
        }
    }

    pub fn until_epoch(&mut self, phase: pb::EpochPhase) {
        for _ in 0..60 {
            if self.epoch().phase() == phase {
                return;
            }
            self.block();
        }
        panic!("phase {phase:?} never came: {:?}", self.epoch());
    }

    pub fn until_round(&mut self, phase: pb::RoundPhase) {
        for _ in 0..400 {
            if self.round().phase() == phase {
                return;
            }
            self.block();
        }
        panic!("phase {phase:?} never came: {:?}", self.round());
    }

    /// Until a round has left a phase.
    pub fn until_after(&mut self, round: u64, phase: pb::RoundPhase) {
        for _ in 0..60 {
            if self.numbered(round).phase() != phase {
                return;
            }
            self.block();
        }
        panic!("round {round} never left {phase:?}");
    }

    pub fn until_settled(&mut self, round: u64) -> pb::Round {
        for _ in 0..400 {
            if let Ok(round) = state::round(&self.storage, self.task, round) {
                if round.settled_height > 0 {
                    return round;
                }
            }
            self.block();
        }
        panic!("round {round} never settled");
    }

    pub fn deal_all(&mut self, who: &[usize]) {
        for &i in who {
            let deal = self.deal(i);
            let call = self.deal_msg(&deal);
            self.send_as(i, call).unwrap();
        }
    }

    /// Enrols and deals for `who`; everyone opens their shares; the first round is open.
    pub fn set_up(&mut self, who: &[usize]) {
        self.enrol(who);
        self.until_epoch(pb::EpochPhase::Deal);
        self.deal_all(who);
        self.until_epoch(pb::EpochPhase::Complain);
        while self.epoch().phase() == pb::EpochPhase::Complain {
            self.block();
        }
        for &i in who {
            assert!(self.open_shares(i).is_empty());
        }
        self.partition(who);
    }

    /// The seats of `who` answer when the groups are to be cut, as many as are needed; the first round is open.
    pub fn partition(&mut self, who: &[usize]) {
        if self.epoch().phase() == pb::EpochPhase::Partition {
            self.until_awaited();
            self.evaluate(&who[..self.epoch().threshold as usize]);
        }
        self.until_epoch(pb::EpochPhase::Rounds);
    }

    /// Until the dealers' share keys are added up, and the seats' answers are awaited.
    pub fn until_awaited(&mut self) {
        for _ in 0..400 {
            if self.epoch().window.is_some() {
                return;
            }
            self.block();
        }
        panic!("the seats' answers were never awaited: {:?}", self.epoch());
    }

    pub fn evaluate(&mut self, who: &[usize]) {
        for &i in who {
            let signed = self.evaluation(i);
            let call = self.evaluate_msg(&signed);
            self.send_as(i, call).unwrap();
        }
    }

    pub fn check_in(&mut self, who: &[usize]) {
        let round = self.the_task().round;
        for &i in who {
            let call = self.check_in_msg(i, round);
            self.send_as(i, call).unwrap();
        }
    }

    pub fn submit(&mut self, who: &[usize]) {
        let round = self.the_task().round;
        for &i in who {
            let update = self.update(i, round);
            let masked = self.masked(i, &update);
            self.submit_masked(i, &masked);
        }
    }

    pub fn submit_masked(&mut self, i: usize, masked: &Masked) {
        let header = self.header_msg(masked);
        self.send_as(i, header).unwrap();
        for index in 0..masked.chunks.len() as u32 {
            let chunk = self.chunk_msg(masked, index);
            self.send_as(i, chunk).unwrap();
        }
    }

    pub fn unmask(&mut self, who: &[usize]) {
        for &i in who {
            let answer = self.answer(i);
            let call = self.unmask_msg(&answer);
            self.send_as(i, call).unwrap();
        }
    }

    /// The plain sum of the survivors' weighted updates.
    pub fn plain_sum(&self, survivors: &[usize], round: u64) -> Vec<i64> {
        let mut sum = self.plain_vector(survivors, round);
        sum.truncate(self.terms().elements as usize);
        sum
    }

    /// The plain sum of the survivors' weighted metrics.
    pub fn plain_metrics(&self, survivors: &[usize], round: u64) -> Vec<i64> {
        self.plain_vector(survivors, round).split_off(self.terms().elements as usize)
    }

    fn plain_vector(&self, survivors: &[usize], round: u64) -> Vec<i64> {
        let mut sum = vec![0i64; self.terms().layout.elements() as usize];
        for &i in survivors {
            let weight = self.clients[i].weight as i64;
            for (total, u) in sum.iter_mut().zip(self.update(i, round)) {
                *total += weight * u;
            }
        }
        sum
    }

    pub fn aggregate(&self, round: u64) -> Vec<i64> {
        self.aggregate_of(round, 0)
    }

    /// The sum of one group, or with 0 of all.
    pub fn aggregate_of(&self, round: u64, group: u32) -> Vec<i64> {
        let mut bytes = Vec::new();
        loop {
            let offset = bytes.len() as u64;
            let request = pb::QueryAggregateRequest { task_id: self.task, round, offset, group, ..Default::default() };
            let part = bauta_rounds::query::aggregate(&self.storage, &self.blobs, &request).unwrap();
            bytes.extend(part.aggregate);
            if bytes.len() as u64 >= part.total {
                break;
            }
        }
        bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// Asserts that a finished round's aggregate is the plain sum, and that its model is what the optimiser makes of it.
    pub fn assert_exact(&self, round: u64, survivors: &[usize]) {
        let record = self.numbered(round);
        assert_eq!(record.phase(), pb::RoundPhase::Finished, "{:?}", record.abort_reason());
        let result = record.result.clone().unwrap();
        assert_eq!(self.aggregate(round), self.plain_sum(survivors, round));
        assert_eq!(result.metrics, self.plain_metrics(survivors, round));
        assert_eq!(result.total_weight, survivors.iter().map(|&i| self.clients[i].weight).sum::<u64>());
    }

    /// The model after plain sums of these rounds, from zero, without masks.
    pub fn plain_model(&self, rounds: &[(u64, Vec<usize>)]) -> [u8; 32] {
        let terms = self.terms();
        let mut model = terms.initial_model(Some(&zero_model())).unwrap();
        let mut optimiser = OptimiserState::initial(&terms.optimiser, terms.elements as usize);
        for (round, survivors) in rounds {
            let weight = survivors.iter().map(|&i| self.clients[i].weight).sum();
            let sum = self.plain_sum(survivors, *round);
            let update = Combination::Mean.combine(&[GroupSum::new(&sum, weight)], terms.encoding.scale_bits).unwrap();
            terms.optimiser.step(model.values_mut(), &mut optimiser, &update).unwrap();
        }
        Model::hash(&model)
    }

    /// Signs any body with a client's V.
    pub fn sign<B: Body>(&self, i: usize, context: &B::Context, body: B) -> Signed<B> {
        let secret = self.clients[i].keys.to_bytes();
        let key = k256::schnorr::SigningKey::from_bytes(&secret[96..128]).unwrap();
        let hash = digest(B::KIND, context.as_ref(), &body.encode());
        Signed { signature: key.sign_raw(&hash, &[7; 32]).unwrap().to_bytes(), body }
    }
}
