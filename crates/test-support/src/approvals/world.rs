//! The services that approvals meet: the state table, one pipeline with a manual approval, one paused
//! deployment of ECS, secrets, and the function's invocations of itself.

use std::collections::HashMap;

use common::aws::Aws;
use serde_json::{Value, json};

use super::deployment::Deployment;
use super::pipeline::Pipeline;
use super::{Hands, TABLE, gate_question};
use crate::dynamodb::Tables;
use crate::world::{self, Answer, Call, Services, reply};
use crate::{error, sdk};

pub type World = world::World<State>;
pub type CallFault = world::CallFault<Act>;

/// What others can do between two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Somebody says yes in the console.
    ConsoleApproves,
    /// Somebody says no in the console.
    ConsoleRejects,
    /// A newer execution takes its place.
    Supersede,
    /// Its time is over.
    Expire,
    /// Somebody stops the execution.
    Stop,
    /// The stage is retried: a new wait with a new token.
    AskAnew,
    /// The change set is made anew.
    Change,
    /// The gate that asks ends in another way.
    GateEnds,
}

pub struct State {
    pub tables: Tables,
    pub pipeline: Pipeline,
    pub deployment: Deployment,
    /// Payloads of asynchronous invocations.
    pub invoked: Vec<Value>,
    /// Values of Secrets Manager, by name and stage.
    pub secrets: HashMap<(String, String), String>,
    deployable: String,
    hands: Hands,
}

impl World {
    pub fn new(hands: Hands) -> Self {
        Self::of(State {
            tables: Tables::default(),
            pipeline: Pipeline::waiting(),
            deployment: Deployment::waiting(),
            invoked: Vec::new(),
            secrets: HashMap::new(),
            deployable: "1.1.0".into(),
            hands,
        })
    }

    /// Clients of this world, without retries: a test sees each try.
    pub fn aws(&self) -> Aws {
        self.aws_with_tries(1)
    }

    pub fn aws_with_tries(&self, tries: u32) -> Aws {
        sdk::in_memory_with_timeouts(self.clone(), "eu-central-1", "id", tries)
    }

    /// What would be deployed now.
    pub fn deployable(&self) -> String {
        self.with(|state| state.deployable.clone())
    }

    /// Everything in all tables, as text.
    pub fn items(&self) -> String {
        self.with(|state| state.tables.dump())
    }
}

impl State {
    fn secret(&self, call: &Call) -> Answer {
        let text = |name: &str| call.json[name].as_str().unwrap_or_default().to_owned();
        let stage = match text("VersionStage") {
            stage if stage.is_empty() => "AWSCURRENT".to_owned(),
            stage => stage,
        };
        let secret = self.secrets.get(&(text("SecretId"), stage));
        let missing = || error("ResourceNotFoundException", "no such secret");
        reply(
            secret
                .map(|secret| json!({"SecretString": secret}))
                .ok_or_else(missing),
        )
    }
}

impl Services for State {
    type Act = Act;

    fn serve(&mut self, call: &Call) -> Answer {
        let now = self.hands.now();
        match call.service.as_str() {
            "dynamodb" => reply(self.tables.serve(&call.operation, &call.json)),
            "codepipeline" => reply(self.pipeline.serve(&call.operation, &call.json, now)),
            "ecs" => reply(self.deployment.serve(&call.operation, &call.json)),
            "secretsmanager" => self.secret(call),
            "lambda" => {
                self.invoked.push(call.json.clone());
                (202, String::new())
            }
            other => panic!("nobody answers {other} {}", call.operation),
        }
    }

    fn act(&mut self, act: Act) {
        let (pipeline, now) = (&mut self.pipeline, self.hands.now());
        if act == Act::GateEnds {
            let partition = format!("gate-ended#{}", gate_question().id());
            let body = json!({"reason": "the deployment d-1 is over already (Stopped)", "at": now});
            self.tables.put_body(TABLE, &partition, "end", &body);
        }
        let deployment = &mut self.deployment;
        match act {
            Act::ConsoleApproves => deployment.settle("SUCCEEDED"),
            Act::ConsoleRejects => deployment.settle("FAILED"),
            Act::Supersede | Act::Stop => deployment.end("STOPPED"),
            Act::Expire => deployment.settle("TIMED_OUT"),
            Act::AskAnew => deployment.next_step(),
            Act::Change | Act::GateEnds => {}
        }
        match act {
            Act::ConsoleApproves => pipeline.console(true, now),
            Act::ConsoleRejects => pipeline.console(false, now),
            Act::Supersede => pipeline.end("Superseded", now),
            Act::Stop => pipeline.end("Stopped", now),
            Act::Expire => pipeline.expire(now),
            Act::AskAnew => pipeline.ask_anew(now),
            Act::Change => {
                pipeline.revision = "another revision".into();
                self.deployable = "1.1.0 made anew".into();
            }
            Act::GateEnds => {}
        }
    }
}
