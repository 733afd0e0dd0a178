//! Reading a change set: its pages and those of its nested sets, several at a time, within bounds.
//!
//! It stops at the deadline, at a number of changes and of calls, and at a depth; it never reads a set
//! twice, so that sets that name each other end. What was read by then is kept.

use std::collections::{HashSet, VecDeque};

use approvals::pipeline::PipelineError;
use approvals::{Change, ChangeSet, SetState};
use aws_sdk_codepipeline::error::ProvideErrorMetadata;
use common::aws::Aws;
use common::cloud_formation::ChangeSetPage;
use common::query_api::{self, CLOUD_FORMATION, parameter};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{ChangeSetRef, Content, FoundChangeSet, convert, risk, state};
use crate::limits::{MAX_ARN_CHARS, MAX_CHANGES, MAX_STACK_CHARS};
use crate::text;

/// Changes that are read of one change set with its nested ones.
pub(crate) const MAX_RESOURCES: usize = 5_000;
/// Calls for one change set with its nested ones.
const MAX_CALLS: usize = 200;
/// Nested stacks in nested stacks.
const MAX_DEPTH: usize = 8;
/// Calls at a time for all change sets together; `CloudFormation` answers about ten a second for long.
pub(crate) const MAX_CONCURRENT: usize = 8;
/// Problems that are reported of one change set.
const MAX_PROBLEMS: usize = 10;

const PERMISSION: &str = "cloudformation:DescribeChangeSet";
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>
const CHANGE_SET_NOT_FOUND: &str = "ChangeSetNotFound";

/// How change sets are read.
#[derive(Clone, Copy)]
pub(crate) struct ReadOptions<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) deadline: Instant,
    /// Shared by all change sets of one execution.
    pub(crate) abreast: &'a Semaphore,
}

/// One page to read.
#[derive(Debug, Clone)]
struct Page {
    /// The path of nested stacks: empty, or ending in `/`.
    path: String,
    depth: usize,
    /// The ARN of a nested set; none for the one that is wanted.
    nested: Option<String>,
    token: Option<String>,
}

/// Why a page could not be read.
#[derive(Debug, Clone)]
pub(crate) struct PageError {
    /// Whether there is no such change set (any more).
    pub(crate) gone: bool,
    pub(crate) error: PipelineError,
}

/// Everything that can be read by the deadline. One that lies in another account is left unread: this
/// account may have another one of the same names.
pub(crate) async fn read(how: ReadOptions<'_>, reference: ChangeSetRef) -> FoundChangeSet {
    if reference.account.is_some() {
        let label = reference.label();
        let problem = format!("{label} can't be read from here; look at it in that account");
        return FoundChangeSet {
            problems: vec![problem],
            ..FoundChangeSet::unread(reference)
        };
    }
    let mut reading = ChangeSetReading::new(reference);
    let mut waiting = FuturesUnordered::new();
    loop {
        while let Some(page) = reading.next() {
            let reference = reading.found.reference.clone();
            waiting.push(async move {
                let answer = describe(how, &reference, &page).await;
                (page, answer)
            });
        }
        match timeout_at(how.deadline, waiting.next()).await {
            Ok(Some((page, Ok(answer)))) => reading.take(&page, answer),
            Ok(Some((page, Err(unread)))) => reading.miss(&page, &unread),
            Ok(None) => break,
            Err(_) => {
                reading.late();
                break;
            }
        }
    }
    drop(waiting);
    reading.finish()
}

/// The ARN alone.
pub(crate) async fn read_id(
    how: ReadOptions<'_>,
    reference: &ChangeSetRef,
) -> Result<Option<String>, PageError> {
    let answer = describe(how, reference, &Page::first()).await?;
    Ok(answer.change_set_id)
}

