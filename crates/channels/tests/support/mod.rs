//! What the tests tell: a case as people meet it, and one that is far too large.

#![allow(dead_code, reason = "each test uses its part of it")]
#![allow(unreachable_pub, reason = "a module of each test")]

pub mod fake;

use approvals::config::Config;
use approvals::{
    ApprovalAction, Briefing, Case, Change, ChangeAction, ChangeSet, Gap, GateReport, Lookup,
    Property, Replacement, Revision, Risk, SetState, ShownDigest, Starter, Step, Token, Variable,
    VersionChange,
};
use channels::{ApprovalNotice, Links, Message, NoticeReason, Payload, Subject, Surface, Texts};
use contacts::Language;
use jiff::Timestamp;

pub const SURFACES: [Surface; 7] = [
    Surface::Slack,
    Surface::SlackWebhook,
    Surface::Teams,
    Surface::Mail,
    Surface::SnsMail,
    Surface::Webhook,
    Surface::AmazonQ,
];

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn english() -> Texts {
    Texts::of(Language::English)
}

/// A case with a bit of everything.
pub fn case() -> Case {
    let action = ApprovalAction {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        pipeline: "shop-release".into(),
        stage: "Production".into(),
        action: "ApproveRelease".into(),
    };
    Case {
        id: Case::id_of(&action, &Token::new("0c35520a-b7e6-403d-ba3f-e02120b524c3")),
        source: action.into(),
        execution_id: Some("3137f7cb-7cf7-039j-s83l-d7eu3EXAMPLE".into()),
        token_mac: "0011aabb:ffff".into(),
        route: "production".into(),
        asked_at: at("2026-03-02T09:00:05Z"),
        expires: Some(at("2026-03-02T11:10:05Z")),
        console_link: Some("https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1".into()),
        external_link: Some("https://shop.example.com/releases/v2.4.0".into()),
        comment: Some("Release 2.4.0: new checkout\nCheck the dashboards first.\n".into()),
        briefing: briefing(),
        shown: ShownDigest::default(),
    }
}

pub fn briefing() -> Briefing {
    Briefing {
        deployment: None,
        starter: Some(Starter {
            trigger: "StartPipelineExecution".into(),
            detail: "arn:aws:iam::111122223333:user/release-manager".into(),
            name: "release-manager".into(),
        }),
        variables: vec![Variable {
            name: "RELEASE".into(),
            value: "2.4.0".into(),
        }],
        revisions: vec![Revision {
            artifact: "Source".into(),
            id: "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678".into(),
            summary: Some("Checkout: pay by invoice <!channel> & more\n\nLong text".into()),
            author: Some("developer".into()),
            url: Some("https://git.example.com/shop/commit/a1b2c3d?a=1&b=2".into()),
            created: Some(at("2026-03-02T08:12:00Z")),
        }],
        version: Some(VersionChange {
            from: Some("1.9.3".into()),
            to: "2.4.0".into(),
            step: Step::Major,
        }),
        change_sets: vec![ChangeSet {
            stack: "shop".into(),
            name: "release-2-4-0".into(),
            id: "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/release-2-4-0/1".into(),
            changes: vec![
                change(
                    Risk::Other,
                    ChangeAction::Modify,
                    "Service",
                    "AWS::ECS::Service",
                ),
                change(
                    Risk::Removal,
                    ChangeAction::Remove,
                    "OldOrders",
                    "AWS::DynamoDB::Table",
                ),
                replaced("Database", "AWS::RDS::DBInstance"),
                change(
                    Risk::Access,
                    ChangeAction::Modify,
                    "TaskRole",
                    "AWS::IAM::Role",
                ),
            ],
            total: 4,
            state: SetState::Executable,
            reason: None,
        }],
        gate: None,
        gates: vec![GateReport {
            stage: "pre-traffic".into(),
            application: "shop".into(),
            deployment: "d-EXAMPLE11".into(),
            passed: true,
            reasons: vec!["all 12 checks passed".into()],
            report: "s3://shop-reports/pre-traffic/d-EXAMPLE11.html".into(),
        }],
        gaps: vec![Gap {
            what: Lookup::OldVersion,
            why: "AccessDenied: not authorized to perform ListPipelineExecutions".into(),
        }],
    }
}

pub fn change(risk: Risk, action: ChangeAction, id: &str, kind: &str) -> Change {
    Change {
        risk,
        action,
        logical_id: id.into(),
        resource_type: kind.into(),
        replacement: Replacement::False,
        properties: Vec::new(),
    }
}

pub fn replaced(id: &str, kind: &str) -> Change {
    Change {
        replacement: Replacement::True,
        properties: vec![
            Property {
                name: "Tags".into(),
                before: None,
                after: None,
                recreates: Replacement::False,
            },
            Property {
                name: "Engine".into(),
                before: Some("mysql".into()),
                after: Some("postgres".into()),
                recreates: Replacement::True,
            },
        ],
        ..change(Risk::Replacement, ChangeAction::Modify, id, kind)
    }
}

