//! The rules by which groups become one update: what they compute, what they bear, what they refuse.

pub mod reference;

use bauta_learning::combine::{
    Combination, CombineError, GroupSum, PassError, Survey, SurveyError, MAX_COMPARED_GROUPS,
};
use bauta_learning::fixed::{Fixed, MAX};
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;
use reference::{sums, Group};

/// Small numbers, where halves and ties are frequent, large ones, and the ends of the range.
fn values() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -20i64..20,
        4 => -(1i64 << 45)..(1 << 45),
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, i64::MIN + 1, 0]),
    ]
}

fn groups(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Group>> {
    (count, 1usize..8)
        .prop_flat_map(|(count, length)| vec((vec(values(), length), prop_oneof![1u64..300, 1u64..(1 << 40)]), count))
}

/// All rules that fit so many groups, with parameters drawn from `draw`.
fn rules(groups: usize, draw: u32, norm: i64) -> Vec<Combination> {
    let groups = u32::try_from(groups).unwrap();
    let mut rules = vec![Combination::Mean, Combination::Median];
    if groups >= 3 {
        rules.push(Combination::TrimmedMean { trim: 1 + draw % ((groups - 1) / 2) });
        let hostile = draw % ((groups - 3) / 2 + 1);
        rules.push(Combination::MultiKrum { hostile, selected: 1 + draw % (groups - hostile - 2) });
    }
    rules.push(Combination::ClippedMean { norm: Fixed::from_bits(norm.clamp(1, MAX - 1)) });
    rules
}

/// Combines run by run, a survey's bytes being stored between any two.
fn in_runs(
    rule: Combination,
    groups: &[Group],
    scale_bits: u32,
    runs: &[std::ops::Range<usize>],
) -> (Vec<i64>, Vec<u8>) {
    let elements = groups[0].0.len() as u64;
    let run = |range: &std::ops::Range<usize>| -> Vec<Group> {
        groups.iter().map(|(sum, weight)| (sum[range.clone()].to_vec(), *weight)).collect()
    };
    let mut bytes = Survey::new(rule, groups.len(), elements, scale_bits).unwrap().encode();
    let stored = |bytes: &[u8]| Survey::decode(rule, groups.len(), elements, scale_bits, bytes).unwrap();
    if rule.needs_survey() {
        for range in runs {
            let mut survey = stored(&bytes);
            survey.add(range.start as u64, &sums(&run(range))).unwrap();
            bytes = survey.encode();
        }
    }
    let plan = stored(&bytes).plan().unwrap();
    (runs.iter().flat_map(|range| plan.combine(&sums(&run(range))).unwrap()).collect(), bytes)
}

fn combine(rule: Combination, groups: &[Group]) -> Vec<i64> {
    rule.combine(&sums(groups), 32).unwrap()
}

proptest! {
    #[test]
    fn every_rule_gives_what_exact_fractions_give(
        groups in groups(1..10), scale_bits in 0u32..=32, draw in any::<u32>(), norm in 1i64..(1 << 46),
    ) {
        for rule in rules(groups.len(), draw, norm) {
            let combined = rule.combine(&sums(&groups), scale_bits).unwrap();
            prop_assert_eq!(combined, reference::combine(rule, &groups, scale_bits), "{:?}", rule);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_combined_as_exactly(
        groups in vec((vec(prop::sample::select(vec![i64::MIN, -MAX, MAX, 0]), 3), prop_oneof![Just(1u64), Just(1 << 58)]), 3..8),
        scale_bits in prop::sample::select(vec![0u32, 31, 32]), draw in any::<u32>(),
    ) {
        for rule in rules(groups.len(), draw, MAX - 1) {
            let combined = rule.combine(&sums(&groups), scale_bits).unwrap();
            prop_assert!(combined.iter().all(|value| *value >= -MAX));
            prop_assert_eq!(combined, reference::combine(rule, &groups, scale_bits), "{:?}", rule);
        }
    }

    #[test]
    fn however_coordinates_are_divided_into_runs_result_and_survey_are_the_same(
        groups in groups(1..8), scale_bits in 0u32..=32, draw in any::<u32>(), cuts in vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let length = groups[0].0.len();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).chain([length]).collect();
        ends.sort_unstable();
        let runs: Vec<_> = ends.iter().scan(0, |start, &end| Some(std::mem::replace(start, end)..end)).collect();
        for rule in rules(groups.len(), draw, 1 << 40) {
            let divided = in_runs(rule, &groups, scale_bits, &runs);
            prop_assert_eq!(&divided, &in_runs(rule, &groups, scale_bits, std::slice::from_ref(&(0..length))), "{:?}", rule);
            prop_assert_eq!(divided.0, rule.combine(&sums(&groups), scale_bits).unwrap());
        }
    }

    #[test]
    fn the_order_of_the_groups_does_not_matter(
        groups in (3usize..9).prop_flat_map(|count| vec((vec(-(1i64 << 60)..(1 << 60), 4), 1u64..300), count)),
        order in any::<u64>(), draw in any::<u32>(),
    ) {
        let mut other = groups.clone();
        // Any permutation: a draw from those left, each time.
        for left in (1..groups.len()).rev() {
            other.swap(left, usize::try_from(order.rotate_left(u32::try_from(left).unwrap() * 7) % (left as u64 + 1)).unwrap());
        }
        for rule in rules(groups.len(), draw, 1 << 55) {
            prop_assert_eq!(combine(rule, &groups), combine(rule, &other), "{:?}", rule);
        }
    }

    #[test]
    fn a_hostile_minority_cannot_move_median_or_trimmed_mean_out_of_the_honest_range(
        honest in (1usize..6).prop_flat_map(|half| vec((vec(-1000i64..1000, 3), 1u64..300), half + 1)),
        hostile in vec((vec(values(), 3), 1u64..(1 << 40)), 5),
    ) {
        let minority = honest.len() - 1;
        let groups = [&hostile[..minority], &honest].concat();
        let means = reference::means(&honest, 32);
        for rule in [Combination::Median, Combination::TrimmedMean { trim: u32::try_from(minority).unwrap() }] {
            for (coordinate, value) in combine(rule, &groups).into_iter().enumerate() {
                let of_honest = || means.iter().map(|mean| &mean[coordinate]);
                let value = BigInt::from(value);
                prop_assert!(of_honest().min().unwrap() <= &value && &value <= of_honest().max().unwrap(), "{:?}", rule);
            }
        }
    }

    /// Whoever is selected has a score of at most that of the worst honest group, `(n - f - 2) D^2` with `D` the honest ones' largest
    /// distance; at least `n - 2f - 1` of the neighbours it sums are honest, so the nearest honest one is within that over their number.
    #[test]
    fn whoever_multi_krum_selects_lies_near_an_honest_group(
        honest in vec((vec(-1000i64..1000, 3), Just(1u64)), 5..8), hostile in vec((vec(values(), 3), 1u64..300), 3),
        selected in 1u32..4,
    ) {
        let f = (honest.len() - 3).min(3);
        let groups = [&hostile[..f], &honest].concat();
        let n = groups.len();
        let selected = selected.min(u32::try_from(n - f - 2).unwrap());
        let rule = Combination::MultiKrum { hostile: u32::try_from(f).unwrap(), selected };
        let mut survey = Survey::new(rule, n, 3, 32).unwrap();
        survey.add(0, &sums(&groups)).unwrap();
        let means = reference::means(&groups, 32);
        let apart = |a: usize, b: usize| reference::squared_distance(&means[a], &means[b]);
        let diameter = (f..n).flat_map(|a| (f..n).map(move |b| (a, b))).map(|(a, b)| apart(a, b)).max().unwrap();
        let plan = survey.plan().unwrap();
        prop_assert_eq!(plan.selected().unwrap().len(), selected as usize);
        for &place in plan.selected().unwrap() {
            let nearest = (f..n).filter(|&other| other != place).map(|other| apart(place, other)).min().unwrap();
            prop_assert!(nearest * (n - 2 * f - 1) <= &diameter * (n - f - 2), "group {} of {}", place, n);
        }
    }

    #[test]
    fn a_hostile_group_moves_the_clipped_mean_by_at_most_its_share_of_the_norm(
        honest in vec((vec(-1000i64..1000, 3), 1u64..16), 1..6), hostile in (vec(values(), 3), 1u64..16), norm in 1i64..2000,
    ) {
        let rule = Combination::ClippedMean { norm: Fixed::from_bits(norm) };
        let idle = (vec![0; 3], hostile.1);
        let (weight, total) = (hostile.1, hostile.1 + honest.iter().map(|(_, weight)| weight).sum::<u64>());
        let moved = combine(rule, &[honest.clone(), vec![hostile]].concat());
        let still = combine(rule, &[honest, vec![idle]].concat());
        let distance: i128 = moved.iter().zip(&still).map(|(a, b)| i128::from(a - b).pow(2)).sum();
        // Rounding moves each of three coordinates by at most half a unit here, half a unit there, and less for the shrunk mean.
        let allowed = (u128::from(norm.unsigned_abs()) * u128::from(weight)).div_ceil(u128::from(total)) + 3;
        prop_assert!(distance.unsigned_abs() <= allowed * allowed, "{} > {}^2", distance, allowed);
    }

    #[test]
    fn a_norm_that_no_group_exceeds_changes_nothing(groups in vec((vec(-(1i64 << 40)..(1 << 40), 4), 1u64..300), 1..6), scale_bits in 20u32..=32) {
        let clipped = Combination::ClippedMean { norm: Fixed::from_bits(MAX - 1) };
        let mean = Combination::Mean.combine(&sums(&groups), scale_bits).unwrap();
        prop_assert_eq!(clipped.combine(&sums(&groups), scale_bits).unwrap(), mean);
    }

    #[test]
    fn weights_of_groups_do_not_count_where_groups_count_once(
        means in (3usize..8).prop_flat_map(|count| vec((vec(-1000i64..1000, 3), 1u64..300), count)), draw in any::<u32>(),
    ) {
        let weighed: Vec<Group> = means.iter().map(|(mean, weight)| {
            (mean.iter().map(|value| value * i64::try_from(*weight).unwrap()).collect(), *weight)
        }).collect();
        let alike: Vec<Group> = means.iter().map(|(mean, _)| (mean.clone(), 1)).collect();
        for rule in rules(means.len(), draw, 1).into_iter().filter(|rule| !matches!(rule, Combination::Mean | Combination::ClippedMean { .. })) {
            prop_assert_eq!(combine(rule, &weighed), combine(rule, &alike), "{:?}", rule);
        }
    }

    #[test]
    fn changed_bytes_of_a_survey_are_refused_or_read_as_they_stand(
        groups in groups(3..6), draw in any::<u32>(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let elements = groups[0].0.len() as u64;
        for rule in rules(groups.len(), draw, 1 << 40) {
            let decode = |bytes: &[u8]| Survey::decode(rule, groups.len(), elements, 20, bytes);
            let mut survey = Survey::new(rule, groups.len(), elements, 20).unwrap();
            if rule.needs_survey() {
                survey.add(0, &sums(&groups)).unwrap();
            }
            let mut bytes = survey.encode();
            prop_assert_eq!(decode(&bytes).unwrap(), survey);
            prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if let Ok(other) = decode(&bytes) {
                prop_assert_eq!(other.encode(), bytes);
                let _ = other.plan().map(|plan| plan.combine(&sums(&groups)));
            }
        }
    }

    #[test]
    fn any_parameters_get_an_answer(
        groups in groups(1..6), trim in any::<u32>(), hostile in any::<u32>(), selected in any::<u32>(), norm in any::<i64>(), scale_bits in 0u32..40,
    ) {
        for rule in [
            Combination::TrimmedMean { trim }, Combination::TrimmedMean { trim: trim % 4 },
            Combination::MultiKrum { hostile, selected }, Combination::MultiKrum { hostile: hostile % 3, selected: selected % 4 },
            Combination::ClippedMean { norm: Fixed::from_bits(norm) },
        ] {
            let fits = rule.check_groups(groups.len()).is_ok() && scale_bits <= 32;
            prop_assert_eq!(rule.combine(&sums(&groups), scale_bits).is_ok(), fits, "{:?}", rule);
            for count in [0, 1, 100, u64::MAX] {
                let _ = (rule.survey_cost(count, count), rule.plan_cost(count), rule.combine_cost(count, count));
            }
        }
    }
}

#[test]
fn one_hostile_group_moves_the_mean_anywhere_and_the_others_hardly() {
    let mut groups: Vec<Group> = (0..7).map(|place| (vec![1000 + place, -5], 10)).collect();
    let all = [
        Combination::Mean,
        Combination::Median,
        Combination::TrimmedMean { trim: 1 },
        Combination::MultiKrum { hostile: 1, selected: 2 },
        Combination::ClippedMean { norm: Fixed::from_bits(200) },
    ];
    let before: Vec<i64> = all.iter().map(|rule| combine(*rule, &groups)[0]).collect();
    groups[3].0[0] = 1 << 50;
    let moved: Vec<i64> = all.iter().zip(before).map(|(rule, before)| combine(*rule, &groups)[0] - before).collect();
    assert_eq!(moved[0], ((1i64 << 50) - 1003 + 35) / 70, "the mean goes where it is pulled");
    assert!(moved[1..].iter().all(|moved| moved.abs() <= 200 / 7 + 1), "{moved:?}");
}

#[test]
fn the_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle_rounded_to_even() {
    let median = |values: &[i64]| {
        let groups: Vec<Group> = values.iter().map(|value| (vec![*value], 1)).collect();
        combine(Combination::Median, &groups)[0]
    };
    assert_eq!([median(&[9, 1, 5]), median(&[4, 1, 9, 7]), median(&[4, 1, 9, 5]), median(&[0, -5])], [5, 6, 4, -2]);
    assert_eq!(median(&[i64::MIN, i64::MAX]), 0);
    assert_eq!(median(&[i64::MIN]), -MAX);
}

#[test]
fn krum_takes_the_first_of_groups_that_cannot_be_told_apart() {
    let groups: Vec<Group> = [7, 3, 3, 7, 5].into_iter().map(|value| (vec![value], 1)).collect();
    let rule = Combination::MultiKrum { hostile: 1, selected: 2 };
    let mut survey = Survey::new(rule, 5, 1, 32).unwrap();
    survey.add(0, &sums(&groups)).unwrap();
    // Scores: 4, 4, 4, 4 and 8; all four have the same remaining distances.
    assert_eq!(survey.plan().unwrap().selected().unwrap(), [0, 1]);
}

#[test]
fn a_group_is_clipped_exactly_when_it_exceeds_the_norm() {
    let rule = Combination::ClippedMean { norm: Fixed::from_bits(5) };
    let groups = [(vec![3, 4], 1), (vec![30, 40], 10), (vec![3, 5], 1), (vec![0, 0], 1)];
    let mut survey = Survey::new(rule, 4, 2, 32).unwrap();
    survey.add(0, &sums(&groups)).unwrap();
    assert_eq!(survey.plan().unwrap().clipped().unwrap(), [2]);
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let check = |rule: Combination| rule.check().unwrap_err();
    assert_eq!(check(Combination::TrimmedMean { trim: 0 }), CombineError::Trim(0));
    assert_eq!(check(Combination::TrimmedMean { trim: (1 << 19) + 1 }), CombineError::Trim((1 << 19) + 1));
    assert_eq!(check(Combination::MultiKrum { hostile: 255, selected: 1 }), CombineError::Hostile(255));
    assert_eq!(check(Combination::MultiKrum { hostile: 1, selected: 0 }), CombineError::Selected(0));
    for norm in [Fixed::ZERO, Fixed::from_bits(-1), Fixed::from_bits(MAX)] {
        assert_eq!(check(Combination::ClippedMean { norm }), CombineError::Norm(norm));
    }
    let many = Combination::MultiKrum { hostile: 1, selected: 1 }.check_groups(MAX_COMPARED_GROUPS + 1);
    assert_eq!(many, Err(CombineError::TooManyCompared(513)));
}

#[test]
fn groups_that_were_voided_until_the_parameters_no_longer_fit_abort_the_round() {
    for (rule, fewest) in [
        (Combination::Mean, 1),
        (Combination::Median, 1),
        (Combination::TrimmedMean { trim: 2 }, 5),
        (Combination::MultiKrum { hostile: 2, selected: 1 }, 7),
        (Combination::MultiKrum { hostile: 2, selected: 5 }, 9),
        (Combination::ClippedMean { norm: Fixed::ONE }, 1),
    ] {
        assert_eq!(rule.fewest_groups(), fewest);
        let groups: Vec<Group> = (0..fewest).map(|place| (vec![i64::try_from(place).unwrap()], 1)).collect();
        rule.combine(&sums(&groups), 20).unwrap();
        let error = rule.combine(&sums(&groups[1..]), 20).unwrap_err();
        if fewest == 1 {
            assert_eq!(error, CombineError::NoGroups);
        } else {
            assert_eq!(error, CombineError::TooFewGroups { rule: rule.name(), needed: fewest, found: fewest - 1 });
        }
    }
}

#[test]
fn a_survey_takes_every_coordinate_once_and_in_order() {
    let rule = Combination::ClippedMean { norm: Fixed::ONE };
    let (long, short) = ([1i64, 2, 3], [1i64, 2]);
    let mut survey = Survey::new(rule, 2, 5, 20).unwrap();
    let run = |sum: &'static [i64]| [GroupSum::new(sum, 1), GroupSum::new(sum, 2)];
    survey.add(0, &[GroupSum::new(&long, 1), GroupSum::new(&long, 2)]).unwrap();
    let before = survey.clone();
    for first in [0, 2, 4] {
        let order = CombineError::Order { first, end: first + 2, next: 3, elements: 5 };
        assert_eq!(survey.add(first, &run(&[1, 2])), Err(order));
    }
    assert!(matches!(survey.add(3, &run(&[1, 2, 3])), Err(CombineError::Order { end: 6, .. })));
    assert_eq!(survey.add(3, &run(&[1, 2])[..1]), Err(CombineError::GroupCount { expected: 2, found: 1 }));
    let uneven = [GroupSum::new(&short, 1), GroupSum::new(&short[..1], 1)];
    assert_eq!(survey.add(3, &uneven), Err(CombineError::Length { group: 1, expected: 2, found: 1 }));
    assert_eq!(survey.plan(), Err(CombineError::Incomplete { next: 3, elements: 5 }));
    assert_eq!(survey, before, "what was refused left no trace");
    survey.add(3, &run(&[1, 2])).unwrap();
    assert!(survey.is_complete() && survey.plan().is_ok());
}

#[test]
fn a_survey_of_something_else_is_refused_by_what_differs() {
    let rule = Combination::ClippedMean { norm: Fixed::ONE };
    let bytes = Survey::new(rule, 3, 10, 20).unwrap().encode();
    let other = |what, expected, found| Err(SurveyError::Bytes(PassError::Other { what, expected, found }));
    let krum = Combination::MultiKrum { hostile: 0, selected: 1 };
    assert_eq!(Survey::decode(krum, 3, 10, 20, &bytes), other("rule", 4, 5));
    assert_eq!(Survey::decode(rule, 4, 10, 20, &bytes), other("number of groups", 4, 3));
    assert_eq!(Survey::decode(rule, 3, 11, 20, &bytes), other("number of coordinates", 11, 10));
    assert_eq!(Survey::decode(rule, 3, 10, 21, &bytes), other("scale_bits", 21, 20));
}

#[test]
fn a_rule_costs_more_the_more_groups_and_coordinates_it_looks_at() {
    for rule in [
        Combination::Mean,
        Combination::Median,
        Combination::TrimmedMean { trim: 1 },
        Combination::MultiKrum { hostile: 1, selected: 2 },
        Combination::ClippedMean { norm: Fixed::ONE },
    ] {
        let cost = |groups, coordinates| {
            rule.survey_cost(groups, coordinates) + rule.plan_cost(groups) + rule.combine_cost(groups, coordinates)
        };
        assert!(cost(5, 1000) >= 1000, "{rule:?}: every coordinate costs something");
        assert!(cost(5, 1000) < cost(50, 1000) && cost(50, 1000) < cost(50, 10_000), "{rule:?}");
        assert_eq!(rule.survey_cost(5, 1000) > 0, rule.needs_survey(), "{rule:?}");
    }
}
