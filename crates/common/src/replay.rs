//! Answers of AWS that a test writes.

use aws_sdk_sns::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::aws::Aws;

pub(crate) fn config(region: &'static str) -> aws_types::sdk_config::Builder {
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
}

/// Status, headers and body.
pub(crate) type Answer<'a> = (u16, &'a [(&'a str, &'a str)], &'a str);

pub(crate) fn client(answers: &[Answer<'_>]) -> StaticReplayClient {
    let events = answers.iter().map(|(status, headers, body)| {
        let request = http::Request::builder().body(SdkBody::empty());
        let mut response = http::Response::builder().status(*status);
        for (name, value) in *headers {
            response = response.header(*name, *value);
        }
        let response = response.body(SdkBody::from((*body).to_owned()));
        ReplayEvent::new(request.unwrap(), response.unwrap())
    });
    StaticReplayClient::new(events.collect())
}

/// Clients that meet these answers, each a status and a body.
pub(crate) fn replay(answers: &[(u16, &str)]) -> (Aws, StaticReplayClient) {
    let answers: Vec<Answer<'_>> = answers
        .iter()
        .map(|&(status, body)| (status, &[][..], body))
        .collect();
    let client = client(&answers);
    let config = config("eu-central-1").http_client(client.clone());
    (Aws::from_config(config.build()), client)
}
