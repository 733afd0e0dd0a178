//! From AWS's shapes to the target of a gate: what is deployed, and under which address it answers.
//!
//! Pure; [`crate::lookup`] makes the calls.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::types::{
    DeploymentGroupInfo, DeploymentTarget, EcsTarget, LambdaTarget, TargetLabel, TrafficRoute,
};
use aws_sdk_ecs::types::{Service, TaskDefinition};
use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, ProtocolEnum};

/// What is known of a target, by the names in [`gate::TARGET_KEYS`].
pub type Facts = BTreeMap<String, String>;

/// The listeners of a deployment group, by their ARNs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// Reaches the new version before it has production traffic.
    pub test: Option<String>,
    /// What customers use.
    pub production: Option<String>,
}

impl Routes {
    /// The routes of the group's (only) target group pair.
    pub fn of(group: &DeploymentGroupInfo) -> Self {
        let pair = group
            .load_balancer_info()
            .and_then(|info| info.target_group_pair_info_list().first());
        let listener = |route: Option<&TrafficRoute>| {
            route
                .and_then(|route| route.listener_arns().first())
                .cloned()
        };
        Self {
            test: listener(pair.and_then(|pair| pair.test_traffic_route())),
            production: listener(pair.and_then(|pair| pair.prod_traffic_route())),
        }
    }

    /// All listeners, each once.
    pub fn listeners(&self) -> Vec<String> {
        let mut arns: Vec<String> = self.test.iter().chain(&self.production).cloned().collect();
        arns.dedup();
        arns
    }
}

/// The URL of a listener: scheme and port from it, the host from its load balancer. The port is left
/// out where it is the scheme's own.
pub fn listener_url(listener: &Listener, balancers: &[LoadBalancer]) -> Option<String> {
    let balancer = balancers
        .iter()
        .find(|balancer| balancer.load_balancer_arn() == listener.load_balancer_arn())?;
    let host = balancer.dns_name()?;
    let port = listener.port()?;
    // A Network Load Balancer that passes TLS through says TCP.
    let scheme = match (listener.protocol(), port) {
        (Some(ProtocolEnum::Https | ProtocolEnum::Tls), _) | (Some(ProtocolEnum::Tcp), 443) => {
            "https"
        }
        _ => "http",
    };
    Some(match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    })
}

/// The host in a URL that [`listener_url`] made: a name, without the port.
pub fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(':').next()
}

/// The version in an image's name: its tag, or the start of its digest, or `latest`, which is what
/// a name without either means.
pub fn image_version(image: &str) -> String {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let tag = name
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'))
        .map(|(_, tag)| tag);
    match (tag, digest) {
        (Some(tag), _) => tag.to_owned(),
        (None, Some(digest)) => digest.chars().take("sha256:".len() + 12).collect(),
        (None, None) => "latest".to_owned(),
    }
}

/// The image of the named container, or of the only one.
pub fn image(definition: &TaskDefinition, container: Option<&str>) -> Option<String> {
    let containers = definition.container_definitions();
    let found = match container {
        Some(name) => containers.iter().find(|it| it.name() == Some(name)),
        None if containers.len() == 1 => containers.first(),
        None => None,
    };
    found.and_then(|it| it.image()).map(str::to_owned)
}

/// The task definition that serves now: that of the Blue task set, as CodeDeploy labels it, else of
/// the service's primary one, unless that is the new one already.
pub fn old_task_definition(
    service: &Service,
    targets: &[DeploymentTarget],
    new: &str,
) -> Option<String> {
    let blue = targets
        .iter()
        .filter_map(|target| target.ecs_target())
        .flat_map(EcsTarget::task_sets_info)
        .find(|set| set.task_set_label() == Some(&TargetLabel::Blue))
        .and_then(|set| set.identifer());
    let sets = service.task_sets();
    sets.iter()
        .find(|set| {
            blue.is_some_and(|blue| {
                // CodeDeploy says `ecs-svc/123`, as ECS does in `id`.
                set.id() == Some(blue) || set.task_set_arn().is_some_and(|arn| arn.ends_with(blue))
            })
        })
        .or_else(|| {
            sets.iter()
                .find(|set| set.status() == Some("PRIMARY") && set.task_definition() != Some(new))
        })
        .and_then(|set| set.task_definition())
        .map(str::to_owned)
}

