//! Roots, contexts, hashing, streams, packing and interpolation.

use crate::context::{joint_input, Ctx, Ectx, ModelHash, Rctx, Root, SettingsHash};
use crate::curve::{hash_to_curve, HashKind, Point};
use crate::draw::Draw;
use crate::encoding::{SeatIndex, Slot};
use crate::interpolate::Lagrange;
use crate::joint::JointInput;
use crate::parties::{Group, GroupMember, Member, Roster, Seats};
use crate::partition::cut;
use crate::prg::{MaskKey, Use};
use crate::ring::{Elements, Layout, Sign};
use crate::root::tree_hash;
use crate::tests::vectors::{bytes, bytes32, compare, list, number, read, text};
use crate::tests::world::{layout, World};
use serde_json::{json, Value};

#[test]
fn the_roots_vectors_hold() {
    let leaves: Vec<Vec<u8>> = (0u8..9).map(|i| vec![i; usize::from(i)]).collect();
    let lists: Vec<_> = (0..=9)
        .map(|n| {
            let hex: Vec<_> = leaves[..n].iter().map(hex::encode).collect();
            json!({ "leaves": hex, "root": hex::encode(tree_hash(&leaves[..n]).as_bytes()) })
        })
        .collect();
    let mut world = World::new(4, 11);
    let member = |(slot, m): (Slot, &Member)| {
        json!({
            "slot": slot.get(), "address": hex::encode(m.address.as_bytes()), "x": hex::encode(m.x.to_bytes()),
            "z": hex::encode(m.z.to_bytes()), "e": hex::encode(m.e.to_bytes()), "v": hex::encode(m.v.to_bytes()),
        })
    };
    let roster: Vec<_> = world.roster.iter().map(member).collect();
    let seats: Vec<_> = world
        .seats
        .iter()
        .map(|(k, h)| json!({ "seat": k.get(), "address": hex::encode(h.address.as_bytes()), "e": hex::encode(h.e.to_bytes()) }))
        .collect();
    let (group, _) = world.group(1, &[(0, 1), (2, 1), (3, 1)]);
    let members: Vec<_> = group
        .iter()
        .map(|m| {
            json!({
                "slot": m.slot.get(), "address": hex::encode(m.address.as_bytes()), "x": hex::encode(m.x.to_bytes()),
                "p": hex::encode(m.p.to_bytes()),
            })
        })
        .collect();
    compare(
        "roots.json",
        &json!({
            "description": "RFC 6962 tree hashes, and the roots that messages carry",
            "lists": lists,
            "roster": { "members": roster, "root": hex::encode(world.roster.root().as_bytes()) },
            "seats": { "seats": seats, "root": hex::encode(world.seats.root().as_bytes()) },
            "group": { "members": members, "root": hex::encode(group.root().as_bytes()) },
        }),
    );
    let file = read("roots.json");
    for case in list(&file, "lists") {
        let leaves: Vec<_> =
            list(case, "leaves").iter().map(|leaf| hex::decode(leaf.as_str().unwrap()).unwrap()).collect();
        assert_eq!(tree_hash(leaves).as_bytes(), &bytes32(case, "root"));
    }
    let read_member = |m: &Value| GroupMember {
        slot: Slot::new(number(m, "slot") as u32).unwrap(),
        address: super::messages::address(m, "address"),
        x: super::messages::point(m, "x"),
        p: super::messages::point(m, "p"),
    };
    let group = Group::new(list(&file["group"], "members").iter().map(read_member).collect()).unwrap();
    assert_eq!(group.root().as_bytes(), &bytes32(&file["group"], "root"));
    let seats: Seats = super::messages::seats(&file["seats"]);
    assert_eq!(seats.root().as_bytes(), &bytes32(&file["seats"], "root"));
    let read_member = |m: &Value| Member {
        address: super::messages::address(m, "address"),
        x: super::messages::point(m, "x"),
        z: super::messages::point(m, "z"),
        e: super::messages::point(m, "e"),
        v: super::messages::verify_key(m, "v"),
    };
    let roster = Roster::new(list(&file["roster"], "members").iter().map(read_member).collect()).unwrap();
    assert_eq!(roster.root().as_bytes(), &bytes32(&file["roster"], "root"));
}

