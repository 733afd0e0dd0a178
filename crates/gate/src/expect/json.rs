//! Demands on a JSON body, found by a JSONPath (RFC 9535).
//!
//! A path may select several values: every one must meet the demand, and no value at all never
//! does, so that a mistyped path can't pass by selecting nothing.

use std::cmp::Ordering;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::{Evidence, Finding, Got, Pattern, Shape};
use crate::redact;
use crate::template::{Template, Values};
use crate::text;

/// Bodies above this are searched with at most one `..`; each further one multiplies the values
/// held in memory by the depth of the document.
const WILD_BODY_LIMIT: usize = 64 * 1024;

/// A JSONPath with references.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    template: Template,
    compiled: Option<JsonPath>,
}

/// One demand on each value that a path selects.
#[derive(Clone, Debug)]
pub(crate) enum JsonTest {
    Equals(Shape),
    NotEquals(Shape),
    Contains(Shape),
    Matches(Pattern),
    Exists(bool),
    Length(Comparison),
    GreaterThan(Shape),
    LessThan(Shape),
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

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::Null => value.is_null(),
        }
    }
}

impl Path {
    /// `template` is tried out with stand-ins, so that most bad paths are found at load.
    pub(crate) fn new(template: Template) -> Result<Self, String> {
        let trial = |word: &str| {
            let filled = template
                .render_with(|_| Ok(word.to_owned()))
                .unwrap_or_default();
            JsonPath::parse(&filled).map_err(|error| error.to_string())
        };
        let compiled = trial("x").or_else(|error| trial("1").map_err(|_| error))?;
        let compiled = template.is_literal().then_some(compiled);
        Ok(Self { template, compiled })
    }

    fn fill(&self, values: &Values) -> Result<(String, JsonPath), String> {
        let source = self
            .template
            .render(values)
            .map_err(|missing| missing.to_string())?;
        match &self.compiled {
            Some(path) => Ok((source, path.clone())),
            None => JsonPath::parse(&source)
                .map(|p| (source, p))
                .map_err(|e| e.to_string()),
        }
    }
}

/// How often a path descends into everything (`..`), strings left out.
pub(crate) fn too_wild(path: &str) -> bool {
    descents(path) > 2
}

fn descents(path: &str) -> usize {
    let mut quote = None;
    let mut found = 0;
    let mut before = ' ';
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match quote {
            Some(_) if c == '\\' => {
                characters.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => found += usize::from(c == '.' && before == '.'),
        }
        before = c;
    }
    found
}

/// A body, parsed as JSON when the first demand asks for it and not again.
pub(crate) struct Document<'a> {
    evidence: &'a Evidence,
    parsed: Option<Result<Value, String>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(evidence: &'a Evidence) -> Self {
        Self {
            evidence,
            parsed: None,
        }
    }

    pub(crate) fn evaluate(
        &mut self,
        path: &Path,
        tests: &[JsonTest],
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        let (source, compiled) = match path.fill(values) {
            Ok(filled) => filled,
            Err(why) => return findings.push(Finding::errored("json path", why)),
        };
        if descents(&source) > 1 && self.evidence.body.len() > WILD_BODY_LIMIT {
            let limit = text::bytes(WILD_BODY_LIMIT);
            let why = format!("a path with several \"..\" is not searched in a body above {limit}");
            return findings.push(Finding::errored(source, why));
        }
        let body = &self.evidence.body;
        let document = self.parsed.get_or_insert_with(|| {
            serde_json::from_slice(body)
                .map_err(|error| format!("a body that is not JSON ({error})"))
        });
        let selected = match document {
            Ok(value) => compiled.query(value).all(),
            Err(why) => {
                let got = Got::Words(why.clone());
                return findings.push(Finding::new(format!("{source} in a JSON body"), got, false));
            }
        };
        let sensitive = redact::is_secret_path(&source);
        findings.extend(tests.iter().map(|test| Finding {
            sensitive,
            ..test.evaluate(&source, &selected, values)
        }));
    }
}

impl JsonTest {
    fn evaluate(&self, path: &str, selected: &[&Value], values: &Values) -> Finding {
        if let Self::Exists(wanted) = self {
            let expected = if *wanted {
                format!("{path} to be there")
            } else {
                format!("no {path}")
            };
            return Finding::new(expected, told(selected), selected.is_empty() != *wanted);
        }
        match self.demand(values) {
            Err(why) => Finding::errored(path, why),
            Ok(Demand {
                relation,
                wanted,
                holds,
            }) => {
                let met = !selected.is_empty() && selected.iter().all(|value| holds(value));
                let finding = Finding::new(format!("{path} {relation}"), self.got(selected), met);
                Finding { wanted, ..finding }
            }
        }
    }

