//! Seats that have answered for a survivor's own mask are restarted, reset or synced, and are then shown a list on which it dropped out.

use crate::lab::{edges, less_masks, open, self_mask, weighted, Opened};
use crate::town::{everyone, submitting};
use crate::world::{all_but, World};
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::parties::Survivors;
use bauta_secagg::ring::Sign;
use bauta_secagg::seat::{AnswerRecord, Conflict, Seat};
use bauta_secagg::submit::Masked;
use bauta_secagg::switches::{without, Switch};
use bauta_secagg::unmask::Requests;

const N: usize = 5;
const VICTIM: usize = 4;

struct Scene {
    world: World,
    masked: Masked,
    truth: Opened,
    /// What the seats' answers to the false list open, or why they do not answer.
    lie: Result<Opened, Conflict>,
}

fn attack() -> Scene {
    let mut world = submitting(N, 41);
    let update = world.update(VICTIM, 1);
    let masked = world.masked(VICTIM, &update);
    world.submit_masked(VICTIM, &masked);
    world.submit(&all_but(N, &[VICTIM]));
    world.until_round(RoundPhase::Unmask);
    let true_list = world.requests();
    let group = world.group_of(VICTIM);
    let slot = |i: usize| Slot::new(world.member(i).slot).unwrap();
    let labels = all_but(N, &[VICTIM]).into_iter().map(slot).collect();
    let least = world.terms().cohort.min_group as usize;
    let survivors = Survivors::new(&group, &labels, least).unwrap();
    let rctx = world.rctx_of(1);
    let false_list = Requests::new(&rctx, &[(&group, &survivors)]).unwrap();
    let (mut to_truth, mut to_lie) = (Vec::new(), Ok(Vec::new()));
    let (ctx, ectx) = (world.ctx(), world.ectx());
    for i in 0..world.epoch().threshold as usize {
        let seat = SeatIndex::new(world.member(i).seat).unwrap();
        let (client, mut record) = (&world.clients[i], AnswerRecord::new(&rctx));
        let name = client.name();
        let role = Seat::new(&client.keys, ectx, &name, seat);
        let admitted = record.admit(&true_list).unwrap();
        to_truth.push(role.answer(&ctx, &true_list, &admitted, &client.shares, &mut world.rng).unwrap());
        // Whatever becomes of the process and of the chain's data, the record is read back from the seat's disk.
        let mut record = AnswerRecord::decode(&record.encode()).unwrap();
        match record.admit(&false_list) {
            Ok(admitted) => {
                let answer = role.answer(&ctx, &false_list, &admitted, &client.shares, &mut world.rng).unwrap();
                to_lie = to_lie.map(|mut answers: Vec<_>| {
                    answers.push(answer);
                    answers
                });
            }
            Err(conflict) => to_lie = Err(conflict),
        }
    }
    let truth = open(&true_list, &to_truth);
    let lie = to_lie.map(|answers| open(&false_list, &answers));
    Scene { world, masked, truth, lie }
}

#[test]
fn is_caught() {
    let Scene { world, lie, .. } = attack();
    let victim = world.member(VICTIM).slot;
    assert_eq!(lie.unwrap_err(), Conflict::BothKinds(victim));
    assert_eq!(everyone(N).len(), world.round().survivors.len());
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::KeptRecord);
    let Scene { world, masked, truth, lie } = attack();
    let slot = Slot::new(world.member(VICTIM).slot).unwrap();
    let mut masks = edges(&lie.unwrap(), &world.group_of(VICTIM), slot);
    masks.push((self_mask(&truth, slot).unwrap(), Sign::Plus));
    let update = weighted(&world, VICTIM, &world.update(VICTIM, 1));
    assert_eq!(less_masks(&world, &world.ctx(), &masked.chunks, &masks), update);
}
