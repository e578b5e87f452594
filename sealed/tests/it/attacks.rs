//! What a malicious model provider gets from a round, by the attack's name, and what it would get without the defence.

use bauta_sealed::packing::{Layout, Plain};
use bauta_sealed::sampling::Seed;
use bauta_sealed::scheme::Seeded;
use bauta_sealed::{open, submission, Limbs, Parameters, Scheme, Shape, Statistics};

use crate::stage::{shape, Numbers, Stage};

/// Pairwise and self masks, simulated: uniform limbs that cancel over the group. The last provider's make the sum zero.
fn masks(parameters: &Parameters, numbers: &mut Numbers, members: usize) -> Vec<Limbs> {
    let uniform = |numbers: &mut Numbers| {
        let primes = parameters.kept().iter().flat_map(|prime| vec![prime; parameters.degree()]);
        primes.map(|prime| numbers.next() % prime).collect::<Vec<u64>>()
    };
    let mut masks: Vec<Limbs> =
        (1..members).map(|_| Limbs::new(parameters, [uniform(numbers), uniform(numbers)]).unwrap()).collect();
    let mut last = Limbs::zero(parameters);
    masks.iter().for_each(|mask| last.subtract(parameters, mask).unwrap());
    masks.push(last);
    masks
}

fn masked(parameters: &Parameters, submissions: &[Limbs], masks: &[Limbs]) -> Vec<Limbs> {
    let add = |(limbs, mask): (&Limbs, &Limbs)| {
        let mut limbs = limbs.clone();
        limbs.add(parameters, mask).unwrap();
        limbs
    };
    submissions.iter().zip(masks).map(add).collect()
}

const MEMBERS: usize = 4;
/// Entries of a matrix are below `2^7`, targets below `2^9`; the malicious model places the columns of the sum beside each other.
const COLUMN: u32 = 14;

/// Two features; bounds that an honest model would keep.
fn stage(seed: u64) -> Stage {
    let bounds = Shape { matrix_bound: 1 << 7, model_bound: 1 << 12, target_bound: 1 << 9, ..shape(2, 1, 4) };
    Stage::new(Parameters::n8192(3).unwrap(), bounds, seed)
}

/// What one malicious ciphertext reads of a sum: all entries of `A`, up to `b`.
fn read(opened: &[i64]) -> Vec<i64> {
    let nearest = |value: i64, bits: u32| (value + (1 << (bits - 1))) >> bits;
    opened
        .iter()
        .flat_map(|&value| {
            let high = nearest(value, 2 * COLUMN);
            [nearest(value - (high << (2 * COLUMN)), COLUMN), high]
        })
        .collect()
}

/// Weights far above the bound that a provider cannot check under encryption: `2^14` and `2^28`.
fn malicious(stage: &mut Stage) -> <bauta_sealed::Bfv as Scheme>::Ciphertext {
    let mut values = vec![0; 8192];
    values[0] = 1 << COLUMN;
    values[1] = 1 << (2 * COLUMN);
    let seeded = stage.scheme.encrypt(&stage.secret, &Plain::Coefficients(values), &stage.numbers.seed()).unwrap();
    stage.scheme.expand(&seeded).unwrap()
}