    fn demand(&self, values: &Values) -> Result<Demand, String> {
        let render = |shape: &Shape| shape.render(values).map_err(|missing| missing.to_string());
        Ok(match self {
            Self::Exists(_) => unreachable!("told apart by the caller"),
            Self::Equals(shape) => Demand::on("equal to", render(shape)?, |value, wanted| {
                same(value, wanted)
            }),
            Self::NotEquals(shape) => Demand::on("other than", render(shape)?, |value, wanted| {
                !same(value, wanted)
            }),
            Self::Contains(shape) => Demand::on("containing", render(shape)?, contains),
            Self::GreaterThan(shape) => Demand::on(">", number(render(shape)?)?, |value, limit| {
                order(value, limit).is_some_and(Ordering::is_gt)
            }),
            Self::LessThan(shape) => Demand::on("<", number(render(shape)?)?, |value, limit| {
                order(value, limit).is_some_and(Ordering::is_lt)
            }),
            Self::Matches(pattern) => {
                let (source, regex) = pattern.fill(values)?;
                Demand {
                    relation: "matching".to_owned(),
                    wanted: Some(format!("/{source}/")),
                    holds: Box::new(move |v| v.as_str().is_some_and(|text| regex.is_match(text))),
                }
            }
            Self::Length(wanted) => {
                let wanted = *wanted;
                Demand::in_words(format!("of length {}", wanted.told()), move |value| {
                    length(value).is_some_and(|length| wanted.holds(length))
                })
            }
            Self::Type(kind) => {
                let kind = *kind;
                Demand::in_words(format!("of type {}", kind.name()), move |v| kind.holds(v))
            }
        })
    }

    fn got(&self, selected: &[&Value]) -> Got {
        match (self, selected) {
            (Self::Length(_), [one]) => {
                length(one).map_or_else(|| told(selected), |length| Got::Words(length.to_string()))
            }
            _ => told(selected),
        }
    }
}

/// A demand in words, the value it compares with, and whether a value meets it.
struct Demand {
    relation: String,
    wanted: Option<String>,
    holds: Holds,
}

impl Demand {
    fn on(relation: &str, wanted: Value, holds: impl Fn(&Value, &Value) -> bool + 'static) -> Self {
        Self {
            relation: relation.to_owned(),
            wanted: Some(short(&wanted)),
            holds: Box::new(move |value| holds(value, &wanted)),
        }
    }

    fn in_words(relation: String, holds: impl Fn(&Value) -> bool + 'static) -> Self {
        Self {
            relation,
            wanted: None,
            holds: Box::new(holds),
        }
    }
}

type Holds = Box<dyn Fn(&Value) -> bool>;

impl Comparison {
    fn holds(self, length: u64) -> bool {
        match self.operator {
            Operator::Equal => length == self.number,
            Operator::Less => length < self.number,
            Operator::AtMost => length <= self.number,
            Operator::Greater => length > self.number,
            Operator::AtLeast => length >= self.number,
        }
    }

    fn told(self) -> String {
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
fn number(value: Value) -> Result<Value, String> {
    let parsed = match &value {
        Value::String(text) => text
            .trim()
            .parse::<serde_json::Number>()
            .ok()
            .map(Value::Number),
        Value::Number(_) => return Ok(value),
        _ => None,
    };
    parsed.ok_or_else(|| format!("{} is not a number", short(&value)))
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left
            .as_f64()
            .partial_cmp(&right.as_f64())
            .filter(|_| left.is_number()),
    }
}

/// Elements of an array, keys of an object, characters of a string.
fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        Value::String(text) => text.chars().count(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

/// Equality of JSON values in which 7 and 7.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            let inexact = a.is_f64() || b.is_f64();
            a == b
                || (inexact
                    && a.as_f64()
                        .partial_cmp(&b.as_f64())
                        .is_some_and(Ordering::is_eq))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}

/// A part of a string, an element of an array, a key of an object.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), _) => items.iter().any(|item| same(item, wanted)),
        (Value::Object(entries), Value::String(key)) => entries.contains_key(key),
        _ => false,
    }
}

/// How many selected values are spelled out.
const TOLD_VALUES: usize = 5;

fn told(selected: &[&Value]) -> Got {
    if selected.is_empty() {
        return Got::Words("nothing there".to_owned());
    }
    let mut words: Vec<String> = selected
        .iter()
        .take(TOLD_VALUES)
        .map(|v| short(v))
        .collect();
    if selected.len() > TOLD_VALUES {
        words.push(format!("{} more", selected.len() - TOLD_VALUES));
    }
    Got::Value(words.join(", "))
}

/// A value as JSON, without building the text of a huge one.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text::quote(text),
        Value::Array(items) if items.len() > 100 => format!("an array of {} values", items.len()),
        Value::Object(entries) if entries.len() > 100 => {
            format!("an object of {} keys", entries.len())
        }
        other => text::head(&other.to_string(), text::RAW_KEEP).to_owned(),
    }
}
