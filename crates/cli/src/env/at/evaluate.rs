//! Answers one question about a schedule. Each schedule is read once, and each stretch between two edges is searched once, as
//! long as there are not too many of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use environments::config::Config;
use jiff::Timestamp;
use schedule::{
    Calendar, Context, Overrides, Schedule, ScheduleError, State, Syntax, desired_state, next_edge,
};
use serde::Serialize;

/// Beyond these the cache is emptied, so that a stream of any length needs as much memory as a short one.
const MAX_CACHED_SCHEDULES: usize = 4_096;
const MAX_CACHED_BYTES: usize = 8 * 1024 * 1024;
const MAX_CACHED_STRETCHES: usize = 100_000;

/// What is wrong with a question, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LocatedError {
    /// The line of the input, from 1; none for arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The field in whose text the problem is; none for the line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'static str>,
    /// The named schedule in whose text it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// Where it begins: characters from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

/// The answer to a question.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// On or off.
    pub(crate) state: State,
    /// When that changes; none if it never does.
    pub(crate) next_edge: Option<Timestamp>,
    /// What decides, in words.
    pub(crate) rule: &'a str,
    /// What should be known of the schedule.
    pub(crate) remarks: &'a [String],
}

/// Answers questions, and caches what it has read.
pub(crate) struct Evaluator<'a> {
    config: Option<&'a Config>,
    zone: Option<&'a str>,
    named: BTreeMap<String, String>,
    no_holidays: Calendar,
    known: HashMap<String, Result<Known, ScheduleError>>,
    texts: usize,
    stretches: usize,
    /// Used again and again.
    key: String,
    rule: String,
}

/// A schedule that was read.
struct Known {
    schedule: Schedule,
    /// By the edge that ends it (none is an end that never comes), the earliest instant from which that edge
    /// is known to be the next.
    stretches: BTreeMap<Timestamp, Timestamp>,
    /// From then on nothing changes any more.
    settled: Option<Timestamp>,
}

impl<'a> Evaluator<'a> {
    /// `zone` is that of windows that name none.
    pub(crate) fn new(config: Option<&'a Config>, zone: Option<&'a str>) -> Self {
        Self {
            config,
            zone,
            named: super::texts(config),
            no_holidays: Calendar::none(),
            known: HashMap::new(),
            texts: 0,
            stretches: 0,
            key: String::new(),
            rule: String::new(),
        }
    }

    /// Whether a schedule is on at an instant. A zone that is given here counts before the general one.
    pub(crate) fn answer(
        &mut self,
        (syntax, text): (Syntax, &str),
        zone: Option<&str>,
        at: Timestamp,
    ) -> Result<Answer<'_>, LocatedError> {
        self.forget_if_full();
        let zone = zone.or(self.zone);
        self.key.clear();
        write!(self.key, "{syntax}\n{}\n{text}", zone.unwrap_or_default())
            .expect("a string takes all");
        if !self.known.contains_key(self.key.as_str()) {
            self.texts += self.key.len();
            let read = self.read(syntax, text, zone);
            self.known.insert(self.key.clone(), read);
        }
        let calendar = self
            .config
            .map_or(&self.no_holidays, |config| &config.calendar);
        let known = self
            .known
            .get_mut(self.key.as_str())
            .expect("it was put in");
        let known = known.as_mut().map_err(|error| LocatedError {
            line: None,
            field: Some("schedule"),
            schedule: error.schedule.clone(),
            column: error.column,
            problem: error.problem.clone(),
            remedy: error.remedy.clone(),
        })?;
        let (next_edge, is_new) = known.next_edge(calendar, at);
        self.stretches += usize::from(is_new);
        let decision = desired_state(&known.schedule, calendar, &Overrides::default(), at);
        self.rule.clear();
        write!(self.rule, "{}", decision.why).expect("a string takes all");
        Ok(Answer {
            state: decision.state,
            next_edge,
            rule: &self.rule,
            remarks: known.schedule.remarks(),
        })
    }

    fn read(&self, syntax: Syntax, text: &str, zone: Option<&str>) -> Result<Known, ScheduleError> {
        let of_config = self.config.filter(|_| syntax == Syntax::Windows);
        let by_name = of_config.and_then(|config| config.schedules.get(text.trim()));
        let context = Context {
            default_zone: zone,
            named: Some(&self.named),
            policy: None,
        };
        let schedule = match by_name {
            Some(named) => named.schedule.clone(),
            None => Schedule::parse_as(syntax, text, &context)?,
        };
        Ok(Known {
            schedule,
            stretches: BTreeMap::new(),
            settled: None,
        })
    }

    fn forget_if_full(&mut self) {
        if self.known.len() >= MAX_CACHED_SCHEDULES
            || self.texts >= MAX_CACHED_BYTES
            || self.stretches >= MAX_CACHED_STRETCHES
        {
            self.known.clear();
            (self.texts, self.stretches) = (0, 0);
        }
    }
}

impl Known {
    /// The next edge, and whether it wasn't known before.
    fn next_edge(&mut self, calendar: &Calendar, at: Timestamp) -> (Option<Timestamp>, bool) {
        if self.settled.is_some_and(|from| from <= at) {
            return (None, false);
        }
        let after = at..;
        let known = self
            .stretches
            .range(after)
            .find(|(edge, _)| **edge > at)
            .filter(|(_, from)| **from <= at);
        if let Some((edge, _)) = known {
            return (Some(*edge), false);
        }
        let found = next_edge(&self.schedule, calendar, &Overrides::default(), at);
        let Some(edge) = found.map(|edge| edge.at) else {
            self.settled = Some(at);
            return (None, false);
        };
        // It was not known from so early on, if at all.
        (Some(edge), self.stretches.insert(edge, at).is_none())
    }
}

impl Answer<'_> {
    /// `{"state":"on","next_edge":"2026-11-23T22:00:00Z","rule":"…"}`, with `remarks` if there are any, without the
    /// end of a line.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        write!(out, "{{\"state\":\"{}\",\"next_edge\":", self.state).expect("memory takes all");
        match self.next_edge {
            Some(edge) => write!(out, "\"{edge}\""),
            None => write!(out, "null"),
        }
        .expect("memory takes all");
        out.extend_from_slice(b",\"rule\":");
        serde_json::to_writer(&mut *out, self.rule).expect("a text is JSON");
        if !self.remarks.is_empty() {
            out.extend_from_slice(b",\"remarks\":");
            serde_json::to_writer(&mut *out, self.remarks).expect("texts are JSON");
        }
        out.push(b'}');
    }
}
