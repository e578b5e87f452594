//! Every message: good bodies and bad ones beside them, with the state they are checked against.

use std::collections::BTreeSet;

use crate::check_in::{self, CheckIn, CheckInState};
use crate::committee::{self, Contribution, ContributionState};
use crate::complain::{self, Complaint, ComplaintState, Verdict};
use crate::context::{Ctx, Ectx, Rctx, Root};
use crate::curve::{Point, VerifyKey};
use crate::deal::{self, Deal, DealState};
use crate::draw::Draw;
use crate::encoding::{Address, SeatIndex, Slot};
use crate::enrol::{self, Enrol};
use crate::joint::{self, Evaluation, EvaluationState, JointInput};
use crate::parties::{SeatHolder, Seats, Survivors};
use crate::rejection::Rejection;
use crate::ring::Layout;
use crate::signature::{Body, Signed};
use crate::submit::{verify_header, Header, HeaderState};
use crate::tests::joint::{dealers, evaluate, input as input_of};
use crate::tests::vectors::{bytes, bytes32, compare, list, number, read, text};
use crate::tests::world::{address as nth_address, index, layout, slot, World};
use crate::unmask::{self, Partial, Requests, SeatKeys, UnmaskState};
use k256::Scalar;
use serde_json::{json, Value};

pub(super) fn address(case: &Value, field: &str) -> Address {
    Address::new(bytes(case, field)).unwrap()
}

pub(super) fn point(case: &Value, field: &str) -> Point {
    Point::from_bytes(&bytes(case, field)).unwrap()
}

pub(super) fn verify_key(case: &Value, field: &str) -> VerifyKey {
    VerifyKey::from_bytes(&bytes(case, field)).unwrap()
}

pub(super) fn seats(case: &Value) -> Seats {
    let holder = |seat: &Value| SeatHolder { address: address(seat, "address"), e: point(seat, "e") };
    Seats::new(list(case, "seats").iter().map(holder).collect()).unwrap()
}

/// What the vector files call an outcome.
fn outcome<T>(result: Result<T, Rejection>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(Rejection::Malformed(_)) => "malformed",
        Err(Rejection::BadSignature(_)) => "bad signature",
        Err(Rejection::Refused(_)) => "refused",
        Err(Rejection::InvalidProof(_)) => "invalid proof",
    }
}

fn parse<B: Body>(case: &Value) -> Result<Signed<B>, Rejection> {
    Ok(Signed::from_parts(&bytes(case, "body"), &bytes(case, "signature"))?)
}

/// A case of a vector file.
fn case<B: Body>(name: &str, signed: &Signed<B>, expect: &str) -> Value {
    raw_case(name, &signed.body.encode(), &signed.signature, expect)
}

fn raw_case(name: &str, body: &[u8], signature: &[u8], expect: &str) -> Value {
    json!({ "name": name, "body": hex::encode(body), "signature": hex::encode(signature), "expect": expect })
}

/// What every message suffers: cut, extended, another signature, another context. `offset` is where a point lies.
fn common<B: Body>(good: &Signed<B>, elsewhere: &Signed<B>, point_at: usize) -> Vec<Value> {
    let body = good.body.encode();
    let mut flipped = good.signature;
    flipped[40] ^= 1;
    let mut identity = body.clone();
    identity[point_at..point_at + 33].fill(0);
    let mut uncompressed = body.clone();
    uncompressed[point_at] = 4;
    vec![
        case("good", good, "accepted"),
        raw_case("a byte is missing", &body[..body.len() - 1], &good.signature, "malformed"),
        raw_case("a byte too many", &[&body[..], &[0]].concat(), &good.signature, "malformed"),
        raw_case("nothing", &[], &good.signature, "malformed"),
        raw_case("the identity as a point", &identity, &good.signature, "malformed"),
        raw_case("a point in another form", &uncompressed, &good.signature, "malformed"),
        raw_case("a bit of the signature is flipped", &body, &flipped, "bad signature"),
        raw_case("a short signature", &body, &good.signature[..63], "malformed"),
        case("signed in another context", elsewhere, "bad signature"),
    ]
}

