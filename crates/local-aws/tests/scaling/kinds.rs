//! Services that nobody may scale.

use aws_sdk_ecs::types::{
    DeploymentController, DeploymentControllerType, ExpressGatewayContainer, LaunchType,
    ResourceManagementType, SchedulingStrategy,
};

use crate::bench::{Bench, NO_PROCESS, refusal};

const NO_COUNT: &str = "InvalidParameterException: The daemon scheduling strategy does not support a \
                        desired count for services. Remove the desired count value and try again";

#[tokio::test]
async fn a_daemon_has_no_desired_count() {
    let bench = Bench::new().await;
    let daemon = || {
        let call = bench
            .ecs
            .create_service()
            .cluster("dev")
            .service_name("logs");
        call.task_definition(NO_PROCESS)
            .scheduling_strategy(SchedulingStrategy::Daemon)
    };
    assert_eq!(refusal(daemon().desired_count(1).send().await), NO_COUNT);
    let fargate = refusal(daemon().launch_type(LaunchType::Fargate).send().await);
    assert!(fargate.contains("Fargate"), "{fargate}");
    let controller = DeploymentController::builder().r#type(DeploymentControllerType::External);
    let external = bench
        .ecs
        .create_service()
        .cluster("dev")
        .service_name("logs");
    let external = external
        .scheduling_strategy(SchedulingStrategy::Daemon)
        .deployment_controller(controller.build().unwrap());
    assert!(refusal(external.send().await).contains("EXTERNAL"));

    daemon().send().await.unwrap();
    let service = bench.described("logs").await;
    assert_eq!(
        service.scheduling_strategy(),
        Some(&SchedulingStrategy::Daemon)
    );
    assert_eq!((service.desired_count, service.running_count), (1, 1));
    let update = || bench.ecs.update_service().cluster("dev").service("logs");
    assert_eq!(refusal(update().desired_count(0).send().await), NO_COUNT);
    update().force_new_deployment(true).send().await.unwrap();
    let scaled = bench.register("logs").min_capacity(0).max_capacity(2);
    assert!(refusal(scaled.send().await).contains("DAEMON"));
}

#[tokio::test]
async fn an_express_service_is_managed_by_ecs() {
    let bench = Bench::new().await;
    let container = ExpressGatewayContainer::builder().image("no-process");
    let create = bench
        .ecs
        .create_express_gateway_service()
        .cluster("dev")
        .service_name("site");
    let made = create
        .execution_role_arn("arn:aws:iam::000000000000:role/execution")
        .infrastructure_role_arn("arn:aws:iam::000000000000:role/infrastructure")
        .primary_container(container.build().unwrap())
        .send()
        .await
        .unwrap();
    assert!(
        made.service()
            .unwrap()
            .service_arn()
            .unwrap()
            .ends_with(":service/dev/site")
    );
    bench.service("web", 1).await;
    let managed = async |name: &str| {
        bench
            .described(name)
            .await
            .resource_management_type
            .unwrap()
    };
    assert_eq!(managed("site").await, ResourceManagementType::Ecs);
    assert_eq!(managed("web").await, ResourceManagementType::Customer);
    assert_eq!(bench.described("site").await.running_count, 1);
    let list = bench.ecs.list_services().cluster("dev");
    let list = list
        .resource_management_type(ResourceManagementType::Ecs)
        .send()
        .await
        .unwrap();
    assert_eq!(list.service_arns().len(), 1);
}
