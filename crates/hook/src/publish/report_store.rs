//! Stores the report in the bucket, and links to it.

use aws_sdk_s3::primitives::ByteStream;
use common::aws::Aws;
use common::console;
use common::failure::{Failure, Hints};

use super::GateResult;
use crate::answer::Delivery;
use crate::settings::Settings;

/// Puts the report into the bucket, as JSON and as HTML; returns the HTML's `s3://` address.
pub(super) async fn store(
    aws: &Aws,
    settings: &Settings,
    result: &GateResult,
) -> Result<String, String> {
    let stem = key_stem(&settings.report_prefix, result);
    let bucket = &settings.report_bucket;
    let report = &result.outcome.report;
    let put = async |extension: &str, kind: &str, text: String| {
        let key = format!("{stem}.{extension}");
        aws.s3()
            .put_object()
            .bucket(bucket)
            .key(&key)
            .content_type(kind)
            .body(ByteStream::from(text.into_bytes()))
            .send()
            .await
            .map(|_| format!("s3://{bucket}/{key}"))
            .map_err(|error| {
                let hints = Hints {
                    permission: "s3:PutObject on it",
                    absent: "make the bucket, or change REPORT_BUCKET",
                };
                let why = Failure::of(&error).sentence(aws.identity(), hints);
                format!("the report s3://{bucket}/{key} could not be stored: {why}")
            })
    };
    let (json, html) = tokio::join!(
        put("json", "application/json", gate::report::json(report)),
        put(
            "html",
            "text/html; charset=utf-8",
            gate::report::html(report)
        ),
    );
    json.and(html)
}

/// Pure: `prefix/application/deployment/lifecycle-event-stage`, without the extension.
fn key_stem(prefix: &str, result: &GateResult) -> String {
    let safe = |text: &str| -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.chars()
            .map(|c| if kept(c) { c } else { '_' })
            .collect()
    };
    let application = safe(result.fact("application").unwrap_or("unknown-application"));
    let deployment = safe(result.fact("deployment_id").unwrap_or("unknown-deployment"));
    let stage = match result.fact("lifecycle_event") {
        Some(event) => format!("{}-{}", result.stage, safe(event)),
        None => result.stage.to_string(),
    };
    // What was measured for an event that was over already is kept, beside what counted.
    let unheard = if result.delivery == Delivery::AlreadyCompleted {
        "-unheard"
    } else {
        ""
    };
    let stem = format!("{application}/{deployment}/{stage}{unheard}");
    if prefix.is_empty() {
        stem
    } else {
        format!("{prefix}/{stem}")
    }
}

/// The console's link to an `s3://` address.
pub fn console_link(address: &str, region: &str) -> Option<String> {
    let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
    console::object(region, bucket, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::facts::Facts;
    use crate::publish::sample;

    #[test]
    fn report_keys_are_safe_and_tell_the_lifecycle_event() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        assert_eq!(
            key_stem("reports", &result),
            "reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic"
        );
        result.facts = Facts::from([("application".to_owned(), "../my shop".to_owned())]);
        assert_eq!(
            key_stem("", &result),
            ".._my_shop/unknown-deployment/pre-traffic"
        );
    }
}
