//! A task that runs a team's own tests: started once, followed to its end, and stopped when its time is over.
//!
//! No task that ECS has told us of is left behind: whatever ends the check, also a cut by the deadline while the task is being
//! started, it is stopped. Its log is only shown; that it can't be read never changes what came of the task.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::operation::run_task::{RunTaskError, RunTaskOutput};
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, Compatibility, Container,
    ContainerDefinition, ContainerOverride, KeyValuePair, LaunchType, NetworkConfiguration,
    NetworkMode, Service, Tag, Task, TaskDefinition, TaskOverride, TaskStopCode,
};
use common::arn::last_name;
use gate::cloud::{CloudError, TaskEnd, TaskQuery, TaskRun};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::task_results::ResultPlace;
use super::{Cloud, logs};
use crate::gate_function::GateFunction;

/// What to do where the task definition of a check does not exist.
pub(crate) const UNREGISTERED: &str = "register it, or correct `task_definition`";
/// The pause between two looks at the task.
const POLL_EVERY: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_secs(3)
};
/// The last look must leave time to stop the task.
const LAST_LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// ECS may not know a task yet that it has just started.
const MAX_MISSES: u32 = 10;
/// Lines of the log that are read.
const MAX_LINES: usize = 20;
/// The last lines come a little later than the end.
const LOG_DELAY: Duration = if cfg!(test) {
    Duration::from_millis(1)
} else {
    Duration::from_secs(2)
};
/// What ECS shows as `startedBy`.
const STARTED_BY: &str = "deploy-hooks";
/// The tag of each task that a check starts, by which its role may stop it.
const TAG: (&str, &str) = ("deploy-hooks:task", "check");

/// Runs it.
pub(super) async fn run(cloud: &Cloud, query: &TaskQuery) -> Result<TaskRun, CloudError> {
    let until = Instant::now() + query.time;
    let definition = definition(cloud, &query.task_definition, UNREGISTERED).await?;
    let container = container(&definition, query.container.as_deref())?;
    let name = container.name().unwrap_or_default().to_owned();
    let place = place(cloud, query, &definition).await?;
    let result_place = ResultPlace::of(cloud, query)?;
    let done = |task: String, end: TaskEnd| TaskRun {
        task,
        container: name.clone(),
        end,
        log_tail: Vec::new(),
        log_missing: None,
        results: None,
    };
    let family = last_name(definition.task_definition_arn().unwrap_or_default()).to_owned();
    let variable = result_place.as_ref().and_then(ResultPlace::variable);
    let overridden = overridden(query, &name, variable);
    let arn = match start(cloud, query, &definition, overridden, &place).await? {
        Ok(arn) => arn,
        Err(why) => return Ok(done(family, TaskEnd::NotRun(why))),
    };
    let id = last_name(&arn).to_owned();
    let mut running = RunningTask::of(cloud, &place, arn);
    let own = OwnContainer {
        name: &name,
        is_essential: is_essential(container),
    };
    let Followed { end, is_over } = follow(cloud, &running, own, until).await?;
    if is_over {
        running.function = None;
    } else {
        running.stop_now().await;
    }
    let mut run = done(format!("{family} ({id})"), end);
    if let (TaskEnd::Exited(_), Some(place)) = (&run.end, &result_place) {
        run.results = Some(place.read(cloud, container, &id).await);
    }
    match log_tail(cloud, container, &id).await {
        Ok(lines) => run.log_tail = lines,
        Err(why) => run.log_missing = Some(format!("its log could not be read: {why}")),
    }
    Ok(run)
}