#[test]
fn one_round_extraction_of_sum_a_gives_the_groups_sum_and_nothing_about_one_provider() {
    let mut stage = stage(51);
    let parameters = stage.plan.parameters().clone();
    let model = malicious(&mut stage);
    let statistics: Vec<Statistics> = (0..MEMBERS).map(|_| stage.statistics()).collect();
    let submit = |stage: &mut Stage, statistics: &[Statistics]| -> Vec<Limbs> {
        let seeds: Vec<Seed> = statistics.iter().map(|_| stage.numbers.seed()).collect();
        statistics.iter().zip(&seeds).map(|(own, seed)| stage.submission(&model, own, seed)).collect()
    };
    let submissions = submit(&mut stage, &statistics);
    let masks = masks(&parameters, &mut stage.numbers, MEMBERS);
    let sent = masked(&parameters, &submissions, &masks);
    let attack = |stage: &Stage, limbs: &Limbs| read(&open(&stage.scheme, &stage.plan, &stage.secret, limbs).unwrap());

    // The attack succeeds on the sum: one ciphertext reads all of it.
    let total: Vec<i64> = (0..4).map(|e| statistics.iter().map(|own| own.matrix[e]).sum()).collect();
    assert_eq!(attack(&stage, &submission::sum(&parameters, &sent).unwrap()), total);

    // Without masks it succeeds on each provider; with them on none.
    for ((own, open), hidden) in statistics.iter().zip(&submissions).zip(&sent) {
        assert_eq!(attack(&stage, open), own.matrix);
        assert_ne!(attack(&stage, hidden), own.matrix);
    }

    // Another world with the same sum: one provider's matrix is another's. Nothing that is sent tells which it is: for every submission
    // there are masks that make it what was sent, and those sum to zero as well.
    let mut others = statistics.clone();
    others.swap(0, 1);
    let elsewhere = submit(&mut stage, &others);
    let mut sum = Limbs::zero(&parameters);
    for (sent, own) in sent.iter().zip(&elsewhere).take(MEMBERS - 1) {
        let mut mask = sent.clone();
        mask.subtract(&parameters, own).unwrap();
        sum.add(&parameters, &mask).unwrap();
    }
    let mut last = Limbs::zero(&parameters);
    last.subtract(&parameters, &sum).unwrap();
    last.add(&parameters, &elsewhere[MEMBERS - 1]).unwrap();
    let mut all = sent[..MEMBERS - 1].to_vec();
    all.push(last);
    assert_eq!(attack(&stage, &submission::sum(&parameters, &all).unwrap()), total);
}

/// Uniform fill leaves a result's places only; without it every partial product would open as well.
#[test]
fn places_without_a_result_hold_partial_products_that_only_the_fill_hides() {
    let mut stage = stage(52);
    let model = malicious(&mut stage);
    let statistics = stage.statistics();
    let Layout::Coefficients(_) = stage.plan.layout() else { panic!() };
    // Coefficient 0 of the product is A[0][1] w[0], which belongs to no result.
    let unfilled = {
        let mut values = vec![0; 8192];
        values[0] = statistics.matrix[1];
        values[1] = statistics.matrix[0];
        let product = stage.scheme.multiply(&model, &Plain::Coefficients(values)).unwrap();
        stage.scheme.switch_down(&product).unwrap()
    };
    let at = |limbs: &Limbs| match stage.scheme.decrypt(&stage.secret, limbs, &stage.plan.zero()).unwrap() {
        Plain::Coefficients(values) | Plain::Slots(values) => values[0],
    };
    assert_eq!(at(&unfilled), statistics.matrix[1] << COLUMN);
    let seeds: Vec<Seed> = (0..8).map(|_| stage.numbers.seed()).collect();
    let opened: Vec<i64> = seeds.iter().map(|seed| at(&stage.submission(&model, &statistics, seed))).collect();
    assert!(opened.iter().all(|&value| value != statistics.matrix[1] << COLUMN), "{opened:?}");
    // Spread over the plaintext's range, another value for every seed.
    assert!(opened.iter().any(|value| value.unsigned_abs() > stage.plan.parameters().largest() / 4), "{opened:?}");
}

/// A public key whose first polynomial hides nothing: what the second adds still comes from a seed that its maker cannot choose.
#[test]
fn a_public_key_of_zeros_does_not_bare_the_second_polynomial() {
    let mut stage = stage(53);
    let degree = stage.plan.parameters().degree();
    let zeros = |seed| Seeded { seed, first: vec![0; 5 * degree] };
    let keys = bauta_sealed::Keys::new(&stage.scheme, &stage.plan, &zeros([0; 32]), &[]).unwrap();
    // A model whose second polynomial everybody knows, and statistics of nothing: all that is left is the encryption of zero.
    let model = stage.scheme.expand(&zeros([1; 32])).unwrap();
    let statistics = Statistics { matrix: vec![0; 4], targets: vec![0; 2] };
    let seed = stage.numbers.seed();
    let limbs =
        bauta_sealed::submission(&stage.scheme, &stage.plan, &keys, &model, &statistics, &seed, &[0; 32]).unwrap();
    let [_, second] = limbs.polynomials();
    let (prime, limb) = (stage.plan.parameters().kept()[0], &second[..degree]);
    let low = limb.iter().filter(|&&value| value < prime / 2).count();
    // Half, within six standard deviations (45 each).
    assert!(low.abs_diff(degree / 2) < 270, "{low}");
}
