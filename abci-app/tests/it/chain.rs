//! A chain to test with: accounts with keys, a genesis, transactions.

use abci_app::coin::Coins;
use abci_app::genesis::GenesisBuilder;
use abci_app::sequencer::EngineConfig;
use abci_app::tx::sign::address_of;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    mode_info::{Single, Sum},
    AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
};
use cosmos_sdk_proto::Any;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use prost::Message as _;

pub const CHAIN: &str = "bauta-1";
pub const PREFIX: &str = "bauta";

pub struct Account {
    pub key: SigningKey,
    pub number: u64,
    pub sequence: u64,
}

impl Account {
    pub fn new(seed: u64, number: u64) -> Self {
        let mut bytes = [1u8; 32];
        bytes[24..].copy_from_slice(&(seed + 1).to_be_bytes());
        Self { key: SigningKey::from_slice(&bytes).unwrap(), number, sequence: 0 }
    }

    pub fn pub_key(&self) -> [u8; 33] {
        self.key.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap()
    }

    pub fn address(&self) -> String {
        address_of(&self.pub_key()).to_bech32(PREFIX)
    }

    /// Signs and counts the sequence on.
    pub fn tx(&mut self, draft: Draft) -> Vec<u8> {
        let tx = draft.sign(&[self]);
        self.sequence += 1;
        tx
    }
}

/// A transaction before it is signed.
#[derive(Clone)]
pub struct Draft {
    pub body: TxBody,
    pub fee: Fee,
    pub chain_id: String,
    pub mode: i32,
}

impl Draft {
    pub fn new(messages: Vec<Any>) -> Self {
        Self {
            body: TxBody { messages, ..Default::default() },
            fee: Fee { amount: Coins::one("ubauta", 100).to_proto(), gas_limit: 200_000, ..Default::default() },
            chain_id: CHAIN.into(),
            mode: 1,
        }
    }

    pub fn fee(mut self, amount: u128, gas_limit: u64) -> Self {
        self.fee = Fee { amount: Coins::one("ubauta", amount).to_proto(), gas_limit, ..self.fee };
        self
    }

    pub fn sign(&self, signers: &[&Account]) -> Vec<u8> {
        let auth_info = AuthInfo {
            signer_infos: signers
                .iter()
                .map(|account| SignerInfo {
                    public_key: Some(Any {
                        type_url: "/cosmos.crypto.secp256k1.PubKey".into(),
                        value: PubKey { key: account.pub_key().to_vec() }.encode_to_vec(),
                    }),
                    mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: self.mode })) }),
                    sequence: account.sequence,
                })
                .collect(),
            fee: Some(self.fee.clone()),
            ..Default::default()
        };
        let (body_bytes, auth_info_bytes) = (self.body.encode_to_vec(), auth_info.encode_to_vec());
        let signatures = signers
            .iter()
            .map(|account| {
                let doc = SignDoc {
                    body_bytes: body_bytes.clone(),
                    auth_info_bytes: auth_info_bytes.clone(),
                    chain_id: self.chain_id.clone(),
                    account_number: account.number,
                };
                let signature: Signature = account.key.sign(&doc.encode_to_vec());
                signature.normalize_s().unwrap_or(signature).to_bytes().to_vec()
            })
            .collect();
        TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec()
    }
}

pub fn send(from: &str, to: &str, amount: u128) -> Any {
    Any {
        type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
        value: MsgSend {
            from_address: from.into(),
            to_address: to.into(),
            amount: Coins::one("ubauta", amount).to_proto(),
        }
        .encode_to_vec(),
    }
}