#[test]
fn the_contexts_vectors_hold() {
    let (settings, model, roster) = ([1; 32], [2; 32], [3; 32]);
    let ectx = Ectx::new("bauta-1", 5, 2, &SettingsHash::from_bytes(settings)).unwrap();
    let rctx = Rctx::new(&ectx, 9);
    let ctx = Ctx::new(&rctx, &ModelHash::from_bytes(model), &Root::from_bytes(roster));
    let kinds = [HashKind::Pair, HashKind::SelfMask, HashKind::Beacon, HashKind::Partition, HashKind::Seats];
    let points: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let point = hash_to_curve(*kind, rctx.as_bytes());
            json!({ "kind": kind.name(), "c": hex::encode(rctx.as_bytes()), "point": hex::encode(point.to_bytes()) })
        })
        .collect();
    let joint = joint_input(HashKind::Partition, &ectx, 0, &Root::from_bytes([4; 32]), &Root::from_bytes([5; 32]));
    compare(
        "contexts.json",
        &json!({
            "description": "ectx, rctx and ctx; points hashed to the curve; the input of a joint key's evaluation",
            "chain_id": "bauta-1", "task": 5, "epoch": 2, "round": 9,
            "settings_hash": hex::encode(settings), "model_hash": hex::encode(model), "roster_root": hex::encode(roster),
            "ectx": hex::encode(ectx.as_bytes()), "rctx": hex::encode(rctx.as_bytes()), "ctx": hex::encode(ctx.as_bytes()),
            "points": points,
            "joint": {
                "kind": "partition", "round": 0, "evaluated": hex::encode([4; 32]), "dealers": hex::encode([5; 32]),
                "input": hex::encode(joint),
            },
        }),
    );
    let file = read("contexts.json");
    let settings = SettingsHash::from_bytes(bytes32(&file, "settings_hash"));
    let ectx = Ectx::new(text(&file, "chain_id"), number(&file, "task"), number(&file, "epoch"), &settings).unwrap();
    assert_eq!(ectx.as_bytes(), &bytes32(&file, "ectx"));
    let rctx = Rctx::new(&ectx, number(&file, "round"));
    assert_eq!(rctx.as_bytes(), &bytes32(&file, "rctx"));
    let model = ModelHash::from_bytes(bytes32(&file, "model_hash"));
    let ctx = Ctx::new(&rctx, &model, &Root::from_bytes(bytes32(&file, "roster_root")));
    assert_eq!(ctx.as_bytes(), &bytes32(&file, "ctx"));
    for case in list(&file, "points") {
        let kind = kinds.iter().find(|kind| kind.name() == text(case, "kind")).unwrap();
        assert_eq!(hash_to_curve(*kind, &bytes32(case, "c")).to_bytes().to_vec(), bytes(case, "point"));
    }
}

fn elements(layout: &Layout, chunk: u32, values: &[i64]) -> Elements {
    let mut elements = layout.zero(chunk).unwrap();
    values.iter().enumerate().for_each(|(e, value)| elements.add_integer(e, *value));
    elements
}

