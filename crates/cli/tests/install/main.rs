//! `deploy-hooks install` and `uninstall` over scripted answers of AWS: what is refused, how, and that nothing was made before.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod others;

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

fn change_sets(names: &[&str]) -> Answer {
    let members = names
        .iter()
        .map(|name| format!("<member><ChangeSetName>{name}</ChangeSetName></member>"));
    ok(format!(
        "<ListChangeSetsResponse><ListChangeSetsResult><Summaries>{}</Summaries></ListChangeSetsResult></ListChangeSetsResponse>",
        members.collect::<String>()
    ))
}

/// An account in which an installation goes well, up to its change set.
fn usual() -> Answers {
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>\
                    <Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>U</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>";
    vec![
        ("GetCallerIdentity", vec![ok(identity)]),
        (
            "DescribeStacks",
            vec![no_stack(), stack("REVIEW_IN_PROGRESS")],
        ),
        ("ListChangeSets", vec![change_sets(&[])]),
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
    let changes = changes.iter();
    in_turn(changes.map(|(operation, answer)| (*operation, vec![answer.clone()])))
}

/// The same, where an operation answers differently from call to call.
fn in_turn(changes: impl IntoIterator<Item = (&'static str, Vec<Answer>)>) -> Answers {
    let mut answers = usual();
    for (operation, of_operation) in changes {
        answers.retain(|(name, _)| *name != operation);
        answers.push((operation, of_operation));
    }
    answers
}

struct Seen {
    output: Output,
    made: Vec<String>,
    calls: Vec<(String, String)>,
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
    let calls = aws.calls();
    let made = calls.iter().map(|(name, _)| name.clone());
    let made = made.filter(|name| MAKES.contains(&name.as_str())).collect();
    Seen {
        output,
        made,
        calls,
    }
}

async fn install(answers: Answers, arguments: &[&str]) -> Seen {
    let all = [&["install", "--built", "arm64"][..], arguments].concat();
    run(answers, &all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_call_itself_lacks_is_refused_before_anything_is_made() {
    let none = run(usual(), &["install", "--built", "nowhere"]).await;
    assert_snapshot!(none.refused(), @r#"
    nowhere has no template.yaml; build the packages first: `make build ARCH=arm64`, in the checkout; or name the folder lambda/arm64 of a release with --built
    (ends with 2)
    "#);
    let parameter = install(usual(), &["--yes", "--parameter", "SuitLocation=s3://b/k"]).await;
    assert_snapshot!(parameter.refused(), @r#"
    the template has no parameter SuitLocation; docs/operating.md lists them
    (ends with 2)
    "#);
    let no_value = install(usual(), &["--yes", "--parameter", "SuiteLocation"]).await;
    assert_snapshot!(no_value.refused(), @r#"
    error: invalid value 'SuiteLocation' for '--parameter <NAME=VALUE>': expected a name and a value: NAME=VALUE

    For more information, try '--help'.
    (ends with 2)
    "#);
    let groups = install(usual(), &["--yes", "--subnets", "subnet-1"]).await;
    assert_snapshot!(groups.refused(), @r#"
    --subnets needs --security-groups: a function in a VPC has some
    (ends with 2)
    "#);
    let no_subnets = install(usual(), &["--yes", "--security-groups", "sg-1"]).await;
    assert_snapshot!(no_subnets.refused(), @r#"
    error: the following required arguments were not provided:
      --subnets <IDS>

    Usage: deploy-hooks install --subnets <IDS> --built <FOLDER> --yes --security-groups <IDS>

    For more information, try '--help'.
    (ends with 2)
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_be_asked_about_is_refused_with_what_to_say() {
    let internal = but(&[("DescribeLoadBalancers", balancers("internal"))]);
    let seen = install(internal.clone(), &["--yes"]).await;
    assert_snapshot!(seen.refused(), @r#"
    the load balancer shop is internal, so it must be said where the gates run: --subnets subnet-1,subnet-2 --security-groups sg-1 (subnets with a way to the APIs of AWS, and groups that the load balancer lets in), or --subnets none
    (ends with 2)
    "#);
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
    assert_snapshot!(install(failed, &["--yes"]).await.refused(), @r#"
    the stack deploy-hooks was never made, or could not be deleted; take it away first: deploy-hooks uninstall --stack deploy-hooks
    (ends with 1)
    "#);
    let busy = but(&[("DescribeStacks", stack("UPDATE_IN_PROGRESS"))]);
    assert_snapshot!(install(busy, &["--yes"]).await.refused(), @r#"
    the stack deploy-hooks is UPDATE_IN_PROGRESS; wait until that is over
    (ends with 1)
    "#);
    let denied = but(&[("DescribeStacks", refused("AccessDenied"))]);
    assert_snapshot!(install(denied, &["--yes"]).await.refused(), @r#"
    the stack deploy-hooks could not be read: AccessDenied: scripted; your AWS identity needs cloudformation:DescribeStacks
    (ends with 1)
    "#);
    let nobody = but(&[("GetCallerIdentity", refused("ExpiredToken"))]);
    assert_snapshot!(install(nobody, &["--yes"]).await.refused(), @r#"
    who calls is not known: ExpiredToken: scripted; your AWS credentials are missing, expired or of another account: sign in again, or choose another profile
    (ends with 1)
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_can_not_be_made_or_written_is_said_with_the_right_that_lacks() {
    let no_bucket = but(&[
        ("HeadBucket", not_found()),
        ("CreateBucket", refused("AccessDenied")),
    ]);
    let seen = install(no_bucket, &["--yes"]).await;
    assert_eq!(seen.made, ["CreateBucket"]);
    assert_snapshot!(seen.told(), @r#"
    the bucket deploy-hooks-111122223333-eu-central-1 could not be made: AccessDenied: scripted; your AWS identity needs s3:CreateBucket; name one of yours with --bucket
    (ends with 1)
    "#);
    let no_right = but(&[("PutObject", refused("AccessDenied"))]);
    let seen = install(no_right, &["--yes"]).await;
    assert_eq!(seen.made, ["PutObject"]);
    assert_snapshot!(seen.told(), @r#"
    s3://deploy-hooks-111122223333-eu-central-1/packages/951ed75b9c92ae458345a94121171f7da49f4f17243bc5d7da61453aba0ea453.zip could not be stored: AccessDenied: scripted; your AWS identity needs s3:PutObject on it
    (ends with 1)
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_taken_back_is_said_with_the_way_to_remove_it() {
    let refuses = |reason| change_set("FAILED", reason);
    let denied = || refused("AccessDenied");
    // Both: why, and what stays.
    let seen = install(
        but(&[
            ("DescribeStacks", stack("UPDATE_COMPLETE")),
            ("DescribeChangeSet", refuses("Template error")),
            ("DeleteChangeSet", denied()),
        ]),
        &["--yes"],
    )
    .await;
    assert_snapshot!(masked(&seen), @"
    CloudFormation refuses these changes: Template error
    DeleteChangeSet failed: AccessDenied: scripted; your AWS identity needs cloudformation:DeleteChangeSet; the change set deploy-hooks-install-1 stays and does nothing; remove it by
        aws cloudformation delete-change-set --stack-name deploy-hooks --change-set-name deploy-hooks-install-1
    ");
    let seen = install(
        but(&[
            ("DescribeChangeSet", refuses("Template error")),
            ("DeleteStack", denied()),
        ]),
        &["--yes"],
    )
    .await;
    assert_snapshot!(masked(&seen), @"
    CloudFormation refuses these changes: Template error
    DeleteStack failed: AccessDenied: scripted; your AWS identity needs cloudformation:DeleteStack; the stack deploy-hooks stays in REVIEW_IN_PROGRESS, without resources; remove it by
        aws cloudformation delete-stack --stack-name deploy-hooks
    ");
    // The stack takes its change set along.
    let seen = install(but(&[("DeleteChangeSet", denied())]), &["--dry-run"]).await;
    assert!(seen.output.status.success(), "{}", seen.told());
    let seen = install(but(&[("DeleteStack", denied())]), &["--dry-run"]).await;
    assert!(
        masked(&seen).contains("delete-stack --stack-name deploy-hooks"),
        "{}",
        seen.told()
    );
    // It was never made.
    let never = but(&[
        ("CreateChangeSet", denied()),
        ("DeleteChangeSet", refused("ChangeSetNotFound")),
        ("DeleteStack", no_stack()),
    ]);
    let seen = install(never, &["--yes"]).await;
    assert!(!seen.told().contains("stays"), "{}", seen.told());
}

/// What it said on standard error, without the instant in the name of a change set.
fn masked(seen: &Seen) -> String {
    let said = String::from_utf8(seen.output.stderr.clone()).unwrap();
    let words = said.split_inclusive(char::is_whitespace).map(|word| {
        let digits = word.trim_end().strip_prefix("deploy-hooks-install-");
        match digits {
            Some(_) => format!("deploy-hooks-install-1{}", &word[word.trim_end().len()..]),
            None => word.to_owned(),
        }
    });
    words.collect()
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
    assert_snapshot!(seen.told(), @r#"
    CloudFormation refuses these changes: Parameter SuiteLocation failed to satisfy constraint
    (ends with 1)
    "#);
    let throttled_changes = but(&[("CreateChangeSet", throttled())]);
    assert_snapshot!(install(throttled_changes, &["--yes"]).await.told(), @r#"
    CreateChangeSet failed: ThrottlingException: scripted; AWS throttled all 4 tries; other callers of cloudformation in this account use up its rate: try again later, or raise the quota
    (ends with 1)
    "#);
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
    assert_snapshot!(seen.told(), @r#"
    What CloudFormation would do with the stack deploy-hooks: 3 changes
    Replaced: a new one is made, and the old one removed (1)
      modify StateTable (AWS::DynamoDB::Table), replaced
    Who may do what changes (1)
      add PreTrafficRole (AWS::IAM::Role)
    The rest (1)
      add PreTrafficAlarm (AWS::CloudWatch::Alarm)
    Charged by the month, whether or not anything is deployed: about 0.30 USD
      3 metrics of alarms: 0.30 USD
      The rest is charged by use: functions while they run, logs and metrics by what is written (docs/metrics.md).
    nothing was deployed: nobody said yes; --yes says it, for CI
    (ends with 2)
    "#);
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

#[allow(clippy::format_collect, reason = "short in a test")]
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
    assert_snapshot!(run(nowhere, &["uninstall", "--yes"]).await.refused(), @r#"
    there is no stack deploy-hooks in this account and region
    (ends with 2)
    "#);
    let asleep = but(&[(
        "ListStackResources",
        resources(&["PreTraffic", "EnvScheduler", "EnvironmentsTable"]),
    )]);
    assert_snapshot!(run(asleep.clone(), &["uninstall", "--yes"]).await.refused(), @r#"
    The stack deploy-hooks: 2 resources go, and these stay
      EnvironmentsTable (environmentstable): what sleeping services had before, and the audit; it is protected against deletion
      the bucket of packages and suites, which the stack has not made
    environments are on, and what sleeps would go on sleeping with nobody to wake it; wake all first (`deploy-hooks env up --yes`, then `deploy-hooks env status`), and say --leave-asleep
    (ends with 2)
    "#);
    let gates = but(&[(
        "ListStackResources",
        resources(&["PreTraffic", "PostTraffic", "ReportBucket"]),
    )]);
    assert_snapshot!(run(gates.clone(), &["uninstall"]).await.refused(), @r#"
    The stack deploy-hooks: 2 resources go, and these stay
      ReportBucket (reportbucket): reports are records of releases; they end by their expiry. Empty and delete the bucket by hand
      the bucket of packages and suites, which the stack has not made
    nothing was deleted: nobody said yes; --yes says it, for CI
    (ends with 2)
    "#);
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