/// The lifecycle events that CodeDeploy reports as running.
pub fn events_in_progress(targets: &[DeploymentTarget]) -> Vec<String> {
    use aws_sdk_codedeploy::types::LifecycleEventStatus::InProgress;
    let of_ecs = targets
        .iter()
        .filter_map(|t| t.ecs_target())
        .flat_map(EcsTarget::lifecycle_events);
    let of_lambda = targets
        .iter()
        .filter_map(|t| t.lambda_target())
        .flat_map(LambdaTarget::lifecycle_events);
    of_ecs
        .chain(of_lambda)
        .filter(|event| event.status() == Some(&InProgress))
        .filter_map(|event| event.lifecycle_event_name())
        .map(str::to_owned)
        .collect()
}

/// Notes a fact that is known.
pub fn note(facts: &mut Facts, key: &'static str, value: Option<impl Into<String>>) {
    debug_assert!(
        gate::TARGET_KEYS.contains(&key),
        "{key} is no name a suite can use"
    );
    if let Some(value) = value
        .map(Into::into)
        .filter(|value: &String| !value.is_empty())
    {
        facts.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codedeploy::types::EcsTaskSet;
    use aws_sdk_ecs::types::TaskSet;

    #[test]
    fn versions_are_read_from_image_names() {
        for (image, version) in [
            ("shop:1.2.0", "1.2.0"),
            ("registry.example.com:5000/team/shop:1.2.0", "1.2.0"),
            ("registry.example.com:5000/team/shop", "latest"),
            ("shop:1.2.0@sha256:0123456789abcdef0123", "1.2.0"),
            ("shop@sha256:0123456789abcdef0123", "sha256:0123456789ab"),
        ] {
            assert_eq!(image_version(image), version, "{image}");
        }
    }

    #[test]
    fn a_listener_gives_scheme_and_port_and_its_balancer_the_host() {
        let balancers = [LoadBalancer::builder()
            .load_balancer_arn("lb")
            .dns_name("shop.elb.test")
            .build()];
        let url = |protocol: ProtocolEnum, port| {
            let listener = Listener::builder()
                .load_balancer_arn("lb")
                .protocol(protocol)
                .port(port)
                .build();
            listener_url(&listener, &balancers)
        };
        assert_eq!(
            url(ProtocolEnum::Http, 80).as_deref(),
            Some("http://shop.elb.test")
        );
        assert_eq!(
            url(ProtocolEnum::Https, 8443).as_deref(),
            Some("https://shop.elb.test:8443")
        );
        assert_eq!(
            url(ProtocolEnum::Https, 443).as_deref(),
            Some("https://shop.elb.test")
        );
        for (protocol, port) in [(ProtocolEnum::Http, 80), (ProtocolEnum::Https, 8443)] {
            let url = url(protocol, port).unwrap();
            assert_eq!(host(&url), Some("shop.elb.test"), "{url}");
        }
        assert_eq!(
            url(ProtocolEnum::Tcp, 443).as_deref(),
            Some("https://shop.elb.test")
        );
        let other = Listener::builder()
            .load_balancer_arn("gone")
            .port(80)
            .build();
        assert_eq!(listener_url(&other, &balancers), None);
    }

    fn set(id: &str, status: &str, definition: &str) -> TaskSet {
        TaskSet::builder()
            .id(id)
            .status(status)
            .task_definition(definition)
            .build()
    }

    #[test]
    fn the_old_version_is_the_blue_task_set_even_after_the_new_one_became_primary() {
        let service = Service::builder()
            .task_sets(set("ecs-svc/2", "PRIMARY", "shop:2"))
            .task_sets(set("ecs-svc/1", "ACTIVE", "shop:1"))
            .build();
        let blue = EcsTaskSet::builder()
            .identifer("ecs-svc/1")
            .task_set_label(TargetLabel::Blue)
            .build();
        let target = DeploymentTarget::builder()
            .ecs_target(EcsTarget::builder().task_sets_info(blue).build())
            .build();
        let old = old_task_definition(&service, &[target], "shop:2");
        assert_eq!(old.as_deref(), Some("shop:1"));
        assert_eq!(
            old_task_definition(&service, &[], "shop:2"),
            None,
            "better none than a wrong one"
        );
    }
}
