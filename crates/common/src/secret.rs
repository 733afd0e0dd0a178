//! The values behind secret references, read from where they are kept.
//!
//! A value goes to whoever asked and nowhere else: not into a log, not into an error. An empty one is
//! refused: it would sign, and verify, for everybody.

pub use strict_yaml::SecretRef;

use crate::aws::Aws;
use crate::failure::{Failure, Hints};
use crate::json_api::CallError;
use crate::{settings, stored_values};

/// Why a secret can't be had: one sentence with its remedy, and never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is a place for it, and nothing in it.
    #[error("{0} is empty; store a value there")]
    Empty(SecretRef),
    /// Whoever writes a suite or a route must not get at the function's own credentials.
    #[error("the environment variable {0} belongs to Lambda and is never handed out")]
    Reserved(String),
    /// The environment has no such variable.
    #[error("the function has no environment variable {0}")]
    Unset(String),
    /// The parameter exists, without a value.
    #[error("the parameter {0} has no value")]
    NoValue(String),
    /// The secret is no text.
    #[error("the secret {0} is binary; store it as text")]
    Binary(String),
    /// The secret has no such member.
    #[error("the secret {id} is no JSON object with a text {key:?}")]
    NoMember {
        /// The secret's id.
        id: String,
        /// The member that was asked for.
        key: String,
    },
    /// The call failed.
    #[error("{0}")]
    Call(String),
}

/// Reads one secret.
pub async fn read(aws: &Aws, reference: &SecretRef) -> Result<String, SecretError> {
    let value = value(aws, reference).await?;
    if value.trim().is_empty() {
        return Err(SecretError::Empty(reference.clone()));
    }
    Ok(value)
}

async fn value(aws: &Aws, reference: &SecretRef) -> Result<String, SecretError> {
    match reference {
        SecretRef::Env(name) if reserved(name) => Err(SecretError::Reserved(name.clone())),
        SecretRef::Env(name) => {
            settings::environment(name).ok_or_else(|| SecretError::Unset(name.clone()))
        }
        SecretRef::Ssm(path) => parameter(aws, path).await,
        SecretRef::SecretsManager { id, json_key } => {
            let text = secret_text(aws, id).await?;
            match json_key {
                Some(key) => member(&text, key).ok_or_else(|| SecretError::NoMember {
                    id: id.clone(),
                    key: key.clone(),
                }),
                None => Ok(text),
            }
        }
    }
}

/// Lambda's own variables, the credentials among them.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
fn reserved(name: &str) -> bool {
    ["AWS_", "LAMBDA_", "_"]
        .iter()
        .any(|prefix| name.to_ascii_uppercase().starts_with(prefix))
}

async fn parameter(aws: &Aws, path: &str) -> Result<String, SecretError> {
    let hints = Hints {
        permission: &format!("ssm:GetParameter on {path}"),
        absent: "make the parameter, or correct its name",
    };
    stored_values::parameter(aws, path)
        .await
        .map_err(|error| failed(aws, &error, hints))?
        .ok_or_else(|| SecretError::NoValue(path.to_owned()))
}

async fn secret_text(aws: &Aws, id: &str) -> Result<String, SecretError> {
    let hints = Hints {
        permission: &format!("secretsmanager:GetSecretValue on {id}"),
        absent: "make the secret and give it a value, or correct its name",
    };
    stored_values::secret(aws, id, None)
        .await
        .map_err(|error| failed(aws, &error, hints))?
        .ok_or_else(|| SecretError::Binary(id.to_owned()))
}

fn failed(aws: &Aws, error: &CallError, hints: Hints<'_>) -> SecretError {
    SecretError::Call(Failure::of(error).sentence(aws.identity(), hints))
}

/// A text member of a JSON object.
fn member(json: &str, key: &str) -> Option<String> {
    let object: serde_json::Value = serde_json::from_str(json).ok()?;
    object.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_json_secret_is_found() {
        assert_eq!(
            member(r#"{"password":"s3cret"}"#, "password").as_deref(),
            Some("s3cret")
        );
        assert_eq!(member(r#"{"password":7}"#, "password"), None);
        assert_eq!(member("s3cret", "password"), None);
    }
}
