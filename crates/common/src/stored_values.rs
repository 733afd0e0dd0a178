//! Texts that AWS keeps by name: parameters of Systems Manager, secrets of Secrets Manager. A value goes to whoever
//! asked, and into no log and no error.

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::json_api::{self, CallError, SECRETS_MANAGER, SSM};

/// The value of a parameter, decrypted where it is encrypted.
pub async fn parameter(aws: &Aws, name: &str) -> Result<Option<String>, CallError> {
    let input = json!({"Name": name, "WithDecryption": true});
    let answer = json_api::call(aws, SSM, "GetParameter", input).await?;
    Ok(text(&answer["Parameter"]["Value"]))
}

/// A version of a secret, by its staging label, without one the current; none if it is binary.
pub async fn secret(
    aws: &Aws,
    id: &str,
    version_stage: Option<&str>,
) -> Result<Option<String>, CallError> {
    let mut input = json!({"SecretId": id});
    if let Some(stage) = version_stage {
        input["VersionStage"] = json!(stage);
    }
    let answer = json_api::call(aws, SECRETS_MANAGER, "GetSecretValue", input).await?;
    Ok(text(&answer["SecretString"]))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