/// What the check says in place of the task definition.
pub(crate) fn overridden(
    query: &TaskQuery,
    container: &str,
    variable: Option<(&'static str, String)>,
) -> ContainerOverride {
    let named = query.environment.iter();
    let named = named.map(|(name, value)| (name.as_str(), value.clone()));
    let environment = named.chain(variable).map(|(name, value)| {
        let pair = KeyValuePair::builder().name(name).value(value);
        pair.build()
    });
    let environment: Vec<KeyValuePair> = environment.collect();
    let command = query.command.clone();
    ContainerOverride::builder()
        .name(container)
        .set_command((!command.is_empty()).then_some(command))
        .set_environment((!environment.is_empty()).then_some(environment))
        .build()
}

/// The task definition of this name or ARN; `absent` says what to do where there is none.
pub(crate) async fn definition(
    cloud: &Cloud,
    named: &str,
    absent: &str,
) -> Result<TaskDefinition, CloudError> {
    let aws = cloud.aws();
    let what = format!("DescribeTaskDefinition {named}");
    let answer = common::ecs::task_definition(aws, named).await;
    answer
        .map_err(super::failed(
            aws,
            what.as_str(),
            "ecs:DescribeTaskDefinition",
            absent,
        ))?
        .ok_or_else(|| CloudError(format!("{what} has no task definition in its answer")))
}

/// The container that is named, or the only one.
pub(crate) fn container<'a>(
    definition: &'a TaskDefinition,
    name: Option<&str>,
) -> Result<&'a ContainerDefinition, CloudError> {
    let all = definition.container_definitions();
    let found = match (name, all) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), all) => all.iter().find(|it| it.name() == Some(name)),
    };
    if let Some(own) = found {
        refuse_other_ends(own, all)?;
    }
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().filter_map(ContainerDefinition::name).collect();
        let missing = name.map_or_else(String::new, |name| format!("no container {name}; "));
        CloudError(format!(
            "the task definition has {missing}the containers {}: name by `container` whose exit code counts",
            names.join(", ")
        ))
    })
}

/// When an essential container ends, ECS stops the others, and nothing says which one it was: the exit code of the tests is
/// only theirs where no other one may end the task.
fn refuse_other_ends(
    own: &ContainerDefinition,
    all: &[ContainerDefinition],
) -> Result<(), CloudError> {
    let others = all.iter().filter(|it| it.name() != own.name());
    let others: Vec<&str> = others
        .filter(|it| is_essential(it))
        .filter_map(ContainerDefinition::name)
        .collect();
    if others.is_empty() || !is_essential(own) {
        return Ok(());
    }
    Err(CloudError(format!(
        "the task definition has other essential containers than {}, and if one of them ends ECS stops the tests; register \
         it with `essential: false` for {}",
        own.name().unwrap_or_default(),
        others.join(", ")
    )))
}

/// As it is unless the task definition says otherwise.
fn is_essential(container: &ContainerDefinition) -> bool {
    container.essential() != Some(false)
}

/// Where a task runs.
#[derive(Debug)]
pub(crate) struct Place {
    cluster: String,
    network: Option<AwsVpcConfiguration>,
    launch_type: Option<LaunchType>,
    strategy: Vec<CapacityProviderStrategyItem>,
}

/// What the check says, and of the rest what the service under test has.
pub(crate) async fn place(
    cloud: &Cloud,
    query: &TaskQuery,
    definition: &TaskDefinition,
) -> Result<Place, CloudError> {
    let cluster = match &query.cluster {
        Some(cluster) => cluster.clone(),
        None => match cloud.needed("cluster") {
            Ok(cluster) => cluster.to_owned(),
            Err(why) => return Err(CloudError(format!("{why}; name one by `cluster`"))),
        },
    };
    let is_own = cloud.fact("cluster") == Some(last_name(&cluster));
    let service = match cloud.fact("service") {
        Some(service) if is_own => Some(described(cloud, &cluster, service).await?),
        _ => None,
    };
    let network = if definition.network_mode() == Some(&NetworkMode::Awsvpc) {
        Some(network(query, service.as_ref())?)
    } else {
        None
    };
    let (mut launch_type, strategy) = launch(service.as_ref());
    let on_fargate = definition.requires_compatibilities();
    if launch_type.is_none() && strategy.is_empty() && on_fargate == [Compatibility::Fargate] {
        launch_type = Some(LaunchType::Fargate);
    }
    Ok(Place {
        cluster,
        network,
        launch_type,
        strategy,
    })
}