#[test]
fn the_streams_vectors_hold() {
    let ctx = Ctx::from_bytes([7; 32]);
    let mut cases = Vec::new();
    for use_ in [Use::Vector, Use::Blind, Use::Cohort] {
        for (bits, chunk) in [(16, 0), (20, 1), (32, 2), (33, 0), (48, 1), (64, 3)] {
            let layout = layout(bits, 80, 20);
            let mut mask = layout.zero(chunk).unwrap();
            let key = MaskKey::new(use_, &ctx, &Point::GENERATOR);
            key.apply(&mut mask, Sign::Plus);
            // As decimal strings: JSON's numbers do not hold 64 bits everywhere.
            let values: Vec<_> = (0..mask.len()).map(|e| mask.get(e).unwrap().to_string()).collect();
            cases.push(json!({
                "use": use_.name(), "ctx": hex::encode(ctx.as_bytes()), "point": hex::encode(Point::GENERATOR.to_bytes()),
                "bits": bits, "chunk": chunk, "keystream": hex::encode(key.bytes(chunk, 32)), "elements": values,
            }));
        }
    }
    compare(
        "streams.json",
        &json!({ "description": "mask streams: first bytes of the keystream, and the elements of a chunk", "cases": cases }),
    );
    for case in list(&read("streams.json"), "cases") {
        let use_ = [Use::Vector, Use::Blind, Use::Cohort].into_iter().find(|u| u.name() == text(case, "use")).unwrap();
        let point = super::messages::point(case, "point");
        let key = MaskKey::new(use_, &Ctx::from_bytes(bytes32(case, "ctx")), &point);
        let chunk = number(case, "chunk") as u32;
        let ring = crate::ring::Pow2::new(number(case, "bits") as u32).unwrap();
        assert_eq!(key.bytes(chunk, 32), bytes(case, "keystream"));
        for (e, value) in (0..).zip(list(case, "elements")) {
            assert_eq!(key.element(ring, chunk, e).to_string(), value.as_str().unwrap());
        }
    }
}

#[test]
fn the_packing_vectors_hold() {
    let values = [0i64, 1, -1, 2, -2, 12_345, -12_345, 32_767, -32_768];
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for bits in [16, 17, 20, 24, 31, 32, 33, 40, 48, 57, 63, 64] {
        for count in [1, 2, 5, 9] {
            let layout = layout(bits, count, 9);
            let decoded = &values[..count as usize];
            let packed = elements(&layout, 0, decoded).pack();
            good.push(json!({ "bits": bits, "elements": decoded, "packed": hex::encode(&packed) }));
            let mut longer = packed.clone();
            longer.push(0);
            let wrong = |reason: &str, bytes: &[u8]| json!({ "bits": bits, "count": count, "packed": hex::encode(bytes), "reason": reason });
            if count == 5 {
                bad.push(wrong("a byte too many", &longer));
                bad.push(wrong("a byte too few", &packed[..packed.len() - 1]));
            }
            if !(u64::from(bits) * count).is_multiple_of(8) {
                let mut padded = packed.clone();
                *padded.last_mut().unwrap() |= 0x80;
                bad.push(wrong("a padding bit is set", &padded));
            }
        }
    }
    compare("packing.json", &json!({ "description": "chunks on the wire", "good": good, "bad": bad }));
    let file = read("packing.json");
    for case in list(&file, "good") {
        let expected: Vec<_> = list(case, "elements").iter().map(|value| value.as_i64().unwrap()).collect();
        let layout = layout(number(case, "bits") as u32, expected.len() as u64, 9);
        let mut sum = layout.zero(0).unwrap();
        sum.add_packed(&bytes(case, "packed"), Sign::Plus).unwrap();
        assert_eq!(sum.decode(), expected);
        assert_eq!(sum.pack(), bytes(case, "packed"));
    }
    for case in list(&file, "bad") {
        let layout = layout(number(case, "bits") as u32, number(case, "count"), 9);
        assert!(layout.check(0, &bytes(case, "packed")).is_err(), "{case}");
    }
}

