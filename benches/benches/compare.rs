//! Bauta's side of `benches/flower/run`: seconds of the processor for what a client and the chain do in an epoch and in a round, as JSON.
//!
//! `cargo bench --bench compare -- CLIENTS DROPPED ELEMENTS GROUP REPEAT`
#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

use bauta_benches::committee::Committee;
use bauta_benches::released::Released;

const SEATS: usize = 96;
const THRESHOLD: usize = 58;

/// The shortest time that is measured: the clock moves in steps of some milliseconds.
const LEAST: f64 = 0.2;

/// Seconds that this thread was on a processor: what others do on the machine counts little.
fn on_processor() -> f64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The median of the seconds that something takes; what is short is done several times in a row.
fn seconds<T>(repeat: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut run = || {
        let (begin, mut times) = (on_processor(), 0.0);
        loop {
            std::hint::black_box(work());
            times += 1.0;
            let took = on_processor() - begin;
            if took >= LEAST {
                return took / times;
            }
        }
    };
    let mut runs: Vec<f64> = (0..repeat.max(1)).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let [clients, dropped, elements, group, repeat] = given[..] else {
        println!("CLIENTS DROPPED ELEMENTS GROUP REPEAT are needed, such as 100 10 10000 16 5");
        return;
    };
    // As the chain does it: up to 96 providers hold one seat each.
    let (m, t) = if clients <= SEATS { (clients, clients / 2 + 1) } else { (SEATS, THRESHOLD) };
    let mut committee = Committee::new(clients, m, t);
    let deal = seconds(repeat, || (committee.enrol(0), committee.deal(0)));
    let enrolled: Vec<_> = (0..clients).map(|i| committee.enrol(i)).collect();
    let posted = committee.deals();
    let deals = seconds(repeat, || {
        enrolled.iter().enumerate().for_each(|(i, signed)| committee.admit(i, signed));
        posted.iter().enumerate().map(|(i, deal)| committee.accept(i, deal)).collect::<Vec<_>>()
    });
    let mut released = Released::new(committee, group, dropped, elements as u64);
    let opened = released.open();
    assert_eq!(released.sums(&opened), released.expected());
    let open = seconds(repeat, || released.open());
    let sums = seconds(repeat, || released.sums(&opened));
    let admit = seconds(repeat, || released.admit());
    let update = seconds(repeat, || released.update());
    let k = released.answering()[0];
    let shares = seconds(repeat, || released.open_shares(k));
    let opened_shares = released.open_shares(k);
    let answer = seconds(repeat, || released.answer(k, &opened_shares));
    let sizes = released.group_sizes();
    let (smallest, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    println!(
        "{{\"seats\": {m}, \"threshold\": {t}, \"smallest_group\": {smallest}, \"largest_group\": {largest}, \"points\": {}, \
         \"answered_bytes\": {}, \"deal\": {deal}, \"shares\": {shares}, \"deals\": {deals}, \"admit\": {admit}, \"update\": {update}, \
         \"answer\": {answer}, \"open\": {open}, \"sums\": {sums}}}",
        released.points(),
        released.answered_bytes()
    );
}
