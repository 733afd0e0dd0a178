//! The values behind a suite's secret references.
//!
//! A value goes into the gate and nowhere else: not into a log, not into an error.

use std::collections::BTreeMap;

use common::aws::Aws;
use common::secret;
use futures::future::join_all;
use gate::SecretRef;

/// Reads all secrets concurrently. All failures are reported together, each with the name of its secret.
pub(crate) async fn resolve(
    aws: &Aws,
    secrets: &BTreeMap<String, SecretRef>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let reads = secrets.iter().map(async |(name, reference)| {
        (
            name.clone(),
            secret::read(aws, reference).await.map_err(|why| {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        the secret "role" of the suite could not be read: the environment variable AWS_SESSION_TOKEN belongs to Lambda and is never handed out
        "#);
    }
}
