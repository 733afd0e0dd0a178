//! Subnets, routes, endpoints and security groups, as EC2 says it.

use std::collections::{BTreeMap, BTreeSet};

use ::doctor::facts::{
    DefaultRoute, Deployment, Fact, Function, FunctionConfiguration, GroupRule, Network,
    SecurityGroup,
};
use common::aws::Aws;
use common::failure::Failure as AwsFailure;
use common::query_api::{self, EC2};

use super::failed;
use crate::xml::Element;

/// What the functions and the listeners of the callers need.
pub(super) async fn read(
    aws: &Aws,
    functions: &[Function],
    deployments: impl Iterator<Item = &Deployment>,
) -> Network {
    let known = |function: &'_ Function| function.configuration.clone().ok().flatten();
    let configurations: Vec<FunctionConfiguration> = functions.iter().filter_map(known).collect();
    let all = |of: fn(&FunctionConfiguration) -> Vec<String>| -> BTreeSet<String> {
        configurations
            .iter()
            .flat_map(of)
            .filter(|id| !id.is_empty())
            .collect()
    };
    let subnets = all(|it| it.subnets.clone());
    let vpcs = all(|it| vec![it.vpc.clone()]);
    let mut groups = all(|it| it.security_groups.clone());
    for deployment in deployments {
        let listeners = deployment.listeners.as_ref().map_or(&[][..], Vec::as_slice);
        groups.extend(listeners.iter().flat_map(|it| it.security_groups.clone()));
    }
    let (routes, security_groups, endpoints) = tokio::join!(
        routes(aws, &subnets, &vpcs),
        security_groups(aws, &groups),
        endpoints(aws, &vpcs)
    );
    Network {
        routes,
        security_groups,
        endpoints,
    }
}

async fn call(
    aws: &Aws,
    operation: &'static str,
    parameters: &[(String, String)],
) -> Fact<Element> {
    let answer = query_api::call(aws, EC2, operation, parameters).await;
    let xml = answer.map_err(|error| {
        failed(
            aws,
            operation,
            &format!("ec2:{operation}"),
            &AwsFailure::of(&error),
        )
    })?;
    Element::parse(&xml).ok_or_else(|| format!("{operation} returned no XML that can be read"))
}

fn filter(name: &str, values: &BTreeSet<String>) -> Vec<(String, String)> {
    let values = values.iter().enumerate();
    let values = values.map(|(at, value)| (format!("Filter.1.Value.{}", at + 1), value.clone()));
    std::iter::once(("Filter.1.Name".to_owned(), name.to_owned()))
        .chain(values)
        .collect()
}

async fn routes(
    aws: &Aws,
    subnets: &BTreeSet<String>,
    vpcs: &BTreeSet<String>,
) -> Fact<BTreeMap<String, DefaultRoute>> {
    if subnets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tables = call(aws, "DescribeRouteTables", &filter("vpc-id", vpcs)).await?;
    let in_vpcs = call(aws, "DescribeSubnets", &filter("subnet-id", subnets)).await?;
    let mut main = BTreeMap::new();
    let mut explicit = BTreeMap::new();
    for table in tables.list("routeTableSet") {
        let leads = default_route(table);
        for association in table.list("associationSet") {
            if association.text("main") == "true" {
                main.insert(table.text("vpcId").to_owned(), leads);
            }
            explicit.insert(association.text("subnetId").to_owned(), leads);
        }
    }
    let found = in_vpcs.list("subnetSet").filter_map(|subnet| {
        let id = subnet.text("subnetId").to_owned();
        let leads = explicit
            .get(&id)
            .or_else(|| main.get(subnet.text("vpcId")))?;
        Some((id, *leads))
    });
    Ok(found.collect())
}

/// Where IPv4 leads, or IPv6 where nothing else leads out.
fn default_route(table: &Element) -> DefaultRoute {
    let leads = |destination, everywhere| {
        table.list("routeSet").find(|route| {
            route.text(destination) == everywhere && route.text("state") != "blackhole"
        })
    };
    let route = leads("destinationCidrBlock", "0.0.0.0/0")
        .or_else(|| leads("destinationIpv6CidrBlock", "::/0"));
    match route {
        None => DefaultRoute::None,
        Some(route) if route.text("gatewayId").starts_with("igw-") => DefaultRoute::InternetGateway,
        Some(_) => DefaultRoute::Elsewhere,
    }
}

async fn endpoints(aws: &Aws, vpcs: &BTreeSet<String>) -> Fact<BTreeMap<String, Vec<String>>> {
    if vpcs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = call(aws, "DescribeVpcEndpoints", &filter("vpc-id", vpcs)).await?;
    let region = aws.config().region().map_or("", |region| region.as_ref());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for endpoint in answer.list("vpcEndpointSet") {
        if endpoint.text("state").eq_ignore_ascii_case("available") {
            let service = service_of(endpoint.text("serviceName"), region).to_owned();
            found
                .entry(endpoint.text("vpcId").to_owned())
                .or_default()
                .push(service);
        }
    }
    Ok(found)
}

