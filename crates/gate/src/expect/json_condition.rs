//! One demand on the values that a path selects: what it compares, and whether it is met. Numbers are
//! compared as they are written, exactly.

use std::cmp::Ordering;

use exact_json::{Budget, Document, Node, Number, Selection, Text, Undecided, Value, View};

use super::{Finding, Got, Pattern, several};
use crate::json_template::JsonTemplate;
use crate::template::Values;
use crate::words;

/// One demand on each value that a path selects.
#[derive(Clone, Debug)]
pub(crate) enum JsonCondition {
    Equals(JsonTemplate),
    NotEquals(JsonTemplate),
    Contains(JsonTemplate),
    Matches(Pattern),
    Exists(bool),
    Length(Comparison),
    GreaterThan(JsonTemplate),
    LessThan(JsonTemplate),
    Type(JsonType),
}

/// `3`, `"> 0"`, `"<= 10"`: a demand on a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) operator: Operator,
    pub(crate) number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
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

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| *name)
    }

    fn holds(self, value: Node<'_>) -> bool {
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
    /// The key in the suite.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::NotEquals(_) => "not_equals",
            Self::Contains(_) => "contains",
            Self::Matches(_) => "matches",
            Self::Exists(true) => "exists: true",
            Self::Exists(false) => "exists: false",
            Self::Length(_) => "length",
            Self::GreaterThan(_) => "greater_than",
            Self::LessThan(_) => "less_than",
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
        if let Self::Exists(wanted) = self {
            let expected = if *wanted {
                format!("{path} to be there")
            } else {
                format!("no {path}")
            };
            let met = selection.is_empty() != *wanted;
            return Finding::new(expected, shown(selection), met);
        }
        let demand = match self.demand(values) {
            Ok(demand) => demand,
            Err(why) => return Finding::errored(path, why),
        };
        match all_meet(selection, &demand, budget) {
            Err(why) => Finding::errored(path, why.to_string()),
            Ok(met) => Finding {
                wanted: demand.wanted,
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
        if let Self::Exists(wanted) = self {
            return Some(*wanted);
        }
        let demand = self.demand(&Values::default()).ok()?;
        (demand.holds)(value, &mut Budget::default()).ok()
    }

    fn demand(&self, values: &Values) -> Result<Demand, String> {
        let render = |template: &JsonTemplate| {
            template
                .render(values)
                .map_err(|missing| missing.to_string())
        };
        Ok(match self {
            Self::Exists(wanted) => {
                let wanted = *wanted;
                Demand::in_words("to be there".to_owned(), move |_| wanted)
            }
            Self::Equals(template) => {
                Demand::on("equal to", &render(template)?, |value, wanted, budget| {
                    exact_json::same(value, wanted, budget)
                })
            }
            Self::NotEquals(template) => {
                Demand::on("other than", &render(template)?, |value, wanted, budget| {
                    exact_json::same(value, wanted, budget).map(|same| !same)
                })
            }
            Self::Contains(template) => Demand::on("containing", &render(template)?, contains),
            Self::GreaterThan(template) => {
                let limit = number(render(template)?)?;
                Demand::on(">", &limit, |value, limit, budget| {
                    Ok(order(value, limit, budget)?.is_some_and(Ordering::is_gt))
                })
            }
            Self::LessThan(template) => {
                let limit = number(render(template)?)?;
                Demand::on("<", &limit, |value, limit, budget| {
                    Ok(order(value, limit, budget)?.is_some_and(Ordering::is_lt))
                })
            }
            Self::Matches(pattern) => {
                let (source, regex) = pattern.fill(values)?;
                Demand {
                    relation: "matching".to_owned(),
                    wanted: Some(format!("/{source}/")),
                    holds: Box::new(move |value, budget| match value.view() {
                        View::String(text) => {
                            budget.spend_bytes(text.size())?;
                            Ok(regex.is_match(&text.decode()?))
                        }
                        _ => Ok(false),
                    }),
                }
            }
            Self::Length(wanted) => {
                let wanted = *wanted;
                Demand {
                    relation: format!("of length {}", wanted.words()),
                    wanted: None,
                    holds: Box::new(move |value, budget| {
                        Ok(length(value, budget)?.is_some_and(|length| wanted.holds(length)))
                    }),
                }
            }
            Self::Type(kind) => {
                let kind = *kind;
                Demand {
                    relation: format!("of type {}", kind.name()),
                    wanted: None,
                    holds: Box::new(move |value, budget| {
                        if let (JsonType::Integer, View::Number(text)) = (kind, value.view()) {
                            budget.spend_bytes(text.len())?;
                        }
                        Ok(kind.holds(value))
                    }),
                }
            }
        })
    }

    fn got(&self, selection: &Selection<'_>) -> Got {
        let mut values = selection.nodes();
        if let (Self::Length(_), Some(one), None) = (self, values.next(), values.next())
            && let Ok(Some(length)) = length(one, &mut Budget::default())
        {
            return Got::Words(length.to_string());
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

/// A demand in words, the value it compares with, and whether a value meets it.
struct Demand {
    relation: String,
    wanted: Option<String>,
    holds: Holds,
}

type Holds = Box<dyn Fn(Node<'_>, &mut Budget) -> Result<bool, Undecided>>;

impl Demand {
    fn on(
        relation: &str,
        wanted: &Value,
        holds: impl Fn(Node<'_>, Node<'_>, &mut Budget) -> Result<bool, Undecided> + 'static,
    ) -> Self {
        let wanted = document(wanted);
        Self {
            relation: relation.to_owned(),
            wanted: Some(short(wanted.root())),
            holds: Box::new(move |value, budget| holds(value, wanted.root(), budget)),
        }
    }

    fn in_words(relation: String, holds: impl Fn(Node<'_>) -> bool + 'static) -> Self {
        Self {
            relation,
            wanted: None,
            holds: Box::new(move |value, _| Ok(holds(value))),
        }
    }
}

/// What a suite wrote, as what it is compared with.
pub(super) fn document(value: &Value) -> Document<'static> {
    Document::parse(value.to_string()).expect("what a suite holds is JSON, far below every bound")
}

impl Comparison {
    pub(crate) fn holds(self, length: u64) -> bool {
        match self.operator {
            Operator::Equal => length == self.number,
            Operator::Less => length < self.number,
            Operator::AtMost => length <= self.number,
            Operator::Greater => length > self.number,
            Operator::AtLeast => length >= self.number,
        }
    }

    /// Whether no body that is read has a value of such a length.
    pub(crate) fn is_impossible(self) -> bool {
        let most = exact_json::MAX_BYTES as u64;
        match self.operator {
            Operator::Less => self.number == 0,
            Operator::AtMost => false,
            Operator::Equal | Operator::AtLeast => self.number > most,
            Operator::Greater => self.number >= most,
        }
    }

    pub(crate) fn words(self) -> String {
        let sign = match self.operator {
            Operator::Equal => "",
            Operator::Less => "< ",
            Operator::AtMost => "<= ",
            Operator::Greater => "> ",
            Operator::AtLeast => ">= ",
        };
        format!("{sign}{}", self.number)
    }
}

/// A number, or a text that is one (a variable may hold either).
pub(super) fn number(value: Value) -> Result<Value, String> {
    match value {
        Value::Number(_) => Ok(value),
        Value::String(text) => match text.trim().parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(format!("{} is not a number", words::quote(&text))),
        },
        other => Err(format!("{other} is not a number")),
    }
}

fn order(
    value: Node<'_>,
    limit: Node<'_>,
    budget: &mut Budget,
) -> Result<Option<Ordering>, Undecided> {
    match (value.view(), limit.view()) {
        (View::Number(value), View::Number(limit)) => {
            exact_json::order(value, limit, budget).map(Some)
        }
        _ => Ok(None),
    }
}

/// Elements of an array, keys of an object, characters of a string.
fn length(value: Node<'_>, budget: &mut Budget) -> Result<Option<u64>, Undecided> {
    let length = match value.view() {
        View::Array(elements) => elements.total(),
        View::Object(members) => members.unique()?.total(),
        View::String(text) => {
            budget.spend_bytes(text.size())?;
            text.chars()?
        }
        _ => return Ok(None),
    };
    Ok(u64::try_from(length).ok())
}

/// A part of a string, an element of an array, a key of an object.
fn contains(value: Node<'_>, wanted: Node<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    match (value.view(), wanted.view()) {
        (View::String(text), View::String(part)) => {
            budget.spend_bytes(text.size())?;
            Ok(text.decode()?.contains(&*part.decode()?))
        }
        (View::Array(elements), _) => {
            for element in elements {
                if exact_json::same(element, wanted, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (View::Object(members), View::String(key)) => {
            budget.spend(members.total())?;
            Ok(members.get(key)?.is_some())
        }
        _ => Ok(false),
    }
}

fn shown(selection: &Selection<'_>) -> Got {
    if selection.is_empty() {
        return Got::Words("nothing there".to_owned());
    }
    Got::Value(several(selection.nodes().map(short), selection.len(), ", "))
}

/// A value as JSON, numbers as they came, without building the text of a huge one.
fn short(value: Node<'_>) -> String {
    match value.view() {
        View::String(string) => {
            words::head(&words::quote(&beginning(string)), words::RAW_KEEP).to_owned()
        }
        View::Array(elements) if elements.total() > 100 => {
            format!("an array of {} values", elements.total())
        }
        View::Object(members) if members.total() > 100 => {
            format!("an object of {} keys", members.total())
        }
        _ => words::head(&value.compact(words::RAW_KEEP), words::RAW_KEEP).to_owned(),
    }
}

fn beginning(string: Text<'_>) -> String {
    words::head(&string.shown(), words::RAW_KEEP).to_owned()
}
