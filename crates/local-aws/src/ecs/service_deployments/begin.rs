//! How a deployment begins: the new revision, its task set, the record, and who drives it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::super::model::{Rollout, State, TaskSet};
use super::super::task_sets::TaskSetSpec;
use super::super::{Ecs, ServiceLoadBalancer, TaskSetStatus};
use super::driver::Driver;
use super::events::Change;
use super::record::{Monitor, RevisionShare, ServiceDeployment, ServiceRevision, Status};
use super::stage::Share;
use super::traffic::{self, Route};
use crate::error::AwsError;
use crate::ids;

impl Ecs {
    /// Starts to deploy what `spec` says to the service at that place, whose deployment controller
    /// is ECS. A deployment that goes on is given up.
    pub(in super::super) fn begin_deployment(
        &self,
        state: &mut State,
        index: usize,
        mut spec: TaskSetSpec,
    ) -> Result<(), AwsError> {
        let now = self.shared.clock.now();
        let service = &state.services[index];
        let configuration = service.configuration.clone();
        let configured = spec.load_balancers.clone();
        traffic::check(&configured, configuration.shifts_traffic())?;
        let is_there = |set: &&TaskSet| set.status != TaskSetStatus::Draining;
        let there: Vec<&TaskSet> = service.task_sets.iter().filter(is_there).collect();
        let base = base(&there);
        let registered = base.map(|base| there[base].load_balancers.as_slice());
        spec.load_balancers =
            registrations(&configured, registered, configuration.shifts_traffic());
        let routes = if configuration.shifts_traffic() {
            Route::of(&configured, &spec.load_balancers)
        } else {
            Vec::new()
        };
        let share = |set: &TaskSet, share: Share| RevisionShare {
            arn: set.revision.clone().unwrap_or_default(),
            set: set.id.clone(),
            test: share,
            production: share,
        };
        let sources: Vec<RevisionShare> = there
            .iter()
            .enumerate()
            .map(|(place, set)| {
                let all = Some(place) == base;
                share(set, if all { Share::ALL } else { Share::NONE })
            })
            .collect();
        let revision = self.add_revision(state, index, &spec, &configured)?;
        let set_arn = self.add_task_set(state, index, spec)?;
        self.make_primary(state, index, &set_arn)?;
        self.give_up_deployment(state, index, "a new service deployment was started");
        let service = &mut state.services[index];
        let set = service.task_set(&set_arn)?;
        set.revision = Some(revision);
        let target = share(set, Share::NONE);
        let is_driven = !configuration.is_plain();
        if is_driven {
            set.scale = 0.0;
        }
        let deployment = ServiceDeployment {
            arn: format!(
                "{}:service-deployment/{}/{}/{}",
                self.shared.arn_prefix,
                service.cluster,
                service.name,
                ids::url_safe(21)
            ),
            cluster: service.cluster.clone(),
            service: service.name.clone(),
            service_arn: service.arn.clone(),
            status: Status::InProgress,
            reason: None,
            stage: None,
            sources,
            base,
            target,
            alarms: Monitor::of(configuration.alarms.is_some()),
            triggered_alarms: Vec::new(),
            breaker: Monitor::of(configuration.breaker.is_some()),
            failures: 0,
            hook_details: hook_details(&configuration),
            configuration: configuration.clone(),
            given: service
                .given
                .get("deploymentConfiguration")
                .cloned()
                .unwrap_or(Value::Null),
            created_at: now,
            updated_at: now,
            finished_at: None,
            stopped_at: None,
            hooks: Vec::new(),
            rollback: None,
            stop: None,
            changes: watch::Sender::new(()),
        };
        let at = state.service_deployments.len();
        service.deployment = Some(at);
        // Thousands of services without processes would make as many calls of the emulator.
        if is_driven || !super::plain::is_counted(service, &set_arn) {
            self.announce_deployment(&deployment, Change::InProgress);
        }
        state.service_deployments.push(deployment);
        if is_driven {
            let driver = Driver {
                ecs: self.clone(),
                at,
                service: index,
                configuration,
                routes,
                awake: Mutex::default(),
            };
            tokio::spawn(driver.run());
        }
        Ok(())
    }

