//! `approvals lint`: everything that is wrong with a configuration, with its place, and what it means.

use std::path::PathBuf;

use approvals::config::{Config, Matching, Route};
use channels::Surface;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Check a configuration, and show its routes.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  deploy-hooks approvals lint approvals.yaml\n  deploy-hooks approvals lint --json - < approvals.yaml"
)]
pub(crate) struct Args {
    /// The configuration; - reads standard input
    file: PathBuf,
}

/// Checks the configuration.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let config = super::config(&args.file)?;
    let texts = channels::check_texts(&config);
    if !texts.is_empty() {
        let name = args.file.display();
        let told: Vec<String> = texts
            .iter()
            .map(|problem| format!("{name}: {problem}"))
            .collect();
        return Err(Failure::Wrong(told.join("\n")));
    }
    if screen.json {
        screen.value(&as_json(&config))?;
    } else {
        as_text(&config, screen)?;
    }
    for warning in &config.warnings {
        screen.error(&format!("{}:{warning} (warning)", args.file.display()));
    }
    Ok(())
}

fn as_text(config: &Config, screen: &mut Screen) -> Result<(), Failure> {
    screen.line(screen.styled(Style::Heading, "Channels"))?;
    for channel in config.channels.values() {
        let language = config.language_of(channel, None);
        let kind = Surface::of(&channel.kind).name();
        screen.line(format!("  {}: {kind}, {language}", channel.name))?;
    }
    screen.line(screen.styled(Style::Heading, "Routes, the first that matches counts"))?;
    for (number, route) in config.routes.iter().enumerate() {
        screen.line(format!("  {}. {}", number + 1, route.name))?;
        for (term, told) in facts(route) {
            screen.line(format!(
                "     {}{told}",
                screen.styled(Style::Quiet, &format!("{term}: "))
            ))?;
        }
    }
    let others = list(&config.other_messages);
    screen.line(format!(
        "{}: {others}",
        screen.styled(Style::Heading, "Other messages go to")
    ))?;
    Ok(())
}

fn facts(route: &Route) -> Vec<(&'static str, String)> {
    let policy = &route.policy;
    let what = match route.matching {
        Matching::Anything => "matches",
        Matching::Pipelines { .. } => "pipeline / stage / action",
        Matching::Services { .. } => "cluster / service",
        Matching::Gates { .. } => "gate / application / cluster / service",
    };
    let mut facts = vec![
        (what, route.matching.to_string()),
        ("tell", list(&route.tell)),
    ];
    let decides = if policy.decide {
        let approvers: Vec<String> = policy.approvers.iter().map(ToString::to_string).collect();
        format!("{} of {}", policy.approvals, list(&approvers))
    } else {
        "nobody by our messages".to_owned()
    };
    facts.push(("decide", decides));
    let conditions = [
        (policy.starter_may_approve, "the starter may approve"),
        (policy.reason_for_rejection, "a rejection needs a reason"),
    ];
    let mut said: Vec<String> = conditions
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, said)| (*said).to_owned())
        .collect();
    said.extend(
        policy
            .office_hours
            .as_ref()
            .map(|hours| format!("approvals {}", hours.text)),
    );
    if !said.is_empty() {
        facts.push(("conditions", said.join("; ")));
    }
    if !route.reminders.is_empty() {
        let at: Vec<String> = route
            .reminders
            .iter()
            .map(|at| format!("{}%", at.percent()))
            .collect();
        facts.push(("reminders", at.join(", ")));
    }
    if let Some(escalate) = &route.escalate {
        facts.push((
            "escalate",
            format!("at {}% to {}", escalate.at.percent(), list(&escalate.tell)),
        ));
    }
    facts
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

fn as_json(config: &Config) -> Value {
    let channels = config.channels.values().map(|channel| {
        json!({
            "name": channel.name,
            "kind": Surface::of(&channel.kind).name(),
            "language": config.language_of(channel, None),
        })
    });
    let routes = config.routes.iter().map(|route| {
        let approvers: Vec<String> = route.policy.approvers.iter().map(ToString::to_string).collect();
        json!({
            "name": route.name,
            "tell": route.tell,
            "decide": route.policy.decide,
            "approvers": approvers,
            "approvals": route.policy.approvals,
            "reminders": route.reminders.iter().map(|at| at.percent()).collect::<Vec<_>>(),
            "escalate": route.escalate.as_ref().map(|to| json!({"at": to.at.percent(), "tell": to.tell})),
        })
    });
    json!({
        "channels": channels.collect::<Vec<_>>(),
        "routes": routes.collect::<Vec<_>>(),
        "other_messages": config.other_messages,
        "warnings": config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
