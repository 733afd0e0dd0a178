//! `gates page`: the runs of gates as web pages, an index of all services and a page for each. Only reads reports.
//!
//! No script, nothing from elsewhere, readable on a phone. Everything that is shown comes from reports, which are redacted,
//! and is escaped by the template.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use askama::Template;
use gate::{Conclusion, Severity};
use jiff::Timestamp;
use serde_json::json;

use super::reports::{self, RunSummary, Selection, by_service};
use super::stats::{Check, Service, millis};
use crate::failure::Failure;
use crate::screen::Screen;

/// Characters of a reason; the report has all of it.
const MAX_REASON_CHARS: usize = 300;
/// Runs in the strip of a service: the newest.
const STRIP_RUNS: usize = 40;
/// Slow and flaky checks that are listed.
const MAX_CHECKS: usize = 20;

/// Write the runs of gates as web pages, an index and a page for each service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder for index.html and a page for each service; it is made if there is none
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Each page stands by itself: no script, and nothing from elsewhere. A report in a folder is linked where its page lies beside it, one in a bucket \
in the console of AWS, in the region that AWS_REGION names.

For a bucket your AWS credentials need s3:ListBucket on it and s3:GetObject on the reports.

Exit codes: 0 they are written, 1 no file could be read as a report, or there is none, 2 wrong call, or a page can't be written.

Examples:
  deploy-hooks gates page s3://BUCKET/reports/ --out site
  deploy-hooks gates page reports/ --service shop --last 50 --out site";

/// What a page shows of a report beside its summary.
#[derive(Clone, Debug)]
struct Release {
    deployment: Option<String>,
    image: Option<String>,
}

