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
      "bakeTimeInMinutes": 10,
      "lifecycleHooks": [
        {
          "hookTargetArn": "arn:aws:lambda:eu-central-1:111122223333:function:prepare",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "PRE_SCALE_UP"
          ],
          "timeoutConfiguration": {
            "timeoutInMinutes": 60,
            "action": "ROLLBACK"
          }
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "POST_SCALE_UP",
            "POST_TEST_TRAFFIC_SHIFT"
          ],
          "timeoutConfiguration": {
            "timeoutInMinutes": 60,
            "action": "ROLLBACK"
          }
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "PRE_PRODUCTION_TRAFFIC_SHIFT"
          ],
          "timeoutConfiguration": {
            "timeoutInMinutes": 60,
            "action": "ROLLBACK"
          }
        },
        {
          "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic",
          "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
          "lifecycleStages": [
            "POST_PRODUCTION_TRAFFIC_SHIFT"
          ],
          "timeoutConfiguration": {
            "timeoutInMinutes": 60,
            "action": "ROLLBACK"
          }
        }
      ]
    }
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. ECS rolls back where a hook takes longer than 60 minutes, and keeps the old tasks for 10 minutes once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all hooks may be 1,980 minutes together.
    4. Give `aws ecs update-service` --load-balancers as well, and fill in what stands in angle brackets (the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them): '[{"containerName":"shop","containerPort":8080,"targetGroupArn":"<ARN OF THE TARGET GROUP>","advancedConfiguration":{"alternateTargetGroupArn":"<ARN OF THE OTHER TARGET GROUP>","productionListenerRule":"<ARN OF THE PRODUCTION LISTENER RULE>","testListenerRule":"<ARN OF THE TEST LISTENER RULE>","roleArn":"<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>"}}]'
    5. Change what these functions answer, unless they are gates of deploy-hooks by another name, as with FunctionNameSuffix: ECS takes the value that they return, {"hookStatus": "SUCCEEDED"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.
    6. BeforeInstall becomes PRE_SCALE_UP: nothing runs there yet, so no gate of deploy-hooks can stand there.
    7. AfterInstall becomes POST_SCALE_UP: the new tasks run there and nothing leads to them: a gate asks only the checks that need no request.
    8. BeforeAllowTraffic becomes PRE_PRODUCTION_TRAFFIC_SHIFT: ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once.
    9. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    10. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
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
      BakeTimeInMinutes: 10
      LifecycleHooks:
        - HookTargetArn: 'arn:aws:lambda:eu-central-1:111122223333:function:prepare'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [PRE_SCALE_UP]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_SCALE_UP, POST_TEST_TRAFFIC_SHIFT]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [PRE_PRODUCTION_TRAFFIC_SHIFT]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. ECS rolls back where a hook takes longer than 60 minutes, and keeps the old tasks for 10 minutes once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all hooks may be 1,980 minutes together.
    4. Fill in <ARN OF THE TARGET GROUP>, <ARN OF THE OTHER TARGET GROUP>, <ARN OF THE PRODUCTION LISTENER RULE>, <ARN OF THE TEST LISTENER RULE> and <ROLE THAT LETS ECS CHANGE THE LISTENER RULES> of the load balancer: the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them.
    5. Change what these functions answer, unless they are gates of deploy-hooks by another name, as with FunctionNameSuffix: ECS takes the value that they return, {"hookStatus": "SUCCEEDED"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.
    6. BeforeInstall becomes PRE_SCALE_UP: nothing runs there yet, so no gate of deploy-hooks can stand there.
    7. AfterInstall becomes POST_SCALE_UP: the new tasks run there and nothing leads to them: a gate asks only the checks that need no request.
    8. BeforeAllowTraffic becomes PRE_PRODUCTION_TRAFFIC_SHIFT: ECS calls it before each step of a canary or linear deployment, CodeDeploy called it once.
    9. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    10. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 0)
    "#);
}

