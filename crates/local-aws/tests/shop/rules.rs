//! Listener rules: which requests go where, and how rules are made, ordered and refused.

use serde_json::Value;

use crate::aws::{Aws, element, forward_keys, shop};

/// A rule's parameters: a host name and where its requests go.
fn rule<'a>(
    listener: &'a str,
    priority: &'a str,
    host: &'a str,
    group: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("ListenerArn", listener),
        ("Priority", priority),
        ("Conditions.member.1.Field", "host-header"),
        ("Conditions.member.1.HostHeaderConfig.Values.member.1", host),
        ("Actions.member.1.Type", "forward"),
        ("Actions.member.1.TargetGroupArn", group),
    ]
}

async fn version(aws: &Aws, port: u16, host: &str) -> String {
    let request = aws.client.get(format!("http://127.0.0.1:{port}/version"));
    let answer = request.header("host", host).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["version"].as_str().unwrap().to_owned()
}

fn priorities(described: &str) -> Vec<&str> {
    let parts = described.split("<Priority>").skip(1);
    parts.map(|part| part.split_once('<').unwrap().0).collect()
}

#[tokio::test]
async fn rules_decide_by_priority_where_a_request_goes_and_the_default_takes_the_rest() {
    let aws = Aws::start("rules").await;
    let (balancer, blue, green) = shop(&aws).await;
    let old = aws.task_set("1.0.0", "none", &blue).await;
    let new = aws.task_set("2.0.0", "none", &green).await;
    let (port, listener) = aws.listener(&balancer, &[(&blue, "1")]).await;
    aws.until_steady(&old).await;
    aws.until_steady(&new).await;

    let made = aws
        .elb_ok("CreateRule", &rule(&listener, "20", "*.test", &green))
        .await;
    let arn = element(&made, "RuleArn");
    assert!(arn.starts_with(&listener.replace(":listener/", ":listener-rule/")));
    assert_eq!(version(&aws, port, "canary.test:80").await, "2.0.0");
    assert_eq!(version(&aws, port, "shop.example").await, "1.0.0");

    // A rule with a lower number comes first, until the two change places.
    let first = rule(&listener, "10", "old.test", &blue);
    let first = element(&aws.elb_ok("CreateRule", &first).await, "RuleArn");
    assert_eq!(version(&aws, port, "old.test").await, "1.0.0");
    let swapped = [
        ("RulePriorities.member.1.RuleArn", first.as_str()),
        ("RulePriorities.member.1.Priority", "20"),
        ("RulePriorities.member.2.RuleArn", arn.as_str()),
        ("RulePriorities.member.2.Priority", "10"),
    ];
    aws.elb_ok("SetRulePriorities", &swapped).await;
    assert_eq!(version(&aws, port, "old.test").await, "2.0.0");
    let described = aws
        .elb_ok("DescribeRules", &[("ListenerArn", &listener)])
        .await;
    assert_eq!(priorities(&described), ["10", "20", "default"]);

    // The weights of a rule count at once.
    let keys = forward_keys(2);
    let keys: Vec<(String, String)> = keys
        .into_iter()
        .map(|(a, b)| {
            (
                a.replace("DefaultActions", "Actions"),
                b.replace("DefaultActions", "Actions"),
            )
        })
        .collect();
    let weights = [
        ("RuleArn", arn.as_str()),
        ("Actions.member.1.Type", "forward"),
        (&keys[0].0, &blue),
        (&keys[0].1, "1"),
        (&keys[1].0, &green),
        (&keys[1].1, "1"),
    ];
    aws.elb_ok("ModifyRule", &weights).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(version(&aws, port, "any.test").await);
    }
    seen.sort();
    assert_eq!(seen, ["1.0.0", "1.0.0", "2.0.0", "2.0.0"]);

    aws.elb_ok("DeleteRule", &[("RuleArn", &arn)]).await;
    assert_eq!(version(&aws, port, "any.test").await, "1.0.0");
    aws.stop().await;
}

#[tokio::test]
async fn a_target_group_is_attached_by_a_rule_alone() {
    let aws = Aws::start("rule-attached").await;
    let (balancer, blue, green) = shop(&aws).await;
    let (_, listener) = aws.listener(&balancer, &[(&blue, "1")]).await;
    let of_group = [("TargetGroupArns.member.1", green.as_str())];
    let before = aws.elb_ok("DescribeTargetGroups", &of_group).await;
    assert!(!before.contains(&format!("<member>{balancer}</member>")));
    aws.elb_ok("CreateRule", &rule(&listener, "1", "a", &green))
        .await;
    let after = aws.elb_ok("DescribeTargetGroups", &of_group).await;
    assert!(after.contains(&format!("<member>{balancer}</member>")));
    let (status, refusal) = aws
        .elb("DeleteTargetGroup", &[("TargetGroupArn", &green)])
        .await;
    assert_eq!(status, 400);
    assert_eq!(element(&refusal, "Code"), "ResourceInUse");
    aws.stop().await;
}

