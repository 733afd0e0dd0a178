//! `gates override`: writes down that a named person lets a release pass a gate that has stopped it. The report says what
//! that is: which gate, which release, and which checks did not pass. A dry run without `--yes`.

use common::aws::{Aws, explain};
use gate::{CheckReport, Report};
use gate_question::overrides::{self, MAX_OVERRIDE, Override, OverrideScope};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{StateTable, source};
use crate::clients;
use crate::env::times;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

const MAX_REASON_CHARS: usize = 500;

/// Let a release that a gate has stopped pass it in its next deployment.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The report of the gate that stopped the release: its s3:// address, a file, or - for standard input
    report: String,
    #[command(flatten)]
    state: StateTable,
    /// Why the release may pass; everybody who hears of it reads this
    #[arg(long)]
    reason: String,
    /// For deployments whose gate begins within this time from now: 2h, 90m, 7d at most
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = times::how_long)]
    lasting: SignedDuration,
    /// Record it; without this nothing is written
    #[arg(long)]
    yes: bool,
}

const EXAMPLES: &str = "\
The suite must say `overridable: true`. The override counts for this gate, this release and the checks that this report
shows as not passed; all others must pass. One deployment uses it, once. Your name is the one of your AWS credentials.

Your AWS credentials need what the stack's managed policy GateOverridePolicy allows, see docs/verdict.md.

Examples:
  deploy-hooks gates override s3://reports/reports/shop/d-1/pre-traffic-AfterAllowTestTraffic.html \\
      --table deploy-hooks-state --reason 'the supplier is down until 14:00' --for 4h
  deploy-hooks gates override report.json --table deploy-hooks-state --reason '…' --yes";

/// Records an override, or says what would be recorded.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let aws = clients::aws().await?;
    let (report, place) = source::report(&aws, &args.report).await?;
    let draft = Draft {
        report: &report,
        place,
        reason: &args.reason,
        at: Timestamp::now(),
        lasting: args.lasting,
    };
    let recorded = draft.by(String::new()).map_err(Failure::Wrong)?;
    let recorded = Override {
        by: caller(&aws).await?,
        ..recorded
    };
    if args.yes {
        let written = overrides::record(args.state.of(&aws), &recorded).await;
        written.map_err(|error| Failure::Failed(error.to_string()))?;
    }
    if screen.json {
        screen.value(&json!({ "recorded": args.yes, "override": recorded }))?;
        return Ok(());
    }
    for line in lines(&recorded) {
        screen.line(line)?;
    }
    let told = if args.yes {
        screen.styled(
            Style::Careful,
            "Recorded. The next deployment of this release uses it, once.",
        )
    } else {
        "Nothing is recorded. Add --yes to record it.".to_owned()
    };
    screen.line(told)?;
    Ok(())
}

/// Who asks, as AWS knows them.
async fn caller(aws: &Aws) -> Result<String, Failure> {
    let answer = aws.sts().get_caller_identity().send().await;
    let answer = answer.map_err(|error| {
        Failure::Failed(format!(
            "your identity could not be determined, and nobody may override a gate anonymously: {}",
            explain(&error)
        ))
    })?;
    let arn = answer.arn.unwrap_or_default();
    if arn.is_empty() {
        return Err(Failure::Failed("AWS does not say who you are".to_owned()));
    }
    Ok(arn)
}

/// What an override is made of.
struct Draft<'a> {
    report: &'a Report,
    place: String,
    reason: &'a str,
    at: Timestamp,
    lasting: SignedDuration,
}

impl Draft<'_> {
    /// Pure: the override, or why there can be none.
    fn by(self, by: String) -> Result<Override, String> {
        let report = self.report;
        let gate = report.stage.as_str();
        if report.verdict.passed {
            return Err(format!(
                "this release has passed the {gate} gate: there is nothing to override"
            ));
        }
        if !report.overridable {
            return Err(format!(
                "the suite {:?} allows no override; write `overridable: true` at its top, set the stack's parameters \
                 ApprovalsConfig and GateEventBus, and deploy again",
                report.suite
            ));
        }
        let (blocking, others): (Vec<&CheckReport>, Vec<&CheckReport>) = report
            .checks
            .iter()
            .filter(|check| check.severity.may_block())
            .partition(|check| check.blocks);
        if blocking.is_empty() {
            return Err(format!(
                "no check stopped this release, so an override would not help: {}",
                report.verdict.reasons.join("; ")
            ));
        }
        if others.is_empty() {
            return Err(format!(
                "no required check of the {gate} gate passed: an override needs at least one that does"
            ));
        }
        let scope = OverrideScope::of(gate, &report.target)
            .map_err(|why| format!("this report can't be overridden: {why}"))?;
        let reason = text::clean::shown(self.reason.trim());
        if reason.is_empty() {
            return Err("--reason is empty: say why this release may pass".to_owned());
        }
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(format!(
                "--reason is longer than {MAX_REASON_CHARS} characters"
            ));
        }
        if self.lasting > MAX_OVERRIDE {
            return Err("--for is longer than 7 days; shorter is better".to_owned());
        }
        Ok(Override {
            scope,
            checks: blocking.iter().map(|check| check.name.clone()).collect(),
            by,
            reason: gate::mask(&reason),
            at: self.at,
            expires: self.at + self.lasting,
            report: self.place,
        })
    }
}

