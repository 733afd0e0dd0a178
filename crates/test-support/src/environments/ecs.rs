//! ECS and Application Auto Scaling, as far as environments meet them: DAEMON refusals, pages, tags only
//! where they are asked for, legal characters, clamping at every registration, throttle buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ACCOUNT, REGION};
use crate::{Reply, error};

/// So few that most lists have several pages.
const PAGE: usize = 3;

/// A service.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one way in which a service misbehaves"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct Svc {
    pub desired: u32,
    pub running: u32,
    /// Tasks don't start by themselves.
    pub broken: bool,
    /// Tasks don't stop, as if they were protected from scale-in.
    pub stubborn: bool,
    pub daemon: bool,
    pub express: bool,
    pub controller: &'static str,
    pub status: &'static str,
    pub tags: BTreeMap<String, String>,
    pub task_definition: String,
    pub created_at: f64,
    pub deploying: Option<f64>,
    pub target: Option<Target>,
    /// Every count that people or the beginning gave it, and what auto scaling made of those.
    pub counts: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub min: u32,
    pub max: u32,
    /// In, out, scheduled.
    pub suspended: [bool; 3],
}

impl Svc {
    /// Opted in.
    pub fn new(desired: u32) -> Self {
        Self {
            tags: [("deploy-hooks:schedule".to_owned(), "office".to_owned())].into(),
            ..Self::plain(desired)
        }
    }

    /// Without any tag.
    pub fn plain(desired: u32) -> Self {
        Self {
            desired,
            running: desired,
            broken: false,
            stubborn: false,
            daemon: false,
            express: false,
            controller: "ECS",
            status: "ACTIVE",
            tags: BTreeMap::new(),
            task_definition: "arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:1".into(),
            created_at: 1_790_000_000.0,
            deploying: None,
            target: None,
            counts: vec![desired],
        }
    }

    pub fn scaled(mut self, min: u32, max: u32, suspended: [bool; 3]) -> Self {
        self.target = Some(Target {
            min,
            max,
            suspended,
        });
        self
    }

    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// It opts in.
    pub fn select(&mut self) {
        self.tags
            .insert("deploy-hooks:schedule".into(), "office".into());
    }

    /// People set the count.
    pub fn set(&mut self, desired: u32) {
        self.count(desired);
        self.counts.push(self.desired);
    }

    /// People, a stack or a policy register a target.
    pub fn register(&mut self, target: Target) {
        self.target = Some(target);
        self.count(self.desired.clamp(target.min, target.max.max(target.min)));
        self.counts.push(self.desired);
    }

    fn count(&mut self, desired: u32) {
        self.desired = desired;
        let stays = if desired < self.running {
            self.stubborn
        } else {
            self.broken
        };
        if !stays {
            self.running = desired;
        }
    }
}

/// A change that a caller made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub operation: String,
    pub place: String,
    pub desired: Option<u32>,
}

#[derive(Default)]
pub struct Ecs {
    pub services: BTreeMap<String, Svc>,
    /// Every change by an API call.
    pub changes: Vec<Change>,
    /// `UpdateService` at (tokens, since): 50 at once, 5 a second.
    pub bucket: Option<(f64, Timestamp)>,
    /// How often the bucket was empty.
    pub throttled: usize,
    /// What reading still answers until then.
    pub stale: Option<(BTreeMap<String, Svc>, Timestamp)>,
    /// Services that can't be described, for no reason that we know.
    pub odd: Vec<String>,
    /// Scheduled actions of Application Auto Scaling, as it describes them.
    pub actions: Vec<Value>,
    /// Counts that Application Auto Scaling has read already and will set later; none: it does so at once.
    pub late: Option<Vec<(String, u32)>>,
}

impl Ecs {
    /// What Application Auto Scaling had made up its mind to is done by now.
    pub fn pulled(&mut self) {
        for (place, count) in self.late.take().unwrap_or_default() {
            self.get(&place).count(count);
        }
    }

    pub fn add(&mut self, place: &str, service: Svc) {
        self.services.insert(place.to_owned(), service);
    }

    pub fn get(&mut self, place: &str) -> &mut Svc {
        self.services.get_mut(place).unwrap()
    }

    pub fn serve(&mut self, operation: &str, call: &Value, now: Timestamp) -> Reply {
        match operation {
            "ListClusters" => Ok(self.clusters()),
            "ListServices" => Ok(self.list(call)),
            "DescribeServices" => Ok(self.describe(call, now)),
            "DescribeTaskDefinition" => Ok(json!({"taskDefinition": {
                "taskDefinitionArn": call["taskDefinition"], "cpu": "512", "memory": "1024"}})),
            "UpdateService" => self.update(call, now),
            "TagResource" | "UntagResource" => self.tag(operation, call),
            other => panic!("nobody calls {other}"),
        }
    }

