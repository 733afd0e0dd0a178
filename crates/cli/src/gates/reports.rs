//! Reports of many runs: from files, folders and buckets, each reduced to a row as soon as it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use common::aws::Aws;
use common::failure::{Failure as CallFailure, Hints};
use futures::StreamExt as _;
use gate::{CheckReport, Conclusion, Measurement, Report, Severity, Stage};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::source;
use crate::clients;
use crate::failure::Failure;

/// Reports that are read from a bucket at once.
const CONCURRENT_READS: usize = 16;

/// Which reports are read.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// Reports: files, folders, or `s3://BUCKET/PREFIX`
    #[arg(required = true)]
    places: Vec<String>,
    /// Only of this service or application
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only this many of the newest
    #[arg(long, value_name = "NUMBER", default_value = "1000", value_parser = newest_so_many)]
    last: NonZeroUsize,
}

fn newest_so_many(written: &str) -> Result<NonZeroUsize, String> {
    let number = written.parse();
    number.map_err(|_| "expected a number of 1 or more".to_owned())
}

/// A report is stored so long after its run has ended, at most: bounds how far a bucket is read.
const MAX_STORING_SECONDS: i64 = 60;

/// Runs that are held at least, before older ones are let go.
const MIN_KEPT_KEYS: usize = 1_000;
/// Names of services that were not asked for.
const MAX_OTHERS: usize = 100;
/// Of a bucket: whose a report is, and whether it is one, stands in it.
const MAX_KEYS: usize = 100_000;

/// One run, and what else is kept of its report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunSummary<E = ()> {
    pub(crate) service: String,
    pub(crate) version: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) conclusion: Conclusion,
    pub(crate) passed: bool,
    pub(crate) reason: String,
    pub(crate) started: Timestamp,
    pub(crate) duration_ms: u64,
    pub(crate) place: String,
    #[serde(skip)]
    pub(crate) checks: Vec<CheckSummary>,
    #[serde(skip)]
    pub(crate) extra: E,
}

/// One check of a run.
#[derive(Clone, Debug)]
pub(crate) struct CheckSummary {
    pub(crate) name: String,
    pub(crate) severity: Severity,
    pub(crate) measurement: Measurement,
    /// It passed, but not at its first try or not in each round.
    pub(crate) flaky: bool,
    /// Its slowest round.
    pub(crate) slowest_ms: u64,
}

/// What was read.
#[derive(Serialize)]
pub(crate) struct Reports<E = ()> {
    /// Newest first: as they ended.
    pub(crate) runs: Vec<RunSummary<E>>,
    /// Files that are no report, with the reason.
    pub(crate) unread: Vec<String>,
    /// The service that was asked for, and others of which there was a report.
    #[serde(skip)]
    asked: Option<String>,
    #[serde(skip)]
    others: BTreeSet<String>,
}

/// Reads them all.
pub(crate) async fn read(selection: &Selection) -> Result<Reports, Failure> {
    read_with(selection, |_| ()).await
}

/// The same, and keeps `extra` of each report.
pub(crate) async fn read_with<E>(
    selection: &Selection,
    extra: impl Fn(&Report) -> E,
) -> Result<Reports<E>, Failure> {
    let (stored, local): (Vec<_>, Vec<_>) = selection
        .places
        .iter()
        .partition(|place| place.starts_with("s3://"));
    let mut found = Reports {
        runs: Vec::new(),
        unread: Vec::new(),
        asked: selection.service.clone(),
        others: BTreeSet::new(),
    };
    let none = clients::none();
    for place in local {
        let path = Path::new(place);
        if !path.is_dir() {
            found.take(source::report(&none, place).await, selection, &extra);
            continue;
        }
        for file in files(path)? {
            let file = file.display().to_string();
            found.take(source::report(&none, &file).await, selection, &extra);
        }
    }
    if !stored.is_empty() {
        let aws = clients::aws().await?;
        for place in stored {
            let read = newest(&aws, place).await?.into_iter().map(|stored| {
                let aws = &aws;
                async move { (stored.at, source::report(aws, &stored.place).await) }
            });
            // In their order, and hardly more than are wanted: each is a call. S3 knows only the second
            // in which one was stored, so those stored shortly before are read, too.
            let mut read = futures::stream::iter(read).buffered(CONCURRENT_READS);
            let (mut taken, mut oldest) = (0, i64::MIN);
            while let Some((at, one)) = read.next().await {
                if at < oldest {
                    break;
                }
                taken += usize::from(found.take(one, selection, &extra));
                if taken == selection.last.get() {
                    oldest = oldest.max(at - MAX_STORING_SECONDS);
                }
            }
        }
    }
    found.keep_newest(selection.last.get());
    match found.unread.first() {
        Some(why) if found.runs.is_empty() && found.others.is_empty() => {
            Err(Failure::Failed(format!(
                "no report could be read, of {}: {why}",
                text::words::count(found.unread.len(), "file")
            )))
        }
        _ => Ok(found),
    }
}

impl<E> Reports<E> {
    /// What is said if there is no run.
    pub(crate) fn none_found(&self) -> String {
        match &self.asked {
            Some(asked) if !self.others.is_empty() => format!(
                "No report is of the service {asked:?}; those that were read are of {}.",
                text::words::list(self.others.iter().map(String::as_str))
            ),
            _ => "No report was found.".to_owned(),
        }
    }

