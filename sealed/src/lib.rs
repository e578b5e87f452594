//! Sealed tasks: a linear model that stays encrypted while data providers train it.
//!
//! The model provider publishes `Enc(w)`; a data provider computes `A Enc(w) - b` from its own quantised sums, hides everything else that
//! the ciphertext could tell, and hands two polynomials to the masking protocol; the model provider decrypts the sum of a group, takes a
//! step and encrypts again. `docs/sealed.md` says what that hides and what it does not.
//!
//! | module | what it holds |
//! |---|---|
//! | [`parameters`] | ring, moduli, and the checks where they are made |
//! | [`plan`] | what a task computes; exactness, noise and flooding, before anything is encrypted |
//! | [`packing`] | how matrices and vectors lie in polynomials |
//! | [`scheme`], [`bfv`] | the trait in front of the library, and BFV behind it |
//! | [`evaluate`], [`submission`] | a provider's work of a round, and the opening of a sum |
//! | [`audit`] | commitments, openings, and a tree of sums over rows |
//! | [`head`] | least squares and logistic regression: scales, feature maps, the model provider's step |
//! | [`wire`] | canonical bytes of keys and models |
//! | [`sampling`] | seeds, and everything random that comes from them |
//!
//! Clients link this crate; the chain never does: it adds limbs modulo fixed primes.

pub mod audit;
pub mod bfv;
mod bits;
pub mod evaluate;
pub mod head;
pub mod packing;
pub mod parameters;
pub mod plan;
mod primes;
pub mod sampling;
pub mod scheme;
pub mod submission;
pub mod wire;

pub use bfv::Bfv;
pub use evaluate::Keys;
pub use parameters::Parameters;
pub use plan::{Plan, Shape};
pub use primes::is_prime;
pub use sampling::Seed;
pub use scheme::Scheme;
pub use submission::{open, seal, submission, Limbs, Statistics};
