//! Lines of the release's log.

use aws_sdk_ecs::types::{ContainerDefinition, DesiredStatus, LogDriver, Task};
use common::json_api::{self, LOGS};
use gate::cloud::{CloudError, LogEvents, LogQuery};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::caller_release::window_start;
use super::{Cloud, ecs_task, function_version};
use crate::version;

/// Streams of one question, as many as `CloudWatch` Logs takes; and tasks, as many as ECS describes at once.
const MAX_STREAMS: usize = 100;
/// Questions about streams before the rest is left unseen.
const MAX_QUESTIONS: usize = 5;
/// Pages that are read before counting is given up.
const MAX_PAGES: usize = 5;
/// Pages of streams or tasks that are listed before the rest is left unseen.
pub(super) const MAX_LISTED_PAGES: usize = 10;
/// How late `CloudWatch` Logs may be with the time of a stream's last line.
const LAST_EVENT_DELAY: SignedDuration = SignedDuration::from_hours(1);
/// Lines that are kept.
const MAX_KEPT: usize = 3;

/// Where to look.
struct Place {
    group: String,
    streams: Streams,
    /// There are more streams of the release than were listed.
    has_unseen: bool,
}

enum Streams {
    /// These.
    Named(Vec<String>),
    /// Those whose names begin so.
    Beginning(String),
    All,
}

/// Counts the lines that `query` finds.
pub(super) async fn events(cloud: &Cloud, query: &LogQuery) -> Result<LogEvents, CloudError> {
    let now = Timestamp::now();
    let start = window_start(now, query.window, cloud.release.begun());
    let place = place(cloud, query, start).await?;
    let streams = match &place.streams {
        Streams::Named(names) => names.len(),
        Streams::Beginning(prefix) => exist(cloud, &place.group, Some(prefix)).await?,
        Streams::All => exist(cloud, &place.group, None).await?,
    };
    let mut found = LogEvents {
        place: match (&place.streams, streams) {
            (Streams::Named(_), 1) => format!("1 stream of {}", place.group),
            (Streams::Named(_), many) => format!("{many} streams of {}", place.group),
            (Streams::Beginning(prefix), _) => format!("streams {prefix}… of {}", place.group),
            (Streams::All, _) => place.group.clone(),
        },
        streams,
        // What was not looked at may have any number of lines.
        is_partial: place.has_unseen,
        ..LogEvents::default()
    };
    if streams == 0 {
        return Ok(found);
    }
    let input = json!({
        "logGroupName": place.group,
        "filterPattern": query.filter,
        "startTime": start.as_millisecond(),
        "endTime": now.as_millisecond(),
    });
    let asking = |key: &str, value: Value| {
        let mut input = input.clone();
        input[key] = value;
        input
    };
    let inputs = match &place.streams {
        Streams::Named(names) => names
            .chunks(MAX_STREAMS)
            .map(|some| asking("logStreamNames", json!(some)))
            .collect(),
        Streams::Beginning(prefix) => vec![asking("logStreamNamePrefix", json!(prefix))],
        Streams::All => vec![input],
    };
    found.is_partial |= inputs.len() > MAX_QUESTIONS;
    for input in inputs.into_iter().take(MAX_QUESTIONS) {
        count(cloud, &place.group, input, query.enough, &mut found).await?;
    }
    Ok(found)
}

/// Counts the lines of one question, until there are enough.
async fn count(
    cloud: &Cloud,
    group: &str,
    mut input: Value,
    enough: u64,
    found: &mut LogEvents,
) -> Result<(), CloudError> {
    for _ in 0..MAX_PAGES {
        if found.count >= enough {
            break;
        }
        let answer = call(cloud, group, "FilterLogEvents", input.clone()).await?;
        let events = answer.get("events").and_then(Value::as_array);
        for event in events.into_iter().flatten() {
            found.count += 1;
            if found.first.len() < MAX_KEPT {
                let message = event.get("message").and_then(Value::as_str);
                found.first.push(message.unwrap_or_default().to_owned());
            }
        }
        let token = answer.get("nextToken").cloned().unwrap_or_default();
        if token.is_null() {
            return Ok(());
        }
        input["nextToken"] = token;
    }
    found.is_partial = true;
    Ok(())
}