    /// Each place once, the newest first.
    fn keep_newest(&mut self, last: usize) {
        let mut places = BTreeSet::new();
        self.runs.retain(|run| places.insert(run.place.clone()));
        self.runs
            .sort_by(|one, other| (other.ended(), &other.place).cmp(&(one.ended(), &one.place)));
        self.runs.truncate(last);
    }

    /// Takes one up, if it can be read and is wanted; returns whether it was.
    fn take(
        &mut self,
        read: Result<(Report, String), Failure>,
        selection: &Selection,
        extra: impl Fn(&Report) -> E,
    ) -> bool {
        let (report, place) = match read {
            Ok(read) => read,
            Err(failure) => {
                self.unread.push(failure.to_string());
                return false;
            }
        };
        let run = RunSummary::of(&report, place, extra(&report));
        let only = selection.service.as_ref();
        if only.is_some_and(|only| *only != run.service) {
            if self.others.len() < MAX_OTHERS {
                self.others.insert(run.service);
            }
            return false;
        }
        self.runs.push(run);
        let last = selection.last.get();
        if self.runs.len() >= last.saturating_mul(2).max(MIN_KEPT_KEYS) {
            self.keep_newest(last);
        }
        true
    }
}

impl<E> RunSummary<E> {
    /// When its verdict was known.
    pub(crate) fn ended(&self) -> Timestamp {
        let took = i64::try_from(self.duration_ms).unwrap_or(i64::MAX);
        self.started
            .saturating_add(SignedDuration::from_millis(took))
            .unwrap_or(Timestamp::MAX)
    }

    fn of(report: &Report, place: String, extra: E) -> Self {
        let fact = |key: &str| report.target.get(key).cloned();
        let service = fact("application").or_else(|| fact("service"));
        Self {
            service: service.unwrap_or_else(|| report.suite.clone()),
            version: fact("version"),
            stage: report.stage,
            conclusion: report.verdict.conclusion,
            passed: report.verdict.passed,
            reason: report.verdict.reasons.first().cloned().unwrap_or_default(),
            started: report.started,
            duration_ms: report.duration_ms,
            place,
            checks: report.checks.iter().map(CheckSummary::of).collect(),
            extra,
        }
    }
}

impl CheckSummary {
    fn of(check: &CheckReport) -> Self {
        let tally = check.tally;
        let rounds_not_passed = tally.failed + tally.errored + tally.inconclusive + tally.no_data;
        // Of a bake, a report shows some rounds only. Where it has no numbers of all, these say the least that is so.
        let shown_repeated = || check.rounds.iter().any(|round| round.tries.len() > 1);
        let repeated = check
            .repeated_rounds
            .map_or_else(shown_repeated, |rounds| rounds > 0);
        let durations = check.rounds.iter().map(|round| round.duration_ms);
        let slowest_shown = || durations.max().unwrap_or_default();
        Self {
            name: check.name.clone(),
            severity: check.severity,
            measurement: check.measurement,
            flaky: check.measurement == Measurement::Passed && (repeated || rounds_not_passed > 0),
            slowest_ms: check.slowest_round_ms.unwrap_or_else(slowest_shown),
        }
    }
}

/// The reports in a folder and below it.
fn files(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| {
            Failure::Wrong(format!("{} could not be read: {error}", folder.display()))
        };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && is_report(&path.to_string_lossy()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a gate stores beside its report is none: how far a bake is.
fn is_report(name: &str) -> bool {
    name.strip_suffix(".json")
        .is_some_and(|stem| !stem.ends_with("-so-far"))
}

/// A report in a bucket.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Stored {
    /// The second in which it was stored.
    at: i64,
    place: String,
}

/// The reports below a prefix, newest first.
async fn newest(aws: &Aws, place: &str) -> Result<Vec<Stored>, Failure> {
    let address = &place["s3://".len()..];
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    let call = aws.s3().list_objects_v2().bucket(bucket).prefix(prefix);
    let mut pages = call.into_paginator().send();
    let mut newest: Vec<Stored> = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let hints = Hints {
                permission: "s3:ListBucket on it",
                absent: "give the bucket that the stack's outputs name",
            };
            let why = CallFailure::of(&error).sentence(aws.identity(), hints);
            Failure::Failed(format!("the reports in {place} could not be listed: {why}"))
        })?;
        newest.extend(
            page.contents
                .unwrap_or_default()
                .into_iter()
                .filter_map(|object| {
                    let at = object
                        .last_modified()
                        .map_or(0, aws_sdk_ecs::primitives::DateTime::secs);
                    let key = object.key.filter(|key| is_report(key))?;
                    let place = format!("s3://{bucket}/{key}");
                    Some(Stored { at, place })
                }),
        );
        // A bucket may hold years of them.
        newest.sort_unstable_by(|one, other| other.cmp(one));
        newest.truncate(MAX_KEYS);
    }
    Ok(newest)
}

/// Runs by service, in the order of their names.
pub(crate) fn by_service<E>(runs: &[RunSummary<E>]) -> BTreeMap<&str, Vec<&RunSummary<E>>> {
    let mut services: BTreeMap<&str, Vec<&RunSummary<E>>> = BTreeMap::new();
    for run in runs {
        services.entry(&run.service).or_default().push(run);
    }
    services
}
