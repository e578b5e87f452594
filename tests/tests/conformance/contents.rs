//! Transactions: good ones, early ones, and bytes that are none.

use std::collections::BTreeMap;

use rand::seq::SliceRandom as _;
use rand::Rng as _;
use rand_chacha::ChaCha20Rng;

use crate::chain::{send, Account, Draft};

/// Who sends, and what was sent by whom.
pub struct Senders {
    accounts: Vec<Account>,
    signed: BTreeMap<Vec<u8>, usize>,
}

impl Senders {
    pub fn new(accounts: Vec<Account>) -> Self {
        Self { accounts, signed: BTreeMap::new() }
    }

    /// An address of one of them, or of nobody yet.
    pub fn somebody(&self, rng: &mut ChaCha20Rng) -> String {
        let known = self.accounts.choose(rng).unwrap().address();
        if rng.gen_bool(0.2) {
            return Account::new(rng.gen_range(1_000..1_010), 0).address();
        }
        known
    }

    /// A handful: each sender's in the order of its sequences, some of them with one left out, and bytes in between.
    pub fn offer(&mut self, rng: &mut ChaCha20Rng) -> Vec<Vec<u8>> {
        let mut txs = Vec::new();
        for index in 0..self.accounts.len() {
            if rng.gen_bool(0.5) {
                continue;
            }
            let next = self.accounts[index].sequence + u64::from(rng.gen_bool(0.1));
            for sequence in next..next + rng.gen_range(1..=2) {
                txs.push(self.sign(index, sequence, rng));
            }
        }
        if rng.gen_bool(0.3) {
            txs.insert(rng.gen_range(0..=txs.len()), no_transaction(rng));
        }
        txs
    }

    fn sign(&mut self, index: usize, sequence: u64, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let to = self.somebody(rng);
        let account = &self.accounts[index];
        let signer = Account { key: account.key.clone(), number: account.number, sequence };
        let tx = Draft::new(vec![send(&account.address(), &to, rng.gen_range(1..10))]).sign(&[&signer]);
        self.signed.insert(tx.clone(), index);
        tx
    }

    /// A transaction was in a block and paid its fee.
    pub fn executed(&mut self, tx: &[u8]) {
        self.accounts[self.signed[tx]].sequence += 1;
    }
}

/// Bytes that no node takes for a transaction.
pub fn no_transaction(rng: &mut ChaCha20Rng) -> Vec<u8> {
    (0..rng.gen_range(1..60)).map(|_| rng.gen()).collect()
}
