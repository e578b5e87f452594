//! Dividing rows: a held-out part that no provider has, and uneven shares for the providers. Decided by a seed alone: ChaCha20 streams,
//! shuffles and samplers written out here, logarithms in software, so that a split is the same on every machine.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// Why rows could not be divided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Nobody to give rows to.
    #[error("there are no providers to divide the rows over; give at least 1")]
    NoProviders,
    /// Not enough rows.
    #[error(
        "{rows} rows cannot give {providers} providers {minimum} rows each; take fewer providers or a smaller minimum"
    )]
    TooFewRows {
        /// Rows there are.
        rows: usize,
        /// Providers.
        providers: usize,
        /// Rows each must have.
        minimum: usize,
    },
    /// A concentration that no distribution has.
    #[error("the Dirichlet concentration must be a positive finite number")]
    Concentration,
}

/// Divides rows into `(training, held_out)`: the first row of a file and every `one_in`-th after it are held out, at least one row in
/// `one_in`. A test set that everybody can name, that no seed can favour, and that is the same for every run.
#[must_use]
pub fn held_out(rows: usize, one_in: usize) -> (Vec<usize>, Vec<usize>) {
    let one_in = one_in.max(1);
    (0..rows).partition(|row| row % one_in != 0)
}

/// Divides rows by label into `(training, held_out)`, drawn by a seed: of every class one row in `one_in`, rounded up. Both lists are in
/// ascending order.
#[must_use]
pub fn held_out_drawn(labels: &[u32], one_in: usize, seed: &[u8; 32]) -> (Vec<usize>, Vec<usize>) {
    let one_in = one_in.max(1);
    let mut rng = ChaCha20Rng::from_seed(*seed);
    let (mut training, mut held) = (Vec::new(), Vec::new());
    for mut rows in by_label(labels) {
        shuffle(&mut rows, &mut rng);
        let cut = rows.len().div_ceil(one_in);
        held.extend_from_slice(&rows[..cut]);
        training.extend_from_slice(&rows[cut..]);
    }
    training.sort_unstable();
    held.sort_unstable();
    (training, held)
}

/// Divides rows over `providers` unevenly by label: for each class, the providers' shares are drawn from a symmetric Dirichlet
/// distribution with concentration `alpha` (Hsu et al. 2019, section 3). Then, while a provider has fewer than `minimum` rows, it gets one
/// from who has most. Each provider's rows are in ascending order; every row goes to exactly one provider.
///
/// # Errors
/// A [`SplitError`].
pub fn dirichlet(
    labels: &[u32],
    providers: usize,
    alpha: f64,
    minimum: usize,
    seed: &[u8; 32],
) -> Result<Vec<Vec<usize>>, SplitError> {
    if providers == 0 {
        return Err(SplitError::NoProviders);
    }
    if !alpha.is_finite() || alpha <= 0.0 {
        return Err(SplitError::Concentration);
    }
    if providers.saturating_mul(minimum) > labels.len() {
        return Err(SplitError::TooFewRows { rows: labels.len(), providers, minimum });
    }
    let mut rng = ChaCha20Rng::from_seed(*seed);
    let mut shares = vec![Vec::new(); providers];
    for mut rows in by_label(labels) {
        shuffle(&mut rows, &mut rng);
        let weights: Vec<f64> = (0..providers).map(|_| gamma(alpha, &mut rng)).collect();
        let total: f64 = weights.iter().sum();
        let (mut begin, mut cumulated) = (0, 0.0);
        for (provider, weight) in weights.iter().enumerate() {
            cumulated += weight;
            let end = if provider + 1 == providers {
                rows.len()
            } else {
                ((cumulated / total) * rows.len() as f64).round() as usize
            };
            let end = end.clamp(begin, rows.len());
            shares[provider].extend_from_slice(&rows[begin..end]);
            begin = end;
        }
    }
    while let Some(poor) = (0..providers).find(|&provider| shares[provider].len() < minimum) {
        // The richest has more than the minimum as long as somebody has less: the rows suffice for all.
        let rich =
            (0..providers).max_by_key(|&provider| (shares[provider].len(), providers - provider)).unwrap_or(poor);
        match shares[rich].pop() {
            Some(row) => shares[poor].push(row),
            None => break,
        }
    }
    for share in &mut shares {
        share.sort_unstable();
    }
    Ok(shares)
}

/// The rows of each class, classes ascending.
fn by_label(labels: &[u32]) -> impl Iterator<Item = Vec<usize>> {
    let mut classes: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(row);
    }
    classes.into_values()
}

/// Fisher and Yates, from the end; the bias of a 64-bit product is below `2^-40` for any file.
pub(crate) fn shuffle(rows: &mut [usize], rng: &mut ChaCha20Rng) {
    for last in (1..rows.len()).rev() {
        let drawn = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        rows.swap(last, drawn as usize);
    }
}

/// Uniform in `(0, 1)`, in steps of `2^-53`.
fn uniform(rng: &mut ChaCha20Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Standard normal: Marsaglia's polar method.
fn normal(rng: &mut ChaCha20Rng) -> f64 {
    loop {
        let (x, y) = (2.0 * uniform(rng) - 1.0, 2.0 * uniform(rng) - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * libm::log(square) / square).sqrt();
        }
    }
}

/// Gamma with shape `alpha`, scale 1: Marsaglia and Tsang 2000, with their boost below 1.
fn gamma(alpha: f64, rng: &mut ChaCha20Rng) -> f64 {
    if alpha < 1.0 {
        let boost = libm::exp(libm::log(uniform(rng)) / alpha);
        // Never 0, so that shares can be divided by their sum.
        return (gamma(alpha + 1.0, rng) * boost).max(f64::MIN_POSITIVE);
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let t = 1.0 + c * x;
        if t <= 0.0 {
            continue;
        }
        let v = t * t * t;
        if libm::log(uniform(rng)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}
