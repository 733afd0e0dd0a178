//! The grammars that are understood, and what a text in one of them may refer to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::custodian;

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

impl FromStr for Syntax {
    type Err = UnknownSyntax;

    fn from_str(text: &str) -> Result<Self, UnknownSyntax> {
        Self::ALL
            .into_iter()
            .find(|syntax| syntax.as_str() == text)
            .ok_or_else(|| UnknownSyntax(text.to_owned()))
    }
}

/// A grammar that isn't known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown syntax {0:?}; write {names}", names = Syntax::names())]
pub struct UnknownSyntax(pub String);

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
