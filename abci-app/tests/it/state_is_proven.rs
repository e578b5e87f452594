use abci_app::address::Address;
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, HostFunctionsManager};
use jmt::ics23_spec;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

use crate::chain::{genesis, send, Draft, Driven};

fn prove(chain: &Driven, store: &str, key: &[u8], height: i64) -> ResponseQuery {
    chain.node.service().query(RequestQuery {
        path: format!("store/{store}/key"),
        data: key.to_vec().into(),
        height,
        prove: true,
    })
}

fn proofs(answer: &ResponseQuery) -> Vec<CommitmentProof> {
    let ops = &answer.proof_ops.as_ref().unwrap().ops;
    ops.iter().map(|op| CommitmentProof::decode(op.data.as_slice()).unwrap()).collect()
}

/// The root that an existence proof leads to.
fn root(proof: &CommitmentProof) -> Vec<u8> {
    let exist = match proof.proof.as_ref().unwrap() {
        Proof::Exist(exist) => exist.clone(),
        Proof::Nonexist(nonexist) => nonexist.left.clone().or(nonexist.right.clone()).unwrap(),
        _ => panic!("an unexpected kind of proof"),
    };
    ics23::calculate_existence_root::<HostFunctionsManager>(&exist).unwrap()
}

/// Verifies both levels against an app hash, as a light client does.
pub fn verifies(answer: &ResponseQuery, store: &str, key: &[u8], app_hash: &[u8]) -> bool {
    let proofs = proofs(answer);
    let store_root = root(&proofs[0]);
    let spec = ics23_spec();
    let inner = if answer.value.is_empty() {
        ics23::verify_non_membership::<HostFunctionsManager>(&proofs[0], &spec, &store_root, key)
    } else {
        ics23::verify_membership::<HostFunctionsManager>(&proofs[0], &spec, &store_root, key, &answer.value)
    };
    inner
        && ics23::verify_membership::<HostFunctionsManager>(
            &proofs[1],
            &spec,
            &app_hash.to_vec(),
            store.as_bytes(),
            &store_root,
        )
}

fn balance_key(address: &str) -> Vec<u8> {
    abci_app::modules::bank::keys::balance(&Address::parse(address, "bauta").unwrap(), "ubauta")
}

#[test]
fn a_value_and_an_absence_are_proven_against_the_app_hash() {
    let (mut accounts, builder) = genesis(40);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 5)]));
    let done = chain.block(&[tx]);

    let answer = prove(&chain, "bank", &balance_key(&to), 0);
    assert_eq!((answer.code, answer.height), (0, 1));
    assert_eq!(answer.value.as_ref(), b"1000005");
    assert!(verifies(&answer, "bank", &balance_key(&to), &done.app_hash));
    // Another value, another key, another root.
    assert!(!verifies(
        &ResponseQuery { value: b"1000006".to_vec().into(), ..answer.clone() },
        "bank",
        &balance_key(&to),
        &done.app_hash
    ));
    assert!(!verifies(&answer, "bank", &balance_key(&from), &done.app_hash));
    assert!(!verifies(&answer, "auth", &balance_key(&to), &done.app_hash));
    assert!(!verifies(&answer, "bank", &balance_key(&to), &[0; 32]));

    for n in 0..50u8 {
        let key = [9, n];
        let answer = prove(&chain, "bank", &key, 0);
        assert_eq!(answer.code, 0);
        assert!(answer.value.is_empty());
        assert!(verifies(&answer, "bank", &key, &done.app_hash), "{n}");
    }
}

#[test]
fn absence_is_proven_in_a_store_that_is_still_empty() {
    let (_, builder) = genesis(1);
    let mut chain = Driven::new(builder);
    let done = chain.block(&[]);
    let answer = prove(&chain, "training", b"nothing", 0);
    assert_eq!(answer.code, 0, "{}", answer.log);
    assert!(verifies(&answer, "training", b"nothing", &done.app_hash));
}

#[test]
fn an_older_height_is_proven_against_its_own_app_hash() {
    let (mut accounts, builder) = genesis(3);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let hashes: Vec<Vec<u8>> = (0..5)
        .map(|_| {
            let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 5)]));
            chain.block(&[tx]).app_hash
        })
        .collect();
    for height in 1..=5i64 {
        let answer = prove(&chain, "bank", &balance_key(&to), height);
        assert_eq!(answer.height, height);
        assert_eq!(answer.value.as_ref(), format!("{}", 1_000_000 + 5 * height).as_bytes());
        assert!(verifies(&answer, "bank", &balance_key(&to), &hashes[height as usize - 1]), "{height}");
    }
    assert_eq!(prove(&chain, "bank", &balance_key(&to), 6).code, 18);
}

#[test]
fn heights_that_were_pruned_are_refused_and_the_kept_ones_stay_whole() {
    let (mut accounts, builder) = genesis(3);
    let mut config = abci_app::NodeConfig::default();
    config.db.keep_heights = 3;
    let mut chain = Driven::over(abci_app::Node::open(config).unwrap(), builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let mut hashes = Vec::new();
    for _ in 0..20 {
        let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 5)]));
        hashes.push(chain.block(&[tx]).app_hash);
    }
    for height in 17..=20i64 {
        for key in [balance_key(&to), balance_key(&from), b"absent".to_vec()] {
            let answer = prove(&chain, "bank", &key, height);
            assert_eq!(answer.code, 0, "{}", answer.log);
            assert!(verifies(&answer, "bank", &key, &hashes[height as usize - 1]), "{height}");
        }
    }
    let answer = prove(&chain, "bank", &balance_key(&to), 16);
    assert_eq!(answer.code, 18);
    assert!(answer.log.contains("heights 17 to 20 are"), "{}", answer.log);
}
