//! What is told of a gate that asks: what follows from no answer, what was measured, and why it is not enough.

use approvals::{AskingGate, CheckEvidence, Evidence};

use super::{Detail, Item, Line, MessageBody, Section, Target, Tone};
use crate::budget::Rank;
use crate::links;
use crate::texts::{Key, Texts};
use text::clean;

/// No answer is an answer, and people must know which.
pub(super) fn at_the_end(texts: &Texts) -> Line {
    Line::strong(texts.plain(Key::GateEnd), Tone::Warning)
}

/// Adds what the gate has measured.
pub(super) fn tell(
    body: &mut MessageBody,
    (gate, evidence): (&AskingGate, &Evidence),
    texts: &Texts,
    detail: &Detail,
) {
    let value = |text: &str| clean::short(text, detail.value);
    let of = texts.get(
        Key::GateOf,
        &[
            ("caller", &value(&gate.caller)),
            ("deployment", &value(&gate.deployment_id)),
            ("event", &value(&gate.lifecycle_event)),
        ],
    );
    body.lead.push(Line::text(of));
    let (old, new) = (value(&evidence.old_version), value(&evidence.version));
    if !new.is_empty() {
        let told = if old.is_empty() {
            texts.get(Key::VersionNew, &[("to", &new)])
        } else {
            texts.get(Key::VersionStep, &[("from", &old), ("to", &new)])
        };
        let label = format!("{}{}", texts.plain(Key::Version), texts.colon());
        body.lead.push(Line::text(label).and_code(told));
    }
    let reasons = evidence.reasons.iter().map(|reason| Item {
        rank: Rank::First,
        line: Line::text(clean::short(reason, detail.text.max(200))),
    });
    let checks = evidence.checks.iter().map(|check| Item {
        rank: Rank::Access,
        line: line(check, texts, detail),
    });
    let section = |heading, items, hidden| Section {
        heading: texts.plain(heading),
        items,
        hidden,
        ..Section::default()
    };
    body.sections.extend([
        section(Key::GateWhy, reasons.collect(), evidence.reasons_left_out),
        section(
            Key::GateMeasured,
            checks.collect(),
            evidence.checks_left_out,
        ),
    ]);
    let report = evidence.report_in_console(&gate.region);
    if let Some(url) = report.as_deref().and_then(links::foreign) {
        body.links.push(Target {
            label: texts.plain(Key::GateReportLink),
            url,
            whole: false,
        });
    }
}

/// `a reader buys a book: errored, 3 of 5 rounds passed`
fn line(check: &CheckEvidence, texts: &Texts, detail: &Detail) -> Line {
    let counts = texts.get(
        Key::GateRounds,
        &[
            ("passed", &check.passed.to_string()),
            ("rounds", &check.rounds.to_string()),
        ],
    );
    let name = clean::short(&check.name, detail.value);
    let measurement = clean::short(&check.measurement, detail.value);
    Line::text("")
        .and_code(name)
        .and(format!("{}{measurement} ({counts})", texts.colon()))
}
