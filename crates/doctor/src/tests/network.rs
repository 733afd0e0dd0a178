//! Who reaches whom.

use super::*;

#[test]
fn a_gate_outside_of_the_vpc_reaches_no_internal_listener_and_a_public_one_if_it_lets_all_in() {
    let mut facts = sound();
    for function in facts.functions.as_mut().unwrap() {
        let configuration = function.configuration.as_mut().unwrap().as_mut().unwrap();
        configuration.subnets.clear();
        configuration.security_groups.clear();
        configuration.vpc.clear();
    }
    let [found] = said(&facts, Rule::Listeners).try_into().unwrap();
    assert!(
        found.contains("is internal") && found.contains("set SubnetIds"),
        "{found}"
    );
    assert_eq!(
        said(&facts, Rule::WayOut),
        ["not judged: no function is in a VPC"]
    );
    caller(&mut facts).listeners.as_mut().unwrap()[0].is_internal = false;
    let [found] = said(&facts, Rule::Listeners).try_into().unwrap();
    assert!(found.contains("comes from any public address"), "{found}");
    let groups = facts.network.security_groups.as_mut().unwrap();
    groups.get_mut("sg-shop").unwrap().ingress = vec![anywhere()];
    assert_eq!(said(&facts, Rule::Listeners), ["holds"]);
}

#[test]
fn endpoints_replace_a_nat_gateway_and_a_missing_one_is_named() {
    let mut facts = sound();
    facts.network.routes = Ok([("subnet-1".to_owned(), DefaultRoute::None)].into());
    let mut services = vec![
        "codedeploy",
        "ecs",
        "elasticloadbalancing",
        "s3",
        "secretsmanager",
    ];
    let set = |facts: &mut Facts, services: &[&str]| {
        let services = services.iter().map(ToString::to_string).collect();
        facts.network.endpoints = Ok([("vpc-1".to_owned(), services)].into());
    };
    set(&mut facts, &services);
    assert_eq!(said(&facts, Rule::WayOut), ["holds"]);
    services.remove(0);
    set(&mut facts, &services);
    let found = said(&facts, Rule::WayOut);
    assert!(
        found[0].contains("there are no endpoints for codedeploy;"),
        "{found:?}"
    );
    let groups = facts.network.security_groups.as_mut().unwrap();
    groups.get_mut("sg-gates").unwrap().egress.clear();
    let found = said(&facts, Rule::WayOut);
    assert!(
        found
            .iter()
            .any(|one| one.contains("let nothing out on port 443")),
        "{found:?}"
    );
}

/// The endpoints that the first function of an installation without a way out lacks.
fn missing_endpoints(change: impl FnOnce(&mut Facts)) -> String {
    let mut facts = sound();
    facts.network.routes = Ok([("subnet-1".to_owned(), DefaultRoute::None)].into());
    facts.secrets.clear();
    change(&mut facts);
    let found = said(&facts, Rule::WayOut).remove(0);
    let (_, missing) = found.split_once("there are no endpoints for ").unwrap();
    missing.split(';').next().unwrap().to_owned()
}

#[test]
fn which_endpoints_a_function_needs_follows_from_who_calls_and_what_suites_say() {
    assert_eq!(
        missing_endpoints(|_| ()),
        "codedeploy, ecs, elasticloadbalancing, s3"
    );
    let of = |platform| missing_endpoints(|f| deployed_by(f, platform));
    assert_eq!(of(Platform::Ecs), "ecs, elasticloadbalancing, s3");
    assert_eq!(of(Platform::CodeDeployLambda), "codedeploy, s3");
    let by_pipelines = missing_endpoints(|f| {
        let parameters = &mut f.stack.parameters;
        parameters.insert("PipelineGates".into(), "on".into());
        f.deployments = Ok(Vec::new());
        f.suites[0].callers.clear();
    });
    assert_eq!(by_pipelines, "codepipeline, s3");
    let handed_on = |platform| {
        missing_endpoints(|f| {
            deployed_by(f, platform);
            content(f).bake = BakeFit::HandedOn;
        })
    };
    assert_eq!(
        handed_on(Platform::CodeDeployLambda),
        "codedeploy, lambda, s3"
    );
    assert_eq!(handed_on(Platform::Ecs), "ecs, elasticloadbalancing, s3");
    let asking = missing_endpoints(|f| content(f).asks_people = true);
    assert_eq!(
        asking,
        "codedeploy, dynamodb, ecs, elasticloadbalancing, events, lambda, s3"
    );
    let overridable = missing_endpoints(|f| content(f).is_overridable = true);
    assert_eq!(
        overridable,
        "codedeploy, dynamodb, ecs, elasticloadbalancing, s3"
    );
    let with_secrets = missing_endpoints(|f| f.secrets = sound().secrets);
    assert_eq!(
        with_secrets,
        "codedeploy, ecs, elasticloadbalancing, s3, secretsmanager"
    );
    let notifier = |services: &'static str| {
        missing_endpoints(move |f| {
            let parameters = &mut f.stack.parameters;
            parameters.insert("EcsServices".into(), services.into());
            f.functions.as_mut().unwrap()[0].logical_id = "ApprovalNotifier".into();
        })
    };
    assert_eq!(
        notifier(""),
        "codepipeline, dynamodb, scheduler, secretsmanager"
    );
    assert_eq!(
        notifier("production/*"),
        "codepipeline, dynamodb, ecs, scheduler, secretsmanager"
    );
}
