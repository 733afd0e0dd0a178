//! Services from a file, as the AWS CLI writes them: a plan can be looked at before anything is installed, and without
//! an AWS account at hand.

use std::collections::BTreeMap;
use std::path::Path;

use common::arn::Arn;
use environments::resource::{Kind, Resource, Status};
use serde::Deserialize;

use crate::failure::{self, Failure};

/// What was found in a file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ListedServices {
    /// The services that have a count.
    pub(crate) resources: Vec<Resource>,
    /// `cluster/name` of the others.
    pub(crate) daemons: Vec<String>,
}

impl ListedServices {
    /// Takes another file's up.
    pub(crate) fn extend(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.daemons.extend(other.daemons);
    }
}

/// The answer of `aws ecs describe-services`.
#[derive(Deserialize)]
struct Answer {
    services: Vec<Service>,
}

/// What of a service matters to its schedule. A list by hand needs the ARN and the tags.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    #[serde(rename = "serviceArn")]
    arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    cluster_arn: Option<String>,
    status: Option<String>,
    #[serde(default)]
    desired_count: u32,
    #[serde(default)]
    running_count: u32,
    #[serde(default)]
    pending_count: u32,
    scheduling_strategy: Option<String>,
    resource_management_type: Option<String>,
    deployment_controller: Option<Controller>,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Controller {
    r#type: String,
}

/// The services in a file: one answer, or several one after the other, as calls of ten services each make them.
pub(crate) fn read(path: &Path) -> Result<ListedServices, Failure> {
    let text = failure::read(path)?;
    parse(&text).map_err(|why| {
        Failure::Wrong(format!(
            "{}: {why}; write what `aws ecs describe-services --include TAGS` answers",
            path.display()
        ))
    })
}

fn parse(text: &str) -> Result<ListedServices, String> {
    let mut listed = ListedServices::default();
    for answer in serde_json::Deserializer::from_str(text).into_iter::<Answer>() {
        let answer = answer.map_err(|error| error.to_string())?;
        for service in answer.services {
            let daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
            let resource = service.resource()?;
            if daemon {
                listed.daemons.push(resource.place());
            } else {
                listed.resources.push(resource);
            }
        }
    }
    if listed == ListedServices::default() {
        return Err("it holds no services".to_owned());
    }
    listed.resources.sort_by(|a, b| a.arn.cmp(&b.arn));
    listed.daemons.sort_unstable();
    Ok(listed)
}

impl Service {
    fn resource(self) -> Result<Resource, String> {
        let written = &self.arn;
        let named = Arn::parse(written)
            .filter(|arn| arn.service == "ecs")
            .and_then(|arn| arn.resource.strip_prefix("service/"));
        let named = named.ok_or_else(|| format!("{written:?} is not the ARN of a service"))?;
        // Old services have an ARN without their cluster.
        let (cluster, name) = match (named.split_once('/'), &self.cluster_arn) {
            (Some((cluster, name)), _) => (cluster, name),
            (None, Some(cluster)) => (cluster.rsplit('/').next().unwrap_or_default(), named),
            (None, None) => {
                return Err(format!("{written:?} names no cluster; add its clusterArn"));
            }
        };
        let before = written.split(":service/").next().unwrap_or_default();
        Ok(Resource {
            kind: Kind::EcsService,
            arn: format!("{before}:service/{cluster}/{name}"),
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            desired: self.desired_count,
            running: self.running_count,
            pending: self.pending_count,
            status: match self.status.as_deref() {
                Some("ACTIVE") | None => Status::Active,
                Some("DRAINING") => Status::Draining,
                Some("INACTIVE") => Status::Inactive,
                Some(other) => Status::Other(other.to_owned()),
            },
            managed_by_express: self.resource_management_type.as_deref() == Some("ECS"),
            controller: self
                .deployment_controller
                .map_or_else(|| "ECS".to_owned(), |controller| controller.r#type),
            tags: self
                .tags
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect::<BTreeMap<_, _>>(),
            ..Resource::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_aws_cli_are_read_one_after_the_other() {
        let text = r#"
            {"services": [{"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/dev-shop/web", "serviceName": "web",
              "clusterArn": "arn:aws:ecs:eu-central-1:111122223333:cluster/dev-shop", "status": "ACTIVE", "desiredCount": 2,
              "runningCount": 2, "pendingCount": 0, "schedulingStrategy": "REPLICA", "createdAt": "2026-01-31T08:00:00+01:00",
              "tags": [{"key": "deploy-hooks:schedule", "value": "office"}]}], "failures": []}
            {"services": [{"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/old",
              "clusterArn": "arn:aws:ecs:eu-central-1:111122223333:cluster/dev"},
              {"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/dev/agent", "schedulingStrategy": "DAEMON"}]}"#;
        let listed = parse(text).unwrap();
        let places: Vec<String> = listed.resources.iter().map(Resource::place).collect();
        assert_eq!(places, ["dev-shop/web", "dev/old"]);
        assert_eq!(listed.daemons, ["dev/agent"]);
        let web = &listed.resources[0];
        assert_eq!(
            (web.desired, web.account(), web.region()),
            (2, "111122223333", "eu-central-1")
        );
        assert_eq!(web.tags["deploy-hooks:schedule"], "office");
        let old = &listed.resources[1];
        assert_eq!(
            old.arn,
            "arn:aws:ecs:eu-central-1:111122223333:service/dev/old"
        );
    }

    #[test]
    fn what_is_no_list_is_told() {
        insta::assert_snapshot!(parse("{}").unwrap_err(), @"missing field `services` at line 1 column 2");
        insta::assert_snapshot!(parse("").unwrap_err(), @"it holds no services");
        insta::assert_snapshot!(parse(r#"{"services": [{"serviceArn": "web"}]}"#).unwrap_err(), @r#""web" is not the ARN of a service"#);
        insta::assert_snapshot!(parse(r#"{"services": [{"serviceArn": "arn:aws:ecs:eu-central-1:111122223333:service/web"}]}"#).unwrap_err(), @r#""arn:aws:ecs:eu-central-1:111122223333:service/web" names no cluster; add its clusterArn"#);
    }
}
