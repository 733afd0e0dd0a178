//! What the server knows: one pipeline with one approval, the state table, secrets, objects, schedules,
//! and what the channels were told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::server::Call;
use test_support::approvals::deployment::Deployment;
use test_support::dynamodb::Tables;

/// Status and body.
pub type Answer = (u16, Value);

/// What a function does with its table.
const TABLE_OPERATIONS: [&str; 5] = [
    "PutItem",
    "GetItem",
    "UpdateItem",
    "Query",
    "ExecuteStatement",
];

/// What the notifier asks of ECS; it never answers a pause.
const ECS_OPERATIONS: [&str; 4] = [
    "DescribeServiceDeployments",
    "ListServiceDeployments",
    "DescribeServiceRevisions",
    "DescribeTaskDefinition",
];

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";
pub const PIPELINE: &str = "shop";
pub const STAGE: &str = "Production";
pub const ACTION: &str = "Approve";
pub const EXECUTION: &str = "0b5a7c9e-1111-4222-8333-944445555666";
pub const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
/// The token of the second wait, after the stage was retried.
pub const SECOND_TOKEN: &str = "5f0c1d7e-2a3b-4c4d-8e5f-6a7b8c9d0e1f";
/// Far ahead, as the functions look at the real clock.
pub const EXPIRES: &str = "2099-08-30T11:09Z";
pub const COMMIT: &str = "Sell books <!channel> & more";

/// How far the pipeline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The approval waits.
    Waiting,
    /// It was approved; the deployment runs.
    Deploying,
    /// Everything succeeded.
    Live,
    /// The deployment failed and was rolled back.
    RolledBack,
    /// It was rejected in the console.
    Rejected,
    /// A newer execution took its place.
    Superseded,
}

/// What a channel was told.
#[derive(Debug, Clone)]
pub struct SentMessage {
    /// `slack`, `teams`, `webhook`, `mail`, `sns`, …
    pub channel: String,
    /// `chat.postMessage`, `chat.update`, `POST`.
    pub how: String,
    pub body: Value,
    pub headers: std::collections::HashMap<String, String>,
}

pub struct World {
    pub base: String,
    pub phase: Phase,
    /// Whether the approval was given in the console, by this ARN.
    pub by: String,
    /// The summary given with the decision.
    pub summary: String,
    pub table: Tables,
    pub objects: BTreeMap<String, String>,
    pub schedules: BTreeMap<String, Value>,
    pub told: Vec<SentMessage>,
    /// Whether `GetPipelineState` shows a token; not in PARALLEL mode.
    pub shows_token: bool,
    /// Whether the stage was retried, so that the approval waits for the second time.
    pub retried: bool,
    /// Whether the action executions do not list the newest wait yet.
    pub history_lags: bool,
    /// A deployment of ECS that is paused.
    pub paused: Deployment,
    /// The secret that signs links.
    pub keys: String,
    /// What the approval action is configured with.
    pub owner: Value,
}

impl Default for World {
    fn default() -> Self {
        Self {
            base: String::new(),
            phase: Phase::Waiting,
            by: format!("arn:aws:sts::{ACCOUNT}:assumed-role/Operators/release.manager"),
            summary: "fine".into(),
            table: Tables::default(),
            objects: BTreeMap::new(),
            schedules: BTreeMap::new(),
            told: Vec::new(),
            shows_token: true,
            retried: false,
            history_lags: false,
            paused: Deployment {
                // 2099-08-26, as the functions look at the real clock.
                expires: 4_091_411_340,
                ..Deployment::waiting()
            },
            keys: "an exemplary signing key of more than 32 characters".into(),
            owner: json!({"NotificationArn": "arn:topic", "CustomData": "Please look at the change set\n"}),
        }
    }
}

impl World {
    /// What was told to a channel.
    pub fn told_to(&self, channel: &str) -> Vec<SentMessage> {
        let to = |told: &&SentMessage| told.channel == channel;
        self.told.iter().filter(to).cloned().collect()
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        if TABLE_OPERATIONS.contains(&call.operation.as_str()) {
            return match self.table.serve(&call.operation, &call.body) {
                Ok(body) => (200, body),
                Err(body) => (400, body),
            };
        }
        if ECS_OPERATIONS.contains(&call.operation.as_str()) {
            return match self.paused.serve(&call.operation, &call.body) {
                Ok(body) => (200, body),
                Err(body) => (400, body),
            };
        }
        if let Some(answer) = self.channel(call) {
            return answer;
        }
        match call.operation.as_str() {
            "GetPipelineState" => (200, self.pipeline_state()),
            "GetPipelineExecution" => (200, self.execution()),
            "ListActionExecutions" => (200, json!({"actionExecutionDetails": self.actions(call)})),
            "ListPipelineExecutions" => (200, json!({"pipelineExecutionSummaries": []})),
            "GetPipeline" => (200, pipeline()),
            "GetDeployment" => (200, self.deployment()),
            "DescribeChangeSet" => (200, json!(change_set())),
            "GetSecretValue" => self.secret(call),
            "GetParameter" => (
                200,
                json!({"Parameter": {"Value": format!("{}/hook/teams", self.base)}}),
            ),
            other => self.rest(other, call),
        }
    }

