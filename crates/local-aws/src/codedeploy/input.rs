//! Reading the input of a call: absent, null and wrongly typed members, and names.
//!
//! Each error is the one the service model lists for the member.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::AwsError;

/// Longest name of an application, a group or a configuration.
const MAX_NAME_LENGTH: usize = 100;

/// The errors of a name that is missing and of one that is not allowed.
#[derive(Clone, Copy)]
pub(super) struct NameErrors {
    pub(super) what: &'static str,
    pub(super) missing: &'static str,
    pub(super) invalid: &'static str,
}

pub(super) const APPLICATION: NameErrors = NameErrors {
    what: "application name",
    missing: "ApplicationNameRequiredException",
    invalid: "InvalidApplicationNameException",
};
pub(super) const GROUP: NameErrors = NameErrors {
    what: "deployment group name",
    missing: "DeploymentGroupNameRequiredException",
    invalid: "InvalidDeploymentGroupNameException",
};
pub(super) const CONFIG: NameErrors = NameErrors {
    what: "deployment configuration name",
    missing: "DeploymentConfigNameRequiredException",
    invalid: "InvalidDeploymentConfigNameException",
};

/// A member, if it is there and not null.
pub(super) fn member<'a>(input: &'a Value, name: &str) -> Option<&'a Value> {
    input.get(name).filter(|value| !value.is_null())
}

/// A string member, if it is there.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, AwsError> {
    match member(input, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(name)),
    }
}

/// A list of strings, empty if it is not there.
pub(super) fn texts(input: &Value, name: &str) -> Result<Vec<String>, AwsError> {
    Ok(read(input, name)?.unwrap_or_default())
}

/// A boolean member, if it is there.
pub(super) fn flag(input: &Value, name: &str) -> Result<Option<bool>, AwsError> {
    read(input, name)
}

/// A member of any shape, if it is there.
pub(super) fn read<T: DeserializeOwned>(input: &Value, name: &str) -> Result<Option<T>, AwsError> {
    member(input, name)
        .map(|value| T::deserialize(value).map_err(|_| wrong_type(name)))
        .transpose()
}

/// A name that has to be there.
pub(super) fn name<'a>(
    input: &'a Value,
    field: &str,
    errors: NameErrors,
) -> Result<&'a str, AwsError> {
    optional_name(input, field, errors)?.ok_or_else(|| {
        let article = if errors.what.starts_with('a') {
            "An"
        } else {
            "A"
        };
        AwsError::client(
            errors.missing,
            format!("{article} {} must be specified", errors.what),
        )
    })
}

/// A name that may be missing. An empty one is missing.
pub(super) fn optional_name<'a>(
    input: &'a Value,
    field: &str,
    errors: NameErrors,
) -> Result<Option<&'a str>, AwsError> {
    let Some(name) = text(input, field)?.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+=,@- ".contains(c);
    if name.chars().count() > MAX_NAME_LENGTH || !name.chars().all(allowed) {
        return Err(AwsError::client(
            errors.invalid,
            format!(
                "The {} {name:?} is not valid: {MAX_NAME_LENGTH} characters at most, of letters, digits \
                 and . _ + = , @ -",
                errors.what
            ),
        ));
    }
    Ok(Some(name))
}

/// Every list here fits one page, so no token was ever handed out.
pub(super) fn no_token(input: &Value) -> Result<(), AwsError> {
    match text(input, "nextToken")? {
        None => Ok(()),
        Some(_) => Err(AwsError::client(
            "InvalidNextTokenException",
            "The next token is not one that was handed out; all lists here are one page",
        )),
    }
}

fn wrong_type(name: &str) -> AwsError {
    AwsError::client(
        "SerializationException",
        format!("The member {name} has the wrong type"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_is_missing_or_wrong_has_the_errors_of_the_model() {
        let code = |input: Value| {
            let read = name(&input, "applicationName", APPLICATION);
            read.map(str::to_owned).map_err(|error| error.code)
        };
        assert_eq!(
            code(json!({})),
            Err("ApplicationNameRequiredException".to_owned())
        );
        assert_eq!(
            code(json!({ "applicationName": null })),
            Err("ApplicationNameRequiredException".to_owned())
        );
        assert_eq!(
            code(json!({ "applicationName": "a".repeat(101) })),
            Err("InvalidApplicationNameException".to_owned())
        );
        assert_eq!(
            code(json!({ "applicationName": "a/b" })),
            Err("InvalidApplicationNameException".to_owned())
        );
        assert_eq!(
            code(json!({ "applicationName": 5 })),
            Err("SerializationException".to_owned())
        );
        assert_eq!(
            name(
                &json!({ "applicationName": "shop" }),
                "applicationName",
                APPLICATION
            )
            .unwrap(),
            "shop"
        );
    }

    #[test]
    fn a_token_nobody_handed_out_is_refused() {
        assert!(no_token(&json!({})).is_ok());
        assert_eq!(
            no_token(&json!({ "nextToken": "x" })).unwrap_err().code,
            "InvalidNextTokenException"
        );
    }
}