/// A body whose last 32 bytes, a response, are not reduced.
fn unreduced<B: Body>(good: &Signed<B>) -> Value {
    let mut body = good.body.encode();
    let at = body.len() - 32;
    body[at..].fill(0xff);
    raw_case("a response that is not below the group order", &body, &good.signature, "malformed")
}

fn check_file(name: &str, judge: impl Fn(&Value, &Value) -> &'static str) {
    let file = read(name);
    let cases = list(&file, "cases");
    assert!(cases.iter().any(|case| case["expect"] == "accepted") && cases.len() > 8);
    for case in cases {
        assert_eq!(judge(&file["state"], case), text(case, "expect"), "{name}: {}", case["name"]);
    }
}

#[test]
fn the_enrolment_vectors_hold() {
    let mut world = World::new(2, 21);
    let (keys, me, ectx) = (world.keys[0].clone(), nth_address(0), world.ectx);
    let good = keys.enrol(&ectx, &me, &mut world.rng);
    let elsewhere = keys.enrol(&Ectx::from_bytes([1; 32]), &me, &mut world.rng);
    let mut cases = common(&good, &elsewhere, 2 + 20);
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Enrol)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ectx, body, &mut world.rng), expect)
    };
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(1)));
    cases.push(sign("possession of X does not hold", "invalid proof", &|b| b.proof_x.response += Scalar::ONE));
    cases.push(sign("possession of Z does not hold", "invalid proof", &|b| b.proof_z.commitment = Point::GENERATOR));
    cases.push(sign("possession of E is that of X", "invalid proof", &|b| b.proof_e = b.proof_x));
    cases.push(sign("possession of V does not hold", "invalid proof", &|b| b.proof_v[0] ^= 1));
    let state = json!({ "ectx": hex::encode(ectx.as_bytes()), "address": hex::encode(me.as_bytes()) });
    compare("enrol.json", &json!({ "description": "enrolments", "state": state, "cases": cases }));
    check_file("enrol.json", |state, case| {
        let ectx = Ectx::from_bytes(bytes32(state, "ectx"));
        outcome(parse(case).and_then(|signed| enrol::verify(&ectx, &address(state, "address"), &signed)))
    });
}