    fn rest(&mut self, operation: &str, call: &Call) -> Answer {
        if let Some(name) = operation.strip_prefix("POST /schedules/") {
            if self.schedules.contains_key(name) {
                return (
                    409,
                    json!({"__type": "ConflictException", "Message": "exists"}),
                );
            }
            self.schedules.insert(name.to_owned(), call.body.clone());
            return (200, json!({"ScheduleArn": "arn:schedule"}));
        }
        if operation.starts_with("GET /") {
            if let Some(text) = self.objects.get(&call.path) {
                return (200, json!(text));
            }
            return (404, json!("<Error><Code>NoSuchKey</Code></Error>"));
        }
        (
            400,
            json!({"__type": "UnknownOperationException", "message": operation}),
        )
    }

    /// Slack, the webhooks, SES and SNS.
    fn channel(&mut self, call: &Call) -> Option<Answer> {
        let (channel, answer) = match call.operation.as_str() {
            "chat.postMessage" => {
                let ts = format!("17000000{:02}.000100", self.told_to("slack").len());
                let channel = call.body["channel"].clone();
                (
                    "slack".into(),
                    json!({"ok": true, "ts": ts, "channel": channel}),
                )
            }
            "chat.update" => {
                let (ts, channel) = (&call.body["ts"], &call.body["channel"]);
                (
                    "slack".into(),
                    json!({"ok": true, "ts": ts, "channel": channel}),
                )
            }
            "POST /v2/email/outbound-emails" => {
                let to = call.body["Destination"]["ToAddresses"][0].as_str();
                let to = to.unwrap_or_default();
                (format!("mail:{to}"), json!({"MessageId": "mail-1"}))
            }
            "Publish" => (
                "sns".into(),
                json!(
                    "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"
                ),
            ),
            other => (other.strip_prefix("POST /hook/")?.to_owned(), json!("ok")),
        };
        self.told.push(SentMessage {
            channel,
            how: call.operation.clone(),
            body: call.body.clone(),
            headers: call.headers.clone(),
        });
        Some((200, answer))
    }

    fn secret(&self, call: &Call) -> Answer {
        let id = call.body["SecretId"].as_str().unwrap_or_default();
        let previous = call.body["VersionStage"] == "AWSPREVIOUS";
        let value = match id {
            _ if previous => {
                return (
                    400,
                    json!({"__type": "ResourceNotFoundException", "message": "no such version"}),
                );
            }
            "keys" => self.keys.clone(),
            "slack" => json!({"bot_token": "xoxb-exemplary"}).to_string(),
            "machine" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            "machine-url" => format!("{}/hook/machine", self.base),
            _ => {
                return (
                    400,
                    json!({"__type": "ResourceNotFoundException", "message": id}),
                );
            }
        };
        (
            200,
            json!({"SecretString": value, "VersionId": "v1", "VersionStages": ["AWSCURRENT"]}),
        )
    }

    fn pipeline_state(&self) -> Value {
        let waiting = self.phase == Phase::Waiting;
        let mut latest = json!({
            "actionExecutionId": if self.retried { "approve-2" } else { "approve-1" },
            "status": self.approval_status(),
            "lastStatusChange": 1_700_000_000,
        });
        if waiting && self.shows_token {
            latest["token"] = json!(if self.retried { SECOND_TOKEN } else { TOKEN });
        }
        if matches!(
            self.phase,
            Phase::Deploying | Phase::Live | Phase::RolledBack | Phase::Rejected
        ) {
            latest["lastUpdatedBy"] = json!(self.by);
            latest["summary"] = json!(self.summary);
        }
        json!({"pipelineName": PIPELINE, "stageStates": [{
            "stageName": STAGE,
            "latestExecution": {"pipelineExecutionId": EXECUTION, "status": "InProgress"},
            "actionStates": [{"actionName": ACTION, "latestExecution": latest}],
        }]})
    }

