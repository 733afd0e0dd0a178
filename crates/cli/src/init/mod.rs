//! `deploy-hooks init`: a first suite, written by looking at what answers, and tried before it is given away; or of what a team
//! has already.

mod crawl_site;
mod from_hurl;
mod imported;
mod starter;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::{HttpOptions, Measurement, Run, Stage, Suite, Target};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use self::starter::DraftCheck;
use crate::check::settings;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::suite_file::HurlValues;

/// For the trial of all checks together.
const TRIAL_TIMEOUT: Duration = Duration::from_mins(2);
const MAX_NAME: usize = 100;
/// Of a reason in the file.
const MAX_REASON: usize = 120;

/// Write a first suite by looking at an address, or from a file that you have
#[derive(clap::Args)]
#[command(after_help = HELP, group = clap::ArgGroup::new("what").args(["url", "from"]).required(true))]
pub(crate) struct Args {
    /// Where a good release answers: scheme, host and port
    #[arg(long, value_parser = settings::base_url)]
    url: Option<Url>,
    /// Write what this file says as a suite: `OpenAPI`, HAR, curl, Postman, Bruno or Hurl; nothing is asked, - reads
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    from: Option<PathBuf>,
    #[command(flatten)]
    values: HurlValues,
    /// The file to write; - writes standard output
    #[arg(default_value = "suite.yaml")]
    file: PathBuf,
    /// What the suite calls itself; the host's name unless said
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

const HELP: &str = "\
The first page and the usual places of health and version are asked, by GET only. What was seen is written down as a suite, and the \
suite is run once: a check that does not pass is kept as advisory, with the reason beside it.

With --from no request is sent. The kind of file is recognised by its content, a Hurl file by the end of its name, .hurl:
  an OpenAPI description, 3.0 or 3.1   each GET and HEAD whose parameters have examples, with status, media type and schema
  a recording of a browser, HAR        each document and each call of the page's own origin, with status and media type
  curl commands                        one check each
  a Postman collection, v2.1           requests, and tests that are plain
  a Bruno collection in YAML           requests, and assertions
  a Hurl file                          the suite that `check` would run of it, or all that can't be one
What can't be carried over is listed with its line; --json has the list, too. Passwords, tokens, cookies and keys of the file are not
written: the suite has their names as its `secrets`.

Exit codes: 0 it is written, 1 no good release answers, 2 wrong call, what can't be converted, or the file is there already.

Examples:
  deploy-hooks init --url http://localhost:8080
  deploy-hooks init suites/shop.yaml --url https://staging.example.com --name shop
  deploy-hooks init suites/api.yaml --from openapi.yaml
  deploy-hooks init suites/visit.yaml --from shop.example.com.har
  deploy-hooks init suites/checkout.yaml --from checkout.hurl --secret password=ssm:/shop/password
  deploy-hooks check suites/shop.yaml --url https://staging.example.com --watch";

/// What a suite may call itself.
fn name(written: &str) -> Result<String, String> {
    let is_plain = text::clean::line(written) == written && !written.contains("{{");
    if is_plain && (1..=MAX_NAME).contains(&written.chars().count()) {
        Ok(written.to_owned())
    } else {
        Err(format!("expected one line of 1 to {MAX_NAME} characters"))
    }
}

/// Looks, writes, and says what comes next.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let to_screen = args.file == Path::new("-");
    if !to_screen && !args.force && args.file.exists() {
        return Err(exists(&args.file));
    }
    let url = match (&args.url, &args.from) {
        (Some(url), _) => url,
        (None, Some(from)) if hurl_suite::is_hurl(from) => {
            return from_hurl::run(args, from, screen);
        }
        (None, Some(from)) => return imported::run(args, from, screen),
        (None, None) => return Err(Failure::Wrong("give --url or --from".to_owned())),
    };
    args.values.given(std::iter::empty())?;
    let seen = crawl_site::crawl_site(url).await.map_err(|reason| {
        Failure::Failed(format!(
            "nothing answers at {url}: {reason}; start the release, or correct the address"
        ))
    })?;
    if seen.home.status >= 400 {
        return Err(Failure::Failed(format!(
            "{url} answers {} at {}: a suite says what a good release does; start one, or correct the address",
            seen.home.status,
            text::clean::short(&seen.home.path, MAX_REASON),
        )));
    }
    let name = match (&args.name, url.host_str()) {
        (Some(name), _) => name.clone(),
        (None, host) => host.unwrap_or("release").to_owned(),
    };
    let drafts = starter::drafts(&seen, url.scheme() == "https");
    let first = starter::suite(&name, &drafts, &BTreeMap::new());
    let doubts = doubts(url, &first).await?;
    let text = starter::suite(&name, &drafts, &doubts);
    if to_screen && !screen.json {
        screen.line(text.trim_end())?;
        return Ok(());
    }
    if to_screen {
        let checks = as_json(&drafts, &doubts);
        screen.value(&json!({ "suite": text, "checks": checks }))?;
        return Ok(());
    }
    write(&args.file, &text, args.force)?;
    show(&args.file, url, &drafts, &doubts, screen)
}