#[test]
fn the_deal_vectors_hold() {
    let mut world = World::new(4, 22);
    let (keys, ectx) = (world.keys[0].clone(), world.ectx);
    let good = world.deals[0].clone();
    let elsewhere = keys.v.sign(&Ectx::from_bytes([1; 32]), good.body.clone(), &mut world.rng);
    let mut cases = common(&good, &elsewhere, 2 + 20 + 32 + 4);
    cases.push(unreduced(&good));
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Deal)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ectx, body, &mut world.rng), expect)
    };
    let other = world.deals[1].body.clone();
    cases.push(sign("another dealer", "refused", &|b| b.dealer = nth_address(1)));
    cases.push(sign("made for other seats", "refused", &|b| b.seats_root = Root::from_bytes([9; 32])));
    cases.push(sign("a commitment too few", "refused", &|b| b.commitments.truncate(2)));
    cases.push(sign("a share too few", "refused", &|b| b.ciphertexts.truncate(3)));
    cases.push(sign("commitments to another key", "refused", &|b| b.commitments[0] = other.commitments[0]));
    cases.push(sign("another commitment", "invalid proof", &|b| b.commitments[1] = other.commitments[1]));
    cases.push(sign("another share", "invalid proof", &|b| b.ciphertexts[2] = other.ciphertexts[2]));
    cases.push(sign("a copied ephemeral key", "invalid proof", &|b| b.ephemeral = other.ephemeral));
    cases.push(sign("a copied ephemeral key with its proof", "invalid proof", &|b| {
        b.ephemeral = other.ephemeral;
        b.proof = other.proof;
    }));
    cases.push(sign("another response", "invalid proof", &|b| b.proof.response += Scalar::ONE));
    let holders: Vec<_> = world
        .seats
        .iter()
        .map(|(_, h)| json!({ "address": hex::encode(h.address.as_bytes()), "e": hex::encode(h.e.to_bytes()) }))
        .collect();
    let public = keys.public();
    let state = json!({
        "ectx": hex::encode(ectx.as_bytes()), "dealer": hex::encode(nth_address(0).as_bytes()),
        "x": hex::encode(public.x.to_bytes()), "v": hex::encode(public.v.to_bytes()), "seats": holders, "threshold": 3,
        "share_keys": hex::encode(world.share_keys[0].encode()),
    });
    compare(
        "deal.json",
        &json!({ "description": "deals, and the share keys of the good one", "state": state, "cases": cases }),
    );
    check_file("deal.json", |state, case| {
        let ectx = Ectx::from_bytes(bytes32(state, "ectx"));
        let (dealer, x, v, seats) = (address(state, "dealer"), point(state, "x"), verify_key(state, "v"), seats(state));
        let threshold = number(state, "threshold") as usize;
        let checked = DealState { dealer: &dealer, x: &x, v: &v, seats: &seats, threshold };
        let result = parse::<Deal>(case).and_then(|signed| deal::verify(&ectx, &checked, &signed));
        if let Ok(share_keys) = &result {
            assert_eq!(share_keys.encode(), bytes(state, "share_keys"));
        }
        outcome(result)
    });
}

#[test]
fn the_complaint_vectors_hold() {
    let mut world = World::new(4, 23);
    let (ectx, me) = (world.ectx, nth_address(2));
    let keys = world.keys[2].clone();
    // Dealer 0 encrypted garbage to seat 3; its deal is accepted, for the chain cannot see that.
    let bad = crate::tests::world::deal_with(&mut world, 0, |body| body.ciphertexts[2] = [7; 48]);
    let honest = world.deals[1].clone();
    let mut rng = world.rng.clone();
    let against = |deal: &Deal, rng: &mut _| world.seat(2).complain(deal, rng);
    let good = against(&bad.body, &mut rng);
    let elsewhere = keys.v.sign(&Ectx::from_bytes([1; 32]), good.body.clone(), &mut rng);
    let mut cases = common(&good, &elsewhere, 22 + 4 + 22 + 32);
    cases[0]["expect"] = json!("dealer guilty");
    cases.push(unreduced(&good));
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Complaint)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ectx, body, &mut rng), expect)
    };
    cases.push(sign("another complainer", "refused", &|b| b.complainer = nth_address(1)));
    cases.push(sign("another seat", "refused", &|b| b.seat = SeatIndex::new(2).unwrap()));
    cases.push(sign("another dealer", "refused", &|b| b.dealer = nth_address(1)));
    cases.push(sign("about another deal", "refused", &|b| b.deal_hash[0] ^= 1));
    cases.push(sign("another shared point", "invalid proof", &|b| b.shared = Point::GENERATOR));
    cases.push(sign("another response", "invalid proof", &|b| b.proof.response += Scalar::ONE));
    let mut false_complaint = case("a share that opens", &against(&honest.body, &mut rng), "complainer guilty");
    false_complaint["deal"] = json!(hex::encode(honest.body.encode()));
    false_complaint["share_key"] =
        json!(hex::encode(world.share_keys[1].get(crate::tests::world::index(2)).unwrap().to_bytes()));
    cases.push(false_complaint);
    let public = keys.public();
    let share_key = world.share_keys[0].get(crate::tests::world::index(2)).unwrap();
    let state = json!({
        "ectx": hex::encode(ectx.as_bytes()), "complainer": hex::encode(me.as_bytes()), "v": hex::encode(public.v.to_bytes()),
        "seat": 3, "e": hex::encode(public.e.to_bytes()), "deal": hex::encode(bad.body.encode()),
        "share_key": hex::encode(share_key.to_bytes()),
    });
    let description = "complaints; a case may name another deal and share key than the state";
    compare("complain.json", &json!({ "description": description, "state": state, "cases": cases }));
    let file = read("complain.json");
    for case in list(&file, "cases") {
        let state = &file["state"];
        let of = if case.get("deal").is_some() { case } else { state };
        let deal = Deal::decode(&bytes(of, "deal")).unwrap();
        let (complainer, v, e) = (address(state, "complainer"), verify_key(state, "v"), point(state, "e"));
        let checked = ComplaintState {
            complainer: &complainer,
            v: &v,
            seat: SeatIndex::new(number(state, "seat") as u32).unwrap(),
            e: &e,
            deal: &deal,
            share_key: &point(of, "share_key"),
        };
        let ectx = Ectx::from_bytes(bytes32(state, "ectx"));
        let result = match parse(case).and_then(|signed| complain::judge(&ectx, &checked, &signed)) {
            Ok(Verdict::DealerGuilty) => "dealer guilty",
            Ok(Verdict::ComplainerGuilty) => "complainer guilty",
            Err(error) => outcome::<()>(Err(error)),
        };
        assert_eq!(result, text(case, "expect"), "{}", case["name"]);
    }
}

