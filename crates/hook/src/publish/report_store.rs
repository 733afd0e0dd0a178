//! Stores the report in the bucket, and links to it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use common::aws::Aws;
use common::console;
use common::failure::{Failure, Hints};
use common::location::Object;
use gate::Stage;

use super::{GateResult, MAX_REPORT_BYTES};
use crate::caller::Caller;
use crate::facts::Facts;
use crate::settings::Settings;

/// It is empty.
const MAX_MARKER_BYTES: usize = 64;

/// The type of the reports that people read.
pub(super) const HTML: &str = "text/html; charset=utf-8";
/// As many digits tell the hooks of one stage apart.
const SHORT_HASH_DIGITS: usize = 8;

/// Where the report of one decision is stored.
pub(super) struct ReportStore<'a> {
    aws: &'a Aws,
    bucket: &'a str,
    /// The key of what counts, without the extension.
    key: String,
    report: &'a gate::report::Report,
}

impl<'a> ReportStore<'a> {
    pub(super) fn new(aws: &'a Aws, settings: &'a Settings, result: &'a GateResult) -> Self {
        Self {
            aws,
            bucket: &settings.report_bucket,
            key: result.name().key_stem(&settings.report_prefix),
            report: &result.outcome.report,
        }
    }

    /// Whether another run has stored a report of the same event. This run stores its own to find out,
    /// on the condition that it is the first: that needs no permission to read, and of several runs
    /// at once only one is the first. A failure counts as no.
    async fn has_report(&self) -> bool {
        let call = self.json(&self.key).if_none_match("*");
        let Err(error) = call.send().await else {
            return false;
        };
        let response = error.raw_response();
        // 409: another run is storing one at this moment.
        let stored = response.is_some_and(|answer| matches!(answer.status().as_u16(), 409 | 412));
        if !stored {
            tracing::error!("{}", self.problem(&self.key, &error));
        }
        stored
    }

    /// What another run has left of the same event.
    pub(super) async fn earlier(&self) -> Earlier {
        if !self.has_report().await {
            return Earlier::None;
        }
        // Without the right to list, S3 says of what is absent that it is forbidden. Either way: told twice is better than never.
        let published = self.marker();
        let published = Object::new(self.bucket, &published);
        if published.read(self.aws, MAX_MARKER_BYTES).await.is_ok() {
            return Earlier::Published;
        }
        let key = format!("{}.json", self.key);
        let stored = Object::new(self.bucket, &key);
        let report = match stored.read(self.aws, MAX_REPORT_BYTES).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            Err(error) => Err(format!("{error:?}")),
        };
        match report {
            Ok(report) => Earlier::Unpublished(Box::new(report)),
            Err(why) => {
                tracing::error!("the report {key} of an earlier run could not be read: {why}");
                Earlier::Unreadable
            }
        }
    }

    /// Notes that people have been told of this event. A failure costs them a second message, if anything.
    pub(super) async fn mark_published(&self) {
        let put = self.object(&self.marker(), "text/plain", String::new());
        if let Err(error) = put.send().await {
            tracing::error!("{}", self.problem(&self.marker(), &error));
        }
    }

    fn marker(&self) -> String {
        format!("{}-published", self.key)
    }

    /// Puts the report into the bucket, as JSON and as HTML, beside what counts if it is `unheard`;
    /// returns the HTML's `s3://` address.
    pub(super) async fn put(&self, unheard: bool) -> Result<String, String> {
        let key = if unheard {
            format!("{}-unheard", self.key)
        } else {
            self.key.clone()
        };
        let html = gate::report::html(self.report);
        let html = self.object(&format!("{key}.html"), HTML, html);
        let (json, html) = tokio::join!(self.json(&key).send(), html.send());
        json.and(html)
            .map(|_| format!("s3://{}/{key}.html", self.bucket))
            .map_err(|error| self.problem(&key, &error))
    }

    fn json(&self, key: &str) -> PutObjectFluentBuilder {
        let json = gate::report::json(self.report);
        self.object(&format!("{key}.json"), "application/json", json)
    }

    fn object(&self, key: &str, kind: &str, text: String) -> PutObjectFluentBuilder {
        object(self.aws, self.bucket, key, kind, text)
    }

    fn problem(&self, key: &str, error: &SdkError<PutObjectError>) -> String {
        let (bucket, why) = (self.bucket, why(self.aws, error));
        format!("the report s3://{bucket}/{key} could not be stored: {why}")
    }
}

