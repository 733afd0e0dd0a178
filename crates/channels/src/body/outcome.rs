//! What became of the release after the decision.

use approvals::{
    Case, CodeDeployDeployment, DeploymentStatus, ExecutionOutcome, ExecutionStatus, Source,
};

use super::{Detail, Item, Line, MessageBody, Section, Tone, briefing};
use crate::budget::Rank;
use crate::links;
use crate::texts::{Key, Texts};
use text::clean;

/// The title. A release that was taken back is told as such, whatever else went well.
pub(super) fn title(outcome: &ExecutionOutcome) -> Key {
    if rolled_back(outcome) {
        return Key::RolledBackTitle;
    }
    match outcome.status {
        ExecutionStatus::Succeeded => Key::SucceededTitle,
        ExecutionStatus::Failed => Key::FailedTitle,
        ExecutionStatus::Stopped => Key::StoppedTitle,
        ExecutionStatus::Superseded => Key::SupersededTitle,
        ExecutionStatus::InProgress => Key::GoingOnTitle,
    }
}

/// How it is meant.
pub(super) fn tone(outcome: &ExecutionOutcome) -> Tone {
    match outcome.status {
        _ if rolled_back(outcome) => Tone::Bad,
        ExecutionStatus::Succeeded => Tone::Good,
        ExecutionStatus::Failed => Tone::Bad,
        ExecutionStatus::Stopped | ExecutionStatus::Superseded | ExecutionStatus::InProgress => {
            Tone::Plain
        }
    }
}

fn rolled_back(outcome: &ExecutionOutcome) -> bool {
    outcome
        .deployments
        .iter()
        .any(|deployed| deployed.rolled_back.is_some())
}

/// Adds what is known.
pub(super) fn tell(
    body: &mut MessageBody,
    (case, outcome): (&Case, &ExecutionOutcome),
    texts: &Texts,
    detail: &Detail,
) {
    let status = texts.plain(match outcome.status {
        ExecutionStatus::Succeeded => Key::ExecutionSucceeded,
        ExecutionStatus::Failed => Key::ExecutionFailed,
        ExecutionStatus::Stopped => Key::ExecutionStopped,
        ExecutionStatus::Superseded => Key::ExecutionSuperseded,
        ExecutionStatus::InProgress => Key::ExecutionGoesOn,
    });
    body.lead.push(Line::text(status));
    if let Some(failed) = &outcome.failed_action {
        let value = |text: &str| clean::short(text, detail.value);
        let why = failed.message.as_deref().unwrap_or("?");
        let values = [
            ("action", &*value(&failed.action)),
            ("stage", &*value(&failed.stage)),
            ("why", &*clean::short(why, detail.text)),
        ];
        let line = Line::strong(texts.get(Key::ActionFailed, &values), Tone::Bad);
        let line = match failed.link.as_deref().and_then(links::foreign) {
            Some(url) => line
                .and(" · ")
                .and_link(texts.plain(Key::OpenLink), Some(url)),
            None => line,
        };
        body.lead.push(line);
    }
    body.sections
        .push(deployments((case, &outcome.deployments), texts, detail));
    let gates: Vec<_> = outcome
        .deployments
        .iter()
        .flat_map(|deployed| &deployed.gates)
        .cloned()
        .collect();
    body.sections
        .push(briefing::gates(&gates, case.source.region(), texts, detail));
    body.sections
        .push(briefing::gaps(&outcome.gaps, texts, detail));
    body.sections.retain(|section| !section.items.is_empty());
}

fn deployments(
    (case, deployments): (&Case, &[CodeDeployDeployment]),
    texts: &Texts,
    detail: &Detail,
) -> Section {
    let items = deployments.iter().map(|deployed| {
        let good = deployed.status == DeploymentStatus::Succeeded && deployed.rolled_back.is_none();
        Item {
            rank: if good { Rank::Gate } else { Rank::First },
            line: deployment((case, deployed), good, texts, detail),
        }
    });
    Section {
        heading: texts.plain(Key::Deployments),
        items: items.collect(),
        ..Section::default()
    }
}

fn deployment(
    (case, deployed): (&Case, &CodeDeployDeployment),
    good: bool,
    texts: &Texts,
    detail: &Detail,
) -> Line {
    let value = |text: &str| clean::short(text, detail.value);
    let status = texts.plain(match deployed.status {
        DeploymentStatus::Succeeded => Key::DeploySucceeded,
        DeploymentStatus::Failed => Key::DeployFailed,
        DeploymentStatus::Stopped => Key::DeployStopped,
        DeploymentStatus::InProgress => Key::DeployRuns,
        DeploymentStatus::Unknown => Key::DeployUnknown,
    });
    let values = [
        ("application", &*value(&deployed.application)),
        ("group", &*value(&deployed.group)),
        ("deployment", &*value(&deployed.deployment)),
        ("status", &*status),
    ];
    let told = texts.get(Key::Deployment, &values);
    let mut line = if good {
        Line::strong("✓", Tone::Good).and(format!(" {told}"))
    } else {
        Line::text(told)
    };
    if let Some(by) = &deployed.rolled_back {
        // CodeDeploy takes a release back by another deployment, ECS within the same one.
        let told = match case.source {
            Source::Pipeline(_) | Source::Gate(_) => {
                texts.get(Key::RolledBackBy, &[("deployment", &value(by))])
            }
            Source::Ecs(_) => texts.get(Key::RolledBackTo, &[("revision", &value(by))]),
        };
        line = line.and(texts.comma()).and_strong(told, Tone::Bad);
    }
    if let Some(error) = &deployed.error {
        line = line.and(format!(
            "{}{}",
            texts.colon(),
            clean::short(error, detail.text)
        ));
    }
    line
}