async fn described(cloud: &Cloud, cluster: &str, service: &str) -> Result<Service, CloudError> {
    let aws = cloud.aws();
    let call = aws.ecs().describe_services().cluster(cluster);
    let what = format!("DescribeServices {service}");
    let answer = call.services(service).send().await;
    let answer = answer.map_err(super::failed(
        aws,
        what.clone(),
        "ecs:DescribeServices",
        "the service is gone",
    ))?;
    let found = answer.services.unwrap_or_default().into_iter().next();
    found.ok_or_else(|| CloudError(format!("{what} found no service")))
}

/// The network of the check, or that of the service: with `CodeDeploy` its task sets may have it.
fn network(
    query: &TaskQuery,
    service: Option<&Service>,
) -> Result<AwsVpcConfiguration, CloudError> {
    if !query.subnets.is_empty() {
        let groups = query.security_groups.clone();
        let public_ip = match query.assign_public_ip {
            Some(true) => AssignPublicIp::Enabled,
            Some(false) | None => AssignPublicIp::Disabled,
        };
        let built = AwsVpcConfiguration::builder()
            .set_subnets(Some(query.subnets.clone()))
            .set_security_groups((!groups.is_empty()).then_some(groups))
            .assign_public_ip(public_ip)
            .build();
        return built.map_err(|error| CloudError(format!("the network can't be given: {error}")));
    }
    let of_sets = service.iter().flat_map(|service| service.task_sets());
    let of_sets = of_sets.filter_map(|set| set.network_configuration());
    let of_service = service.and_then(|service| service.network_configuration());
    let found = of_service
        .into_iter()
        .chain(of_sets)
        .find_map(NetworkConfiguration::awsvpc_configuration);
    let unknown = "the task needs a network, and the service under test says none; write `subnets` and \
                   `security_groups`";
    found.cloned().ok_or_else(|| CloudError(unknown.to_owned()))
}

/// What the service's own tasks run on.
fn launch(service: Option<&Service>) -> (Option<LaunchType>, Vec<CapacityProviderStrategyItem>) {
    let Some(service) = service else {
        return (None, Vec::new());
    };
    let strategy = service.capacity_provider_strategy();
    if !strategy.is_empty() {
        return (None, strategy.to_vec());
    }
    let of_sets = service.task_sets().iter();
    let (mut of_types, mut of_strategies) = (of_sets.clone(), of_sets);
    let launch_type = service.launch_type().cloned();
    let launch_type = launch_type.or_else(|| of_types.find_map(|set| set.launch_type().cloned()));
    if launch_type.is_some() {
        return (launch_type, Vec::new());
    }
    let strategy = of_strategies.find_map(|set| {
        let strategy = set.capacity_provider_strategy();
        (!strategy.is_empty()).then(|| strategy.to_vec())
    });
    (None, strategy.unwrap_or_default())
}

