//! What helps to decide, in the order in which people read: the step of the version, who started it,
//! what is new, what changes, what the gates said, variables, what is not known, what the owner says.

use approvals::{Briefing, Case, GateReport, Lookup, Revision, Step, VersionChange};

use super::{Detail, Item, Line, MessageBody, Section, Tone, changes, gate, pause};
use crate::budget::Rank;
use crate::links;
use crate::texts::{Key, Texts};
use text::clean;

/// Characters of an id of a source: a commit is known by far fewer.
const MAX_ID_CHARS: usize = 12;

/// Adds all that is known of the case.
pub(super) fn tell(body: &mut MessageBody, case: &Case, texts: &Texts, detail: &Detail) {
    let briefing = &case.briefing;
    if let Some(version) = &briefing.version {
        body.lead.push(version_step(version, texts, detail));
    }
    if let Some(starter) = &briefing.starter {
        let who = clean::short(&starter.name, detail.value);
        let how = clean::short(&starter.trigger, detail.value);
        body.lead.push(Line::text(
            texts.get(Key::StartedBy, &[("who", &who), ("how", &how)]),
        ));
    }
    if let Some(deployment) = &briefing.deployment {
        pause::tell(body, deployment, texts, detail);
    }
    if let (Some(asking), Some(evidence)) = (case.source.gate(), &briefing.gate) {
        gate::tell(body, (asking, evidence), texts, detail);
    }
    body.sections.push(sources(briefing, texts, detail));
    let region = case.source.region();
    for set in &briefing.change_sets {
        body.sections.push(changes::section(set, texts, detail));
    }
    body.sections
        .push(gates(&briefing.gates, region, texts, detail));
    body.sections.push(variables(briefing, texts, detail));
    body.sections.push(gaps(&briefing.gaps, texts, detail));
    if let Some(comment) = &case.comment {
        body.sections.push(comment_section(comment, texts, detail));
    }
    if let Some(text) = unopened(case) {
        body.sections.push(Section {
            heading: texts.plain(Key::ExternalText),
            items: vec![Item {
                rank: Rank::Comment,
                line: Line::text(clean::short(text, detail.text * 2)),
            }],
            ..Section::default()
        });
    }
    body.sections
        .retain(|section| !section.items.is_empty() || section.hidden > 0);
}

/// The link of the action's owner where it is none that may be opened: people read it all the same.
pub(crate) fn unopened(case: &Case) -> Option<&str> {
    let text = case.external_link.as_deref()?;
    links::foreign(text).is_none().then_some(text)
}

fn version_step(version: &VersionChange, texts: &Texts, detail: &Detail) -> Line {
    let value = |text: &str| clean::short(text, detail.value);
    let to = value(&version.to);
    let told = match &version.from {
        Some(from) => texts.get(Key::VersionStep, &[("from", &value(from)), ("to", &to)]),
        None => texts.get(Key::VersionNew, &[("to", &to)]),
    };
    let line = Line::text(format!("{}{}", texts.plain(Key::Version), texts.colon()))
        .and_code(told)
        .and(" ");
    let (key, tone) = match version.step {
        Step::Major => (Key::StepMajor, Tone::Bad),
        Step::Downgrade => (Key::StepDowngrade, Tone::Bad),
        Step::Minor => (Key::StepMinor, Tone::Plain),
        Step::Patch => (Key::StepPatch, Tone::Plain),
        Step::PreRelease => (Key::StepPreRelease, Tone::Warning),
        Step::Same => (Key::StepSame, Tone::Warning),
        // The text has said it already where the old version is not known.
        Step::Unknown if version.from.is_none() => return line,
        Step::Unknown => (Key::StepUnknown, Tone::Plain),
    };
    let step = texts.plain(key);
    match tone {
        Tone::Plain => line.and(format!("({step})")),
        tone => line.and_strong(step, tone),
    }
}

fn sources(briefing: &Briefing, texts: &Texts, detail: &Detail) -> Section {
    let mut first = true;
    let items = briefing.revisions.iter().map(|revision| {
        let rank = if std::mem::take(&mut first) {
            Rank::First
        } else {
            Rank::Source
        };
        Item {
            rank,
            line: source(revision, texts, detail),
        }
    });
    Section {
        heading: texts.plain(Key::Sources),
        items: items.collect(),
        ..Section::default()
    }
}

/// `shop-source a1b2c3d4e5f6: Fix the basket, by somebody`; a commit's first line says what it is.
fn source(revision: &Revision, texts: &Texts, detail: &Detail) -> Line {
    let id: String = clean::line(&revision.id)
        .chars()
        .take(MAX_ID_CHARS)
        .collect();
    let url = revision.url.as_deref().and_then(links::foreign);
    let mut line = Line::default()
        .and_code(clean::short(&revision.artifact, detail.value))
        .and(" ");
    line = line.and_link(if id.is_empty() { "?" } else { &id }, url);
    let summary = revision.summary.as_deref().unwrap_or_default().trim();
    let summary = clean::line(summary.lines().next().unwrap_or_default());
    if !summary.is_empty() {
        line = line.and(format!(
            "{}{}",
            texts.colon(),
            clean::cut(&summary, detail.text)
        ));
    }
    if let Some(author) = &revision.author {
        let author = clean::short(author, detail.value);
        line = line.and(format!(
            "{}{}",
            texts.comma(),
            texts.get(Key::ByAuthor, &[("author", &author)])
        ));
    }
    line
}

