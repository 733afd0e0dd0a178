//! What is told of a paused deployment of ECS: what happens if nobody decides, which step it is, and how
//! the revisions differ.

use approvals::{Case, DeploymentBriefing, Difference, DifferenceKind, TimeoutAction};

use super::{Detail, Item, Line, MessageBody, Section, Tone};
use crate::budget::Rank;
use crate::texts::{Key, Texts};
use text::clean;

/// What happens if nobody decides. A pause that fails open must not be overlooked.
pub(super) fn at_the_end(case: &Case, texts: &Texts) -> Option<Line> {
    let paused = case.source.paused()?;
    Some(match paused.timeout_action {
        Some(TimeoutAction::Continue) => {
            Line::strong(format!("⚠ {}", texts.plain(Key::PauseContinues)), Tone::Bad)
        }
        Some(TimeoutAction::Rollback) => Line::text(texts.plain(Key::PauseRollsBack)),
        None => Line::strong(texts.plain(Key::PauseEndUnknown), Tone::Warning),
    })
}

/// Adds the step, the revisions and their differences.
pub(super) fn tell(
    body: &mut MessageBody,
    deployment: &DeploymentBriefing,
    texts: &Texts,
    detail: &Detail,
) {
    if let Some(percent) = deployment.production_percent {
        let percent = percent.to_string();
        let told = texts.get(Key::PauseTraffic, &[("percent", &percent)]);
        body.lead.push(Line::text(told));
    }
    if let Some(new) = &deployment.new_revision {
        let value = |text: &str| clean::short(text, detail.value);
        let told = match &deployment.old_revision {
            Some(old) => texts.get(
                Key::RevisionStep,
                &[("from", &value(old)), ("to", &value(new))],
            ),
            None => texts.get(Key::RevisionFirst, &[("to", &value(new))]),
        };
        body.lead.push(Line::text(told));
    }
    let items = deployment.differences.iter().map(|difference| Item {
        rank: rank(difference),
        line: line(difference, texts, detail),
    });
    body.sections.push(Section {
        heading: texts.plain(Key::Differences),
        items: items.collect(),
        ..Section::default()
    });
}

/// The image first, then who may do what, then what is gone.
fn rank(difference: &Difference) -> Rank {
    let field = difference.field.as_str();
    if field.rsplit('.').next() == Some("image") {
        Rank::First
    } else if field.ends_with("RoleArn") || field.contains(".secrets.") {
        Rank::Access
    } else if difference.kind == DifferenceKind::Removed {
        Rank::Removal
    } else {
        Rank::Replacement
    }
}

/// `changes web.cpu: 256 → 512`
fn line(difference: &Difference, texts: &Texts, detail: &Detail) -> Line {
    let value = |text: &str| clean::short(text, detail.value);
    let line = match difference.kind {
        DifferenceKind::Added => Line::text(texts.plain(Key::Adds)),
        DifferenceKind::Removed => Line::strong(texts.plain(Key::Removes), Tone::Bad),
        DifferenceKind::Changed => Line::text(texts.plain(Key::Changes)),
    };
    let line = line.and(" ").and_code(value(&difference.field));
    let told = match (&difference.before, &difference.after) {
        (Some(before), Some(after)) => format!("{} → {}", value(before), value(after)),
        (Some(one), None) | (None, Some(one)) => value(one),
        (None, None) => return line,
    };
    line.and(texts.colon()).and_code(told)
}
