//! Secrets as AWS hands them out, and as it refuses them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_types::SdkConfig;
use common::aws::Aws;
use common::secret::{SecretRef, read};

/// AWS that gives one answer, and the client that remembers the calls.
fn aws(status: u16, body: &str) -> (Aws, StaticReplayClient) {
    let response = http::Response::builder()
        .status(status)
        .body(SdkBody::from(body));
    let event = ReplayEvent::new(http::Request::new(SdkBody::empty()), response.unwrap());
    let client = StaticReplayClient::new(vec![event]);
    let keys = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(client.clone())
        .build();
    (Aws::from_config(config), client)
}

async fn outcome(reference: &str, status: u16, body: &str) -> Result<String, String> {
    let (aws, client) = aws(status, body);
    let answer = read(&aws, &SecretRef::parse(reference).unwrap()).await;
    assert_eq!(client.actual_requests().count(), 1);
    answer.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_secret_is_read_from_each_place() {
    let parameter = r#"{"Parameter":{"Name":"/x","Value":"from ssm"}}"#;
    assert_eq!(
        outcome("ssm:/x", 200, parameter).await.as_deref(),
        Ok("from ssm")
    );
    let secret = r#"{"SecretString":"{\"key\":\"inside\"}"}"#;
    assert_eq!(
        outcome("secretsmanager:id#key", 200, secret)
            .await
            .as_deref(),
        Ok("inside")
    );
    assert_eq!(
        outcome("secretsmanager:id", 200, secret).await.as_deref(),
        Ok("{\"key\":\"inside\"}")
    );
}

#[tokio::test]
async fn an_empty_secret_is_refused_wherever_it_is_kept() {
    let refused = |reference: &str| Err(format!("{reference} is empty; store a value there"));
    for value in ["", " ", "\\n"] {
        let parameter = format!(r#"{{"Parameter":{{"Name":"/x","Value":"{value}"}}}}"#);
        assert_eq!(outcome("ssm:/x", 200, &parameter).await, refused("ssm:/x"));
        let secret = format!(r#"{{"SecretString":"{value}"}}"#);
        assert_eq!(
            outcome("secretsmanager:id", 200, &secret).await,
            refused("secretsmanager:id")
        );
    }
    let key = r#"{"SecretString":"{\"key\":\"\"}"}"#;
    let reference = "secretsmanager:id#key";
    assert_eq!(outcome(reference, 200, key).await, refused(reference));
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_do_and_never_what_is_there() {
    let missing = r#"{"__type":"ParameterNotFound","message":"no such parameter"}"#;
    let why = outcome("ssm:/x", 400, missing).await.unwrap_err();
    assert!(
        why.contains("ParameterNotFound")
            && why.ends_with("make the parameter, or correct its name"),
        "{why}"
    );
    let denied = r#"{"__type":"AccessDeniedException","message":"not you"}"#;
    let why = outcome("ssm:/x", 400, denied).await.unwrap_err();
    assert!(
        why.ends_with("the function's role needs ssm:GetParameter on /x"),
        "{why}"
    );
    let key = r#"{"__type":"AccessDeniedException","message":"User: u is not authorized to perform: kms:Decrypt on resource: k"}"#;
    let why = outcome("secretsmanager:id", 400, key).await.unwrap_err();
    assert!(
        why.ends_with("the function's role needs kms:Decrypt"),
        "{why}"
    );
    let text = r#"{"SecretString":"hunter2"}"#;
    let why = outcome("secretsmanager:id#key", 200, text)
        .await
        .unwrap_err();
    assert_eq!(why, "the secret id is no JSON object with a text \"key\"");
    let binary = r#"{"SecretBinary":"aHVudGVyMg=="}"#;
    let why = outcome("secretsmanager:id", 200, binary).await.unwrap_err();
    assert_eq!(why, "the secret id is binary; store it as text");
}

#[tokio::test]
async fn the_functions_own_credentials_are_never_handed_out() {
    let (aws, client) = aws(500, "");
    for name in [
        "AWS_SESSION_TOKEN",
        "aws_secret_access_key",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
    ] {
        let why = read(&aws, &SecretRef::Env(name.to_owned()))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            why.ends_with("belongs to Lambda and is never handed out"),
            "{why}"
        );
    }
    assert_eq!(client.actual_requests().count(), 0);
}