/// What gates said, those that failed first.
pub(super) fn gates(gates: &[GateReport], region: &str, texts: &Texts, detail: &Detail) -> Section {
    let mut sorted: Vec<&GateReport> = gates.iter().collect();
    sorted.sort_by_key(|gate| gate.passed);
    let mut items = Vec::new();
    for gate in sorted {
        let rank = if gate.passed { Rank::Gate } else { Rank::First };
        items.push(Item {
            rank,
            line: gate_line(gate, region, texts, detail),
        });
        // Of a gate that passed only that it did.
        if !gate.passed {
            for reason in &gate.reasons {
                let reason = clean::short(reason, detail.text);
                items.push(Item {
                    rank: Rank::Gate,
                    line: Line::text(format!("— {reason}")),
                });
            }
        }
    }
    Section {
        heading: texts.plain(Key::Gates),
        items,
        ..Section::default()
    }
}

fn gate_line(gate: &GateReport, region: &str, texts: &Texts, detail: &Detail) -> Line {
    let value = |text: &str| clean::short(text, detail.value);
    let values = [
        ("gate", &*value(&gate.stage)),
        ("application", &*value(&gate.application)),
        ("deployment", &*value(&gate.deployment)),
    ];
    let line = if gate.passed {
        Line::strong("✓", Tone::Good).and(format!(" {}", texts.get(Key::GatePassed, &values)))
    } else {
        Line::strong(
            format!("✗ {}", texts.get(Key::GateFailed, &values)),
            Tone::Bad,
        )
    };
    match report_link(&gate.report, region) {
        Some(url) => line
            .and(" · ")
            .and_link(texts.plain(Key::Report), Some(url)),
        None => line,
    }
}

/// The page of the AWS console that shows an object `s3://bucket/key`, for those who may read it.
fn report_link(place: &str, region: &str) -> Option<String> {
    let (bucket, key) = place.strip_prefix("s3://")?.split_once('/')?;
    let console = match region {
        region if region.starts_with("cn-") => "https://console.amazonaws.cn",
        region if region.starts_with("us-gov-") => "https://console.amazonaws-us-gov.com",
        _ => "https://console.aws.amazon.com",
    };
    let mut url = url::Url::parse(console).ok()?;
    url.path_segments_mut()
        .ok()?
        .extend(["s3", "object", bucket]);
    url.query_pairs_mut()
        .append_pair("region", region)
        .append_pair("prefix", key);
    links::foreign(url.as_str())
}

fn variables(briefing: &Briefing, texts: &Texts, detail: &Detail) -> Section {
    let items = briefing.variables.iter().map(|variable| Item {
        rank: Rank::Variable,
        line: Line::default()
            .and_code(clean::short(&variable.name, detail.value))
            .and(" = ")
            .and_code(clean::short(&variable.value, detail.value)),
    });
    Section {
        heading: texts.plain(Key::Variables),
        items: items.collect(),
        ..Section::default()
    }
}

/// What could not be looked up, a line each.
pub(super) fn gaps(gaps: &[approvals::Gap], texts: &Texts, detail: &Detail) -> Section {
    let items = gaps.iter().map(|gap| {
        let what = texts.plain(match gap.what {
            Lookup::Execution => Key::WhatExecution,
            Lookup::Origin => Key::WhatOrigin,
            Lookup::Actions => Key::WhatActions,
            Lookup::OldVersion => Key::WhatOldVersion,
            Lookup::ChangeSet => Key::WhatChangeSet,
            Lookup::GateReport => Key::WhatGateReport,
            Lookup::OwnerWords => Key::WhatOwnerWords,
            Lookup::Deployment => Key::WhatDeployment,
        });
        let why = clean::short(&gap.why, detail.text);
        let line = Line::text(texts.get(Key::Gap, &[("what", &what), ("why", &why)]));
        Item {
            rank: Rank::Gap,
            line,
        }
    });
    Section {
        heading: texts.plain(Key::Gaps),
        items: items.collect(),
        ..Section::default()
    }
}

fn comment_section(comment: &str, texts: &Texts, detail: &Detail) -> Section {
    let lines = clean::lines(comment);
    let told = lines.iter().filter(|line| !line.is_empty());
    let items: Vec<Item> = told
        .clone()
        .take(detail.lines)
        .map(|line| Item {
            rank: Rank::Comment,
            line: Line::text(clean::cut(line, detail.text * 2)),
        })
        .collect();
    Section {
        heading: texts.plain(Key::Comment),
        hidden: told.count() - items.len(),
        items,
        ..Section::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_in_the_console_of_its_partition() {
        let link = |place, region| report_link(place, region).unwrap_or_default();
        assert_eq!(
            link("s3://reports/shop/d-1/a b&c.html", "eu-central-1"),
            "https://console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=shop%2Fd-1%2Fa+b%26c.html"
        );
        assert!(link("s3://reports/x", "cn-north-1").starts_with("https://console.amazonaws.cn/"));
        assert!(
            link("s3://reports/x", "us-gov-west-1")
                .starts_with("https://console.amazonaws-us-gov.com/")
        );
        assert_eq!(link("file:///etc/passwd", "eu-central-1"), "");
        assert_eq!(
            link("s3://..%2f../x", "eu-central-1").matches("..").count(),
            2
        );
    }
}
