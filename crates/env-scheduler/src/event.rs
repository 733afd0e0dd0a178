//! What the function is invoked with: by `EventBridge` Scheduler, by a state machine, by itself, by hand.
//!
//! Unknown fields are left alone, as other tools add theirs. A field that is known and wrong is an
//! error, and nothing is done: half an event could mean the wrong services.

use common::arn::Arn;
use environments::config::Glob;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// An event that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What the schedule that sent it is for.
    pub action: Action,
    /// When it was due; a retried one says when it was due at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The account to work in; none: the function's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region to work in; none: the function's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The role to take there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Only services that match this pattern over `cluster/service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Plan only. It can add to the setting, and never lift it.
    pub dry_run: bool,
    /// How often the run was continued already.
    pub continuation: u32,
    /// Whether the caller invokes again by itself when the answer says `"continued": true`.
    #[serde(rename = "loop")]
    pub looped: bool,
    /// Who or what asked for it, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// IAM has no longer ARNs of roles.
const MAX_ROLE_ARN_BYTES: usize = 2_048;
/// Characters of a cause; the rest is left out.
const MAX_CAUSE_CHARS: usize = 500;

/// What a schedule is for. All of them reconcile; they differ in what people are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The evening.
    Down,
    /// The morning.
    Up,
    /// Every few minutes.
    Tick,
    /// Some minutes before the evening.
    Notice,
    /// When people want to read about the night.
    Morning,
}

impl Action {
    const ALL: [Self; 5] = [
        Self::Down,
        Self::Up,
        Self::Tick,
        Self::Notice,
        Self::Morning,
    ];

    /// As events write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Tick => "tick",
            Self::Notice => "notice",
            Self::Morning => "morning",
        }
    }
}

/// All that is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event can't be used, and nothing was done: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct EventError(pub Vec<EventProblem>);

impl From<EventProblem> for EventError {
    fn from(problem: EventProblem) -> Self {
        Self(vec![problem])
    }
}

/// Something that is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// It is something else than an object.
    #[error("it is no JSON object; send {{\"action\": \"tick\"}} ({})", actions())]
    NoObject,
    /// It has no action.
    #[error("action is missing; {}", actions())]
    NoAction,
    /// Its action is none.
    #[error("action is {found}, which is unknown; {}", actions())]
    UnknownAction {
        /// What it is, cut.
        found: String,
    },
    /// A field is wrong.
    #[error("{name} is {found}: expected {expected}")]
    Field {
        /// The field.
        name: &'static str,
        /// What it is, cut.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A role without its account.
    #[error("role_arn needs account beside it: the account that the role is in")]
    RoleWithoutAccount,
    /// The instant is a mistake.
    #[error("at is more than a year ahead; send the instant at which the schedule was due")]
    AtYearsAhead,
    /// The event would stop or wake at the wrong time.
    #[error(
        "at is {0:#} ahead of the clock; send the instant at which the schedule was due, or \"dry_run\": true to see what \
         would be done then"
    )]
    AtAhead(SignedDuration),
}

impl Event {
    /// An event of this action, for the function's own account and region.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            at: None,
            account: None,
            region: None,
            role_arn: None,
            only: None,
            dry_run: false,
            continuation: 0,
            looped: false,
            cause: None,
        }
    }

    /// Reads an event, or reports every problem.
    pub fn decode(payload: &Value) -> Result<Self, EventError> {
        let Some(object) = payload.as_object() else {
            return Err(EventProblem::NoObject.into());
        };
        let mut fields = Fields {
            object,
            problems: Vec::new(),
        };
        let action = fields.action();
        let event = Self {
            at: fields.read("at", "an instant such as 2026-11-23T22:00:00Z", |text| {
                text.parse().ok()
            }),
            account: fields.read("account", "the twelve digits of an account", account),
            region: fields.read("region", "a region such as eu-central-1", region),
            role_arn: fields.read("role_arn", "the ARN of a role", role),
            only: fields.read(
                "only",
                "a pattern such as cluster/service or dev/*",
                pattern,
            ),
            dry_run: fields.flag("dry_run"),
            continuation: fields.count("continuation"),
            looped: fields.flag("loop"),
            cause: fields.read("cause", "a text", |text| {
                Some(text.chars().take(MAX_CAUSE_CHARS).collect())
            }),
            ..Self::new(action.unwrap_or(Action::Tick))
        };
        if event.role_arn.is_some() && event.account.is_none() {
            fields.problems.push(EventProblem::RoleWithoutAccount);
        }
        if fields.problems.is_empty() {
            Ok(event)
        } else {
            Err(EventError(fields.problems))
        }
    }

    /// As it is sent to the function itself.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("an event is plain data")
    }
}

fn actions() -> String {
    let words: Vec<&str> = Action::ALL.into_iter().map(Action::word).collect();
    format!("actions are {}", words.join(", "))
}

struct Fields<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<EventProblem>,
}

