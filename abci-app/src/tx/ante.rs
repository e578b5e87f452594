//! The steps before a transaction's messages, in the SDK's order (cosmos-sdk x/auth/ante/ante.go).
//!
//! Whatever fails here leaves no trace. What comes after ante may fail, but fee and sequence stay.

use cosmos_sdk_proto::cosmos::auth::v1beta1::Params;

use super::decode::Tx;
use super::sign;
use crate::address::Address;
use crate::coin::Coins;
use crate::context::{Context, Mode};
use crate::error::{Error, Result};
use crate::gas::Gas;
use crate::modules::auth::{self, events};
use crate::modules::{bank, validate_together, Modules};
use crate::params::AppParams;

/// The least fee that this node's mempool takes, in 10^-18 of the fee denomination a unit of gas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinGasPrice(pub u128);

impl MinGasPrice {
    const ONE: u128 = 1_000_000_000_000_000_000;

    /// From a decimal such as `0.025`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 18 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole: u128 = whole.parse().ok()?;
        let fraction: u128 = format!("{fraction:0<18}").parse().ok()?;
        Some(Self(whole.checked_mul(Self::ONE)?.checked_add(fraction)?))
    }

    /// What `gas` costs at least, rounded up.
    pub fn fee(self, gas: Gas) -> u128 {
        // Whole units and the rest apart, so that no product passes 128 bits at any price that can be paid.
        let (whole, fraction) = (self.0 / Self::ONE, self.0 % Self::ONE);
        let gas = u128::from(gas);
        whole.saturating_mul(gas).saturating_add((fraction.saturating_mul(gas)).div_ceil(Self::ONE))
    }
}

/// What ante works with.
pub struct Ante<'a> {
    /// The transaction.
    pub tx: &'a Tx,
    /// The chain's parameters.
    pub params: &'a AppParams,
    /// The modules; training charges the fees of protocol messages.
    pub modules: &'a Modules,
    /// The gas limit of a block; `None` without one.
    pub max_block_gas: Option<Gas>,
    /// What this node's mempool asks.
    pub min_gas_price: MinGasPrice,
}

