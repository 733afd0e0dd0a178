//! The configuration as AWS hands it out, and as it refuses it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use approvals::config::{Config, ConfigError, load};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_types::SdkConfig;
use common::aws::Aws;
use common::location::Location;

const GOOD: &str = include_str!("../../../examples/approvals.yaml");

/// AWS that gives one answer.
fn aws(status: u16, body: &str) -> Aws {
    let response = http::Response::builder()
        .status(status)
        .header("content-length", body.len())
        .body(SdkBody::from(body));
    let event = ReplayEvent::new(http::Request::new(SdkBody::empty()), response.unwrap());
    let keys = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(StaticReplayClient::new(vec![event]))
        .build();
    Aws::from_config(config)
}

async fn read(place: &str, status: u16, body: &str) -> Result<Config, ConfigError> {
    let place = Location::parse(place, "/var/task").unwrap();
    load(&aws(status, body), &place).await
}

async fn told(place: &str, status: u16, body: &str) -> String {
    read(place, status, body).await.unwrap_err().to_string()
}

#[test]
fn a_place_has_one_of_three_forms() {
    let told = |text| Location::parse(text, "/var/task").map(|place| place.to_string());
    for text in ["s3://bucket/a/b.yaml", "ssm:/deploy-hooks/approvals"] {
        assert_eq!(told(text).as_deref(), Ok(text));
    }
    assert_eq!(told("file:a.yaml").as_deref(), Ok("/var/task/a.yaml"));
    assert_eq!(told("file:/opt/a.yaml").as_deref(), Ok("/opt/a.yaml"));
    for text in [
        "",
        "approvals.yaml",
        "s3://bucket",
        "s3://bucket/",
        "s3:///key",
        "s3://bucket/folder/",
        "ssm:",
        "ssm:a b",
        "file:",
        "https://bucket/key",
    ] {
        assert!(told(text).is_err(), "{text:?} was accepted");
    }
}

#[tokio::test]
async fn it_is_read_from_each_place() {
    assert_eq!(read("s3://b/k", 200, GOOD).await.unwrap().routes.len(), 3);
    let parameter = serde_json::json!({ "Parameter": { "Name": "/x", "Value": GOOD } });
    let config = read("ssm:/x", 200, &parameter.to_string()).await.unwrap();
    assert_eq!(config.routes.len(), 3);
    let file = concat!(
        "file:",
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/approvals.yaml"
    );
    assert_eq!(read(file, 500, "").await.unwrap().routes.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_read_says_where_and_what_to_do() {
    let missing = "<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>";
    let why = told("s3://b/k", 404, missing).await;
    assert!(
        why.starts_with("the configuration s3://b/k could not be read: "),
        "{why}"
    );
    assert!(
        why.ends_with("upload the configuration to this key, or change APPROVALS_CONFIG"),
        "{why}"
    );
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    assert!(
        told("s3://b/k", 403, denied)
            .await
            .contains("needs s3:GetObject on it")
    );
    let missing = r#"{"__type":"ParameterNotFound","message":"none"}"#;
    assert!(
        told("ssm:/x", 400, missing)
            .await
            .ends_with("make the parameter, or change APPROVALS_CONFIG")
    );
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    assert!(
        told("ssm:/x", 400, denied)
            .await
            .ends_with("needs ssm:GetParameter on /x")
    );
    let why = told("file:/nowhere/a.yaml", 500, "").await;
    assert!(
        why.ends_with("or point APPROVALS_CONFIG elsewhere"),
        "{why}"
    );
}

#[tokio::test]
async fn what_is_too_large_or_wrong_is_refused() {
    let large = format!("#{}", "x".repeat(1024 * 1024));
    let why = told("s3://b/k", 200, &large).await;
    assert_eq!(
        why,
        "the configuration s3://b/k could not be read: it is larger than 1 MiB"
    );
    let path = std::env::temp_dir().join(format!("approvals-{}.yaml", std::process::id()));
    std::fs::write(&path, &large).unwrap();
    let place = format!("file:{}", path.display());
    assert!(
        told(&place, 500, "")
            .await
            .ends_with("it is larger than 1 MiB")
    );
    std::fs::write(&path, b"version: \xff").unwrap();
    assert!(told(&place, 500, "").await.contains("it is not UTF-8"));
    std::fs::remove_file(&path).unwrap();
    // Each problem names the place.
    let why = told("s3://b/k", 200, "version: 2\nroutes: []\n").await;
    assert_eq!(
        why,
        "s3://b/k:1:1: the configuration has no \"channels\"; add `channels:`\n\
         s3://b/k:1:10: unknown version; this is version 1: write `version: 1`\n\
         s3://b/k:2:9: there are no routes; write at least one route, or nobody is notified of an approval"
    );
}
