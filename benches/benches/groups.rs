//! The figures of an epoch in full: a committee of 96 drawn seats with threshold 58, groups of 16 to 31, one core.
//!
//! `cargo bench --bench groups`; in one run with Flower's SecAgg and SecAgg+: `benches/flower/run`.
#![allow(missing_docs)]

use bauta_benches::committee::Committee;
use bauta_benches::released::Released;
use criterion::{criterion_group, criterion_main, Criterion};

const SEATS: usize = 96;
const THRESHOLD: usize = 58;
const GROUP_SIZE: usize = 16;

fn deals(c: &mut Criterion) {
    let mut committee = Committee::new(100, SEATS, THRESHOLD);
    let deals = committee.deals();
    c.bench_function("deals of an epoch, n = 100, m = 96, t = 58", |b| {
        b.iter(|| deals.iter().enumerate().map(|(i, deal)| committee.accept(i, deal)).collect::<Vec<_>>());
    });
}

fn a_hundred(c: &mut Criterion) {
    let released = Released::new(Committee::new(100, SEATS, THRESHOLD), GROUP_SIZE, 10, 10_000);
    assert!(released.group_sizes().iter().all(|size| (16..=31).contains(size)));
    assert_eq!(released.sums(&released.open()), released.expected());
    c.bench_function("answers to sums, n = 100, 10 dropped, m = 96, t = 58, d = 10,000", |b| {
        b.iter(|| released.sums(&released.open()));
    });
}

fn a_thousand(c: &mut Criterion) {
    let released = Released::new(Committee::new(1_000, SEATS, THRESHOLD), GROUP_SIZE, 50, 16);
    assert_eq!(released.sums(&released.open()), released.expected());
    c.bench_function("answers to opened masks, n = 1,000, 50 dropped, m = 96, t = 58", |b| {
        b.iter(|| released.open());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = deals, a_hundred, a_thousand
}
criterion_main!(benches);