/// Starts the task: its ARN, or why ECS has not placed it.
pub(crate) async fn start(
    cloud: &Cloud,
    query: &TaskQuery,
    definition: &TaskDefinition,
    overridden: ContainerOverride,
    place: &Place,
) -> Result<Result<String, String>, CloudError> {
    let aws = cloud.aws();
    let arn = definition.task_definition_arn().unwrap_or_default();
    let network = place.network.clone().map(|network| {
        let network = NetworkConfiguration::builder().awsvpc_configuration(network);
        network.build()
    });
    let strategy = place.strategy.clone();
    let family = last_name(arn);
    let permission = format!(
        "ecs:RunTask on the task definition {family}, and iam:PassRole on its roles: name them in the parameters \
         TestTasks and TestTaskRoles"
    );
    let call = aws
        .ecs()
        .run_task()
        .client_token(&query.token)
        .cluster(&place.cluster)
        .task_definition(arn)
        .count(1)
        .started_by(STARTED_BY)
        .tags(Tag::builder().key(TAG.0).value(TAG.1).build())
        .set_network_configuration(network)
        .set_launch_type(place.launch_type.clone())
        .set_capacity_provider_strategy((!strategy.is_empty()).then_some(strategy))
        .overrides(
            TaskOverride::builder()
                .container_overrides(overridden)
                .build(),
        );
    let answer = sent(cloud, &place.cluster, call).await;
    let answer = answer.map_err(super::failed(
        aws,
        format!("RunTask {family}"),
        &permission,
        "the cluster does not exist; correct `cluster`",
    ))?;
    let task = answer.tasks().first().and_then(Task::task_arn);
    Ok(task.map(str::to_owned).ok_or_else(|| {
        let failures = answer.failures().iter().map(|failure| {
            let reason = failure.reason().unwrap_or("no reason given");
            match failure.detail() {
                Some(detail) => format!("{reason} ({detail})"),
                None => reason.to_owned(),
            }
        });
        let failures: Vec<String> = failures.collect();
        format!("ECS has not placed the task: {}", failures.join(", "))
    }))
}

/// The answer. What ECS has started is stopped if nobody waits for it any more.
async fn sent(
    cloud: &Cloud,
    cluster: &str,
    call: RunTaskFluentBuilder,
) -> Result<RunTaskOutput, SdkError<RunTaskError>> {
    let (answer, waiting) = oneshot::channel();
    let (function, cluster) = (Arc::clone(&cloud.function), cluster.to_owned());
    tokio::spawn(async move {
        let Err(Ok(unheard)) = answer.send(call.send().await) else {
            return;
        };
        for arn in unheard.tasks().iter().filter_map(Task::task_arn) {
            stop(&function, &cluster, arn).await;
        }
    });
    match waiting.await {
        Ok(answer) => answer,
        Err(_) => Err(SdkError::construction_failure("the call was given up")),
    }
}

/// A task that has been started. It is stopped when this is dropped.
pub(crate) struct RunningTask {
    /// None when there is nothing left to stop.
    function: Option<Arc<GateFunction>>,
    cluster: String,
    arn: String,
}

impl RunningTask {
    /// One that runs in the cluster of `place`.
    pub(crate) fn of(cloud: &Cloud, place: &Place, arn: String) -> Self {
        Self {
            function: Some(Arc::clone(&cloud.function)),
            cluster: place.cluster.clone(),
            arn,
        }
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) async fn stop_now(&mut self) {
        if let Some(function) = self.function.take() {
            stop(&function, &self.cluster, &self.arn).await;
        }
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        let (Some(function), Ok(runtime)) =
            (self.function.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (cluster, arn) = (self.cluster.clone(), self.arn.clone());
        runtime.spawn(async move { stop(&function, &cluster, &arn).await });
    }
}

/// That it fails is only logged: what came of the check is known.
async fn stop(function: &GateFunction, cluster: &str, arn: &str) {
    let call = function.aws.ecs().stop_task().cluster(cluster).task(arn);
    let reason = "the check of deploy-hooks that started it is over";
    if let Err(error) = call.reason(reason).send().await {
        let error = aws_sdk_ecs::error::DisplayErrorContext(&error);
        tracing::warn!(%error, task = arn, "a task of a check could not be stopped");
    }
}

/// The container whose exit code counts.
#[derive(Clone, Copy)]
struct OwnContainer<'a> {
    name: &'a str,
    /// Its end is that of the task, and no other one's is.
    is_essential: bool,
}

struct Followed {
    end: TaskEnd,
    /// There is nothing left to stop.
    is_over: bool,
}

