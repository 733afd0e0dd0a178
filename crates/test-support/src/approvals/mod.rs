//! A case that waits for its decision, in a small AWS.

pub mod deployment;
pub mod pipeline;
pub mod world;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use approvals::config::Config;
use approvals::decide::{BoxFuture, DecisionContext};
use approvals::pipeline::PipelineError;
use approvals::records::Records;
use approvals::token_mac::token_mac;
use approvals::{
    ApprovalAction, AskingGate, Briefing, Case, CheckEvidence, Evidence, GateQuestion, ShownDigest,
    Starter, Token,
};
use common::aws::Aws;
use common::state::Table;
use jiff::Timestamp;
use signing::Keys;

pub use world::{Act, CallFault, World};

/// The token of the wait that the case is about. It must never be seen anywhere.
pub const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
/// The token of another wait.
pub const NEXT_TOKEN: &str = "7f0e7a52-1111-4222-8333-444455556666";
/// What a gate stands in front of.
pub const GATED_DEPLOYMENT: &str = "d-ABCDEF123";
pub const EXECUTION: &str = "11111111-2222-3333-4444-555555555555";
pub const KEY: &str = "a-signing-key-of-at-least-32-characters";
pub const TABLE: &str = "deploy-hooks-state";
/// 2026-03-02, a Monday, 10:00 in UTC.
pub const START: i64 = 1_772_445_600;

/// A clock that the test moves.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

