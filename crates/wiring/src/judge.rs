//! All rules over the facts of one deployment.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::facts::{
    CodeDeployEcs, CodeDeployLambda, EcsDeployment, EcsRelease, Fact, Facts, Route,
};
use crate::finding::{Finding, Outcome, RuleResult, not_judged};
use crate::rollback::FirstDeployment;
use crate::rule::Rule;
use crate::{image, lambda, lifecycle_hooks, load_balancing, rollback, service, version};

/// What a suite says about the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// An older version may be deployed.
    pub allow_downgrade: bool,
    /// What a service's first deployment means.
    pub first_deployment: FirstDeployment,
    /// Rules that are not judged.
    pub except: BTreeSet<Rule>,
}

/// Judges every rule of the platform, in the order of [`Rule::ALL`], but those that `options` excepts.
#[must_use]
pub fn judge(facts: &Facts, options: &Options) -> Vec<Finding> {
    let mut findings = match facts {
        Facts::CodeDeployEcs(facts) => of_code_deploy(facts, options),
        Facts::CodeDeployLambda(facts) => of_lambda(facts, options),
        Facts::Ecs(facts) => of_ecs(facts, options),
    };
    findings.retain(|finding| !options.except.contains(&finding.rule));
    findings.sort_by_key(|finding| finding.rule);
    findings
}

fn of_code_deploy(facts: &CodeDeployEcs, options: &Options) -> Vec<Finding> {
    let release = &facts.release;
    let mut findings = vec![
        one(Rule::TaskDefinitionArn, service::written_arn(facts)),
        one(
            Rule::ProductionRoute,
            load_balancing::production_listener(facts),
        ),
        one(Rule::TestRoute, load_balancing::test_listener(facts)),
        one(
            Rule::AutomaticRollback,
            rollback::automatic(&facts.rollback),
        ),
    ];
    findings.extend(of_ecs_release(
        release,
        options,
        &Platform {
            controller: "CODE_DEPLOY",
            routes: &facts.routes,
            kept_for: (facts.termination_wait, "termination wait"),
        },
    ));
    findings
}

fn of_ecs(facts: &EcsDeployment, options: &Options) -> Vec<Finding> {
    let release = &facts.release;
    let mut findings = vec![
        one(
            Rule::ProductionRoute,
            load_balancing::production_rule(facts),
        ),
        one(Rule::TestRoute, load_balancing::test_rule(facts)),
        one(Rule::RollbackTrigger, rollback::trigger(facts)),
        one(Rule::HookTimeSum, lifecycle_hooks::time_sum(facts)),
        one(
            Rule::FirstDeployment,
            rollback::first_deployment(facts, options.first_deployment),
        ),
    ];
    findings.extend(each(
        Rule::HookTimeoutAction,
        lifecycle_hooks::timeout_action(facts),
    ));
    findings.extend(each(
        Rule::RulePriority,
        load_balancing::rule_priorities(facts),
    ));
    findings.extend(each(Rule::HookTimeout, lifecycle_hooks::timeouts(facts)));
    findings.extend(each(Rule::HookRole, lifecycle_hooks::roles(facts)));
    findings.extend(each(Rule::EventRule, lifecycle_hooks::event_rules(facts)));
    findings.extend(of_ecs_release(
        release,
        options,
        &Platform {
            controller: "ECS",
            routes: &facts.routes,
            kept_for: (Some(facts.bake_time), "bake time"),
        },
    ));
    findings
}

/// Where CodeDeploy and the deployments of ECS itself differ in what they share.
struct Platform<'a> {
    /// The deployment controller that the service must have.
    controller: &'static str,
    routes: &'a Fact<Vec<Route>>,
    /// How long the old tasks are kept after the shift; none where they are kept for good. And what AWS calls that time.
    kept_for: (Option<Duration>, &'static str),
}

/// What holds of a service of ECS, whoever deploys it.
fn of_ecs_release(
    release: &EcsRelease,
    options: &Options,
    platform: &Platform<'_>,
) -> Vec<Finding> {
    let (kept, setting) = platform.kept_for;
    let mut findings = vec![
        one(
            Rule::DeploymentController,
            service::controller(release, platform.controller),
        ),
        one(
            Rule::LoadBalancer,
            load_balancing::one_load_balancer(release, platform.routes),
        ),
        one(Rule::TaskDefinitionExists, service::definition(release)),
        one(Rule::TaskDefinitionFamily, service::family(release)),
        one(Rule::Container, service::container(release)),
        one(Rule::ContainerPort, service::container_port(release)),
        one(Rule::ServiceExists, service::exists(release)),
        one(Rule::TargetGroups, load_balancing::two_groups(release)),
        one(Rule::ImageTag, image::tag(release)),
        one(Rule::ImageExists, image::exists(release)),
        one(
            Rule::VersionNewer,
            version::newer(release, options.allow_downgrade),
        ),
        one(Rule::VersionsAgree, version::agree(release)),
    ];
    findings.extend(each(
        Rule::DeregistrationDelay,
        load_balancing::deregistration(release, kept, setting),
    ));
    findings.extend(each(
        Rule::TargetType,
        load_balancing::target_types(release),
    ));
    findings.extend(each(
        Rule::HealthCheckPort,
        load_balancing::health_check_ports(release),
    ));
    findings.extend(each(Rule::AlarmsExist, rollback::alarms(&release.alarms)));
    findings
}

fn of_lambda(facts: &CodeDeployLambda, options: &Options) -> Vec<Finding> {
    let mut findings = vec![
        one(
            Rule::AutomaticRollback,
            rollback::automatic(&facts.rollback),
        ),
        one(Rule::Alias, lambda::alias(facts)),
        one(
            Rule::VersionNewer,
            lambda::newer(facts, options.allow_downgrade),
        ),
    ];
    findings.extend(each(Rule::AlarmsExist, rollback::alarms(&facts.alarms)));
    findings.extend(each(Rule::FunctionVersions, lambda::versions(facts)));
    findings
}

fn one(rule: Rule, judged: RuleResult) -> Finding {
    Finding {
        rule,
        outcome: judged.err().unwrap_or(Outcome::Held),
    }
}

/// A rule that is about several things: each thing that is wrong is a finding, and all that are in order are one.
fn each(rule: Rule, judged: Vec<RuleResult>) -> Vec<Finding> {
    if judged.is_empty() {
        return vec![one(rule, Err(not_judged("there is nothing of the kind")))];
    }
    let wrong: Vec<Outcome> = judged.into_iter().filter_map(Result::err).collect();
    if wrong.is_empty() {
        return vec![one(rule, Ok(()))];
    }
    let finding = |outcome| Finding { rule, outcome };
    wrong.into_iter().map(finding).collect()
}
