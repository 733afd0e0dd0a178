//! Scalable targets, and how registering one moves the count of its service.

use aws_sdk_applicationautoscaling::error::ProvideErrorMetadata;
use aws_sdk_applicationautoscaling::operation::register_scalable_target::RegisterScalableTargetError;
use aws_sdk_applicationautoscaling::types::{
    PolicyType, ScalableDimension, ScalableTargetAction, ScalingActivity, ServiceNamespace,
    SuspendedState,
};
use serde_json::json;

use crate::bench::{Bench, id, refusal};

fn suspended(state: &SuspendedState) -> [bool; 3] {
    [
        state.dynamic_scaling_in_suspended.unwrap(),
        state.dynamic_scaling_out_suspended.unwrap(),
        state.scheduled_scaling_suspended.unwrap(),
    ]
}

#[tokio::test]
async fn registering_pulls_the_count_into_the_bounds() {
    let bench = Bench::new().await;
    bench.service("web", 1).await;
    bench.bounds("web", 2, 4).await;
    assert_eq!(bench.desired("web").await, 2);
    bench.set_count("web", 9).await;
    assert_eq!(bench.desired("web").await, 9, "no bound refuses an update");
    bench.register("web").max_capacity(6).send().await.unwrap();
    assert_eq!(bench.desired("web").await, 6);
    let target = bench.target("web").await.unwrap();
    assert_eq!((target.min_capacity, target.max_capacity), (2, 6));
    assert!(
        target
            .role_arn
            .contains("AWSServiceRoleForApplicationAutoScaling_ECSService")
    );
    assert!(
        target
            .scalable_target_arn
            .unwrap()
            .contains(":scalable-target/0ec5")
    );
}

#[tokio::test]
async fn suspending_alone_starts_a_stopped_service_again() {
    let bench = Bench::new().await;
    bench.service("web", 3).await;
    bench.bounds("web", 1, 4).await;
    bench.set_count("web", 0).await;
    assert_eq!(bench.desired("web").await, 0);
    let all = SuspendedState::builder()
        .dynamic_scaling_in_suspended(true)
        .dynamic_scaling_out_suspended(true)
        .scheduled_scaling_suspended(true)
        .build();
    bench
        .register("web")
        .suspended_state(all)
        .send()
        .await
        .unwrap();
    assert_eq!(
        bench.desired("web").await,
        1,
        "min and max were left out, and held"
    );
    bench.register("web").min_capacity(0).send().await.unwrap();
    bench.set_count("web", 0).await;
    bench.register("web").send().await.unwrap();
    assert_eq!(bench.desired("web").await, 0);
    let activities = bench.scaling.describe_scaling_activities();
    let activities = activities
        .service_namespace(ServiceNamespace::Ecs)
        .send()
        .await
        .unwrap();
    let causes: Vec<&str> = activities
        .scaling_activities()
        .iter()
        .map(ScalingActivity::cause)
        .collect();
    assert_eq!(causes, ["minimum capacity was set to 1"]);
}

#[tokio::test]
async fn what_is_left_out_stays_as_it_is() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    bench.bounds("web", 1, 4).await;
    assert_eq!(
        suspended(
            bench
                .target("web")
                .await
                .unwrap()
                .suspended_state()
                .unwrap()
        ),
        [false; 3]
    );
    let out = SuspendedState::builder()
        .dynamic_scaling_out_suspended(true)
        .build();
    bench
        .register("web")
        .suspended_state(out)
        .send()
        .await
        .unwrap();
    let scheduled = SuspendedState::builder()
        .scheduled_scaling_suspended(true)
        .build();
    bench
        .register("web")
        .suspended_state(scheduled)
        .send()
        .await
        .unwrap();
    let target = bench.target("web").await.unwrap();
    assert_eq!(
        suspended(target.suspended_state().unwrap()),
        [false, true, true]
    );
    assert_eq!((target.min_capacity, target.max_capacity), (1, 4));
    let resumed = SuspendedState::builder()
        .dynamic_scaling_out_suspended(false)
        .build();
    bench
        .register("web")
        .suspended_state(resumed)
        .send()
        .await
        .unwrap();
    let target = bench.target("web").await.unwrap();
    assert_eq!(
        suspended(target.suspended_state().unwrap()),
        [false, false, true]
    );
}