    fn clusters(&self) -> Value {
        let mut names: Vec<&str> = self
            .services
            .keys()
            .filter_map(|place| place.split('/').next())
            .collect();
        names.dedup();
        let arn = |name: &&str| format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}");
        json!({"clusterArns": names.iter().map(arn).collect::<Vec<_>>()})
    }

    fn list(&self, call: &Value) -> Value {
        assert_eq!(
            call["maxResults"], 100,
            "ten are returned unless more are asked for"
        );
        let cluster = call["cluster"].as_str().unwrap();
        let daemons = match call["schedulingStrategy"].as_str() {
            Some("DAEMON") => true,
            Some("REPLICA") => false,
            other => panic!("{other:?} would mix those that have no count with the others"),
        };
        let start: usize = call["nextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let arns: Vec<String> = self
            .services
            .iter()
            .filter(|(place, service)| {
                place.split('/').next() == Some(cluster) && service.daemon == daemons
            })
            .map(|(place, _)| arn(place))
            .collect();
        let page: Vec<_> = arns.iter().skip(start).take(self.page()).collect();
        let mut answer = json!({"serviceArns": page});
        if start + page.len() < arns.len() {
            answer["nextToken"] = json!((start + page.len()).to_string());
        }
        answer
    }

    /// A world of many services has pages like AWS.
    fn page(&self) -> usize {
        if self.services.len() > 100 { 100 } else { PAGE }
    }

    /// What is read just now: AWS may be behind.
    fn seen(&self, now: Timestamp) -> &BTreeMap<String, Svc> {
        match &self.stale {
            Some((old, until)) if now < *until => old,
            _ => &self.services,
        }
    }

    fn describe(&self, call: &Value, now: Timestamp) -> Value {
        let names = call["services"].as_array().unwrap();
        assert!((1..=10).contains(&names.len()), "ECS takes ten");
        let cluster = call["cluster"].as_str().unwrap();
        let with_tags = call["include"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("TAGS")));
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let place = format!("{cluster}/{}", name.as_str().unwrap());
            match self.seen(now).get(&place) {
                _ if self.odd.contains(&place) => {
                    failures.push(json!({"arn": arn(&place), "reason": "UNKNOWN"}));
                }
                Some(service) => found.push(view(&place, service, with_tags)),
                None => failures.push(json!({"arn": arn(&place), "reason": "MISSING"})),
            }
        }
        json!({"services": found, "failures": failures})
    }

    fn update(&mut self, call: &Value, now: Timestamp) -> Reply {
        let fields: Vec<&str> = call
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert!(
            fields
                .iter()
                .all(|field| ["cluster", "service", "desiredCount"].contains(field)),
            "other fields are refused under CODE_DEPLOY: {fields:?}"
        );
        if !self.has_token(now) {
            self.throttled += 1;
            return Err(error("ThrottlingException", "Rate exceeded"));
        }
        let place = format!(
            "{}/{}",
            call["cluster"].as_str().unwrap(),
            call["service"].as_str().unwrap()
        );
        let desired = u32::try_from(call["desiredCount"].as_u64().unwrap()).unwrap();
        let service = self.services.get_mut(&place).unwrap();
        if service.daemon {
            return Err(error(
                "InvalidParameterException",
                "The daemon scheduling strategy does not support a desired count",
            ));
        }
        service.count(desired);
        self.changed("UpdateService", &place, Some(desired));
        Ok(json!({"service": {"serviceName": call["service"]}}))
    }

    pub fn take_token(&mut self, now: Timestamp) {
        self.has_token(now);
    }

    fn has_token(&mut self, now: Timestamp) -> bool {
        let Some((tokens, at)) = &mut self.bucket else {
            return true;
        };
        *tokens = (*tokens + now.duration_since(*at).as_secs_f64() * 5.0).min(50.0);
        *at = now;
        if *tokens < 1.0 - 1e-9 {
            return false;
        }
        *tokens -= 1.0;
        true
    }

    fn tag(&mut self, operation: &str, call: &Value) -> Reply {
        let arn = call["resourceArn"].as_str().unwrap();
        let place = arn.split_once(":service/").unwrap().1.to_owned();
        let service = self.services.get_mut(&place).unwrap();
        if operation == "UntagResource" {
            for key in call["tagKeys"].as_array().unwrap() {
                service.tags.remove(key.as_str().unwrap());
            }
        }
        for tag in call["tags"].as_array().into_iter().flatten() {
            let (key, value) = (tag["key"].as_str().unwrap(), tag["value"].as_str().unwrap());
            if !environments::backup_tag::is_legal(value) {
                return Err(error("InvalidParameterException", "illegal characters"));
            }
            service.tags.insert(key.into(), value.into());
        }
        self.changed(operation, &place, None);
        Ok(json!({}))
    }

    fn changed(&mut self, operation: &str, place: &str, desired: Option<u32>) {
        self.changes.push(Change {
            operation: operation.to_owned(),
            place: place.to_owned(),
            desired,
        });
    }

    pub fn scaling(&mut self, operation: &str, call: &Value, now: Timestamp) -> Value {
        assert_eq!(call["ServiceNamespace"], "ecs");
        let dimension = &call["ScalableDimension"];
        if operation == "DescribeScheduledActions" {
            let lacks_id = !dimension.is_null() && call["ResourceId"].is_null();
            assert!(!lacks_id, "AWS takes no dimension without a resource id");
        } else {
            assert_eq!(dimension, "ecs:service:DesiredCount");
        }
        match operation {
            "DescribeScalableTargets" => self.targets(call, now),
            "DescribeScheduledActions" => json!({"ScheduledActions": self.actions}),
            "RegisterScalableTarget" => self.register(call),
            other => panic!("nobody calls {other}"),
        }
    }

    fn targets(&self, call: &Value, now: Timestamp) -> Value {
        let ids = call["ResourceIds"].as_array().unwrap();
        assert!((1..=50).contains(&ids.len()), "it takes fifty");
        let start: usize = call["NextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let found: Vec<Value> = ids
            .iter()
            .filter_map(|id| {
                let place = id.as_str().unwrap().strip_prefix("service/").unwrap();
                let target = self.seen(now).get(place)?.target?;
                let [dynamic_in, dynamic_out, scheduled] = target.suspended;
                Some(json!({
                    "ServiceNamespace": "ecs", "ResourceId": id, "ScalableDimension": "ecs:service:DesiredCount",
                    "MinCapacity": target.min, "MaxCapacity": target.max, "RoleARN": "arn:aws:iam::1:role/x",
                    "CreationTime": 1_790_000_000.0,
                    "SuspendedState": {"DynamicScalingInSuspended": dynamic_in,
                        "DynamicScalingOutSuspended": dynamic_out, "ScheduledScalingSuspended": scheduled}}))
            })
            .collect();
        let page: Vec<_> = found.iter().skip(start).take(self.page()).collect();
        let mut answer = json!({"ScalableTargets": page});
        if start + page.len() < found.len() {
            answer["NextToken"] = json!((start + page.len()).to_string());
        }
        answer
    }

    /// What is left out stays as it is; and the count is pulled into the bounds at every registration.
    fn register(&mut self, call: &Value) -> Value {
        let place = call["ResourceId"]
            .as_str()
            .unwrap()
            .strip_prefix("service/")
            .unwrap()
            .to_owned();
        let service = self.services.get_mut(&place).unwrap();
        let mut target = service.target.unwrap_or(Target {
            min: 0,
            max: 0,
            suspended: [false; 3],
        });
        let count = |name: &str| {
            call[name]
                .as_u64()
                .map(|count| u32::try_from(count).unwrap())
        };
        target.min = count("MinCapacity").unwrap_or(target.min);
        target.max = count("MaxCapacity").unwrap_or(target.max);
        let names = [
            "DynamicScalingInSuspended",
            "DynamicScalingOutSuspended",
            "ScheduledScalingSuspended",
        ];
        for (index, name) in names.into_iter().enumerate() {
            if let Some(on) = call["SuspendedState"][name].as_bool() {
                target.suspended[index] = on;
            }
        }
        service.target = Some(target);
        let pulled = service
            .desired
            .clamp(target.min, target.max.max(target.min));
        match &mut self.late {
            Some(late) if pulled != service.desired => late.push((place.clone(), pulled)),
            _ => service.count(pulled),
        }
        self.changed("RegisterScalableTarget", &place, None);
        json!({})
    }
}

pub fn arn(place: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{place}")
}

fn view(place: &str, service: &Svc, with_tags: bool) -> Value {
    let (cluster, name) = place.split_once('/').unwrap();
    let rollout = if service.deploying.is_some() {
        "IN_PROGRESS"
    } else {
        "COMPLETED"
    };
    let deployed = service.deploying.unwrap_or(service.created_at);
    let mut view = json!({
        "serviceArn": arn(place), "serviceName": name,
        "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{cluster}"),
        "status": service.status, "desiredCount": service.desired, "runningCount": service.running,
        "pendingCount": 0, "taskDefinition": service.task_definition, "createdAt": service.created_at,
        "schedulingStrategy": if service.daemon { "DAEMON" } else { "REPLICA" },
        "deploymentController": {"type": service.controller},
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": rollout, "createdAt": deployed}],
    });
    if service.express {
        view["resourceManagementType"] = json!("ECS");
    }
    if with_tags {
        let tags: Vec<Value> = service
            .tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        view["tags"] = json!(tags);
    }
    view
}