/// What does not pass now, with the reason.
async fn doubts(url: &Url, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let suite = Suite::parse("the first suite", text).map_err(|problems| {
        Failure::Failed(format!(
            "no suite could be written of what was seen: {problems}"
        ))
    })?;
    let run = Run {
        suite,
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(url.clone()),
            ..Target::default()
        },
        secrets: BTreeMap::default(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + TRIAL_TIMEOUT,
    };
    let outcome = gate::run(run).await;
    let checks = outcome.report.checks.into_iter();
    let doubtful = checks.filter(|check| check.measurement != Measurement::Passed);
    let reason = |text: &str| text::clean::short(text, MAX_REASON);
    Ok(doubtful
        .map(|check| (check.name, reason(&check.detail)))
        .collect())
}

fn write(file: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => exists(file),
        _ => Failure::Wrong(format!("{} could not be written: {error}", file.display())),
    };
    let mut options = OpenOptions::new();
    options.write(true);
    if replace {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            let folder = folder.display();
            Failure::Wrong(format!("the folder {folder} could not be made: {error}"))
        })?;
    }
    let mut opened = options.open(file).map_err(failed)?;
    opened.write_all(text.as_bytes()).map_err(failed)
}

fn exists(file: &Path) -> Failure {
    Failure::Wrong(format!(
        "{} is there already; name another file, or replace it with --force",
        file.display()
    ))
}

/// For programs.
fn as_json(drafts: &[DraftCheck], doubts: &BTreeMap<String, String>) -> Vec<Value> {
    let each = drafts.iter();
    each.map(|draft| json!({ "name": draft.name, "doubt": doubts.get(&draft.name) }))
        .collect()
}

fn show(
    file: &Path,
    url: &Url,
    drafts: &[DraftCheck],
    doubts: &BTreeMap<String, String>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    if screen.json {
        let checks = as_json(drafts, doubts);
        screen.value(&json!({ "file": file, "checks": checks }))?;
        return Ok(());
    }
    let file = file.display();
    let count = text::words::count(drafts.len(), "check");
    screen.line(format!("{file}: {count}"))?;
    for draft in drafts {
        let line = match doubts.get(&draft.name) {
            None => format!("{}  {}", screen.styled(Style::Good, "passes"), draft.name),
            Some(doubt) => format!(
                "{}  {}: {doubt}",
                screen.styled(Style::Careful, "advisory"),
                draft.name
            ),
        };
        screen.line(format!("  {line}"))?;
    }
    screen.line(format!(
        "\nNext: deploy-hooks check {file} --url {} --watch",
        url.origin().ascii_serialization()
    ))?;
    Ok(())
}