    fn approval_status(&self) -> &'static str {
        match self.phase {
            Phase::Waiting => "InProgress",
            Phase::Deploying | Phase::Live | Phase::RolledBack => "Succeeded",
            Phase::Rejected => "Failed",
            Phase::Superseded => "Abandoned",
        }
    }

    fn execution(&self) -> Value {
        let status = match self.phase {
            Phase::Waiting | Phase::Deploying => "InProgress",
            Phase::Live => "Succeeded",
            Phase::RolledBack | Phase::Rejected => "Failed",
            Phase::Superseded => "Superseded",
        };
        json!({"pipelineExecution": {
            "pipelineName": PIPELINE, "pipelineVersion": 3, "pipelineExecutionId": EXECUTION,
            "status": status, "executionMode": "SUPERSEDED",
            "trigger": {"triggerType": "StartPipelineExecution",
                "triggerDetail": format!("arn:aws:iam::{ACCOUNT}:user/developer")},
            "variables": [{"name": "RELEASE", "resolvedValue": "2.0.0"}],
            "artifactRevisions": [{"name": "Source", "revisionId": "4f1c2d3e4f5a6b7c8d9e",
                "revisionSummary": COMMIT, "revisionUrl": "https://example.com/c/4f1c", "created": 1_700_000_000}],
        }})
    }

    fn actions(&self, call: &Call) -> Vec<Value> {
        let wanted = &call.body["filter"]["pipelineExecutionId"];
        if !wanted.is_null() && wanted != EXECUTION {
            return Vec::new();
        }
        let mut approval = json!({
            "pipelineExecutionId": EXECUTION, "actionExecutionId": "approve-1", "pipelineVersion": 3,
            "stageName": STAGE, "actionName": ACTION, "status": self.approval_status(),
            "startTime": 1_700_000_100, "lastUpdateTime": 1_700_000_200,
            "input": {"actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
                "configuration": self.owner},
            "output": {"executionResult": {"externalExecutionId": TOKEN}, "outputVariables": {}},
        });
        if matches!(
            self.phase,
            Phase::Deploying | Phase::Live | Phase::RolledBack | Phase::Rejected
        ) {
            approval["updatedBy"] = json!(self.by);
            approval["output"]["executionResult"]["externalExecutionSummary"] = json!(self.summary);
        }
        let mut actions = vec![approval.clone(), change_set_action()];
        if self.retried {
            actions[0]["actionExecutionId"] = json!("approve-2");
            actions[0]["startTime"] = json!(1_700_000_150);
            actions[0]["output"]["executionResult"]["externalExecutionId"] = json!(SECOND_TOKEN);
            approval["status"] = json!("Failed");
            approval["updatedBy"] = json!(self.by);
            actions.insert(1, approval);
        }
        if self.history_lags {
            actions.remove(0);
        }
        let deploy = match self.phase {
            Phase::Deploying => "InProgress",
            Phase::Live => "Succeeded",
            Phase::RolledBack => "Failed",
            _ => return actions,
        };
        actions.insert(0, json!({
            "pipelineExecutionId": EXECUTION, "actionExecutionId": "deploy-1", "pipelineVersion": 3,
            "stageName": STAGE, "actionName": "Deploy", "status": deploy,
            "startTime": 1_700_000_300, "lastUpdateTime": 1_700_000_400,
            "input": {"actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "CodeDeployToECS", "version": "1"},
                "configuration": {"ApplicationName": "shop", "DeploymentGroupName": "production"},
                "resolvedConfiguration": {"ApplicationName": "shop", "DeploymentGroupName": "production"}},
            "output": {"executionResult": {"externalExecutionId": "d-ABCDEF123"}},
        }));
        actions
    }

    fn deployment(&self) -> Value {
        let status = match self.phase {
            Phase::Live => "Succeeded",
            Phase::RolledBack => "Failed",
            _ => "InProgress",
        };
        let mut info = json!({
            "applicationName": "shop", "deploymentGroupName": "production",
            "deploymentId": "d-ABCDEF123", "status": status, "createTime": 1_700_000_300,
        });
        if self.phase == Phase::RolledBack {
            info["rollbackInfo"] = json!({"rollbackDeploymentId": "d-ROLLBACK1"});
            info["errorInformation"] =
                json!({"code": "HOOK_FAILED", "message": "the gate said no"});
        }
        json!({"deploymentInfo": info})
    }
}

fn pipeline() -> Value {
    json!({"pipeline": {"name": PIPELINE, "roleArn": "arn:role", "version": 3, "stages": [
        {"name": STAGE, "actions": [{"name": ACTION,
            "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
            "configuration": {}, "runOrder": 1}]}]}})
}

fn change_set_action() -> Value {
    json!({
        "pipelineExecutionId": EXECUTION, "actionExecutionId": "change-1", "pipelineVersion": 3,
        "stageName": STAGE, "actionName": "Plan", "status": "Succeeded",
        "startTime": 1_700_000_010, "lastUpdateTime": 1_700_000_020,
        "input": {"actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1"},
            "configuration": {"ActionMode": "CHANGE_SET_REPLACE", "StackName": "shop", "ChangeSetName": "release"},
            "resolvedConfiguration": {"ActionMode": "CHANGE_SET_REPLACE", "StackName": "shop", "ChangeSetName": "release"}},
        "output": {"executionResult": {"externalExecutionId": "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/release/1"}},
    })
}

fn change_set() -> String {
    format!(
        "<DescribeChangeSetResponse><DescribeChangeSetResult>\
         <ChangeSetName>release</ChangeSetName><StackName>shop</StackName>\
         <ChangeSetId>arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/release/1</ChangeSetId>\
         <StackId>arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/1</StackId>\
         <Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus>\
         <Changes><member><Type>Resource</Type><ResourceChange><Action>Remove</Action>\
         <LogicalResourceId>Orders</LogicalResourceId><ResourceType>AWS::RDS::DBInstance</ResourceType>\
         </ResourceChange></member></Changes>\
         </DescribeChangeSetResult></DescribeChangeSetResponse>"
    )
}