impl Fields<'_> {
    fn action(&mut self) -> Option<Action> {
        let value = self.object.get("action");
        let word = value.and_then(Value::as_str);
        let known = Action::ALL
            .into_iter()
            .find(|action| word == Some(action.word()));
        if known.is_none() {
            self.problems.push(match value {
                None => EventProblem::NoAction,
                Some(value) => EventProblem::UnknownAction {
                    found: shown(value),
                },
            });
        }
        known
    }

    /// A text; null and the empty text, which a state machine passes on for what is not set, are none.
    fn read<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        if value.as_str() == Some("") {
            return None;
        }
        let found = value.as_str().and_then(read);
        if found.is_none() {
            self.wrong(name, value, expected);
        }
        found
    }

    fn wrong(&mut self, name: &'static str, found: &Value, expected: &'static str) {
        self.problems.push(EventProblem::Field {
            name,
            found: shown(found),
            expected,
        });
    }

    fn flag(&mut self, name: &'static str) -> bool {
        match self.object.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(on)) => *on,
            Some(other) => {
                self.wrong(name, other, "true or false");
                false
            }
        }
    }

    fn count(&mut self, name: &'static str) -> u32 {
        let value = self.object.get(name).filter(|value| !value.is_null());
        let Some(value) = value else {
            return 0;
        };
        let count = value.as_u64().and_then(|count| count.try_into().ok());
        count.unwrap_or_else(|| {
            self.wrong(name, value, "a count");
            0
        })
    }
}

/// A value as it was written, cut: whatever was sent by mistake must not fill the log.
fn shown(value: &Value) -> String {
    const MAX_SHOWN_CHARS: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn account(text: &str) -> Option<String> {
    let right = text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
    right.then(|| text.to_owned())
}

fn region(text: &str) -> Option<String> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let right = text.contains('-') && text.len() <= 32 && text.chars().all(known);
    right.then(|| text.to_owned())
}

/// `arn:aws:iam::111122223333:role/path/name`
fn role(text: &str) -> Option<String> {
    if text.len() > MAX_ROLE_ARN_BYTES {
        return None;
    }
    let arn = Arn::parse(text).filter(|arn| arn.service == "iam" && arn.region.is_empty())?;
    let named = arn
        .resource
        .strip_prefix("role/")
        .is_some_and(|name| !name.is_empty());
    (account(arn.account).is_some() && named).then(|| text.to_owned())
}

fn pattern(text: &str) -> Option<String> {
    Glob::parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_sample_is_an_event() {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let mut actions = Vec::new();
        for file in std::fs::read_dir(samples).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("env-") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let event = Event::decode(&serde_json::from_str(&text).unwrap());
            let event = event.unwrap_or_else(|error| panic!("{name}: {error}"));
            actions.push(event.action.word());
        }
        for action in Action::ALL.map(Action::word) {
            assert!(actions.contains(&action), "no sample of {action}");
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let event = Event {
            at: Some("2026-11-23T22:00:00Z".parse().unwrap()),
            account: Some("111122223333".into()),
            region: Some("eu-central-1".into()),
            role_arn: Some("arn:aws:iam::111122223333:role/a/b".into()),
            only: Some("dev/*".into()),
            dry_run: true,
            continuation: 3,
            looped: true,
            cause: Some("a link".into()),
            ..Event::new(Action::Down)
        };
        assert_eq!(Event::decode(&event.to_value()), Ok(event));
        let plain = Event::new(Action::Tick);
        assert_eq!(Event::decode(&plain.to_value()), Ok(plain));
    }

    #[test]
    fn unknown_and_empty_fields_are_left_alone() {
        let sent = json!({"action": "up", "at": "", "role_arn": null, "region": "", "account": "",
                          "dry_run": null, "continuation": null, "version": 2, "detail": {"a": 1}});
        assert_eq!(Event::decode(&sent), Ok(Event::new(Action::Up)));
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let problems_of = |event: Value| {
            let problems = Event::decode(&event).unwrap_err().0;
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            problems.join("\n")
        };
        insta::assert_snapshot!(problems_of(json!({
            "action": "Down", "at": "<aws.scheduler.scheduled-time>", "account": 111_122_223_333_u64,
            "region": "eu central", "role_arn": "arn:aws:iam::1:role/x", "only": "dev/ web",
            "dry_run": "true", "continuation": -1, "loop": 1, "cause": ["x".repeat(90)],
        })), @r#"
        action is "Down", which is unknown; actions are down, up, tick, notice, morning
        at is "<aws.scheduler.scheduled-time>": expected an instant such as 2026-11-23T22:00:00Z
        account is 111122223333: expected the twelve digits of an account
        region is "eu central": expected a region such as eu-central-1
        role_arn is "arn:aws:iam::1:role/x": expected the ARN of a role
        only is "dev/ web": expected a pattern such as cluster/service or dev/*
        dry_run is "true": expected true or false
        continuation is -1: expected a count
        loop is 1: expected true or false
        cause is ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: expected a text
        "#);
        insta::assert_snapshot!(problems_of(json!({"role_arn": "arn:aws:iam::111122223333:role/x"})), @r#"
        action is missing; actions are down, up, tick, notice, morning
        role_arn needs account beside it: the account that the role is in
        "#);
        insta::assert_snapshot!(problems_of(json!(["tick"])), @r#"it is no JSON object; send {"action": "tick"} (actions are down, up, tick, notice, morning)"#);
    }
}
