//! The noise of submissions, measured with the secret key: that it is below its bound, that it would tell a provider's data, and that
//! flooding hides it, even where a malicious model provider made more of it.
#![allow(clippy::unwrap_used)]

use fhe_math::rq::{Poly, Representation};
use num_bigint::{BigInt, BigUint};

use super::{Bfv, Ciphertext, Secret};
use crate::evaluate::{evaluate, Keys};
use crate::packing::Layout;
use crate::parameters::{product, Parameters};
use crate::plan::{Plan, Shape};
use crate::sampling::Seed;
use crate::scheme::Scheme;
use crate::submission::{seal, submission, Limbs, Statistics};

const ROUND: [u8; 32] = [7; 32];
/// What a malicious model provider adds to every coefficient that reaches a result: below what flooding hides ([`Plan::tolerated_bits`]).
const EXCESS_BITS: u32 = 110;

struct Setting {
    scheme: Bfv,
    plan: Plan,
    secret: Secret,
    keys: Keys<Bfv>,
}

impl Setting {
    fn new(shape: Shape) -> Self {
        let plan = Plan::new(Parameters::n8192(3).unwrap(), shape).unwrap();
        let scheme = Bfv::new(plan.parameters()).unwrap();
        let secret = scheme.secret(&Seed::from_bytes([1; 32])).unwrap();
        let public = scheme.encrypt(&secret, &plan.zero(), &Seed::from_bytes([2; 32])).unwrap();
        let rotations: Vec<_> = (3..)
            .zip(crate::evaluate::turns(&plan))
            .map(|(seed, turn)| scheme.rotation_key(&secret, turn, &Seed::from_bytes([seed; 32])).unwrap())
            .collect();
        let keys = Keys::new(&scheme, &plan, &public, &rotations).unwrap();
        Self { scheme, plan, secret, keys }
    }

    fn model(&self, weights: &[i64]) -> Ciphertext {
        let seed = Seed::from_bytes([99; 32]);
        let sealed = seal(&self.scheme, &self.plan, &self.secret, weights, &seed, &ROUND).unwrap();
        self.scheme.expand(&sealed).unwrap()
    }

    /// The model with `2^EXCESS_BITS` of noise in the constant coefficient.
    fn noisy(&self, weights: &[i64]) -> Ciphertext {
        let mut model = self.model(weights);
        let degree = self.plan.parameters().degree();
        let mut limbs = vec![0; self.plan.parameters().primes().len() * degree];
        for (limb, &prime) in limbs.chunks_exact_mut(degree).zip(self.plan.parameters().primes()) {
            limb[0] = u64::try_from((BigUint::from(1u8) << EXCESS_BITS) % prime).unwrap();
        }
        model.first += &self.scheme.polynomial(limbs, &self.scheme.full).unwrap();
        model
    }

    /// `t` times the distance of each coefficient to a multiple of `q' / t`, over `t`.
    fn noise(&self, limbs: &Limbs) -> Vec<BigInt> {
        let kept = &self.scheme.kept;
        let [first, second] = limbs.polynomials().map(|limbs| self.scheme.polynomial(limbs.to_vec(), kept).unwrap());
        let mut secret = self.secret.poly().clone();
        secret.change_representation(Representation::PowerBasis);
        // Dropping limbs of a small integer leaves the integer.
        let degree = self.plan.parameters().degree();
        let limbs: Vec<u64> = secret.coefficients().iter().copied().take(kept.moduli().len() * degree).collect();
        let secret = self.scheme.polynomial(limbs, kept).unwrap();
        let mut sum: Poly = &second * &secret;
        sum += &first;
        sum.change_representation(Representation::PowerBasis);
        let modulus = product(self.plan.parameters().kept());
        let plaintext = self.plan.parameters().plaintext_modulus();
        Vec::<BigUint>::from(&sum)
            .into_iter()
            .map(|value| {
                let scaled = (value * plaintext) % &modulus;
                let centred = BigInt::from(scaled.clone());
                let centred = if scaled > &modulus / 2u8 { centred - BigInt::from(modulus.clone()) } else { centred };
                centred / plaintext
            })
            .collect()
    }

