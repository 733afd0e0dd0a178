//! `deploy-hooks migrate` as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

const APP_SPEC: &str = "\
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: { ContainerName: shop, ContainerPort: 8080 }
Hooks:
  - BeforeInstall: arn:aws:lambda:eu-central-1:111122223333:function:prepare
  - AfterInstall: CodeDeployHook_pre-traffic
  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic
  - BeforeAllowTraffic: ask
  - AfterAllowTraffic: CodeDeployHook_post-traffic
";

fn migrate(name: &str, text: &str, args: &[&str]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("migrate-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("appspec.yaml"), text).unwrap();
    run(&folder, &[&["appspec.yaml"], args].concat())
}

fn run(folder: &Path, args: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    let output = program
        .current_dir(folder)
        .arg("migrate")
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}---\n{}(ends with {})",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

#[test]
fn each_event_gets_its_stage() {
    assert_snapshot!(migrate("json", APP_SPEC, &[]), @r#"
    {
      "strategy": "BLUE_GREEN",
      "lifecycleHooks": [
        {
          "hookTargetArn": "arn:aws:lambda:eu-central-1:111122223333:function:prepare",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "PRE_SCALE_UP"
          ]
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "POST_SCALE_UP",
            "POST_TEST_TRAFFIC_SHIFT"
          ]
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "PRE_PRODUCTION_TRAFFIC_SHIFT"
          ]
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "POST_PRODUCTION_TRAFFIC_SHIFT"
          ]
        }
      ]
    }
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. Give the load balancer of shop:8080 its advancedConfiguration: the other target group, the production and test listener rules (rules, where CodeDeploy had listeners), and a role that lets ECS change them.
    4. Change what these functions answer, unless they are gates of deploy-hooks by another name: ECS takes the value that they return, {"hookStatus": "SUCCEEDED"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.
    5. BeforeInstall becomes PRE_SCALE_UP: no gate of deploy-hooks can stand there: nothing runs yet.
    6. AfterInstall becomes POST_SCALE_UP: the new tasks run there and nothing leads to them: a gate asks only the checks that need no request.
    7. BeforeAllowTraffic becomes PRE_PRODUCTION_TRAFFIC_SHIFT: ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once.
    8. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    9. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 0)
    "#);
}

#[test]
fn a_template_gets_the_same() {
    assert_snapshot!(migrate("cloudformation", APP_SPEC, &["--format", "cloudformation"]), @r#"
    LoadBalancers:
      - ContainerName: 'shop'
        ContainerPort: 8080
        TargetGroupArn: '<ARN OF THE TARGET GROUP>'
        AdvancedConfiguration:
          AlternateTargetGroupArn: '<ARN OF THE OTHER TARGET GROUP>'
          ProductionListenerRule: '<ARN OF THE PRODUCTION LISTENER RULE>'
          TestListenerRule: '<ARN OF THE TEST LISTENER RULE>'
          RoleArn: '<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>'
    DeploymentConfiguration:
      Strategy: BLUE_GREEN
      LifecycleHooks:
        - HookTargetArn: 'arn:aws:lambda:eu-central-1:111122223333:function:prepare'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [PRE_SCALE_UP]
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_SCALE_UP, POST_TEST_TRAFFIC_SHIFT]
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [PRE_PRODUCTION_TRAFFIC_SHIFT]
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. Give the load balancer of shop:8080 its advancedConfiguration: the other target group, the production and test listener rules (rules, where CodeDeploy had listeners), and a role that lets ECS change them.
    4. Change what these functions answer, unless they are gates of deploy-hooks by another name: ECS takes the value that they return, {"hookStatus": "SUCCEEDED"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.
    5. BeforeInstall becomes PRE_SCALE_UP: no gate of deploy-hooks can stand there: nothing runs yet.
    6. AfterInstall becomes POST_SCALE_UP: the new tasks run there and nothing leads to them: a gate asks only the checks that need no request.
    7. BeforeAllowTraffic becomes PRE_PRODUCTION_TRAFFIC_SHIFT: ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once.
    8. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    9. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 0)
    "#);
}

