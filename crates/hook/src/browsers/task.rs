//! A Chromium as a task of ECS, beside the service under test: started for the first check that needs it, in the service's
//! own subnets and security groups, and stopped with the run.
//!
//! Starting takes as long as Fargate takes, so it goes on while a check that waits for it is cut: the next try finds it.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::types::{Attachment, PortMapping, Task};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use gate::browsers::{Browsers, Endpoint, NoBrowser, OpenBrowser, Opening};
use gate::cloud::TaskQuery;
use signing::OpaqueId;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::cloud::Cloud;
use crate::cloud::ecs_task::{self, RunningTask, STOPPED};

/// The pause between two looks at a task that is being started.
const POLL_EVERY: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_secs(2)
};
/// ECS may not know a task yet that it has just started.
const MAX_MISSES: u32 = 10;
/// The debugging port, where the task definition maps none.
const DEFAULT_DEBUGGING_PORT: u16 = 9222;
/// How long a browser that runs may take until it listens.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The browser of one run, as a task.
pub(crate) struct BrowserTask {
    cloud: Arc<Cloud>,
    definition: String,
    ends: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    starting: Option<Starting>,
    closed: bool,
}

#[derive(Clone)]
struct Starting {
    started: Shared<BoxFuture<'static, Result<Arc<Started>, NoBrowser>>>,
    abort: AbortHandle,
}

struct Started {
    endpoint: Endpoint,
    /// It is stopped when this is dropped.
    task: Mutex<Option<RunningTask>>,
}

impl Started {
    fn take(&self) -> Option<RunningTask> {
        self.task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl fmt::Debug for BrowserTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BrowserTask")
            .field(&self.definition)
            .finish()
    }
}