/// Looks at the task until its container has ended, or its time is over.
async fn follow(
    cloud: &Cloud,
    running: &RunningTask,
    container: OwnContainer<'_>,
    until: Instant,
) -> Result<Followed, CloudError> {
    let (mut misses, mut started) = (0, false);
    loop {
        tokio::select! {
            () = sleep(POLL_EVERY) => {}
            () = sleep_until(until) => {
                // It may have ended since the last look.
                let last = timeout(LAST_LOOK_TIMEOUT, describe_task(cloud, running)).await;
                let last = last.ok().and_then(Result::ok).flatten();
                let ended = last.as_ref().and_then(|task| end_of(task, container));
                let is_over = ended.is_some() && last.is_some_and(|task| task.last_status() == Some(STOPPED));
                let end = ended.unwrap_or(TaskEnd::TimedOut { started });
                return Ok(Followed { end, is_over });
            }
        }
        let Some(task) = describe_task(cloud, running).await? else {
            misses += 1;
            if misses > MAX_MISSES {
                let why = format!("ECS does not know the task {} any more", running.arn);
                return Err(CloudError(why));
            }
            continue;
        };
        misses = 0;
        started |= task.started_at().is_some();
        if let Some(end) = end_of(&task, container) {
            let is_over = task.last_status() == Some(STOPPED);
            return Ok(Followed { end, is_over });
        }
    }
}

pub(crate) async fn describe_task(
    cloud: &Cloud,
    running: &RunningTask,
) -> Result<Option<Task>, CloudError> {
    let aws = cloud.aws();
    let call = aws.ecs().describe_tasks().cluster(&running.cluster);
    let answer = call.tasks(&running.arn).send().await;
    let what = format!("DescribeTasks {}", running.arn);
    let answer = answer.map_err(super::failed(
        aws,
        what,
        "ecs:DescribeTasks",
        "the cluster is gone",
    ))?;
    Ok(answer.tasks.unwrap_or_default().into_iter().next())
}

pub(crate) const STOPPED: &str = "STOPPED";

/// How the container ended, if it has. Only one that ended by itself has an exit code that says something.
fn end_of(task: &Task, container: OwnContainer<'_>) -> Option<TaskEnd> {
    let all = task.containers().iter();
    let own = all.clone().find(|it| it.name() == Some(container.name));
    let by_itself = match task.stop_code() {
        None => true,
        Some(TaskStopCode::EssentialContainerExited) => container.is_essential,
        Some(_) => false,
    };
    let ended = own.filter(|own| own.last_status() == Some(STOPPED));
    let code = ended.and_then(Container::exit_code);
    // `OutOfMemoryError: …`: it was killed, and has a code all the same.
    let killed = ended.and_then(Container::reason);
    if let (true, Some(code), None) = (by_itself, code, killed) {
        return Some(TaskEnd::Exited(code));
    }
    if task.last_status() != Some(STOPPED) {
        return None;
    }
    let code_of = task.stop_code().map(|code| format!("({})", code.as_str()));
    let reasons = [task.stopped_reason(), killed].into_iter().flatten();
    let mut words: Vec<String> = reasons.map(str::to_owned).collect();
    words.dedup();
    if words.is_empty() {
        words.push("it stopped without an exit code of its container".to_owned());
    }
    let why = words.join("; ");
    Some(TaskEnd::NotRun(match code_of {
        Some(code) => format!("{why} {code}"),
        None => why,
    }))
}

/// The last lines of the container's log.
async fn log_tail(
    cloud: &Cloud,
    container: &ContainerDefinition,
    id: &str,
) -> Result<Vec<String>, String> {
    let log = logs::awslogs(container)?;
    sleep(LOG_DELAY).await;
    match logs::last_lines(cloud, &log, id, MAX_LINES).await {
        Ok(lines) if !lines.is_empty() => Ok(lines),
        _ => {
            sleep(LOG_DELAY).await;
            let lines = logs::last_lines(cloud, &log, id, MAX_LINES).await;
            lines.map_err(|error| error.0)
        }
    }
}
