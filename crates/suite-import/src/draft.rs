//! The suite that is made: its checks, and what was left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gate::Suite;
use strict_yaml::{Node, Position, Problem};

use crate::request::Request;
use crate::texts::Texts;
use crate::tree;
use crate::{ConvertedSuite, Kind, LeftOut};

const MAX_CHECKS: usize = 1_000;
const MAX_NAME: usize = 200;
/// Of what is left out; a longer list says how many more there are.
const MAX_LEFT_OUT: usize = 1_000;
const MAX_WHAT_CHARS: usize = 400;
/// Values of the checks together: a suite may have 50,000 in all.
const MAX_VALUES: usize = 40_000;
/// Bytes of the suite: it may have 1 MiB.
const MAX_SUITE: usize = 1_000_000;

/// A suite in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    name: String,
    pub(crate) texts: Texts,
    checks: Vec<DraftCheck>,
    left: Vec<LeftOut>,
    more_left: usize,
    /// Whose requests become checks; without it, the one that most go to.
    pub(crate) release: Option<String>,
}

/// A check in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct DraftCheck {
    /// Where it stands in a file that has lines.
    pub(crate) line: Option<usize>,
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) expect: Vec<Node>,
    /// Keys of the check beside its probe, such as `timeout`.
    pub(crate) more: Vec<(&'static str, Node)>,
}

