//! What is left to write down once the stack is there: the lines that make deployments call the gates. Pure.

use std::collections::BTreeMap;

/// The lines for the AppSpec, the ECS service and the pipeline, as far as the stack's outputs name what they need.
pub(super) fn next_steps(outputs: &BTreeMap<String, String>, suites: &str) -> String {
    let output = |name: &str| outputs.get(name).map_or("", String::as_str);
    let (pre, post) = (output("PreTrafficFunction"), output("PostTrafficFunction"));
    let mut text = format!(
        "Suites lie at {suites}; `deploy-hooks init --url URL` writes one by looking at a release.\n\n\
         In the AppSpec of a deployment group of CodeDeploy (ECS):\n\n\
         Hooks:\n  - AfterAllowTestTraffic: {pre}\n  - AfterAllowTraffic: {post}\n\n\
         and of CodeDeploy (Lambda):\n\n\
         Hooks:\n  - BeforeAllowTraffic: {pre}\n  - AfterAllowTraffic: {post}\n"
    );
    let role = output("EcsHookRoleArn");
    if role.is_empty() {
        text.push_str("\nFor services that ECS deploys itself, name them in the parameter EcsServices first.\n");
    } else {
        let hook = |function: &str, stage: &str| {
            format!(
                "      - HookTargetArn: {function}\n        RoleArn: {role}\n        LifecycleStages: [{stage}]\n        \
                 TimeoutConfiguration: {{TimeoutInMinutes: 60, Action: ROLLBACK}}\n"
            )
        };
        text.push_str(
            "\nIn the definition of a service that ECS deploys itself (CloudFormation):\n\n",
        );
        text.push_str(
            "    DeploymentConfiguration:\n      Strategy: BLUE_GREEN\n      BakeTimeInMinutes: 10\n      LifecycleHooks:\n",
        );
        text.push_str(&hook(
            output("PreTrafficFunctionArn"),
            "POST_TEST_TRAFFIC_SHIFT",
        ));
        text.push_str(&hook(
            output("PostTrafficFunctionArn"),
            "POST_PRODUCTION_TRAFFIC_SHIFT",
        ));
    }
    text.push_str("\nThen: deploy-hooks doctor\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect()
    }

    #[test]
    fn the_lines_of_an_appspec_are_ones_that_the_gates_read() {
        let outputs = outputs(&[
            ("PreTrafficFunction", "CodeDeployHook_pre-traffic"),
            ("PostTrafficFunction", "CodeDeployHook_post-traffic"),
        ]);
        let text = next_steps(&outputs, "s3://b/{application}.yaml");
        let hooks = text
            .split("(ECS):\n\n")
            .nth(1)
            .unwrap()
            .split("\n\n")
            .next()
            .unwrap();
        let spec = format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        \
             TaskDefinition: arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:1\n        LoadBalancerInfo:\n          \
             ContainerName: shop\n          ContainerPort: 80\n{hooks}\n"
        );
        let read = hook::AppSpec::parse(&spec).unwrap();
        let hooked: Vec<(&str, &str)> = read
            .hooks
            .iter()
            .map(|hook| (hook.event.as_str(), hook.function.as_str()))
            .collect();
        assert_eq!(
            hooked,
            [
                ("AfterAllowTestTraffic", "CodeDeployHook_pre-traffic"),
                ("AfterAllowTraffic", "CodeDeployHook_post-traffic")
            ]
        );
        assert!(
            text.contains("name them in the parameter EcsServices"),
            "{text}"
        );
    }

    #[test]
    fn services_of_ecs_get_hooks_with_the_role() {
        let outputs = outputs(&[
            ("EcsHookRoleArn", "arn:role"),
            ("PreTrafficFunctionArn", "arn:pre"),
            ("PostTrafficFunctionArn", "arn:post"),
        ]);
        let text = next_steps(&outputs, "s3://b/x.yaml");
        assert!(text.contains("- HookTargetArn: arn:pre\n        RoleArn: arn:role\n        LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]\n        TimeoutConfiguration: {TimeoutInMinutes: 60, Action: ROLLBACK}\n"), "{text}");
        assert!(
            text.contains("      Strategy: BLUE_GREEN\n      BakeTimeInMinutes: 10\n"),
            "{text}"
        );
    }
}
