//! The door, with the built-in trainers and with shell scripts as foreign ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bauta_learning::data::Embedded;
use bauta_learning::fixed::Fixed;
use bauta_learning::recipes;
use bauta_learning::trainers::{
    run_round, split_words, train, BuiltIn, CommandTrainer, RoundFile, TaskFile, Tensors, Trained, Trainer,
    TrainerError,
};

struct Bench {
    folder: tempfile::TempDir,
    task: TaskFile,
    round: RoundFile,
    model: Tensors,
}

impl Bench {
    fn new() -> Self {
        let recipe = recipes::digits_softmax(10);
        let model = Tensors::from_model(&recipe.initial_model(1).unwrap());
        Self {
            folder: tempfile::tempdir().unwrap(),
            task: TaskFile {
                chain_id: "bauta-1".into(),
                task: 7,
                tensors: TaskFile::entries(model.spec()),
                clip: Fixed::from_integer(4),
                trainer: recipe.trainer,
                data: recipe.data_spec(),
            },
            round: RoundFile { task: 7, epoch: 1, round: 3, seed: u64::MAX, weight: 9, model_hash: "00".into() },
            model,
        }
    }

    fn door(&self) -> PathBuf {
        self.folder.path().join("door")
    }

    fn run(&self, trainer: &dyn Trainer) -> Result<Trained, TrainerError> {
        run_round(trainer, &self.door(), &self.task, &self.round, &self.model)
    }

    /// A shell script as a trainer; `$1` is the folder.
    fn script(&self, text: &str) -> CommandTrainer {
        let file = self.folder.path().join("trainer.sh");
        fs::write(&file, text).unwrap();
        CommandTrainer::from_command_line(&format!("sh '{}'", file.display()), Duration::from_secs(20)).unwrap()
    }

    /// Puts a finished update beside the door, for scripts to copy.
    fn prepare_update(&self, bytes: &[u8]) {
        fs::write(self.folder.path().join("ready"), bytes).unwrap();
    }
}

/// Copies the prepared update and reports metrics.
const COPY: &str = r#"cp "$(dirname "$1")/ready" "$1/update.safetensors"
echo '{"loss": 0.5, "correct": 1, "rows": 2, "more": true}' > "$1/metrics.json"
"#;

fn rows() -> bauta_learning::data::Dataset {
    Embedded::Digits.spec().standardised(&Embedded::Digits.raw().unwrap().select(&(0..100).collect::<Vec<_>>()))
}

#[test]
fn the_built_in_trainer_gives_through_the_door_what_it_gives_in_memory() {
    let bench = Bench::new();
    let trained = bench.run(&BuiltIn::new(rows())).unwrap();
    let (new, metrics) = train(&bench.task.trainer, &bench.model, &rows(), bench.round.seed).unwrap();
    assert!(trained.update == new.minus(&bench.model).unwrap());
    assert_eq!(trained.metrics, metrics);
}

#[test]
fn a_foreign_program_sees_the_three_files_and_its_environment() {
    let bench = Bench::new();
    bench.prepare_update(&bench.model.to_safetensors().unwrap());
    let trainer = bench
        .script(&format!("set -e\n{COPY}test -s \"$1/model.safetensors\"\ncat \"$1/round.json\" \"$1/task.json\" >&2\necho \"data=$BAUTA_DATA home=$HOME\"\n"))
        .environment("BAUTA_DATA", "/mine.csv")
        .without("HOME");
    let trained = bench.run(&trainer).unwrap();
    assert!(trained.update == bench.model);
    assert_eq!(trained.metrics.correct, 1);
    for word in [
        "data=/mine.csv home=\n",
        "\"seed\": \"18446744073709551615\"",
        "\"task\": \"7\"",
        "\"kind\": \"softmax\"",
        "\"clip\": \"4\"",
    ] {
        assert!(trained.log.contains(word), "{} lacks {word}", trained.log);
    }
}

#[test]
fn a_program_that_fails_skips_the_round_and_its_last_words_are_kept() {
    let bench = Bench::new();
    let error = bench.run(&bench.script("echo first >&2\necho 'no GPU found' >&2\nexit 3\n")).unwrap_err();
    assert!(matches!(&error, TrainerError::Skipped { log, .. } if log == "first\nno GPU found\n"), "{error:?}");
    assert!(error.to_string().contains("3") && error.to_string().contains("no GPU found"), "{error}");
}

