//! The listeners of the deployment group, and their rules.

use std::fmt::Write as _;

use super::aws::Changes;
use super::ecs;

pub const PRODUCTION: &str = "arn:production";
pub const TEST: &str = "arn:test";

pub(super) const BALANCERS: &str = "<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member>\
     <LoadBalancerArn>arn:lb</LoadBalancerArn><DNSName>127.0.0.1</DNSName></member>\
     </LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>";

/// A rule of a listener.
#[derive(Debug, Clone, Copy)]
pub struct RuleOf {
    pub priority: u16,
    /// Field and value of each condition; of `http-header`, `name: value`.
    pub conditions: &'static [(&'static str, &'static str)],
    /// The target group.
    pub forwards: &'static str,
}

pub(super) fn listeners(changes: &Changes, service_port: u16) -> String {
    let usual = ("HTTP", service_port);
    let [production, test] = changes.listeners.unwrap_or([usual, usual]);
    let [of_production, of_test] = forwards(changes);
    let member = |arn: &str, group: &str, (protocol, port): (&str, u16)| {
        format!(
            "<member><ListenerArn>{arn}</ListenerArn><LoadBalancerArn>arn:lb</LoadBalancerArn>\
             <Port>{port}</Port><Protocol>{protocol}</Protocol><DefaultActions>{}</DefaultActions></member>",
            action(group)
        )
    };
    let members = [
        member(PRODUCTION, of_production, production),
        member(ecs::PRODUCTION_LISTENER, of_production, production),
        member(TEST, of_test, test),
        member(ecs::TEST_LISTENER, of_test, test),
    ];
    format!(
        "<DescribeListenersResponse><DescribeListenersResult><Listeners>{}</Listeners>\
         </DescribeListenersResult></DescribeListenersResponse>",
        members.concat()
    )
}

pub(super) fn rules(changes: &Changes, listener: &str) -> String {
    let index = usize::from(listener == TEST);
    let mut members = String::new();
    for rule in changes.rules[index] {
        let conditions: String = rule.conditions.iter().map(condition).collect();
        let RuleOf {
            priority, forwards, ..
        } = rule;
        write!(
            members,
            "<member><RuleArn>{listener}/rule/{priority}</RuleArn><Priority>{priority}</Priority><IsDefault>false</IsDefault>\
             <Conditions>{conditions}</Conditions><Actions>{}</Actions></member>",
            action(forwards)
        )
        .unwrap();
    }
    write!(
        members,
        "<member><RuleArn>{listener}/rule/default</RuleArn><Priority>default</Priority><IsDefault>true</IsDefault>\
         <Actions>{}</Actions></member>",
        action(forwards(changes)[index])
    )
    .unwrap();
    format!(
        "<DescribeRulesResponse><DescribeRulesResult><Rules>{members}</Rules></DescribeRulesResult></DescribeRulesResponse>"
    )
}

/// By the time of each gate its listener has shifted.
fn forwards(changes: &Changes) -> [&'static str; 2] {
    changes.forwards.unwrap_or(["shop-green", "shop-green"])
}

fn action(group: &str) -> String {
    if group.is_empty() {
        return "<member><Type>redirect</Type><RedirectConfig><StatusCode>HTTP_301</StatusCode></RedirectConfig></member>"
            .to_owned();
    }
    format!(
        "<member><Type>forward</Type><TargetGroupArn>arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/{group}/1\
         </TargetGroupArn></member>"
    )
}

fn condition((field, value): &(&str, &str)) -> String {
    let values = |value: &str| format!("<Values><member>{value}</member></Values>");
    let config = match *field {
        "http-header" => {
            let (name, value) = value.split_once(": ").unwrap();
            format!(
                "<HttpHeaderConfig><HttpHeaderName>{name}</HttpHeaderName>{}</HttpHeaderConfig>",
                values(value)
            )
        }
        "host-header" => format!("<HostHeaderConfig>{}</HostHeaderConfig>", values(value)),
        _ => values(value),
    };
    format!("<member><Field>{field}</Field>{config}</member>")
}
