//! How much of a briefing is kept. A case is one `DynamoDB` item, and an item has 400 KB.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>

use approvals::{Briefing, Property, Risk};

use crate::change_sets::risk::order;
use crate::text;

/// A whole briefing as JSON, in bytes.
pub(crate) const MAX_BRIEFING_BYTES: usize = 200_000;
/// Changes of all change sets together.
pub(crate) const MAX_CHANGES: usize = 100;
/// A stack's or a change set's name, in characters.
pub(crate) const MAX_STACK_CHARS: usize = 128;
/// An ARN, in characters.
pub(crate) const MAX_ARN_CHARS: usize = 1_024;
/// A reason of a gap, in characters.
pub(crate) const MAX_WHY_CHARS: usize = 400;
/// Gaps.
const MAX_GAPS: usize = 20;
/// Values are cut to so many characters where the whole is too large.
const MAX_SHORT_CHARS: usize = 40;

/// The briefing within all bounds: the most dangerous changes stay longest.
pub(crate) fn fit(mut briefing: Briefing) -> Briefing {
    share(&mut briefing);
    briefing.gaps.sort_by_key(|gap| gap.what);
    briefing.gaps.dedup();
    briefing.gaps.truncate(MAX_GAPS);
    for step in [shorten_values, drop_harmless_properties, drop_properties] {
        if size(&briefing) <= MAX_BRIEFING_BYTES {
            return briefing;
        }
        step(&mut briefing);
    }
    while size(&briefing) > MAX_BRIEFING_BYTES && halve(&mut briefing) {}
    briefing
}

fn size(briefing: &Briefing) -> usize {
    serde_json::to_vec(briefing)
        .expect("a briefing is plain data")
        .len()
}

/// Leaves [`MAX_CHANGES`] changes over all change sets: the most dangerous, wherever they stand.
fn share(briefing: &mut Briefing) {
    let mut all: Vec<(usize, approvals::Change)> = Vec::new();
    for (place, set) in briefing.change_sets.iter_mut().enumerate() {
        all.extend(set.changes.drain(..).map(|change| (place, change)));
    }
    // Stable: among equals the earlier change set goes first.
    all.sort_by(|(_, one), (_, other)| order(one, other));
    all.truncate(MAX_CHANGES);
    for (place, change) in all {
        briefing.change_sets[place].changes.push(change);
    }
}

fn properties(briefing: &mut Briefing) -> impl Iterator<Item = (Risk, &mut Vec<Property>)> {
    briefing
        .change_sets
        .iter_mut()
        .flat_map(|set| &mut set.changes)
        .map(|change| (change.risk, &mut change.properties))
}

fn shorten_values(briefing: &mut Briefing) {
    for property in properties(briefing).flat_map(|(_, properties)| properties) {
        for value in [&mut property.before, &mut property.after]
            .into_iter()
            .flatten()
        {
            *value = text::cut(value, MAX_SHORT_CHARS);
        }
    }
}

fn drop_harmless_properties(briefing: &mut Briefing) {
    properties(briefing)
        .filter(|(risk, _)| *risk == Risk::Other)
        .for_each(|(_, properties)| properties.clear());
}

fn drop_properties(briefing: &mut Briefing) {
    properties(briefing).for_each(|(_, properties)| properties.clear());
}

/// Half of each longest part goes; whether anything was left to go.
fn halve(briefing: &mut Briefing) -> bool {
    let mut gone = false;
    for set in &mut briefing.change_sets {
        let kept = set.changes.len() / 2;
        gone |= kept < set.changes.len();
        set.changes.truncate(kept);
    }
    for revision in &mut briefing.revisions {
        if let Some(summary) = &mut revision.summary {
            let kept = summary.chars().count() / 2;
            gone |= !summary.is_empty();
            *summary = text::cut(summary, kept);
        }
    }
    let kept = briefing.variables.len() / 2;
    gone |= kept < briefing.variables.len();
    briefing.variables.truncate(kept);
    for gate in &mut briefing.gates {
        let kept = gate.reasons.len() / 2;
        gone |= kept < gate.reasons.len();
        gate.reasons.truncate(kept);
    }
    gone
}

#[cfg(test)]
mod tests {
    use approvals::{
        Change, ChangeAction, ChangeSet, Gap, GateReport, Lookup, Replacement, Revision, SetState,
        Variable,
    };
    use proptest::prelude::*;

    use super::*;

    /// As large as the readers let each part become, of the widest characters.
    fn widest(character: &str) -> Briefing {
        let text = |chars: usize| character.repeat(chars);
        let change = |number: usize| Change {
            risk: if number.is_multiple_of(2) {
                Risk::Removal
            } else {
                Risk::Other
            },
            action: ChangeAction::Modify,
            logical_id: text(256),
            resource_type: text(128),
            replacement: Replacement::False,
            properties: (0..8)
                .map(|_| Property {
                    name: text(128),
                    before: Some(text(160)),
                    after: Some(text(160)),
                    recreates: Replacement::False,
                })
                .collect(),
        };
        let set = ChangeSet {
            stack: text(MAX_STACK_CHARS),
            name: text(MAX_STACK_CHARS),
            id: text(MAX_ARN_CHARS),
            changes: (0..100).map(change).collect(),
            total: 5_000,
            state: SetState::Unavailable,
            reason: Some(text(300)),
        };
        let revision = Revision {
            artifact: text(128),
            id: text(256),
            summary: Some(text(1_000)),
            author: Some(text(128)),
            url: Some("https://example.com/".to_owned() + &"a".repeat(1_900)),
            created: None,
        };
        let gate = GateReport {
            stage: "pre-traffic".into(),
            application: text(128),
            deployment: text(64),
            passed: false,
            reasons: vec![text(300); 10],
            report: text(1_024),
        };
        let variable = Variable {
            name: text(128),
            value: text(256),
        };
        let gap = |number: usize| Gap {
            what: Lookup::ChangeSet,
            why: format!("{number}{}", text(MAX_WHY_CHARS - 4)),
        };
        Briefing {
            change_sets: vec![set; 8],
            revisions: vec![revision; 4],
            gates: vec![gate; 6],
            variables: vec![variable; 50],
            gaps: (0..40).map(gap).collect(),
            ..Briefing::default()
        }
    }

    #[test]
    fn the_largest_briefing_fits_into_an_item_and_keeps_the_dangerous() {
        for character in ["a", "\"", "👩", "ü"] {
            let fitted = fit(widest(character));
            assert!(
                size(&fitted) <= MAX_BRIEFING_BYTES,
                "{character}: {}",
                size(&fitted)
            );
            let kept: Vec<Risk> = fitted
                .change_sets
                .iter()
                .flat_map(|set| set.changes.iter().map(|change| change.risk))
                .collect();
            assert!(!kept.is_empty() && kept.len() <= MAX_CHANGES);
            assert!(kept.iter().all(|risk| *risk == Risk::Removal));
            assert!(fitted.change_sets.iter().all(|set| set.total == 5_000));
            assert_eq!(fitted.gaps.len(), MAX_GAPS);
        }
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut briefing = widest("a");
        briefing.gaps.truncate(1);
        briefing.change_sets.truncate(1);
        briefing.change_sets[0].changes.truncate(3);
        let mut sorted = briefing.clone();
        crate::change_sets::sort(&mut sorted.change_sets[0].changes);
        assert_eq!(fit(briefing), sorted);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn any_character_fits(character in any::<char>()) {
            prop_assert!(size(&fit(widest(&character.to_string()))) <= MAX_BRIEFING_BYTES);
        }
    }
}
