//! What is no approval is passed on as it is: alarms, triggers, and whatever isn't understood. Nothing
//! is dropped, and nothing is told twice: a message has an id.

use approvals::config::Route;
use approvals::message::{
    Alarm, ExecutionChange, GateDecision, PlainMessage, StateChange, Trigger,
};
use approvals::{ApprovalAction, CaseId};
use channels::{DeliveryMode, ForwardedMessage, Message, MessageKey, Post, Subject, Texts};
use futures::future::join_all;

use crate::context::EventContext;
use crate::error::{NotifierError, all};
use crate::gather::console_link;
use crate::question::Question;

/// Passes `text` on to the channels for other messages. `id` is the same whenever it is delivered again.
pub async fn pass_on(
    context: &EventContext<'_>,
    id: &str,
    text: &ForwardedMessage,
) -> Result<(), NotifierError> {
    let config = context.config().await?;
    let to = &config.other_messages;
    if to.is_empty() {
        tracing::warn!("a message is passed on to nobody: other_messages names no channel");
    }
    send(context, id, text, (to, None)).await
}

/// Sends a message once to each recipient of the channels.
async fn send(
    context: &EventContext<'_>,
    id: &str,
    text: &ForwardedMessage,
    (channels, route): (&[String], Option<&Route>),
) -> Result<(), NotifierError> {
    let config = context.config().await?;
    let to = context.recipients(channels).await?;
    let message = Message {
        subject: Subject::Forwarded(text),
        now: context.now(),
    };
    let dispatcher = context.dispatcher();
    let sending = to.iter().map(async |to| {
        let post = Post {
            message: &message,
            texts: &Texts::for_channel(config, route, &to.channel),
            mode: DeliveryMode::New,
            is_late: &|| false,
        };
        let sent = dispatcher.send(MessageKey::Forwarded(id), to, post).await;
        sent.map(drop).map_err(NotifierError::from)
    });
    all(join_all(sending).await)
}

/// An approval for which there is no route: people hear of it all the same.
pub async fn unrouted(
    context: &EventContext<'_>,
    id: &CaseId,
    question: &Question,
) -> Result<(), NotifierError> {
    let action = question.source();
    tracing::error!(
        %action,
        "something waits for a decision and no route matches it; add one to the configuration, for example a last one without `match`"
    );
    let now = match question {
        Question::Approval(_) | Question::Pause(_) => "It can be decided in the AWS console.",
        Question::Gate(_) => "Nobody can answer it, so the gate stops the release in the end.",
    };
    let text = ForwardedMessage {
        title: format!("{action} waits for a decision, and no route is for it"),
        text: format!(
            "{now} So that it is told like the others, add a route that matches it to the configuration of approvals."
        ),
        link: question.console_link().map(str::to_owned),
    };
    // By the case: both messages about one wait are one here, too.
    pass_on(context, id.as_str(), &text).await
}

/// What a gate has decided that lets nothing pass, to the channels of the route that takes it. Channels that were asked
/// about the same hear what became of the question.
pub async fn decision(
    context: &EventContext<'_>,
    decision: &GateDecision,
    case: Option<&CaseId>,
) -> Result<(), NotifierError> {
    let config = context.config().await?;
    let Some(route) = config.route_of_decision(decision) else {
        tracing::info!("no route takes the gate's decision (`passed: false`)");
        return Ok(());
    };
    let case = match case {
        Some(case) => context.records.case(case).await?,
        None => None,
    };
    let asked = case.and_then(|case| config.route_named(&case.route));
    let asked = asked.filter(|route| route.follow_up.decision);
    let was_asked = |name: &String| asked.is_some_and(|asked| asked.tell.contains(name));
    let tell: Vec<String> = route
        .tell
        .iter()
        .filter(|name| !was_asked(name))
        .cloned()
        .collect();
    let text = of_decision(decision);
    send(context, decision.id().as_str(), &text, (&tell, Some(route))).await
}

/// `The pre-traffic gate stopped shop 1.2.0 (d-ABCDEF123)`, and why.
pub fn of_decision(decision: &GateDecision) -> ForwardedMessage {
    let named = |text: &str, before: &str, after: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("{before}{text}{after}")
        }
    };
    let application = match decision.application.as_str() {
        "" => "an unknown application",
        known => known,
    };
    let did = match decision.answer.as_str() {
        "Failed" => "stopped",
        // The caller may go on, or wait until its own time is over.
        _ => "would stop",
    };
    let gate = &decision.gate;
    let title = format!(
        "The {gate} gate {did} {application}{}{}",
        named(&decision.version, " ", ""),
        named(&decision.deployment_id, " (", ")")
    );
    let mut lines = decision.reasons.clone();
    if decision.reasons_left_out > 0 {
        lines.push(format!(
            "{} more: see the report.",
            decision.reasons_left_out
        ));
    }
    if decision.answer != "Failed" {
        let caller = &decision.caller;
        lines.push(match decision.answer.as_str() {
            "Undelivered" => format!("{caller} has NOT heard this answer."),
            "Succeeded" => format!("{caller} reports that it has heard another answer: Succeeded."),
            _ => format!("It is not known whether {caller} has heard this answer."),
        });
    }
    if !decision.lifecycle_event.is_empty() {
        lines.push(format!("At {}.", decision.lifecycle_event));
    }
    if decision.report_link.is_none() && !decision.report.is_empty() {
        lines.push(format!("Report: {}", decision.report));
    }
    ForwardedMessage {
        title,
        text: lines.join("\n"),
        link: decision.report_link.clone(),
    }
}

