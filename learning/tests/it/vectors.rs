//! The published vectors, made by a second implementation (tests/vectors.py).

use std::path::Path;

use bauta_learning::combine::{Combination, CombineError, GroupSum, Survey};
use bauta_learning::encode::{Encoding, EncodingError};
use bauta_learning::evaluate::{Classifier, TestSet};
use bauta_learning::fixed::{divide_half_even, multiply, square_root, Fixed};
use bauta_learning::model::{Initialisation, Model, ModelSpec, TensorSpec};
use bauta_learning::optimiser::{Optimiser, State};
use bauta_learning::score::{factor, shares, usefulness, Agreement};
use serde_json::Value;

fn load(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/vectors").join(name);
    serde_json::from_slice(&std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    let list = value[key].as_array().unwrap();
    assert!(!list.is_empty(), "no vectors under {key}");
    list
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn bits(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn spec(value: &Value) -> ModelSpec {
    let tensor = |entry: &Value| TensorSpec::new(entry["name"].as_str().unwrap(), numbers::<u64>(&entry["shape"]));
    ModelSpec::new(list(value, "tensors").iter().map(tensor).collect()).unwrap()
}

#[test]
fn fixed_point_arithmetic_matches_the_vectors() {
    let vectors = load("learning-fixed.json");
    for case in list(&vectors, "products") {
        assert_eq!(multiply(number(&case["a"]), number(&case["b"])), number::<i64>(&case["product"]), "{case}");
    }
    for case in list(&vectors, "quotients") {
        let quotient = divide_half_even(number(&case["numerator"]), number(&case["denominator"]));
        assert_eq!(quotient, Some(number(&case["quotient"])), "{case}");
    }
    for case in list(&vectors, "square_roots") {
        assert_eq!(square_root(number(&case["value"])), number::<u64>(&case["root"]), "{case}");
    }
    for case in list(&vectors, "decimals") {
        let fixed: Fixed = number(&case["decimal"]);
        assert_eq!(fixed.to_bits(), number::<i64>(&case["units"]), "{case}");
    }
    for text in list(&vectors, "refused_decimals") {
        assert!(text.as_str().unwrap().parse::<Fixed>().is_err(), "{text} was accepted");
    }
}

#[test]
fn canonical_models_match_the_vectors_and_bad_ones_are_refused() {
    let vectors = load("learning-model.json");
    for case in list(&vectors, "good") {
        let model = Model::new(spec(case), numbers(&case["values"])).unwrap();
        let bytes = hex::decode(case["bytes"].as_str().unwrap()).unwrap();
        assert_eq!(model.encode(), bytes);
        assert_eq!(Model::decode(&bytes).unwrap(), model);
        assert_eq!(hex::encode(model.hash()), case["model_hash"].as_str().unwrap());
    }
    for case in list(&vectors, "bad") {
        let bytes = hex::decode(case["bytes"].as_str().unwrap()).unwrap();
        assert!(Model::decode(&bytes).is_err(), "accepted although: {}", case["why"]);
    }
}

#[test]
fn seeded_first_models_match_the_vectors() {
    for case in list(&load("learning-model.json"), "initial") {
        let seed = hex::decode(case["seed"].as_str().unwrap()).unwrap().try_into().unwrap();
        let bounds = numbers::<i64>(&case["bounds"]).into_iter().map(Fixed::from_bits).collect();
        let model = Initialisation::Uniform { seed, bounds }.model(&spec(case)).unwrap();
        assert_eq!(model.values(), numbers::<i64>(&case["values"]));
        assert_eq!(hex::encode(model.hash()), case["model_hash"].as_str().unwrap());
    }
}

#[test]
fn the_checks_of_encodings_match_the_vectors() {
    let vectors = load("learning-encode.json");
    let encoding = Encoding { clip: Fixed::ONE, scale_bits: 0, bound: 1, max_weight: 1 };
    for case in list(&vectors, "rings") {
        let (bound, max_weight) = (number(&case["bound"]), number(&case["max_weight"]));
        let bits = u32::try_from(case["bits"].as_u64().unwrap()).unwrap();
        let checked = Encoding { bound, max_weight, ..encoding }.check_ring(bits, number(&case["max_group"]));
        assert_eq!(checked.is_ok(), case["accepted"].as_bool().unwrap(), "{case}: {checked:?}");
    }
    for case in list(&vectors, "norms") {
        let clip = Fixed::from_bits(number(&case["clip"]));
        let scale_bits = u32::try_from(case["scale_bits"].as_u64().unwrap()).unwrap();
        let encoding = Encoding { clip, scale_bits, ..encoding };
        assert_eq!(encoding.clip_units(), number::<u64>(&case["clip_units"]), "{case}");
        assert_eq!(
            encoding.norm_bound_squared(number(&case["elements"])),
            number::<u128>(&case["norm_bound_squared"]),
            "{case}"
        );
    }
    for case in list(&vectors, "ranges") {
        let sums: Vec<i64> = numbers(&case["sums"]);
        let encoding = Encoding { bound: number(&case["bound"]), ..encoding };
        let place = match encoding.check_aggregate(1000, &sums, number(&case["weight_sum"])) {
            Ok(()) => None,
            Err(EncodingError::OutOfRange { coordinate, value, .. }) => {
                assert_eq!(value, sums[usize::try_from(coordinate - 1000).unwrap()]);
                Some(coordinate - 1000)
            }
            Err(other) => panic!("{case}: {other}"),
        };
        assert_eq!(place, case["first_out_of_range"].as_u64(), "{case}");
    }
}

#[test]
fn clipping_matches_the_vectors_to_the_last_bit() {
    for case in list(&load("learning-encode.json"), "clip_factors") {
        let clip = Fixed::from_bits(number(&case["clip"]));
        let encoding = Encoding { clip, scale_bits: 0, bound: 1, max_weight: 1 };
        let factor = encoding.clip_factor(&numbers::<f32>(&case["update"]));
        assert_eq!(factor.to_bits(), number::<f64>(&case["factor"]).to_bits(), "{case}");
    }
}

#[test]
fn seeded_rounding_matches_the_vectors_and_updates_that_are_none_are_refused() {
    let vectors = load("learning-encode.json");
    let mut drawn_again = false;
    for case in list(&vectors, "quantised") {
        let (clip, bound) = (Fixed::from_bits(number(&case["clip"])), number(&case["bound"]));
        let encoding = Encoding { clip, scale_bits: bits(&case["scale_bits"]), bound, max_weight: 1 };
        let seed = hex::decode(case["seed"].as_str().unwrap()).unwrap().try_into().unwrap();
        let encoded = encoding.quantise(&numbers::<f32>(&case["update"]), &seed).unwrap();
        assert_eq!(encoded, numbers::<i64>(&case["encoded"]), "{case}");
        assert!(encoding.is_within_bounds(&encoded), "{case}");
        drawn_again |= case["tries"].as_u64().unwrap() > 1;
    }
    assert!(drawn_again, "no vector draws more than once");
    for case in list(&vectors, "refused_updates") {
        let encoding = Encoding {
            clip: Fixed::from_bits(number(&case["clip"])),
            scale_bits: bits(&case["scale_bits"]),
            bound: number(&case["bound"]),
            max_weight: number(&case["max_weight"]),
        };
        let (error, place) = match encoding.quantise(&numbers::<f32>(&case["update"]), &[0; 32]).unwrap_err() {
            EncodingError::NotFinite(place) => ("not_finite", Some(place)),
            EncodingError::Clip(_) => ("clip", None),
            EncodingError::ScaleBits(_) => ("scale_bits", None),
            EncodingError::Bound(_) => ("bound", None),
            EncodingError::MaxWeight(_) => ("max_weight", None),
            other => panic!("{case}: {other}"),
        };
        assert_eq!((Some(error), place), (case["error"].as_str(), case["place"].as_u64()), "{case}");
    }
}

#[test]
fn weighted_means_match_the_vectors() {
    for case in list(&load("learning-combine.json"), "mean") {
        let sums: Vec<(Vec<i64>, u64)> =
            list(case, "groups").iter().map(|group| (numbers(&group["sum"]), number(&group["weight"]))).collect();
        let groups: Vec<GroupSum> = sums.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect();
        let scale_bits = u32::try_from(case["scale_bits"].as_u64().unwrap()).unwrap();
        assert_eq!(Combination::Mean.combine(&groups, scale_bits).unwrap(), numbers::<i64>(&case["mean"]), "{case}");
    }
}

fn rule(value: &Value) -> Combination {
    let count = |key: &str| u32::try_from(value[key].as_u64().unwrap()).unwrap();
    match value["name"].as_str().unwrap() {
        "mean" => Combination::Mean,
        "median" => Combination::Median,
        "trimmed_mean" => Combination::TrimmedMean { trim: count("trim") },
        "multi_krum" => Combination::MultiKrum { hostile: count("hostile"), selected: count("selected") },
        "clipped_mean" => Combination::ClippedMean { norm: Fixed::from_bits(number(&value["norm"])) },
        other => panic!("no rule is named {other}"),
    }
}

#[test]
fn rules_and_their_surveys_match_the_vectors() {
    for case in list(&load("learning-combine.json"), "rules") {
        let (rule, scale_bits) = (rule(&case["rule"]), bits(&case["scale_bits"]));
        let sums: Vec<(Vec<i64>, u64)> =
            list(case, "groups").iter().map(|group| (numbers(&group["sum"]), number(&group["weight"]))).collect();
        let length = sums[0].0.len();
        let run = |from: usize, to: usize| -> Vec<GroupSum> {
            sums.iter().map(|(sum, weight)| GroupSum::new(&sum[from..to], *weight)).collect()
        };
        let mut survey = Survey::new(rule, sums.len(), length as u64, scale_bits).unwrap();
        let half = length / 2;
        for (key, from, to) in [("half_survey", 0, half), ("survey", half, length)] {
            if rule.needs_survey() {
                survey.add(from as u64, &run(from, to)).unwrap();
            }
            assert_eq!(hex::encode(survey.encode()), case[key].as_str().unwrap(), "{case}");
        }
        let plan = survey.plan().unwrap();
        assert_eq!(plan.combine(&run(0, length)).unwrap(), numbers::<i64>(&case["combined"]), "{case}");
        let places = plan.selected().map(<[usize]>::to_vec).or_else(|| plan.clipped());
        assert_eq!(serde_json::to_value(places).unwrap(), case["places"], "{case}");
    }
}

#[test]
fn rules_that_do_not_fit_their_groups_are_refused_as_in_the_vectors() {
    for case in list(&load("learning-combine.json"), "refused_rules") {
        let rule = rule(&case["rule"]);
        let error = match rule.check_groups(usize::try_from(case["groups"].as_u64().unwrap()).unwrap()).unwrap_err() {
            CombineError::Trim(_) => "trim",
            CombineError::Hostile(_) => "hostile",
            CombineError::Selected(_) => "selected",
            CombineError::Norm(_) => "norm",
            CombineError::TooFewGroups { .. } => "too_few_groups",
            other => panic!("{case}: {other}"),
        };
        assert_eq!(error, case["error"].as_str().unwrap(), "{case}");
        assert_eq!(rule.fewest_groups(), case["fewest_groups"].as_u64().unwrap(), "{case}");
    }
}

#[test]
fn surveys_that_are_not_canonical_are_refused_as_in_the_vectors() {
    let vectors = load("learning-combine.json");
    let survey = &vectors["survey"];
    let (groups, elements) = (survey["groups"].as_u64().unwrap(), survey["elements"].as_u64().unwrap());
    let decode = |bytes: &str| {
        let bytes = hex::decode(bytes).unwrap();
        let groups = usize::try_from(groups).unwrap();
        Survey::decode(rule(&survey["rule"]), groups, elements, bits(&survey["scale_bits"]), &bytes)
    };
    let good = survey["good"].as_str().unwrap();
    assert_eq!(hex::encode(decode(good).unwrap().encode()), good);
    for case in list(&vectors, "refused_surveys") {
        assert!(decode(case["bytes"].as_str().unwrap()).is_err(), "accepted although: {}", case["why"]);
    }
}

#[test]
fn scores_and_rewards_match_the_vectors() {
    let vectors = load("learning-score.json");
    for case in list(&vectors, "agreement") {
        let sums: Vec<(Vec<i64>, u64)> =
            list(case, "groups").iter().map(|group| (numbers(&group["sum"]), number(&group["weight"]))).collect();
        let length = sums[0].0.len();
        let run = |from: usize, to: usize| -> Vec<GroupSum> {
            sums.iter().map(|(sum, weight)| GroupSum::new(&sum[from..to], *weight)).collect()
        };
        let mut agreement = Agreement::new(sums.len(), length as u64, bits(&case["scale_bits"])).unwrap();
        for (key, from, to) in [("half", 0, length / 2), ("whole", length / 2, length)] {
            agreement.add(from as u64, &run(from, to)).unwrap();
            assert_eq!(hex::encode(agreement.encode()), case[key].as_str().unwrap(), "{case}");
        }
        let scores: Vec<i64> = agreement.scores().unwrap().into_iter().map(Fixed::to_bits).collect();
        assert_eq!(scores, numbers::<i64>(&case["scores"]), "{case}");
    }
    for case in list(&vectors, "usefulness") {
        let (hits, without) = (number(&case["hits"]), number(&case["without"]));
        let score = usefulness(hits, without, number(&case["rows"]), bits(&case["sensitivity"]));
        assert_eq!(score.to_bits(), number::<i64>(&case["score"]), "{case}");
    }
    for case in list(&vectors, "factors") {
        let agreement = Fixed::from_bits(number(&case["agreement"]));
        let usefulness = case["usefulness"].as_str().map(|units| Fixed::from_bits(units.parse().unwrap()));
        assert_eq!(factor(agreement, usefulness).to_bits(), number::<i64>(&case["factor"]), "{case}");
    }
    for case in list(&vectors, "shares") {
        let group = |group: &Value| (number(&group["weight"]), Fixed::from_bits(number(&group["factor"])));
        let groups: Vec<(u64, Fixed)> = case["groups"].as_array().unwrap().iter().map(group).collect();
        assert_eq!(shares(number(&case["total"]), &groups), numbers::<u128>(&case["shares"]), "{case}");
    }
}

#[test]
fn hits_on_test_sets_match_the_vectors_and_bytes_that_are_none_are_refused() {
    let vectors = load("learning-score.json");
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    for case in list(&vectors, "hits") {
        let model = Model::decode(&bytes(&case["model"])).unwrap();
        let rows = TestSet::decode(&bytes(&case["test_set"])).unwrap();
        let classifier = Classifier::of(model.spec()).unwrap();
        for (row, hit) in list(case, "hit").iter().enumerate() {
            let hits = classifier.hits(&model, &rows, row..row + 1).unwrap();
            assert_eq!(hits == 1, hit.as_bool().unwrap(), "row {row} of {}", case["why"]);
        }
    }
    let good = bytes(&vectors["test_set"]);
    assert_eq!(TestSet::decode(&good).unwrap().encode(), good);
    for case in list(&vectors, "refused_test_sets") {
        assert!(TestSet::decode(&bytes(&case["bytes"])).is_err(), "accepted although: {}", case["why"]);
    }
}

#[test]
fn optimisers_match_the_vectors_step_by_step() {
    for case in list(&load("learning-optimiser.json"), "runs") {
        let hyper = |name: &str| number::<Fixed>(&case["hyper_parameters"][name]);
        let learning_rate = hyper("learning_rate");
        let optimiser = match case["kind"].as_str().unwrap() {
            "fed_avg" => Optimiser::FedAvg { learning_rate },
            "fed_avg_m" => Optimiser::FedAvgM { learning_rate, momentum: hyper("momentum") },
            _ => Optimiser::FedAdam { learning_rate, beta1: hyper("beta1"), beta2: hyper("beta2"), tau: hyper("tau") },
        };
        let mut parameters: Vec<i64> = numbers(&case["start"]);
        let mut state = State::initial(&optimiser, parameters.len());
        for (round, step) in list(case, "steps").iter().enumerate() {
            optimiser.step(&mut parameters, &mut state, &numbers::<i64>(&step["update"])).unwrap();
            assert_eq!(parameters, numbers::<i64>(&step["parameters"]), "{optimiser:?}, round {round}");
        }
        let bytes = hex::decode(case["state"].as_str().unwrap()).unwrap();
        assert_eq!(state.encode(), bytes);
        assert_eq!(State::decode(&optimiser, parameters.len(), &bytes).unwrap(), state);
    }
}
