//! The deploy action: from an artifact to a deployment that ends well or is rolled back, by the jobs of one action.

use std::convert::Infallible;
use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deploy_action::{Event, Function, handle};
use drill::{Row, Tally};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use test_support::world::{self, Answer, Call, Services, reply};
use test_support::{environments, error, sdk};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::story::{Dice, LAMBDA_RETRIES, dice, invoked, stories};

type World = world::World<State>;
type CallFault = world::CallFault<Infallible>;

const REGION: &str = "us-east-1";
const ARN: &str = "arn:aws:ecs:us-east-1:111122223333";
const PARAMETERS: &str =
    r#"{"cluster":"production","service":"shop","image_detail":"imageDetail.json"}"#;
const MALFORMED: [&str; 5] = [
    "",
    "{}",
    r#"{"cluster":"production""#,
    r#"{"cluster":"production","service":"shop","image_detial":"imageDetail.json"}"#,
    r#"{"cluster":"production","service":"shop","task_definition":"nowhere::taskdef.json"}"#,
];
/// How a deployment may end; only the first is a success.
const ENDS: [&str; 4] = [
    "SUCCESSFUL",
    "ROLLBACK_SUCCESSFUL",
    "STOPPED",
    "ROLLBACK_FAILED",
];
/// Looks at a deployment until it is over.
const LOOKS: usize = 3;
/// An action with more jobs than this has no end.
const MAX_JOBS: usize = 60;
/// Between two jobs of an action.
const BETWEEN_JOBS: Duration = Duration::from_secs(30);

/// The drill.
pub fn drill(count: usize, seed: u64) -> Vec<Row> {
    let tally = environments::block_on(stories(count, 1, |index| story(index, seed)));
    vec![Row {
        function: "deploy-action",
        caller: "CodePipeline",
        tally,
    }]
}

/// One action, with all its jobs.
async fn story(index: u64, seed: u64) -> Tally {
    let mut dice = dice(seed, index);
    let mut tally = Tally::default();
    let broken = dice.once_in(2);
    let parameters = if broken && dice.once_in(3) {
        dice.one_of(&MALFORMED)
    } else {
        PARAMETERS
    };
    let world = World::of(State {
        end: if broken {
            dice.one_of(&ENDS[1..])
        } else {
            ENDS[0]
        },
        artifact: artifact(broken && dice.once_in(3)),
        ..State::default()
    });
    let limit = dice.one_of(&[
        Duration::from_mins(1),
        Duration::from_secs(20),
        Duration::from_secs(5),
    ]);
    let function = Arc::new(Function::with(
        sdk::in_memory(world.clone(), REGION, "id", 1),
        REGION.to_owned(),
    ));
    let met = faults(&world, dice.split());
    let end = jobs(&world, &function, parameters, limit, &mut dice, &mut tally).await;
    tally.faults = met.load(std::sync::atomic::Ordering::Relaxed);
    let (updates, went_well) = world.with(|state| {
        (
            state.updates.len(),
            state.end == ENDS[0] && state.looks >= LOOKS,
        )
    });
    match end {
        Ok(Some(passed)) => {
            tally.answered = 1;
            tally.passes = usize::from(passed);
            tally.false_passes = usize::from(passed && !(went_well && updates == 1));
        }
        Ok(None) => tally.unheard = 1,
        Err(why) => tally.wrong.push(format!("story {index}: {why}")),
    }
    if updates > 1 {
        tally
            .wrong
            .push(format!("story {index}: {updates} deployments were begun"));
    }
    tally
}

/// Whether the action succeeded; none: nobody heard, and the function said so.
async fn jobs(
    world: &World,
    function: &Arc<Function>,
    parameters: &str,
    limit: Duration,
    dice: &mut Dice,
    tally: &mut Tally,
) -> Result<Option<bool>, String> {
    let mut token = None::<String>;
    for n in 0..MAX_JOBS {
        let id = format!("job-{n}");
        let event = event(&id, parameters, token.as_deref());
        let mut failed = false;
        // A duplicate delivery, once in a while.
        for _ in 0..=usize::from(dice.once_in(8)) {
            for _ in 0..=LAMBDA_RETRIES {
                let event: Event = serde_json::from_value(event.clone()).unwrap();
                let event = LambdaEvent::new(event, context(limit));
                failed = invoked(tally, limit, handle(function.clone(), event))
                    .await
                    .is_err();
                if !failed {
                    break;
                }
            }
        }
        let answers = world.with(|state| state.answers.clone());
        let answers: Vec<&Value> = answers.iter().filter(|it| it["jobId"] == *id).collect();
        match answers[..] {
            [] if failed => return Ok(None),
            [] => return Err("it says that it has answered, and has not".to_owned()),
            [answer] => match answer["continuationToken"].as_str() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(Some(answer.get("failureDetails").is_none())),
            },
            _ => return Err(format!("{id} was answered more than once")),
        }
        tokio::time::sleep(BETWEEN_JOBS).await;
    }
    Err("it never ends".to_owned())
}

fn context(limit: Duration) -> Context {
    let mut context = Context::default();
    let deadline = SystemTime::now() + limit;
    let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(since.as_millis()).unwrap();
    context
}

