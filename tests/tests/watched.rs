//! `bauta watch` beside a real node: what cheaters sign and no block takes convicts them, and earns the watcher the bounty.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bauta_client::chain::{Chain, DEFAULT_DENOM};
use bauta_client::contracts::Contracts;
use bauta_client::disk::Durability;
use bauta_client::provider::{Behaviour, Honest, Scene};
use bauta_client::watch::{Event, Report, WatchConfig, Watcher};
use bauta_messages::registry::Standing;
use bauta_messages::slashing::SettledOffence;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::Root;
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::signature::{digest, Body};
use bauta_secagg::unmask::{Asked, Partial, PartialEntry};
use bauta_tests::network::{signer, Crew, Embedded, Held, Host, Job};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use cosmos_sdk_proto::Any;
use prost::Message as _;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// What everybody bonds.
const BOND: u128 = 1_000_000_000;
const DEPOSIT: u128 = 1_000_000;
/// More than any fee here.
const FEES: u128 = DEPOSIT / 2;

/// What a provider signs beside what the protocol asks, in the first round; a peer's mempool shows it, and no block takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cheat {
    /// Another header.
    SecondHeader,
    /// The same header again, in another transaction: with a higher fee, say.
    SameHeader,
    /// A check-in whose proof does not hold.
    FalseProof,
    /// The check-in again, with another proof of the same.
    AnotherProof,
    /// An answer that nobody requested.
    Unrequested,
}

struct Cheater {
    cheat: Cheat,
    shown: Held,
}

/// What V signs, as [`ProviderKeys::to_bytes`] lays it out.
fn sign<B: Body>(keys: &ProviderKeys, context: &[u8; 32], body: &B) -> (Vec<u8>, Vec<u8>) {
    let key = k256::schnorr::SigningKey::from_bytes(&keys.to_bytes()[96..128]).unwrap();
    let signature = key.sign_raw(&digest(B::KIND, context, &body.encode()), &[7; 32]).unwrap();
    (body.encode(), signature.to_bytes().to_vec())
}

fn transaction(type_url: &str, message: &impl prost::Message) -> Vec<u8> {
    let messages = vec![Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }];
    let body_bytes = TxBody { messages, ..TxBody::default() }.encode_to_vec();
    TxRaw { body_bytes, auth_info_bytes: Vec::new(), signatures: Vec::new() }.encode_to_vec()
}

impl Cheater {
    fn signed(&self, scene: &Scene<'_>) -> Vec<u8> {
        let (sender, task_id, round) = (scene.account.to_owned(), scene.task, scene.round);
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let check_in = || CheckedIn::new(scene.keys, scene.rctx, scene.address, scene.weight, &mut rng.clone()).0;
        match self.cheat {
            Cheat::SecondHeader => {
                let other: Vec<i64> = scene.update.iter().map(|value| value / 2).collect();
                let masked = CheckedIn::resume(scene.keys, scene.rctx, scene.address, scene.weight)
                    .mask(scene.ctx, scene.group, scene.layout, &other, &mut rng)
                    .unwrap();
                let (body, signature) = (masked.header.body_bytes(), masked.header.signature.to_vec());
                transaction(type_url::SUBMIT_HEADER, &pb::MsgSubmitHeader { sender, task_id, round, body, signature })
            }
            Cheat::SameHeader => {
                // Signed again, so that not even the signature is the same.
                let (body, signature) = sign(scene.keys, scene.ctx.as_bytes(), &scene.header.body);
                assert_ne!(signature, scene.header.signature);
                transaction(type_url::SUBMIT_HEADER, &pb::MsgSubmitHeader { sender, task_id, round, body, signature })
            }
            Cheat::FalseProof => {
                let mut body = check_in().body;
                body.proof.response += k256::Scalar::ONE;
                let (body, signature) = sign(scene.keys, scene.rctx.as_bytes(), &body);
                transaction(type_url::CHECK_IN, &pb::MsgCheckIn { sender, task_id, round, body, signature })
            }
            Cheat::AnotherProof => {
                let signed = check_in();
                let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
                transaction(type_url::CHECK_IN, &pb::MsgCheckIn { sender, task_id, round, body, signature })
            }
            Cheat::Unrequested => {
                // A base of its own making: what it opens belongs to no survivor.
                let base = ProviderKeys::generate(&mut rng).public().x;
                let asked = Asked::Edge { provider: Slot::new(1).unwrap(), base };
                let partial = Partial {
                    address: scene.address.clone(),
                    seat: SeatIndex::new(1).unwrap(),
                    request_root: Root::from_bytes([1; 32]),
                    share_keys_root: Root::from_bytes([2; 32]),
                    entries: vec![PartialEntry { asked, value: base }],
                    proofs: Vec::new(),
                };
                let (body, signature) = sign(scene.keys, scene.ctx.as_bytes(), &partial);
                transaction(type_url::UNMASK, &pb::MsgUnmask { sender, task_id, round, body, signature })
            }
        }
    }
}

