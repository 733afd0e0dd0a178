//! What the rules of the wiring compare.

use ::wiring::facts::Strategy;
use ::wiring::{Facts, Options, Outcome, Rule, judge};
use aws_sdk_ecs::types::builders::DeploymentConfigurationBuilder;
use aws_sdk_ecs::types::{
    AdvancedConfiguration, CanaryConfiguration, DeploymentConfiguration, DeploymentLifecycleHook,
    DeploymentLifecycleHookAction, DeploymentLifecycleHookStage, DeploymentLifecycleHookTargetType,
    DeploymentLifecycleHookTimeoutConfiguration, DeploymentStrategy, LinearConfiguration,
    LoadBalancer,
};

use super::*;

const SERVICE: &[(&str, &str)] = &[
    ("platform", "ECS"),
    ("version", "1.1.0"),
    ("old_version", "1.0.0"),
    (
        "old_task_definition",
        "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:11",
    ),
];

fn definition() -> Answer {
    ok(
        json!({ "taskDefinition": { "taskDefinitionArn": DEFINITION, "status": "ACTIVE", "networkMode": "awsvpc",
        "containerDefinitions": [{ "name": "web", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop:1.1.0",
            "portMappings": [{ "containerPort": 8080, "hostPort": 80 }] }] } }),
    )
}

fn described_service(controller: &str) -> Answer {
    ok(
        json!({ "services": [{ "serviceArn": "arn:aws:ecs:us-east-1:111122223333:service/production/shop", "status": "ACTIVE",
        "deploymentController": { "type": controller }, "tags": [{ "key": "aws:cloudformation:stack-name", "value": "shop" }] }] }),
    )
}

fn listener(id: &str, group: &str) -> Answer {
    xml(
        "DescribeListeners",
        &format!(
            "<Listeners><member><ListenerArn>{ELB}:listener/app/shop/50dc/{id}</ListenerArn>\
             <LoadBalancerArn>{ELB}:loadbalancer/app/shop/50dc</LoadBalancerArn>\
             <DefaultActions><member><Type>forward</Type><TargetGroupArn>{ELB}:targetgroup/{group}/1</TargetGroupArn></member></DefaultActions></member></Listeners>"
        ),
    )
}

fn rules(groups: &[&str]) -> Answer {
    let tuples: Vec<String> = groups
        .iter()
        .map(|group| {
            format!("<member><TargetGroupArn>{ELB}:targetgroup/{group}/1</TargetGroupArn></member>")
        })
        .collect();
    xml(
        "DescribeRules",
        &format!(
            "<Rules><member><RuleArn>r</RuleArn><Actions><member><Type>forward</Type><ForwardConfig><TargetGroups>{}</TargetGroups></ForwardConfig></member></Actions></member></Rules>",
            tuples.concat()
        ),
    )
}

fn delay() -> Answer {
    xml(
        "DescribeTargetGroupAttributes",
        "<Attributes><member><Key>deregistration_delay.timeout_seconds</Key><Value>30</Value></member></Attributes>",
    )
}

fn in_order(controller: &'static str) -> Answers {
    vec![
        ("DescribeTaskDefinition", vec![definition()]),
        ("DescribeServices", vec![described_service(controller)]),
        (
            "DescribeTargetGroups",
            vec![target_group("blue"), target_group("green")],
        ),
        ("DescribeTargetGroupAttributes", vec![delay()]),
        ("DescribeListeners", vec![listener("prod", "blue")]),
        ("DescribeRules", vec![rules(&["blue", "green"])]),
        (
            "DescribeAlarms",
            vec![ok(json!({ "MetricAlarms": [alarm("shop-5xx", "OK")] }))],
        ),
        (
            "DescribeImages",
            vec![ok(json!({ "imageDetails": [{ "imageTags": ["1.1.0"] }] }))],
        ),
        ("ListRules", vec![ok(json!({ "Rules": [] }))]),
    ]
}

/// The same, with other answers of one operation.
fn but(operation: &'static str, answers: Vec<Answer>, controller: &'static str) -> Answers {
    let mut all = in_order(controller);
    all.retain(|(name, _)| *name != operation);
    all.push((operation, answers));
    all
}

fn wrong(facts: &Facts) -> Vec<String> {
    let told = judge(facts, &Options::default()).into_iter();
    let told = told.filter_map(|finding| match finding.outcome {
        Outcome::Held | Outcome::NotJudged(_) => None,
        Outcome::Mismatch(mismatch) => Some(format!("{}: {mismatch}", finding.rule)),
        Outcome::Unknown(why) => Some(format!("{}: unknown: {why}", finding.rule)),
    });
    told.collect()
}