/// Writes them.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let found = reports::read_with(&args.selection, |report| {
        let fact = |key: &str| report.target.get(key).cloned();
        Release {
            deployment: fact("deployment_id"),
            image: fact("image").or_else(|| fact("target_version")),
        }
    })
    .await?;
    super::show_unread(&found.unread, screen);
    if found.runs.is_empty() {
        return Err(Failure::Failed(found.none_found()));
    }
    let folder = &args.out;
    let wrong = |path: &Path, error: std::io::Error| {
        Failure::Wrong(format!("{} could not be written: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
    let links = Links::new(folder);
    let services = by_service(&found.runs);
    let written_at = Timestamp::now();
    let mut taken = BTreeSet::from(["index".to_owned()]);
    let mut services_listed = Vec::new();
    let mut pages = Vec::new();
    for (name, runs) in services {
        let stats = Service::of(name, &runs);
        let file = format!("{}.html", file_name(name, &mut taken));
        let page = ServicePage::of(&stats, &runs, &links, written_at);
        pages.push((file.clone(), rendered(&page)?));
        services_listed.push(Line::of(&stats, &runs, file));
    }
    let index = IndexPage {
        css: CSS,
        made: shown(written_at),
        lines: services_listed,
        runs: text::words::count(found.runs.len(), "run"),
        unread: found.unread.len(),
    };
    pages.push(("index.html".to_owned(), rendered(&index)?));
    for (file, page) in &pages {
        let path = folder.join(file);
        std::fs::write(&path, page).map_err(|error| wrong(&path, error))?;
    }
    let written: Vec<&str> = pages.iter().map(|(file, _)| &**file).collect();
    if screen.json {
        screen.value(&json!({ "folder": folder, "pages": written, "runs": found.runs.len(), "unread": found.unread }))?;
        return Ok(());
    }
    let counted = text::words::count(pages.len(), "page");
    let runs = text::words::count(found.runs.len(), "run");
    screen.line(format!(
        "{}: {counted} of {runs}",
        folder.join("index.html").display()
    ))?;
    Ok(())
}

fn rendered(page: &impl Template) -> Result<String, Failure> {
    page.render()
        .map_err(|error| Failure::Failed(format!("the page could not be made: {error}")))
}

const CSS: &str = include_str!("../../templates/runs.css");

#[derive(Template)]
#[template(path = "runs_index.html")]
struct IndexPage {
    css: &'static str,
    made: String,
    lines: Vec<Line>,
    runs: String,
    unread: usize,
}

/// A service in the index.
struct Line {
    name: String,
    file: String,
    last: Verdict,
    version: String,
    ended: String,
    runs: usize,
    failed: usize,
    inconclusive: usize,
    median: String,
    strip: Vec<Cell>,
    strip_words: String,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct ServicePage {
    css: &'static str,
    made: String,
    name: String,
    last: Verdict,
    reason: String,
    numbers: Vec<(&'static str, String)>,
    strip: Vec<Cell>,
    strip_words: String,
    runs: Vec<Row>,
    flaky: Vec<CheckLine>,
    slow: Vec<CheckLine>,
}

/// A word with its class.
struct Verdict {
    word: &'static str,
    class: &'static str,
    /// It did not pass, and was let pass all the same.
    let_pass: bool,
}

struct Cell {
    class: &'static str,
    title: String,
}

struct Row {
    ended: String,
    machine_ended: String,
    verdict: Verdict,
    version: String,
    image: Option<String>,
    stage: &'static str,
    deployment: Option<String>,
    took: String,
    reason: String,
    link: Option<String>,
    place: String,
}

struct CheckLine {
    name: String,
    severity: Option<&'static str>,
    told: String,
}

impl Line {
    fn of(stats: &Service, runs: &[&RunSummary<Release>], file: String) -> Self {
        let newest = runs[0];
        Self {
            name: text::clean::line(&stats.name),
            file,
            last: verdict(newest),
            version: version(newest),
            ended: shown(newest.ended()),
            runs: stats.runs,
            failed: stats.failed,
            inconclusive: stats.inconclusive,
            median: millis(stats.median_ms),
            strip: strip(runs),
            strip_words: strip_words(runs),
        }
    }
}

impl ServicePage {
    fn of(stats: &Service, runs: &[&RunSummary<Release>], links: &Links, made: Timestamp) -> Self {
        let newest = runs[0];
        let mut flaky: Vec<&Check> = stats
            .checks
            .iter()
            .filter(|check| check.flaky > 0)
            .collect();
        flaky.sort_by_key(|check| {
            std::cmp::Reverse((check.flaky * 10_000 / check.runs, check.flaky))
        });
        let mut slow: Vec<&Check> = stats
            .checks
            .iter()
            .filter(|check| check.median_ms > 0)
            .collect();
        slow.sort_by_key(|check| std::cmp::Reverse(check.median_ms));
        let numbers = [
            ("runs", stats.runs.to_string()),
            ("passed", stats.passed.to_string()),
            ("failed", stats.failed.to_string()),
            ("inconclusive", stats.inconclusive.to_string()),
            ("median", millis(stats.median_ms)),
        ];
        Self {
            css: CSS,
            made: shown(made),
            name: text::clean::line(&stats.name),
            last: verdict(newest),
            reason: text::clean::short(&newest.reason, MAX_REASON_CHARS),
            numbers: numbers.into(),
            strip: strip(runs),
            strip_words: strip_words(runs),
            runs: runs.iter().map(|run| Row::of(run, links)).collect(),
            flaky: flaky
                .into_iter()
                .take(MAX_CHECKS)
                .map(|check| {
                    let told = format!(
                        "in {} of {}",
                        check.flaky,
                        text::words::count(check.runs, "run")
                    );
                    CheckLine::of(check, told)
                })
                .collect(),
            slow: slow
                .into_iter()
                .take(MAX_CHECKS)
                .map(|check| CheckLine::of(check, millis(check.median_ms)))
                .collect(),
        }
    }
}

impl CheckLine {
    fn of(check: &Check, told: String) -> Self {
        Self {
            name: text::clean::line(&check.name),
            severity: match check.severity {
                Severity::Required => None,
                Severity::Advisory => Some("advisory"),
                Severity::DryRun => Some("dry run"),
                Severity::Overridden => Some("overridden"),
            },
            told,
        }
    }
}

impl Row {
    fn of(run: &RunSummary<Release>, links: &Links) -> Self {
        Self {
            ended: shown(run.ended()),
            machine_ended: run.ended().to_string(),
            verdict: verdict(run),
            version: version(run),
            image: run.extra.image.as_deref().map(text::clean::line),
            stage: run.stage.as_str(),
            deployment: run.extra.deployment.as_deref().map(text::clean::line),
            took: millis(run.duration_ms),
            reason: text::clean::short(&run.reason, MAX_REASON_CHARS),
            link: links.to(&run.place),
            place: run.place.clone(),
        }
    }
}

fn verdict(run: &RunSummary<Release>) -> Verdict {
    let (word, class) = match run.conclusion {
        Conclusion::Passed => ("passed", "passed"),
        Conclusion::Failed => ("failed", "failed"),
        Conclusion::Inconclusive => ("inconclusive", "inconclusive"),
    };
    Verdict {
        word,
        class,
        let_pass: run.passed && run.conclusion != Conclusion::Passed,
    }
}

fn version(run: &RunSummary<Release>) -> String {
    run.version
        .as_deref()
        .map_or_else(|| "-".to_owned(), text::clean::line)
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The newest runs, the oldest of them first.
fn strip(runs: &[&RunSummary<Release>]) -> Vec<Cell> {
    let newest = runs.iter().take(STRIP_RUNS).rev();
    newest
        .map(|run| Cell {
            class: verdict(run).class,
            title: format!(
                "{} {}: {}",
                shown(run.ended()),
                version(run),
                verdict(run).word
            ),
        })
        .collect()
}

fn strip_words(runs: &[&RunSummary<Release>]) -> String {
    let newest = runs.len().min(STRIP_RUNS);
    let passed = runs
        .iter()
        .take(STRIP_RUNS)
        .filter(|run| run.conclusion == Conclusion::Passed)
        .count();
    format!(
        "{passed} of the last {} passed",
        text::words::count(newest, "run")
    )
}

/// A name for a file, which nothing has yet.
fn file_name(service: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = service.chars().map(|one| {
        if one.is_ascii_alphanumeric() || "-_".contains(one) {
            one
        } else {
            '-'
        }
    });
    let base: String = plain.take(80).collect();
    let base = if base.is_empty() {
        "service".to_owned()
    } else {
        base
    };
    let mut name = base.clone();
    let mut number = 2;
    // Some file systems know no capitals.
    while !taken.insert(name.to_ascii_lowercase()) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

/// Where reports are read by people.
struct Links {
    folder: PathBuf,
    region: Option<String>,
}

impl Links {
    fn new(folder: &Path) -> Self {
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        Self {
            folder: absolute(folder),
            region: region.into_iter().find_map(common::settings::environment),
        }
    }

    /// The page of a report, by the place of its JSON; none where there is no such page, or no link to it.
    fn to(&self, place: &str) -> Option<String> {
        let page = format!("{}.html", place.strip_suffix(".json")?);
        if let Some(address) = page.strip_prefix("s3://") {
            let (bucket, key) = address.split_once('/')?;
            return common::console::object(self.region.as_deref()?, bucket, key);
        }
        let page = absolute(Path::new(&page));
        page.is_file().then(|| relative(&self.folder, &page))
    }
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// `../reports/a.html` from a folder, as a URL.
fn relative(folder: &Path, file: &Path) -> String {
    let same = folder
        .components()
        .zip(file.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().skip(same).map(|_| "..".to_owned());
    let down = file
        .components()
        .skip(same)
        .map(|part| encoded(&part.as_os_str().to_string_lossy()));
    up.chain(down).collect::<Vec<_>>().join("/")
}

fn encoded(part: &str) -> String {
    part.bytes().fold(String::new(), |mut made, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_linked_from_where_the_page_lies() {
        let at = |folder: &str, file: &str| relative(Path::new(folder), Path::new(file));
        assert_eq!(
            at("/a/site", "/a/reports/x y.html"),
            "../reports/x%20y.html"
        );
        assert_eq!(at("/a", "/a/b/c.html"), "b/c.html");
    }

    #[test]
    fn each_service_has_a_file_of_its_own() {
        let mut taken = BTreeSet::from(["index".to_owned()]);
        let names: Vec<_> = ["shop", "Shop", "index", "../etc", "", "a/b"]
            .map(|name| file_name(name, &mut taken))
            .into();
        assert_eq!(
            names,
            ["shop", "Shop-2", "index-2", "---etc", "service", "a-b"]
        );
    }
}
