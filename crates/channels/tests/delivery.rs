//! Delivery against a service on loopback that misbehaves as services do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use approvals::Case;
use channels::standard_webhooks::{self, Key};
use channels::{
    DeliverError, Delivered, DeliveryMode, DeliveryRequest, Http, Message, NoticeReason, Outgoing,
    answer_slack, deliver,
};
use serde_json::json;
use support::fake::{Answer, Fake, aws, parameter};
use support::{case, config, english, message};

const TOKEN: &str = "xoxb-0123456789-s3cr3t";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What is tried.
struct Try<'a> {
    channel: &'a str,
    /// The channel's secrets, in the order in which they are read.
    secrets: Vec<String>,
    slack_api: String,
    allow_private: bool,
    within: Duration,
}

impl Try<'_> {
    fn at(fake: &Fake, channel: &'static str) -> Self {
        let hook = format!(
            "{}/hooks/T0123456789/h00k-s3cr3t?sig=s1gn-s3cr3t",
            fake.url()
        );
        let secrets = match channel {
            "room" => vec![TOKEN.to_owned()],
            "machine" => vec![SECRET.to_owned(), hook],
            _ => vec![hook],
        };
        Self {
            channel,
            secrets,
            slack_api: fake.url(),
            allow_private: true,
            within: Duration::from_secs(4),
        }
    }

    async fn tell(
        &self,
        message: &Message<'_>,
        mode: DeliveryMode<'_>,
    ) -> Result<Delivered, DeliverError> {
        let (aws, _) = aws(self
            .secrets
            .iter()
            .map(|secret| parameter(secret))
            .collect());
        let http = Http::new(self.allow_private);
        let out = Outgoing {
            aws: &aws,
            http: &http,
            slack_api: &self.slack_api,
            within: self.within,
        };
        let config = config();
        let (texts, channel) = (english(), &config.channels[self.channel]);
        let post = DeliveryRequest {
            channel,
            message,
            texts: &texts,
            mode,
            id: "case-ask",
        };
        let told = deliver(&out, &post).await;
        if let Err(error) = &told {
            let all = format!("{error} {error:?}");
            for secret in ["s3cr3t", "h00k", "s1gn", "MfKQ9r8G", TOKEN] {
                assert!(!all.contains(secret), "a secret in {all}");
            }
        }
        told
    }

    async fn ask(&self) -> Result<Delivered, DeliverError> {
        let case = case();
        self.tell(&message(&case, NoticeReason::Ask), DeliveryMode::New)
            .await
    }
}

