//! Schedules of the emulator under the virtual clock, through the front door.

use jiff::Timestamp;
use jiff::ToSpan as _;
use serde_json::{Value, json};

use crate::bench::Bench;

const INPUT: &str = r#"{"at":"<aws.scheduler.scheduled-time>","of":"<aws.scheduler.schedule-arn>",
    "id":"<aws.scheduler.execution-id>","attempt":"<aws.scheduler.attempt-number>"}"#;

fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{name}")
}

/// A schedule of the function `remind`, as the emulator keeps it.
fn schedule(name: &str, expression: &str) -> Value {
    json!({
        "Name": name, "GroupName": "g", "Arn": format!("arn:of:{name}"), "State": "ENABLED",
        "ScheduleExpression": expression, "ScheduleExpressionTimezone": "UTC",
        "CreationDate": Timestamp::now().as_second(),
        "LastModificationDate": Timestamp::now().as_second(),
        "Target": { "Arn": function("remind"), "Input": INPUT },
    })
}

fn once(at: Timestamp) -> String {
    at.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

/// Where the virtual clock of each test begins, so that none depends on the hour at which it runs: on a Tuesday,
/// far from every change of the clocks, and later than any real time.
const NOON: &str = "2040-01-03T12:00:00Z";

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

/// A world at noon.
async fn bench_at_noon() -> Bench {
    let bench = Bench::new().await;
    let ahead = noon().duration_since(Timestamp::now()).as_secs();
    let asked = json!({ "advance_seconds": ahead + 1, "rates": "none" });
    bench.control("/_local/clock", asked).await;
    bench
}

async fn advance(bench: &Bench, hours: u64, rates: &str) -> Vec<Value> {
    let asked = json!({ "advance_seconds": hours * 3600, "rates": rates });
    let answer = bench.control("/_local/clock", asked).await;
    answer["fired"].as_array().unwrap().clone()
}

/// The times that the functions were given.
fn told(bench: &Bench) -> Vec<Timestamp> {
    let invoked = bench.emulator.invoked().into_iter();
    invoked
        .map(|(_, event)| event["at"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_one_time_schedule_is_delivered_when_an_advance_reaches_it() {
    let bench = bench_at_noon().await;
    let now = noon();
    let at = |name: &str, at: Timestamp| {
        let mut schedule = schedule(name, &once(at));
        schedule["ActionAfterCompletion"] = json!("DELETE");
        schedule
    };
    bench
        .emulator
        .schedule("soon", at("soon", now + 30.minutes()));
    bench
        .emulator
        .schedule("later", at("later", now + 3.hours()));
    bench.advance(29 * 60).await;
    assert!(bench.emulator.invoked().is_empty());
    bench.advance(2 * 60).await;
    let invoked = bench.emulator.invoked();
    assert_eq!(invoked.len(), 1);
    let due = (now + 30.minutes()).strftime("%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(invoked[0].1["at"], due.to_string());
    assert_eq!(invoked[0].1["of"], "arn:of:soon");
    assert_eq!(invoked[0].1["attempt"], "1");
    assert_eq!(invoked[0].1["id"].as_str().unwrap().len(), 16);
    assert_eq!(bench.emulator.invocation_types(), ["Event"]);
    assert_eq!(bench.emulator.schedules(), ["later"]);
    bench.advance(60 * 60).await;
    assert_eq!(bench.emulator.invoked().len(), 1, "it comes once");
}

#[tokio::test]
async fn a_night_has_every_tick_in_its_order_between_the_cron_times() {
    let bench = bench_at_noon().await;
    let evening = noon() + 2.hours();
    let cron = evening.strftime("cron(%-M %-H * * ? *)").to_string();
    bench.emulator.schedule("down", schedule("down", &cron));
    bench
        .emulator
        .schedule("tick", schedule("tick", "rate(5 minutes)"));
    let fired = advance(&bench, 11, "every").await;
    assert_eq!(fired.len(), 133);
    let told = told(&bench);
    assert_eq!(told.len(), 133);
    assert!(told.is_sorted(), "{told:?}");
    let downs: Vec<_> = fired.iter().filter(|one| one["name"] == "down").collect();
    let minute = evening.strftime("%Y-%m-%dT%H:%M:00Z").to_string();
    assert_eq!(downs.len(), 1);
    assert_eq!(downs[0]["at"], minute);
    assert!(
        bench
            .emulator
            .invocation_types()
            .iter()
            .all(|kind| kind == "RequestResponse"),
        "each is waited for"
    );
}

#[tokio::test]
async fn ticks_are_missed_unless_they_are_asked_for() {
    let bench = bench_at_noon().await;
    bench
        .emulator
        .schedule("tick", schedule("tick", "rate(5 minutes)"));
    bench.advance(60 * 60).await;
    let told = told(&bench);
    assert_eq!(told.len(), 1, "{told:?}");
    let left = (noon() + 1.hour()).duration_since(told[0]);
    assert!(left.as_secs() < 310, "the last one: {left}");
    assert!(advance(&bench, 1, "none").await.is_empty());
    assert_eq!(advance(&bench, 1, "last").await.len(), 1);
}

#[tokio::test]
async fn the_emulator_never_fires_a_recurring_schedule_and_clients_see_it_enabled() {
    let bench = bench_at_noon().await;
    let path = "/schedules/tick?groupName=g";
    let signed = |request: reqwest::RequestBuilder| {
        request.header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=starter/20260101/us-east-1/scheduler/aws4_request",
        )
    };
    let http = reqwest::Client::new();
    let made = signed(http.post(bench.url("/schedules/tick")));
    let made = made.body(schedule("tick", "rate(5 minutes)").to_string());
    assert_eq!(made.send().await.unwrap().status(), 200);
    // Another one is made by a stack, within the emulator.
    bench
        .emulator
        .schedule("stack", schedule("stack", "cron(0 9 * * ? *)"));
    let is_kept = |name: &str| bench.emulator.kept(name)["State"] != "ENABLED";
    assert!(is_kept("tick"));
    bench
        .until(|| async { is_kept("stack").then_some(()) })
        .await;
    let seen = signed(http.get(bench.url(path))).send().await.unwrap();
    let seen: Value = seen.json().await.unwrap();
    assert_eq!(seen["State"], "ENABLED");
    let listed = signed(http.get(bench.url("/schedules?State=ENABLED")));
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["Schedules"].as_array().unwrap().len(), 2);
    assert_eq!(advance(&bench, 1, "last").await.len(), 1);
    // Disabled by a client, it rests.
    let mut off = schedule("tick", "rate(5 minutes)");
    off["State"] = json!("DISABLED");
    let put = signed(http.put(bench.url("/schedules/tick"))).body(off.to_string());
    assert_eq!(put.send().await.unwrap().status(), 200);
    assert!(advance(&bench, 1, "every").await.is_empty());
}

#[tokio::test]
async fn a_function_that_fails_is_handed_to_the_emulator_and_a_missing_one_to_the_dead_letter_queue()
 {
    let bench = bench_at_noon().await;
    let mut broken = schedule("broken", "rate(1 hour)");
    broken["Target"]["Arn"] = json!(function("broken"));
    bench.emulator.schedule("broken", broken);
    let fired = advance(&bench, 1, "last").await;
    assert_eq!(fired[0]["error"], json!(null));
    assert_eq!(
        bench.emulator.invocation_types(),
        ["RequestResponse", "Event"]
    );
    let mut missing = schedule("missing", "rate(1 hour)");
    missing["Target"]["Arn"] = json!(function("missing"));
    missing["Target"]["DeadLetterConfig"] =
        json!({ "Arn": "arn:aws:sqs:us-east-1:000000000000:lost" });
    bench.emulator.schedule("missing", missing);
    let fired = advance(&bench, 1, "last").await;
    let error = "ResourceNotFoundException: not there";
    assert!(fired.iter().any(|one| one["error"] == error), "{fired:?}");
    let sent = bench.emulator.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["QueueUrl"], "lost");
    let attribute = |name: &str| sent[0]["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(attribute("ERROR_CODE"), "ResourceNotFoundException");
    assert_eq!(attribute("SCHEDULE_ARN"), "arn:of:missing");
    assert_eq!(attribute("RETRY_ATTEMPTS"), "0");
}

#[tokio::test]
async fn queues_and_topics_are_targets_too() {
    let bench = bench_at_noon().await;
    for (name, service) in [("queue", "sqs"), ("topic", "sns"), ("table", "dynamodb")] {
        let mut schedule = schedule(name, "rate(1 hour)");
        schedule["Target"]["Arn"] =
            json!(format!("arn:aws:{service}:us-east-1:000000000000:{name}"));
        bench.emulator.schedule(name, schedule);
    }
    let fired = advance(&bench, 1, "last").await;
    assert_eq!(fired.len(), 3);
    assert!(
        bench.emulator.sent()[0]["MessageBody"]
            .as_str()
            .unwrap()
            .contains("arn:of:queue")
    );
    assert!(bench.emulator.published()[0]["Message"].contains("arn:of:topic"));
    let refused: Vec<_> = fired.iter().filter(|one| !one["error"].is_null()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["name"], "table");
}