impl Behaviour for Cheater {
    fn submitted(&self, scene: &Scene<'_>) {
        if scene.round == 1 {
            self.shown.lock().unwrap().push(self.signed(scene));
        }
    }
}

const CHEATS: [(&str, Cheat); 5] = [
    ("p0", Cheat::SecondHeader),
    ("p1", Cheat::SameHeader),
    ("p2", Cheat::FalseProof),
    ("p3", Cheat::AnotherProof),
    ("p4", Cheat::Unrequested),
];

fn behaviour(shown: &Held, name: &str) -> Box<dyn Behaviour> {
    match CHEATS.iter().find(|(cheater, _)| *cheater == name) {
        Some((_, cheat)) => Box::new(Cheater { cheat: *cheat, shown: Arc::clone(shown) }),
        None => Box::new(Honest),
    }
}

fn address(name: &str) -> String {
    signer(name).unwrap().address().to_owned()
}

struct Watched {
    embedded: Embedded,
    home: tempfile::TempDir,
    chain: Chain,
}

impl Watched {
    fn watcher(&self, dry_run: bool) -> Watcher {
        let config = WatchConfig {
            home: self.home.path().to_owned(),
            tasks: Default::default(),
            since: None,
            dry_run,
            durability: Durability::Process,
        };
        let nodes = vec![self.embedded.chain().unwrap(), self.embedded.peer().unwrap()];
        Watcher::open(nodes, signer("watcher").unwrap(), config).unwrap()
    }

