//! `deploy-hooks check`: a suite against an address or a deployment, with the engine that the functions run.
//!
//! The exit code says what the verdict is: 0 passed, 1 failed, 2 inconclusive, 3 nothing could be measured because the
//! suite or the call is wrong.

mod browser;
mod display;
pub(crate) mod formats;
mod secrets;
pub(crate) mod settings;
mod target;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gate::cloud::CloudProbes;
use gate::{Conclusion, HttpOptions, Observer, Outcome, Run, Stage, Suite};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use self::browser::BrowserChoice;
use self::display::Display;
use self::formats::ReportFile;
use self::target::{CheckTarget, Release};
use crate::clients;
use crate::failure::{self, Failure};
use crate::screen::Screen;
use crate::suite_file::{self, HurlSecrets};
use crate::validate;

/// After the bake: for its last round, and for what hangs.
const TIME_AFTER_BAKE: Duration = Duration::from_mins(10);
/// Where the suite has no `limits.overall`.
const MAX_TIME_OF_ONE_ROUND: Duration = Duration::from_hours(1);

/// Run a suite against an address, or against what is deployed
#[derive(Clone, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The suite, or a Hurl file; - reads a suite from standard input
    pub(crate) suite: PathBuf,
    #[command(flatten)]
    against: CheckTarget,
    /// Which checks run: those before traffic or those after it
    #[arg(long, value_name = "STAGE", value_parser = settings::stage, default_value = "pre-traffic")]
    stage: Stage,
    /// Only this check, which then counts even if it is advisory; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) check: Vec<String>,
    /// Only checks with this tag; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Leave this check out; may be given several times
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
    /// Another value for a variable of the suite; of a Hurl file, its value
    #[arg(long, value_name = "NAME=VALUE", value_parser = settings::pair)]
    var: Vec<(String, String)>,
    #[command(flatten)]
    secrets: HurlSecrets,
    /// Bake this long, with the checks after traffic: 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = settings::duration)]
    bake: Option<Duration>,
    /// Write a report: html, json, junit, markdown or tap; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = formats::parse)]
    report: Vec<ReportFile>,
    /// The browser of checks that need one: a program, or where one listens, ws://HOST:PORT/PATH; without it, the Chromium
    /// or Chrome of this machine
    #[arg(long, value_name = "PROGRAM|URL", value_parser = browser::parse)]
    browser: Option<BrowserChoice>,
    /// Run again on each change of the suite's file, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Only the verdict and its reasons
    #[arg(long, short)]
    quiet: bool,
}

const HELP: &str = "\
Secrets that the checks of this run name are read from where the suite says they are kept. On a laptop the environment
comes first: DEPLOY_HOOKS_SECRET_PASSWORD holds the value of the secret `password`.

With --deployment or --service the release is looked up as its gate does, with your AWS credentials: the listener under test, version, image \
and all other facts. No caller is answered, and nothing is stored. The run is refused where another release might answer: before traffic has moved to \
the release, while two of them answer, after a rollback, and where the group or service has gone on to another deployment. Your credentials need the \
rights of the gates to describe and list, and what the checks need: lambda:InvokeFunction on the function, say.

Checks that ask AWS (alarms, targets, lambda, metric, logs, wiring) are measured with --deployment or --service only, as they are about a \
deployment; with --url, leave them out with --skip. An `ecs_task` check also needs --run-tasks, as it starts a task, which costs money.

Checks in a browser are measured in the Chromium or Chrome that PATH has, or that CHROMIUM or --browser names. It is started
without a window and with a profile of its own, and ended with the run.

An agent calls its Amazon Bedrock model with your AWS credentials, which costs money; `deploy-hooks agent record` writes down what it did.

Ctrl-C ends the run; what was measured until then is judged and reported.

Exit codes: 0 passed, 1 failed, 2 inconclusive, 3 the suite or the call is wrong, or the deployment can't be measured. With --json standard output is the
report, or where there is none an object with `problems`: line, column, message and remedy of each.

