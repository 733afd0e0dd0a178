//! What the deployment engine uses without the wire.

use std::collections::BTreeMap;

use serde_json::Map;

use super::model::{Service, State, TaskDefinition, TaskSet};
use super::task_sets::TaskSetSpec;
use super::{
    ContainerView, Ecs, NewTaskSet, ServiceLoadBalancer, ServiceView, Stability,
    TaskDefinitionView, TaskSetView,
};
use crate::error::AwsError;

impl Ecs {
    /// An active service, by names or ARNs.
    pub fn service(&self, cluster: &str, service: &str) -> Option<ServiceView> {
        let state = self.state();
        let index = state.active_index(Some(cluster), service).ok()?;
        Some(self.view(&state, &state.services[index]))
    }

    /// A task definition, by `family`, `family:revision` or ARN; inactive ones too.
    pub fn task_definition(&self, id_or_arn: &str) -> Option<TaskDefinitionView> {
        self.state()
            .task_definition(id_or_arn)
            .map(TaskDefinition::view)
    }

    /// Makes a task set, `ACTIVE` and with as many tasks as the service wants.
    pub fn create_task_set(&self, spec: NewTaskSet) -> Result<TaskSetView, AwsError> {
        let balancer = ServiceLoadBalancer {
            target_group_arn: spec.target_group_arn,
            container_name: spec.container_name,
            container_port: spec.container_port,
            advanced: None,
        };
        let new = TaskSetSpec {
            task_definition: spec.task_definition,
            load_balancers: vec![balancer],
            scale: 100.0,
            external_id: spec.external_id,
            started_by: spec.started_by,
            given: Map::new(),
            tags: BTreeMap::new(),
        };
        let mut state = self.state();
        let index = state.active_index(Some(&spec.cluster), &spec.service)?;
        let arn = self.add_task_set(&mut state, index, new)?;
        let service = &mut state.services[index];
        let desired = service.desired;
        let added = service.task_sets.iter().position(|set| set.arn == arn);
        let added = added.ok_or_else(|| AwsError::internal("the new task set is gone"))?;
        Ok(self.view_set(&state, desired, &state.services[index].task_sets[added]))
    }

    /// A task set, by id or ARN; none once its last task has stopped after its deletion.
    pub fn task_set(&self, cluster: &str, service: &str, id: &str) -> Option<TaskSetView> {
        let service = self.service(cluster, service)?;
        service
            .task_sets
            .into_iter()
            .find(|set| set.id == id || set.arn == id)
    }

    /// Makes a task set the primary one; the primary one so far stays as an active one.
    pub fn set_primary_task_set(
        &self,
        cluster: &str,
        service: &str,
        id: &str,
    ) -> Result<(), AwsError> {
        let mut state = self.state();
        let index = state.active_index(Some(cluster), service)?;
        self.make_primary(&mut state, index, id)
    }

    /// Starts to drain a task set; it is gone once [`Ecs::task_set`] finds it no more.
    pub fn delete_task_set(&self, cluster: &str, service: &str, id: &str) -> Result<(), AwsError> {
        let mut state = self.state();
        let index = state.active_index(Some(cluster), service)?;
        self.drain(&mut state, index, id, true)
    }

    fn view(&self, state: &State, service: &Service) -> ServiceView {
        let sets = service.task_sets.iter();
        let sets = sets
            .map(|set| self.view_set(state, service.desired, set))
            .collect();
        let cluster = state
            .clusters
            .iter()
            .rfind(|cluster| cluster.name == service.cluster);
        ServiceView {
            arn: service.arn.clone(),
            cluster_arn: cluster
                .map(|cluster| cluster.arn.clone())
                .unwrap_or_default(),
            name: service.name.clone(),
            status: service.status.as_str().to_owned(),
            desired_count: service.desired,
            task_definition: service.task_definition.clone(),
            deployment_controller: service.controller,
            load_balancers: service.load_balancers.clone(),
            task_sets: sets,
        }
    }

    pub(super) fn view_set(&self, state: &State, desired: u32, set: &TaskSet) -> TaskSetView {
        let counts = state.counts(set, self.shared.clock.now());
        let steady = self.is_steady(state, desired, set);
        TaskSetView {
            id: set.id.clone(),
            arn: set.arn.clone(),
            status: set.status,
            task_definition: set.task_definition.clone(),
            target_group_arn: set
                .load_balancers
                .first()
                .map(|lb| lb.target_group_arn.clone()),
            desired: set.wanted(desired),
            pending: counts.pending,
            running: counts.running,
            stability: if steady {
                Stability::SteadyState
            } else {
                Stability::Stabilizing
            },
            external_id: set.external_id.clone(),
            created_at: set.created_at,
        }
    }
}

impl TaskDefinition {
    fn view(&self) -> TaskDefinitionView {
        let container = |container: &super::model::Container| ContainerView {
            name: container.name.clone(),
            image: container.image.clone(),
            container_ports: container.ports.clone(),
        };
        TaskDefinitionView {
            arn: self.arn.clone(),
            family: self.family.clone(),
            revision: self.revision,
            active: self.active,
            containers: self.containers.iter().map(container).collect(),
        }
    }
}