async fn call(
    cloud: &Cloud,
    group: &str,
    operation: &'static str,
    input: Value,
) -> Result<Value, CloudError> {
    let permission = format!(
        "logs:{operation} on the log group {group}: name it in the parameter LogGroupsUnderTest"
    );
    let what = format!("{operation} {group}");
    let answer = json_api::call(cloud.aws(), LOGS, operation, input).await;
    answer.map_err(super::failed(
        cloud.aws(),
        what,
        &permission,
        "check the log group and its streams",
    ))
}

/// How many streams there are, as far as one page says.
async fn exist(cloud: &Cloud, group: &str, prefix: Option<&str>) -> Result<usize, CloudError> {
    let mut input = json!({ "logGroupName": group, "limit": 50 });
    if let Some(prefix) = prefix {
        input["logStreamNamePrefix"] = json!(prefix);
    }
    Ok(stream_names(&call(cloud, group, "DescribeLogStreams", input).await?).count())
}

fn stream_names(answer: &Value) -> impl Iterator<Item = &str> {
    let streams = answer.get("logStreams").and_then(Value::as_array);
    let streams = streams.into_iter().flatten();
    streams.filter_map(|stream| stream.get("logStreamName")?.as_str())
}

/// What the query names, or the log of the release.
async fn place(cloud: &Cloud, query: &LogQuery, start: Timestamp) -> Result<Place, CloudError> {
    match (&query.group, &query.streams) {
        (Some(group), Some(prefix)) => Ok(Place {
            group: group.clone(),
            streams: Streams::Beginning(prefix.clone()),
            has_unseen: false,
        }),
        (Some(group), None) => Ok(Place {
            group: group.clone(),
            streams: Streams::All,
            has_unseen: false,
        }),
        (None, _) if cloud.fact("platform") == Some("Lambda") => of_function(cloud, start).await,
        (None, _) => of_tasks(cloud).await,
    }
}

/// The streams of the version that may have lines since `start`: each has it in brackets, `2026/11/30/[8]1f2e`.
async fn of_function(cloud: &Cloud, start: Timestamp) -> Result<Place, CloudError> {
    let (name, version) = (cloud.needed("function")?, cloud.needed("target_version")?);
    let aws = cloud.aws();
    let configured = function_version::configuration(aws, name, version).await;
    let configured = configured.map_err(super::failed(
        aws,
        format!("GetFunctionConfiguration {name}:{version}"),
        "lambda:GetFunctionConfiguration",
        "the version does not exist",
    ))?;
    let group = configured["LoggingConfig"]["LogGroup"].as_str();
    let group = group.map_or_else(|| format!("/aws/lambda/{name}"), str::to_owned);
    let mut input = json!({
        "logGroupName": group, "orderBy": "LastEventTime", "descending": true, "limit": 50,
    });
    let own = format!("[{version}]");
    let (mut names, mut has_unseen) = (Vec::new(), false);
    let since = start.saturating_sub(LAST_EVENT_DELAY).unwrap_or(start);
    for _ in 0..MAX_LISTED_PAGES {
        let answer = call(cloud, &group, "DescribeLogStreams", input.clone()).await?;
        let of_version = stream_names(&answer).filter(|name| name.contains(&own));
        names.extend(of_version.map(str::to_owned));
        let token = answer.get("nextToken").cloned().unwrap_or_default();
        has_unseen = !token.is_null() && !ends_before(&answer, since);
        if !has_unseen {
            break;
        }
        input["nextToken"] = token;
    }
    Ok(Place {
        streams: Streams::Named(names),
        group,
        has_unseen,
    })
}

/// Whether the last stream of a page, and so each after it, had its last line before `since`.
fn ends_before(page: &Value, since: Timestamp) -> bool {
    let last = page["logStreams"].as_array().and_then(|all| all.last());
    let time = last.and_then(|last| last["lastEventTimestamp"].as_i64());
    time.is_some_and(|time| time < since.as_millisecond())
}

/// The streams of the tasks of the new task definition: `PREFIX/CONTAINER/TASK`.
async fn of_tasks(cloud: &Cloud) -> Result<Place, CloudError> {
    let definition = cloud.needed("task_definition")?;
    let (cluster, service) = (cloud.needed("cluster")?, cloud.needed("service")?);
    let (log, tasks) = tokio::join!(log_of(cloud, definition), tasks(cloud, cluster, service));
    let Log {
        group,
        prefix,
        container,
    } = log?;
    let (tasks, has_unseen) = tasks?;
    let streams = tasks
        .iter()
        .filter(|task| task.task_definition_arn() == Some(definition))
        // One that has not started has no stream, and a name without a stream is refused.
        .filter(|task| task.started_at().is_some())
        .filter_map(|task| task.task_arn()?.rsplit('/').next())
        .map(|id| format!("{prefix}/{container}/{id}"))
        .collect();
    Ok(Place {
        group,
        streams: Streams::Named(streams),
        has_unseen,
    })
}

