//! `deploy-hooks install` and `uninstall` over scripted answers of AWS: what is refused, how, and that nothing was made before.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use test_support::scripted::{Answer, Scripted, not_found, ok, refused, refused_saying, throttled};

const TEMPLATE: &str = "\
Parameters:
  SuiteLocation:
    Type: String
  SubnetIds:
    Type: String
  SecurityGroupIds:
    Type: String
  Architecture:
    Type: String

Resources:
  PreTraffic:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: PreTraffic
";

/// Calls that make or change something.
const MAKES: [&str; 7] = [
    "CreateBucket",
    "PutObject",
    "CreateChangeSet",
    "ExecuteChangeSet",
    "DeleteChangeSet",
    "DeleteStack",
    "UpdateStack",
];

type Answers = Vec<(&'static str, Vec<Answer>)>;

fn stack(status: &str) -> Answer {
    ok(format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>deploy-hooks</StackName>\
         <StackStatus>{status}</StackStatus><CreationTime>2026-11-24T09:00:00Z</CreationTime><Parameters><member>\
         <ParameterKey>SuiteLocation</ParameterKey><ParameterValue>s3://suites/x.yaml</ParameterValue></member></Parameters>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    ))
}

fn no_stack() -> Answer {
    refused_saying(
        "ValidationError",
        "Stack with id deploy-hooks does not exist",
    )
}

fn change_set(status: &str, reason: &str) -> Answer {
    ok(format!(
        "<DescribeChangeSetResponse><DescribeChangeSetResult><ChangeSetName>deploy-hooks-install</ChangeSetName>\
         <StackName>deploy-hooks</StackName><ChangeSetId>arn:change-set</ChangeSetId><StackId>arn:stack</StackId>\
         <Status>{status}</Status><StatusReason>{reason}</StatusReason><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes>\
         <member><Type>Resource</Type><ResourceChange><Action>Add</Action><LogicalResourceId>PreTrafficRole</LogicalResourceId>\
         <ResourceType>AWS::IAM::Role</ResourceType></ResourceChange></member>\
         <member><Type>Resource</Type><ResourceChange><Action>Add</Action><LogicalResourceId>PreTrafficAlarm</LogicalResourceId>\
         <ResourceType>AWS::CloudWatch::Alarm</ResourceType></ResourceChange></member>\
         <member><Type>Resource</Type><ResourceChange><Action>Modify</Action><LogicalResourceId>StateTable</LogicalResourceId>\
         <ResourceType>AWS::DynamoDB::Table</ResourceType><Replacement>True</Replacement></ResourceChange></member>\
         </Changes></DescribeChangeSetResult></DescribeChangeSetResponse>"
    ))
}

fn balancers(scheme: &str) -> Answer {
    ok(format!(
        "<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member>\
         <LoadBalancerName>shop</LoadBalancerName><Scheme>{scheme}</Scheme><VpcId>vpc-1</VpcId><AvailabilityZones>\
         <member><SubnetId>subnet-1</SubnetId></member><member><SubnetId>subnet-2</SubnetId></member></AvailabilityZones>\
         <SecurityGroups><member>sg-1</member></SecurityGroups></member></LoadBalancers></DescribeLoadBalancersResult>\
         </DescribeLoadBalancersResponse>"
    ))
}

/// An account in which an installation goes well, up to its change set.
fn usual() -> Answers {
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>\
                    <Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>U</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>";
    vec![
        ("GetCallerIdentity", vec![ok(identity)]),
        ("DescribeStacks", vec![no_stack()]),
        ("DescribeLoadBalancers", vec![balancers("internet-facing")]),
        ("HeadBucket", vec![ok("")]),
        ("PutObject", vec![ok("")]),
        (
            "CreateChangeSet",
            vec![ok(
                "<CreateChangeSetResponse><CreateChangeSetResult><Id>arn:change-set</Id></CreateChangeSetResult></CreateChangeSetResponse>",
            )],
        ),
        ("DescribeChangeSet", vec![change_set("CREATE_COMPLETE", "")]),
        ("DeleteChangeSet", vec![ok("<DeleteChangeSetResponse/>")]),
        ("DeleteStack", vec![ok("<DeleteStackResponse/>")]),
    ]
}

/// The usual account, but for these operations.
fn but(changes: &[(&'static str, Answer)]) -> Answers {
    let mut answers = usual();
    for (operation, answer) in changes {
        answers.retain(|(name, _)| name != operation);
        answers.push((*operation, vec![answer.clone()]));
    }
    answers
}

struct Seen {
    output: Output,
    made: Vec<String>,
}

impl Seen {
    fn told(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        format!(
            "{}{}(ends with {})",
            text(&self.output.stdout),
            text(&self.output.stderr),
            self.output.status.code().unwrap()
        )
    }

    /// What it said, where it must have made nothing.
    fn refused(&self) -> String {
        assert_eq!(self.made, [""; 0], "{}", self.told());
        self.told()
    }
}

fn built(folder: &Path) {
    std::fs::create_dir_all(folder.join("PreTraffic")).unwrap();
    std::fs::write(folder.join("PreTraffic/bootstrap"), "program").unwrap();
    std::fs::write(folder.join("template.yaml"), TEMPLATE).unwrap();
}

async fn run(answers: Answers, arguments: &[&str]) -> Seen {
    let aws = Scripted::start(answers).await;
    let home = tempfile::tempdir().unwrap();
    built(&home.path().join("arm64"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.args(arguments).current_dir(home.path());
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        program.env_remove(name);
    }
    program
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL", aws.url())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || program.output().unwrap());
    let output = output.await.unwrap();
    let made = aws.calls().into_iter().map(|(name, _)| name);
    let made = made.filter(|name| MAKES.contains(&name.as_str())).collect();
    Seen { output, made }
}

async fn install(answers: Answers, arguments: &[&str]) -> Seen {
    let all = [&["install", "--built", "arm64"][..], arguments].concat();
    run(answers, &all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_call_itself_lacks_is_refused_before_anything_is_made() {
    let none = run(usual(), &["install", "--built", "nowhere"]).await;
    assert_snapshot!(none.refused(), @"");
    let parameter = install(usual(), &["--yes", "--parameter", "SuitLocation=s3://b/k"]).await;
    assert_snapshot!(parameter.refused(), @"");
    let no_value = install(usual(), &["--yes", "--parameter", "SuiteLocation"]).await;
    assert_snapshot!(no_value.refused(), @"");
    let groups = install(usual(), &["--yes", "--subnets", "subnet-1"]).await;
    assert_snapshot!(groups.refused(), @"");
    let no_subnets = install(usual(), &["--yes", "--security-groups", "sg-1"]).await;
    assert_snapshot!(no_subnets.refused(), @"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_be_asked_about_is_refused_with_what_to_say() {
    let internal = but(&[("DescribeLoadBalancers", balancers("internal"))]);
    let seen = install(internal.clone(), &["--yes"]).await;
    assert_snapshot!(seen.refused(), @"");
    // Said, it goes on to the change set.
    let seen = install(internal, &["--dry-run", "--subnets", "none"]).await;
    assert!(seen.output.status.success(), "{}", seen.told());
    // A question about networks is not asked where they can't be read: `doctor` looks again.
    let unread = but(&[("DescribeLoadBalancers", refused("AccessDenied"))]);
    let seen = install(unread, &["--dry-run"]).await;
    assert!(seen.output.status.success(), "{}", seen.told());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_can_not_be_changed_now_is_left_alone() {
    let failed = but(&[("DescribeStacks", stack("ROLLBACK_COMPLETE"))]);
    assert_snapshot!(install(failed, &["--yes"]).await.refused(), @"");
    let busy = but(&[("DescribeStacks", stack("UPDATE_IN_PROGRESS"))]);
    assert_snapshot!(install(busy, &["--yes"]).await.refused(), @"");
    let denied = but(&[("DescribeStacks", refused("AccessDenied"))]);
    assert_snapshot!(install(denied, &["--yes"]).await.refused(), @"");
    let nobody = but(&[("GetCallerIdentity", refused("ExpiredToken"))]);
    assert_snapshot!(install(nobody, &["--yes"]).await.refused(), @"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_can_not_be_made_or_written_is_said_with_the_right_that_lacks() {
    let no_bucket = but(&[
        ("HeadBucket", not_found()),
        ("CreateBucket", refused("AccessDenied")),
    ]);
    let seen = install(no_bucket, &["--yes"]).await;
    assert_eq!(seen.made, ["CreateBucket"]);
    assert_snapshot!(seen.told(), @"");
    let no_right = but(&[("PutObject", refused("AccessDenied"))]);
    let seen = install(no_right, &["--yes"]).await;
    assert_eq!(seen.made, ["PutObject"]);
    assert_snapshot!(seen.told(), @"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_are_refused_or_not_agreed_to_leave_nothing() {
    let refused_changes = but(&[(
        "DescribeChangeSet",
        change_set(
            "FAILED",
            "Parameter SuiteLocation failed to satisfy constraint",
        ),
    )]);
    let seen = install(refused_changes, &["--yes"]).await;
    assert_eq!(
        seen.made[2..],
        ["CreateChangeSet", "DeleteChangeSet", "DeleteStack"]
    );
    assert_snapshot!(seen.told(), @"");
    let throttled_changes = but(&[("CreateChangeSet", throttled())]);
    assert_snapshot!(install(throttled_changes, &["--yes"]).await.told(), @"");
    // Shown by their risk; nobody is at the terminal, so nobody said yes, and all is taken back.
    let seen = install(usual(), &[]).await;
    assert_eq!(
        seen.made,
        [
            "PutObject",
            "PutObject",
            "CreateChangeSet",
            "DeleteChangeSet",
            "DeleteStack"
        ]
    );
    assert_snapshot!(seen.told(), @"");
    // A stack that is there stays.
    let there = but(&[("DescribeStacks", stack("UPDATE_COMPLETE"))]);
    let seen = install(there, &["--dry-run"]).await;
    assert_eq!(
        seen.made,
        [
            "PutObject",
            "PutObject",
            "CreateChangeSet",
            "DeleteChangeSet"
        ]
    );
}

fn resources(names: &[&str]) -> Answer {
    let members: String = names
        .iter()
        .map(|name| {
            format!(
                "<member><LogicalResourceId>{name}</LogicalResourceId><PhysicalResourceId>{}</PhysicalResourceId>\
                 <ResourceType>AWS::X::Y</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                 <LastUpdatedTimestamp>2026-11-24T09:00:00Z</LastUpdatedTimestamp></member>",
                name.to_lowercase()
            )
        })
        .collect();
    ok(format!(
        "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>{members}</StackResourceSummaries>\
         </ListStackResourcesResult></ListStackResourcesResponse>"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_away_that_somebody_needs_or_nobody_agreed_to() {
    let nowhere = but(&[(
        "ListStackResources",
        refused_saying(
            "ValidationError",
            "Stack with id deploy-hooks does not exist",
        ),
    )]);
    assert_snapshot!(run(nowhere, &["uninstall", "--yes"]).await.refused(), @"");
    let asleep = but(&[(
        "ListStackResources",
        resources(&["PreTraffic", "EnvScheduler", "EnvironmentsTable"]),
    )]);
    assert_snapshot!(run(asleep.clone(), &["uninstall", "--yes"]).await.refused(), @"");
    let gates = but(&[(
        "ListStackResources",
        resources(&["PreTraffic", "PostTraffic", "ReportBucket"]),
    )]);
    assert_snapshot!(run(gates.clone(), &["uninstall"]).await.refused(), @"");
    assert!(
        run(gates.clone(), &["uninstall", "--dry-run"])
            .await
            .output
            .status
            .success()
    );
    // Said, it goes.
    let seen = run(gates, &["uninstall", "--yes"]).await;
    assert_eq!(seen.made, ["DeleteStack"], "{}", seen.told());
    assert!(seen.output.status.success(), "{}", seen.told());
    let seen = run(asleep, &["uninstall", "--yes", "--leave-asleep"]).await;
    assert_eq!(seen.made, ["DeleteStack"], "{}", seen.told());
}