impl Ante<'_> {
    /// All steps. The gas meter of `ctx` is the transaction's already: everything from here on is charged.
    ///
    /// # Errors
    /// The first step's that fails.
    pub fn run(&self, ctx: &mut Context) -> Result<()> {
        let auth = auth::params(&ctx.view);
        self.gas_limit()?;
        self.extension_options()?;
        let signers = self.validate_basic(ctx)?;
        self.timeout_height(ctx)?;
        self.memo(&auth)?;
        self.size_gas(ctx, &auth)?;
        self.deduct_fee(ctx, &signers)?;
        self.set_pub_keys(ctx, &signers)?;
        self.signature_count(&auth)?;
        self.signature_gas(ctx, &auth)?;
        self.verify_signatures(ctx, &signers)?;
        self.charge_escrow(ctx, &signers)?;
        self.increment_sequences(ctx, &signers)
    }

    /// First, because no block could ever hold it.
    fn gas_limit(&self) -> Result<()> {
        let limit = self.max_block_gas.unwrap_or(Gas::MAX).min(self.params.max_tx_gas);
        if self.tx.gas_limit > limit {
            return Err(Error::invalid_gas_limit(format!(
                "the gas limit {} exceeds the highest of a transaction, {limit}",
                self.tx.gas_limit
            )));
        }
        Ok(())
    }

    /// Before anything is made of the content: an extension that is not understood may change what the rest means.
    fn extension_options(&self) -> Result<()> {
        if self.tx.has_extensions {
            return Err(Error::unknown_extension_options("this chain has no extension options; leave them out"));
        }
        Ok(())
    }

    /// What can be seen without the state; gives the signers, in the order of their signatures.
    fn validate_basic(&self, ctx: &Context) -> Result<Vec<Address>> {
        if self.tx.messages.is_empty() {
            return Err(Error::invalid_request("must contain at least one message"));
        }
        let mut signers: Vec<Address> = Vec::new();
        for message in &self.tx.messages {
            message.validate_basic(&ctx.prefix)?;
            for signer in message.signers(&ctx.prefix)? {
                if !signers.contains(&signer) {
                    signers.push(signer);
                }
            }
        }
        validate_together(&self.tx.messages)?;
        if !self.tx.fee_payer.is_empty() {
            let payer = Address::parse(&self.tx.fee_payer, &ctx.prefix)?;
            if !signers.contains(&payer) {
                signers.push(payer);
            }
        }
        if signers.is_empty() || self.tx.signatures.is_empty() {
            return Err(Error::no_signatures("the transaction has no signature"));
        }
        if self.tx.signatures.len() != signers.len() || self.tx.signers.len() != signers.len() {
            return Err(Error::unauthorized(format!(
                "wrong number of signers; expected {}, got {} signatures and {} signer infos",
                signers.len(),
                self.tx.signatures.len(),
                self.tx.signers.len()
            )));
        }
        Ok(signers)
    }

    /// Before anything is paid: who is too late has lost nothing.
    fn timeout_height(&self, ctx: &Context) -> Result<()> {
        let timeout = self.tx.timeout_height;
        if timeout > 0 && ctx.block.height > timeout {
            return Err(Error::tx_timeout_height(format!(
                "block height: {}, timeout height: {timeout}: tx timeout height",
                ctx.block.height
            )));
        }
        Ok(())
    }

    fn memo(&self, auth: &Params) -> Result<()> {
        let len = self.tx.memo.len() as u64;
        if len > auth.max_memo_characters {
            return Err(Error::memo_too_large(format!(
                "maximum number of characters is {} but received {len} characters",
                auth.max_memo_characters
            )));
        }
        Ok(())
    }

    /// The bytes are paid for before the costly steps look at them.
    fn size_gas(&self, ctx: &mut Context, auth: &Params) -> Result<()> {
        let mut size = self.tx.size as u64;
        if ctx.mode == Mode::Simulate {
            // The signatures are not there yet (cosmos-sdk: `ConsumeGasForTxSize` counts those it expects).
            size += self.tx.signatures.iter().filter(|signature| signature.is_empty()).count() as u64 * 64;
        }
        ctx.gas.consume(auth.tx_size_cost_per_byte.saturating_mul(size), "txSize")
    }

    /// Before signatures, which cost the node more than a look at a balance. It is the block's view that pays, so the
    /// fee stays whatever the messages do.
    fn deduct_fee(&self, ctx: &mut Context, signers: &[Address]) -> Result<()> {
        if !self.tx.fee_granter.is_empty() {
            return Err(Error::invalid_request("fee grants are not supported; leave fee.granter empty"));
        }
        if self.tx.is_protocol() {
            return Ok(());
        }
        let payer = self.payer(ctx, signers)?;
        if ctx.mode == Mode::Check {
            let required = self.min_gas_price.fee(self.tx.gas_limit);
            if self.tx.fee.amount_of(&self.params.fee_denom) < required {
                return Err(Error::insufficient_fee(format!(
                    "insufficient fees; got: {} required: {required}{}",
                    self.tx.fee, self.params.fee_denom
                )));
            }
        }
        if let Some(other) = self.tx.fee.iter().find(|coin| coin.denom != self.params.fee_denom) {
            return Err(Error::insufficient_fee(format!(
                "fees are paid in {}, not in {}",
                self.params.fee_denom, other.denom
            )));
        }
        if auth::account(ctx, &payer)?.is_none() {
            return Err(Error::unknown_address(format!(
                "fee payer address: {} does not exist",
                payer.to_bech32(&ctx.prefix)
            )));
        }
        // Clients simulate without a fee and pay one: what moving it costs must be in the estimate.
        let stand_in = Coins::one(&self.params.fee_denom, 1);
        let estimates = ctx.mode == Mode::Simulate && self.tx.fee.is_empty();
        let can_pay = estimates && bank::balance_of(&ctx.view, &payer, &self.params.fee_denom) > 0;
        let fee = if can_pay { &stand_in } else { &self.tx.fee };
        bank::transfer(ctx, &payer, &Address::module(auth::FEE_COLLECTOR), fee)?;
        ctx.emit(events::fee(&self.tx.fee, &payer, &ctx.prefix.clone()));
        Ok(())
    }

    fn payer(&self, ctx: &Context, signers: &[Address]) -> Result<Address> {
        match self.tx.fee_payer.as_str() {
            "" => signers.first().cloned().ok_or_else(|| Error::no_signatures("nobody pays the fee")),
            payer => Address::parse(payer, &ctx.prefix),
        }
    }

    /// Protocol messages carry an empty fee; the task they belong to pays, and only for what its round awaits. To find that out
    /// takes proofs and questions to contracts, which cost more than a signature: so it comes after the signatures.
    fn charge_escrow(&self, ctx: &mut Context, signers: &[Address]) -> Result<()> {
        if !self.tx.is_protocol() {
            return Ok(());
        }
        let payer = self.payer(ctx, signers)?;
        let count = self.tx.messages.len() as u64;
        let each = self.tx.gas_limit / count.max(1);
        for (n, message) in self.tx.messages.iter().enumerate() {
            let rest = if n == 0 { self.tx.gas_limit % count.max(1) } else { 0 };
            self.modules.charge_protocol_fee(ctx, message, each + rest)?;
        }
        ctx.emit(events::fee(&Coins::none(), &payer, &ctx.prefix.clone()));
        Ok(())
    }

    /// The first transaction of an account tells its key.
    fn set_pub_keys(&self, ctx: &mut Context, signers: &[Address]) -> Result<()> {
        for (signer, said) in signers.iter().zip(&self.tx.signers) {
            let Some(key) = said.pub_key else { continue };
            if sign::address_of(&key) != *signer {
                return Err(Error::invalid_pub_key(format!(
                    "pubKey does not match signer address {}",
                    signer.to_bech32(&ctx.prefix)
                )));
            }
            let mut account = known(ctx, signer)?;
            if account.pub_key.is_none() {
                account.pub_key = Some(key);
                auth::set_account(ctx, &account)?;
            }
        }
        for (signer, (said, signature)) in signers.iter().zip(self.tx.signers.iter().zip(&self.tx.signatures)) {
            ctx.emit(events::sequence(signer, said.sequence, &ctx.prefix.clone()));
            ctx.emit(events::signature(signature));
        }
        Ok(())
    }

    fn signature_count(&self, auth: &Params) -> Result<()> {
        let count = self.tx.signatures.len() as u64;
        if count > auth.tx_sig_limit {
            return Err(Error::too_many_signatures(format!("signatures: {count}, limit: {}", auth.tx_sig_limit)));
        }
        Ok(())
    }

    /// Paid before they are verified.
    fn signature_gas(&self, ctx: &mut Context, auth: &Params) -> Result<()> {
        for _ in &self.tx.signatures {
            ctx.gas.consume(auth.sig_verify_cost_secp256k1, "ante verify: secp256k1")?;
        }
        Ok(())
    }

    fn verify_signatures(&self, ctx: &mut Context, signers: &[Address]) -> Result<()> {
        for (signer, (said, signature)) in signers.iter().zip(self.tx.signers.iter().zip(&self.tx.signatures)) {
            let account = known(ctx, signer)?;
            if account.module_name.is_some() {
                return Err(Error::unauthorized("nobody signs for a module's account"));
            }
            if said.sequence != account.sequence {
                return Err(Error::wrong_sequence(format!(
                    "account sequence mismatch, expected {}, got {}: incorrect account sequence",
                    account.sequence, said.sequence
                )));
            }
            // Simulate has nothing to verify; a re-check and a proposal look at what the mempool has verified already.
            if ctx.mode == Mode::Simulate || ctx.mode == Mode::Propose || ctx.recheck {
                continue;
            }
            let Some(key) = account.pub_key else {
                return Err(Error::invalid_pub_key("the account's public key is not known yet; send it along"));
            };
            let bytes = sign::sign_bytes(self.tx, said, &ctx.block.chain_id, account.account_number)?;
            if !sign::verify(&key, &bytes, signature) {
                return Err(Error::unauthorized(format!(
                    "signature verification failed; please verify account number ({}), sequence ({}) and chain-id ({}): unauthorized",
                    account.account_number, account.sequence, ctx.block.chain_id
                )));
            }
        }
        Ok(())
    }

    /// Last: from here on the same bytes never pass again.
    fn increment_sequences(&self, ctx: &mut Context, signers: &[Address]) -> Result<()> {
        for signer in signers {
            let mut account = known(ctx, signer)?;
            account.sequence = account
                .sequence
                .checked_add(1)
                .ok_or_else(|| Error::invalid_sequence("the account has used up its sequences"))?;
            auth::set_account(ctx, &account)?;
        }
        Ok(())
    }
}

fn known(ctx: &mut Context, address: &Address) -> Result<auth::Account> {
    auth::account(ctx, address)?
        .ok_or_else(|| Error::unknown_address(format!("account {} does not exist", address.to_bech32(&ctx.prefix))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gas_price_is_a_decimal_and_rounds_up() {
        assert_eq!(MinGasPrice::parse("0.025").map(|price| price.fee(100_001)), Some(2_501));
        assert_eq!(MinGasPrice::parse("2").map(|price| price.fee(3)), Some(6));
        assert_eq!(MinGasPrice::parse("0").map(|price| price.fee(u64::MAX)), Some(0));
        for bad in ["", ".", "1e3", "-1", "1.0000000000000000001", "x"] {
            assert_eq!(MinGasPrice::parse(bad), None, "{bad}");
        }
    }
}
