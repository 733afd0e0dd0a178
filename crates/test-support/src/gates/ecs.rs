//! What ECS says of its own deployments: one service, two revisions, two listener rules.

use serde_json::{Value, json};

const ARN: &str = "arn:aws:ecs:us-east-1:111122223333";
const RULES: &str = "arn:aws:elasticloadbalancing:us-east-1:111122223333:listener-rule/app/shop/1";
/// The listener of the production rule.
pub const PRODUCTION_LISTENER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:111122223333:listener/app/shop/1/production";
/// The listener of the test rule.
pub const TEST_LISTENER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:111122223333:listener/app/shop/1/test";

/// How the deployment differs from the usual one, which is in progress and has an earlier revision.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcsChanges {
    pub status: Option<&'static str>,
    pub is_first: bool,
    /// ECS knows no such deployment.
    pub is_absent: bool,
    pub no_test_rule: bool,
    /// At which stage the deployment is; ECS says none otherwise.
    pub stage: Option<&'static str>,
    /// Percent of production and of test traffic that the new revision is to have; ECS says none otherwise.
    pub weights: Option<[u32; 2]>,
}

/// A hook's event at `stage`, with the new revision's percent of production traffic.
pub fn event(stage: &str, percent: Option<u32>) -> Value {
    let weights = percent.map_or(
        json!({}),
        |new| json!({ revision(2): new, revision(1): 100 - new }),
    );
    let test = percent.map_or(json!({}), |_| json!({ revision(2): 100, revision(1): 0 }));
    json!({
        "executionId": "execution-1",
        "lifecycleStage": stage,
        "resourceArn": format!("{ARN}:service-deployment/shop/web/d-1"),
        "executionDetails": {
            "serviceArn": format!("{ARN}:service/shop/web"),
            "targetServiceRevisionArn": revision(2),
            "testTrafficWeights": test,
            "productionTrafficWeights": weights,
        },
    })
}

fn revision(number: u8) -> String {
    format!("{ARN}:service-revision/shop/web/{number}")
}

pub(super) fn deployment(changes: &EcsChanges) -> Value {
    let mut deployment = json!({
        "serviceDeploymentArn": format!("{ARN}:service-deployment/shop/web/d-1"),
        "status": changes.status.unwrap_or("IN_PROGRESS"),
        "sourceServiceRevisions": [{ "arn": revision(1) }],
        "targetServiceRevision": { "arn": revision(2) },
        "deploymentConfiguration": { "strategy": "CANARY", "lifecycleHooks": [{
            "hookTargetArn": "arn:aws:lambda:us-east-1:111122223333:function:CodeDeployHook_post-traffic",
            "roleArn": "arn:aws:iam::111122223333:role/ecs-hooks",
            "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"],
        }]},
    });
    if changes.is_first {
        deployment["sourceServiceRevisions"] = json!([]);
    }
    if let Some(stage) = changes.stage {
        deployment["lifecycleStage"] = json!(stage);
    }
    if let Some([production, test]) = changes.weights {
        let new = &mut deployment["targetServiceRevision"];
        new["requestedProductionTrafficWeight"] = json!(production);
        new["requestedTestTrafficWeight"] = json!(test);
    }
    if changes
        .status
        .is_some_and(|status| status.starts_with("ROLLBACK"))
    {
        deployment["rollback"] =
            json!({ "reason": "hook failed", "serviceRevisionArn": revision(1) });
    }
    let deployments = if changes.is_absent {
        json!([])
    } else {
        json!([deployment])
    };
    json!({ "serviceDeployments": deployments })
}

pub(super) fn deployments(changes: &EcsChanges) -> Value {
    let arn = format!("{ARN}:service-deployment/shop/web/d-1");
    let briefs = if changes.is_absent {
        json!([])
    } else {
        json!([{ "serviceDeploymentArn": arn }])
    };
    json!({ "serviceDeployments": briefs })
}

pub(super) fn revisions(changes: &EcsChanges) -> Value {
    let of = |number: u8| {
        let mut rules = json!({
            "alternateTargetGroupArn": "arn:green",
            "productionListenerRule": format!("{RULES}/production/1"),
            "testListenerRule": format!("{RULES}/test/1"),
        });
        if changes.no_test_rule {
            rules.as_object_mut().unwrap().remove("testListenerRule");
        }
        json!({
            "serviceRevisionArn": revision(number),
            "taskDefinition": format!("{ARN}:task-definition/shop:{number}"),
            "containerImages": [{
                "containerName": "shop", "image": format!("registry.example.com/shop:1.{number}.0"),
                "imageDigest": format!("sha256:{}", number.to_string().repeat(64)),
            }],
            "loadBalancers": [{
                "targetGroupArn": "arn:blue", "containerName": "shop", "containerPort": 8080,
                "advancedConfiguration": rules,
            }],
        })
    };
    let old = (!changes.is_first).then(|| of(1));
    json!({ "serviceRevisions": std::iter::once(of(2)).chain(old).collect::<Vec<_>>() })
}

/// Both rules demand a host, and the test rule a header.
pub(super) fn rules() -> String {
    let host = "<member><Field>host-header</Field><HostHeaderConfig><Values><member>shop.example.com</member>\
                </Values></HostHeaderConfig></member>";
    let header = "<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-test</HttpHeaderName>\
                  <Values><member>green</member></Values></HttpHeaderConfig></member>";
    let rule = |name: &str, priority: u8, conditions: &str| {
        format!(
            "<member><RuleArn>{RULES}/{name}/1</RuleArn><Priority>{priority}</Priority>\
             <Conditions>{conditions}</Conditions></member>"
        )
    };
    format!(
        "<DescribeRulesResponse><DescribeRulesResult><Rules>{}{}</Rules></DescribeRulesResult></DescribeRulesResponse>",
        rule("production", 2, host),
        rule("test", 1, &format!("{host}{header}"))
    )
}
