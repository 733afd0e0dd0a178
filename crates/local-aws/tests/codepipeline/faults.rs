//! Faults that strike after the deed, at what is passed on.

use serde_json::json;

use crate::bench::Bench;

/// An S3 upload through the front door; status and body of the answer, none when it was cut off.
async fn upload(bench: &Bench, key: &str) -> Option<(u16, String)> {
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request";
    let put = reqwest::Client::new()
        .put(bench.url(&format!("/artifacts/{key}")))
        .header("authorization", scope)
        .body("bytes");
    let answer = put.send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.text().await.ok()?))
}

#[tokio::test]
async fn a_call_that_is_passed_on_may_lose_its_answer_and_keep_its_effect() {
    let bench = Bench::new().await;
    let fault = |status: u16, after: bool| {
        let fault = json!({
            "service": "s3", "operation": "PutObject", "status": status, "times": 1,
            "code": "SlowDown", "after": after,
        });
        bench.control("/_local/faults", fault)
    };
    fault(503, false).await;
    let (status, body) = upload(&bench, "before").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("<Code>SlowDown</Code>"), "{body}");
    assert_eq!(bench.emulator.object("artifacts/before"), None);
    fault(503, true).await;
    assert_eq!(upload(&bench, "after").await.unwrap().0, 503);
    assert_eq!(bench.emulator.object("artifacts/after").unwrap(), b"bytes");
    fault(0, true).await;
    assert_eq!(upload(&bench, "lost").await, None);
    assert_eq!(bench.emulator.object("artifacts/lost").unwrap(), b"bytes");
    assert_eq!(upload(&bench, "fine").await.unwrap().0, 200);
}