impl Draft {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            texts: Texts::default(),
            checks: Vec::new(),
            left: Vec::new(),
            more_left: 0,
            release: None,
        }
    }

    /// What the suite calls itself, if the file says so.
    pub(crate) fn call(&mut self, name: Option<&str>) {
        let name = name.map(one_line).filter(|name| !name.is_empty());
        if let Some(name) = name {
            self.name = text::clean::cut(&name, 100);
        }
    }

    /// Notes what can't be carried over.
    pub(crate) fn leave(&mut self, line: Option<usize>, what: impl AsRef<str>) {
        if self.left.len() == MAX_LEFT_OUT {
            self.more_left += 1;
            return;
        }
        let what = gate::mask(&text::clean::short(what.as_ref(), MAX_WHAT_CHARS));
        self.left.push(LeftOut { line, what });
    }

    pub(crate) fn add(&mut self, check: DraftCheck) {
        self.checks.push(check);
    }

    /// The suite, loaded; with what was left out, in the order of the file.
    pub(crate) fn finish(mut self, kind: Kind) -> Result<ConvertedSuite, Problem> {
        self.keep_the_release();
        let secrets = self.texts.secrets();
        let mut names = BTreeSet::new();
        let mut kept: Vec<Node> = Vec::new();
        let mut values = 0;
        for check in std::mem::take(&mut self.checks) {
            let (line, shown) = (check.line, check.name.clone());
            if kept.len() == MAX_CHECKS || values > MAX_VALUES {
                self.leave(line, format!("{shown}: the suite is full"));
                continue;
            }
            match self.loaded(&check, &mut names) {
                Ok((node, lost)) => {
                    values += tree::size(&node);
                    kept.push(node);
                    for lost in lost {
                        self.leave(line, format!("{shown}: {lost}"));
                    }
                }
                Err(why) => self.leave(line, format!("{shown}: {why}")),
            }
        }
        let suite = self.written(&mut kept)?;
        self.left.sort_by_key(|left| left.line);
        if self.more_left > 0 {
            let what = format!("{} more", self.more_left);
            self.left.push(LeftOut { line: None, what });
        }
        let used = |name: &str| suite.contains(&format!("{{{{ {name} }}}}"));
        Ok(ConvertedSuite {
            kind,
            checks: kept.len(),
            secrets: secrets
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| used(name))
                .collect(),
            suite,
            left: self.left,
        })
    }

    /// Requests that go elsewhere measure something else.
    fn keep_the_release(&mut self) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for check in &self.checks {
            *counts.entry(&check.request.place.origin).or_default() += 1;
        }
        let first = |origin: &str| {
            let mut origins = self.checks.iter().map(|check| &*check.request.place.origin);
            std::cmp::Reverse(origins.position(|one| one == origin))
        };
        let most = counts.iter().filter(|(origin, _)| !origin.is_empty());
        let most = most.max_by_key(|(origin, count)| (**count, first(origin)));
        let release = self
            .release
            .clone()
            .or_else(|| most.map(|(origin, _)| (*origin).to_owned()));
        let release = release.unwrap_or_default();
        let (kept, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.checks)
            .into_iter()
            .partition(|check| {
                let origin = &check.request.place.origin;
                origin.is_empty() || *origin == release
            });
        self.checks = kept;
        for check in others {
            let origin = &check.request.place.origin;
            let what = format!(
                "{}: it asks {origin}, and the release is taken to be {release}",
                check.name
            );
            self.leave(check.line, what);
        }
    }

    /// The check as the loader takes it, and what of it had to go; or why there is none.
    fn loaded(
        &self,
        check: &DraftCheck,
        names: &mut BTreeSet<String>,
    ) -> Result<(Node, Vec<String>), String> {
        let name = free(&self.clean_name(&check.name), names);
        let bare = Self::node(check, &name, &[]);
        self.problem_of(&bare).map_or(Ok(()), Err)?;
        let (mut expect, mut lost) = (Vec::new(), Vec::new());
        for one in &check.expect {
            let with = Self::node(check, &name, std::slice::from_ref(one));
            match self.problem_of(&with) {
                None => expect.push(one.clone()),
                Some(why) => lost.push(format!("not expected: {why}")),
            }
        }
        let node = Self::node(check, &name, &expect);
        // Two that are right alone may be at odds together.
        let node = if self.problem_of(&node).is_some() {
            lost.push("its expectations contradict each other; only the first is kept".to_owned());
            Self::node(check, &name, &expect[..1])
        } else {
            node
        };
        names.insert(name);
        Ok((node, lost))
    }

    fn node(check: &DraftCheck, name: &str, expect: &[Node]) -> Node {
        let mut entries = vec![("name", tree::text(name))];
        if check.request.changes_something() {
            // Each round of a bake would do it once more.
            entries.push(("on", tree::list(vec![tree::text("pre-traffic")])));
        }
        entries.push(("http", check.request.node()));
        entries.extend(check.more.iter().cloned());
        if !expect.is_empty() {
            entries.push(("expect", tree::list(expect.to_vec())));
        }
        tree::map(entries)
    }

    /// What the loader says of a suite with this check alone.
    fn problem_of(&self, check: &Node) -> Option<String> {
        let suite = self.suite(vec![check.clone()]);
        let text = strict_yaml::write(&suite);
        let values = self.texts.values().filter(|(_, value)| is_long(value));
        for (name, value) in values {
            if text.contains(value) {
                return Some(format!("the value of the secret {name} stands in it"));
            }
        }
        match Suite::parse("suite", &text) {
            Ok(_) => None,
            Err(problems) => problems
                .problems
                .first()
                .map(|problem| format!("{}; {}", problem.message, problem.remedy)),
        }
    }

    fn suite(&self, checks: Vec<Node>) -> Node {
        let used = strict_yaml::write(&tree::list(checks.clone()));
        let is_used = |name: &str| used.contains(&format!("{{{{ {name} }}}}"));
        let of = |pairs: Vec<(String, String)>| -> Vec<(String, Node)> {
            let pairs = pairs.into_iter().filter(|(name, _)| is_used(name));
            pairs
                .map(|(name, value)| (name, tree::text(value)))
                .collect()
        };
        let mut entries = vec![
            ("version", tree::number("1")),
            ("name", tree::text(self.clean_name(&self.name))),
        ];
        for (key, pairs) in [
            ("vars", of(self.texts.vars().to_vec())),
            ("secrets", of(self.texts.secrets())),
        ] {
            if !pairs.is_empty() {
                entries.push((key, tree::map(pairs)));
            }
        }
        entries.push(("checks", tree::list(checks)));
        tree::map(entries)
    }

    /// The whole suite, which the loader takes; the last checks go where it would be too large.
    fn written(&mut self, kept: &mut Vec<Node>) -> Result<String, Problem> {
        loop {
            if kept.is_empty() {
                let found = self.left.first().map(|left| match left.line {
                    Some(line) => format!(": line {line}: {}", left.what),
                    None => format!(": {}", left.what),
                });
                return Err(Position::new(1, 1).problem(
                    format!(
                        "nothing of it can be asked by a suite{}",
                        found.unwrap_or_default()
                    ),
                    "give a file with requests that a suite can send",
                ));
            }
            let text = strict_yaml::write(&self.suite(kept.clone()));
            let problems = if text.len() > MAX_SUITE {
                Some("the suite is full".to_owned())
            } else {
                let problems = Suite::parse("suite", &text).err();
                problems.and_then(|found| found.problems.first().map(|one| one.message.clone()))
            };
            let Some(why) = problems else {
                return Ok(text);
            };
            // Half of what is too much at most, so that this ends soon.
            let keep = kept.len() - kept.len().div_ceil(10);
            for check in kept.split_off(keep) {
                let name = tree::word(&check, "name").unwrap_or_default().to_owned();
                self.leave(None, format!("{name}: {why}"));
            }
        }
    }

    /// A name that may stand in a suite.
    fn clean_name(&self, name: &str) -> String {
        let mut name = one_line(name);
        for (_, value) in self.texts.values().filter(|(_, value)| is_long(value)) {
            name = name.replace(value, "***");
        }
        let name = gate::mask(&name);
        if name.is_empty() {
            "a request".to_owned()
        } else {
            text::clean::cut(&name, MAX_NAME - 10)
        }
    }
}

/// A shorter one stands in any text.
fn is_long(secret: &str) -> bool {
    secret.len() >= 6
}

fn one_line(text: &str) -> String {
    let line = text::clean::line(text)
        .replace("{{", "{")
        .replace("}}", "}");
    line.trim().to_owned()
}

/// The name, or the name with a number.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while taken.contains(&free) {
        free = format!("{name} ({number})");
        number += 1;
    }
    free
}

/// What the suite is called unless its file says so: the file without folder and ending.
pub(crate) fn name(source: &str) -> String {
    let stem = Path::new(source).file_stem();
    let name = stem.map_or_else(
        || source.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let name = text::clean::cut(&one_line(&name), 100);
    // Standard input has no name.
    if name.is_empty() || name == "-" {
        "suite".to_owned()
    } else {
        name
    }
}

/// `status: 200`
pub(crate) fn status(written: &str) -> Node {
    tree::map([("status", tree::number(written))])
}

/// The header `content-type` has this media type.
pub(crate) fn content_type(media_type: &str) -> Node {
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let header = [
        ("name", tree::text("content-type")),
        ("contains", tree::text(media_type)),
    ];
    tree::map([("header", tree::map(header))])
}
