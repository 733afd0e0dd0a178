//! Topics, queues and schedules of the stack.

use ::doctor::facts::{Fact, Queue, Schedule, Subscription, Topic};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};
use common::json_api::{self, SQS};
use common::rest_api::{self, SCHEDULER, path_segment};
use futures::future::join_all;
use serde_json::{Value, json};

use super::failed;
use super::stack::Resource;

type Others = (Fact<Vec<Topic>>, Fact<Vec<Queue>>, Fact<Vec<Schedule>>);

/// All of them.
pub(super) async fn read(aws: &Aws, resources: &Fact<Vec<Resource>>) -> Others {
    let resources = match resources {
        Ok(resources) => resources,
        Err(why) => return (Err(why.clone()), Err(why.clone()), Err(why.clone())),
    };
    let of = |kind: &'static str| resources.iter().filter(move |it| it.kind == kind);
    let topics = join_all(of("AWS::SNS::Topic").map(async |topic| Topic {
        logical_id: topic.logical_id.clone(),
        subscriptions: subscriptions(aws, &topic.physical_id).await,
    }));
    let queues = join_all(of("AWS::SQS::Queue").map(async |queue| Queue {
        logical_id: queue.logical_id.clone(),
        waiting: waiting(aws, &queue.physical_id).await,
    }));
    let schedules = join_all(
        of("AWS::Scheduler::Schedule").map(async |schedule| Schedule {
            name: schedule.physical_id.clone(),
            is_enabled: is_enabled(aws, &schedule.physical_id).await,
        }),
    );
    let (topics, queues, schedules) = tokio::join!(topics, queues, schedules);
    (Ok(topics), Ok(queues), Ok(schedules))
}

async fn subscriptions(aws: &Aws, topic: &str) -> Fact<Vec<Subscription>> {
    let call = aws.sns().list_subscriptions_by_topic().topic_arn(topic);
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let call = format!("ListSubscriptionsByTopic {topic}");
            failed(
                aws,
                &call,
                "sns:ListSubscriptionsByTopic",
                &AwsFailure::of(&error),
            )
        })?;
        found.extend(page.subscriptions().iter().map(|one| {
            Subscription {
                protocol: one.protocol().unwrap_or_default().to_owned(),
                endpoint: text::clean::line(one.endpoint().unwrap_or_default()),
                is_confirmed: one
                    .subscription_arn()
                    .is_some_and(|arn| arn.starts_with("arn:")),
            }
        }));
    }
    Ok(found)
}

async fn waiting(aws: &Aws, url: &str) -> Fact<u64> {
    const COUNT_ATTRIBUTE: &str = "ApproximateNumberOfMessages";
    let input = json!({ "QueueUrl": url, "AttributeNames": [COUNT_ATTRIBUTE] });
    let answer = json_api::call(aws, SQS, "GetQueueAttributes", input).await;
    let answer = answer.map_err(|error| {
        let call = format!("GetQueueAttributes {url}");
        failed(
            aws,
            &call,
            "sqs:GetQueueAttributes",
            &AwsFailure::of(&error),
        )
    })?;
    let count = answer.pointer(&format!("/Attributes/{COUNT_ATTRIBUTE}"));
    let count = count
        .and_then(Value::as_str)
        .and_then(|count| count.parse().ok());
    count.ok_or_else(|| format!("GetQueueAttributes {url} returned no {COUNT_ATTRIBUTE}"))
}

async fn is_enabled(aws: &Aws, id: &str) -> Fact<Option<bool>> {
    // Its Ref is the name, or the group and the name.
    let (group, name) = id
        .rsplit_once('|')
        .or_else(|| id.rsplit_once('/'))
        .unwrap_or(("", id));
    let name = path_segment(name);
    let path = if group.is_empty() {
        format!("/schedules/{name}")
    } else {
        format!("/schedules/{name}?groupName={}", path_segment(group))
    };
    let route = ("GET", path.as_str());
    match rest_api::call(aws, SCHEDULER, "GetSchedule", route, Value::Null).await {
        Ok(answer) => Ok(Some(
            answer["State"]
                .as_str()
                .is_none_or(|state| state == "ENABLED"),
        )),
        Err(error) => {
            let failure = AwsFailure::of(&error);
            if failure.cause == Cause::Absent {
                return Ok(None);
            }
            Err(failed(
                aws,
                &format!("GetSchedule {name}"),
                "scheduler:GetSchedule",
                &failure,
            ))
        }
    }
}