Examples:
  deploy-hooks check shop.yaml --url http://localhost:8080
  deploy-hooks check shop.yaml --url https://staging.example.com --target version=2.0.1 --report junit=results.xml
  deploy-hooks check shop.yaml --url http://localhost:8080 --check 'the home page renders' --watch
  deploy-hooks check checkout.hurl --url http://localhost:8080 --var user=demo --secret password=env:PASSWORD
  deploy-hooks check shop.yaml --url https://www.example.com --stage post-traffic --bake 5m
  deploy-hooks check shop.yaml --deployment d-ABCDEF123
  deploy-hooks check shop.yaml --deployment shop/production --stage post-traffic
  deploy-hooks check shop.yaml --service production/shop --stage post-traffic --report html=report.html";

/// Runs the suite.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let done = if args.watch {
        watch::run(args, screen).await
    } else {
        once(args, screen).await
    };
    match done.map_err(Failure::into_verdict) {
        Err(failure) if screen.json => told_as_json(&args.suite, failure, screen),
        done => done,
    }
}

/// What can't be used, for programs.
pub(crate) fn told_as_json(
    suite: &Path,
    failure: Failure,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let file = suite.display().to_string();
    let problems = match &failure {
        Failure::Suite(wrong) => {
            let problems = wrong.problems.iter();
            problems
                .map(|one| validate::as_json(wrong.file_of(one), one))
                .collect()
        }
        Failure::Unusable(text) => {
            let text = text.strip_prefix(&format!("{file}: ")).unwrap_or(text);
            vec![json!({ "file": file, "message": text })]
        }
        _ => return Err(failure),
    };
    screen.value(&json!({ "problems": problems }))?;
    Err(Failure::Told(failure::EXIT_UNUSABLE))
}

/// Runs the suite once.
async fn once(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let suite = load(args)?;
    let outcome = measure(args, suite, screen, true).await?;
    if outcome.refused {
        return Err(Failure::Told(failure::EXIT_UNUSABLE));
    }
    match outcome.verdict.conclusion {
        Conclusion::Passed => Ok(()),
        Conclusion::Failed => Err(Failure::Told(1)),
        Conclusion::Inconclusive => Err(Failure::Told(2)),
    }
}

/// The suite as this call wants it.
pub(crate) fn load(args: &Args) -> Result<Suite, Failure> {
    let name = args.suite.display().to_string();
    let text = failure::read(&args.suite)?;
    let given = args.secrets.given(&args.var);
    let mut suite = suite_file::parse(&args.suite, &text, &given).map_err(Failure::Suite)?;
    let wrong = |error: gate::AdjustError| Failure::Wrong(format!("{name}: {error}"));
    if !hurl_suite::is_hurl(&args.suite) {
        if !args.secrets.is_empty() {
            let message = "--secret is for Hurl files: a suite says itself where its secrets are";
            return Err(Failure::Wrong(format!("{name}: {message}")));
        }
        for (name, value) in &args.var {
            suite.set_var(name, value).map_err(wrong)?;
        }
    }
    suite.skip_checks(&args.skip).map_err(wrong)?;
    if !args.tag.is_empty() {
        suite.keep_tags(&args.tag).map_err(wrong)?;
    }
    if !args.check.is_empty() {
        suite.keep_checks(&args.check).map_err(wrong)?;
    }
    let stage = args.stage();
    if suite.check_names().next().is_none() {
        let all = "no check is left to run; leave out --skip or --tag";
        return Err(Failure::Wrong(format!("{name}: {all}")));
    }
    if suite.checks_at(stage) == 0 {
        let others: Vec<_> = suite.check_names().map(|(name, _)| name).collect();
        return Err(Failure::Wrong(format!(
            "{name}: no check runs at {stage}; {} {} for the other stage: give --stage {}",
            text::words::list(others.iter().copied()),
            if others.len() == 1 { "is" } else { "are" },
            settings::other(stage),
        )));
    }
    let not_run: Vec<_> = suite
        .check_names()
        .filter(|(check, on)| !on.contains(&stage) && args.check.iter().any(|named| named == check))
        .map(|(check, _)| check)
        .collect();
    if !not_run.is_empty() {
        // A result of the others alone would seem to be one of these as well.
        return Err(Failure::Wrong(format!(
            "{name}: {} {} at {stage}, though --check names {}: give --stage {}, or run each stage by itself",
            text::words::list(not_run.iter().copied()),
            if not_run.len() == 1 {
                "does not run"
            } else {
                "do not run"
            },
            if not_run.len() == 1 { "it" } else { "them" },
            settings::other(stage),
        )));
    }
    if suite.required_checks_at(stage) == 0 {
        return Err(Failure::Wrong(format!(
            "{name}: no check that runs at {stage} may block, so there would be no verdict; make one required, or name \
             with --check which ones count"
        )));
    }
    let refused = args.against.refuses(&suite, stage);
    if !refused.is_empty() {
        let refused = refused.iter().map(|why| format!("{name}: {why}"));
        return Err(Failure::Wrong(refused.collect::<Vec<_>>().join("\n")));
    }
    if let Some(bake) = args.bake {
        if hurl_suite::is_hurl(&args.suite) {
            let message = "a Hurl file has no `traffic`: convert it by `init --from`, and write `traffic` there";
            return Err(Failure::Wrong(format!("{name}: {message}")));
        }
        suite.set_bake(bake).map_err(wrong)?;
    }
    Ok(suite)
}