/// `ecr.api` of `com.amazonaws.eu-central-1.ecr.api` and of `cn.com.amazonaws.cn-north-1.ecr.api`.
fn service_of<'a>(name: &'a str, region: &str) -> &'a str {
    let found = name.split_once(&format!(".{region}."));
    found.unwrap_or_default().1
}

async fn security_groups(
    aws: &Aws,
    ids: &BTreeSet<String>,
) -> Fact<BTreeMap<String, SecurityGroup>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = call(aws, "DescribeSecurityGroups", &filter("group-id", ids)).await?;
    let groups = answer.list("securityGroupInfo").map(|group| {
        let rules = |name| group.list(name).filter_map(rule).collect();
        let rules = SecurityGroup {
            ingress: rules("ipPermissions"),
            egress: rules("ipPermissionsEgress"),
        };
        (group.text("groupId").to_owned(), rules)
    });
    Ok(groups.collect())
}

/// A rule that is about TCP.
fn rule(permission: &Element) -> Option<GroupRule> {
    let ports = match permission.text("ipProtocol") {
        "-1" => None,
        "tcp" | "6" => {
            let port = |name| permission.text(name).parse::<u16>().ok();
            Some((
                port("fromPort").unwrap_or(0),
                port("toPort").unwrap_or(u16::MAX),
            ))
        }
        _ => return None,
    };
    let all = |list, name| {
        let texts = permission
            .list(list)
            .map(move |it| it.text(name).to_owned());
        texts.collect::<Vec<String>>()
    };
    let mut ranges = all("ipRanges", "cidrIp");
    ranges.extend(all("ipv6Ranges", "cidrIpv6"));
    Some(GroupRule {
        ports,
        ranges,
        groups: all("groups", "groupId"),
        prefix_lists: all("prefixListIds", "prefixListId"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = r#"<?xml version="1.0"?><DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
      <securityGroupInfo><item><groupId>sg-1</groupId>
        <ipPermissions>
          <item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>9443</toPort>
            <groups><item><groupId>sg-2</groupId></item></groups>
            <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>
          <item><ipProtocol>udp</ipProtocol><fromPort>53</fromPort><toPort>53</toPort></item>
        </ipPermissions>
        <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress>
      </item></securityGroupInfo></DescribeSecurityGroupsResponse>"#;

    #[test]
    fn rules_of_tcp_are_read_and_those_of_udp_are_none_for_us() {
        let answer = Element::parse(GROUPS).unwrap();
        let group = answer.list("securityGroupInfo").next().unwrap();
        let ingress: Vec<GroupRule> = group.list("ipPermissions").filter_map(rule).collect();
        assert_eq!(
            ingress,
            [GroupRule {
                ports: Some((443, 9443)),
                ranges: vec!["10.0.0.0/8".into()],
                groups: vec!["sg-2".into()],
                prefix_lists: vec![],
            }]
        );
        let egress: Vec<GroupRule> = group.list("ipPermissionsEgress").filter_map(rule).collect();
        assert_eq!(egress[0].ports, None);
    }

    #[test]
    fn a_default_route_is_told_by_where_it_leads_and_a_dead_one_is_none() {
        let table = |route: &str| {
            let text = format!(
                "<t><routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock></item>{route}</routeSet></t>"
            );
            default_route(&Element::parse(&text).unwrap())
        };
        let route = |leads: &str| {
            format!("<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>{leads}</item>")
        };
        assert_eq!(table(""), DefaultRoute::None);
        assert_eq!(
            table(&route("<gatewayId>igw-1</gatewayId>")),
            DefaultRoute::InternetGateway
        );
        assert_eq!(
            table(&route("<natGatewayId>nat-1</natGatewayId>")),
            DefaultRoute::Elsewhere
        );
        let ipv6 = "<item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId></item>";
        assert_eq!(table(ipv6), DefaultRoute::Elsewhere);
        let dead = route("<natGatewayId>nat-1</natGatewayId><state>blackhole</state>");
        assert_eq!(table(&dead), DefaultRoute::None);
    }

    #[test]
    fn an_endpoints_service_follows_its_region() {
        for (name, region, service) in [
            (
                "com.amazonaws.eu-central-1.ecr.api",
                "eu-central-1",
                "ecr.api",
            ),
            ("cn.com.amazonaws.cn-north-1.logs", "cn-north-1", "logs"),
            ("com.amazonaws.cn-north-1.s3", "cn-north-1", "s3"),
            (
                "com.amazonaws.vpce.eu-west-1.vpce-svc-1",
                "eu-central-1",
                "",
            ),
        ] {
            assert_eq!(service_of(name, region), service, "{name}");
        }
    }
}
