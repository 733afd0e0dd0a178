//! Conditions on a JSON value that no value can meet together: found when the suite is loaded. Only what
//! is certain is one; where a run decides, conditions may hold.

use std::cmp::Ordering;

use exact_json::Value;

use super::Shape;
use super::json_test::{JsonTest, JsonType, document, number};
use crate::template::Values;

/// Two conditions that no value can meet both, if there are such.
pub(crate) fn contradiction(tests: &[JsonTest]) -> Option<(&JsonTest, &JsonTest)> {
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
fn contradict(one: &JsonTest, other: &JsonTest) -> bool {
    let fixed = |shape: &Shape| shape.render(&Values::default()).ok();
    match (one, other) {
        (JsonTest::Exists(false), _) => true,
        (JsonTest::Equals(shape), other) => fixed(shape)
            .map(|value| document(&value))
            .is_some_and(|wanted| other.holds_for(wanted.root()) == Some(false)),
        (JsonTest::GreaterThan(low), JsonTest::LessThan(high)) => {
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

    fn of(test: &JsonTest) -> Self {
        Self(match test {
            JsonTest::Matches(_) => Self::STRING,
            JsonTest::Length(_) => Self::WITH_LENGTH,
            JsonTest::GreaterThan(_) | JsonTest::LessThan(_) => Self::NUMBER,
            JsonTest::Contains(shape) => match Self::of_shape(shape).0 {
                types if types & Self::STRING == 0 => Self::ARRAY,
                _ => Self::WITH_LENGTH,
            },
            JsonTest::Equals(shape) => Self::of_shape(shape).0,
            JsonTest::NotEquals(_) | JsonTest::Exists(_) => Self::ANY,
            JsonTest::Type(kind) => match kind {
                JsonType::String => Self::STRING,
                JsonType::Number | JsonType::Integer => Self::NUMBER,
                JsonType::Boolean => Self::BOOLEAN,
                JsonType::Array => Self::ARRAY,
                JsonType::Object => Self::OBJECT,
                JsonType::Null => Self::NULL,
            },
        })
    }

    fn of_shape(shape: &Shape) -> Self {
        Self(match shape {
            Shape::Fixed(Value::Null) => Self::NULL,
            Shape::Fixed(Value::Bool(_)) => Self::BOOLEAN,
            Shape::Fixed(Value::Number(_)) => Self::NUMBER,
            Shape::Fixed(Value::String(_)) => Self::STRING,
            Shape::Fixed(Value::Array(_)) | Shape::List(_) => Self::ARRAY,
            Shape::Fixed(Value::Object(_)) | Shape::Map(_) => Self::OBJECT,
            // One reference and nothing else may be of any type.
            Shape::Text(_) => Self::ANY,
        })
    }
}
