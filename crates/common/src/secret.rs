//! The values behind secret references, read from where they are kept.
//!
//! A value goes to whoever asked and nowhere else: not into a log, not into an error. An empty one is
//! refused: it would sign, and verify, for everybody.

pub use strict_yaml::SecretRef;

use crate::aws::Aws;
use crate::failure::{Failure, Hints};
use crate::settings;

/// Reads one secret. The error is one sentence with its remedy, and never holds the value.
pub async fn read(aws: &Aws, reference: &SecretRef) -> Result<String, String> {
    let value = value(aws, reference).await?;
    if value.trim().is_empty() {
        return Err(format!("{reference} is empty; store a value there"));
    }
    Ok(value)
}

async fn value(aws: &Aws, reference: &SecretRef) -> Result<String, String> {
    match reference {
        // Whoever writes a suite or a route must not get at the function's own credentials.
        SecretRef::Env(name) if reserved(name) => Err(format!(
            "the environment variable {name} belongs to Lambda and is never handed out"
        )),
        SecretRef::Env(name) => settings::environment(name)
            .ok_or_else(|| format!("the function has no environment variable {name}")),
        SecretRef::Ssm(path) => parameter(aws, path).await,
        SecretRef::SecretsManager { id, json_key } => {
            let text = secret_text(aws, id).await?;
            match json_key {
                Some(key) => member(&text, key).ok_or_else(|| {
                    format!("the secret {id} is no JSON object with a text {key:?}")
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

async fn parameter(aws: &Aws, path: &str) -> Result<String, String> {
    let call = aws.ssm().get_parameter().name(path).with_decryption(true);
    let answer = call.send().await.map_err(|error| {
        let hints = Hints {
            permission: &format!("ssm:GetParameter on {path}"),
            absent: "make the parameter, or correct its name",
        };
        Failure::of(&error).sentence(aws.identity(), hints)
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value.ok_or_else(|| format!("the parameter {path} has no value"))
}

async fn secret_text(aws: &Aws, id: &str) -> Result<String, String> {
    let call = aws.secretsmanager().get_secret_value().secret_id(id);
    let answer = call.send().await.map_err(|error| {
        let hints = Hints {
            permission: &format!("secretsmanager:GetSecretValue on {id}"),
            absent: "make the secret and give it a value, or correct its name",
        };
        Failure::of(&error).sentence(aws.identity(), hints)
    })?;
    answer
        .secret_string
        .ok_or_else(|| format!("the secret {id} is binary; store it as text"))
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
