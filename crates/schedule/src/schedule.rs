//! The schedule: what was written, and what it was read as.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::custodian::Policy;
use crate::desired_state::{Decision, Overrides, State, desired_state, first_on};
use crate::events::Events;
use crate::kube_downscaler::Dialect;
use crate::window::{Range, Window};
use crate::{Calendar, ScheduleError, custodian, kube_downscaler, parse};

/// When something is on. Read once, asked often.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub(crate) text: String,
    pub(crate) rules: Rules,
    pub(crate) remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rules {
    /// On while any of these says so.
    Parts(Vec<Part>),
    /// On or off as the last event said.
    Events(Events),
}

/// One part of a schedule: a window, an absolute range, `always` or `never`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub(crate) text: String,
    pub(crate) schedule: Option<String>,
    pub(crate) rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Always,
    Never,
    Window(Window),
    Range(Range),
}

impl Part {
    /// The part as it was written, with its zone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The configured schedule that it comes from, if it was named.
    pub fn schedule(&self) -> Option<&str> {
        self.schedule.as_deref()
    }
}

/// `"Mon-Fri 09:00-22:00 Europe/London" (office)`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.text)?;
        match &self.schedule {
            Some(schedule) => write!(f, " ({schedule})"),
            None => Ok(()),
        }
    }
}

/// The grammars that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Our own: `Mon-Fri 09:00-22:00 Europe/London + Sat 10:00-14:00 Europe/London`.
    Windows,
    /// A Cloud Custodian off-hours value: `off=[(M-F,19)];on=[(M-F,7)];tz=pt`.
    Custodian,
    /// kube-downscaler's uptime: `Mon-Fri 07:30-20:30 Europe/Berlin,Sat-Sun 10:00-14:00 CET`, as far as the
    /// two tools of that name read it alike.
    KubeDownscaler,
    /// The same, as the original in Python reads it.
    PyKubeDownscaler,
    /// The same, as its successor in Go reads it.
    GoKubeDownscaler,
}

impl Syntax {
    /// All of them, by name.
    pub const ALL: [Self; 5] = [
        Self::Windows,
        Self::Custodian,
        Self::KubeDownscaler,
        Self::PyKubeDownscaler,
        Self::GoKubeDownscaler,
    ];

    /// The name that configuration uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Custodian => "custodian",
            Self::KubeDownscaler => "kube-downscaler",
            Self::PyKubeDownscaler => "py-kube-downscaler",
            Self::GoKubeDownscaler => "go-kube-downscaler",
        }
    }

    /// `windows, custodian or …`.
    pub fn names() -> String {
        let [others @ .., last] = Self::ALL.map(Self::as_str);
        format!("{} or {last}", others.join(", "))
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A grammar that isn't known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown syntax {0:?}; write {names}", names = Syntax::names())]
pub struct UnknownSyntax(pub String);

impl FromStr for Syntax {
    type Err = UnknownSyntax;

    fn from_str(text: &str) -> Result<Self, UnknownSyntax> {
        Self::ALL
            .into_iter()
            .find(|syntax| syntax.as_str() == text)
            .ok_or_else(|| UnknownSyntax(text.to_owned()))
    }
}

/// What a schedule's text may refer to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The zone of windows that name none.
    pub default_zone: Option<&'a str>,
    /// The configured schedules: name to text, in our own grammar.
    pub named: Option<&'a BTreeMap<String, String>>,
    /// What a Custodian policy says about values that leave something out; none is c7n's default, with
    /// `default_zone`.
    pub policy: Option<&'a custodian::Policy>,
}

impl Schedule {
    /// Reads our own grammar. A window may leave its zone out only where a default is given.
    pub fn parse(text: &str, default_zone: Option<&str>) -> Result<Self, ScheduleError> {
        let context = Context {
            default_zone,
            ..Context::default()
        };
        parse::parse(text, &context)
    }

    /// Reads any of the grammars. In our own, the names of configured schedules are resolved. What the reader
    /// should know before relying on it stands in [`Schedule::remarks`].
    pub fn parse_as(
        syntax: Syntax,
        text: &str,
        context: &Context<'_>,
    ) -> Result<Self, ScheduleError> {
        let uptime = |dialect| kube_downscaler::parse(text, dialect, context.default_zone);
        match syntax {
            Syntax::Windows => parse::parse(text, context),
            Syntax::KubeDownscaler => uptime(Dialect::Either),
            Syntax::PyKubeDownscaler => uptime(Dialect::Python),
            Syntax::GoKubeDownscaler => uptime(Dialect::Go),
            Syntax::Custodian => {
                let default = Policy::default();
                let policy = context.policy.unwrap_or(&default);
                custodian::parse(text, policy, context.default_zone)
            }
        }
    }

    /// Whether it is on at an instant, without holidays and overrides.
    pub fn is_on(&self, at: Timestamp) -> bool {
        self.plainly(at).state == State::On
    }

    /// The first instant, `at` or later, at which it is on; `None` if it never is again.
    pub fn next_on(&self, at: Timestamp) -> Option<Timestamp> {
        first_on(self, at)
    }

    /// What is legal but probably not what was meant, in whole sentences. Whoever shows what a schedule
    /// means shows these beside it.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The zones whose clocks it follows, each once, in the order of the text; none for `always`, `never`
    /// and absolute ranges.
    pub fn zones(&self) -> Vec<&str> {
        let mut zones = Vec::new();
        let mut add = |name| {
            if !zones.contains(&name) {
                zones.push(name);
            }
        };
        match &self.rules {
            Rules::Parts(parts) => {
                for part in parts {
                    if let Rule::Window(window) = &part.rule {
                        add(window.zone.name());
                    }
                }
            }
            Rules::Events(events) => add(events.zone.name()),
        }
        zones
    }

    fn plainly(&self, at: Timestamp) -> Decision<'_> {
        static NO_HOLIDAYS: Calendar = Calendar::none();
        desired_state(self, &NO_HOLIDAYS, &Overrides::default(), at)
    }
}

/// The text as it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
