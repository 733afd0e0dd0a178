//! The buttons of a Slack message. A button carries the case's opaque id and nothing else; whoever
//! presses it is asked once more.

use serde_json::{Value, json};

use super::slack_markup::fitted;
use crate::Choice;
use crate::body::{Decision, DecisionSubject};
use crate::limits::{
    MAX_COMMENT_CHARS, SLACK_BUTTON, SLACK_BUTTON_URL, SLACK_BUTTON_VALUE, SLACK_CONFIRM_ANSWER,
    SLACK_CONFIRM_TEXT, SLACK_CONFIRM_TITLE, SLACK_LABEL, SLACK_PLACEHOLDER,
};
use crate::texts::{Key, Texts};

/// One of the two.
struct Button<'a> {
    action: &'static str,
    style: &'static str,
    label: Key,
    title: Key,
    text: Key,
    url: Option<&'a str>,
}

/// The field for a comment and the two buttons; or, where they are `linked`, two links.
pub(super) fn blocks(decision: &Decision, linked: bool, texts: &Texts) -> Vec<Value> {
    let approve = Button {
        action: "approve",
        style: "primary",
        label: Key::Approve,
        title: Key::ApproveTitle,
        text: match decision.about {
            DecisionSubject::Pipeline => Key::ApproveText,
            DecisionSubject::Pause => Key::ApprovePauseText,
            DecisionSubject::Gate => Key::ApproveGateText,
        },
        url: decision.approve.as_deref(),
    };
    let reject = Button {
        action: "reject",
        style: "danger",
        label: Key::Reject,
        title: Key::RejectTitle,
        text: match decision.about {
            DecisionSubject::Pipeline => Key::RejectText,
            DecisionSubject::Pause => Key::RejectPauseText,
            DecisionSubject::Gate => Key::RejectGateText,
        },
        url: decision.reject.as_deref(),
    };
    let both = [approve, reject];
    let links: Vec<Value> = both
        .iter()
        .filter_map(|button| link(button, texts))
        .collect();
    if linked {
        let actions = json!({"type": "actions", "block_id": "links", "elements": links});
        return if links.is_empty() {
            Vec::new()
        } else {
            vec![actions]
        };
    }
    let buttons: Vec<Value> = both
        .iter()
        .map(|button| pressed(button, decision, texts))
        .collect();
    vec![
        comment(texts),
        json!({"type": "actions", "block_id": "decision", "elements": buttons}),
    ]
}

/// Not dispatching: Slack tells what is in it with the button, and not before.
fn comment(texts: &Texts) -> Value {
    json!({
        "type": "input",
        "block_id": "comment",
        "optional": true,
        "dispatch_action": false,
        "label": plain(&texts.plain(Key::CommentLabel), SLACK_LABEL),
        "element": {
            "type": "plain_text_input",
            "action_id": "comment",
            "multiline": true,
            "max_length": MAX_COMMENT_CHARS,
            "placeholder": plain(&texts.plain(Key::CommentHint), SLACK_PLACEHOLDER),
        },
    })
}

fn pressed(button: &Button<'_>, decision: &Decision, texts: &Texts) -> Value {
    let label = texts.plain(button.label);
    let values = [
        ("pipeline", decision.pipeline.as_str()),
        ("stage", decision.stage.as_str()),
    ];
    let title = texts.get(button.title, &values);
    let text = texts.get(button.text, &values);
    json!({
        "type": "button",
        "action_id": button.action,
        "style": button.style,
        "text": plain(&label, SLACK_BUTTON),
        "value": decision.case,
        "confirm": {
            "title": plain(&title, SLACK_CONFIRM_TITLE),
            "text": plain(&text, SLACK_CONFIRM_TEXT),
            "confirm": plain(&label, SLACK_CONFIRM_ANSWER),
            "deny": plain(&texts.plain(Key::Cancel), SLACK_CONFIRM_ANSWER),
            "style": button.style,
        },
    })
}

fn link(button: &Button<'_>, texts: &Texts) -> Option<Value> {
    let url = button.url.filter(|url| url.len() <= SLACK_BUTTON_URL)?;
    Some(json!({
        "type": "button",
        "action_id": format!("open_{}", button.action),
        "style": button.style,
        "text": plain(&texts.plain(button.label), SLACK_BUTTON),
        "url": url,
    }))
}

/// What a reader may ask for: buttons that our app hears of, or links.
pub(super) fn choices(choices: &[Choice], linked: bool) -> Option<Value> {
    let one = |(number, choice): (usize, &Choice)| {
        let pressed = choice.button.as_ref().filter(|_| !linked);
        let text = plain(&choice.label, SLACK_BUTTON);
        if let Some((action, value)) = pressed {
            let fits = value.len() <= SLACK_BUTTON_VALUE;
            return fits.then(
                || json!({"type": "button", "action_id": action, "text": text, "value": value}),
            );
        }
        let url = choice
            .url
            .as_ref()
            .filter(|url| url.len() <= SLACK_BUTTON_URL)?;
        let action = format!("open_{number}");
        Some(json!({"type": "button", "action_id": action, "text": text, "url": url}))
    };
    let elements: Vec<Value> = choices.iter().enumerate().filter_map(one).collect();
    (!elements.is_empty())
        .then(|| json!({"type": "actions", "block_id": "choices", "elements": elements}))
}

fn plain(text: &str, limit: usize) -> Value {
    json!({"type": "plain_text", "text": fitted(text, limit), "emoji": false})
}