/// An override for people.
pub(super) fn lines(recorded: &Override) -> Vec<String> {
    let plain = |text: &str| text::clean::shown(text);
    let mut lines = vec![plain(&recorded.scope.to_string())];
    let checks = recorded.checks.iter();
    lines.extend(checks.map(|check| format!("    may not pass: {}", plain(check))));
    lines.push(format!("    by {}", plain(&recorded.by)));
    lines.push(format!("    because: {}", plain(&recorded.reason)));
    lines.push(format!(
        "    for gates that begin between {} and {}",
        whole(recorded.at),
        whole(recorded.expires)
    ));
    lines
}

fn whole(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(name: &str, blocks: bool) -> Value {
        json!({
            "name": name, "severity": "required", "blocks": blocks, "detail": "",
            "measurement": if blocks { "failed" } else { "passed" },
            "tally": { "passed": 0, "failed": 1, "errored": 0, "no_data": 0 }, "strip": "F", "rounds": [],
        })
    }

    /// Of a gate that stopped a release, as this changes it.
    fn report(change: impl FnOnce(&mut Value)) -> Report {
        let mut report = json!({
            "format": 1, "suite": "shop", "stage": "pre-traffic", "address": null, "overridable": true,
            "target": { "application": "shop", "deployment_group": "production", "version": "1.2.0" },
            "started": "2026-11-30T08:00:00Z", "finished": "2026-11-30T08:00:02Z", "duration_ms": 2000,
            "verdict": { "passed": false, "conclusion": "failed", "reasons": ["check \"b\" failed"] },
            "bake": null, "summary": { "passed": 1, "failed": 1, "errored": 0, "no_data": 0 },
            "checks": [check("a", false), check("b", true)], "notes": [],
        });
        change(&mut report);
        serde_json::from_value(report).unwrap()
    }

    fn draft(report: &Report, reason: &str, hours: i64) -> Result<Override, String> {
        let draft = Draft {
            report,
            place: "s3://b/r.json".to_owned(),
            reason,
            at: "2026-11-30T09:00:00Z".parse().unwrap(),
            lasting: SignedDuration::from_hours(hours),
        };
        draft.by("arn:aws:iam::111122223333:user/ada".to_owned())
    }

    #[test]
    fn an_override_is_for_what_the_report_shows() {
        let recorded = draft(&report(|_| ()), " the supplier is down ", 4).unwrap();
        insta::assert_snapshot!(lines(&recorded).join("\n"), @r"
        the pre-traffic gate of shop/production, release 1.2.0
            may not pass: b
            by arn:aws:iam::111122223333:user/ada
            because: the supplier is down
            for gates that begin between 2026-11-30 09:00:00Z and 2026-11-30 13:00:00Z
        ");
        assert!(recorded.counts_for(&recorded.scope, recorded.at));
    }

    #[test]
    fn what_can_not_be_overridden_is_refused_with_the_reason() {
        let refused = |change: fn(&mut Value)| draft(&report(change), "because", 1).unwrap_err();
        let all = [
            refused(|report| report["verdict"]["passed"] = json!(true)),
            refused(|report| report["overridable"] = json!(false)),
            refused(|report| report["checks"] = json!([check("a", false)])),
            refused(|report| report["checks"] = json!([check("b", true)])),
            refused(|report| report["target"] = json!({ "application": "shop" })),
            draft(&report(|_| ()), " ", 1).unwrap_err(),
            draft(&report(|_| ()), &"x".repeat(501), 1).unwrap_err(),
            draft(&report(|_| ()), "because", 24 * 8).unwrap_err(),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        this release has passed the pre-traffic gate: there is nothing to override
        the suite "shop" allows no override; write `overridable: true` at its top, set the stack's parameters ApprovalsConfig and GateEventBus, and deploy again
        no check stopped this release, so an override would not help: check "b" failed
        no required check of the pre-traffic gate passed: an override needs at least one that does
        this report can't be overridden: nothing tells this release from others: no image, task definition or version is known
        --reason is empty: say why this release may pass
        --reason is longer than 500 characters
        --for is longer than 7 days; shorter is better
        "#);
    }

    #[test]
    fn a_secret_in_a_reason_is_masked_and_controls_are_shown() {
        let reason = "token=0123456789abcdef0123456789abcdef \u{1b}[2J";
        let recorded = draft(&report(|_| ()), reason, 1).unwrap();
        assert!(
            !recorded.reason.contains("0123456789abcdef"),
            "{}",
            recorded.reason
        );
        assert!(!recorded.reason.contains('\u{1b}'));
    }
}
