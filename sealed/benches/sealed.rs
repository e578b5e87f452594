//! Figures of sealed tasks on one core, medians of the processor's time.
//!
//! `cargo bench -p bauta-sealed --bench sealed` prints a table; with the argument `json` the same numbers and the vectors they were
//! measured with, for `benches/tenseal/run`.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

use bauta_sealed::scheme::{RotationKey, Seeded};
use bauta_sealed::{evaluate, open, seal, submission, wire};
use bauta_sealed::{Bfv, Keys, Limbs, Parameters, Plan, Scheme, Seed, Shape, Statistics};

const PROVIDERS: u32 = 8;
const CONTEXT: [u8; 32] = [1; 32];
/// The shortest time that is measured, in seconds: the clock moves in steps of some milliseconds.
const LEAST: f64 = 0.2;
const REPEAT: usize = 5;

/// Seconds that this thread was on a processor: what others do on the machine counts little.
fn on_processor() -> f64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The median of the milliseconds that something takes; what is short is done several times in a row.
fn milliseconds<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut run = || {
        let (begin, mut times) = (on_processor(), 0.0);
        loop {
            std::hint::black_box(work());
            times += 1.0;
            let took = on_processor() - begin;
            if took >= LEAST {
                return took / times * 1e3;
            }
        }
    };
    let mut runs: Vec<f64> = (0..REPEAT).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    runs[REPEAT / 2]
}

struct Task {
    scheme: Bfv,
    plan: Plan,
    secret: <Bfv as Scheme>::Secret,
    public: Seeded,
    rotations: Vec<RotationKey>,
    weights: Vec<i64>,
    statistics: Vec<Statistics>,
}

fn integers(count: usize, bound: i64, salt: u64) -> Vec<i64> {
    // A linear congruence (Knuth's MMIX) is random enough for a figure.
    let mut state = salt;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * bound + 1) - bound
    };
    (0..count).map(|_| next()).collect()
}

impl Task {
    fn new(width: usize) -> Self {
        let bounds = Shape {
            width,
            vectors: 1,
            matrix_bound: 1 << 10,
            model_bound: 1 << 12,
            target_bound: 1 << 24,
            group: PROVIDERS,
        };
        let plan = Plan::new(Parameters::n8192(3).unwrap(), bounds).unwrap();
        let scheme = Bfv::new(plan.parameters()).unwrap();
        let secret = scheme.secret(&Seed::from_bytes([1; 32])).unwrap();
        let public = scheme.encrypt(&secret, &plan.zero(), &Seed::from_bytes([2; 32])).unwrap();
        let rotations = (3..)
            .zip(evaluate::turns(&plan))
            .map(|(seed, turn)| scheme.rotation_key(&secret, turn, &Seed::from_bytes([seed; 32])).unwrap())
            .collect();
        let statistics = (0..u64::from(PROVIDERS))
            .map(|provider| Statistics {
                matrix: integers(width * width, 1 << 10, provider),
                targets: integers(width, 1 << 24, 100 + provider),
            })
            .collect();
        Self { scheme, plan, secret, public, rotations, weights: integers(width, 1 << 12, 200), statistics }
    }

    fn keys(&self) -> Keys<Bfv> {
        Keys::new(&self.scheme, &self.plan, &self.public, &self.rotations).unwrap()
    }

    fn model_bytes(&self) -> Vec<u8> {
        let seed = Seed::from_bytes([9; 32]);
        let model = seal(&self.scheme, &self.plan, &self.secret, &self.weights, &seed, &CONTEXT).unwrap();
        wire::model_to_bytes(self.plan.parameters(), &CONTEXT, &model)
    }

    /// A provider's work of a round: from the model's bytes to its own, but for the masks.
    fn provider(&self, keys: &Keys<Bfv>, model: &[u8], provider: usize) -> Vec<u8> {
        let parameters = self.plan.parameters();
        let model = wire::model_from_bytes(parameters, &CONTEXT, model).unwrap();
        let model = self.scheme.expand(&model).unwrap();
        let seed = Seed::from_bytes([10 + provider as u8; 32]);
        let statistics = &self.statistics[provider];
        submission(&self.scheme, &self.plan, keys, &model, statistics, &seed, &CONTEXT).unwrap().to_bytes(parameters)
    }

    fn opened(&self, sum: &Limbs) -> Vec<i64> {
        open(&self.scheme, &self.plan, &self.secret, sum).unwrap()
    }

    fn expected(&self) -> Vec<i64> {
        let width = self.plan.shape().width;
        let one = |own: &Statistics, i: usize| -> i64 {
            let row = &own.matrix[i * width..(i + 1) * width];
            row.iter().zip(&self.weights).map(|(a, w)| a * w).sum::<i64>() - own.targets[i]
        };
        (0..width).map(|i| self.statistics.iter().map(|own| one(own, i)).sum()).collect()
    }

    fn measure(&self) -> Vec<(&'static str, f64)> {
        let parameters = self.plan.parameters();
        let keys = self.keys();
        let model = self.model_bytes();
        let sent: Vec<Vec<u8>> = (0..PROVIDERS as usize).map(|p| self.provider(&keys, &model, p)).collect();
        let read = |bytes: &Vec<u8>| Limbs::from_bytes(parameters, bytes).unwrap();
        let received: Vec<Limbs> = sent.iter().map(read).collect();
        let sum = submission::sum(parameters, &received).unwrap();
        assert_eq!(self.opened(&sum), self.expected());
        let key_bytes: usize =
            self.rotations.iter().map(|key| wire::rotation_to_bytes(parameters, &CONTEXT, key).len()).sum();
        vec![
            ("encrypt", milliseconds(|| self.model_bytes())),
            ("provider", milliseconds(|| self.provider(&keys, &model, 0))),
            ("sum", milliseconds(|| submission::sum(parameters, &received).unwrap())),
            (
                "read_and_sum",
                milliseconds(|| {
                    let limbs: Vec<Limbs> = sent.iter().map(read).collect();
                    submission::sum(parameters, &limbs).unwrap()
                }),
            ),
            ("decrypt", milliseconds(|| self.opened(&sum))),
            ("expand_keys", milliseconds(|| self.keys())),
            ("model_bytes", model.len() as f64),
            ("submission_bytes", sent[0].len() as f64),
            ("key_bytes", key_bytes as f64),
        ]
    }
}

fn main() {
    let json = std::env::args().any(|argument| argument == "json");
    let widths: &[usize] = if json { &[64] } else { &[64, 256, 1024] };
    for &width in widths {
        let task = Task::new(width);
        let figures = task.measure();
        if json {
            let numbers: Vec<String> = figures.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            let providers: Vec<String> = task
                .statistics
                .iter()
                .map(|own| format!("{{\"matrix\": {:?}, \"targets\": {:?}}}", own.matrix, own.targets))
                .collect();
            println!(
                "{{\"width\": {width}, {}, \"weights\": {:?}, \"sum_of_all\": {:?}, \"providers\": [{}]}}",
                numbers.join(", "),
                task.weights,
                task.expected(),
                providers.join(", ")
            );
        } else {
            println!("d = {width}, {PROVIDERS} providers, N = 8192, three limbs");
            for (name, value) in figures {
                println!("  {name:<16} {value:>12.2} {}", if name.ends_with("bytes") { "bytes" } else { "ms" });
            }
        }
    }
}
