//! RDS and EC2 Auto Scaling, which speak the query protocol and answer in XML.

use std::collections::BTreeMap;

/// A database or a group, by what distinguishes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    pub kind: &'static str,
    /// `available`, `stopped`, …; for groups `min/max/desired`.
    pub state: String,
    pub tags: BTreeMap<String, String>,
    /// More XML of its description.
    pub more: &'static str,
}

#[derive(Default)]
pub struct Others {
    pub all: BTreeMap<String, Other>,
    pub changes: Vec<String>,
    /// A database that was started is `starting` until somebody says that it is `available`.
    pub slow: bool,
    /// ARNs that are part of a blue/green deployment, and its status.
    pub blue_green: Vec<(String, &'static str)>,
}

impl Other {
    pub fn new(kind: &'static str, state: &str) -> Self {
        Self {
            kind,
            state: state.into(),
            tags: [("deploy-hooks:schedule".to_owned(), "office".to_owned())].into(),
            more: "",
        }
    }
}

impl Others {
    pub fn serve(&mut self, action: &str, form: &BTreeMap<String, String>) -> (u16, String) {
        let name = [
            "DBInstanceIdentifier",
            "DBClusterIdentifier",
            "AutoScalingGroupName",
        ]
        .iter()
        .find_map(|key| form.get(*key))
        .cloned();
        match action {
            "DescribeDBInstances" => self.described(
                action,
                ("instance", "DBInstances", "DBInstance"),
                name.as_ref(),
            ),
            "DescribeDBClusters" => self.described(
                action,
                ("cluster", "DBClusters", "DBCluster"),
                name.as_ref(),
            ),
            "DescribeAutoScalingGroups" => {
                let name = form.get("AutoScalingGroupNames.member.1").cloned();
                self.described(
                    action,
                    ("group", "AutoScalingGroups", "member"),
                    name.as_ref(),
                )
            }
            "StopDBInstance" | "StopDBCluster" => self.set(action, &name.unwrap(), "stopped"),
            "StartDBInstance" | "StartDBCluster" => {
                let state = if self.slow { "starting" } else { "available" };
                self.set(action, &name.unwrap(), state)
            }
            "DescribeBlueGreenDeployments" => {
                let all = self.blue_green.iter();
                let all: Vec<String> = all
                    .map(|(arn, status)| {
                        format!("<member><Source>{arn}</Source><Status>{status}</Status></member>")
                    })
                    .collect();
                let all = all.concat();
                answer(
                    action,
                    &format!("<BlueGreenDeployments>{all}</BlueGreenDeployments>"),
                )
            }
            "UpdateAutoScalingGroup" => self.update(&name.unwrap(), form),
            "AddTagsToResource" | "RemoveTagsFromResource" => {
                let name = form["ResourceName"].rsplit(':').next().unwrap().to_owned();
                let key = form.get("TagKeys.member.1").or(form.get("Tags.Tag.1.Key"));
                self.tag(action, &name, key.unwrap(), form.get("Tags.Tag.1.Value"))
            }
            "CreateOrUpdateTags" | "DeleteTags" => {
                let value = form
                    .get("Tags.member.1.Value")
                    .filter(|_| action != "DeleteTags");
                self.tag(
                    action,
                    &form["Tags.member.1.ResourceId"],
                    &form["Tags.member.1.Key"],
                    value,
                )
            }
            other => panic!("nobody calls {other}: {form:?}"),
        }
    }

    fn described(
        &self,
        action: &str,
        (kind, list, item): (&str, &str, &str),
        name: Option<&String>,
    ) -> (u16, String) {
        let found = self
            .all
            .iter()
            .filter(|(own, other)| other.kind == kind && name.is_none_or(|name| name == *own));
        let items: String = found
            .map(|(name, other)| ["<", item, ">", &view(name, other), "</", item, ">"].concat())
            .collect();
        answer(action, &format!("<{list}>{items}</{list}>"))
    }

    fn set(&mut self, action: &str, name: &str, state: &str) -> (u16, String) {
        self.changes.push(format!("{action} {name}"));
        self.all.get_mut(name).unwrap().state = state.into();
        // A cluster takes its instances along.
        let of = format!("<DBClusterIdentifier>{name}<");
        for other in self
            .all
            .values_mut()
            .filter(|other| other.more.contains(&of))
        {
            other.state = state.into();
        }
        answer(action, "")
    }

