//! Headers that a validator signs.

use ed25519_consensus::SigningKey;
use tendermint::block::signed_header::SignedHeader;
use tendermint::block::{header, parts, Commit, CommitSig, Header, Height, Id, Round};
use tendermint::vote::{Power, Type, ValidatorIndex};
use tendermint::{account, validator, AppHash, Hash, PublicKey, Signature, Time, Vote};

/// A validator alone on its chain.
pub struct Validator(SigningKey);

impl Validator {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from([seed; 32]))
    }

    pub fn info(&self) -> validator::Info {
        let key = PublicKey::from_raw_ed25519(self.0.verification_key().as_bytes()).unwrap();
        validator::Info::new(key, Power::try_from(10_u64).unwrap())
    }

    /// The header of a height, which commits to the state after the block before.
    pub fn header(&self, chain_id: &str, height: u64, app_hash: [u8; 32]) -> Header {
        let set = validator::Set::without_proposer(vec![self.info()]).hash();
        let time = Time::from_unix_timestamp(1_767_225_600 + i64::try_from(height).unwrap(), 0).unwrap();
        Header {
            version: header::Version { block: 11, app: 1 },
            chain_id: chain_id.parse().unwrap(),
            height: Height::try_from(height).unwrap(),
            time,
            last_block_id: None,
            last_commit_hash: None,
            data_hash: None,
            validators_hash: set,
            next_validators_hash: set,
            consensus_hash: Hash::Sha256([3; 32]),
            app_hash: AppHash::try_from(app_hash.to_vec()).unwrap(),
            last_results_hash: None,
            evidence_hash: None,
            proposer_address: self.address(),
        }
    }

    pub fn sign(&self, header: Header) -> SignedHeader {
        let part_set_header = parts::Header::new(1, Hash::Sha256([4; 32])).unwrap();
        let id = Id { hash: header.hash(), part_set_header };
        let vote = Vote {
            vote_type: Type::Precommit,
            height: header.height,
            round: Round::default(),
            block_id: Some(id),
            timestamp: Some(header.time),
            validator_address: self.address(),
            validator_index: ValidatorIndex::try_from(0_u32).unwrap(),
            signature: None,
            extension: Vec::new(),
            extension_signature: None,
        };
        let bytes = vote.into_signable_vec(header.chain_id.clone());
        let signature = Signature::new(self.0.sign(&bytes).to_bytes()).unwrap();
        let signature =
            CommitSig::BlockIdFlagCommit { validator_address: self.address(), timestamp: header.time, signature };
        let commit =
            Commit { height: header.height, round: Round::default(), block_id: id, signatures: vec![signature] };
        SignedHeader::new(header, commit).unwrap()
    }

    fn address(&self) -> account::Id {
        self.info().address
    }
}