async fn of_service(answers: Answers) -> Vec<String> {
    let (cloud, _aws) = cloud(service(), SERVICE, answers).await;
    wrong(&cloud.wiring().await.unwrap())
}

#[tokio::test]
async fn a_service_in_order_has_every_fact() {
    assert_eq!(
        of_service(in_order("CODE_DEPLOY")).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_served_before_is_not_judged_once_a_deployment_is_over() {
    let of = async |is_over: bool, answers: Answers| {
        let mut release = service_release();
        release.is_over = is_over;
        let release = DescribedRelease::CodeDeploy(Box::new(release));
        let known = SERVICE.iter().filter(|(key, _)| !key.starts_with("old_"));
        let known: Vec<(&str, &str)> = known.copied().collect();
        let (cloud, _aws) = cloud(release, &known, answers).await;
        wrong(&cloud.wiring().await.unwrap())
    };
    let rules = |found: Vec<String>| -> Vec<String> {
        let rule = |line: &String| line.split(':').next().unwrap().to_owned();
        found.iter().map(rule).collect()
    };
    assert_eq!(
        of(true, in_order("CODE_DEPLOY")).await,
        Vec::<String>::new()
    );
    let of_the_old = ["task-definition-family", "version-newer"];
    assert_eq!(rules(of(false, in_order("CODE_DEPLOY")).await), of_the_old);
    let denied = vec![refused("AccessDeniedException")];
    let denied = of(true, but("DescribeServices", denied, "CODE_DEPLOY")).await;
    assert!(
        of_the_old
            .iter()
            .all(|rule| rules(denied.clone()).contains(&(*rule).to_owned())),
        "nobody knows whether they are gone: {denied:?}"
    );
}

#[tokio::test]
async fn the_waits_of_a_shift_and_the_host_ports_are_read() {
    let waits = async |config: DeploymentConfigurationBuilder| {
        let mut release = ecs_release();
        release.deployment.deployment_configuration = Some(config.build());
        let release = DescribedRelease::Ecs(Box::new(release));
        let (cloud, _aws) = cloud(release, SERVICE, in_order("ECS")).await;
        let Facts::Ecs(facts) = cloud.wiring().await.unwrap() else {
            panic!("ECS deploys");
        };
        let definition = facts.release.task_definition.unwrap().unwrap();
        assert_eq!(definition.containers[0].host_ports, [80]);
        (
            facts.shift_time.as_secs() / 60,
            facts.strategy == Strategy::Rolling,
        )
    };
    let of = |strategy| DeploymentConfiguration::builder().strategy(strategy);
    let canary = CanaryConfiguration::builder().canary_bake_time_in_minutes(5);
    let linear = LinearConfiguration::builder().step_percent(30.0);
    let linear = linear.step_bake_time_in_minutes(7).build();
    assert_eq!(waits(DeploymentConfiguration::builder()).await, (0, true));
    assert_eq!(waits(of(DeploymentStrategy::BlueGreen)).await, (0, false));
    assert_eq!(waits(of(DeploymentStrategy::Canary)).await, (10, false));
    let canary = of(DeploymentStrategy::Canary).canary_configuration(canary.build());
    assert_eq!(waits(canary).await, (5, false));
    // Steps of 10 %, unless said: nine waits before the last.
    assert_eq!(waits(of(DeploymentStrategy::Linear)).await, (54, false));
    let linear = of(DeploymentStrategy::Linear).linear_configuration(linear);
    assert_eq!(waits(linear).await, (21, false), "at 30, 60 and 90 %");
}

#[tokio::test]
async fn a_rule_on_the_second_page_is_read() {
    let page = |next: &str| {
        let other = "<Rules><member><RuleArn>other</RuleArn></member></Rules>";
        xml("DescribeRules", &format!("{other}{next}"))
    };
    let of = async |pages: Vec<Answer>| {
        let mut answers = but("DescribeRules", pages, "CODE_DEPLOY");
        answers.retain(|(name, _)| *name != "DescribeListeners");
        answers.push(("DescribeListeners", vec![listener("prod", "another")]));
        of_service(answers).await
    };
    let second = rules(&["blue", "green"]);
    let found = of(vec![page("<NextMarker>2</NextMarker>"), second]).await;
    assert_eq!(found, Vec::<String>::new());
    let missed = of(vec![page("")]).await;
    assert!(!missed.is_empty(), "only a rule leads to the pair");
}

#[tokio::test]
async fn versions_are_read_wherever_they_are_named() {
    let named = |tag: &str, label: &str| {
        ok(json!({
            "tags": [{ "key": "deploy-hooks:version", "value": tag }],
            "taskDefinition": { "taskDefinitionArn": DEFINITION, "status": "ACTIVE", "networkMode": "awsvpc",
                "containerDefinitions": [{ "name": "web", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop:1.1.0",
                    "dockerLabels": { "org.opencontainers.image.version": label },
                    "portMappings": [{ "containerPort": 8080 }] }] },
        }))
    };
    let of = async |tag, label| {
        let (answer, operation) = (named(tag, label), "DescribeTaskDefinition");
        of_service(but(operation, vec![answer], "CODE_DEPLOY")).await
    };
    assert_eq!(of("v1.1.0", "1.1.0").await, Vec::<String>::new());
    insta::assert_snapshot!(of("1.1.0", "1.0.0").await.join("\n"), @"versions-agree: the tag deploy-hooks:version of the container web is 1.1.0, and the label org.opencontainers.image.version is 1.0.0; let the build write one version into both");
    insta::assert_snapshot!(of("1.2.0", "1.2.0").await.join("\n"), @"versions-agree: the tag deploy-hooks:version of the container web is 1.2.0, and the image's tag is 1.1.0; let the build write one version into both");
}

#[tokio::test]
async fn what_is_gone_is_a_mismatch_and_what_can_not_be_asked_for_is_unknown() {
    let gone = but(
        "DescribeTaskDefinition",
        vec![refused("ClientNotFoundException")],
        "CODE_DEPLOY",
    );
    let gone = of_service(gone).await;
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(gone[0].starts_with("task-definition-exists: the task definition does not exist"));
    let gone = of_service(but(
        "DescribeImages",
        vec![refused("ImageNotFoundException")],
        "CODE_DEPLOY",
    ))
    .await;
    assert!(gone[0].starts_with("image-exists: "), "{gone:?}");
    let gone = of_service(but("DescribeAlarms", vec![ok(json!({}))], "CODE_DEPLOY")).await;
    assert!(gone[0].starts_with("alarms-exist: the attached alarm shop-5xx does not exist"));
    let denied = of_service(but(
        "DescribeServices",
        vec![refused("AccessDeniedException")],
        "CODE_DEPLOY",
    ))
    .await;
    assert_eq!(denied.len(), 2, "{denied:?}");
    insta::assert_snapshot!(denied[0], @"service-exists: unknown: DescribeServices shop failed: AccessDeniedException: scripted; the function's role needs ecs:DescribeServices");
    let busy = of_service(but(
        "DescribeTargetGroupAttributes",
        vec![throttled()],
        "CODE_DEPLOY",
    ))
    .await;
    assert!(
        busy.iter()
            .all(|it| it.starts_with("deregistration-delay: unknown")),
        "{busy:?}"
    );
    let empty = of_service(but(
        "DescribeTargetGroups",
        vec![refused("TargetGroupNotFound")],
        "CODE_DEPLOY",
    ))
    .await;
    assert!(
        empty[0].starts_with("target-groups: the target group blue and green does not exist"),
        "{empty:?}"
    );
}

#[tokio::test]
async fn a_function_in_order_has_every_fact() {
    let state = |state: &str| vec![ok(json!({ "FunctionName": "checkout", "State": state }))];
    let alias = || {
        vec![ok(
            json!({ "FunctionVersion": "7", "RoutingConfig": { "AdditionalVersionWeights": { "8": 0.1 } } }),
        )]
    };
    let answers = |states, aliases| {
        vec![
            ("GetFunctionConfiguration", states),
            ("GetAlias", aliases),
            (
                "DescribeAlarms",
                vec![ok(json!({ "MetricAlarms": [alarm("shop-5xx", "OK")] }))],
            ),
        ]
    };
    let of = async |answers| {
        let (cloud, _aws) = cloud(function(), FUNCTION, answers).await;
        wrong(&cloud.wiring().await.unwrap())
    };
    assert_eq!(
        of(answers(state("Active"), alias())).await,
        Vec::<String>::new()
    );
    let failed = of(answers(state("Failed"), alias())).await;
    assert!(
        failed[0].contains("is Failed, and not Active"),
        "{failed:?}"
    );
    let gone = of(answers(
        vec![refused("ResourceNotFoundException")],
        vec![refused("ResourceNotFoundException")],
    ))
    .await;
    assert_eq!(gone.len(), 2, "{gone:?}");
    let denied = of(answers(
        state("Active"),
        vec![refused("AccessDeniedException")],
    ))
    .await;
    assert!(
        denied[0].contains("unknown: GetAlias checkout:live failed"),
        "{denied:?}"
    );
}

fn by_ecs(rule_in_stack: bool) -> (DescribedRelease, Answers) {
    let mut release = ecs_release();
    let arn = |kind: &str| format!("{ELB}:listener-rule/app/shop/50dc/f2f7/{kind}");
    let advanced = AdvancedConfiguration::builder()
        .alternate_target_group_arn(format!("{ELB}:targetgroup/green/1"))
        .production_listener_rule(arn("prod"))
        .test_listener_rule(arn("test"))
        .role_arn("arn:aws:iam::111122223333:role/balancer");
    let balancer = LoadBalancer::builder()
        .target_group_arn(format!("{ELB}:targetgroup/blue/1"))
        .container_name("web")
        .container_port(8080)
        .advanced_configuration(advanced.build());
    release.new.load_balancers = Some(vec![balancer.build()]);
    let timeout = |action| {
        DeploymentLifecycleHookTimeoutConfiguration::builder()
            .timeout_in_minutes(60)
            .action(action)
            .build()
    };
    let gate = DeploymentLifecycleHook::builder()
        .hook_target_arn("arn:aws:lambda:us-east-1:111122223333:function:gate")
        .role_arn("arn:aws:iam::111122223333:role/hooks")
        .lifecycle_stages(DeploymentLifecycleHookStage::PostProductionTrafficShift)
        .timeout_configuration(timeout(DeploymentLifecycleHookAction::Rollback));
    let pause = DeploymentLifecycleHook::builder()
        .target_type(DeploymentLifecycleHookTargetType::Pause)
        .lifecycle_stages(DeploymentLifecycleHookStage::PreProductionTrafficShift)
        .timeout_configuration(timeout(DeploymentLifecycleHookAction::Continue));
    let config = DeploymentConfiguration::builder()
        .bake_time_in_minutes(10)
        .lifecycle_hooks(gate.build())
        .lifecycle_hooks(pause.build());
    release.deployment.deployment_configuration = Some(config.build());
    let mut answers = in_order("ECS");
    if rule_in_stack {
        let pattern = r#"{"detail":{"serviceArn":["arn:aws:ecs:us-east-1:111122223333:service/production/shop"]}}"#;
        let rules = json!({ "Rules": [{ "Name": "pauses", "Arn": "arn:rule", "EventPattern": pattern }, { "Name": "other" }] });
        answers.retain(|(name, _)| *name != "ListRules");
        answers.push(("ListRules", vec![ok(rules)]));
        let tags = json!({ "Tags": [{ "Key": "aws:cloudformation:stack-name", "Value": "shop" }] });
        answers.push(("ListTagsForResource", vec![ok(tags)]));
    }
    (DescribedRelease::Ecs(Box::new(release)), answers)
}

#[tokio::test]
async fn a_deployment_by_ecs_has_its_hooks_rules_and_event_rules() {
    let of = async |(release, answers)| {
        let (cloud, _aws) = cloud(release, SERVICE, answers).await;
        let facts = cloud.wiring().await.unwrap();
        let told: Vec<Rule> = judge(&facts, &Options::default())
            .into_iter()
            .filter(|finding| !matches!(finding.outcome, Outcome::Held | Outcome::NotJudged(_)))
            .map(|finding| finding.rule)
            .collect();
        told
    };
    assert_eq!(of(by_ecs(false)).await, [Rule::HookTimeoutAction]);
    assert_eq!(
        of(by_ecs(true)).await,
        [Rule::HookTimeoutAction, Rule::EventRule]
    );
}

#[tokio::test]
async fn a_pipeline_does_not_say_what_is_deployed() {
    let (cloud, _aws) = cloud(DescribedRelease::Pipeline, &[], Vec::new()).await;
    assert!(
        cloud
            .wiring()
            .await
            .unwrap_err()
            .0
            .contains("let CodeDeploy or ECS call the gate")
    );
}