    /// A minimum above the desired capacity raises that; a desired capacity outside is refused.
    fn update(&mut self, name: &str, form: &BTreeMap<String, String>) -> (u16, String) {
        let group = self.all.get_mut(name).unwrap();
        let [mut min, mut max, mut desired] = numbers(&group.state);
        let read = |key: &str, old: u32| form.get(key).map_or(old, |text| text.parse().unwrap());
        (min, max) = (read("MinSize", min), read("MaxSize", max));
        desired = match form.get("DesiredCapacity") {
            Some(text) => text.parse().unwrap(),
            None => desired.clamp(min, max),
        };
        if !(min..=max).contains(&desired) {
            let error =
                "<Code>ValidationError</Code><Message>must be between min and max</Message>";
            return (
                400,
                format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"),
            );
        }
        group.state = format!("{min}/{max}/{desired}");
        self.changes
            .push(format!("UpdateAutoScalingGroup {name} {}", group.state));
        answer("UpdateAutoScalingGroup", "")
    }

    fn tag(
        &mut self,
        action: &str,
        name: &str,
        key: &str,
        value: Option<&String>,
    ) -> (u16, String) {
        let tags = &mut self.all.get_mut(name).unwrap().tags;
        match value {
            Some(value) => drop(tags.insert(key.into(), value.clone())),
            None => drop(tags.remove(key)),
        }
        answer(action, "")
    }
}

fn numbers(state: &str) -> [u32; 3] {
    let numbers: Vec<u32> = state.split('/').map(|text| text.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn view(name: &str, other: &Other) -> String {
    let tags = |item: &str| -> String {
        let all = other.tags.iter();
        all.map(|(key, value)| {
            let inside = ["<Key>", key, "</Key><Value>", value, "</Value>"].concat();
            ["<", item, ">", &inside, "</", item, ">"].concat()
        })
        .collect()
    };
    let arn = |kind: &str| format!("arn:aws:rds:eu-central-1:111122223333:{kind}:{name}");
    let (state, more) = (&other.state, other.more);
    // What a test says more stands in place of the usual.
    let unless_said = |element: &str, usual: String| {
        let said = more.contains(&format!("<{element}>"));
        if said { String::new() } else { usual }
    };
    match other.kind {
        "instance" => format!(
            "<DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceArn>{}</DBInstanceArn>\
             <DBInstanceStatus>{state}</DBInstanceStatus><TagList>{}</TagList>{more}",
            arn("db"),
            tags("Tag")
        ),
        "cluster" => format!(
            "<DBClusterIdentifier>{name}</DBClusterIdentifier><DBClusterArn>{}</DBClusterArn>\
             <Status>{state}</Status><TagList>{}</TagList>{}{more}",
            arn("cluster"),
            tags("Tag"),
            unless_said("Engine", "<Engine>aurora-postgresql</Engine>".to_owned()),
        ),
        _ => {
            let [min, max, desired] = numbers(state);
            let instance = "<member><InstanceId>i-1</InstanceId><AvailabilityZone>a</AvailabilityZone>\
                <LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus>\
                <ProtectedFromScaleIn>false</ProtectedFromScaleIn></member>";
            format!(
                "<AutoScalingGroupName>{name}</AutoScalingGroupName>\
                 <AutoScalingGroupARN>arn:aws:autoscaling:eu-central-1:111122223333:autoScalingGroup:x:autoScalingGroupName/{name}</AutoScalingGroupARN>\
                 <MinSize>{min}</MinSize><MaxSize>{max}</MaxSize><DesiredCapacity>{desired}</DesiredCapacity>\
                 <DefaultCooldown>300</DefaultCooldown><HealthCheckType>EC2</HealthCheckType>\
                 <CreatedTime>2026-01-01T00:00:00Z</CreatedTime><AvailabilityZones/>\
                 {}<Tags>{}</Tags>{more}",
                unless_said(
                    "Instances",
                    format!(
                        "<Instances>{}</Instances>",
                        instance.repeat(desired as usize)
                    )
                ),
                tags("member")
            )
        }
    }
}

fn answer(action: &str, inside: &str) -> (u16, String) {
    let result = format!("<{action}Result>{inside}</{action}Result>");
    (
        200,
        format!("<{action}Response xmlns=\"x\">{result}</{action}Response>"),
    )
}
