//! Conditions on a JSON value that no value can meet together: found when the suite is loaded. Only what
//! is certain is one; where a run decides, conditions may hold.

use std::cmp::Ordering;

use exact_json::{Budget, Number, Value};

use super::json_condition::{JsonCondition, JsonType};
use super::json_demand::{document, number};
use crate::json_template::JsonTemplate;
use crate::template::Values;

/// Two conditions that no value can meet both, if there are such.
pub(crate) fn contradiction(tests: &[JsonCondition]) -> Option<(&JsonCondition, &JsonCondition)> {
    let pairs = tests
        .iter()
        .enumerate()
        .flat_map(|(index, one)| tests[index + 1..].iter().map(move |other| (one, other)));
    pairs.into_iter().find(|(one, other)| {
        Types::of(one).0 & Types::of(other).0 == 0
            || contradict(one, other)
            || contradict(other, one)
    })
}

/// Whether what meets `one` can't meet `other`.
fn contradict(one: &JsonCondition, other: &JsonCondition) -> bool {
    match (one, other) {
        (JsonCondition::Exists(false), JsonCondition::Count(count)) => !count.demands_none(),
        (JsonCondition::Exists(false), _) => true,
        (JsonCondition::Count(count), other) if count.demands_none() => {
            !matches!(other, JsonCondition::Exists(false))
        }
        (JsonCondition::Equals(template), other) => fixed(template)
            .map(|value| document(&value))
            .is_some_and(|expected| other.holds_for(expected.root()) == Some(false)),
        // Where a string may have the part, an array may have another string with it; not so of the same value.
        (JsonCondition::Contains(part), JsonCondition::NotContains(other)) => {
            let same = |part: Value, other: Value| {
                let (part, other) = (document(&part), document(&other));
                exact_json::same(part.root(), other.root(), &mut Budget::default()) == Ok(true)
            };
            fixed(part)
                .zip(fixed(other))
                .is_some_and(|(part, other)| same(part, other))
        }
        (JsonCondition::Matches(one), JsonCondition::NotMatches(other)) => {
            one.template() == other.template()
        }
        _ => match (Bound::below(one), Bound::above(other)) {
            (Some(low), Some(high)) => low.is_beyond(&high),
            _ => false,
        },
    }
}

fn fixed(template: &JsonTemplate) -> Option<Value> {
    template.render(&Values::default()).ok()
}

/// A limit for numbers, as far as it is known before a run.
struct Bound {
    limit: Number,
    inclusive: bool,
}

impl Bound {
    fn below(condition: &JsonCondition) -> Option<Self> {
        match condition {
            JsonCondition::GreaterThan(limit) => Self::of(limit, false),
            JsonCondition::AtLeast(limit) => Self::of(limit, true),
            _ => None,
        }
    }

    fn above(condition: &JsonCondition) -> Option<Self> {
        match condition {
            JsonCondition::LessThan(limit) => Self::of(limit, false),
            JsonCondition::AtMost(limit) => Self::of(limit, true),
            _ => None,
        }
    }

    fn of(limit: &JsonTemplate, inclusive: bool) -> Option<Self> {
        match number(fixed(limit)?) {
            Ok(Value::Number(limit)) => Some(Self { limit, inclusive }),
            _ => None,
        }
    }

    /// Whether no number is both above this and below the other.
    fn is_beyond(&self, high: &Self) -> bool {
        match self.limit.partial_cmp(&high.limit) {
            Some(Ordering::Equal) => !(self.inclusive && high.inclusive),
            order => order == Some(Ordering::Greater),
        }
    }
}

/// The types that a value may have for a demand to hold.
#[derive(Clone, Copy)]
struct Types(u8);

impl Types {
    const STRING: u8 = 1;
    const NUMBER: u8 = 1 << 1;
    const BOOLEAN: u8 = 1 << 2;
    const ARRAY: u8 = 1 << 3;
    const OBJECT: u8 = 1 << 4;
    const NULL: u8 = 1 << 5;
    const ANY: u8 = u8::MAX;
    const WITH_LENGTH: u8 = Self::STRING | Self::ARRAY | Self::OBJECT;

    fn of(test: &JsonCondition) -> Self {
        Self(match test {
            JsonCondition::Matches(_) | JsonCondition::NotMatches(_) => Self::STRING,
            JsonCondition::Length(_) => Self::WITH_LENGTH,
            JsonCondition::GreaterThan(_)
            | JsonCondition::LessThan(_)
            | JsonCondition::AtLeast(_)
            | JsonCondition::AtMost(_) => Self::NUMBER,
            JsonCondition::Contains(template) | JsonCondition::NotContains(template) => {
                match Self::of_json(template).0 {
                    types if types & Self::STRING == 0 => Self::ARRAY,
                    _ => Self::WITH_LENGTH,
                }
            }
            JsonCondition::Equals(template) => Self::of_json(template).0,
            JsonCondition::NotEquals(_) | JsonCondition::Exists(_) | JsonCondition::Count(_) => {
                Self::ANY
            }
            JsonCondition::Type(kinds) => kinds
                .iter()
                .fold(0, |types, kind| types | Self::of_type(*kind)),
        })
    }

    fn of_type(kind: JsonType) -> u8 {
        match kind {
            JsonType::String => Self::STRING,
            JsonType::Number | JsonType::Integer => Self::NUMBER,
            JsonType::Boolean => Self::BOOLEAN,
            JsonType::Array => Self::ARRAY,
            JsonType::Object => Self::OBJECT,
            JsonType::Null => Self::NULL,
        }
    }

    fn of_json(template: &JsonTemplate) -> Self {
        Self(match template {
            JsonTemplate::Fixed(Value::Null) => Self::NULL,
            JsonTemplate::Fixed(Value::Bool(_)) => Self::BOOLEAN,
            JsonTemplate::Fixed(Value::Number(_)) => Self::NUMBER,
            JsonTemplate::Fixed(Value::String(_)) => Self::STRING,
            JsonTemplate::Fixed(Value::Array(_)) | JsonTemplate::List(_) => Self::ARRAY,
            JsonTemplate::Fixed(Value::Object(_)) | JsonTemplate::Map(_) => Self::OBJECT,
            // One reference and nothing else may be of any type.
            JsonTemplate::Text(_) => Self::ANY,
        })
    }
}