/// 200 resources, most of them in nested stacks; what is dangerous stands where nobody would look.
pub fn big_case() -> Case {
    let mut case = case();
    let mut changes: Vec<Change> = (0..200)
        .map(|n| {
            let id = format!("Network/Subnets{}/RouteTableAssociation{n}", n % 7);
            let mut change = change(
                Risk::Other,
                ChangeAction::Modify,
                &id,
                "AWS::EC2::SubnetRouteTableAssociation",
            );
            change.properties = (0..6)
                .map(|p| Property {
                    name: format!("Property{p}"),
                    before: Some(format!("subnet-0123456789abcdef{n}-before")),
                    after: Some(format!("subnet-0123456789abcdef{n}-after")),
                    recreates: Replacement::False,
                })
                .collect();
            change
        })
        .collect();
    changes[199] = change(
        Risk::Removal,
        ChangeAction::Remove,
        "Data/Orders",
        "AWS::DynamoDB::Table",
    );
    changes[150] = replaced("Data/Database", "AWS::RDS::DBInstance");
    changes[120] = Change {
        replacement: Replacement::Conditional,
        ..change(
            Risk::Replacement,
            ChangeAction::Modify,
            "Web/Balancer",
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
        )
    };
    changes[77] = change(
        Risk::Access,
        ChangeAction::Modify,
        "Web/TaskRole",
        "AWS::IAM::Role",
    );
    changes[50] = change(
        Risk::Data,
        ChangeAction::Modify,
        "Data/Uploads",
        "AWS::S3::Bucket",
    );
    case.briefing.change_sets[0].changes = changes;
    case.briefing.change_sets[0].total = 230;
    case
}

pub fn links() -> Links {
    let link = |action| {
        Some(format!(
            "https://decide.example.com/d/{action}.{}",
            "x".repeat(300)
        ))
    };
    Links {
        view: link("view"),
        approve: link("approve"),
        reject: link("reject"),
    }
}

/// What a message of a test is about.
pub trait Topic<'a> {
    fn subject(self, case: &'a Case) -> Subject<'a>;
}

impl<'a> Topic<'a> for NoticeReason<'a> {
    fn subject(self, case: &'a Case) -> Subject<'a> {
        Subject::Approval(ApprovalNotice {
            occasion: self,
            case,
            links: links(),
            mentions: &[],
            waiting: true,
        })
    }
}

impl<'a> Topic<'a> for Subject<'a> {
    fn subject(self, _: &'a Case) -> Subject<'a> {
        self
    }
}

pub fn message<'a>(case: &'a Case, topic: impl Topic<'a>) -> Message<'a> {
    Message {
        subject: topic.subject(case),
        now: at("2026-03-02T09:00:06Z"),
    }
}

/// What a message says of its approval, to be changed.
pub fn notice<'m, 'a>(message: &'m mut Message<'a>) -> &'m mut ApprovalNotice<'a> {
    match &mut message.subject {
        Subject::Approval(notice) => notice,
        other => panic!("{other:?}"),
    }
}

/// A configuration with a channel of each kind.
pub fn config() -> Config {
    let text = r#"
version: 1
channels:
  room: {slack: {channel: C0123456789, token: "ssm:/slack/token"}}
  hook: {slack_webhook: {url: "ssm:/hook/url"}}
  teams: {teams: {url: "ssm:/hook/url"}}
  mail: {ses: {from: releases@example.com, to: [lead@example.com, second@example.com]}}
  list: {sns: {topic_arn: "arn:aws:sns:eu-central-1:111122223333:list"}}
  machine: {webhook: {url: "ssm:/hook/url", secret: "ssm:/hook/secret"}}
  chat: {amazon_q: {topic_arn: "arn:aws:sns:eu-central-1:111122223333:chat"}}
routes:
  - {name: all, tell: [room], policy: {approvers: ["slack:T0123456789/U0123456789"]}}
"#;
    Config::parse("test.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All text that a message shows or carries.
pub fn everything(payload: &Payload) -> String {
    match payload {
        Payload::Slack { text, blocks } => format!("{text}\n{blocks}"),
        Payload::Teams(value) | Payload::Webhook(value) | Payload::AmazonQ(value) => {
            value.to_string()
        }
        Payload::Mail {
            subject,
            html,
            text,
        } => format!("{subject}\n{html}\n{text}"),
        Payload::SnsMail { subject, text } => format!("{subject}\n{text}"),
    }
}

/// The first lines: what everybody sees.
pub fn top(text: &str, lines: usize) -> String {
    text.lines().take(lines).collect::<Vec<_>>().join("\n")
}
