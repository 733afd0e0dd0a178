//! Rolling updates under the ECS controller, and task sets without processes under another.

use aws_sdk_ecs::types::DeploymentRolloutState::{Completed, InProgress};
use aws_sdk_ecs::types::{
    DeploymentController, DeploymentControllerType, DeploymentRolloutState, Scale, ScaleUnit,
    Service,
};
use serde_json::json;

use crate::bench::{Bench, NO_PROCESS, SHOP};

/// Status, state and desired count of each deployment.
fn deployments(service: &Service) -> Vec<(&str, &DeploymentRolloutState, i32)> {
    let all = service.deployments().iter();
    all.map(|one| {
        let state = one.rollout_state().unwrap();
        (one.status().unwrap(), state, one.desired_count)
    })
    .collect()
}

#[tokio::test]
async fn a_count_alone_starts_no_deployment() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    let before = bench.described("web").await;
    assert_eq!(deployments(&before), [("PRIMARY", &Completed, 2)]);
    assert!(before.created_at().is_some());
    assert!(before.task_sets().is_empty());
    bench.control("lag", json!({ "start_seconds": 60 })).await;
    bench.set_count("web", 4).await;
    let after = bench.described("web").await;
    assert_eq!(deployments(&after), [("PRIMARY", &Completed, 4)]);
    assert_eq!(after.deployments()[0].id(), before.deployments()[0].id());
}

#[tokio::test]
async fn a_deployment_is_in_progress_until_the_new_tasks_run_and_the_old_are_gone() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    bench
        .control("lag", json!({ "start_seconds": 60, "stop_seconds": 30 }))
        .await;
    let update = bench.ecs.update_service().cluster("dev").service("web");
    update.force_new_deployment(true).send().await.unwrap();
    let during = bench.described("web").await;
    assert_eq!(
        deployments(&during),
        [("PRIMARY", &InProgress, 2), ("ACTIVE", &Completed, 2)]
    );
    let started = during.deployments()[0].created_at().unwrap().as_secs_f64();
    assert!(started >= during.created_at().unwrap().as_secs_f64());
    assert_eq!((during.running_count, during.pending_count), (2, 2));
    bench.advance(200).await;
    let over = async |bench: &Bench| {
        deployments(&bench.described("web").await) == [("PRIMARY", &Completed, 2)]
    };
    bench.until("the deployment is over", over).await;
    assert_eq!(bench.described("web").await.running_count, 2);
}

#[tokio::test]
async fn a_deployment_can_be_let_go_on() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    let lag =
        |seconds: u32| json!({ "cluster": "dev", "service": "web", "start_seconds": seconds });
    bench.control("lag", lag(86_400)).await;
    let update = bench.ecs.update_service().cluster("dev").service("web");
    update.force_new_deployment(true).send().await.unwrap();
    assert_eq!(bench.described("web").await.deployments().len(), 2);
    bench.control("lag", lag(0)).await;
    let over = async |bench: &Bench| {
        deployments(&bench.described("web").await) == [("PRIMARY", &Completed, 2)]
    };
    bench.until("the deployment is over", over).await;
}

#[tokio::test]
async fn without_a_lag_a_deployment_is_over_at_once_and_the_same_again_is_none() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    let before = bench.described("web").await;
    let update = || bench.ecs.update_service().cluster("dev").service("web");
    let same = update().task_definition(before.task_definition().unwrap());
    same.send().await.unwrap();
    let after = bench.described("web").await;
    assert_eq!(after.deployments()[0].id(), before.deployments()[0].id());
    let forced = update().force_new_deployment(true).send().await.unwrap();
    let forced = forced.service().unwrap();
    assert_eq!(deployments(forced), [("PRIMARY", &Completed, 2)]);
    assert_ne!(forced.deployments()[0].id(), before.deployments()[0].id());
}

#[tokio::test]
async fn processes_are_replaced_by_those_of_the_new_version() {
    let bench = Bench::new().await;
    let create = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("shop");
    create
        .task_definition(SHOP)
        .desired_count(1)
        .send()
        .await
        .unwrap();
    let settled = async |bench: &Bench| {
        let service = bench.described("shop").await;
        service.running_count == 1 && deployments(&service) == [("PRIMARY", &Completed, 1)]
    };
    bench.until("the first version runs", settled).await;
    let task = async || {
        let call = bench.ecs.list_tasks().cluster("dev").service_name("shop");
        call.send().await.unwrap().task_arns.unwrap()
    };
    let before = task().await;
    let update = bench.ecs.update_service().cluster("dev").service("shop");
    let updated = update.force_new_deployment(true).send().await.unwrap();
    let primary = updated.service().unwrap().deployments()[0].clone();
    assert_eq!(primary.rollout_state(), Some(&InProgress));
    bench.until("the second version runs alone", settled).await;
    assert_eq!(
        bench.described("shop").await.deployments()[0].id(),
        primary.id()
    );
    assert_ne!(task().await, before);
    bench.set_count("shop", 0).await;
    let gone = async |bench: &Bench| bench.described("shop").await.running_count == 0;
    bench.until("nothing runs", gone).await;
    bench.server.stop().await;
}

#[tokio::test]
async fn task_sets_have_no_processes_either() {
    let bench = Bench::new().await;
    let external = DeploymentController::builder().r#type(DeploymentControllerType::External);
    let create = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("web");
    let create = create.deployment_controller(external.build().unwrap());
    create.desired_count(4).send().await.unwrap();
    bench.control("lag", json!({ "start_seconds": 60 })).await;
    let mut sets = Vec::new();
    for percent in [100.0, 50.0] {
        let scale = Scale::builder().value(percent).unit(ScaleUnit::Percent);
        let create = bench.ecs.create_task_set().cluster("dev").service("web");
        let create = create.task_definition(NO_PROCESS).scale(scale.build());
        let made = create.send().await.unwrap();
        sets.push(made.task_set().unwrap().id().unwrap().to_owned());
    }
    let counts = async |bench: &Bench| {
        let service = bench.described("web").await;
        assert!(service.deployments().is_empty());
        let sets = service.task_sets().iter();
        sets.map(|set| (set.running_count, set.pending_count))
            .collect::<Vec<_>>()
    };
    let pending = async |bench: &Bench| counts(bench).await == [(0, 4), (0, 2)];
    bench.until("their tasks are starting", pending).await;
    bench.advance(61).await;
    assert_eq!(counts(&bench).await, [(4, 0), (2, 0)]);
    bench.set_count("web", 0).await;
    assert_eq!(counts(&bench).await, [(0, 0), (0, 0)]);
    let delete = bench.ecs.delete_task_set().cluster("dev").service("web");
    delete.task_set(&sets[1]).send().await.unwrap();
    let gone = async |bench: &Bench| counts(bench).await.len() == 1;
    bench.until("the deleted one is gone", gone).await;
}
