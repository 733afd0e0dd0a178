//! Conditions on a JSON value that no value can meet together: found when the suite is loaded. Only what
//! is certain is one; where a run decides, conditions may hold.

use std::cmp::Ordering;

use exact_json::Value;

use super::json_condition::{JsonCondition, JsonType, document, number};
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
    let fixed = |template: &JsonTemplate| template.render(&Values::default()).ok();
    match (one, other) {
        (JsonCondition::Exists(false), _) => true,
        (JsonCondition::Equals(template), other) => fixed(template)
            .map(|value| document(&value))
            .is_some_and(|wanted| other.holds_for(wanted.root()) == Some(false)),
        (JsonCondition::GreaterThan(low), JsonCondition::LessThan(high)) => {
            match (fixed(low).map(number), fixed(high).map(number)) {
                (Some(Ok(Value::Number(low))), Some(Ok(Value::Number(high)))) => {
                    low.partial_cmp(&high).is_some_and(Ordering::is_ge)
                }
                _ => false,
            }
        }
        _ => false,
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
            JsonCondition::Matches(_) => Self::STRING,
            JsonCondition::Length(_) => Self::WITH_LENGTH,
            JsonCondition::GreaterThan(_) | JsonCondition::LessThan(_) => Self::NUMBER,
            JsonCondition::Contains(template) => match Self::of_json(template).0 {
                types if types & Self::STRING == 0 => Self::ARRAY,
                _ => Self::WITH_LENGTH,
            },
            JsonCondition::Equals(template) => Self::of_json(template).0,
            JsonCondition::NotEquals(_) | JsonCondition::Exists(_) => Self::ANY,
            JsonCondition::Type(kind) => match kind {
                JsonType::String => Self::STRING,
                JsonType::Number | JsonType::Integer => Self::NUMBER,
                JsonType::Boolean => Self::BOOLEAN,
                JsonType::Array => Self::ARRAY,
                JsonType::Object => Self::OBJECT,
                JsonType::Null => Self::NULL,
            },
        })
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