/// What another run for the same event has left.
pub(super) enum Earlier {
    /// No report.
    None,
    /// A report that can't be read, which is not known to have been told of.
    Unreadable,
    /// A report that nobody was told of: the run ended before that.
    Unpublished(Box<gate::report::Report>),
    /// A report, and people were told.
    Published,
}

/// Puts a text into the bucket of the reports. The error is why it could not be stored.
pub(crate) async fn put(
    aws: &Aws,
    settings: &Settings,
    key: &str,
    kind: &str,
    text: String,
) -> Result<(), String> {
    let stored = object(aws, &settings.report_bucket, key, kind, text).send();
    stored.await.map(drop).map_err(|error| why(aws, &error))
}

fn object(aws: &Aws, bucket: &str, key: &str, kind: &str, text: String) -> PutObjectFluentBuilder {
    let call = aws.s3().put_object().bucket(bucket).key(key);
    let body = ByteStream::from(text.into_bytes());
    call.content_type(kind).body(body)
}

fn why(aws: &Aws, error: &SdkError<PutObjectError>) -> String {
    let hints = Hints {
        permission: "s3:PutObject on it",
        absent: "make the bucket, or change REPORT_BUCKET",
    };
    Failure::of(error).sentence(aws.identity(), hints)
}

/// By what a report is found again: all runs for one call have the same.
#[derive(Debug, Clone)]
pub(crate) struct ReportName<'a> {
    pub(crate) caller: Caller,
    pub(crate) stage: Stage,
    pub(crate) facts: &'a Facts,
    /// What tells this call from others of the same deployment.
    pub(crate) execution_id: Cow<'a, str>,
}

impl ReportName<'_> {
    /// Pure: `prefix/application/deployment/stage-lifecycle-event`, without the extension.
    pub(super) fn key_stem(&self, prefix: &str) -> String {
        let fact = |key: &str| self.facts.get(key).map(String::as_str);
        let safe = |text: &str| -> String {
            let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            text.chars()
                .map(|c| if kept(c) { c } else { '_' })
                .collect()
        };
        let application = safe(fact("application").unwrap_or("unknown-application"));
        let deployment = safe(fact("deployment_id").unwrap_or("unknown-deployment"));
        let hash = hashed(&self.execution_id);
        let event = match (fact("lifecycle_event"), self.caller) {
            // ECS runs all hooks of a stage at once, and several may call the same function.
            (Some(event), Caller::Ecs) => format!("{}-{}", safe(event), &hash[..SHORT_HASH_DIGITS]),
            (Some(event), _) => safe(event),
            // A key that no other event has.
            (None, _) => format!("execution-{hash}"),
        };
        let stem = format!("{application}/{deployment}/{}-{event}", self.stage);
        if prefix.is_empty() {
            stem
        } else {
            format!("{prefix}/{stem}")
        }
    }
}

/// A name of any length and with any characters, as a part of a key.
pub(crate) fn hashed(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The console's link to an `s3://` address.
pub(crate) fn console_link(address: &str, region: &str) -> Option<String> {
    let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
    console::object(region, bucket, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, Delivery};
    use crate::facts::Facts;
    use crate::publish::sample;

    fn stem(prefix: &str, result: &GateResult) -> String {
        result.name().key_stem(prefix)
    }

    #[test]
    fn report_keys_are_safe_and_tell_the_lifecycle_event() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        assert_eq!(
            stem("reports", &result),
            "reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic"
        );
        result.facts = Facts::from([("application".to_owned(), "../my shop".to_owned())]);
        let unknown = stem("", &result);
        assert_eq!(
            unknown,
            ".._my_shop/unknown-deployment/pre-traffic-execution-4f7c9c16029ac860"
        );
        result.execution_id = "execution-2".to_owned();
        assert_ne!(stem("", &result), unknown, "each event has its own");
    }
    #[test]
    fn two_hooks_of_one_function_at_one_stage_have_reports_of_their_own() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        result.caller = Caller::Ecs;
        let event = "POST_TEST_TRAFFIC_SHIFT".to_owned();
        result.facts.insert("lifecycle_event".to_owned(), event);
        let one = stem("", &result);
        assert_eq!(
            one,
            "shop/d-ABCDEF123/pre-traffic-POST_TEST_TRAFFIC_SHIFT-4f7c9c16"
        );
        result.execution_id = "execution-2".to_owned();
        assert_ne!(stem("", &result), one);
    }
}
