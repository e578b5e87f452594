use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use abci_app::address::Address;
use abci_app::modules::bank::balance_of;
use abci_app::store::View;

use crate::chain::{genesis, send, Draft, Driven};

/// Readers see whole blocks only: what two accounts hold together changes by the fees of the blocks, and by nothing else.
#[test]
fn queries_read_committed_blocks_while_others_are_executed() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (a, b) = (accounts[0].address(), accounts[1].address());
    let raw = |text: &str| Address::parse(text, "bauta").unwrap();
    let (raw_a, raw_b) = (raw(&a), raw(&b));
    let app = Arc::clone(chain.node.app());
    let done = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0u64;
            while !done.load(Ordering::SeqCst) {
                let snapshot = app.latest();
                let height = u128::from(snapshot.last().height);
                let view = View::new(snapshot);
                let sum = balance_of(&view, &raw_a, "ubauta") + balance_of(&view, &raw_b, "ubauta");
                assert_eq!(sum, 2_000_000 - 100 * height);
                reads += 1;
            }
            reads
        });
        for _ in 0..50 {
            let tx = accounts[0].tx(Draft::new(vec![send(&a, &b, 7)]));
            assert_eq!(chain.block(&[tx]).results[0].code, 0);
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert!(reads > 0);
}