/// A message of a shape that isn't known.
pub fn of_other(message: &PlainMessage) -> ForwardedMessage {
    ForwardedMessage {
        title: message.subject.clone().unwrap_or_default(),
        text: message.text.clone(),
        link: None,
    }
}

/// An alarm.
pub fn of_alarm(alarm: &Alarm) -> ForwardedMessage {
    let lines = [&alarm.description, &alarm.reason];
    let lines: Vec<&str> = lines
        .into_iter()
        .filter_map(|line| line.as_deref())
        .collect();
    let place = place(&alarm.account, &alarm.region);
    ForwardedMessage {
        title: format!("{}: {}{place}", alarm.state, alarm.name),
        text: lines.join("\n"),
        link: None,
    }
}

/// A trigger of `CodeDeploy`.
pub fn of_trigger(trigger: &Trigger) -> ForwardedMessage {
    let of = [&trigger.application, &trigger.group];
    let of: Vec<&str> = of.into_iter().filter_map(|part| part.as_deref()).collect();
    let mut title = format!("Deployment {} {}", trigger.deployment, trigger.status);
    if !of.is_empty() {
        title = format!("{title}: {}", of.join("/"));
    }
    let mut lines = vec![format!("Trigger: {}", trigger.name)];
    if let Some(instance) = &trigger.instance {
        lines.push(format!("Instance: {instance}"));
    }
    lines.extend(trigger.detail.clone());
    ForwardedMessage {
        title: format!("{title}{}", place(&trigger.account, &trigger.region)),
        text: lines.join("\n"),
        link: None,
    }
}

/// What a notification rule says about an action that is no approval: of those people are told anyhow.
pub fn of_action(change: &StateChange) -> ForwardedMessage {
    let action = &change.action;
    ForwardedMessage {
        title: format!(
            "{}: {} in the stage {} {}{}",
            action.pipeline,
            action.action,
            action.stage,
            change.state,
            place(&action.account, &action.region)
        ),
        text: change.summary.clone().unwrap_or_default(),
        link: console_link(action),
    }
}

/// What a notification rule says about an execution.
pub fn of_execution(change: &ExecutionChange) -> ForwardedMessage {
    let pipeline = ApprovalAction {
        account: change.account.clone(),
        region: change.region.clone(),
        pipeline: change.pipeline.clone(),
        stage: String::new(),
        action: String::new(),
    };
    ForwardedMessage {
        title: format!(
            "{}: an execution {}{}",
            change.pipeline,
            change.state,
            place(&change.account, &change.region)
        ),
        text: String::new(),
        link: console_link(&pipeline),
    }
}

fn place(account: &str, region: &str) -> String {
    let parts: Vec<&str> = [account, region]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approvals::message::Origin;

    fn told(text: &ForwardedMessage) -> String {
        format!("{}\n{}", text.title, text.text)
    }

    #[test]
    fn an_alarm_says_what_is_wrong_first() {
        let alarm = Alarm {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            name: "shop-errors".into(),
            description: Some("Too many errors".into()),
            state: "ALARM".into(),
            reason: Some("Threshold crossed".into()),
            time: None,
            origin: Origin::default(),
        };
        insta::assert_snapshot!(told(&of_alarm(&alarm)), @r"
        ALARM: shop-errors (111122223333, eu-central-1)
        Too many errors
        Threshold crossed
        ");
    }

    #[test]
    fn a_notification_says_what_came_to_what() {
        let change = ExecutionChange {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            pipeline: "shop".into(),
            execution_id: "e-1".into(),
            state: approvals::message::State::Failed,
            notified: true,
            time: None,
            origin: Origin::default(),
        };
        let text = of_execution(&change);
        assert_eq!(
            text.title,
            "shop: an execution FAILED (111122223333, eu-central-1)"
        );
        assert!(text.link.unwrap().contains("/pipelines/shop/view"));
    }

    #[test]
    fn a_trigger_says_which_deployment_came_to_what() {
        let trigger = Trigger {
            account: String::new(),
            region: "eu-central-1".into(),
            name: "to-approvals".into(),
            application: Some("shop".into()),
            group: Some("production".into()),
            deployment: "d-ABCDEF123".into(),
            instance: None,
            status: "FAILED".into(),
            detail: Some("the gate said no".into()),
            origin: Origin::default(),
        };
        insta::assert_snapshot!(told(&of_trigger(&trigger)), @r"
        Deployment d-ABCDEF123 FAILED: shop/production (eu-central-1)
        Trigger: to-approvals
        the gate said no
        ");
    }
}