#[test]
fn programs_get_what_is_left_to_do_as_well() {
    assert_snapshot!(migrate("programs", APP_SPEC, &["--json"]), @r#"
    {
      "deploymentConfiguration": {
        "strategy": "BLUE_GREEN",
        "bakeTimeInMinutes": 10,
        "lifecycleHooks": [
          {
            "hookTargetArn": "arn:aws:lambda:eu-central-1:111122223333:function:prepare",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "PRE_SCALE_UP"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 60,
              "action": "ROLLBACK"
            }
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "POST_SCALE_UP",
              "POST_TEST_TRAFFIC_SHIFT"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 60,
              "action": "ROLLBACK"
            }
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "PRE_PRODUCTION_TRAFFIC_SHIFT"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 60,
              "action": "ROLLBACK"
            }
          },
          {
            "hookTargetArn": "arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic",
            "roleArn": "<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>",
            "lifecycleStages": [
              "POST_PRODUCTION_TRAFFIC_SHIFT"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 60,
              "action": "ROLLBACK"
            }
          }
        ]
      },
      "loadBalancers": [
        {
          "containerName": "shop",
          "containerPort": 8080,
          "targetGroupArn": "<ARN OF THE TARGET GROUP>",
          "advancedConfiguration": {
            "alternateTargetGroupArn": "<ARN OF THE OTHER TARGET GROUP>",
            "productionListenerRule": "<ARN OF THE PRODUCTION LISTENER RULE>",
            "testListenerRule": "<ARN OF THE TEST LISTENER RULE>",
            "roleArn": "<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>"
          }
        }
      ],
      "without_stage": [],
      "refused": [],
      "to_do": [
        "Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.",
        "Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.",
        "ECS rolls back where a hook takes longer than 60 minutes, and keeps the old tasks for 10 minutes once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all hooks may be 1,980 minutes together.",
        "Give `aws ecs update-service` --load-balancers as well, and fill in what stands in angle brackets (the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them): '[{\"containerName\":\"shop\",\"containerPort\":8080,\"targetGroupArn\":\"<ARN OF THE TARGET GROUP>\",\"advancedConfiguration\":{\"alternateTargetGroupArn\":\"<ARN OF THE OTHER TARGET GROUP>\",\"productionListenerRule\":\"<ARN OF THE PRODUCTION LISTENER RULE>\",\"testListenerRule\":\"<ARN OF THE TEST LISTENER RULE>\",\"roleArn\":\"<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>\"}}]'",
        "Change what these functions answer, unless they are gates of deploy-hooks by another name, as with FunctionNameSuffix: ECS takes the value that they return, {\"hookStatus\": \"SUCCEEDED\"} or FAILED, and sends another event: arn:aws:lambda:eu-central-1:111122223333:function:prepare, arn:aws:lambda:<REGION>:<ACCOUNT>:function:ask.",
        "BeforeInstall becomes PRE_SCALE_UP: nothing runs there yet, so no gate of deploy-hooks can stand there.",
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
      BakeTimeInMinutes: 10
      LifecycleHooks:
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
        - HookTargetArn: 'arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_post-traffic'
          RoleArn: '<ROLE THAT LETS ECS INVOKE THE FUNCTIONS>'
          LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]
          TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}
    ---
    1. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    2. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    3. ECS rolls back where a hook takes longer than 60 minutes, and keeps the old tasks for 10 minutes once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all hooks may be 1,980 minutes together.
    4. Fill in <ARN OF THE TARGET GROUP>, <ARN OF THE OTHER TARGET GROUP>, <ARN OF THE PRODUCTION LISTENER RULE>, <ARN OF THE TEST LISTENER RULE> and <ROLE THAT LETS ECS CHANGE THE LISTENER RULES> of the load balancer: the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them.
    5. AfterAllowTraffic becomes POST_PRODUCTION_TRAFFIC_SHIFT: CodeDeploy called it after the last step; hook a gate to PRODUCTION_TRAFFIC_SHIFT as well to watch each step.
    6. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 0)
    ");
}

/// Its hooks replaced.
fn with_hooks(hooks: &str) -> String {
    format!("{}{hooks}", APP_SPEC.split("Hooks:").next().unwrap())
}

#[test]
fn hooks_are_never_lost() {
    assert_snapshot!(migrate("mapping", &with_hooks("Hooks: {AfterAllowTestTraffic: X}\n"), &[]), @"
    ---
    appspec.yaml:8:8: Hooks is a mapping, not a list; write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`
    (ends with 3)
    ");
    assert_snapshot!(migrate("text", &with_hooks("Hooks: X\n"), &["--json"]), @r#"
    {
      "problems": [
        {
          "file": "appspec.yaml",
          "message": "appspec.yaml:8:8: Hooks is a text, not a list; write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`"
        }
      ]
    }
    ---
    (ends with 3)
    "#);
    for none in ["", "Hooks: []\n"] {
        let said = migrate("no-hooks", &with_hooks(none), &[]);
        assert!(said.contains("1. The AppSpec has no hooks"), "{said}");
        assert!(said.ends_with("(ends with 0)"), "{said}");
    }
}