impl BrowserTask {
    pub(crate) fn new(cloud: Arc<Cloud>, definition: String, ends: Instant) -> Self {
        Self {
            cloud,
            definition,
            ends,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that is there or on its way; where starting it failed, another try.
    fn starting(&self) -> Result<Starting, NoBrowser> {
        let mut state = self.lock();
        if state.closed {
            return Err(NoBrowser("the run of this browser is over".to_owned()));
        }
        let has_failed = |it: &Starting| it.started.peek().is_some_and(Result::is_err);
        if let Some(starting) = state.starting.as_ref().filter(|it| !has_failed(it)) {
            return Ok(starting.clone());
        }
        let (cloud, definition) = (Arc::clone(&self.cloud), self.definition.clone());
        let ends = self.ends;
        let task = tokio::spawn(async move { start(&cloud, &definition, ends).await });
        let abort = task.abort_handle();
        let started = task.map(|ended| {
            ended.unwrap_or_else(|_| Err(NoBrowser("starting the browser was given up".to_owned())))
        });
        let starting = Starting {
            started: started.boxed().shared(),
            abort,
        };
        Ok(state.starting.insert(starting).clone())
    }
}

impl Browsers for BrowserTask {
    fn open<'a>(&'a self, _: &'a [(String, String)]) -> Opening<'a> {
        async move {
            let started = self.starting()?.started.await?;
            Ok(OpenBrowser {
                endpoint: started.endpoint.clone(),
                maps_hosts: false,
                lease: started,
            })
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let starting = {
            let mut state = self.lock();
            state.closed = true;
            state.starting.take()
        };
        async move {
            let Some(starting) = starting else {
                return;
            };
            // One that is still being started is stopped by what is dropped with that.
            starting.abort.abort();
            let Ok(started) = starting.started.await else {
                return;
            };
            if let Some(mut task) = started.take() {
                // A task of its own: whoever waits may stop waiting.
                tokio::spawn(async move { task.stop_now().await })
                    .await
                    .ok();
            }
        }
        .boxed()
    }
}

impl Drop for BrowserTask {
    fn drop(&mut self) {
        if let Some(starting) = self.lock().starting.take() {
            starting.abort.abort();
        }
    }
}

async fn start(cloud: &Cloud, named: &str, ends: Instant) -> Result<Arc<Started>, NoBrowser> {
    let failed =
        |error: gate::cloud::CloudError| NoBrowser(format!("the browser's task: {}", error.0));
    let query = TaskQuery {
        token: token(cloud, named),
        task_definition: named.to_owned(),
        container: None,
        cluster: None,
        subnets: Vec::new(),
        security_groups: Vec::new(),
        assign_public_ip: None,
        command: Vec::new(),
        environment: Vec::new(),
        time: ends.saturating_duration_since(Instant::now()),
        results: None,
    };
    let definition = ecs_task::definition(cloud, named, ecs_task::UNREGISTERED)
        .await
        .map_err(failed)?;
    let container = ecs_task::container(&definition, None).map_err(failed)?;
    let mut mapped = container.port_mappings().iter();
    let mapped = mapped.find_map(PortMapping::container_port);
    let port = mapped.and_then(|port| u16::try_from(port).ok());
    let place = ecs_task::place(cloud, &query, &definition)
        .await
        .map_err(failed)?;
    let name = container.name().unwrap_or_default();
    let overridden = ecs_task::overridden(&query, name, None);
    let arn = ecs_task::start(cloud, &query, &definition, overridden, &place).await;
    let arn = arn.map_err(failed)?.map_err(NoBrowser)?;
    let running = RunningTask::of(cloud, &place, arn);
    let host = address(cloud, &running, ends).await?;
    let until = ends.min(Instant::now() + LISTEN_TIMEOUT);
    let port = port.unwrap_or(DEFAULT_DEBUGGING_PORT);
    loop {
        match Endpoint::of_port(&host.to_string(), port, until).await {
            Ok(endpoint) => {
                return Ok(Arc::new(Started {
                    endpoint,
                    task: Mutex::new(Some(running)),
                }));
            }
            Err(error) if Instant::now() >= until => {
                return Err(NoBrowser(format!(
                    "the task {} runs, and {error}; let Chromium listen there (--remote-debugging-address=0.0.0.0 \
                     --remote-debugging-port={port}), and the security group let the gate in",
                    running.arn()
                )));
            }
            Err(_) => sleep(POLL_EVERY.min(Duration::from_millis(500))).await,
        }
    }
}

/// The same for each try of the call, and another one for each run.
fn token(cloud: &Cloud, named: &str) -> String {
    let deployment = cloud.known.facts.get("deployment_id");
    let now = std::time::SystemTime::now();
    let parts = [
        deployment.map_or("", String::as_str),
        named,
        &format!("{now:?}"),
    ];
    OpaqueId::of(&["browser task", parts[0], parts[1], parts[2]]).to_string()
}

/// Where the task is, once it runs.
async fn address(cloud: &Cloud, running: &RunningTask, ends: Instant) -> Result<IpAddr, NoBrowser> {
    let mut misses = 0;
    loop {
        sleep(POLL_EVERY).await;
        let task = ecs_task::describe_task(cloud, running).await;
        let task = task.map_err(|error| NoBrowser(format!("the browser's task: {}", error.0)))?;
        let status = task.as_ref().and_then(Task::last_status);
        match (&task, status) {
            (None, _) if misses < MAX_MISSES => misses += 1,
            (None, _) => {
                let why = format!("ECS does not know the task {} any more", running.arn());
                return Err(NoBrowser(why));
            }
            (Some(task), Some("RUNNING")) => {
                let found = private_address(task);
                let without =
                    "the browser's task has no address of its own; give it the network mode awsvpc";
                return found.ok_or_else(|| NoBrowser(without.to_owned()));
            }
            (Some(task), Some(STOPPED)) => {
                let why = task.stopped_reason().unwrap_or("ECS does not say why");
                return Err(NoBrowser(format!(
                    "the browser's task {} has stopped: {why}",
                    running.arn()
                )));
            }
            (Some(_), _) => {}
        }
        if Instant::now() >= ends {
            return Err(NoBrowser(format!(
                "the browser's task {} did not start in time",
                running.arn()
            )));
        }
    }
}

fn private_address(task: &Task) -> Option<IpAddr> {
    let details = task.attachments().iter().flat_map(Attachment::details);
    let mut addresses = details.filter(|detail| detail.name() == Some("privateIPv4Address"));
    addresses.next()?.value()?.parse().ok()
}