#[test]
fn the_check_in_vectors_hold() {
    let mut world = World::new(3, 24);
    let (rctx, me, keys) = (world.rctx(1), nth_address(1), world.keys[1].clone());
    let (good, _) = world.check_in(1, 1, 5);
    let elsewhere = keys.v.sign(&world.rctx(2), good.body.clone(), &mut world.rng);
    let (other_round, _) = world.check_in(1, 2, 5);
    let (other_slot, _) = world.check_in(0, 1, 5);
    let mut cases = common(&good, &elsewhere, 22 + 8);
    cases.push(unreduced(&good));
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut CheckIn)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&rctx, body, &mut world.rng), expect)
    };
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(0)));
    cases.push(sign("no weight", "refused", &|b| b.weight = 0));
    cases.push(sign("a weight above the task's", "refused", &|b| b.weight = 101));
    cases.push(sign("another weight than the proof's", "invalid proof", &|b| b.weight = 6));
    cases.push(sign("another point", "invalid proof", &|b| b.point = Point::GENERATOR));
    cases.push(sign("another commitment", "invalid proof", &|b| b.proof.base_commitment = Point::GENERATOR));
    let (round, slot) = (other_round.body.clone(), other_slot.body.clone());
    cases.push(sign("point and proof of another round", "invalid proof", &|b| {
        (b.point, b.proof) = (round.point, round.proof)
    }));
    cases.push(sign("point and proof of another slot", "invalid proof", &|b| {
        (b.point, b.proof) = (slot.point, slot.proof)
    }));
    let public = keys.public();
    let state = json!({
        "rctx": hex::encode(rctx.as_bytes()), "address": hex::encode(me.as_bytes()), "x": hex::encode(public.x.to_bytes()),
        "v": hex::encode(public.v.to_bytes()), "max_weight": 100,
    });
    compare("check_in.json", &json!({ "description": "check-ins", "state": state, "cases": cases }));
    check_file("check_in.json", |state, case| {
        let (address, x, v) = (address(state, "address"), point(state, "x"), verify_key(state, "v"));
        let checked = CheckInState { address: &address, x: &x, v: &v, max_weight: number(state, "max_weight") };
        let rctx = Rctx::from_bytes(bytes32(state, "rctx"));
        outcome(parse(case).and_then(|signed| check_in::verify(&rctx, &checked, &signed)))
    });
}