#[test]
fn programs_get_what_is_left_to_do_as_well() {
    assert_snapshot!(migrate("programs", APP_SPEC, &["--json"]), @r#"
    {
      "deploymentConfiguration": {
        "strategy": "BLUE_GREEN",
        "lifecycleHooks": [
          {
            "hookTargetArn": "arn:aws:lambda:eu-central-1:111122223333:function:prepare",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "PRE_SCALE_UP"
            ]
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "POST_SCALE_UP",
              "POST_TEST_TRAFFIC_SHIFT"
            ]
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "PRE_PRODUCTION_TRAFFIC_SHIFT"
            ]
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "POST_PRODUCTION_TRAFFIC_SHIFT"
            ]
          }
        ]
      },
      "without_stage": [],
      "to_do": [
        "Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.",
        "Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.",
        "Give the load balancer of shop:8080 its advancedConfiguration: the other target group, the production and test listener rules (rules, where CodeDeploy had listeners), and a role that lets ECS change them.",
        "Change what these functions answer, unless they are gates of deploy-hooks by another name: ECS takes the value that they return, {\"hookStatus\": \"SUCCEEDED\"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.",
        "BeforeInstall becomes PRE_SCALE_UP: no gate of deploy-hooks can stand there: nothing runs yet.",
        "AfterInstall becomes POST_SCALE_UP: the new tasks run there and nothing leads to them: a gate asks only the checks that need no request.",
        "BeforeAllowTraffic becomes PRE_PRODUCTION_TRAFFIC_SHIFT: ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once.",
        "AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.",
        "Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS."
      ]
    }
    ---
    (ends with 0)
    "#);
}

#[test]
fn the_example_of_this_project_is_migrated() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/appspec");
    assert_snapshot!(run(&examples, &["ecs-blue-green.yaml", "--format", "cloudformation"]), @"
    LoadBalancers:
      - ContainerName: 'shop'
        ContainerPort: 8080
        TargetGroupArn: '<ARN OF THE TARGET GROUP>'
        AdvancedConfiguration:
          AlternateTargetGroupArn: '<ARN OF THE OTHER TARGET GROUP>'
          ProductionListenerRule: '<ARN OF THE PRODUCTION LISTENER RULE>'
          TestListenerRule: '<ARN OF THE TEST LISTENER RULE>'
          RoleArn: '<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>'
    DeploymentConfiguration:
      Strategy: BLUE_GREEN
      LifecycleHooks:
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. Give the load balancer of shop:8080 its advancedConfiguration: the other target group, the production and test listener rules (rules, where CodeDeploy had listeners), and a role that lets ECS change them.
    4. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    5. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 0)
    ");
}

#[test]
fn what_has_no_stage_is_listed_and_ends_with_1() {
    let own = format!("{APP_SPEC}  - AllowTraffic: ask\n");
    let said = migrate("own", &own, &[]);
    assert!(said.contains("AllowTraffic (ask) has no stage"), "{said}");
    assert!(said.ends_with("(ends with 1)"), "{said}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let wrong = APP_SPEC
        .replace("AfterInstall", "AfterInstal")
        .replace("BeforeAllowTraffic: ask", "BeforeAllowTraffic:");
    assert_snapshot!(migrate("wrong", &wrong, &[]), @r#"
    ---
    appspec.yaml:10:5: "AfterInstal" is no lifecycle event of CodeDeploy on ECS; write AfterInstall
    appspec.yaml:12:5: BeforeAllowTraffic names no function; name one, or remove the hook
    (ends with 3)
    "#);
    let lambda = "version: 0.0\nResources: [{f: {Type: AWS::Lambda::Function, Properties: {Name: f, Alias: live, CurrentVersion: 1, TargetVersion: 2}}}]\n";
    assert_snapshot!(migrate("lambda", lambda, &[]), @r#"
    ---
    appspec.yaml deploys the Lambda function "f"; ECS deploys services only, so leave it with CodeDeploy
    (ends with 3)
    "#);
    assert_snapshot!(migrate("none", "version: 0.0\n", &[]), @"
    ---
    appspec.yaml: the AppSpec of the revision can't be used: it has no list named Resources
    (ends with 3)
    ");
}
