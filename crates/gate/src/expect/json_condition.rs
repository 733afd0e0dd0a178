//! One demand on the values that a path selects: what it compares, and whether it is met. Numbers are
//! compared as they are written, exactly.

use exact_json::{Budget, Node, Selection, Text, Undecided, View};

use super::json_demand::{Demand, length};
use super::{Actual, Comparison, Finding, Pattern, several};
use crate::json_template::JsonTemplate;
use crate::template::Values;
use crate::words;

/// One demand on each value that a path selects.
#[derive(Clone, Debug)]
pub(crate) enum JsonCondition {
    Equals(JsonTemplate),
    NotEquals(JsonTemplate),
    Contains(JsonTemplate),
    NotContains(JsonTemplate),
    Matches(Pattern),
    NotMatches(Pattern),
    Exists(bool),
    /// How many values the path selects.
    Count(Comparison),
    Length(Comparison),
    GreaterThan(JsonTemplate),
    LessThan(JsonTemplate),
    AtLeast(JsonTemplate),
    AtMost(JsonTemplate),
    /// One of these types.
    Type(Vec<JsonType>),
}

/// The types of JSON, with `integer` apart from `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonType {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
    Null,
}

impl JsonType {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("string", Self::String),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("object", Self::Object),
        ("null", Self::Null),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| *name)
    }

    pub(super) fn holds(self, value: Node<'_>) -> bool {
        match (self, value.view()) {
            (Self::Integer, View::Number(text)) => exact_json::is_integer(text),
            (Self::String, View::String(_))
            | (Self::Number, View::Number(_))
            | (Self::Boolean, View::Bool(_))
            | (Self::Array, View::Array(_))
            | (Self::Object, View::Object(_))
            | (Self::Null, View::Null) => true,
            _ => false,
        }
    }
}

impl JsonCondition {
    pub(super) fn is_pattern(&self) -> bool {
        matches!(self, Self::Matches(_) | Self::NotMatches(_))
    }

    /// The key in the suite.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::NotEquals(_) => "not_equals",
            Self::Contains(_) => "contains",
            Self::NotContains(_) => "not_contains",
            Self::Matches(_) => "matches",
            Self::NotMatches(_) => "not_matches",
            Self::Exists(true) => "exists: true",
            Self::Exists(false) => "exists: false",
            Self::Count(_) => "count",
            Self::Length(_) => "length",
            Self::GreaterThan(_) => "greater_than",
            Self::LessThan(_) => "less_than",
            Self::AtLeast(_) => "at_least",
            Self::AtMost(_) => "at_most",
            Self::Type(_) => "type",
        }
    }

    pub(super) fn evaluate(
        &self,
        path: &str,
        selection: &Selection<'_>,
        values: &Values,
        budget: &mut Budget,
    ) -> Finding {
        if let Self::Exists(expected) = self {
            let demand = if *expected {
                format!("{path} to be there")
            } else {
                format!("no {path}")
            };
            let met = selection.is_empty() != *expected;
            return Finding::new(demand, shown(selection), met);
        }
        if let Self::Count(expected) = self {
            let demand = format!("{path} selecting {}", expected.of("value"));
            let got = Actual::Words(words::count(selection.len(), "value"));
            return Finding::new(demand, got, expected.holds_for_count(selection.len()));
        }
        let demand = match self.demand(values) {
            Ok(demand) => demand,
            Err(why) => return Finding::errored(path, why),
        };
        match all_meet(selection, &demand, budget) {
            Err(why) => Finding::errored(path, why.to_string()),
            Ok(met) => Finding {
                expected: demand.expected,
                ..Finding::new(
                    format!("{path} {}", demand.relation),
                    self.got(selection),
                    met,
                )
            },
        }
    }

    /// Whether one value meets the demand; unknown where it can't be decided, or not before a run.
    pub(super) fn holds_for(&self, value: Node<'_>) -> Option<bool> {
        match self {
            Self::Exists(expected) => return Some(*expected),
            Self::Count(expected) => return (expected.demands_none()).then_some(false),
            _ => {}
        }
        let demand = self.demand(&Values::default()).ok()?;
        (demand.holds)(value, &mut Budget::default()).ok()
    }

    fn got(&self, selection: &Selection<'_>) -> Actual {
        let mut values = selection.nodes();
        if let (Self::Length(_), Some(one), None) = (self, values.next(), values.next())
            && let Ok(Some(length)) = length(one, &mut Budget::default())
        {
            return Actual::Value(length.to_string());
        }
        shown(selection)
    }
}

/// What is known to be wrong outweighs what can't be decided.
fn all_meet(
    selection: &Selection<'_>,
    demand: &Demand,
    budget: &mut Budget,
) -> Result<bool, Undecided> {
    let mut undecided = None;
    for value in selection.nodes() {
        match (demand.holds)(value, budget) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(why @ (Undecided::Steps | Undecided::Stopped)) => return Err(why),
            Err(why) => {
                undecided.get_or_insert(why);
            }
        }
    }
    undecided.map_or(Ok(!selection.is_empty()), Err)
}

fn shown(selection: &Selection<'_>) -> Actual {
    if selection.is_empty() {
        return Actual::Words("nothing there".to_owned());
    }
    Actual::Value(several(selection.nodes().map(short), selection.len(), ", "))
}

/// A value as JSON, numbers as they came, without building the text of a huge one.
pub(super) fn short(value: Node<'_>) -> String {
    match value.view() {
        View::String(string) => {
            words::head(&words::quote(&beginning(string)), words::MAX_RAW_BYTES).to_owned()
        }
        View::Array(elements) if elements.total() > 100 => {
            format!("an array of {} values", elements.total())
        }
        View::Object(members) if members.total() > 100 => {
            format!("an object of {} keys", members.total())
        }
        _ => words::head(&value.compact(words::MAX_RAW_BYTES), words::MAX_RAW_BYTES).to_owned(),
    }
}

fn beginning(string: Text<'_>) -> String {
    words::head(&string.shown(), words::MAX_RAW_BYTES).to_owned()
}
