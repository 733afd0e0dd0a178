//! A world with a pipeline in it, and short words for what the tests do with it.

use std::time::Duration;

use aws_sdk_codepipeline::config::retry::RetryConfig;
use aws_sdk_codepipeline::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_codepipeline::error::ProvideErrorMetadata;
use aws_sdk_codepipeline::types::{
    ActionExecutionDetail, ActionExecutionStatus, ApprovalResult, ApprovalStatus,
    PipelineExecutionStatus,
};
use local_aws::{Server, WorldOptions};
use serde_json::{Value, json};

use crate::emulator::Emulator;

/// Longest real time anything here may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) emulator: Emulator,
    /// The pipeline's own client: who starts it.
    pub(crate) client: aws_sdk_codepipeline::Client,
    /// Who answers.
    pub(crate) reviewer: aws_sdk_codepipeline::Client,
    http: reqwest::Client,
}

impl Bench {
    /// A world without pipelines, with one commit to be found.
    pub(crate) async fn new() -> Self {
        let emulator = Emulator::default();
        let upstream = emulator.start().await;
        let options = WorldOptions {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            upstream: upstream.parse().unwrap(),
            data_dir: std::env::temp_dir().join(format!("codepipeline-{}", std::process::id())),
            images: std::collections::BTreeMap::default(),
        };
        let server = Server::start("127.0.0.1:0".parse().unwrap(), options)
            .await
            .unwrap();
        let bench = Self {
            client: client(&server, "starter"),
            reviewer: client(&server, "release-manager"),
            server,
            emulator,
            http: reqwest::Client::new(),
        };
        bench.commit("Prices with tax").await;
        bench
    }

    /// A world with the pipeline `shop`: a commit, an approval, and a function after it.
    pub(crate) async fn with_pipeline() -> Self {
        let bench = Self::new().await;
        bench.create(shop("SUPERSEDED")).await;
        bench
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// A call of the JSON protocol, for inputs that the SDK cannot make or would refuse itself.
    pub(crate) async fn raw(&self, target: &str, input: Value) -> (u16, Value) {
        let service = target.split('_').next().unwrap().to_lowercase();
        let answer = self
            .http
            .post(self.url("/"))
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=starter/20260101/us-east-1/{service}/aws4_request"
                ),
            )
            .body(input.to_string())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn create(&self, pipeline: Value) {
        let input = json!({ "pipeline": pipeline });
        let (status, answer) = self
            .raw("CodePipeline_20150709.CreatePipeline", input)
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let sent = self
            .http
            .post(self.url(path))
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = sent.status();
        let answer: Value = sent.json().await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http
            .get(self.url(path))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Sends a message to a sink; gives status, headers and body of the answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, http::HeaderMap, String) {
        let mut post = self.http.post(self.url(path)).body(body);
        for (name, value) in headers {
            post = post.header(*name, *value);
        }
        let answer = post.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    }

