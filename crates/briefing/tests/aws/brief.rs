//! The whole briefing: what it says, and what a look-up that fails or hangs costs.

use std::time::{Duration, Instant};

use crate::support::shop::{self, EXECUTION, TOKEN};
use crate::support::{Fake, Fault, Resource, World};
use approvals::{Briefing, ChangeSet, Gap, Lookup, Replacement, Risk, ShownDigest};
use briefing::{Lookups, brief};

pub fn lookups(fake: &Fake) -> Lookups<'_> {
    Lookups {
        aws: &fake.aws,
        report_bucket: Some(shop::BUCKET),
        report_prefix: "gates",
        version_variables: &[],
        budget: briefing::BRIEFING_TIMEOUT,
    }
}

async fn briefed(world: World) -> (Briefing, ShownDigest) {
    let fake = Fake::start(world).await;
    brief(&lookups(&fake), &shop::action(), Some(EXECUTION)).await
}

async fn with_faults(faults: &[(&str, Fault)]) -> (Briefing, ShownDigest) {
    let mut world = shop::world();
    for (operation, fault) in faults {
        world.faults.insert((*operation).to_owned(), *fault);
    }
    briefed(world).await
}

fn whats(gaps: &[Gap]) -> Vec<Lookup> {
    gaps.iter().map(|gap| gap.what).collect()
}

/// Change sets as people would read them.
pub fn lines(sets: &[ChangeSet]) -> String {
    let mut lines = Vec::new();
    for set in sets {
        lines.push(format!("{}/{}, {} changes", set.stack, set.name, set.total));
        for change in &set.changes {
            let risk = serde_json::to_value(change.risk).unwrap();
            let replaced = match change.replacement {
                Replacement::False => String::new(),
                sure => format!(", replaced: {sure:?}"),
            };
            lines.push(format!(
                "  {}: {:?} {} {}{replaced}",
                risk.as_str().unwrap(),
                change.action,
                change.resource_type,
                change.logical_id
            ));
            for property in &change.properties {
                let [before, after] = [&property.before, &property.after]
                    .map(|value| value.as_deref().unwrap_or("-"));
                lines.push(format!("    {}: [{before}] → [{after}]", property.name));
            }
        }
    }
    lines.join("\n")
}

const ALL: [&str; 6] = [
    "GetPipelineExecution",
    "ListActionExecutions",
    "ListPipelineExecutions",
    "DescribeChangeSet",
    "ListObjectsV2",
    "GetObject",
];

