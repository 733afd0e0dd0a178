//! Each question, with what AWS answers, what it refuses and what it throttles.

mod browser_task;
mod functions;
mod logs;
mod metrics;
mod targets;
mod tasks;
mod wiring;

use std::sync::Arc;

use aws_sdk_codedeploy::types::{
    Alarm as AttachedAlarm, AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent,
    DeploymentGroupInfo, DeploymentTarget, EcsService, EcsTarget, EcsTaskSet, LoadBalancerInfo,
    TargetGroupInfo, TargetGroupPairInfo, TargetLabel, TrafficRoute,
};
use aws_sdk_ecs::types::{
    ResolvedConfiguration, ServiceDeployment, ServiceRevision, ServiceRevisionLoadBalancer,
    ServiceRevisionSummary,
};
use gate::Stage;
use gate::cloud::AlarmState;
use jiff::Timestamp;
use serde_json::{Value, json};
use test_support::scripted::{Answer, Scripted, ok, refused, throttled};

use super::*;
use crate::app_spec::AppSpec;

const ELB: &str = "arn:aws:elasticloadbalancing:us-east-1:111122223333";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:12";

/// The answers of an AWS to a cloud.
type Answers = Vec<(&'static str, Vec<Answer>)>;

/// A cloud over `answers`, asked about `release`, of which these facts are known.
async fn cloud(
    release: DescribedRelease,
    facts: &[(&str, &str)],
    answers: Answers,
) -> (Cloud, Scripted) {
    let aws = Scripted::start(answers).await;
    let fact = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let cloud = Cloud {
        function: Arc::new(GateFunction {
            stage: Stage::PostTraffic,
            settings: Err(common::settings::SettingsError {
                problems: Vec::new(),
            }),
            aws: aws.clients(),
        }),
        release,
        known: KnownFacts {
            facts: facts.iter().map(fact).collect(),
            ..KnownFacts::default()
        },
    };
    (cloud, aws)
}

fn set(label: TargetLabel, group: &str) -> EcsTaskSet {
    EcsTaskSet::builder()
        .task_set_label(label)
        .desired_count(2)
        .target_group(TargetGroupInfo::builder().name(group).build())
        .build()
}

fn route(id: &str) -> TrafficRoute {
    let arn = format!("{ELB}:listener/app/shop/50dc/{id}");
    TrafficRoute::builder().listener_arns(arn).build()
}

fn group() -> DeploymentGroupInfo {
    let named = |name: &str| TargetGroupInfo::builder().name(name).build();
    let pair = TargetGroupPairInfo::builder()
        .target_groups(named("blue"))
        .target_groups(named("green"))
        .prod_traffic_route(route("prod"))
        .test_traffic_route(route("test"))
        .build();
    let balancers = LoadBalancerInfo::builder().target_group_pair_info_list(pair);
    let alarms = AlarmConfiguration::builder()
        .enabled(true)
        .alarms(AttachedAlarm::builder().name("shop-5xx").build());
    let rollback = AutoRollbackConfiguration::builder()
        .enabled(true)
        .events(AutoRollbackEvent::DeploymentFailure);
    let service = EcsService::builder()
        .cluster_name("production")
        .service_name("shop");
    DeploymentGroupInfo::builder()
        .deployment_group_name("production")
        .ecs_services(service.build())
        .load_balancer_info(balancers.build())
        .alarm_configuration(alarms.build())
        .auto_rollback_configuration(rollback.build())
        .build()
}

/// A deployment of a service by CodeDeploy.
fn service_release() -> CodeDeployRelease {
    let spec = format!(
        "Resources:\n  - S:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: '{DEFINITION}'\n        LoadBalancerInfo: {{ ContainerName: web, ContainerPort: 8080 }}\nHooks:\n  - AfterAllowTestTraffic: gate\n"
    );
    let target = EcsTarget::builder()
        .task_sets_info(set(TargetLabel::Blue, "blue"))
        .task_sets_info(set(TargetLabel::Green, "green"));
    CodeDeployRelease {
        spec: AppSpec::parse(&spec).unwrap(),
        group: group(),
        targets: vec![
            DeploymentTarget::builder()
                .ecs_target(target.build())
                .build(),
        ],
        begun: None,
        is_over: false,
    }
}

fn service() -> DescribedRelease {
    DescribedRelease::CodeDeploy(Box::new(service_release()))
}

/// A deployment of a function.
fn function() -> DescribedRelease {
    let spec = "Resources:\n  - F:\n      Type: AWS::Lambda::Function\n      Properties: { Name: checkout, Alias: live, CurrentVersion: '7', TargetVersion: '8' }\n";
    DescribedRelease::CodeDeploy(Box::new(CodeDeployRelease {
        spec: AppSpec::parse(spec).unwrap(),
        group: group(),
        targets: Vec::new(),
        begun: None,
        is_over: false,
    }))
}

const FUNCTION: &[(&str, &str)] = &[
    ("platform", "Lambda"),
    ("function", "checkout"),
    ("target_version", "8"),
];

/// A deployment by ECS itself.
fn ecs_release() -> EcsRelease {
    let revision = |group: &str| {
        let arn = format!("{ELB}:targetgroup/{group}/1");
        // One that no deployment shifts stands before the one that this one does.
        let plain = ServiceRevisionLoadBalancer::builder()
            .target_group_arn(format!("{ELB}:targetgroup/metrics/1"));
        let balancer = ServiceRevisionLoadBalancer::builder()
            .target_group_arn(arn)
            .production_listener_rule(format!("{ELB}:listener-rule/app/shop/1/2/3"));
        let resolved = ResolvedConfiguration::builder()
            .load_balancers(plain.build())
            .load_balancers(balancer.build());
        ServiceRevision::builder()
            .task_definition(DEFINITION)
            .resolved_configuration(resolved.build())
            .build()
    };
    let wanted = ServiceRevisionSummary::builder().requested_task_count(3);
    EcsRelease {
        deployment: ServiceDeployment::builder()
            .service_arn("arn:aws:ecs:us-east-1:111122223333:service/production/shop")
            .cluster_arn("production")
            .target_service_revision(wanted.build())
            .build(),
        new: revision("green"),
        old: Some(revision("blue")),
    }
}

/// An answer of the query protocol.
fn xml(operation: &str, result: &str) -> Answer {
    ok(format!(
        "<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
    ))
}

fn target_group(name: &str) -> Answer {
    xml(
        "DescribeTargetGroups",
        &format!(
            "<TargetGroups><member><TargetGroupArn>{ELB}:targetgroup/{name}/1</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
             <TargetType>ip</TargetType><HealthCheckPort>traffic-port</HealthCheckPort>\
             <LoadBalancerArns><member>{ELB}:loadbalancer/app/shop/50dc</member></LoadBalancerArns></member></TargetGroups>"
        ),
    )
}

async fn alarm_states(answers: Vec<Answer>) -> Result<Vec<Alarm>, CloudError> {
    let (cloud, _aws) = cloud(service(), &[], vec![("DescribeAlarms", answers)]).await;
    cloud.alarms(&["a".to_owned(), "b".to_owned()]).await
}

fn alarm(name: &str, state: &str) -> Value {
    json!({ "AlarmName": name, "StateValue": state, "StateReason": "because" })
}

#[tokio::test]
async fn alarms_of_both_kinds_and_of_all_pages_are_read() {
    let first = json!({ "MetricAlarms": [alarm("a", "OK")], "NextToken": "more" });
    let second = json!({ "CompositeAlarms": [alarm("b", "ALARM")] });
    let states = alarm_states(vec![ok(first), ok(second)]).await.unwrap();
    let told: Vec<_> = states
        .iter()
        .map(|it| (it.name.as_str(), it.state))
        .collect();
    assert_eq!(told, [("a", AlarmState::Ok), ("b", AlarmState::Alarm)]);
    assert_eq!(states[0].reason, "because");
    assert_eq!(alarm_states(vec![ok(json!({}))]).await, Ok(Vec::new()));
}

#[tokio::test]
async fn alarms_that_can_not_be_read_are_no_answer() {
    let error = async |answer| alarm_states(vec![answer]).await.unwrap_err().0;
    insta::assert_snapshot!(error(refused("AccessDeniedException")).await, @"DescribeAlarms failed: AccessDeniedException: scripted; the function's role needs cloudwatch:DescribeAlarms");
    assert!(error(throttled()).await.contains("AWS throttled"));
    let odd = json!({ "MetricAlarms": [alarm("a", "PURPLE")] });
    assert!(
        error(ok(odd))
            .await
            .contains("\"PURPLE\", which is not known here")
    );
}