#[tokio::test]
async fn wrong_registrations_are_refused_and_change_nothing() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    for (call, expected) in [
        (
            bench.register("web").min_capacity(1),
            "must be specified for a new scalable target",
        ),
        (
            bench.register("web").max_capacity(1),
            "must be specified for a new scalable target",
        ),
        (
            bench.register("web").min_capacity(3).max_capacity(2),
            "Maximum capacity cannot be less than minimum capacity",
        ),
        (
            bench.register("web").min_capacity(-1).max_capacity(2),
            "Minimum capacity cannot be less than 0",
        ),
        (
            bench.register("ghost").min_capacity(1).max_capacity(2),
            "ECS service doesn't exist: service/dev/ghost",
        ),
        (
            bench
                .register("web")
                .resource_id("dev/web")
                .min_capacity(1)
                .max_capacity(2),
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            bench
                .register("web")
                .scalable_dimension(ScalableDimension::DynamoDbTableReadCapacityUnits)
                .min_capacity(1)
                .max_capacity(2),
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            bench
                .register("web")
                .service_namespace(ServiceNamespace::Rds),
            "local-aws scales ECS services only",
        ),
    ] {
        let refused = refusal(call.send().await);
        assert!(refused.starts_with("ValidationException: "), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
    assert!(bench.target("web").await.is_none());
    bench.bounds("web", 1, 3).await;
    let refused = refusal(bench.register("web").min_capacity(4).send().await);
    assert!(refused.contains("cannot be less than minimum"), "{refused}");
    assert_eq!(bench.target("web").await.unwrap().min_capacity, 1);
}

#[tokio::test]
async fn targets_come_in_pages_of_fifty_and_unknown_ids_are_absent() {
    let bench = Bench::new().await;
    for n in 0..60 {
        let name = format!("web-{n:02}");
        bench.service(&name, 1).await;
        bench.bounds(&name, 1, 2).await;
    }
    let describe = || {
        let call = bench.scaling.describe_scalable_targets();
        call.service_namespace(ServiceNamespace::Ecs)
    };
    let first = describe().send().await.unwrap();
    assert_eq!(first.scalable_targets().len(), 50);
    let second = describe()
        .next_token(first.next_token().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(second.scalable_targets().len(), 10);
    assert_eq!(second.next_token(), None);
    let some = describe()
        .resource_ids(id("web-03"))
        .resource_ids(id("ghost"));
    let some = some.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let some = some.send().await.unwrap();
    assert_eq!(some.scalable_targets().len(), 1);
    assert_eq!(some.scalable_targets()[0].resource_id(), id("web-03"));

    let many = (0..51).map(|n| id(&format!("web-{n}"))).collect();
    let refused = refusal(describe().set_resource_ids(Some(many)).send().await);
    assert!(
        refused.contains("length less than or equal to 50"),
        "{refused}"
    );
    let dimension = describe().scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    assert!(refusal(dimension.send().await).starts_with("ValidationException"));
    let token = refusal(describe().next_token("x").send().await);
    assert!(token.starts_with("InvalidNextTokenException"), "{token}");
}

#[tokio::test]
async fn deregistering_takes_policies_and_actions_along() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    let policy = || {
        let call = bench.scaling.put_scaling_policy().policy_name("cpu");
        call.service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(id("web"))
            .policy_type(PolicyType::StepScaling)
    };
    let refused = refusal(policy().send().await);
    assert_eq!(
        refused,
        "ObjectNotFoundException: No scalable target registered for service namespace: ecs, \
         resource ID: service/dev/web, scalable dimension: ecs:service:DesiredCount"
    );
    bench.bounds("web", 1, 4).await;
    assert!(
        policy()
            .send()
            .await
            .unwrap()
            .policy_arn()
            .contains(":scalingPolicy:")
    );
    let action = bench
        .scaling
        .put_scheduled_action()
        .scheduled_action_name("night");
    let action = action
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_id(id("web"))
        .schedule("cron(0 22 * * ? *)")
        .scalable_target_action(ScalableTargetAction::builder().min_capacity(0).build());
    action.send().await.unwrap();
    let policies = async || {
        let call = bench.scaling.describe_scaling_policies();
        let answer = call
            .service_namespace(ServiceNamespace::Ecs)
            .send()
            .await
            .unwrap();
        answer.scaling_policies().len()
    };
    let actions = bench.scaling.describe_scheduled_actions();
    let actions = actions
        .service_namespace(ServiceNamespace::Ecs)
        .send()
        .await
        .unwrap();
    assert_eq!(
        actions.scheduled_actions()[0].schedule(),
        "cron(0 22 * * ? *)"
    );
    // AWS knows the dimension of one resource only.
    let of_all = bench.scaling.describe_scheduled_actions();
    let of_all = of_all
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let refused = refusal(of_all.clone().send().await);
    assert!(refused.starts_with("ValidationException"), "{refused}");
    let of_one = of_all.resource_id(id("web")).send().await.unwrap();
    assert_eq!(of_one.scheduled_actions().len(), 1);
    assert_eq!(policies().await, 1);
    let deregister = || {
        let call = bench.scaling.deregister_scalable_target();
        call.service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(id("web"))
    };
    deregister().send().await.unwrap();
    assert_eq!(policies().await, 0);
    let refused = refusal(deregister().send().await);
    assert!(
        refused.starts_with("ObjectNotFoundException: No scalable target found"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_service_that_is_not_active_keeps_its_count() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    bench.bounds("web", 1, 4).await;
    let delete = bench.ecs.delete_service().cluster("dev").service("web");
    delete.force(true).send().await.unwrap();
    bench.register("web").min_capacity(2).send().await.unwrap();
    assert_eq!(bench.desired("web").await, 0);
}

#[tokio::test]
async fn an_ordered_fault_is_the_exception_of_the_model() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    bench.service("api", 2).await;
    let fault = json!({
        "service": "application-autoscaling", "operation": "RegisterScalableTarget", "times": 1,
        "status": 400, "code": "ConcurrentUpdateException", "message": "try again",
        "containing": "service/dev/web\"",
    });
    bench.control("faults", fault).await;
    bench.bounds("api", 1, 2).await;
    let call = bench.register("web").min_capacity(1).max_capacity(2);
    let error = call.clone().send().await.unwrap_err().into_service_error();
    assert!(matches!(
        error,
        RegisterScalableTargetError::ConcurrentUpdateException(_)
    ));
    assert_eq!(error.message(), Some("try again"));
    call.send().await.unwrap();
    let calls = bench.get("calls?service=applicationautoscaling&operation=RegisterScalableTarget");
    let calls = calls.await["calls"].as_array().unwrap().clone();
    let errors: Vec<_> = calls.iter().map(|call| call["error"].as_str()).collect();
    assert_eq!(errors, [None, Some("ConcurrentUpdateException"), None]);
}

#[tokio::test]
async fn targets_are_tagged_by_their_arn() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    let call = bench.register("web").min_capacity(1).max_capacity(2);
    let made = call.tags("team", "shop").send().await.unwrap();
    let arn = made.scalable_target_arn().unwrap();
    let add = bench
        .scaling
        .tag_resource()
        .resource_arn(arn)
        .tags("env", "dev");
    add.send().await.unwrap();
    let drop = bench
        .scaling
        .untag_resource()
        .resource_arn(arn)
        .tag_keys("team");
    drop.send().await.unwrap();
    let listed = bench.scaling.list_tags_for_resource().resource_arn(arn);
    let tags = listed.send().await.unwrap().tags.unwrap();
    assert_eq!(
        tags.into_iter().collect::<Vec<_>>(),
        [("env".to_owned(), "dev".to_owned())]
    );
    let refused = refusal(bench.register("web").tags("a", "b").send().await);
    assert!(refused.contains("Use TagResource"), "{refused}");
    let ghost = bench
        .scaling
        .list_tags_for_resource()
        .resource_arn("arn:aws:x");
    assert!(refusal(ghost.send().await).starts_with("ResourceNotFoundException"));
}