#[test]
fn the_interpolation_vectors_hold() {
    let sets: [&[u32]; 7] =
        [&[1], &[1, 2], &[2, 1], &[1, 2, 3], &[2, 5, 7, 96], &[96, 95, 94, 93, 92], &[3, 1, 4, 15, 9, 26, 53, 58, 89]];
    let cases: Vec<_> = sets
        .iter()
        .map(|seats| {
            let indices: Vec<_> = seats.iter().map(|k| SeatIndex::new(*k).unwrap()).collect();
            let scalars = Lagrange::new(&indices).unwrap().scalars();
            let hex: Vec<_> = scalars.iter().map(|scalar| hex::encode(scalar.to_bytes())).collect();
            json!({ "seats": seats, "coefficients": hex })
        })
        .collect();
    compare(
        "interpolation.json",
        &json!({
            "description": "Lagrange coefficients at zero modulo the group order",
            "good": cases, "bad": [{ "seats": [1, 2, 1], "reason": "a seat twice" }, { "seats": [], "reason": "no seat" }],
        }),
    );
    let file = read("interpolation.json");
    let seats = |case: &Value| {
        let indices = list(case, "seats").iter().map(|k| SeatIndex::new(k.as_u64().unwrap() as u32).unwrap());
        indices.collect::<Vec<_>>()
    };
    for case in list(&file, "good") {
        // Through points: sum_k lambda_k (k G) interpolates the polynomial f(x) = x at zero, plus one for f(x) = x + 1.
        let lagrange = Lagrange::new(&seats(case)).unwrap();
        let hex: Vec<_> = lagrange.scalars().iter().map(|scalar| hex::encode(scalar.to_bytes())).collect();
        assert_eq!(json!(hex), case["coefficients"]);
    }
    for case in list(&file, "bad") {
        assert!(Lagrange::new(&seats(case)).is_err());
    }
}

#[test]
fn the_partition_vectors_hold() {
    let ectx = Ectx::from_bytes([3; 32]);
    let dealers = Root::from_bytes([4; 32]);
    let input = JointInput::partition(&ectx, &dealers);
    let numbers = |slots: &[Slot]| slots.iter().map(|slot| slot.get()).collect::<Vec<_>>();
    let cases: Vec<_> = [(2u32, 3usize), (5, 3), (6, 3), (11, 4), (33, 16), (100, 16)]
        .into_iter()
        .map(|(n, g)| {
            // Slots keep the gaps that disqualified dealers leave.
            let slots: Vec<_> = (1..=n).map(|i| Slot::new(2 * i).unwrap()).collect();
            let point = *input.base();
            let groups: Vec<_> = cut(&input, &point, &slots, g).iter().map(|group| numbers(group)).collect();
            json!({ "point": hex::encode(point.to_bytes()), "slots": numbers(&slots), "group_size": g, "groups": groups })
        })
        .collect();
    let mut draw = Draw::new("partition", &input, input.base());
    let bounds = [1u64, 2, 3, 1_000, u64::MAX / 3 * 2 + 2, u64::MAX, 7, 7, 7, 7, 7, 7];
    let drawn: Vec<_> = bounds.iter().map(|bound| draw.below(*bound).to_string()).collect();
    compare(
        "partition.json",
        &json!({
            "description": "partitions cut with the value of a joint key, and numbers drawn with it one after the other",
            "ectx": hex::encode(ectx.as_bytes()), "dealers_root": hex::encode(dealers.as_bytes()),
            "input": hex::encode(input.hash()), "cases": cases,
            "draws": { "bounds": bounds.map(|bound| bound.to_string()), "numbers": drawn },
        }),
    );
    let file = read("partition.json");
    let ectx = Ectx::from_bytes(bytes32(&file, "ectx"));
    let input = JointInput::partition(&ectx, &Root::from_bytes(bytes32(&file, "dealers_root")));
    assert_eq!(input.hash(), &bytes32(&file, "input"));
    let read_slots = |value: &Value| -> Vec<Slot> {
        let slot = |number: &Value| Slot::new(number.as_u64().unwrap() as u32).unwrap();
        value.as_array().unwrap().iter().map(slot).collect()
    };
    for case in list(&file, "cases") {
        let point = Point::from_bytes(&bytes(case, "point")).unwrap();
        let groups: Vec<_> = list(case, "groups").iter().map(read_slots).collect();
        assert_eq!(cut(&input, &point, &read_slots(&case["slots"]), number(case, "group_size") as usize), groups);
    }
}
