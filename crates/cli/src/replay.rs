//! `deploy-hooks replay`: an event of a gate, read as the function reads it, and on request run as the function would.
//!
//! It must never answer the caller, store a report where the functions do, or publish anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::{Conclusion, Stage};
use hook::event::Payload;
use hook::settings::Settings;
use hook::{EventDescription, GateFunction, ReplayResult};
use serde_json::{Value, json};

use crate::check::formats::{self, ReportFile};
use crate::check::{self, settings};
use crate::clients;
use crate::failure::{self, Failure};
use crate::screen::{Screen, Style};

/// As long as a function may run.
const DEFAULT_TIME: Duration = Duration::from_mins(15);
/// Nothing is stored there; the settings of a function must name one.
const NO_BUCKET: &str = "nowhere";

/// Say what an event of a gate is, and what the gate would answer
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The event, as Lambda has logged or AWS documents it; - reads standard input
    event: PathBuf,
    /// Run the gate with this suite, read-only: a file, or `s3://BUCKET/KEY`
    #[arg(long, value_name = "PLACE")]
    suite: Option<String>,
    /// Which gate runs, where the event does not say
    #[arg(long, value_name = "STAGE", value_parser = settings::stage, requires = "suite")]
    stage: Option<Stage>,
    /// The function's name, as the AppSpec or the service has it
    #[arg(long, value_name = "NAME", requires = "suite")]
    function: Option<String>,
    /// How long it may take: 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = settings::duration, requires = "suite")]
    time: Option<Duration>,
    /// Write a report: html, json, junit, markdown or tap; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = formats::parse, requires = "suite")]
    report: Vec<ReportFile>,
}

const HELP: &str = "\
Without --suite nothing is called: it says who called, how the caller is answered, which deployment and stage it is about, and what is wrong \
with the event.

With --suite the gate runs as the function would, with your AWS credentials: it looks the deployment up, measures and judges. It answers \
nobody, stores no report and publishes nothing; nobody is asked, and overrides are not used. But the checks are run: they send \
what the suite says to the release. A deployment that is over can't be measured, and a rollback passes, as at the gate.

Exit codes: 0 the event is a call of a gate, or the gate would let the release pass; 1 it would stop it; 2 it would stop it because the \
evidence is not enough, or would ask people; 3 the event or the call is wrong.

Examples:
  deploy-hooks replay events/ecs-post-test-traffic-shift.json
  deploy-hooks replay event.json --suite shop.yaml --function CodeDeployHook_pre-traffic --stage pre-traffic
  deploy-hooks replay event.json --suite s3://BUCKET/suites/ --report html=report.html --json";

/// Says what it is, and what would come of it.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    match replay(args, screen).await.map_err(Failure::into_verdict) {
        Err(failure) if screen.json => check::told_as_json(&args.event, failure, screen),
        done => done,
    }
}

async fn replay(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let (described, payload) = read(&args.event)?;
    // An event that is wrong is not run.
    let Some(suite) = args
        .suite
        .as_ref()
        .filter(|_| described.problems.is_empty())
    else {
        if screen.json {
            screen.value(&json!({ "event": described }))?;
        } else {
            show(&described, args.suite.as_deref(), screen)?;
        }
        return verdict_on(&described);
    };
    if !screen.json {
        show(&described, args.suite.as_deref(), screen)?;
        screen.line("")?;
    }
    let stage = stage(args.stage, described.stage)?;
    let function = GateFunction {
        stage,
        settings: Ok(settings_of(args, stage, suite)?),
        aws: clients::aws().await?,
    };
    let time = args.time.unwrap_or(DEFAULT_TIME);
    let replayed = hook::replay(function, payload, time).await;
    let replayed = replayed.map_err(|error| Failure::Wrong(error.to_string()))?;
    for file in &args.report {
        file.write(&replayed.outcome.report)?;
    }
    if screen.json {
        screen.value(&as_json(&described, stage, &replayed))?;
    } else {
        show_outcome(stage, &replayed, screen)?;
    }
    match (
        replayed.outcome.verdict.passed,
        replayed.outcome.verdict.conclusion,
    ) {
        (true, _) => Ok(()),
        (false, Conclusion::Inconclusive) => Err(Failure::Told(2)),
        (false, _) => Err(Failure::Told(1)),
    }
}

/// The event, described, and to be run.
fn read(path: &Path) -> Result<(EventDescription, Payload), Failure> {
    let name = path.display();
    let text = failure::read(path)?;
    // As Lambda hands it over, half of a pair of surrogates included.
    let text = text::json::mended(&text);
    let payload = || {
        serde_json::from_str::<Payload>(&text)
            .map_err(|error| Failure::Wrong(format!("{name} is not JSON: {error}")))
    };
    let described = hook::describe(payload()?);
    let function = serde_json::from_str(&text)
        .ok()
        .and_then(|event| function_of(&event));
    let mut described = described.map_err(|error| {
        let what = match function {
            Some(function) => format!("this is an event of {function}, which is no gate"),
            None => error.0.is_no_call(),
        };
        Failure::Wrong(format!("{name}: {what}"))
    })?;
    if let Some(function) = function {
        let problem = format!("this is an event of {function}, which is no gate");
        described.problems = vec![problem];
    }
    Ok((described, payload()?))
}

