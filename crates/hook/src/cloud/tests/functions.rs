//! Invocations of the version under test.

use super::*;

async fn invoked(answer: Answer) -> (Result<Invocation, CloudError>, Vec<String>) {
    let (cloud, aws) = cloud(function(), FUNCTION, vec![("Invoke", vec![answer])]).await;
    let invocation = cloud.invoke(r#"{"book":7}"#.to_owned()).await;
    (invocation, aws.bodies("Invoke"))
}

#[tokio::test]
async fn the_target_version_itself_is_invoked() {
    let answer = ok(json!({ "total": 12 }))
        .with("x-amz-executed-version", "8")
        .with("x-amz-log-result", "U1RBUlQ=");
    let (invocation, sent) = invoked(answer).await;
    let invocation = invocation.unwrap();
    assert_eq!(
        sent,
        [r#"/2015-03-31/functions/checkout/invocations?Qualifier=8 {"book":7}"#]
    );
    assert_eq!(invocation.payload, br#"{"total":12}"#);
    assert_eq!(
        (invocation.error, invocation.log_tail.as_str()),
        (None, "START")
    );
    assert_eq!(invocation.function, "checkout:8");
}

#[tokio::test]
async fn an_error_of_the_function_is_an_answer() {
    let answer = ok(json!({ "errorType": "KeyError" })).with("x-amz-function-error", "Unhandled");
    let (invocation, _) = invoked(answer).await;
    assert_eq!(invocation.unwrap().error.as_deref(), Some("Unhandled"));
}

#[tokio::test]
async fn another_version_is_no_answer_and_neither_is_a_refusal() {
    let (other, _) = invoked(ok("{}").with("x-amz-executed-version", "7")).await;
    assert!(
        other
            .unwrap_err()
            .0
            .contains("ran the version 7, which is not the one under test")
    );
    let (denied, _) = invoked(refused("AccessDeniedException")).await;
    insta::assert_snapshot!(denied.unwrap_err().0, @"Invoke checkout:8 failed: AccessDeniedException: scripted; the function's role needs lambda:InvokeFunction on checkout:8: name it in the parameter FunctionsUnderTest");
    let (busy, sent) = invoked(refused("TooManyRequestsException")).await;
    assert!(busy.unwrap_err().0.contains("AWS throttled"));
    assert_eq!(sent.len(), 1, "it is not tried again");
    let (cloud, _aws) = cloud(service(), &[], Vec::new()).await;
    let error = cloud.invoke(String::new()).await.unwrap_err().0;
    assert_eq!(error, "target.function is not known");
}
