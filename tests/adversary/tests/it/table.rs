//! docs/adversaries.md against the protocol's rows, the tests and the switches: nothing is missing, nothing is made up.

use bauta_rounds::offence::name;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::switches::Switch;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The attacks that the protocol names, by these names.
const ATTACKS: &[&str] = &[
    "copied deal",
    "forged seat partial by its dealer",
    "eclipsed client with a false group",
    "eclipsed client with false seats",
    "inconsistent survivor labels",
    "cross-round relabelling and mask reuse",
    "late submission after being dropped",
    "copied proofs from another slot, round, task or chain",
    "model inconsistency",
    "ground partition",
    "small cohorts and n-1 sybils",
    "aggregates below `min_group`",
    "identity share",
    "restart, reset and state sync of a seat",
    "small or predictable mask seeds",
    "weight inflation",
    "wrap-around updates",
    "blame as an oracle",
    "colluding pairs",
    "adaptive last mover",
    "fee-bumped resend is no equivocation",
    "chunk griefing",
    "full-lane censorship",
    "floats or panics in a validator on hostile input",
    "differencing over rounds",
];

/// Rows of the table of offences that are no kind of offence to the state machine.
const OTHERS: &[&str] = &["a reporter's evidence that does not hold", "low quality inside the bound"];

/// One row of the table.
struct Row {
    what: String,
    /// Files of adversaries here, and tests elsewhere as `path: name`.
    tests: Vec<String>,
    switches: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

/// The rows of all tables that have four columns: what is tried, what becomes of it, tests, switch.
fn rows() -> Vec<Row> {
    let page = read(&root().join("docs/adversaries.md"));
    let cells =
        |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_string()).collect::<Vec<_>>();
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let rows: Vec<Vec<String>> = lines.map(cells).filter(|cells| cells.len() == 4 && cells[2] != "tests").collect();
    assert!(!rows.is_empty());
    rows.into_iter()
        .map(|cells| Row { what: cells[0].clone(), tests: quoted(&cells[2]), switches: quoted(&cells[3]) })
        .collect()
}

/// The source of an adversary.
fn source(adversary: &str) -> String {
    read(&root().join(format!("tests/adversary/tests/it/{adversary}.rs")))
}

/// The switches that a source takes out.
fn taken_out(source: &str) -> BTreeSet<String> {
    let after = source.split("without(Switch::").skip(1);
    after.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
}

/// The adversaries of this crate, by what main.rs lists, but for what they stand on.
fn adversaries() -> Vec<String> {
    let main = read(&root().join("tests/adversary/tests/it/main.rs"));
    let modules = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_string));
    modules.filter(|module| !["expect", "lab", "store", "table", "town", "world"].contains(&&module[..])).collect()
}

#[test]
fn every_offence_and_every_attack_has_a_row() {
    let rows = rows();
    let has = |what: &str| rows.iter().any(|row| row.what.contains(what));
    for number in 1.. {
        let Ok(kind) = OffenceKind::try_from(number) else { break };
        assert!(has(&format!("`{}`", name(kind))), "offence {} has no row", name(kind));
    }
    for what in ATTACKS.iter().chain(OTHERS) {
        assert!(has(what), "{what} has no row");
    }
}

#[test]
fn every_row_has_tests_that_are_there() {
    for Row { what, tests, .. } in rows() {
        assert!(!tests.is_empty(), "{what} has no test");
        for test in tests {
            if let Some((path, name)) = test.split_once(": ") {
                assert!(read(&root().join(path)).contains(&format!("fn {name}(")), "{what}: {test} is not there");
            } else {
                assert!(adversaries().contains(&test), "{what}: there is no adversary {test}");
            }
        }
    }
}

#[test]
fn every_adversary_has_its_two_tests_a_row_and_one_switch_of_its_own() {
    let rows = rows();
    let mut used = BTreeSet::new();
    for adversary in adversaries() {
        let source = source(&adversary);
        for test in ["fn is_caught()", "fn succeeds_without_its_check()"] {
            assert!(source.contains(test), "{adversary} has no `{test}`");
        }
        let switches = taken_out(&source);
        assert_eq!(switches.len(), 1, "{adversary} takes out {switches:?}");
        let row = rows.iter().find(|row| row.tests.contains(&adversary));
        let row = row.unwrap_or_else(|| panic!("{adversary} is in no row of docs/adversaries.md"));
        for switch in switches {
            assert!(row.switches.contains(&switch), "the row of {adversary} does not name the switch {switch}");
            assert!(used.insert(switch.clone()), "{switch} is taken out by two adversaries");
        }
    }
    let all: BTreeSet<String> = Switch::ALL.iter().map(|switch| format!("{switch:?}")).collect();
    assert_eq!(used, all, "switches and adversaries");
}