async fn describe(
    how: ReadOptions<'_>,
    reference: &ChangeSetRef,
    page: &Page,
) -> Result<ChangeSetPage, PageError> {
    let _place = how
        .abreast
        .acquire()
        .await
        .expect("nobody closes the semaphore");
    let mut parameters = vec![parameter("IncludePropertyValues", "true")];
    parameters.extend(
        page.token
            .clone()
            .map(|token| parameter("NextToken", token)),
    );
    match &page.nested {
        Some(arn) => parameters.push(parameter("ChangeSetName", arn)),
        None => parameters.extend([
            parameter("ChangeSetName", &reference.name),
            parameter("StackName", &reference.stack),
        ]),
    }
    // An action may deploy into another region than its pipeline's.
    let elsewhere = reference.region.as_deref();
    let elsewhere = elsewhere.map(|region| how.aws.in_region(region, None));
    let aws = elsewhere.as_ref().unwrap_or(how.aws);
    let answer = query_api::read(aws, CLOUD_FORMATION, "DescribeChangeSet", &parameters).await;
    answer.map_err(|error| PageError {
        gone: error.code() == Some(CHANGE_SET_NOT_FOUND),
        error: PipelineError::call(reference.label(), PERMISSION, &error),
    })
}

impl Page {
    fn first() -> Self {
        Self {
            path: String::new(),
            depth: 0,
            nested: None,
            token: None,
        }
    }
}

impl ChangeSetRef {
    /// `change set release of stack shop`
    pub(crate) fn label(&self) -> String {
        let place = match self.account.as_deref() {
            None => String::new(),
            Some("") => " in another account".to_owned(),
            Some(account) => format!(" in account {account}"),
        };
        format!("change set {} of stack {}{place}", self.name, self.stack)
    }
}

/// What has been read so far. Pure: pages in, pages wanted out.
struct ChangeSetReading {
    found: FoundChangeSet,
    /// One for each change: how many there are, too.
    hashes: Vec<[u8; 32]>,
    /// The most dangerous ones.
    changes: Vec<Change>,
    to_read: VecDeque<Page>,
    seen: HashSet<String>,
    calls: usize,
    /// Nothing is missing.
    whole: bool,
    /// A bound was met, as it will be the next time.
    cut: bool,
    /// Nothing more is read.
    full: bool,
    state: SetState,
    reason: Option<String>,
}

impl ChangeSetReading {
    fn new(reference: ChangeSetRef) -> Self {
        Self {
            found: FoundChangeSet::unread(reference),
            hashes: Vec::new(),
            changes: Vec::new(),
            to_read: VecDeque::from([Page::first()]),
            seen: HashSet::new(),
            calls: 0,
            whole: true,
            cut: false,
            full: false,
            state: SetState::Unknown,
            reason: None,
        }
    }

    fn next(&mut self) -> Option<Page> {
        if self.full {
            return None;
        }
        let page = self.to_read.pop_front()?;
        if self.calls == MAX_CALLS {
            self.fill(&format!("more than {MAX_CALLS} pages"));
            return None;
        }
        self.calls += 1;
        Some(page)
    }

    fn take(&mut self, page: &Page, answer: ChangeSetPage) {
        self.state(page, &answer);
        if page.nested.is_none() && self.found.id.is_none() {
            self.found.id = answer.change_set_id.clone().filter(|id| !id.is_empty());
            self.seen.extend(answer.change_set_id);
        }
        let changes = answer.changes.iter();
        for resource in changes.filter_map(|change| change.resource_change.as_ref()) {
            if self.hashes.len() == MAX_RESOURCES {
                return self.fill(&format!("more than {MAX_RESOURCES} changes"));
            }
            let converted = convert::convert(&page.path, resource);
            self.hashes.push(converted.hash);
            self.changes.push(converted.change);
            self.found.images.extend(converted.image);
            if let Some(arn) = resource
                .change_set_id
                .as_deref()
                .filter(|arn| !arn.is_empty())
            {
                self.nest(
                    page,
                    resource.logical_resource_id.as_deref().unwrap_or_default(),
                    arn,
                );
            }
        }
        self.keep_the_worst(4 * MAX_CHANGES);
        if let Some(token) = answer.next_token.filter(|token| !token.is_empty()) {
            // A page that names itself as the next one would never end.
            if page.token.as_ref() == Some(&token) {
                return self.bound("a page that repeats itself");
            }
            self.to_read.push_front(Page {
                token: Some(token),
                ..page.clone()
            });
        }
    }

