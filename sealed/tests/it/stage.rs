//! A task with its keys, and providers' sums, drawn from a seed that a failing test prints.

use bauta_sealed::sampling::Seed;
use bauta_sealed::{evaluate, Bfv, Keys, Parameters, Plan, Scheme, Shape, Statistics};

pub const ROUND: [u8; 32] = [0x5a; 32];

/// Small numbers from a counter: enough for sums, never for keys.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `-bound..=bound`, near enough.
    pub fn within(&mut self, bound: u64) -> i64 {
        (self.next() % (2 * bound + 1)) as i64 - bound as i64
    }

    pub fn many(&mut self, count: usize, bound: u64) -> Vec<i64> {
        (0..count).map(|_| self.within(bound)).collect()
    }

    pub fn seed(&mut self) -> Seed {
        let mut bytes = [0; 32];
        bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_le_bytes()));
        Seed::from_bytes(bytes)
    }
}

pub struct Stage {
    pub scheme: Bfv,
    pub plan: Plan,
    pub secret: <Bfv as Scheme>::Secret,

    pub keys: Keys<Bfv>,
    pub numbers: Numbers,
}

pub fn shape(width: usize, vectors: usize, group: u32) -> Shape {
    Shape { width, vectors, matrix_bound: 1 << 14, model_bound: 1 << 12, target_bound: 1 << 28, group }
}

impl Stage {
    pub fn new(parameters: Parameters, shape: Shape, seed: u64) -> Self {
        let plan = Plan::new(parameters, shape).unwrap();
        let scheme = Bfv::new(plan.parameters()).unwrap();
        let mut numbers = Numbers(seed);
        let secret = scheme.secret(&numbers.seed()).unwrap();
        let nothing = plan.zero();
        let public = scheme.encrypt(&secret, &nothing, &numbers.seed()).unwrap();
        let rotations: Vec<_> = evaluate::turns(&plan)
            .into_iter()
            .map(|turn| scheme.rotation_key(&secret, turn, &numbers.seed()).unwrap())
            .collect();
        let keys = Keys::new(&scheme, &plan, &public, &rotations).unwrap();
        Self { scheme, plan, secret, keys, numbers }
    }

    pub fn weights(&mut self) -> Vec<i64> {
        let shape = *self.plan.shape();
        self.numbers.many(shape.width * shape.vectors, shape.model_bound)
    }

    pub fn statistics(&mut self) -> Statistics {
        let shape = *self.plan.shape();
        Statistics {
            matrix: self.numbers.many(shape.width * shape.width, shape.matrix_bound),
            targets: self.numbers.many(shape.vectors * shape.width, shape.target_bound),
        }
    }

    pub fn model(&mut self, weights: &[i64]) -> <Bfv as Scheme>::Ciphertext {
        let seeded = bauta_sealed::seal(&self.scheme, &self.plan, &self.secret, weights, &self.numbers.seed(), &ROUND);
        self.scheme.expand(&seeded.unwrap()).unwrap()
    }

    pub fn submission(
        &self,
        model: &<Bfv as Scheme>::Ciphertext,
        statistics: &Statistics,
        seed: &Seed,
    ) -> bauta_sealed::Limbs {
        bauta_sealed::submission(&self.scheme, &self.plan, &self.keys, model, statistics, seed, &ROUND).unwrap()
    }
}

/// `A w_v - b_v`, vector by vector.
pub fn plain(shape: &Shape, statistics: &Statistics, weights: &[i64]) -> Vec<i64> {
    let width = shape.width;
    let row = |v: usize, i: usize| -> i64 {
        let row = &statistics.matrix[i * width..(i + 1) * width];
        row.iter().zip(&weights[v * width..]).map(|(a, w)| a * w).sum()
    };
    (0..shape.vectors)
        .flat_map(|v| (0..width).map(move |i| (v, i)))
        .map(|(v, i)| row(v, i) - statistics.targets[v * width + i])
        .collect()
}