#[tokio::test]
async fn everything_is_told() {
    let (briefing, shown) = briefed(shop::world()).await;
    insta::assert_snapshot!(lines(&briefing.change_sets), @r#"
    shop/release, 8 changes
      removal: Remove AWS::DynamoDB::Table Orders
      removal: Remove AWS::CloudWatch::Alarm Alarm
      replacement: Modify AWS::ECS::TaskDefinition Task, replaced: True
        ContainerDefinitions: [[{"Name":"web","Image":"registry.example.com/shop:1.4.2","Environment":[{"Name":"API_TOKEN","Value":"***"}]}]] → [[{"Name":"web","Image":"registry.example.com/shop:2.0.0","Environment":[{"Name":"API_TOKEN","Value":"***"}]}]]
      replacement: Modify AWS::RDS::DBInstance Books, replaced: Conditional
        Engine: [postgres] → [mysql]
        MasterUserPassword: [***] → [***]
      access: Modify AWS::IAM::Role TaskRole
        Policies: [a] → [b]
      data: Modify AWS::S3::Bucket Covers
        Tags: [a] → [b]
      other: Modify AWS::ECS::Service Service
        TaskDefinition: [shop:41] → [shop:42]
      other: Add AWS::SNS::Topic Topic
    network/release, 1 changes
      access: Modify AWS::EC2::SecurityGroup Door
        SecurityGroupIngress: [10.0.0.0/8] → [0.0.0.0/0]
    "#);
    let rest = Briefing {
        change_sets: Vec::new(),
        ..briefing
    };
    insta::assert_json_snapshot!(rest, @r#"
    {
      "starter": {
        "trigger": "StartPipelineExecution",
        "detail": "arn:aws:sts::111122223333:assumed-role/Deployer/U0123",
        "name": "U0123"
      },
      "variables": [
        {
          "name": "RELEASE",
          "value": "v2.0.0"
        },
        {
          "name": "DB_PASSWORD",
          "value": "***"
        }
      ],
      "revisions": [
        {
          "artifact": "Code",
          "id": "1a2b3c4d",
          "summary": "Pay by invoice <!channel>\n\nseen ***, password=***",
          "author": "U0123",
          "url": "https://eu-central-1.console.aws.amazon.com/codesuite/settings/connections/redirect?Commit=1a2b3c4d",
          "created": "2026-02-25T06:13:20Z"
        },
        {
          "artifact": "Image",
          "id": "sha256:ab12",
          "summary": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop@sha256:ab12",
          "author": null,
          "url": null,
          "created": "2026-02-25T06:15:00Z"
        }
      ],
      "version": {
        "from": "v1.4.2",
        "to": "v2.0.0",
        "step": "major"
      },
      "change_sets": [],
      "gates": [
        {
          "stage": "pre-traffic",
          "application": "shop",
          "deployment": "d-STAGING1",
          "passed": true,
          "reasons": [
            "all 4 required checks passed"
          ],
          "report": "s3://reports/gates/shop/d-STAGING1/pre-traffic-AfterAllowTestTraffic.html"
        },
        {
          "stage": "post-traffic",
          "application": "shop",
          "deployment": "d-STAGING1",
          "passed": false,
          "reasons": [
            "check \"checkout\" failed 3 of 8 rounds, limit 0; last: expected status 201, got 503"
          ],
          "report": "s3://reports/gates/shop/d-STAGING1/post-traffic.html"
        }
      ],
      "gaps": []
    }
    "#);
    assert!(shown.unknown.is_empty());
    assert_eq!(shown.change_sets, [shop::arn("shop"), shop::arn("network")]);
    assert_eq!(shown.digest.len(), 64);
}

#[tokio::test]
async fn no_token_and_no_secret_is_in_it() {
    let (briefing, shown) = briefed(shop::world()).await;
    let text = serde_json::to_string(&(&briefing, &shown)).unwrap();
    for secret in [TOKEN, "hunter1", "hunter2"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // The message stays readable around it.
    let summary = briefing.revisions[0].summary.as_deref().unwrap();
    assert_eq!(
        summary,
        "Pay by invoice <!channel>\n\nseen ***, password=***"
    );
}

#[tokio::test]
async fn without_an_execution_there_is_one_gap_and_no_call() {
    let fake = Fake::start(shop::world()).await;
    let (briefing, shown) = brief(&lookups(&fake), &shop::action(), None).await;
    assert_eq!(whats(&briefing.gaps), [Lookup::Execution]);
    assert_eq!(shown.unknown, ["execution"]);
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn a_look_up_that_is_refused_costs_its_own_line_only() {
    let whole = briefed(shop::world()).await.0;
    for (operation, gaps) in [
        ("GetPipelineExecution:e-2", vec![Lookup::Origin]),
        ("ListActionExecutions:e-2", vec![Lookup::Actions]),
        ("ListPipelineExecutions", vec![Lookup::OldVersion]),
        ("GetPipelineExecution:e-1", vec![Lookup::OldVersion]),
        ("DescribeChangeSet:shop/release", vec![Lookup::ChangeSet]),
        ("ListObjectsV2", vec![Lookup::GateReport]),
        ("GetObject", vec![Lookup::GateReport]),
    ] {
        let (briefing, _) = with_faults(&[(operation, Fault::Denied)]).await;
        let found = whats(&briefing.gaps);
        assert!(
            found.iter().all(|what| gaps.contains(what)) && !found.is_empty(),
            "{operation}: {found:?}"
        );
        let kept = |gap: Lookup| !gaps.contains(&gap);
        if kept(Lookup::Origin) {
            assert_eq!(briefing.starter, whole.starter, "{operation}");
            assert_eq!(briefing.variables, whole.variables, "{operation}");
        }
        assert_eq!(briefing.revisions.len(), 2, "{operation}");
        if kept(Lookup::Actions) && kept(Lookup::ChangeSet) {
            assert_eq!(briefing.change_sets, whole.change_sets, "{operation}");
        }
        if kept(Lookup::Actions) && kept(Lookup::GateReport) {
            assert_eq!(briefing.gates, whole.gates, "{operation}");
        }
        assert_eq!(
            briefing.version.unwrap().to,
            if kept(Lookup::Origin) {
                "v2.0.0"
            } else {
                "2.0.0"
            }
        );
    }
}

#[tokio::test]
async fn each_gap_names_the_permission() {
    let faults = ALL.map(|operation| (operation, Fault::Denied));
    let (briefing, shown) = with_faults(&faults).await;
    assert_eq!(shown.unknown, ["revisions", "change sets"]);
    assert_eq!(
        briefing,
        Briefing {
            gaps: briefing.gaps.clone(),
            ..Briefing::default()
        }
    );
    let mut lines: Vec<String> = briefing.gaps.into_iter().map(|gap| gap.why).collect();
    for operation in ["DescribeChangeSet", "GetObject", "ListObjectsV2"] {
        let (one, _) = with_faults(&[(operation, Fault::Denied)]).await;
        lines.push(one.gaps[0].why.clone());
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    execution e-2 of pipeline shop could not be read: AccessDeniedException: not you; the function's role needs codepipeline:GetPipelineExecution
    the action executions of pipeline shop could not be read: AccessDeniedException: not you; the function's role needs codepipeline:ListActionExecutions
    the executions of pipeline shop that passed Production could not be read: AccessDeniedException: not you; the function's role needs codepipeline:ListPipelineExecutions
    change set release of stack shop could not be read: AccessDeniedException: not you; the function's role needs cloudformation:DescribeChangeSet
    the gate report s3://reports/gates/shop/d-STAGING1/pre-traffic-AfterAllowTestTraffic.json could not be read: AccessDeniedException: not you; the function's role needs s3:GetObject
    the list of gate reports in s3://reports/gates/shop/d-STAGING1/ could not be read: AccessDeniedException: not you; the function's role needs s3:ListBucket
    ");
}

#[tokio::test]
async fn a_look_up_that_hangs_costs_its_own_line_and_the_budget() {
    for (operation, gap) in [
        ("GetPipelineExecution:e-2", Lookup::Origin),
        ("ListActionExecutions:e-2", Lookup::Actions),
        ("ListPipelineExecutions", Lookup::OldVersion),
        ("DescribeChangeSet:network/release", Lookup::ChangeSet),
        ("ListObjectsV2", Lookup::GateReport),
    ] {
        let mut world = shop::world();
        world.faults.insert(operation.to_owned(), Fault::Hang);
        let fake = Fake::start(world).await;
        let budget = Duration::from_millis(700);
        let started = Instant::now();
        let lookups = Lookups {
            budget,
            ..lookups(&fake)
        };
        let (briefing, _) = brief(&lookups, &shop::action(), Some(EXECUTION)).await;
        let took = started.elapsed();
        assert!(
            took < budget + Duration::from_secs(5),
            "{operation}: {took:?}"
        );
        assert_eq!(whats(&briefing.gaps), [gap], "{operation}");
        if gap == Lookup::ChangeSet {
            assert_eq!(briefing.change_sets.len(), 1, "the other one is kept");
        }
    }
}

#[tokio::test]
async fn if_everything_hangs_the_budget_still_holds() {
    let mut world = shop::world();
    world.faults = ALL.map(|name| (name.to_owned(), Fault::Hang)).into();
    let fake = Fake::start(world).await;
    let lookups = Lookups {
        budget: Duration::from_millis(300),
        ..lookups(&fake)
    };
    let started = Instant::now();
    let (briefing, _) = brief(&lookups, &shop::action(), Some(EXECUTION)).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    let expected = [Lookup::Origin, Lookup::Actions, Lookup::OldVersion];
    assert_eq!(whats(&briefing.gaps), expected);
    insta::assert_snapshot!(briefing.gaps[1].why, @"the execution's actions could not be read within 300ms; look in the console");
}

#[tokio::test]
async fn a_nested_set_that_hangs_leaves_the_changes_around_it() {
    let mut world = shop::world();
    let nested = shop::arn("nested");
    let stack = "AWS::CloudFormation::Stack";
    let inner = Resource::new("Modify", "Inner", stack).nesting(&nested);
    world
        .sets
        .get_mut("shop/release")
        .unwrap()
        .resources
        .push(inner);
    world
        .faults
        .insert(format!("DescribeChangeSet:{nested}"), Fault::Hang);
    let fake = Fake::start(world).await;
    let lookups = Lookups {
        budget: Duration::from_millis(500),
        ..lookups(&fake)
    };
    let (briefing, shown) = brief(&lookups, &shop::action(), Some(EXECUTION)).await;
    assert_eq!(whats(&briefing.gaps), [Lookup::ChangeSet]);
    assert_eq!(briefing.change_sets[0].total, 9);
    assert_eq!(briefing.change_sets[0].changes[0].risk, Risk::Removal);
    assert_eq!(
        shown.unknown,
        ["changes of change set release of stack shop"]
    );
}