    /// The state of the set that is wanted; of a nested one only that it can't be carried out, as then
    /// neither can the whole.
    fn state(&mut self, page: &Page, answer: &ChangeSetPage) {
        let (state, reason) = state::of(answer);
        if page.nested.is_none() {
            (self.state, self.reason) = (state, reason);
        } else if state == SetState::Unavailable && self.state != SetState::Unavailable {
            let path = page.path.trim_end_matches('/');
            let reason = reason.unwrap_or_default();
            self.state = state;
            self.reason = Some(text::line(
                &format!("nested stack {path}: {reason}"),
                state::MAX_REASON_CHARS,
            ));
        }
    }

    fn nest(&mut self, page: &Page, logical_id: &str, arn: &str) {
        if !self.seen.insert(arn.to_owned()) {
            return;
        }
        if page.depth == MAX_DEPTH {
            return self.bound(&format!("stacks nested more than {MAX_DEPTH} deep"));
        }
        self.to_read.push_back(Page {
            path: format!("{}{logical_id}/", page.path),
            depth: page.depth + 1,
            nested: Some(arn.to_owned()),
            token: None,
        });
    }

    fn miss(&mut self, page: &Page, unread: &PageError) {
        let place = match page.path.trim_end_matches('/') {
            "" => String::new(),
            path => format!("nested stack {path}: "),
        };
        self.problem(format!("{place}{}", unread.error));
        self.found.failed.get_or_insert_with(|| unread.clone());
    }

    fn late(&mut self) {
        let error = PipelineError::Call {
            what: self.found.reference.label(),
            permission: PERMISSION,
            detail: "no answer in time".to_owned(),
            transient: true,
        };
        let label = self.found.reference.label();
        self.problem(format!(
            "{label} was not read in time; look at it in the console"
        ));
        self.found
            .failed
            .get_or_insert(PageError { gone: false, error });
    }

    fn problem(&mut self, problem: String) {
        self.whole = false;
        if self.found.problems.len() < MAX_PROBLEMS {
            self.found.problems.push(problem);
        }
    }

    /// More can't be shown than the most dangerous ones; the others need no memory.
    fn keep_the_worst(&mut self, above: usize) {
        if self.changes.len() > above {
            risk::sort(&mut self.changes);
            self.changes.truncate(MAX_CHANGES);
        }
    }

    /// A bound after which nothing more is read.
    fn fill(&mut self, bound: &str) {
        self.full = true;
        self.bound(bound);
    }

    fn bound(&mut self, bound: &str) {
        if self.cut {
            return;
        }
        self.cut = true;
        let label = self.found.reference.label();
        self.found.problems.push(format!(
            "{label} is cut: it has {bound}; look at the rest in the console"
        ));
    }

    fn finish(mut self) -> FoundChangeSet {
        let Some(id) = self.found.id.clone() else {
            // An answer without an id binds nothing.
            if self.found.problems.is_empty() {
                let label = self.found.reference.label();
                self.problem(format!("{label} has no ARN in AWS's answer"));
            }
            return self.found;
        };
        let total = self.hashes.len();
        self.hashes.sort_unstable();
        self.found.content = match (self.cut, self.whole) {
            (true, _) => Some(Content::TooMany),
            (false, true) => Some(Content::Changes(self.hashes)),
            (false, false) => None,
        };
        risk::sort(&mut self.changes);
        self.found.images.sort_unstable();
        self.found.images.dedup();
        self.found.shown = Some(ChangeSet {
            stack: text::line(&self.found.reference.stack, MAX_STACK_CHARS),
            name: text::line(&self.found.reference.name, MAX_STACK_CHARS),
            id: text::line(&id, MAX_ARN_CHARS),
            changes: self.changes,
            total,
            state: self.state,
            reason: self.reason,
        });
        self.found
    }
}
