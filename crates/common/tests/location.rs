//! Files as AWS hands them out: within their limit, whatever is said of their length, and with the remedy that fits
//! where they can't be had.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_types::SdkConfig;
use common::aws::{Aws, Identity};
use common::location::{self, FileError, FileKind, Location, Object, ObjectError};

const KIND: FileKind = FileKind {
    noun: "file",
    setting: "CONFIG",
};

/// AWS that gives one answer; its length is said only where `length` says one.
fn aws(status: u16, body: &str, length: Option<usize>) -> Aws {
    let mut response = http::Response::builder().status(status);
    if let Some(length) = length {
        response = response.header("content-length", length);
    }
    let response = response.body(SdkBody::from(body)).unwrap();
    let event = ReplayEvent::new(http::Request::new(SdkBody::empty()), response);
    let keys = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(StaticReplayClient::new(vec![event]))
        .build();
    Aws::from_config(config)
}

#[tokio::test]
async fn an_object_is_read_up_to_its_limit_whatever_is_said_of_its_length() {
    let read = async |body: &str, length| {
        let object = Object::new("b", "k");
        object.read(&aws(200, body, length), 10).await
    };
    assert_eq!(read("0123456789", None).await.unwrap(), b"0123456789");
    assert_eq!(read("", Some(0)).await.unwrap(), b"");
    for (body, length) in [
        ("0123456789a", None),
        ("0123456789a", Some(11)),
        ("", Some(1 << 40)),
    ] {
        let refused = read(body, length).await;
        assert_eq!(refused, Err(ObjectError::TooLarge(10)), "{body} {length:?}");
    }
}

#[test]
fn a_file_is_read_up_to_its_limit_even_if_it_has_no_end() {
    let read = |path: &str, limit| location::file(path.as_ref(), limit);
    assert!(matches!(
        read("/dev/zero", 1024),
        Err(FileError::TooLarge(1024))
    ));
    assert!(matches!(
        read("/nowhere/at/all", 1024),
        Err(FileError::Io(_))
    ));
    assert_eq!(read("/dev/null", 0).unwrap(), b"");
}

#[tokio::test]
async fn the_remedy_fits_the_cause_and_whoever_asks() {
    let message = async |place: &str, (status, body): (u16, &str), identity| {
        let place = Location::parse(place, "/").unwrap();
        let aws = aws(status, body, None).called_by(identity);
        place.read(&aws, KIND).await.unwrap_err().to_string()
    };
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
    let json = |code: &str| format!(r#"{{"__type":"{code}","message":"m"}}"#);
    let denied = message("s3://b/k", (403, &xml("AccessDenied")), Identity::Function).await;
    assert!(
        denied.contains("the function's role needs s3:GetObject"),
        "{denied}"
    );
    let denied = message("s3://b/k", (403, &xml("AccessDenied")), Identity::Person).await;
    assert!(
        denied.contains("your AWS identity needs s3:GetObject"),
        "{denied}"
    );
    let expired = message(
        "ssm:/x",
        (400, &json("ExpiredTokenException")),
        Identity::Person,
    )
    .await;
    assert!(
        expired.contains("sign in again") && !expired.contains("needs"),
        "{expired}"
    );
    for code in ["NoSuchKey", "NoSuchBucket"] {
        let absent = message("s3://b/k", (404, &xml(code)), Identity::Function).await;
        assert!(
            absent.ends_with("upload the file to this key, or change CONFIG"),
            "{absent}"
        );
    }
}
