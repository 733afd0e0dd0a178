//! What a listener or a rule does with a request: reading, checking and showing it.

use super::api::{invalid, number, required};
use super::model::{Action, Listener, State};
use super::target_groups;
use crate::error::AwsError;
use crate::wire::{QueryParams, Xml};

/// Target groups in one action, at most.
const MAX_FORWARD_GROUPS: usize = 5;
/// The highest weight.
pub(super) const MAX_WEIGHT: u32 = 999;

/// The action a caller sent as the only member of the list `field`; none when none was sent.
pub(super) fn action(params: &QueryParams, field: &str) -> Result<Option<Action>, AwsError> {
    let actions = params.members(field);
    let action = match actions.as_slice() {
        [] => return Ok(None),
        [action] => action,
        _ => {
            return Err(unsupported(format!(
                "local-aws takes one action in {field}"
            )));
        }
    };
    match required(action, "Type")? {
        "forward" => forward(action).map(Some),
        "fixed-response" => {
            let fixed = action.structure("FixedResponseConfig");
            required(&fixed, "StatusCode")?;
            Ok(Some(Action::Fixed {
                status: number(&fixed, "StatusCode", 0, 200..=599)?,
                content_type: fixed.get("ContentType").unwrap_or("text/plain").to_owned(),
                body: fixed.get("MessageBody").unwrap_or_default().to_owned(),
            }))
        }
        other => Err(unsupported(format!(
            "local-aws has the actions forward and fixed-response, not '{other}'"
        ))),
    }
}

fn forward(action: &QueryParams) -> Result<Action, AwsError> {
    let config = action.structure("ForwardConfig");
    let mut groups = Vec::new();
    for group in config.members("TargetGroups") {
        let arn = required(&group, "TargetGroupArn")?.to_owned();
        groups.push((arn, number(&group, "Weight", 1, 0..=MAX_WEIGHT)?));
    }
    if let Some(arn) = action.get("TargetGroupArn") {
        if groups.is_empty() {
            groups.push((arn.to_owned(), 1));
        } else if groups.len() > 1 || groups[0].0 != arn {
            return Err(unsupported(
                "TargetGroupArn and ForwardConfig name different target groups; leave one out",
            ));
        }
    }
    let sticky = config.structure("TargetGroupStickinessConfig");
    if sticky
        .get("Enabled")
        .is_some_and(|enabled| enabled == "true")
    {
        return Err(unsupported(
            "local-aws has no stickiness; leave it out or disable it",
        ));
    }
    Ok(Action::Forward(groups))
}

/// Refuses an action that the load balancer cannot have.
pub(super) fn check_action(
    state: &State,
    load_balancer_arn: &str,
    action: &Action,
) -> Result<(), AwsError> {
    let Action::Forward(groups) = action else {
        return Ok(());
    };
    if groups.is_empty() {
        return Err(invalid("A target group ARN must be specified"));
    }
    if groups.len() > MAX_FORWARD_GROUPS {
        return Err(AwsError::client(
            "TooManyTargetGroups",
            format!("An action can forward to {MAX_FORWARD_GROUPS} target groups at most"),
        ));
    }
    for (index, (arn, weight)) in groups.iter().enumerate() {
        if *weight > MAX_WEIGHT {
            return Err(invalid(format!(
                "Weight '{weight}' must be between 0 and 999"
            )));
        }
        if groups[..index].iter().any(|(before, _)| before == arn) {
            return Err(invalid(
                "A target group ARN can only be specified once in an action",
            ));
        }
        if !state.target_groups.iter().any(|group| group.arn == *arn) {
            return Err(target_groups::not_found());
        }
        let on_another = |l: &Listener| l.load_balancer_arn != load_balancer_arn && l.names(arn);
        if state.listeners.iter().any(on_another) {
            return Err(AwsError::client(
                "TargetGroupAssociationLimit",
                format!(
                    "The target group '{arn}' cannot be associated with more than one load balancer"
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn render_action(action: &Action) -> Vec<Xml> {
    match action {
        Action::Forward(groups) => {
            let group = |(arn, weight): &(String, u32)| {
                vec![
                    Xml::text("TargetGroupArn", arn),
                    Xml::text("Weight", weight),
                ]
            };
            let single = match groups.as_slice() {
                [(arn, _)] => Xml::text("TargetGroupArn", arn),
                _ => Xml::empty(),
            };
            let sticky = vec![Xml::text("Enabled", false)];
            let config = vec![
                Xml::list("TargetGroups", groups.iter().map(group)),
                Xml::node("TargetGroupStickinessConfig", sticky),
            ];
            vec![
                Xml::text("Type", "forward"),
                single,
                Xml::node("ForwardConfig", config),
            ]
        }
        Action::Fixed {
            status,
            content_type,
            body,
        } => {
            let config = vec![
                Xml::text("MessageBody", body),
                Xml::text("StatusCode", status),
                Xml::text("ContentType", content_type),
            ];
            vec![
                Xml::text("Type", "fixed-response"),
                Xml::node("FixedResponseConfig", config),
            ]
        }
    }
}

fn unsupported(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidLoadBalancerAction", message)
}