/// The function of deploy-hooks that such an event is for, if it is not a gate.
fn function_of(event: &Value) -> Option<&'static str> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let parameters =
        text("/CodePipeline.job/data/actionConfiguration/configuration/UserParameters");
    if let Some(parameters) = parameters {
        let parameters: Value = serde_json::from_str(parameters).ok()?;
        let is_deployment = parameters.get("task_definition").is_some();
        return is_deployment.then_some("deploy-hooks-deploy-action");
    }
    if let Some("down" | "up" | "tick" | "notice" | "morning") = text("/action") {
        return Some("env-scheduler");
    }
    let is_of_approvals = event.get("reminder").is_some()
        || event.get("Records").is_some()
        || matches!(
            text("/detail-type"),
            Some(
                "CodePipeline Action Execution State Change"
                    | "CodePipeline Pipeline Execution State Change"
                    | "ECS Deployment State Change"
                    | "ECS Hook State Change"
                    | "Gate Question"
                    | "Gate Decision"
            )
        );
    is_of_approvals.then_some("approval-notifier")
}

/// Problems of the event itself are said; a gate would fail for them.
fn verdict_on(described: &EventDescription) -> Result<(), Failure> {
    if described.problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Told(failure::EXIT_UNUSABLE))
    }
}

/// The gate that runs: what the event says goes before the default, and what the call says before that.
fn stage(asked: Option<Stage>, of_event: Option<Stage>) -> Result<Stage, Failure> {
    asked.or(of_event).ok_or_else(|| {
        Failure::Wrong(
            "the event does not say which gate it is for; give --stage pre-traffic or --stage post-traffic"
                .to_owned(),
        )
    })
}

/// The settings of a function that would do this.
fn settings_of(args: &Args, stage: Stage, suite: &str) -> Result<Settings, Failure> {
    let has_scheme = suite.starts_with("s3://") || suite.starts_with("file:");
    let suite = if has_scheme {
        suite.to_owned()
    } else {
        format!("file:{suite}")
    };
    let function = args.function.clone();
    let function = function.unwrap_or_else(|| format!("CodeDeployHook_{stage}"));
    let read = Settings::read(&|name| match name {
        "SUITE" => Some(suite.clone()),
        "REPORT_BUCKET" => Some(NO_BUCKET.to_owned()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some(function.clone()),
        "TCP_LISTENER_SCHEME" | "AWS_REGION" => common::settings::environment(name),
        _ => None,
    });
    read.map_err(|error| {
        Failure::Wrong(error.problems.join("\n").replace("SUITE is", "--suite is"))
    })
}

/// `given` is the suite that stands for the function's own.
fn show(
    described: &EventDescription,
    given: Option<&str>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let EventDescription {
        caller,
        answered_by,
        id,
        execution,
        facts,
        stage,
        suite,
        goes_on,
        problems,
    } = described;
    let title = format!("A call of {caller}");
    screen.line(screen.styled(Style::Heading, &title))?;
    let stage = match stage {
        Some(stage) => format!("the {stage} gate"),
        None if problems.is_empty() => "either gate: the event does not say".to_owned(),
        None => "no gate".to_owned(),
    };
    let suite = match (suite, given) {
        (Some(named), Some(given)) => format!("{named}, beside {given}"),
        (Some(named), None) => named.clone(),
        (None, Some(given)) => given.to_owned(),
        (None, None) => "the function's own (SUITE)".to_owned(),
    };
    let mut lines = vec![
        ("answered by", (*answered_by).to_owned()),
        ("deployment or job", id.clone()),
        ("call", text::clean::short(execution, 100)),
        ("for", stage),
        ("suite", suite),
    ];
    if *goes_on {
        lines.push(("goes on with", "what an earlier call has begun".to_owned()));
    }
    lines.extend(
        facts
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone())),
    );
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in lines {
        screen.line(format!("  {name:<width$}  {}", text::clean::line(&value)))?;
    }
    for problem in problems {
        let problem = text::clean::line(problem);
        screen.line(screen.styled(Style::Bad, &format!("  wrong: {problem}")))?;
    }
    Ok(())
}

fn show_outcome(stage: Stage, replayed: &ReplayResult, screen: &mut Screen) -> Result<(), Failure> {
    let verdict = &replayed.outcome.verdict;
    let (word, style) = match (verdict.passed, verdict.conclusion) {
        (true, Conclusion::Passed) => ("would let the release pass", Style::Good),
        (true, _) => ("would let the release pass all the same", Style::Careful),
        (false, _) if replayed.asks_people => ("would ask people", Style::Careful),
        (false, _) => ("would stop the release", Style::Bad),
    };
    let title = format!("The {stage} gate {word}: {}", verdict.conclusion.as_str());
    screen.line(screen.styled(style, &title))?;
    for reason in &verdict.reasons {
        screen.line(format!("  {}", text::clean::line(reason)))?;
    }
    screen.line("Its answer, which nobody was given:")?;
    screen.line(format!("  {}", replayed.answer))?;
    Ok(())
}

fn as_json(described: &EventDescription, stage: Stage, replayed: &ReplayResult) -> Value {
    json!({
        "event": described,
        "stage": stage,
        "verdict": replayed.outcome.verdict,
        "asks_people": replayed.asks_people,
        "answer": replayed.answer,
        "report": replayed.outcome.report,
    })
}