#[test]
fn a_program_that_hangs_is_stopped_with_all_it_started() {
    let bench = Bench::new();
    let mark = bench.folder.path().join("mark");
    let text = format!("(sleep 2; touch '{}') &\necho waiting\nsleep 60\n", mark.display());
    bench.script(&text);
    let file = bench.folder.path().join("trainer.sh");
    let trainer =
        CommandTrainer::from_command_line(&format!("sh '{}'", file.display()), Duration::from_millis(300)).unwrap();
    let error = bench.run(&trainer).unwrap_err();
    assert!(matches!(&error, TrainerError::TimedOut { log, .. } if log.contains("waiting")), "{error:?}");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!mark.exists(), "a process that the trainer started is still alive");
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let bench = Bench::new();
    let trainer = CommandTrainer::from_command_line("no-such-trainer --fast", Duration::from_secs(1)).unwrap();
    let error = bench.run(&trainer).unwrap_err().to_string();
    assert!(error.contains("\"no-such-trainer\""), "{error}");
}

#[test]
fn a_wrong_update_is_refused_with_the_tensor_at_fault() {
    let bench = Bench::new();
    let names = |bytes: &[u8]| {
        bench.prepare_update(bytes);
        bench.run(&bench.script(COPY)).unwrap_err().to_string()
    };
    let other_shape = recipes::breast_cancer_softmax(10).initial_model(1).unwrap();
    let error = names(&Tensors::from_model(&other_shape).to_safetensors().unwrap());
    assert!(error.contains("update.safetensors") && error.contains("\"weight\" has shape [2, 30]"), "{error}");
    let other_names = recipes::digits_mlp(10).initial_model(1).unwrap();
    let error = names(&Tensors::from_model(&other_names).to_safetensors().unwrap());
    assert!(error.contains("\"hidden.bias\" is not part of the model"), "{error}");
    let mut bytes = bench.model.to_safetensors().unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let error = names(&bytes);
    assert!(error.contains("has inf at place"), "{error}");
    assert!(names(b"not safetensors").contains("no safetensors file"));
    assert!(names(&vec![0; 3 << 20]).contains("larger than"));
}

#[test]
fn missing_results_and_impossible_metrics_are_refused() {
    let bench = Bench::new();
    bench.prepare_update(&bench.model.to_safetensors().unwrap());
    let error = bench.run(&bench.script("true\n")).unwrap_err().to_string();
    assert!(error.contains("update.safetensors: it cannot be read"), "{error}");
    for metrics in [
        r#"{"loss": 1, "correct": 3, "rows": 2}"#,
        r#"{"loss": "high", "correct": 1, "rows": 2}"#,
        "{",
        r#"{"rows": 2}"#,
    ] {
        let script = format!("{COPY}echo '{metrics}' > \"$1/metrics.json\"\n");
        let error = bench.run(&bench.script(&script)).unwrap_err().to_string();
        assert!(error.contains("metrics.json"), "{error}");
    }
}

#[test]
fn the_result_of_an_earlier_round_is_not_taken_for_this_one() {
    let bench = Bench::new();
    bench.run(&BuiltIn::new(rows())).unwrap();
    let error = bench.run(&bench.script("true\n")).unwrap_err().to_string();
    assert!(error.contains("update.safetensors: it cannot be read"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_files_of_the_door_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.run(&BuiltIn::new(rows())).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["model.safetensors", "task.json", "round.json", "update.safetensors", "metrics.json"] {
        assert_eq!(mode(&bench.door().join(name)), 0o600, "{name}");
    }
}

#[test]
fn command_lines_are_split_as_people_expect() {
    let words = |line| split_words(line).unwrap();
    assert_eq!(words("python3 train.py  --fast"), ["python3", "train.py", "--fast"]);
    assert_eq!(words(r#""my trainer" 'a "b"' c\ d "e\"f" ''"#), ["my trainer", "a \"b\"", "c d", "e\"f", ""]);
    for open in ["'a", "\"a", "a\\"] {
        assert_eq!(split_words(open), None);
    }
    assert!(CommandTrainer::from_command_line("  ", Duration::ZERO).is_err());
}

#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn a_program_ends_with_the_process_that_called_it_however_that_ends() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    // In the process that is killed: the trainer says who it is, and goes on for a minute.
    if let Some(folder) = std::env::var_os("BAUTA_TEST_CALLER") {
        let folder = std::path::PathBuf::from(folder);
        let line = format!("sh -c 'echo $$ > {}/pid; sleep 60 & wait'", folder.display());
        let trainer = CommandTrainer::from_command_line(&line, Duration::from_secs(60)).unwrap();
        let _ = Trainer::run(&trainer, &folder);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args(["door::a_program_ends_with_the_process_that_called_it_however_that_ends", "--nocapture"])
        .env("BAUTA_TEST_CALLER", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let read = || std::fs::read_to_string(folder.path().join("pid")).ok().filter(|pid| pid.ends_with('\n'));
    let pid = loop {
        if let Some(pid) = read() {
            break pid.trim().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "the trainer never ran");
        std::thread::sleep(Duration::from_millis(10));
    };
    caller.kill().unwrap();
    caller.wait().unwrap();
    // A zombie is ended, too; nobody may be there to collect it.
    let is_running = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
    };
    while is_running() {
        assert!(started.elapsed() < Duration::from_secs(20), "the trainer goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
}
