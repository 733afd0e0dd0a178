//! The values behind a suite's secret references, read from where they are kept.
//!
//! A value goes into the gate and nowhere else: not into a log, not into an error.

use std::collections::BTreeMap;

use common::aws::{Aws, explain};
use futures::future::join_all;
use gate::SecretRef;

/// Reads all secrets, concurrently; all failures are told together, by the names of the secrets.
pub async fn resolve(
    aws: &Aws,
    secrets: &BTreeMap<String, SecretRef>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let reads = secrets.iter().map(async |(name, reference)| {
        (
            name.clone(),
            read(aws, reference).await.map_err(|why| {
                format!("the secret {name:?} of the suite could not be read: {why}")
            }),
        )
    });
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, result) in join_all(reads).await {
        match result {
            Ok(value) => {
                values.insert(name, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

async fn read(aws: &Aws, reference: &SecretRef) -> Result<String, String> {
    match reference {
        // Whoever writes a suite must not get at the function's own credentials.
        SecretRef::Env(name) if reserved(name) => Err(format!(
            "the environment variable {name} belongs to Lambda and is never handed to a suite"
        )),
        SecretRef::Env(name) => common::settings::environment(name)
            .ok_or_else(|| format!("the function has no environment variable {name}")),
        SecretRef::Ssm(path) => parameter(aws, path).await,
        SecretRef::SecretsManager { id, json_key } => {
            let text = secret(aws, id).await?;
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
        format!(
            "{}; the function's role needs ssm:GetParameter on {path}",
            explain(&error)
        )
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value.ok_or_else(|| format!("the parameter {path} has no value"))
}

async fn secret(aws: &Aws, id: &str) -> Result<String, String> {
    let call = aws.secretsmanager().get_secret_value().secret_id(id);
    let answer = call.send().await.map_err(|error| {
        format!(
            "{}; the function's role needs secretsmanager:GetSecretValue on {id}",
            explain(&error)
        )
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

    #[tokio::test]
    async fn all_secrets_that_are_missing_are_told_and_no_value_is() {
        let secrets = BTreeMap::from([
            (
                "a".to_owned(),
                SecretRef::Env("DEPLOY_HOOKS_TEST_ABSENT_A".into()),
            ),
            (
                "b".to_owned(),
                SecretRef::Env("DEPLOY_HOOKS_TEST_ABSENT_B".into()),
            ),
            (
                "role".to_owned(),
                SecretRef::Env("AWS_SESSION_TOKEN".into()),
            ),
            ("path".to_owned(), SecretRef::Env("PATH".into())),
        ]);
        let problems = resolve(&Aws::new(&|_| None), &secrets).await.unwrap_err();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        the secret "a" of the suite could not be read: the function has no environment variable DEPLOY_HOOKS_TEST_ABSENT_A
        the secret "b" of the suite could not be read: the function has no environment variable DEPLOY_HOOKS_TEST_ABSENT_B
        the secret "role" of the suite could not be read: the environment variable AWS_SESSION_TOKEN belongs to Lambda and is never handed to a suite
        "#);
    }
}
