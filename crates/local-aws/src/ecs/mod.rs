//! ECS: clusters, task definitions, services and task sets, whose tasks are local processes.
//!
//! All state is behind one lock that is never held across an await. Calls only change what is
//! wanted; the scheduler makes it so.

mod api;
mod clusters;
mod create;
mod deployments;
mod desired_count;
mod express;
mod for_deployments;
mod lookup;
mod model;
mod run_task;
mod scheduler;
mod service_deployments;
mod services;
mod simulated_tasks;
mod supervise;
mod tags;
mod task_definitions;
mod task_sets;
mod tasks;
mod update;
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::{Notify, watch};

use self::model::{ServiceStatus, State};
use crate::WorldOptions;
use crate::clock::Clock;
use crate::elb::Elb;
use crate::event_bus::EventBus;
use crate::sync::lock;
use crate::timeline::Timeline;
use crate::upstream::Upstream;

pub use self::simulated_tasks::Lag;
pub use self::views::{
    AdvancedConfiguration, ContainerView, DeploymentController, NewTaskSet, ServiceLoadBalancer,
    ServiceView, Stability, TaskDefinitionView, TaskSetStatus, TaskSetView,
};

/// The ECS of one world. Clones share all state.
#[derive(Clone, Debug)]
pub struct Ecs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    timeline: Timeline,
    elb: Elb,
    /// `arn:aws:ecs:REGION:ACCOUNT`
    arn_prefix: String,
    account: String,
    region: String,
    /// The emulator, whose functions are hooks and whose alarms end deployments.
    upstream: Upstream,
    /// Where changes of state are put, once somebody listens.
    bus: OnceLock<EventBus>,
    data_dir: PathBuf,
    images: BTreeMap<String, PathBuf>,
    state: Mutex<State>,
    /// Wakes the scheduler.
    changed: Arc<Notify>,
    /// Tells that somebody changed a desired count.
    counts: watch::Sender<()>,
}

impl Ecs {
    /// An ECS without clusters. Needs a Tokio runtime.
    pub fn new(options: &WorldOptions, clock: Clock, timeline: Timeline, elb: Elb) -> Self {
        let shared = Arc::new(Shared {
            clock,
            timeline,
            elb,
            arn_prefix: format!("arn:aws:ecs:{}:{}", options.region, options.account),
            account: options.account.clone(),
            region: options.region.clone(),
            upstream: Upstream::new(&options.upstream, &options.account, &options.region),
            bus: OnceLock::new(),
            data_dir: options.data_dir.clone(),
            images: options.images.clone(),
            state: Mutex::default(),
            changed: Arc::default(),
            counts: watch::Sender::new(()),
        });
        scheduler::spawn(&shared);
        Self { shared }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}
