//! What a task declares about those who take part, and what it leads to.

use bauta_rounds::tails::{self, Declared, Odds, DRAWN_SEATS, DRAWN_THRESHOLD};
use bauta_rounds::terms::Terms;
use serde_json::{json, Value};

/// What providers are told of a task that hides nobody from the others of a group.
const TRUSTING: &str =
    "this task trusts all of its providers not to collude (corrupt_heads_ppm is 0): others of your group together, \
                        who keep the rest from submitting, could single out your update";

/// The declared shares and their consequences, a row each.
pub fn rows(terms: &Terms) -> Vec<(&'static str, String)> {
    let Odds { declared, draw, alone, .. } = tails::odds(&terms.cohort);
    let Declared { corrupt_bond_ppm, offline_seats_ppm, corrupt_heads_ppm } = declared;
    let mut rows = vec![match &draw {
        None => {
            let most = terms.cohort.max_providers;
            ("seats", format!("one each; of {most} at most {} are corrupt, as declared", terms.corrupt_heads(most)))
        }
        Some(draw) => (
            "seats",
            format!(
                "{DRAWN_SEATS} drawn by bond; with {} of it corrupt and {} of the others offline, fewer than {DRAWN_THRESHOLD} answer with \
                 probability {}, and as many are corrupt with at most {}",
                percent(corrupt_bond_ppm),
                percent(offline_seats_ppm),
                draw.unable,
                draw.corrupt.power_of_two()
            ),
        ),
    }];
    rows.push((
        "groups",
        format!(
            "with {} of the providers corrupt, as declared, one is alone among them with probability {} at most ({} of {} dealers in a group \
             of {})",
            percent(corrupt_heads_ppm),
            alone.probability,
            alone.corrupt,
            alone.dealers,
            alone.largest_group
        ),
    ));
    rows.extend(trusting(terms).map(|trusting| ("trust", trusting.to_owned())));
    rows
}

/// What to say of a task that declares that nobody is corrupt.
pub fn trusting(terms: &Terms) -> Option<&'static str> {
    (Declared::of(&terms.cohort).corrupt_heads_ppm == 0).then_some(TRUSTING)
}

/// The same as an object.
pub fn json(terms: &Terms) -> Value {
    let Odds { declared, draw, alone, .. } = tails::odds(&terms.cohort);
    json!({
        "corrupt_bond_ppm": declared.corrupt_bond_ppm,
        "offline_seats_ppm": declared.offline_seats_ppm,
        "corrupt_heads_ppm": declared.corrupt_heads_ppm,
        "trusts_all_providers": declared.corrupt_heads_ppm == 0,
        "draw": draw.map(|draw| json!({
            "seats": DRAWN_SEATS,
            "threshold": DRAWN_THRESHOLD,
            "unable": draw.unable.to_string(),
            "corrupt": draw.corrupt.power_of_two(),
        })),
        "alone": {
            "dealers": alone.dealers,
            "corrupt": alone.corrupt,
            "largest_group": alone.largest_group,
            "probability": alone.probability.to_string(),
        },
    })
}

/// Millionths as a percentage.
fn percent(ppm: u32) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    match rest {
        0 => format!("{whole} %"),
        rest => format!("{} %", format!("{whole}.{rest:04}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn millionths_are_percentages() {
        for (ppm, written) in
            [(0, "0 %"), (200_000, "20 %"), (333_333, "33.3333 %"), (52_500, "5.25 %"), (1, "0.0001 %")]
        {
            assert_eq!(percent(ppm), written);
        }
    }
}