#[tokio::test]
async fn rules_that_cannot_be_are_refused_as_aws_refuses_them() {
    let aws = Aws::start("rules-refused").await;
    let (balancer, blue, _) = shop(&aws).await;
    let (_, listener) = aws.listener(&balancer, &[(&blue, "1")]).await;
    let refused = async |operation: &str, params: Vec<(&str, &str)>| {
        let (status, answer) = aws.elb(operation, &params).await;
        assert_eq!(status, 400, "{answer}");
        let (code, message) = (element(&answer, "Code"), element(&answer, "Message"));
        format!("{code}: {message}").replace("&apos;", "'")
    };
    aws.elb_ok("CreateRule", &rule(&listener, "1", "a", &blue))
        .await;
    let again = refused("CreateRule", rule(&listener, "1", "b", &blue)).await;
    assert_eq!(again, "PriorityInUse: Priority '1' is currently in use");
    let priority = refused("CreateRule", rule(&listener, "50001", "b", &blue)).await;
    assert_eq!(
        priority,
        "ValidationError: Priority '50001' must be between 1 and 50000"
    );
    let nowhere = blue.replace("shop-blue", "shop-none");
    let group = refused("CreateRule", rule(&listener, "2", "b", &nowhere)).await;
    assert_eq!(
        group,
        "TargetGroupNotFound: One or more target groups not found"
    );
    let described = aws
        .elb_ok("DescribeRules", &[("ListenerArn", &listener)])
        .await;
    let (_, default) = described.rsplit_once("<RuleArn>").unwrap();
    let default = default.split_once('<').unwrap().0;
    let deleted = refused("DeleteRule", vec![("RuleArn", default)]).await;
    assert_eq!(
        deleted,
        format!("OperationNotPermitted: Default rule '{default}' cannot be deleted")
    );
    let unknown = default.replace("shop", "other");
    let missing = refused("ModifyRule", vec![("RuleArn", &unknown)]).await;
    assert_eq!(missing, "RuleNotFound: One or more rules not found");
    aws.stop().await;
}

#[tokio::test]
async fn an_https_listener_has_a_certificate_for_the_name_that_is_asked_for() {
    let aws = Aws::start("https").await;
    let (balancer, _blue, _green) = shop(&aws).await;
    let port = test_support::ports::free_port();
    let text = port.to_string();
    let listener = |protocol, certificate: Option<&'static str>| {
        let mut params = vec![
            ("LoadBalancerArn", balancer.as_str()),
            ("Protocol", protocol),
            ("Port", text.as_str()),
            ("DefaultActions.member.1.Type", "fixed-response"),
            (
                "DefaultActions.member.1.FixedResponseConfig.StatusCode",
                "418",
            ),
        ];
        params.extend(certificate.map(|arn| ("Certificates.member.1.CertificateArn", arn)));
        params
    };
    let arn = "arn:aws:acm:us-east-1:000000000000:certificate/1";
    for (protocol, certificate, code) in [
        ("HTTPS", None, "CertificateNotFound"),
        ("HTTPS", Some("shop.pem"), "CertificateNotFound"),
        ("HTTP", Some(arn), "ValidationError"),
        ("TLS", Some(arn), "UnsupportedProtocol"),
    ] {
        let (status, answer) = aws
            .elb("CreateListener", &listener(protocol, certificate))
            .await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer.contains(code), "{answer}");
    }
    let made = aws
        .elb_ok("CreateListener", &listener("HTTPS", Some(arn)))
        .await;
    assert_eq!(element(&made, "Protocol"), "HTTPS");
    assert_eq!(element(&made, "CertificateArn"), arn);

    let authority = aws.local(reqwest::Method::GET, "authority", None).await;
    let authority = reqwest::Certificate::from_pem(authority["pem"].as_str().unwrap().as_bytes());
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let client = |trusts: bool| {
        let mut client = reqwest::Client::builder().resolve("next.shop.test", loopback);
        if trusts {
            client = client.add_root_certificate(authority.as_ref().unwrap().clone());
        }
        client.build().unwrap()
    };
    let url = format!("https://next.shop.test:{port}/");
    let answer = client(true).get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 418);
    let by_address = format!("https://127.0.0.1:{port}/");
    assert_eq!(
        client(true).get(by_address).send().await.unwrap().status(),
        418
    );
    assert!(
        client(false).get(&url).send().await.is_err(),
        "nobody else trusts it"
    );
    aws.stop().await;
}