/// Where a container writes its log: one stream for each task.
pub(super) struct Log {
    group: String,
    prefix: String,
    container: String,
}

/// Where the container under test writes its log.
async fn log_of(cloud: &Cloud, definition: &str) -> Result<Log, CloudError> {
    let absent = "the task definition is gone; register it again";
    let definition = ecs_task::definition(cloud, definition, absent).await?;
    let container = version::container(&definition, cloud.fact("container")).map_err(CloudError)?;
    let remedy = "name it by `group` and `streams`";
    awslogs(container).map_err(|why| CloudError(format!("{why}; {remedy}")))
}

/// The last lines of a task's log, the oldest first.
pub(super) async fn last_lines(
    cloud: &Cloud,
    log: &Log,
    task: &str,
    most: usize,
) -> Result<Vec<String>, CloudError> {
    let input = json!({ "limit": most, "startFromHead": false });
    let answer = page(cloud, log, task, input).await?;
    let events = answer.get("events").and_then(Value::as_array);
    let lines = events
        .into_iter()
        .flatten()
        .filter_map(|event| event.get("message")?.as_str())
        .filter(|line| !line.trim().is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// A page of a task's log, as far as `input` says which.
pub(super) async fn page(
    cloud: &Cloud,
    log: &Log,
    task: &str,
    mut input: Value,
) -> Result<Value, CloudError> {
    input["logGroupName"] = json!(log.group);
    input["logStreamName"] = json!(format!("{}/{}/{task}", log.prefix, log.container));
    call(cloud, &log.group, "GetLogEvents", input).await
}

/// By the configuration of the container; the error says what is missing there.
pub(super) fn awslogs(container: &ContainerDefinition) -> Result<Log, String> {
    let name = container.name().unwrap_or_default();
    let unknown = |why: &str| format!("the log of the container {name} is not known: {why}");
    let config = container
        .log_configuration()
        .ok_or_else(|| unknown("it has no logConfiguration"))?;
    if *config.log_driver() != LogDriver::Awslogs {
        return Err(unknown("its logDriver is not awslogs"));
    }
    let option = |key: &str| config.options().and_then(|options| options.get(key));
    let of = |key: &str| {
        option(key)
            .cloned()
            .ok_or_else(|| unknown(&format!("it has no {key}")))
    };
    Ok(Log {
        group: of("awslogs-group")?,
        prefix: of("awslogs-stream-prefix")?,
        container: name.to_owned(),
    })
}

/// The tasks of the service, those included that have stopped in the last hour; and whether there are more.
async fn tasks(
    cloud: &Cloud,
    cluster: &str,
    service: &str,
) -> Result<(Vec<Task>, bool), CloudError> {
    let aws = cloud.aws();
    let list = async |status: DesiredStatus| {
        let call = aws
            .ecs()
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(status);
        let (mut arns, mut token) = (Vec::new(), None);
        for _ in 0..MAX_LISTED_PAGES {
            let answer = call.clone().set_next_token(token).send().await;
            let answer = answer.map_err(super::failed(
                aws,
                format!("ListTasks {service}"),
                "ecs:ListTasks",
                "the service is gone",
            ))?;
            arns.extend(answer.task_arns.unwrap_or_default());
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok::<_, CloudError>((arns, token.is_some()))
    };
    let (running, stopped) =
        tokio::join!(list(DesiredStatus::Running), list(DesiredStatus::Stopped));
    let ((mut arns, more_running), (stopped, more_stopped)) = (running?, stopped?);
    arns.extend(stopped);
    let mut tasks = Vec::new();
    for some in arns.chunks(MAX_STREAMS) {
        let answer = aws
            .ecs()
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(some.to_vec()))
            .send()
            .await
            .map_err(super::failed(
                aws,
                "DescribeTasks",
                "ecs:DescribeTasks",
                "the cluster is gone",
            ))?;
        tasks.extend(answer.tasks.unwrap_or_default());
    }
    Ok((tasks, more_running || more_stopped))
}
