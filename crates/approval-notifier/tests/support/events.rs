//! Events as they arrive.

use serde_json::{Value, json};
use test_support::approvals::deployment::{DEPLOYMENT, HOOK};

use super::world::{ACCOUNT, ACTION, EXECUTION, EXPIRES, PIPELINE, REGION, STAGE, TOKEN};

/// An SNS event with one record a message.
pub fn sns(messages: &[String]) -> Value {
    let records = messages.iter().enumerate().map(|(number, message)| {
        json!({
            "EventSource": "aws:sns", "EventVersion": "1.0",
            "EventSubscriptionArn": format!("arn:aws:sns:{REGION}:{ACCOUNT}:approvals:1"),
            "Sns": {
                "Type": "Notification", "MessageId": format!("message-{}-{number}", message.len()),
                "TopicArn": format!("arn:aws:sns:{REGION}:{ACCOUNT}:approvals"),
                "Subject": "APPROVAL NEEDED: AWS CodePipeline shop", "Message": message,
                "Timestamp": "2026-05-04T10:00:00.000Z", "SignatureVersion": "1", "Signature": "x",
                "SigningCertUrl": "https://sns.eu-central-1.amazonaws.com/x.pem",
                "UnsubscribeUrl": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {},
            }
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// `CodePipeline`'s own message.
pub fn approval_message() -> Value {
    let console = "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view";
    json!({
        "region": REGION, "consoleLink": format!("{console}?region={REGION}"),
        "approval": {
            "pipelineName": PIPELINE, "stageName": STAGE, "actionName": ACTION,
            "token": TOKEN, "expires": EXPIRES, "externalEntityLink": null,
            "approvalReviewLink": format!("{console}?region={REGION}#/{STAGE}/{ACTION}/approve/{TOKEN}"),
            "customData": "Please look at the change set\n",
        }
    })
}

pub fn approval() -> Value {
    sns(&[approval_message().to_string()])
}

/// The same wait as a notification rule tells it.
pub fn notification_message() -> Value {
    notification_of(EXECUTION)
}

pub fn notification_of(execution: &str) -> Value {
    json!({
        "account": ACCOUNT, "detailType": "CodePipeline Action Execution State Change",
        "region": REGION, "source": "aws.codepipeline", "time": "2026-05-04T10:00:00Z",
        "notificationRuleArn": format!("arn:aws:codestar-notifications:{REGION}:{ACCOUNT}:notificationrule/1"),
        "detail": {
            "pipeline": PIPELINE, "execution-id": execution, "stage": STAGE, "action": ACTION,
            "state": "STARTED", "region": REGION, "version": 5.0,
            "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
        },
        "resources": [format!("arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}")],
        "additionalAttributes": {"externalEntityLink": null, "customData": "Please look at the change set"},
    })
}

pub fn notification() -> Value {
    sns(&[notification_message().to_string()])
}

/// EventBridge: a pause of a deployment of ECS, or what became of it.
pub fn pause(event: &str) -> Value {
    json!({
        "version": "0", "id": format!("event-pause-{event}"),
        "detail-type": "ECS Hook State Change", "source": "aws.ecs", "account": ACCOUNT,
        "time": "2026-05-04T10:00:00Z", "region": REGION, "resources": [DEPLOYMENT],
        "detail": {
            "eventName": event, "hookId": HOOK, "hookType": "PAUSE",
            "expiresAt": "2099-08-26T11:09:00Z", "lifecycleStage": "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"),
            "serviceArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/web"),
            "serviceDeploymentArn": DEPLOYMENT,
        },
    })
}

/// EventBridge: the deployment is over.
pub fn deployment_over(event: &str) -> Value {
    json!({
        "version": "0", "id": format!("event-deployment-{event}"),
        "detail-type": "ECS Deployment State Change", "source": "aws.ecs", "account": ACCOUNT,
        "time": "2026-05-04T11:00:00Z", "region": REGION,
        "resources": [format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/web")],
        "detail": {"eventName": event, "deploymentId": "ecs-svc/1"},
    })
}

/// EventBridge: the approval action changed its state.
pub fn action_changed(state: &str) -> Value {
    json!({
        "version": "0", "id": format!("event-action-{state}"),
        "detail-type": "CodePipeline Action Execution State Change", "source": "aws.codepipeline",
        "account": ACCOUNT, "time": "2026-05-04T10:30:00Z", "region": REGION,
        "resources": [format!("arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}")],
        "detail": {
            "pipeline": PIPELINE, "execution-id": EXECUTION, "stage": STAGE, "action": ACTION,
            "state": state, "region": REGION, "version": 3.0,
            "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
        },
    })
}

/// EventBridge: the execution changed its state.
pub fn execution_changed(state: &str) -> Value {
    json!({
        "version": "0", "id": format!("event-execution-{state}"),
        "detail-type": "CodePipeline Pipeline Execution State Change", "source": "aws.codepipeline",
        "account": ACCOUNT, "time": "2026-05-04T10:40:00Z", "region": REGION,
        "resources": [format!("arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}")],
        "detail": {"pipeline": PIPELINE, "execution-id": EXECUTION, "state": state, "version": 3.0},
    })
}

/// Our own reminder.
pub fn reminder(case: &str, number: u32) -> Value {
    json!({"reminder": {"case": case, "number": number}})
}