    fn add_revision(
        &self,
        state: &mut State,
        index: usize,
        spec: &TaskSetSpec,
        configured: &[ServiceLoadBalancer],
    ) -> Result<String, AwsError> {
        let definition = state.startable(&spec.task_definition)?;
        let images = definition.containers.iter();
        let images = images
            .map(|container| (container.name.clone(), container.image.clone()))
            .collect();
        let task_definition = definition.arn.clone();
        let service = &state.services[index];
        let arn = format!(
            "{}:service-revision/{}/{}/{}",
            self.shared.arn_prefix,
            service.cluster,
            service.name,
            ids::digits19()
        );
        let resolved = configured.iter().zip(&spec.load_balancers);
        let resolved = resolved
            .map(|(configured, registered)| {
                let rule = configured.advanced.as_ref();
                let rule = rule.map(|advanced| advanced.production_listener_rule.clone());
                (registered.target_group_arn.clone(), rule)
            })
            .collect();
        let mut given = service.given.clone();
        given.extend(spec.given.clone());
        let revision = ServiceRevision {
            arn: arn.clone(),
            service_arn: service.arn.clone(),
            cluster: service.cluster.clone(),
            task_definition,
            images,
            load_balancers: configured.to_vec(),
            resolved,
            given,
            created_at: self.shared.clock.now(),
        };
        state.service_revisions.push(revision);
        Ok(arn)
    }
}

/// The one of these task sets that a deployment comes back to: the last that was ever complete.
fn base(sets: &[&TaskSet]) -> Option<usize> {
    let complete = |set: &&TaskSet| set.rollout == Rollout::Completed;
    let first = (!sets.is_empty()).then_some(0);
    sets.iter().rposition(complete).or(first)
}

/// Where the new revision's tasks are registered: beside those of the old one, or in the other target
/// group of each pair.
fn registrations(
    configured: &[ServiceLoadBalancer],
    registered: Option<&[ServiceLoadBalancer]>,
    shifts: bool,
) -> Vec<ServiceLoadBalancer> {
    let place = |(index, balancer): (usize, &ServiceLoadBalancer)| {
        let alternate = balancer.advanced.as_ref();
        let alternate = alternate.map(|advanced| advanced.alternate_target_group_arn.clone());
        let old = registered.and_then(|old| old.get(index));
        let old = old.map(|old| &old.target_group_arn);
        let on_own = old == Some(&balancer.target_group_arn);
        let on_alternate = old.is_some() && old == alternate.as_ref();
        let mut own = balancer.clone();
        if let Some(alternate) = alternate
            && ((shifts && on_own) || (!shifts && on_alternate))
        {
            own.target_group_arn = alternate;
        }
        own
    };
    configured.iter().enumerate().map(place).collect()
}

fn hook_details(
    configuration: &super::DeploymentConfiguration,
) -> BTreeMap<usize, Map<String, Value>> {
    let hooks = configuration.hooks.iter().enumerate();
    let details = hooks.filter_map(|(place, hook)| match &hook.kind {
        super::configuration::HookKind::Lambda { details, .. } => Some((place, details.clone())),
        super::configuration::HookKind::Pause => None,
    });
    details.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::AdvancedConfiguration;
    use super::*;

    fn balancer(group: &str) -> ServiceLoadBalancer {
        ServiceLoadBalancer {
            target_group_arn: group.to_owned(),
            container_name: "web".to_owned(),
            container_port: 80,
            advanced: Some(AdvancedConfiguration {
                alternate_target_group_arn: "green".to_owned(),
                production_listener_rule: "rule".to_owned(),
                test_listener_rule: None,
                role_arn: None,
            }),
        }
    }

    #[test]
    fn a_new_revision_goes_to_the_target_group_that_is_free() {
        let group = |old: Option<&str>, shifts| {
            let old = old.map(|old| vec![balancer(old)]);
            let places = registrations(&[balancer("blue")], old.as_deref(), shifts);
            places[0].target_group_arn.clone()
        };
        assert_eq!(group(None, true), "blue");
        assert_eq!(group(Some("blue"), true), "green");
        assert_eq!(group(Some("green"), true), "blue");
        assert_eq!(group(Some("blue"), false), "blue");
        assert_eq!(group(Some("green"), false), "green", "beside the old ones");
    }
}
