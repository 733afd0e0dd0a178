//! CodeDeploy, ECS compute platform.

use super::*;

#[test]
fn the_placeholder_and_a_short_name_are_no_task_definition() {
    let written = |text: &str| {
        let text = text.to_owned();
        with_code_deploy(|it| it.written_task_definition = text)
    };
    insta::assert_snapshot!(written("<TASK_DEFINITION>"), @"task-definition-arn: the AppSpec's TaskDefinition is still the placeholder <TASK_DEFINITION>; let the pipeline's CodeDeployToECS action fill it in, or write the ARN that RegisterTaskDefinition returned");
    insta::assert_snapshot!(written("shop:12"), @r#"task-definition-arn: the AppSpec's TaskDefinition is "shop:12", which is no full ARN with a revision; write arn:…:task-definition/FAMILY:REVISION, as RegisterTaskDefinition returned it"#);
    assert!(written("arn:aws:ecs:eu-central-1:1:task-definition/shop").contains("no full ARN"));
}

#[test]
fn the_task_definition_exists_is_active_and_of_the_family() {
    insta::assert_snapshot!(with_code_deploy(|it| it.release.task_definition = Ok(None)), @"task-definition-exists: the task definition does not exist; register it in this account and region, and deploy the ARN that RegisterTaskDefinition returns");
    let inactive = with_code_deploy(|it| definition(it).is_active = false);
    insta::assert_snapshot!(inactive, @"task-definition-exists: the task definition shop:12 is not active: somebody has deregistered it; register it again and deploy the new revision");
    let other = with_code_deploy(|it| {
        it.release.old_task_definition = Ok(Some(format!("{ACCOUNT}:task-definition/cart:3")));
    });
    insta::assert_snapshot!(other, @"task-definition-family: the task definition is of the family shop, and cart serves; deploy a revision of cart; if the family was renamed on purpose, except this rule");
    let first = with_code_deploy(|it| it.release.old_task_definition = Ok(None));
    assert_eq!(first, "", "nothing serves yet");
}

fn definition(facts: &mut CodeDeployEcs) -> &mut TaskDefinition {
    facts
        .release
        .task_definition
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
}

fn service(facts: &mut CodeDeployEcs) -> &mut Service {
    facts.release.service.as_mut().unwrap().as_mut().unwrap()
}

fn groups(facts: &mut CodeDeployEcs) -> &mut Vec<TargetGroup> {
    facts.release.target_groups.as_mut().unwrap()
}

#[test]
fn container_and_port_are_in_the_task_definition() {
    let wrong = with_code_deploy(|it| it.release.container = Some("app".to_owned()));
    insta::assert_snapshot!(wrong, @r#"container: the load balancer's ContainerName is "app", and shop:12 has no such container; name one of web"#);
    let none = with_code_deploy(|it| it.release.container = None);
    insta::assert_snapshot!(none, @"container: the load balancer's ContainerName is missing; name one of web");
    let port = with_code_deploy(|it| it.release.port = Some(80));
    insta::assert_snapshot!(port, @"container-port: the load balancer's ContainerPort is 80, and the container web has no port mapping for it (it maps 8080); add the containerPort 80 to its portMappings, or correct ContainerPort");
    let none = with_code_deploy(|it| it.release.port = None);
    insta::assert_snapshot!(none, @"container-port: the load balancer's ContainerPort is missing; write the port that web listens on");
    let unmapped = with_code_deploy(|it| definition(it).containers[0].ports.clear());
    assert!(unmapped.contains("(it maps no port)"), "{unmapped}");
}

#[test]
fn the_service_exists_and_is_deployed_by_code_deploy() {
    insta::assert_snapshot!(with_code_deploy(|it| it.release.service = Ok(None)), @"service-exists: the service does not exist; correct the names of cluster and service, or make the service first");
    insta::assert_snapshot!(with_code_deploy(|it| service(it).is_active = false), @"service-exists: the service shop is not active: it is being deleted, or was; make it again before you deploy");
    insta::assert_snapshot!(with_code_deploy(|it| service(it).controller = "ECS".to_owned()), @"deployment-controller: the service shop has the deployment controller ECS, and CODE_DEPLOY is needed here; set the service's deploymentController.type to CODE_DEPLOY");
}

#[test]
fn two_target_groups_exist() {
    let one = with_code_deploy(|it| it.release.named_target_groups = vec!["blue".to_owned(); 2]);
    insta::assert_snapshot!(one, @"target-groups: the deployment's target groups are only one, blue; name two target groups: one for the release that serves, one for the next");
    let none = with_code_deploy(|it| it.release.named_target_groups.clear());
    insta::assert_snapshot!(none, @"target-groups: the deployment's target groups are missing; name two target groups: one for the release that serves, one for the next");
    let gone = with_code_deploy(|it| groups(it).truncate(1));
    insta::assert_snapshot!(gone, @"
    target-groups: the target group green does not exist; make it again, or correct the deployment's target groups
    test-route: the test listener listener/app/shop/50dc/test forwards to green, so it never reaches the new tasks; let it forward to blue
    ");
}

#[test]
fn target_groups_fit_the_tasks() {
    let instance = with_code_deploy(|it| groups(it)[1].target_type = "instance".to_owned());
    insta::assert_snapshot!(instance, @"target-type: the target group green has the target type instance, and tasks with the network mode awsvpc need ip; make a target group of the type ip; the type can't be changed");
}

#[test]
fn behind_a_bridge_a_health_check_asks_a_host_port_and_elsewhere_any_port() {
    let asks = |mode: &str, host_ports: &[u16], port: u16| {
        let (mode, host_ports) = (mode.to_owned(), host_ports.to_vec());
        with_code_deploy(|it| {
            definition(it).network_mode.clone_from(&mode);
            definition(it).containers[0].host_ports = host_ports;
            for group in groups(it) {
                group.target_type = if mode == "awsvpc" { "ip" } else { "instance" }.to_owned();
            }
            groups(it)[0].health_check_port = Some(port);
        })
    };
    for mode in ["awsvpc", "host"] {
        assert_eq!(asks(mode, &[8080], 9000), "", "{mode} needs no mapping");
    }
    assert_eq!(asks("bridge", &[80], 80), "");
    insta::assert_snapshot!(asks("bridge", &[80], 8080), @"health-check-port: the health check of the target group blue asks port 8080 of the host, to which no container of shop:12 is mapped; set its port to traffic-port, or name that hostPort in a port mapping");
    assert!(
        asks("bridge", &[], 8080).starts_with("health-check-port: "),
        "a port that is chosen at the start"
    );
}

#[test]
fn what_an_ended_deployment_has_replaced_is_not_judged() {
    let over = |is_gone: bool| {
        with_code_deploy(|it| {
            it.release.old_is_gone = is_gone;
            it.release.old_task_definition = Err("gone".to_owned());
            it.release.versions.old = Err("gone".to_owned());
        })
    };
    assert_eq!(over(true), "");
    assert_eq!(
        over(false),
        "task-definition-family: unknown: gone\nversion-newer: unknown: gone"
    );
}

#[test]
fn everything_is_on_one_load_balancer() {
    let other = format!("{BALANCERS}:loadbalancer/app/old/1111");
    let group = with_code_deploy(|it| groups(it)[1].load_balancers = vec![other.clone()]);
    insta::assert_snapshot!(group, @"load-balancer: the target group green is on the load balancer app/old/1111, and listener/app/shop/50dc/prod is on the load balancer app/shop/50dc; put both target groups and all listeners on the same load balancer");
    let listener = with_code_deploy(|it| {
        it.routes.as_mut().unwrap()[1]
            .load_balancer
            .clone_from(&other);
    });
    assert!(
        listener.starts_with("load-balancer: listener/app/shop/50dc/test is on"),
        "{listener}"
    );
    let waiting = with_code_deploy(|it| groups(it)[1].load_balancers.clear());
    assert_eq!(
        waiting, "",
        "a group gets its load balancer by the first shift"
    );
}

#[test]
fn listeners_exist_and_lead_to_the_tasks() {
    insta::assert_snapshot!(with_code_deploy(|it| it.production_listener = None), @"production-route: the deployment group's prodTrafficRoute is missing; name the production listener in loadBalancerInfo.targetGroupPairInfoList");
    let gone = with_code_deploy(|it| it.routes.as_mut().unwrap().truncate(1));
    insta::assert_snapshot!(gone, @"test-route: the test listener listener/app/shop/50dc/test does not exist; make it again, or correct its ARN");
    let elsewhere = with_code_deploy(|it| {
        it.routes.as_mut().unwrap()[0] = route(listener("prod"), &["other"]);
    });
    insta::assert_snapshot!(elsewhere, @"production-route: the production listener listener/app/shop/50dc/prod forwards to other, so it never reaches the new tasks; let it forward to blue and green");
    let nowhere = with_code_deploy(|it| {
        it.routes.as_mut().unwrap()[0] = route(listener("prod"), &[]);
    });
    assert!(nowhere.contains("forwards to no target group"), "{nowhere}");
}

#[test]
fn a_hook_on_test_traffic_needs_a_test_listener_of_its_own() {
    insta::assert_snapshot!(with_code_deploy(|it| it.test_listener = None), @"test-route: the deployment group's testTrafficRoute is missing, and the AppSpec hooks AfterAllowTestTraffic; name a test listener in loadBalancerInfo.targetGroupPairInfoList");
    let same = with_code_deploy(|it| it.test_listener = it.production_listener.clone());
    insta::assert_snapshot!(same, @"test-route: the deployment group's testTrafficRoute is the production listener, too, where the earlier release answers; give test traffic a listener of its own");
    let unneeded = with_code_deploy(|it| {
        it.test_listener = None;
        it.events_on_test_traffic.clear();
    });
    assert_eq!(unneeded, "");
}

#[test]
fn draining_ends_before_the_earlier_tasks_do() {
    let short = with_code_deploy(|it| it.termination_wait = Some(Duration::ZERO));
    assert_eq!(short.lines().count(), 2, "both groups: {short}");
    insta::assert_snapshot!(short.lines().next().unwrap(), @"deregistration-delay: the target group blue has a deregistration delay of 1m, longer than the termination wait of 0s: connections that still drain are cut, and a rollback meets draining targets; shorten deregistration_delay.timeout_seconds, or lengthen the termination wait");
    assert_eq!(with_code_deploy(|it| it.termination_wait = None), "");
}

#[test]
fn an_image_is_there_and_does_not_move() {
    let image = |name: &'static str| {
        with_code_deploy(|it| definition(it).containers[0].image = name.to_owned())
    };
    insta::assert_snapshot!(image("r.test:5000/shop:latest"), @"image-tag: the image r.test:5000/shop:latest has the tag latest: what runs can change without a deployment, and a rollback runs the same; deploy a tag that is given once, or a digest");
    assert!(image("r.test:5000/shop").contains("has no tag, which means latest"));
    assert_eq!(image("shop@sha256:0123"), "");
    assert_eq!(image("shop:latest@sha256:0123"), "");
    insta::assert_snapshot!(with_code_deploy(|it| it.release.image = Ok(Registry::Absent)), @"image-exists: the image 111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop:1.10.0 is not in its repository: no task of it can start; push it, and check the repository's lifecycle policy");
    assert_eq!(
        with_code_deploy(|it| it.release.image = Ok(Registry::NotAsked)),
        ""
    );
}

#[test]
fn a_failure_rolls_back() {
    insta::assert_snapshot!(with_code_deploy(|it| it.rollback.enabled = false), @"automatic-rollback: the deployment group production does not roll back automatically: a release that a gate stops keeps its traffic; set autoRollbackConfiguration to enabled, with the event DEPLOYMENT_FAILURE");
    let other =
        with_code_deploy(|it| it.rollback.events = vec!["DEPLOYMENT_STOP_ON_ALARM".to_owned()]);
    assert!(other.contains("but not on DEPLOYMENT_FAILURE"), "{other}");
}

#[test]
fn attached_alarms_exist() {
    let gone = with_code_deploy(|it| it.release.alarms.existing = Ok(vec!["shop-5xxs".to_owned()]));
    insta::assert_snapshot!(gone, @"alarms-exist: the attached alarm shop-5xx does not exist; did you mean shop-5xxs?; make it, or take it from the deployment's alarms: until then the deployment can't be stopped by it");
    assert_eq!(with_code_deploy(|it| it.release.alarms.named.clear()), "");
}

#[test]
fn an_older_version_needs_permission() {
    let versions = |new: &str, old: &str| {
        let (new, old) = (new.to_owned(), old.to_owned());
        with_code_deploy(|it| {
            it.release.versions = Versions {
                new: Ok(new),
                old: Ok(Some(old)),
            };
        })
    };
    insta::assert_snapshot!(versions("1.9.3", "1.10.0"), @"version-newer: the version 1.9.3 is older than 1.10.0, which serves; deploy a newer version, or say `allow_downgrade: true` in the suite");
    assert_ne!(
        versions("v2.0.0-rc.1", "v2.0.0"),
        "",
        "a pre-release is older"
    );
    for (new, old) in [
        ("1.10.0", "1.10.0"),
        ("1.0.0+b", "1.0.0+c"),
        ("6063e25", "1.0.0"),
        ("v2.0.0", "1.0.0"),
    ] {
        assert_eq!(versions(new, old), "", "{new} after {old}");
    }
    let mut facts = code_deploy_ecs();
    facts.release.versions.new = Ok("1.0.0".to_owned());
    let options = Options {
        allow_downgrade: true,
        ..Options::default()
    };
    assert_eq!(
        wrong_with(&Facts::CodeDeployEcs(Box::new(facts)), &options),
        ""
    );
}

#[test]
fn whatever_names_the_version_names_the_same_one() {
    let versions = |all: &[(&str, &str)]| {
        with_code_deploy(|it| {
            let named = all
                .iter()
                .map(|(place, version)| super::named(place, version));
            definition(it).containers[0].versions = named.collect();
        })
    };
    let (tag, variable, image) = (
        "the tag deploy-hooks:version",
        "the variable VERSION",
        "the image's tag",
    );
    insta::assert_snapshot!(versions(&[(variable, "1.10.0"), (image, "1.9.3")]), @"versions-agree: the variable VERSION of the container web is 1.10.0, and the image's tag is 1.9.3; let the build write one version into both");
    insta::assert_snapshot!(versions(&[(tag, "2.0.0"), (variable, "2.0.0-rc.2"), (image, "2.0.0-rc.1")]), @"versions-agree: the variable VERSION of the container web is 2.0.0-rc.2, and the image's tag is 2.0.0-rc.1; let the build write one version into both");
    for same in [
        &[(variable, "1.10.0"), (image, "v1.10.0")][..],
        &[(variable, "1.10.0+build.7"), (image, "1.10.0")],
        &[(variable, "1.10.0"), (image, "1.10.0-alpine")],
        &[(variable, "6063e25"), (image, "1.10.0")],
        &[(image, "build-117")],
        &[],
    ] {
        assert_eq!(versions(same), "", "{same:?}");
    }
}
