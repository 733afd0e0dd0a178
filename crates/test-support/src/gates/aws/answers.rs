//! What each call is answered.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{balancing, codedeploy, ecs};
use super::calls::{Call, error};
use super::{EXECUTION, Inner};

fn item((pk, sk): &(String, String), body: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}, "body": {"S": body},
        "version": {"N": "1"}, "expires_at": {"N": "4000000000"}})
}

impl Inner {
    pub(super) fn answer(&self, call: &Call) -> Response {
        let json = |value: Value| value.to_string().into_response();
        match call.operation.as_str() {
            "GetDeployment" => json(codedeploy::deployment(&self.changes)),
            "GetApplicationRevision" => json(json!({"revision": {
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": self.changes.app_spec.unwrap_or(codedeploy::APP_SPEC)}}})),
            "GetDeploymentGroup" => json(codedeploy::deployment_group(&self.changes)),
            "ListDeploymentTargets" => json(json!({"targetIds": ["shop:shop"]})),
            "BatchGetDeploymentTargets" => {
                let answered = self.recorded.lock().unwrap().answers.first().cloned();
                json(codedeploy::deployment_targets(&self.changes, answered))
            }
            "DescribeTaskDefinition" => {
                json(codedeploy::task_definition(&self.changes, &call.json))
            }
            "DescribeImages" => {
                json(json!({"imageDetails": [{"imageTags": self.changes.registry_tags}]}))
            }
            "DescribeServices" => json(codedeploy::services()),
            "DescribeAlarms" => json(json!({"MetricAlarms": [{
                "AlarmName": "shop-5xx", "StateReason": "5 errors",
                "StateValue": self.changes.alarm.unwrap_or("OK")}]})),
            "PutLifecycleEventHookExecutionStatus" => self.put_status(call),
            "ListServiceDeployments" => json(ecs::deployments(&self.ecs.lock().unwrap())),
            "DescribeServiceDeployments" => json(ecs::deployment(&self.ecs.lock().unwrap())),
            "DescribeServiceRevisions" => json(ecs::revisions(&self.ecs.lock().unwrap())),
            "DescribeRules" => match call.form.get("ListenerArn").map(String::as_str) {
                Some(listener @ (balancing::PRODUCTION | balancing::TEST)) => {
                    balancing::rules(&self.changes, listener).into_response()
                }
                _ => ecs::rules().into_response(),
            },
            "PutJobSuccessResult" | "PutJobFailureResult" => self.put_job(call),
            "Invoke" => {
                let payload = String::from_utf8_lossy(&call.body).into_owned();
                self.recorded.lock().unwrap().invoked.push(payload);
                StatusCode::ACCEPTED.into_response()
            }
            "GetItem" => {
                let part = |name: &str| call.json["Key"][name]["S"].as_str().unwrap().to_owned();
                let key = (part("pk"), part("sk"));
                let recorded = self.recorded.lock().unwrap();
                json(match recorded.items.get(&key) {
                    None => json!({}),
                    Some(body) => json!({"Item": item(&key, body)}),
                })
            }
            "Query" => {
                let partition = call.json["ExpressionAttributeValues"][":pk"]["S"].as_str();
                let recorded = self.recorded.lock().unwrap();
                let items: Vec<Value> = recorded
                    .items
                    .iter()
                    .filter(|((pk, _), _)| Some(pk.as_str()) == partition)
                    .map(|(key, body)| item(key, body))
                    .collect();
                json(json!({"Items": items, "Count": items.len()}))
            }
            // An INSERT: it replaces nothing.
            "ExecuteStatement" => {
                let part = |index: usize| {
                    let text = call.json["Parameters"][index]["S"].as_str();
                    text.unwrap().to_owned()
                };
                let key = (part(0), part(1));
                let mut recorded = self.recorded.lock().unwrap();
                if recorded.items.contains_key(&key) {
                    return error(call, 400, "DuplicateItemException");
                }
                recorded.items.insert(key, part(2));
                json(json!({"Items": []}))
            }
            "PutEvents" => {
                let entries = call.json["Entries"].as_array().unwrap();
                let mut recorded = self.recorded.lock().unwrap();
                recorded.events.extend(entries.iter().cloned());
                json(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}))
            }
            "DescribeListeners" => {
                balancing::listeners(&self.changes, self.service_port).into_response()
            }
            "DescribeLoadBalancers" => balancing::BALANCERS.into_response(),
            "Publish" => {
                self.recorded
                    .lock()
                    .unwrap()
                    .published
                    .push(call.form.clone());
                "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>".into_response()
            }
            "GetObject" => match self.recorded.lock().unwrap().objects.get(&call.path) {
                Some(_) if !call.matches() => error(call, 412, "PreconditionFailed"),
                Some(text) => text.clone().into_response(),
                None => error(call, 404, "NoSuchKey"),
            },
            "PutObject" => {
                let text = String::from_utf8_lossy(&call.body).into_owned();
                let mut recorded = self.recorded.lock().unwrap();
                let there = recorded.objects.contains_key(&call.path);
                if there && call.if_none_match.as_deref() == Some("*") {
                    return error(call, 412, "PreconditionFailed");
                }
                recorded.objects.insert(call.path.clone(), text);
                StatusCode::OK.into_response()
            }
            other => error(call, 400, &format!("UnknownOperation{other}")),
        }
    }

    /// One accepted answer to a job, with a token or without; any later one meets AWS's error.
    fn put_job(&self, call: &Call) -> Response {
        let mut recorded = self.recorded.lock().unwrap();
        let id = call.json["jobId"].as_str().unwrap();
        let answered = |job: &Value| job["jobId"] == id;
        if recorded.jobs.iter().any(answered) {
            return error(call, 400, "InvalidJobStateException");
        }
        recorded.jobs.push(call.json.clone());
        "{}".into_response()
    }

    /// One accepted answer; any later one meets AWS's error.
    fn put_status(&self, call: &Call) -> Response {
        let mut recorded = self.recorded.lock().unwrap();
        if call.json["lifecycleEventHookExecutionId"] != EXECUTION {
            return error(call, 400, "InvalidLifecycleEventHookExecutionIdException");
        }
        if !recorded.answers.is_empty() {
            return error(call, 400, "LifecycleEventAlreadyCompletedException");
        }
        let status = call.json["status"].as_str().unwrap().to_owned();
        if !matches!(status.as_str(), "Succeeded" | "Failed") {
            return error(
                call,
                400,
                "InvalidLifecycleEventHookExecutionStatusException",
            );
        }
        recorded.answers.push(status);
        json!({"lifecycleEventHookExecutionId": EXECUTION})
            .to_string()
            .into_response()
    }
}