#[test]
fn the_contribution_vectors_hold() {
    let world = World::new(3, 28);
    let (ectx, me, keys) = (world.ectx, nth_address(1), world.keys[1].clone());
    let enrolled_root = Root::from_bytes([6; 32]);
    let input = committee::input_for_everyone(&ectx, &enrolled_root);
    let mut rng = world.rng.clone();
    let good = committee::contribute(&keys, &ectx, &me, &input, &mut rng);
    let elsewhere = keys.v.sign(&Ectx::from_bytes([1; 32]), good.body.clone(), &mut rng);
    let theirs = committee::contribute(&world.keys[0], &ectx, &nth_address(0), &input, &mut rng).body;
    let mut cases = common(&good, &elsewhere, 22 + 32);
    cases.push(unreduced(&good));
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Contribution)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ectx, body, &mut rng), expect)
    };
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(0)));
    cases.push(sign("another input", "refused", &|b| b.input[0] ^= 1));
    cases.push(sign("another value", "invalid proof", &|b| b.value = Point::GENERATOR));
    cases.push(sign("value and proof of another", "invalid proof", &|b| {
        (b.value, b.proof) = (theirs.value, theirs.proof)
    }));
    cases.push(sign("another response", "invalid proof", &|b| b.proof.response += Scalar::ONE));
    let given = [(nth_address(0), theirs.value), (me.clone(), good.body.value)];
    let seed = committee::seed(&input, &given);
    let mut draw = Draw::from_seed(&seed);
    let bonds: [u128; 4] = [1_000, 0, 5_000_000_000_000_000_000_000, 1_000_000_000_000_000_000_000];
    let drawn: Vec<_> = (0..12).map(|_| committee::draw_one(&mut draw, &bonds).unwrap()).collect();
    let public = keys.public();
    let state = json!({
        "ectx": hex::encode(ectx.as_bytes()), "enrolment_root": hex::encode(enrolled_root.as_bytes()),
        "input": hex::encode(input.hash()), "address": hex::encode(me.as_bytes()),
        "x": hex::encode(public.x.to_bytes()), "v": hex::encode(public.v.to_bytes()),
        "contributions": given.iter().map(|(address, value)| json!({
            "address": hex::encode(address.as_bytes()), "value": hex::encode(value.to_bytes()),
        })).collect::<Vec<_>>(),
        "seed": hex::encode(seed), "bonds": bonds.map(|bond| bond.to_string()), "drawn": drawn,
    });
    let description = "contributions to the seed of the seats; the seed of two, and places drawn with it by bond";
    compare("contribution.json", &json!({ "description": description, "state": state, "cases": cases }));
    check_file("contribution.json", |state, case| {
        let ectx = Ectx::from_bytes(bytes32(state, "ectx"));
        let input = committee::input_for_everyone(&ectx, &Root::from_bytes(bytes32(state, "enrolment_root")));
        assert_eq!(input.hash(), &bytes32(state, "input"));
        let given = |value: &Value| (address(value, "address"), point(value, "value"));
        let given: Vec<_> = list(state, "contributions").iter().map(given).collect();
        assert_eq!(committee::seed(&input, &given), bytes32(state, "seed"));
        let bonds: Vec<u128> =
            list(state, "bonds").iter().map(|bond| bond.as_str().unwrap().parse().unwrap()).collect();
        let mut draw = Draw::from_seed(&bytes32(state, "seed"));
        for place in list(state, "drawn") {
            assert_eq!(committee::draw_one(&mut draw, &bonds), Some(place.as_u64().unwrap() as usize));
        }
        let (address, x, v) = (address(state, "address"), point(state, "x"), verify_key(state, "v"));
        let checked = ContributionState { ectx: &ectx, input: &input, address: &address, x: &x, v: &v };
        outcome(parse(case).and_then(|signed| committee::verify(&checked, &signed)))
    });
}