    fn unflooded(&self, model: &Ciphertext, statistics: &Statistics) -> Limbs {
        let mut result = evaluate(&self.scheme, &self.plan, &self.keys, model, statistics).unwrap();
        self.scheme.add_zero(&mut result, self.keys.public(), &Seed::from_bytes([50; 32])).unwrap();
        self.scheme.switch_down(&result).unwrap()
    }

    fn flooded(&self, model: &Ciphertext, statistics: &Statistics) -> Limbs {
        let seed = Seed::from_bytes([51; 32]);
        submission(&self.scheme, &self.plan, &self.keys, model, statistics, &seed, &ROUND).unwrap()
    }
}

fn shape(width: usize) -> Shape {
    Shape { width, vectors: 1, matrix_bound: 1 << 10, model_bound: 1 << 12, target_bound: 1 << 28, group: 8 }
}

fn largest(noise: &[BigInt]) -> BigUint {
    noise.iter().map(|noise| noise.magnitude().clone()).max().unwrap()
}

fn statistics(width: usize) -> Statistics {
    let matrix = (0..width * width).map(|e| (e as i64 * 7919) % 1024 - 512).collect();
    Statistics { matrix, targets: vec![0; width] }
}

#[test]
fn an_honest_submissions_noise_is_below_its_bound_before_the_flood_and_the_floods_after() {
    for width in [90, 256] {
        let setting = Setting::new(shape(width));
        let model = setting.model(&vec![1 << 12; width]);
        let statistics = Statistics { matrix: vec![1 << 10; width * width], targets: vec![0; width] };
        let before = largest(&setting.noise(&setting.unflooded(&model, &statistics)));
        assert!(before <= *setting.plan.flooding().noise(), "{width}: {before}");
        let after = largest(&setting.noise(&setting.flooded(&model, &statistics)));
        let flood = BigUint::from(1u8) << setting.plan.flooding().bits();
        assert!(after <= &flood + setting.plan.flooding().noise() && after > flood / 2u8, "{width}: {after}");
    }
}

/// The excess times the matrix stands in the noise, a coefficient an entry, for who holds the key.
#[test]
fn a_noisy_ciphertext_reads_the_matrix_without_the_flood_and_nothing_with_it() {
    let width = 30;
    let setting = Setting::new(shape(width));
    let model = setting.noisy(&vec![3; width]);
    let statistics = statistics(width);
    let Layout::Coefficients(layout) = setting.plan.layout() else { panic!() };
    let expected = layout.matrix(&statistics.matrix);
    let dropped = product(setting.plan.parameters().dropped());
    let excess = BigInt::from((BigUint::from(1u8) << EXCESS_BITS) / dropped);
    let read = |limbs: &Limbs| -> Vec<i64> {
        let nearest = |noise: BigInt| {
            let twice = noise * 2 + &excess;
            let floor = if twice < BigInt::from(0) { (&twice + 1) / (&excess * 2) - 1 } else { twice / (&excess * 2) };
            i64::try_from(floor).unwrap_or(i64::MAX)
        };
        setting.noise(limbs).into_iter().map(nearest).collect()
    };
    let right = |read: Vec<i64>| read.iter().zip(&expected).take(width * width).filter(|(a, b)| a == b).count();
    assert_eq!(right(read(&setting.unflooded(&model, &statistics))), width * width);
    // By chance: entries have 11 bits, and the flood spans 2^60 times the excess.
    assert_eq!(right(read(&setting.flooded(&model, &statistics))), 0);
    assert!(u64::from(EXCESS_BITS) < setting.plan.tolerated_bits(), "{}", setting.plan.tolerated_bits());
}