impl Args {
    /// A bake is of the checks after traffic.
    fn stage(&self) -> Stage {
        match self.bake {
            Some(_) => Stage::PostTraffic,
            None => self.stage,
        }
    }
}

/// Models of Amazon Bedrock, by the AWS configuration of whoever calls; none where that is missing and none may be needed.
async fn models(surely: bool) -> Result<Option<Arc<dyn CloudProbes>>, Failure> {
    match clients::aws().await {
        Ok(aws) => Ok(Some(Arc::new(hook::ModelsOnly(aws)))),
        Err(_) if !surely => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// Runs the suite and shows how it goes, until it has ended or somebody stops it. Without models, agents have what was
/// recorded only.
pub(crate) async fn measure(
    args: &Args,
    suite: Suite,
    screen: &mut Screen,
    with_models: bool,
) -> Result<Outcome, Failure> {
    let outcome = measure_release(args, suite, screen, with_models).await?;
    for file in &args.report {
        file.write(&outcome.report)?;
    }
    Ok(outcome)
}

async fn measure_release(
    args: &Args,
    suite: Suite,
    screen: &mut Screen,
    with_models: bool,
) -> Result<Outcome, Failure> {
    let stage = args.stage();
    let secrets = secrets::of(&suite, stage).await?;
    let browsers = if suite.needs_browser(stage) {
        Some(browser::browsers(args.browser.as_ref())?)
    } else {
        None
    };
    let suite_asks = suite.asks_model(stage);
    let (bake, checks) = (suite.bake(), suite.checks_at(stage));
    let limit = match stage {
        Stage::PreTraffic => MAX_TIME_OF_ONE_ROUND,
        Stage::PostTraffic => bake.length() + TIME_AFTER_BAKE,
    };
    let release = args.against.find(suite, stage).await?;
    let checks = release
        .as_ref()
        .map_or(checks, |it| it.suite.checks_at(stage));
    let mut display = Display::new(screen, args.quiet, stage, checks, bake);
    let release: Release = match release {
        Ok(release) => release,
        Err(refused) => {
            display.end(&refused)?;
            return Ok(*refused);
        }
    };
    display.begin(&release);
    let cloud = match (&release.cloud, suite_asks) {
        (None, Some(surely)) if with_models => models(surely).await?,
        (cloud, _) => cloud.clone(),
    };
    let run = Run {
        suite: release.suite.clone(),
        stage,
        target: release.target.clone(),
        secrets,
        http: HttpOptions::default(),
        cloud,
        browsers,
        memory: None,
        deadline: Instant::now() + limit,
    };
    let (progress, mut happens) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let mut stop = Some(stop);
    let observer = Observer {
        progress,
        stop: stopped,
    };
    let mut running = Box::pin(gate::run_observed(run, observer));
    let outcome = loop {
        tokio::select! {
            biased;
            Some(one) = happens.recv() => display.show(&one)?,
            outcome = &mut running => break outcome,
            interrupted = tokio::signal::ctrl_c(), if stop.is_some() => {
                interrupted?;
                if let Some(stop) = stop.take() {
                    let _ = stop.send(());
                }
            }
        }
    };
    while let Ok(one) = happens.try_recv() {
        display.show(&one)?;
    }
    let outcome = release.explain(outcome);
    display.end(&outcome)?;
    Ok(outcome)
}