#[test]
fn the_evaluation_vectors_hold() {
    let world = World::new(4, 27);
    let (ectx, me, keys) = (world.ectx, nth_address(2), world.keys[2].clone());
    let (all, fewer) = (dealers(&world, &[]), dealers(&world, &[0]));
    let input = input_of(&world, &all);
    let good = evaluate(&world, 2, &input, &all);
    let mut rng = world.rng.clone();
    let elsewhere = keys.v.sign(&Ectx::from_bytes([1; 32]), good.body.clone(), &mut rng);
    // Address, seat and input come before the first point.
    let mut cases = common(&good, &elsewhere, 22 + 4 + 32);
    cases.push(unreduced(&good));
    let other_seat = evaluate(&world, 1, &input, &all).body;
    let other_dealers = evaluate(&world, 2, &input, &fewer).body;
    let other_input = evaluate(&world, 2, &input_of(&world, &fewer), &fewer).body;
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Evaluation)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ectx, body, &mut rng), expect)
    };
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(0)));
    cases.push(sign("another seat", "refused", &|b| b.seat = SeatIndex::new(2).unwrap()));
    cases.push(sign("another input, of other dealers", "refused", &|b| *b = other_input.clone()));
    cases.push(sign("the input under the key of other dealers", "refused", &|b| *b = other_dealers.clone()));
    cases.push(sign("another value", "invalid proof", &|b| b.value = Point::GENERATOR));
    cases.push(sign("value and proof of another seat", "invalid proof", &|b| {
        (b.value, b.proof) = (other_seat.value, other_seat.proof)
    }));
    cases.push(sign("another commitment", "invalid proof", &|b| b.proof.commitment = Point::GENERATOR));
    cases.push(sign("another response", "invalid proof", &|b| b.proof.response += Scalar::ONE));
    let values: Vec<_> = (0..3)
        .map(|k| {
            let body = evaluate(&world, k, &input, &all).body;
            json!({ "seat": k + 1, "value": hex::encode(body.value.to_bytes()) })
        })
        .collect();
    let points: Vec<_> = (0..3).map(|k| (index(k), evaluate(&world, k, &input, &all).body.value)).collect();
    let state = json!({
        "ectx": hex::encode(ectx.as_bytes()), "dealers_root": hex::encode(world.roster.root().as_bytes()),
        "input": hex::encode(input.hash()), "base": hex::encode(input.base().to_bytes()),
        "address": hex::encode(me.as_bytes()), "seat": 3, "v": hex::encode(keys.public().v.to_bytes()),
        "share_key": hex::encode(good.body.share_key.to_bytes()), "values": values,
        "joint_value": hex::encode(joint::combine(&points).unwrap().to_bytes()),
    });
    let description = "evaluations of a joint key for the partition; the values of three seats give the joint value";
    compare("evaluation.json", &json!({ "description": description, "state": state, "cases": cases }));
    check_file("evaluation.json", |state, case| {
        let ectx = Ectx::from_bytes(bytes32(state, "ectx"));
        let input = JointInput::partition(&ectx, &Root::from_bytes(bytes32(state, "dealers_root")));
        assert_eq!(input.hash(), &bytes32(state, "input"));
        assert_eq!(*input.base(), point(state, "base"));
        let (address, v) = (address(state, "address"), verify_key(state, "v"));
        let seat = SeatIndex::new(number(state, "seat") as u32).unwrap();
        let share_key = point(state, "share_key");
        let checked =
            EvaluationState { ectx: &ectx, input: &input, address: &address, seat, v: &v, share_key: Some(&share_key) };
        let value = |v: &Value| (SeatIndex::new(number(v, "seat") as u32).unwrap(), point(v, "value"));
        let values: Vec<_> = list(state, "values").iter().map(value).collect();
        assert_eq!(joint::combine(&values), Ok(point(state, "joint_value")));
        outcome(parse(case).and_then(|signed| joint::verify(&checked, &signed)))
    });
}

