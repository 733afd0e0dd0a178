//! The AWS JSON protocols: reading a call's input, and values as the services write them.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::AwsError;

/// Reads a call's input; unknown fields are ignored, as AWS does.
pub fn read<T: DeserializeOwned>(input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input)
        .map_err(|error| AwsError::client("SerializationException", error.to_string()))
}

/// An instant as the JSON protocols have it: seconds since 1970, with milliseconds.
pub fn epoch(at: Timestamp) -> Value {
    let milliseconds = at.as_duration().as_secs_f64() * 1000.0;
    Value::from(milliseconds.round() / 1000.0)
}

/// Leaves out what is null: AWS never writes it.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_are_left_out_at_every_depth() {
        let value = json!({ "a": null, "b": [{ "c": null, "d": 1 }], "e": { "f": null } });
        assert_eq!(without_nulls(value), json!({ "b": [{ "d": 1 }], "e": {} }));
    }

    #[test]
    fn instants_are_seconds_with_milliseconds() {
        let at: Timestamp = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        assert_eq!(epoch(at), json!(1_767_323_045.679));
    }
}