    /// Looks until something was seen that `is_enough`, a minute at most; all events until then.
    async fn look(&self, watcher: &mut Watcher, is_enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..1_200 {
            events.extend(watcher.step().await.unwrap());
            if is_enough(&events) {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not enough was seen: {events:#?}");
    }

    async fn balance(&self) -> u128 {
        self.chain.balance(&address("watcher"), DEFAULT_DENOM).await.unwrap()
    }

    async fn settled(&self, contracts: &Contracts, name: &str) -> Vec<SettledOffence> {
        contracts.history(&self.chain, Some(&address(name))).await.unwrap()
    }
}

fn held(events: &[Event]) -> BTreeMap<String, Report> {
    let of = |event: &Event| match event {
        Event::Held(report) => Some((report.accused.clone(), report.clone())),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_no_block_takes_convicts_cheaters_and_earns_the_watcher_the_bounty_once() {
    let job = Job { providers: 8, elements: 64, rounds: 4 };
    let mut people = job.names();
    people.extend(["owner".to_owned(), "watcher".to_owned()]);
    let embedded = Embedded::start_open(&people).await.unwrap();
    let chain = embedded.chain().unwrap();
    let watched = Watched { embedded, home: tempfile::tempdir().unwrap(), chain };
    let contracts = Contracts::of(&watched.chain).await.unwrap();
    let before = watched.balance().await;
    let shown = watched.embedded.shown();

    // A dry run sees the second header, says so once, and sends nothing.
    let mut watcher = watched.watcher(true);
    let _crew = Crew::start_with(&watched.embedded, "owner", job, &|name| behaviour(&shown, name)).await.unwrap();
    let is_second = |report: &Report| report.accused == address("p0") && report.offence == "two_headers";
    let would = |events: &[Event]| {
        events.iter().filter(|event| matches!(event, Event::Would(report) if is_second(report))).count()
    };
    let events = watched.look(&mut watcher, |events| would(events) > 0).await;
    assert_eq!(would(&events), 1);
    assert!(held(&events).is_empty());
    assert_eq!(watched.balance().await, before);
    // Nor does one look at a time say it again.
    assert_eq!(would(&watcher.step().await.unwrap()), 0);
    drop(watcher);

    // The peer forgets, the watcher is started again: the evidence is on disk. Others go on being shown.
    let second = shown.lock().unwrap().iter().position(|tx| is_of(tx, &address("p0"))).unwrap();
    shown.lock().unwrap().remove(second);
    let mut watcher = watched.watcher(false);
    let guilty = [("p0", "two_headers"), ("p2", "invalid_proof"), ("p4", "unrequested_partial")];
    let events = watched.look(&mut watcher, |events| held(events).len() == guilty.len()).await;
    let reports = held(&events);
    for (name, offence) in guilty {
        let report = &reports[&address(name)];
        assert_eq!(report.offence, offence);
        assert_eq!(report.deposit, DEPOSIT.to_string());
        // Read back from the contract: who reported it, what was taken, what was earned, and that it is never again a provider.
        let settled = watched.settled(&contracts, name).await;
        let found = settled.iter().find(|settled| settled.kind == offence).unwrap();
        assert_eq!(found.reporter.as_ref().map(|reporter| reporter.as_str()), Some(address("watcher").as_str()));
        assert_eq!(found.slashed.u128(), BOND);
        assert_eq!(report.bounty, found.bounty.to_string());
        assert_eq!(contracts.bond_of(&watched.chain, &address(name)).await.unwrap().bonded.u128(), 0);
    }
    let standing = contracts.provider(&watched.chain, &address("p0")).await.unwrap().standing;
    assert!(matches!(standing, Standing::Tombstoned { .. }), "{standing:?}");
    assert_eq!(reports[&address("p0")].bounty, (BOND / 20).to_string());

    // Deposits came back, bounties came in, and nothing else was paid but fees.
    let bounties: u128 = reports.values().map(|report| report.bounty.parse::<u128>().unwrap()).sum();
    let after = watched.balance().await;
    assert!(after <= before + bounties && before + bounties - after < FEES, "{before} + {bounties} became {after}");
    assert_eq!(watcher.standing().bounty, bounties);
    assert_eq!((watcher.standing().held, watcher.standing().lost), (3, 0));

    // Who signed the same header again, or proved the same again, is not accused; and nothing is reported twice, not by another process
    // either, although the peer shows it all still.
    drop(watcher);
    let mut watcher = watched.watcher(false);
    for _ in 0..20 {
        let events = watcher.step().await.unwrap();
        assert!(events.is_empty(), "{events:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for name in ["p1", "p3", "p5"] {
        assert!(watched.settled(&contracts, name).await.is_empty(), "{name} was convicted");
    }
    assert_eq!(watched.balance().await, after);
}

/// Whether a transaction's only message is of this sender.
fn is_of(tx: &[u8], sender: &str) -> bool {
    let body = TxBody::decode(TxRaw::decode(tx).unwrap().body_bytes.as_slice()).unwrap();
    pb::MsgSubmitHeader::decode(body.messages[0].value.as_slice()).is_ok_and(|message| message.sender == sender)
}