#[test]
fn the_header_vectors_hold() {
    let mut world = World::new(3, 25);
    let (ctx, keys, layout) = (world.ctx(1), world.keys[1].clone(), layout(20, 11, 4));
    let (group, mut states) = world.group(1, &[(0, 1), (1, 3), (2, 1)]);
    let update: Vec<_> = (-5..6).collect();
    let masked = states.remove(&1).unwrap().mask(&ctx, &group, &layout, &update, &mut world.rng).unwrap();
    let good = masked.header;
    let body = good.body.encode();
    let mut flipped = good.signature;
    flipped[3] ^= 1;
    let mut rng = world.rng.clone();
    let mut cases = vec![
        case("good", &good, "accepted"),
        raw_case("a byte is missing", &body[..body.len() - 1], &good.signature, "malformed"),
        raw_case("a byte too many", &[&body[..], &[0]].concat(), &good.signature, "malformed"),
        raw_case("a bit of the signature is flipped", &body, &flipped, "bad signature"),
        case("signed in another context", &keys.v.sign(&world.ctx(2), good.body.clone(), &mut rng), "bad signature"),
    ];
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Header)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ctx, body, &mut rng), expect)
    };
    cases.push(sign("another ctx", "refused", &|b| b.ctx = Ctx::from_bytes([8; 32])));
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(0)));
    cases.push(sign("another slot", "refused", &|b| b.slot = slot(2)));
    cases.push(sign("masked towards another group", "refused", &|b| b.group_root = Root::from_bytes([8; 32])));
    cases.push(sign("another weight", "refused", &|b| b.weight = 4));
    cases.push(sign("another size", "refused", &|b| b.bytes += 1));
    cases.push(sign("a chunk too few", "refused", &|b| b.chunks.truncate(2)));
    let chunks: Vec<_> = masked.chunks.iter().map(hex::encode).collect();
    let group_json: Vec<_> = group
        .iter()
        .map(|m| {
            json!({
                "slot": m.slot.get(), "address": hex::encode(m.address.as_bytes()), "x": hex::encode(m.x.to_bytes()),
                "p": hex::encode(m.p.to_bytes()),
            })
        })
        .collect();
    let state = json!({
        "ctx": hex::encode(ctx.as_bytes()), "rctx": hex::encode(world.rctx(1).as_bytes()), "address": hex::encode(nth_address(1).as_bytes()),
        "v": hex::encode(keys.public().v.to_bytes()), "slot": 2, "group_root": hex::encode(group.root().as_bytes()), "weight": 3,
        "bits": 20, "elements": 11, "chunk_elems": 4,
    });
    let masking = json!({
        "secret_x": hex::encode(keys.x.to_bytes().as_ref()), "group": group_json, "update": update, "chunks": chunks,
    });
    let description = "headers, and the masked vector of the good one from its secret key";
    compare("header.json", &json!({ "description": description, "state": state, "masking": masking, "cases": cases }));
    check_file("header.json", |state, case| {
        let ctx = Ctx::from_bytes(bytes32(state, "ctx"));
        let (address, v) = (address(state, "address"), verify_key(state, "v"));
        let checked = HeaderState {
            ctx: &ctx,
            address: &address,
            v: &v,
            slot: Slot::new(number(state, "slot") as u32).unwrap(),
            group_root: Root::from_bytes(bytes32(state, "group_root")),
            weight: number(state, "weight"),
            layout: &read_layout(state),
        };
        outcome(parse(case).and_then(|signed| verify_header(&checked, &signed)))
    });
}

fn read_layout(state: &Value) -> Layout {
    layout(number(state, "bits") as u32, number(state, "elements"), number(state, "chunk_elems") as u32)
}