#[test]
fn a_gate_where_it_would_refuse_is_said_first() {
    let hooks = "Hooks:
  - BeforeInstall: CodeDeployHook_pre-traffic
  - AfterAllowTestTraffic: arn:aws:lambda:eu-central-1:111122223333:function:CodeDeployHook_post-traffic:live
  - AfterAllowTraffic: CodeDeployHook_pre-traffic
";
    let said = migrate("refused", &with_hooks(hooks), &[]);
    assert_snapshot!(said.split_once("---\n").unwrap().1, @r#"
    1. BeforeInstall (CodeDeployHook_pre-traffic) becomes PRE_SCALE_UP, where this gate refuses every release: the pre-traffic gate is hooked to PRE_SCALE_UP, where nothing reaches the new revision yet; hook it to POST_TEST_TRAFFIC_SHIFT, or to PRE_PRODUCTION_TRAFFIC_SHIFT for each step.
    2. AfterAllowTestTraffic (arn:aws:lambda:eu-central-1:111122223333:function:CodeDeployHook_post-traffic:live) becomes POST_TEST_TRAFFIC_SHIFT, where this gate refuses every release: the post-traffic gate is hooked to POST_TEST_TRAFFIC_SHIFT, where production traffic has not moved yet; hook it to POST_PRODUCTION_TRAFFIC_SHIFT, or to PRODUCTION_TRAFFIC_SHIFT for each step.
    3. AfterAllowTraffic (CodeDeployHook_pre-traffic) becomes POST_PRODUCTION_TRAFFIC_SHIFT, where this gate refuses every release: the pre-traffic gate is hooked to POST_PRODUCTION_TRAFFIC_SHIFT, where customers are already served by the new revision; hook it to POST_TEST_TRAFFIC_SHIFT, or to PRE_PRODUCTION_TRAFFIC_SHIFT for each step.
    4. Fill in <ROLE THAT LETS ECS INVOKE THE FUNCTIONS>: a role that ecs.amazonaws.com may assume and that may lambda:InvokeFunction on the functions; of deploy-hooks it is the stack's output EcsHookRoleArn.
    5. Fill in REGION and ACCOUNT of the functions: the AppSpec has their names, ECS takes ARNs.
    6. ECS rolls back where a hook takes longer than 60 minutes, and keeps the old tasks for 10 minutes once traffic has moved: change these times as you need them. In a stack of CloudFormation, the bake time and the time-outs of all hooks may be 1,980 minutes together.
    7. Give `aws ecs update-service` --load-balancers as well, and fill in what stands in angle brackets (the rules are listener rules, where CodeDeploy had listeners, and the role lets ECS change them): '[{"containerName":"shop","containerPort":8080,"targetGroupArn":"<ARN OF THE TARGET GROUP>","advancedConfiguration":{"alternateTargetGroupArn":"<ARN OF THE OTHER TARGET GROUP>","productionListenerRule":"<ARN OF THE PRODUCTION LISTENER RULE>","testListenerRule":"<ARN OF THE TEST LISTENER RULE>","roleArn":"<ROLE THAT LETS ECS CHANGE THE LISTENER RULES>"}}]'
    8. Choose the strategy (BLUE_GREEN, CANARY or LINEAR) and its times as the deployment group's configuration has them, and its alarms; where the group waited before it moved traffic, add a PAUSE hook. What else the AppSpec says of the service (capacity providers, network, platform version) stands in the service itself; set its deployment controller to ECS.
    (ends with 1)
    "#);
    let said = migrate("refused-json", &with_hooks(hooks), &["--json"]);
    assert!(said.ends_with("(ends with 1)"), "{said}");
    let (said, _) = said.split_once("---").unwrap();
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    assert_snapshot!(said["refused"][0], @r#"{"event":"BeforeInstall","function":"CodeDeployHook_pre-traffic","stage":"PRE_SCALE_UP","why":"the pre-traffic gate is hooked to PRE_SCALE_UP, where nothing reaches the new revision yet; hook it to POST_TEST_TRAFFIC_SHIFT, or to PRE_PRODUCTION_TRAFFIC_SHIFT for each step"}"#);
}

#[test]
fn a_name_that_begins_like_a_gate_may_be_one_with_a_suffix_or_none() {
    let hooks = "Hooks:
  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic-smoke
  - AfterAllowTraffic: CodeDeployHook_pre-traffic-billing
";
    let said = migrate("suffix", &with_hooks(hooks), &[]);
    for expected in [
        "as with FunctionNameSuffix: ECS takes the value that they return, {\"hookStatus\": \"SUCCEEDED\"} or FAILED, and sends another event: \
         arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic-smoke, \
         arn:aws:lambda:<REGION>:<ACCOUNT>:function:CodeDeployHook_pre-traffic-billing.",
        "AfterAllowTraffic (CodeDeployHook_pre-traffic-billing) becomes POST_PRODUCTION_TRAFFIC_SHIFT: if it is the gate of an installation \
         with FunctionNameSuffix, it refuses every release there: ",
        "(ends with 0)",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_is_no_function_is_refused_with_what_to_write() {
    let hooks = "Hooks:
  - BeforeInstall: my function
  - AfterInstall: ${FnArn}
  - AfterAllowTestTraffic: arn:aws:sns:eu-central-1:111122223333:topic
  - BeforeAllowTraffic: '111122223333:function:abc'
  - AfterAllowTraffic: abc:live
";
    let spec = with_hooks(hooks).replace("8080", "abc");
    assert_snapshot!(migrate("functions", &spec, &[]), @r#"
    ---
    appspec.yaml:7:65: ContainerPort is "abc"; write a number from 1 to 65535
    appspec.yaml:9:5: BeforeInstall names "my function", which is no name of a Lambda function; write its name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME
    appspec.yaml:10:5: AfterInstall names "${FnArn}", where a variable is not filled in; write the function's name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME
    appspec.yaml:11:5: AfterAllowTestTraffic names "arn:aws:sns:eu-central-1:111122223333:topic", which is not the ARN of a Lambda function; write arn:aws:lambda:REGION:ACCOUNT:function:NAME
    appspec.yaml:12:5: BeforeAllowTraffic names "111122223333:function:abc", which is a part of an ARN; write arn:aws:lambda:REGION:111122223333:function:abc
    (ends with 3)
    "#);
}

#[test]
fn more_hooks_than_ecs_takes_are_said() {
    let hooks: Vec<String> = (0..11)
        .map(|one| format!("  - BeforeInstall: f{one}\n"))
        .collect();
    let said = migrate(
        "many",
        &with_hooks(&format!("Hooks:\n{}", hooks.concat())),
        &[],
    );
    let first = said.split_once("---\n").unwrap().1.lines().next().unwrap();
    assert_snapshot!(first, @"1. ECS takes at most 10 hooks of Lambda functions for a service, and these are 11: join some of the functions.");
    assert!(said.ends_with("(ends with 1)"), "{said}");
}

#[test]
fn other_files_and_calls_are_refused() {
    assert_snapshot!(migrate("ec2", "version: 0.0\nos: linux\nfiles: []\n", &[]), @"
    ---
    appspec.yaml: this AppSpec is for EC2 and on-premises instances (it has `os`); expected one for ECS or Lambda
    (ends with 3)
    ");
    assert_snapshot!(migrate("empty", "", &[]), @"
    ---
    appspec.yaml:1:1: the file is empty; write one
    (ends with 3)
    ");
    assert_snapshot!(migrate("tag", "Resources: !Ref x\n", &[]), @"
    ---
    appspec.yaml:1:12: tags (`!…`) have no meaning in an AppSpec; remove the tag; quote text
    (ends with 3)
    ");
    assert_snapshot!(migrate("both", APP_SPEC, &["--json", "--format", "cloudformation"]), @r#"
    {
      "problems": [
        {
          "file": "appspec.yaml",
          "message": "--json and --format cloudformation can't be used together; remove one"
        }
      ]
    }
    ---
    (ends with 3)
    "#);
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
    appspec.yaml: it has no list named Resources
    (ends with 3)
    ");
}
