//! One pipeline of CodePipeline with one manual approval: takes one answer a token, and knows afterwards
//! who gave it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{EXECUTION, NEXT_TOKEN, START, TOKEN};
use crate::{Reply, error};

/// How the functions' role appears.
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/approval-decision/approval-decision";
/// How somebody in the console appears.
pub const CONSOLE: &str = "arn:aws:sts::111122223333:assumed-role/Admin/release-manager";

#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    pub token: String,
    /// AWS's word.
    pub status: &'static str,
    pub by: Option<String>,
    pub summary: Option<String>,
    began: f64,
    changed: f64,
}

pub struct Pipeline {
    /// Oldest first.
    pub waits: Vec<Wait>,
    /// AWS's word for the execution.
    pub execution: &'static str,
    pub trigger: Value,
    /// The revision of its source.
    pub revision: String,
    /// In this mode the state has no token.
    pub parallel: bool,
    /// Whether the action executions do not list the newest wait yet.
    pub history_lags: bool,
    /// Every answer that took effect: token, status, summary.
    pub taken: Vec<(String, String, String)>,
}

impl Pipeline {
    pub fn waiting() -> Self {
        let began = seconds(Timestamp::from_second(START - 3600).unwrap());
        Self {
            waits: vec![wait(TOKEN, began)],
            execution: "InProgress",
            trigger: json!({"triggerType": "StartPipelineExecution",
                            "triggerDetail": "arn:aws:iam::111122223333:user/release-manager"}),
            revision: "4f0c1d2".into(),
            parallel: false,
            history_lags: false,
            taken: Vec::new(),
        }
    }

    pub fn latest(&self) -> &Wait {
        self.waits.last().unwrap()
    }

    fn settle(
        &mut self,
        status: &'static str,
        by: Option<&str>,
        summary: Option<&str>,
        now: Timestamp,
    ) {
        let wait = self.waits.last_mut().unwrap();
        if wait.status == "InProgress" {
            wait.status = status;
            wait.by = by.map(str::to_owned);
            wait.summary = summary.map(str::to_owned);
            wait.changed = seconds(now);
        }
    }

    pub fn console(&mut self, yes: bool, now: Timestamp) {
        let status = if yes { "Succeeded" } else { "Failed" };
        self.settle(status, Some(CONSOLE), Some("in the console"), now);
    }

    pub fn expire(&mut self, now: Timestamp) {
        self.settle("Failed", None, None, now);
    }

    pub fn end(&mut self, word: &'static str, now: Timestamp) {
        if self.latest().status == "InProgress" {
            self.settle("Abandoned", None, None, now);
            self.execution = word;
        }
    }

    /// The stage failed and was retried: the first wait is over, another one begins.
    pub fn ask_anew(&mut self, now: Timestamp) {
        self.settle("Failed", Some(CONSOLE), Some("once more, please"), now);
        if self.waits.len() == 1 && self.latest().status == "Failed" {
            self.waits.push(wait(NEXT_TOKEN, seconds(now) + 60.0));
        }
    }

    pub fn serve(&mut self, operation: &str, call: &Value, now: Timestamp) -> Reply {
        match operation {
            "GetPipelineState" => Ok(self.state()),
            "ListActionExecutions" => Ok(self.actions()),
            "GetPipelineExecution" => Ok(json!({"pipelineExecution": {
                "pipelineName": "shop", "pipelineExecutionId": EXECUTION,
                "status": self.execution, "trigger": self.trigger,
                "artifactRevisions": [{"name": "source", "revisionId": self.revision,
                                       "revisionSummary": "Ship it"}]}})),
            "ListPipelineExecutions" => Ok(json!({"pipelineExecutionSummaries": []})),
            "PutApprovalResult" => self.put(call, now),
            other => panic!("nobody calls {other} here"),
        }
    }

    fn put(&mut self, call: &Value, now: Timestamp) -> Reply {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let token = text(&call["token"]);
        let (status, summary) = (
            text(&call["result"]["status"]),
            text(&call["result"]["summary"]),
        );
        assert!(summary.len() <= 512, "{summary}");
        let wait = self.waits.last_mut().unwrap();
        if wait.token != token || wait.status != "InProgress" {
            let message = format!("The approval token {token} is not valid");
            return Err(error("InvalidApprovalTokenException", &message));
        }
        let word = if status == "Approved" {
            "Succeeded"
        } else {
            "Failed"
        };
        self.settle(word, Some(ROLE), Some(&summary), now);
        self.taken.push((token, status, summary));
        Ok(json!({"approvedAt": seconds(now)}))
    }

    fn state(&self) -> Value {
        let wait = self.latest();
        let mut latest = json!({
            "actionExecutionId": format!("action-{}", self.waits.len()), "status": wait.status,
            "lastStatusChange": wait.changed, "lastUpdatedBy": wait.by, "summary": wait.summary});
        if wait.status == "InProgress" && !self.parallel {
            latest["token"] = json!(wait.token);
        }
        json!({"pipelineName": "shop", "stageStates": [{
            "stageName": "Production",
            "latestExecution": {"pipelineExecutionId": EXECUTION, "status": self.execution},
            "actionStates": [{"actionName": "Approve", "latestExecution": latest}]}]})
    }

    fn actions(&self) -> Value {
        let details: Vec<Value> = self
            .waits
            .iter()
            .enumerate()
            .rev()
            .skip(usize::from(self.history_lags))
            .map(|(n, wait)| {
                json!({
                    "pipelineExecutionId": EXECUTION, "actionExecutionId": format!("action-{}", n + 1),
                    "stageName": "Production", "actionName": "Approve", "status": wait.status,
                    "startTime": wait.began, "lastUpdateTime": wait.changed, "updatedBy": wait.by,
                    "input": {"actionTypeId": {"category": "Approval", "owner": "AWS",
                                               "provider": "Manual", "version": "1"}},
                    "output": {"executionResult": {"externalExecutionId": wait.token,
                                                   "externalExecutionSummary": wait.summary}}})
            })
            .collect();
        json!({"actionExecutionDetails": details})
    }
}

fn wait(token: &str, began: f64) -> Wait {
    Wait {
        token: token.to_owned(),
        status: "InProgress",
        by: None,
        summary: None,
        began,
        changed: began,
    }
}

fn seconds(time: Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "seconds of this century fit")]
    let seconds = time.as_second() as f64;
    seconds
}