#[test]
fn the_partial_vectors_hold() {
    let mut world = World::new(4, 26);
    let (ctx, keys) = (world.ctx(1), world.keys[2].clone());
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let survivors = Survivors::new(&group, &BTreeSet::from([slot(0), slot(1), slot(3)]), 3).unwrap();
    let requests = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
    let good = world.answer(2, 1, &requests);
    let mut rng = world.rng.clone();
    let elsewhere = keys.v.sign(&world.ctx(2), good.body.clone(), &mut rng);
    // Address, seat, roots, count, kind and slot come before the first value.
    let mut cases = common(&good, &elsewhere, 22 + 4 + 32 + 32 + 4 + 1 + 4);
    cases.push(unreduced(&good));
    let mut sign = |name: &str, expect: &str, change: &dyn Fn(&mut Partial)| {
        let mut body = good.body.clone();
        change(&mut body);
        case(name, &keys.v.sign(&ctx, body, &mut rng), expect)
    };
    cases.push(sign("another address", "refused", &|b| b.address = nth_address(0)));
    cases.push(sign("another seat", "refused", &|b| b.seat = SeatIndex::new(2).unwrap()));
    cases.push(sign("another request list", "refused", &|b| b.request_root = Root::from_bytes([1; 32])));
    cases.push(sign("made with shares of other deals", "refused", &|b| b.share_keys_root = Root::from_bytes([1; 32])));
    cases.push(sign("an entry too few", "refused", &|b| b.entries.truncate(b.entries.len() - 1)));
    cases.push(sign("entries out of order", "refused", &|b| b.entries.swap(0, 1)));
    cases.push(sign("an entry that was not asked for", "refused", &|b| {
        b.entries[0].asked = unmask::Asked::SelfMask { provider: slot(2) };
    }));
    cases.push(sign("another value of a self mask", "invalid proof", &|b| b.entries[1].value = Point::GENERATOR));
    cases.push(sign("another value of an edge", "invalid proof", &|b| b.entries[4].value = Point::GENERATOR));
    cases.push(sign("two values are swapped", "invalid proof", &|b| {
        (b.entries[0].value, b.entries[1].value) = (b.entries[1].value, b.entries[0].value);
    }));
    cases.push(sign("a proof too few", "invalid proof", &|b| b.proofs.truncate(b.proofs.len() - 1)));
    cases.push(sign("another commitment", "invalid proof", &|b| b.proofs[0].commitment = Point::GENERATOR));
    cases.push(sign("another response", "invalid proof", &|b| b.proofs[1].response += Scalar::ONE));
    let share_keys: Vec<_> = world
        .seat_keys(2)
        .iter()
        .map(|(slot, key)| json!({ "slot": slot.get(), "share_key": hex::encode(key.to_bytes()) }))
        .collect();
    let state = json!({
        "rctx": hex::encode(world.rctx(1).as_bytes()), "ctx": hex::encode(ctx.as_bytes()), "requests": hex::encode(requests.encode()),
        "request_root": hex::encode(requests.root().as_bytes()), "address": hex::encode(nth_address(2).as_bytes()), "seat": 3,
        "v": hex::encode(keys.public().v.to_bytes()), "share_keys": share_keys,
    });
    let description = "a request list (slots 1, 2 and 4 survive, 3 dropped out) and partials that answer it";
    compare("partial.json", &json!({ "description": description, "state": state, "cases": cases }));
    check_file("partial.json", |state, case| {
        let (ctx, rctx) = (Ctx::from_bytes(bytes32(state, "ctx")), Rctx::from_bytes(bytes32(state, "rctx")));
        let requests = Requests::decode(&rctx, &bytes(state, "requests")).unwrap();
        assert_eq!(requests.root().as_bytes(), &bytes32(state, "request_root"));
        let key = |entry: &Value| (Slot::new(number(entry, "slot") as u32).unwrap(), point(entry, "share_key"));
        let keys: SeatKeys = list(state, "share_keys").iter().map(key).collect();
        let (address, v) = (address(state, "address"), verify_key(state, "v"));
        let seat = SeatIndex::new(number(state, "seat") as u32).unwrap();
        let checked = UnmaskState { ctx: &ctx, requests: &requests, address: &address, seat, v: &v, keys: &keys };
        outcome(parse(case).and_then(|signed| unmask::verify(&checked, &signed)))
    });
}
