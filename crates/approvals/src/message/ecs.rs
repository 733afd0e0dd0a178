//! Events of EventBridge about deployments that ECS itself carries out.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html> and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>

use common::arn::Arn;
use serde_json::Value;

use super::{DeploymentEvent, DeploymentRef, Incoming, Origin, PauseEvent, fields};
use crate::PausedDeployment;

/// Names of clusters and services, and ids: 1 to 255 letters, digits, `-` and `_`.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
const MAX_NAME_CHARS: usize = 255;

/// An event about a hook or a deployment; none for anything else.
pub(super) fn event(message: &Value, origin: &Origin) -> Option<Incoming> {
    if message.get("source")?.as_str()? != "aws.ecs" {
        return None;
    }
    let detail = message.get("detail")?;
    match fields::text(message, "detail-type")? {
        "ECS Hook State Change" => hook_changed(message, detail, origin),
        "ECS Deployment State Change" => deployment_changed(message, origin),
        _ => None,
    }
}

fn hook_changed(message: &Value, detail: &Value, origin: &Origin) -> Option<Incoming> {
    let arn = fields::text(detail, "serviceDeploymentArn")?;
    let parsed = Arn::parse(arn).filter(|arn| arn.service == "ecs")?;
    let [cluster, service, _] = names(parsed.resource, "service-deployment")?;
    let waits = fields::text(detail, "eventName") == Some("HOOK_AWAITING_ACTION");
    if !waits {
        return Some(Incoming::DeploymentChanged(DeploymentEvent {
            deployment: DeploymentRef::Arn(arn.to_owned()),
            origin: origin.clone(),
        }));
    }
    let (region, account) = fields::place_of(arn);
    Some(Incoming::Paused(PauseEvent {
        paused: PausedDeployment {
            account,
            region,
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            deployment_arn: arn.to_owned(),
            hook_id: fields::text(detail, "hookId")
                .filter(|id| is_name(id))?
                .to_owned(),
            lifecycle_stage: fields::word(detail, "lifecycleStage")?,
            timeout_action: None,
        },
        expires: fields::time(detail, "expiresAt"),
        time: fields::time(message, "time"),
        origin: origin.clone(),
    }))
}

fn deployment_changed(message: &Value, origin: &Origin) -> Option<Incoming> {
    let mut resources = message.get("resources")?.as_array()?.iter();
    let service = resources.find_map(|resource| {
        let arn = Arn::parse(resource.as_str()?).filter(|arn| arn.service == "ecs")?;
        let [cluster, service] = names(arn.resource, "service")?;
        Some((cluster.to_owned(), service.to_owned()))
    });
    let (cluster, service) = service?;
    Some(Incoming::DeploymentChanged(DeploymentEvent {
        deployment: DeploymentRef::OfService(cluster, service),
        origin: origin.clone(),
    }))
}

/// The names behind `kind` in the resource of an ARN; none unless there are just as many.
fn names<'a, const N: usize>(resource: &'a str, kind: &str) -> Option<[&'a str; N]> {
    let names = resource.strip_prefix(kind)?.strip_prefix('/')?;
    let names: Vec<&str> = names.split('/').collect();
    let names: [&str; N] = names.try_into().ok()?;
    names.iter().all(|name| is_name(name)).then_some(names)
}

fn is_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::incoming;

    const SAMPLE: &str = include_str!("../../../../events/approval-ecs-pause.json");
    const ARN: &str =
        "arn:aws:ecs:eu-central-1:111122223333:service-deployment/shop/web/NCWGC2ZR-taawPAYrIaU5";

    fn sample() -> Value {
        serde_json::from_str(SAMPLE).unwrap()
    }

    #[test]
    fn a_pause_that_waits_is_one() {
        let [Incoming::Paused(event)] = &incoming(&sample())[..] else {
            panic!("no pause");
        };
        assert_eq!(
            event.paused.to_string(),
            "shop/web/PRE_PRODUCTION_TRAFFIC_SHIFT"
        );
        assert_eq!(event.paused.deployment_arn, ARN);
        assert_eq!(event.paused.account, "111122223333");
        assert_eq!(event.paused.region, "eu-central-1");
        assert!(event.paused.hook_id.starts_with("ecs-pause-"));
        assert_eq!(event.expires.unwrap().to_string(), "2026-05-05T10:00:00Z");
        assert!(event.origin.message_id.is_some());
    }

    #[test]
    fn what_happens_to_it_later_only_says_that_it_is_worth_looking() {
        for name in [
            "HOOK_SUCCEEDED",
            "HOOK_FAILED",
            "HOOK_TIMED_OUT",
            "HOOK_NEW_WORD",
        ] {
            let mut event = sample();
            event["detail"]["eventName"] = json!(name);
            let [Incoming::DeploymentChanged(event)] = &incoming(&event)[..] else {
                panic!("{name}");
            };
            assert_eq!(event.deployment, DeploymentRef::Arn(ARN.to_owned()));
        }
    }

    #[test]
    fn the_end_of_a_deployment_names_its_service() {
        let event = json!({
            "id": "e-1", "source": "aws.ecs", "detail-type": "ECS Deployment State Change",
            "resources": ["arn:aws:ecs:eu-central-1:111122223333:service/shop/web"],
            "detail": {"eventName": "SERVICE_DEPLOYMENT_COMPLETED", "deploymentId": "ecs-svc/1"},
        });
        let [Incoming::DeploymentChanged(event)] = &incoming(&event)[..] else {
            panic!("no deployment");
        };
        let of = DeploymentRef::OfService("shop".into(), "web".into());
        assert_eq!(event.deployment, of);
    }

    #[test]
    fn a_pause_that_is_not_named_whole_is_none() {
        for (key, value) in [
            ("hookId", json!("")),
            ("hookId", json!("ecs pause")),
            ("hookId", json!(null)),
            ("lifecycleStage", json!(7)),
            ("serviceDeploymentArn", json!("shop")),
            ("serviceDeploymentArn", json!(ARN.replace("/web", ""))),
            ("serviceDeploymentArn", json!(ARN.replace(":ecs:", ":s3:"))),
            ("serviceDeploymentArn", json!(format!("{ARN}/more"))),
        ] {
            let mut event = sample();
            event["detail"][key] = value.clone();
            let read = incoming(&event);
            assert!(
                matches!(read[..], [Incoming::Other(_)]),
                "{key} {value}: {read:?}"
            );
        }
    }
}