/// Accounts with a million each, in the order of their numbers, and the genesis that has them.
pub fn genesis(accounts: u64) -> (Vec<Account>, GenesisBuilder) {
    let accounts: Vec<Account> = (0..accounts).map(|n| Account::new(n, n)).collect();
    let key = EngineConfig::public_key(&[7; 32]);
    let operator = Account::new(999, 0).address();
    let mut builder = GenesisBuilder::new(CHAIN).validator(&key, 10, Some(&operator));
    for account in &accounts {
        builder = builder.account(&account.address(), &Coins::one("ubauta", 1_000_000));
    }
    (accounts, builder)
}

/// A node driven by hand, without an engine; in the order of one, or the test fails.
pub struct Driven {
    pub node: abci_app::Node,
    pub height: i64,
    _watch: abci_app::conformance::Watch,
}

/// What a block gave.
pub struct Done {
    pub results: Vec<tendermint_proto::v0_38::abci::ExecTxResult>,
    pub app_hash: Vec<u8>,
}

impl Driven {
    pub fn new(builder: GenesisBuilder) -> Self {
        Self::over(abci_app::Node::open(abci_app::NodeConfig::default()).unwrap(), builder)
    }

    pub fn over(node: abci_app::Node, builder: GenesisBuilder) -> Self {
        let (_, watch) = node.watched();
        init_chain(&node, builder);
        Self { node, height: 0, _watch: watch }
    }

    /// The engine has ended and comes back: it asks what is committed, and goes on from there.
    pub fn engine_returns(&self) -> tendermint_proto::v0_38::abci::ResponseInfo {
        self.node.service().info(Default::default())
    }

    pub fn request(&self, txs: &[Vec<u8>]) -> tendermint_proto::v0_38::abci::RequestFinalizeBlock {
        block(self.height + 1, txs)
    }

    /// Executes and commits a block.
    pub fn block(&mut self, txs: &[Vec<u8>]) -> Done {
        let answer = self.node.service().finalize_block(self.request(txs)).unwrap();
        self.node.service().commit().unwrap();
        self.height += 1;
        Done { results: answer.tx_results, app_hash: answer.app_hash.to_vec() }
    }

    pub fn check(&self, tx: &[u8]) -> tendermint_proto::v0_38::abci::ResponseCheckTx {
        self.node
            .service()
            .check_tx(tendermint_proto::v0_38::abci::RequestCheckTx { tx: tx.to_vec().into(), r#type: 0 })
    }

    pub fn query(&self, path: &str, data: Vec<u8>) -> tendermint_proto::v0_38::abci::ResponseQuery {
        self.node.service().query(tendermint_proto::v0_38::abci::RequestQuery {
            path: path.into(),
            data: data.into(),
            height: 0,
            prove: false,
        })
    }

    pub fn balance(&self, who: &str) -> u128 {
        use cosmos_sdk_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
        let request = QueryBalanceRequest { address: who.into(), denom: "ubauta".into() };
        let answer = self.query("/cosmos.bank.v1beta1.Query/Balance", request.encode_to_vec());
        assert_eq!(answer.code, 0, "{}", answer.log);
        let response = QueryBalanceResponse::decode(answer.value.as_ref()).unwrap();
        response.balance.unwrap().amount.parse().unwrap()
    }
}

/// Begins the chain as an engine does that finds none.
pub fn init_chain(node: &abci_app::Node, builder: GenesisBuilder) -> Vec<u8> {
    assert_eq!(node.service().info(Default::default()).last_block_height, 0);
    let doc = abci_app::genesis::GenesisDoc::read(&builder.build()).unwrap();
    node.service().init_chain(doc.init_chain().unwrap()).unwrap().app_hash.to_vec()
}

pub fn block(height: i64, txs: &[Vec<u8>]) -> tendermint_proto::v0_38::abci::RequestFinalizeBlock {
    tendermint_proto::v0_38::abci::RequestFinalizeBlock {
        txs: txs.iter().map(|tx| tx.clone().into()).collect(),
        height,
        time: Some(tendermint_proto::google::protobuf::Timestamp { seconds: 1_767_225_600 + height, nanos: 0 }),
        ..Default::default()
    }
}