    pub(crate) async fn commit(&self, message: &str) -> String {
        let commit = json!({
            "repository": "example/shop", "branch": "main", "message": message,
            "author": "Release Manager", "email": "lead@example.com",
            "files": { "appspec.json": "{}" },
        });
        let id = self.control("/_local/commits", commit).await;
        id["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        self.control("/_local/clock", json!({ "advance_seconds": seconds }))
            .await;
    }

    pub(crate) async fn start(&self) -> String {
        let started = self
            .client
            .start_pipeline_execution()
            .name("shop")
            .send()
            .await;
        started.unwrap().pipeline_execution_id.unwrap()
    }

    /// The runs of an execution, the newest first.
    pub(crate) async fn runs(&self, execution: &str) -> Vec<ActionExecutionDetail> {
        let filter = aws_sdk_codepipeline::types::ActionExecutionFilter::builder()
            .pipeline_execution_id(execution)
            .build();
        let list = self
            .client
            .list_action_executions()
            .pipeline_name("shop")
            .filter(filter);
        list.send().await.unwrap().action_execution_details.unwrap()
    }

    /// The newest run of an action, once there is one.
    pub(crate) async fn run(&self, execution: &str, action: &str) -> Option<ActionExecutionDetail> {
        let runs = self.runs(execution).await;
        runs.into_iter()
            .find(|run| run.action_name() == Some(action))
    }

    /// Waits until an execution's approval waits; gives its token.
    pub(crate) async fn token(&self, execution: &str) -> String {
        self.until(|| async {
            let run = self.run(execution, "Ask").await?;
            let waits = run.status() == Some(&ActionExecutionStatus::InProgress);
            waits.then(|| external_id(&run))
        })
        .await
    }

    pub(crate) async fn status(&self, execution: &str) -> PipelineExecutionStatus {
        let shown = self
            .client
            .get_pipeline_execution()
            .pipeline_name("shop")
            .pipeline_execution_id(execution)
            .send()
            .await
            .unwrap();
        shown.pipeline_execution.unwrap().status.unwrap()
    }

    pub(crate) async fn until_status(&self, execution: &str, wanted: PipelineExecutionStatus) {
        self.until(|| async { (self.status(execution).await == wanted).then_some(()) })
            .await;
    }

    /// Waits, in real time, for what `look` looks for.
    pub(crate) async fn until<R, F: Future<Output = Option<R>>>(&self, look: impl Fn() -> F) -> R {
        let begin = tokio::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(begin.elapsed() < WAIT_TIMEOUT, "it never comes");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Answers an approval; gives the code of the error when it is refused.
    pub(crate) async fn answer(
        &self,
        token: &str,
        status: ApprovalStatus,
        summary: &str,
    ) -> Result<(), String> {
        answer_as(&self.reviewer, token, status, summary).await
    }

    pub(crate) async fn approve(&self, token: &str) -> Result<(), String> {
        self.answer(token, ApprovalStatus::Approved, "looks right")
            .await
    }
}

pub(crate) async fn answer_as(
    client: &aws_sdk_codepipeline::Client,
    token: &str,
    status: ApprovalStatus,
    summary: &str,
) -> Result<(), String> {
    let result = ApprovalResult::builder()
        .status(status)
        .summary(summary)
        .build()
        .unwrap();
    let put = client
        .put_approval_result()
        .pipeline_name("shop")
        .stage_name("Approval")
        .action_name("Ask")
        .token(token)
        .result(result);
    match put.send().await {
        Ok(answer) => {
            assert!(answer.approved_at().is_some());
            Ok(())
        }
        Err(error) => Err(error.code().unwrap_or("none").to_owned()),
    }
}

pub(crate) fn external_id(run: &ActionExecutionDetail) -> String {
    let result = run.output().and_then(|output| output.execution_result());
    result
        .and_then(|result| result.external_execution_id())
        .unwrap()
        .to_owned()
}

/// A client with an access key of its own, which tries nothing twice.
fn client(server: &Server, key: &str) -> aws_sdk_codepipeline::Client {
    let config = aws_sdk_codepipeline::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{}", server.address()))
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new(key, "test", None, None, "test"))
        .build();
    aws_sdk_codepipeline::Client::from_conf(config)
}

/// An action of a pipeline.
pub(crate) fn action(name: &str, kind: [&str; 2], configuration: &Value) -> Value {
    json!({
        "name": name,
        "actionTypeId": { "category": kind[0], "owner": "AWS", "provider": kind[1], "version": "1" },
        "configuration": configuration,
    })
}

/// The pipeline `shop` in an execution mode.
pub(crate) fn shop(mode: &str) -> Value {
    let mut source = action(
        "Source",
        ["Source", "CodeStarSourceConnection"],
        &json!({
            "ConnectionArn": "arn:aws:codeconnections:us-east-1:000000000000:connection/1",
            "FullRepositoryId": "example/shop", "BranchName": "main",
        }),
    );
    source["outputArtifacts"] = json!([{ "name": "source" }]);
    source["namespace"] = json!("Source");
    let mut ask = action(
        "Ask",
        ["Approval", "Manual"],
        &json!({
            "NotificationArn": "arn:aws:sns:us-east-1:000000000000:approvals",
            "CustomData": "#{variables.VERSION} of #{Source.CommitId}",
        }),
    );
    ask["timeoutInMinutes"] = json!(60);
    json!({
        "name": "shop", "roleArn": "arn:aws:iam::000000000000:role/pipeline", "pipelineType": "V2",
        "executionMode": mode, "artifactStore": { "type": "S3", "location": "artifacts" },
        "variables": [{ "name": "VERSION", "defaultValue": "1.0.0" }],
        "stages": [
            { "name": "Source", "actions": [source] },
            { "name": "Approval", "actions": [ask] },
            { "name": "Deploy", "actions": [
                action("Smoke", ["Deploy", "CloudFormation"], &json!({
                    "ActionMode": "CHANGE_SET_EXECUTE", "StackName": "shop", "ChangeSetName": "release",
                })),
            ]},
        ],
    })
}