/// Counts what was met.
fn faults(world: &World, mut dice: Dice) -> Arc<std::sync::atomic::AtomicUsize> {
    let met = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = met.clone();
    world.plan(move |_, operation| {
        if !dice.once_in(6) {
            return None;
        }
        // An answer is given by the SDK's own code, in which nothing of ours can panic.
        let answers = operation.starts_with("PutJob");
        let fault = match dice.below(7) {
            0 => CallFault::Lose,
            1 => CallFault::Hang,
            2 => CallFault::Freeze(2),
            3 => CallFault::Fail(500, "ServerException"),
            4 => CallFault::Fail(503, "ServiceUnavailable"),
            5 if !answers => CallFault::Panic,
            _ => CallFault::Fail(400, "ThrottlingException"),
        };
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(fault)
    });
    met
}

fn event(id: &str, parameters: &str, token: Option<&str>) -> Value {
    json!({"CodePipeline.job": {
        "id": id, "accountId": "111122223333",
        "data": {
            "actionConfiguration": {"configuration": {"FunctionName": "deploy", "UserParameters": parameters}},
            "inputArtifacts": [{"name": "build", "location": {"type": "S3",
                "s3Location": {"bucketName": "artifacts", "objectKey": "shop/build/1"}}}],
            "artifactCredentials": {"accessKeyId": "AKID", "secretAccessKey": "hunter2", "sessionToken": "s"},
            "continuationToken": token,
        },
    }})
}

fn artifact(is_cut: bool) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in [
        (
            "taskdef.json",
            r#"{"family":"shop","containerDefinitions":[{"name":"shop","image":"<IMAGE1_NAME>"}]}"#,
        ),
        (
            "imageDetail.json",
            r#"{"ImageURI":"registry.example/shop@sha256:1"}"#,
        ),
    ] {
        archive
            .start_file(path, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    let mut bytes = archive.finish().unwrap().into_inner();
    if is_cut {
        bytes.truncate(bytes.len() / 2);
    }
    bytes
}

/// ECS with one service, the bucket of artifacts, and `CodePipeline`.
#[derive(Default)]
struct State {
    registered: usize,
    /// The task definitions that a deployment was begun with.
    updates: Vec<String>,
    looks: usize,
    end: &'static str,
    /// Answers that were taken, with the fields of their calls.
    answers: Vec<Value>,
    artifact: Vec<u8>,
}

impl Services for State {
    type Act = Infallible;

    fn serve(&mut self, call: &Call) -> Answer {
        reply(match call.operation.as_str() {
            "DescribeServices" => Ok(json!({"services": [{
                "status": "ACTIVE", "serviceName": "shop",
                "serviceArn": format!("{ARN}:service/production/shop"),
                "clusterArn": format!("{ARN}:cluster/production"),
                "deploymentController": {"type": "ECS"},
                "taskDefinition": format!("{ARN}:task-definition/shop:6")}]})),
            "RegisterTaskDefinition" => {
                self.registered += 1;
                let arn = format!("{ARN}:task-definition/shop:{}", 6 + self.registered);
                Ok(json!({"taskDefinition": {"taskDefinitionArn": arn}}))
            }
            "UpdateService" => {
                let definition = call.json["taskDefinition"].as_str().unwrap();
                self.updates.push(definition.to_owned());
                Ok(json!({"service": {}}))
            }
            "ListServiceDeployments" => {
                let listed: Vec<Value> = (0..self.updates.len()).map(brief).collect();
                Ok(json!({"serviceDeployments": listed}))
            }
            "DescribeServiceRevisions" => {
                let revisions: Vec<Value> = self.updates.iter().enumerate().map(|(n, definition)| {
                    json!({"serviceRevisionArn": revision(n), "taskDefinition": definition})
                }).collect();
                Ok(json!({"serviceRevisions": revisions}))
            }
            "DescribeServiceDeployments" => {
                self.looks += 1;
                let status = if self.looks >= LOOKS {
                    self.end
                } else {
                    "IN_PROGRESS"
                };
                let arn = &call.json["serviceDeploymentArns"][0];
                Ok(
                    json!({"serviceDeployments": [{"serviceDeploymentArn": arn, "status": status,
                    "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT"}]}),
                )
            }
            "PutJobSuccessResult" | "PutJobFailureResult" => {
                // One that ends the job, or hands it on; any later one meets AWS's error.
                if self
                    .answers
                    .iter()
                    .any(|it| it["jobId"] == call.json["jobId"])
                {
                    Err(error("InvalidJobStateException", "it is over"))
                } else {
                    self.answers.push(call.json.clone());
                    Ok(json!({}))
                }
            }
            other => panic!("nobody answers {other}"),
        })
    }

    fn act(&mut self, act: Infallible) {
        match act {}
    }

    fn object(&mut self) -> Vec<u8> {
        self.artifact.clone()
    }
}

fn revision(n: usize) -> String {
    format!("{ARN}:service-revision/production/shop/{n}")
}

fn brief(n: usize) -> Value {
    json!({"serviceDeploymentArn": format!("{ARN}:service-deployment/production/shop/{n}"),
           "targetServiceRevisionArn": revision(n), "createdAt": 1.0, "status": "IN_PROGRESS"})
}