impl Hands {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub fn action() -> ApprovalAction {
    ApprovalAction {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        pipeline: "shop".into(),
        stage: "Production".into(),
        action: "Approve".into(),
    }
}

pub fn keys() -> Keys {
    Keys::new(KEY, None).unwrap()
}

/// What would be deployed, while `version` is.
pub fn shown(version: &str) -> ShownDigest {
    ShownDigest {
        digest: format!("digest of {version}"),
        change_sets: vec![format!(
            "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/{version}/1"
        )],
        unknown: Vec::new(),
    }
}

/// The case as the notifier would have written it.
pub fn case() -> Case {
    let token = Token::new(TOKEN);
    Case {
        id: Case::id_of(&action(), &token),
        source: action().into(),
        execution_id: Some(EXECUTION.into()),
        token_mac: token_mac(&keys(), &action(), &token),
        route: "production".into(),
        asked_at: Timestamp::from_second(START - 3600).unwrap(),
        expires: Some(Timestamp::from_second(START + 6 * 86_400).unwrap()),
        console_link: Some(
            "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view".into(),
        ),
        external_link: None,
        comment: Some("the spring release".into()),
        briefing: Briefing {
            starter: Some(Starter {
                trigger: "AutomatedRollback".into(),
                detail: "arn:aws:codestar-connections:eu-central-1:111122223333:connection/1"
                    .into(),
                name: "1".into(),
            }),
            ..Briefing::default()
        },
        shown: shown("1.1.0"),
    }
}

/// The case of a paused deployment.
pub fn pause_case() -> Case {
    let paused = deployment::paused();
    Case {
        id: paused.case_id(),
        execution_id: Some(paused.deployment_arn.clone()),
        token_mac: String::new(),
        briefing: Briefing::default(),
        source: paused.into(),
        ..case()
    }
}

/// What a gate asks.
pub fn gate_question() -> GateQuestion {
    GateQuestion {
        format: 1,
        asking: AskingGate {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            gate: "post-traffic".into(),
            caller: "CodeDeploy".into(),
            application: "shop".into(),
            deployment_group: "production".into(),
            deployment_id: GATED_DEPLOYMENT.into(),
            lifecycle_event: "AfterAllowTraffic".into(),
            ..AskingGate::default()
        },
        evidence: Evidence {
            suite: "shop".into(),
            version: "1.1.0".into(),
            reasons: vec!["check \"the supplier answers\" errored".into()],
            checks: vec![CheckEvidence {
                name: "the supplier answers".into(),
                measurement: "errored".into(),
                passed: 3,
                rounds: 5,
            }],
            report: "s3://reports/shop/post-traffic-asked.html".into(),
            ..Evidence::default()
        },
        asked_at: Timestamp::from_second(START - 60).unwrap(),
        expires: Timestamp::from_second(START + 3000).unwrap(),
    }
}

/// The case of a gate that asks.
pub fn gate_case() -> Case {
    let question = gate_question();
    Case {
        id: question.id(),
        execution_id: Some(GATED_DEPLOYMENT.into()),
        token_mac: String::new(),
        briefing: Briefing {
            gate: Some(question.evidence.clone()),
            ..Briefing::default()
        },
        expires: Some(question.expires),
        source: question.asking.into(),
        ..case()
    }
}

/// A configuration with this policy; the approvers are `slack:T0001/U0001` to `U0060`, two addresses
/// and a channel's link.
pub fn config(policy: &str) -> Config {
    let text = config_text(policy);
    Config::parse("approvals.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The same as it stands in a file.
pub fn config_text(policy: &str) -> String {
    let slack = (1..=60).map(|n| format!("'slack:T0001/U{n:04}'"));
    let links = [
        "'email:lead@example.com'",
        "'email:other@example.com'",
        "'link:teams'",
    ];
    let approvers: Vec<String> = slack.chain(links.map(str::to_owned)).collect();
    format!(
        "version: 1
channels:
  room: {{slack: {{channel: C0123456789, token: 'secretsmanager:slack#bot'}}}}
  teams: {{teams: {{url: 'ssm:/deploy-hooks/teams-url'}}}}
  mail: {{ses: {{from: releases@example.com, to: [lead@example.com, other@example.com]}}}}
routes:
  - name: production
    match: {{pipeline: shop}}
    tell: [room, mail, teams]
    policy: {{approvers: [{}], {policy}}}
other_messages: {{tell: [room]}}
",
        approvers.join(", ")
    )
}

/// The context of one function in this world.
pub struct Fixture {
    pub world: World,
    pub aws: Aws,
    pub hands: Hands,
    pub keys: Keys,
    pub config: Config,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    ids: Box<dyn Fn() -> String + Send + Sync>,
    look: Box<Look>,
}

type Look = dyn for<'c> Fn(&'c Aws, &'c Case, &'c str) -> BoxFuture<'c, Result<ShownDigest, PipelineError>>
    + Send
    + Sync;

impl Fixture {
    /// A context with this policy; the case is open and waits.
    pub async fn open(policy: &str) -> Self {
        Self::with(config(policy), case()).await
    }

    pub async fn with(config: Config, case: Case) -> Self {
        let hands = Hands::new();
        let world = World::new(hands.clone());
        let clock = hands.clone();
        let looking = world.clone();
        let counter = Mutex::new(0);
        let office = Self {
            aws: world.aws(),
            hands,
            keys: keys(),
            config,
            clock: Box::new(move || clock.now()),
            ids: Box::new(move || {
                let mut counter = counter.lock().unwrap();
                *counter += 1;
                format!("id{counter:06}")
            }),
            look: Box::new(move |_, _, execution| {
                let world = looking.clone();
                Box::pin(async move {
                    let met = world.meets("ShownNow").await;
                    met.map_err(|fault| PipelineError::Call {
                        what: "what was shown".to_owned(),
                        permission: "",
                        detail: format!("{fault:?}"),
                        transient: true,
                    })?;
                    assert!(
                        [EXECUTION, deployment::DEPLOYMENT, GATED_DEPLOYMENT].contains(&execution)
                    );
                    Ok(shown(&world.deployable()))
                })
            }),
            world,
        };
        office.context().records.open_case(&case).await.unwrap();
        office.world.forget_calls();
        office
    }

    pub fn context(&self) -> DecisionContext<'_> {
        DecisionContext {
            aws: &self.aws,
            records: self.records(),
            keys: &self.keys,
            config: &self.config,
            shown_now: &*self.look,
        }
    }

    pub fn records(&self) -> Records<'_> {
        let table = Table {
            aws: &self.aws,
            name: TABLE,
        };
        Records::new(table, &*self.clock, &*self.ids)
    }
}