fn posted() -> Answer {
    Answer::ok(r#"{"ok":true,"channel":"C0123456789","ts":"1700000000.000100"}"#)
}

fn refused(code: &str) -> Answer {
    Answer::ok(&json!({"ok": false, "error": code}).to_string())
}

#[tokio::test]
async fn slack_is_told_and_says_by_what_the_message_is_found_again() {
    let fake = Fake::start([posted()]).await;
    let told = Try::at(&fake, "room").ask().await.unwrap();
    assert_eq!(
        told.message_ref,
        Some(json!({"channel": "C0123456789", "ts": "1700000000.000100"}))
    );
    let seen = &fake.seen()[0];
    assert_eq!(seen.path, "/chat.postMessage");
    assert_eq!(seen.header("authorization"), format!("Bearer {TOKEN}"));
    let body = seen.json();
    assert_eq!(body["channel"], "C0123456789");
    assert_eq!(body["parse"], "none");
    assert!(body["blocks"].as_array().unwrap().len() > 3);
    assert!(body.get("thread_ts").is_none());
}

#[tokio::test]
async fn slack_changes_and_answers_the_message() {
    let fake = Fake::start([posted()]).await;
    let attempt = Try::at(&fake, "room");
    let first = json!({"channel": "C0123456789", "ts": "1.5"});
    let case = case();
    let reminder = message(&case, NoticeReason::Reminder { number: 1 });
    attempt
        .tell(&reminder, DeliveryMode::Thread(&first))
        .await
        .unwrap();
    attempt
        .tell(
            &message(&case, NoticeReason::Ask),
            DeliveryMode::Update(&first),
        )
        .await
        .unwrap();
    let seen = fake.seen();
    let (thread, update) = (seen[0].json(), seen[1].json());
    assert_eq!(thread["thread_ts"], "1.5");
    assert_eq!(thread["reply_broadcast"], true);
    assert!(!thread["blocks"].to_string().contains("\"actions\""));
    assert_eq!(
        (seen[1].path.as_str(), &update["ts"]),
        ("/chat.update", &json!("1.5"))
    );
}

#[tokio::test]
async fn people_are_told_anew_where_the_message_is_gone() {
    let case = case();
    let first = json!({"channel": "C0123456789", "ts": "1.5"});
    for (code, mode) in [
        ("message_not_found", DeliveryMode::Update(&first)),
        ("thread_not_found", DeliveryMode::Thread(&first)),
    ] {
        let fake = Fake::start([refused(code), posted()]).await;
        Try::at(&fake, "room")
            .tell(&message(&case, NoticeReason::Ask), mode)
            .await
            .unwrap();
        let second = &fake.seen()[1];
        assert_eq!(second.path, "/chat.postMessage");
        assert!(second.json().get("thread_ts").is_none());
    }
}

#[tokio::test]
async fn what_slack_refuses_is_told_with_a_remedy() {
    let mut told = Vec::new();
    for code in ["not_in_channel", "invalid_auth", "something_new"] {
        let fake = Fake::start([refused(code)]).await;
        let error = Try::at(&fake, "room").ask().await.unwrap_err();
        assert!(!error.retryable && fake.seen().len() == 1, "{code}");
        told.push(error.to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    the channel "room" could not be reached: Slack answered not_in_channel; check the channel's id, and invite the app: /invite @app
    the channel "room" could not be reached: Slack answered invalid_auth; store a valid bot token (xoxb-…) in the channel's secret
    the channel "room" could not be reached: Slack answered something_new; see https://docs.slack.dev/reference/methods/chat.postMessage#errors
    "#);
    // What passes by itself is tried again.
    let fake = Fake::start([refused("internal_error"), posted()]).await;
    Try::at(&fake, "room").ask().await.unwrap();
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn a_service_that_says_when_is_believed() {
    let limited = Answer::Says(429, vec![("retry-after", "1")], "slow down".into());
    let fake = Fake::start([limited, Answer::ok("ok")]).await;
    Try::at(&fake, "hook").ask().await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(990));
    assert_eq!(seen[0].body, seen[1].body);

    // Longer than there is time: nothing is tried in vain.
    let fake = Fake::start([Answer::Says(
        429,
        vec![("retry-after", "120")],
        String::new(),
    )])
    .await;
    let error = Try::at(&fake, "hook").ask().await.unwrap_err();
    assert!(error.retryable && fake.seen().len() == 1);
    insta::assert_snapshot!(error, @r#"the channel "hook" could not be reached: it wants no further request for 120 s (HTTP 429)"#);

    // Longer than a clock can count.
    let never = vec![("retry-after", "18446744073709551615")];
    let fake = Fake::start([Answer::Says(429, never, String::new())]).await;
    let error = Try::at(&fake, "hook").ask().await.unwrap_err();
    assert!(error.retryable && fake.seen().len() == 1);

    // A date: the message's time is 2026-03-02T09:00:06Z.
    let dated = Answer::Says(
        503,
        vec![("retry-after", "Mon, 02 Mar 2026 09:00:07 GMT")],
        String::new(),
    );
    let fake = Fake::start([dated, Answer::ok("ok")]).await;
    Try::at(&fake, "hook").ask().await.unwrap();
    let seen = fake.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(700));
}

#[tokio::test]
async fn trouble_is_tried_again_and_refusals_are_not() {
    let fake = Fake::start([Answer::status(500), Answer::status(502), Answer::ok("1")]).await;
    Try::at(&fake, "teams").ask().await.unwrap();
    assert_eq!(fake.seen().len(), 3);

    let fake = Fake::start([Answer::status(500)]).await;
    let error = Try::at(&fake, "teams").ask().await.unwrap_err();
    assert!(error.retryable);
    assert_eq!(fake.seen().len(), 4, "tries are counted");

    let said = Answer::Says(
        404,
        Vec::new(),
        "no_service at /hooks/T0123456789/h00k-s3cr3t".into(),
    );
    let fake = Fake::start([said]).await;
    let error = Try::at(&fake, "teams").ask().await.unwrap_err();
    assert!(!error.retryable && fake.seen().len() == 1);
    insta::assert_snapshot!(error, @r#"the channel "teams" could not be reached: it answered HTTP 404: no_service at /hooks/***/***"#);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let elsewhere = Fake::start([Answer::ok("ok")]).await;
    let to: &'static str = Box::leak(elsewhere.url().into_boxed_str());
    for status in [301, 302, 307, 308] {
        let fake = Fake::start([Answer::Says(status, vec![("location", to)], String::new())]).await;
        let error = Try::at(&fake, "machine").ask().await.unwrap_err();
        assert!(
            !error.retryable && error.to_string().contains("redirect"),
            "{error}"
        );
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_slow_service_costs_no_more_than_the_time_given() {
    let fake = Fake::start([Answer::After(Duration::from_secs(30))]).await;
    let mut attempt = Try::at(&fake, "hook");
    attempt.within = Duration::from_millis(300);
    let started = std::time::Instant::now();
    let error = attempt.ask().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(error.retryable, "{error}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_success() {
    let fake = Fake::start([Answer::CutOff, posted()]).await;
    Try::at(&fake, "room").ask().await.unwrap();
    assert_eq!(fake.seen().len(), 2);
    let fake = Fake::start([Answer::ok("<html>a proxy</html>")]).await;
    let error = Try::at(&fake, "room").ask().await.unwrap_err();
    insta::assert_snapshot!(error, @r#"the channel "room" could not be reached: it answered something that can't be understood; check its address"#);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_meant() {
    let fake = Fake::start([Answer::ok("ok")]).await;
    let port = fake.port;
    for (url, why) in [
        (format!("http://127.0.0.1:{port}/s3cr3t-path"), "not https"),
        (
            format!("https://127.0.0.1:{port}/s3cr3t-path"),
            "private address",
        ),
        (
            format!("https://[::ffff:127.0.0.1]:{port}/s3cr3t-path"),
            "private address",
        ),
        (
            format!("https://localhost:{port}/s3cr3t-path"),
            "private addresses only",
        ),
        (
            format!("https://user:s3cr3t@example.com:{port}/"),
            "user name",
        ),
        ("s3cr3t".to_owned(), "can't be read"),
    ] {
        let mut attempt = Try::at(&fake, "hook");
        attempt.allow_private = false;
        attempt.secrets = vec![url.clone()];
        attempt.within = Duration::from_millis(900);
        let error = attempt.ask().await.unwrap_err().to_string();
        assert!(error.contains(why), "{url}: {error}");
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn the_generic_webhook_is_signed_and_keeps_its_id_over_retries() {
    let fake = Fake::start([Answer::status(503), Answer::ok("")]).await;
    Try::at(&fake, "machine").ask().await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen.len(), 2);
    let key = Key::parse(SECRET).unwrap();
    for one in &seen {
        assert_eq!(one.header("webhook-id"), "case-ask");
        let at =
            jiff::Timestamp::from_second(one.header("webhook-timestamp").parse().unwrap()).unwrap();
        assert_eq!(at.to_string(), "2026-03-02T09:00:06Z");
        assert!(standard_webhooks::verify(
            &key,
            "case-ask",
            at,
            &one.body,
            one.header("webhook-signature")
        ));
    }
    assert_eq!(seen[0].json()["type"], "approval.ask");
}

#[tokio::test]
async fn a_secret_that_is_none_sends_nothing() {
    let fake = Fake::start([Answer::ok("")]).await;
    for (secret, why) in [
        ("", "is empty"),
        ("whsec_", "is empty"),
        ("whsec_AAAA", "3 bytes"),
        ("short", "not base64"),
    ] {
        let mut attempt = Try::at(&fake, "machine");
        attempt.secrets[0] = secret.to_owned();
        let error = attempt.ask().await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let mut attempt = Try::at(&fake, "room");
    attempt.secrets[0] = "xoxb-s3cr3t\nInjected: 1".to_owned();
    let error = attempt.ask().await.unwrap_err().to_string();
    assert!(error.contains("no header takes"), "{error}");
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn a_mail_goes_to_each_recipient_alone() {
    let (aws, client) = aws(vec![
        (200, r#"{"MessageId":"1"}"#.into()),
        (200, r#"{"MessageId":"2"}"#.into()),
    ]);
    let (http, config, texts, case) = (Http::new(false), config(), english(), case());
    let out = Outgoing {
        aws: &aws,
        http: &http,
        slack_api: "",
        within: Duration::from_secs(5),
    };
    let message = message(&case, NoticeReason::Ask);
    let post = DeliveryRequest {
        channel: &config.channels["mail"],
        message: &message,
        texts: &texts,
        mode: DeliveryMode::New,
        id: "x",
    };
    deliver(&out, &post).await.unwrap();
    let bodies: Vec<serde_json::Value> = client
        .actual_requests()
        .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
        .collect();
    let to: Vec<_> = bodies
        .iter()
        .map(|body| body["Destination"]["ToAddresses"].clone())
        .collect();
    assert_eq!(
        to,
        [json!(["lead@example.com"]), json!(["second@example.com"])]
    );
    let simple = &bodies[0]["Content"]["Simple"];
    assert_eq!(bodies[0]["FromEmailAddress"], "releases@example.com");
    assert!(
        simple["Body"]["Html"]["Data"]
            .as_str()
            .unwrap()
            .contains("shop-release")
    );
    assert!(
        simple["Body"]["Text"]["Data"]
            .as_str()
            .unwrap()
            .contains("shop-release")
    );
    assert!(simple["Headers"].to_string().contains("auto-generated"));
}

#[tokio::test]
async fn what_ses_refuses_is_not_tried_for_ever() {
    let refused = r#"{"message":"Email address is not verified."}"#;
    let (aws, _) = aws(vec![(400, refused.into()), (400, refused.into())]);
    let (http, config, texts, case) = (Http::new(false), config(), english(), case());
    let out = Outgoing {
        aws: &aws,
        http: &http,
        slack_api: "",
        within: Duration::from_secs(5),
    };
    let message = message(&case, NoticeReason::Ask);
    let post = DeliveryRequest {
        channel: &config.channels["mail"],
        message: &message,
        texts: &texts,
        mode: DeliveryMode::New,
        id: "x",
    };
    let error = deliver(&out, &post).await.unwrap_err();
    assert!(!error.retryable);
    assert!(
        error.to_string().contains("lead@example.com")
            && error.to_string().contains("ses:SendEmail"),
        "{error}"
    );
}

#[tokio::test]
async fn topics_are_published_to() {
    let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
    for (channel, expected) in [
        ("list", "Subject=shop-release"),
        ("chat", "client-markdown"),
    ] {
        let (aws, client) = aws(vec![(200, answer.into())]);
        let (http, config, texts, case) = (Http::new(false), config(), english(), case());
        let out = Outgoing {
            aws: &aws,
            http: &http,
            slack_api: "",
            within: Duration::from_secs(5),
        };
        let message = message(&case, NoticeReason::Ask);
        let post = DeliveryRequest {
            channel: &config.channels[channel],
            message: &message,
            texts: &texts,
            mode: DeliveryMode::New,
            id: "x",
        };
        deliver(&out, &post).await.unwrap();
        let request = client.actual_requests().next().unwrap();
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        assert!(body.contains(expected), "{body}");
    }
}

#[tokio::test]
async fn an_address_that_a_message_brought_is_guarded_too() {
    let fake = Fake::start([Answer::ok("ok")]).await;
    let body = json!({"text": "done"});
    let within = Duration::from_secs(2);
    let url = fake.url();
    let api = format!("{url}/api");
    // The stand-in that a setting names takes its own answers.
    answer_slack(&Http::new(true), (&url, &api), &body, within)
        .await
        .unwrap();
    assert_eq!(fake.seen()[0].json(), body);
    let error = answer_slack(&Http::new(false), (&url, &api), &body, within)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "its URL is not https; use an https URL");
    for api in ["https://slack.com/api", "http://127.0.0.1:1/api", ""] {
        let error = answer_slack(&Http::new(true), (&url, api), &body, within)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "its URL does not lead to Slack");
    }
    assert_eq!(fake.seen().len(), 1);
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let key = Key::parse(SECRET).unwrap();
    assert_eq!(format!("{key:?}"), "***");
    let case: Case = case();
    assert!(!format!("{:?}", message(&case, NoticeReason::Ask)).contains("0c35520a"));
}
