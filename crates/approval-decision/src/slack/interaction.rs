//! What Slack sends when somebody uses something in a message.
//! <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>

use std::fmt;

use approvals::CaseId;
use approvals::records::Decision;
use approvals::token_mac::mask_token_shapes;
use function_url::{Request, SelfEvent};
use serde::{Deserialize, Serialize};

/// A comment is cut to so many bytes on its way; the records keep less.
const MAX_COMMENT_CHARS: usize = 4000;

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Somebody says yes or no.
    Click(SlackClick),
    /// Something that needs no answer: a link was opened, another kind of interaction, Slack's check of
    /// the certificate.
    OfNoInterest,
}

/// A click, as the function hands it to itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackClick {
    /// Names this click.
    pub id: String,
    /// The case that the button is for.
    pub case: CaseId,
    /// The person's own workspace, `T…` or `E…`; theirs, and not the one where the message stands.
    pub team: String,
    /// The person, `U…` or `W…`.
    pub user: String,
    /// The name people know.
    pub name: String,
    /// Yes or no.
    pub decision: Decision,
    /// What they wrote beside the button.
    pub comment: Option<String>,
    /// Where Slack takes an answer: whoever has it can write there.
    pub response_url: Option<String>,
    /// When it was taken in, in seconds since 1970.
    pub at: i64,
}

impl SelfEvent for SlackClick {
    const KEY: &'static str = "slack_click";
    const PURPOSE: &'static str = "slack click";
}

/// Without the comment and the `response_url`.
impl fmt::Debug for SlackClick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackClick")
            .field("id", &self.id)
            .field("case", &self.case)
            .field("team", &self.team)
            .field("user", &self.user)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// A request that is signed and still can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request of Slack could not be read: {0}; is its Interactivity URL meant for this function?"
)]
pub struct InteractionError(&'static str);

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    team: Option<Team>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    response_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default, rename = "action_id")]
    id: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default, rename = "action_ts")]
    at: String,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    values: serde_json::Value,
}

impl Interaction {
    /// Reads a request whose signature is right.
    pub fn read(request: &Request) -> Result<Self, InteractionError> {
        if !request.is_form() {
            return Err(InteractionError("it is no form"));
        }
        if std::str::from_utf8(&request.body).is_err() {
            return Err(InteractionError("it is not UTF-8"));
        }
        let Some(payload) = request.field("payload") else {
            return match request.field("ssl_check") {
                Some(_) => Ok(Self::OfNoInterest),
                None => Err(InteractionError("it has no payload")),
            };
        };
        let payload: Payload = serde_json::from_str(&payload)
            .map_err(|_| InteractionError("its payload is malformed"))?;
        if payload.kind != "block_actions" {
            return Ok(Self::OfNoInterest);
        }
        payload.click()
    }
}

impl Payload {
    fn click(self) -> Result<Interaction, InteractionError> {
        let answers = |action: &&Action| decision(&action.id).is_some();
        let Some(action) = self.actions.iter().find(answers) else {
            return Ok(Interaction::OfNoInterest);
        };
        let case = action.value.clone().unwrap_or_default();
        let case =
            CaseId::try_from(case).map_err(|_| InteractionError("its button names no case"))?;
        let team = self.team.as_ref().map(|team| team.id.clone());
        let team = self.user.team_id.clone().or(team).unwrap_or_default();
        let user = self.user.id.clone();
        if team.is_empty() || user.is_empty() || action.at.is_empty() {
            return Err(InteractionError("it does not say who clicked, or when"));
        }
        Ok(Interaction::Click(SlackClick {
            id: format!("slack:{team}/{user}/{}", action.at),
            case,
            name: self
                .user
                .username
                .clone()
                .or(self.user.name.clone())
                .unwrap_or_default(),
            decision: decision(&action.id).expect("only answers were looked for"),
            comment: self.comment(),
            response_url: self.response_url,
            team,
            user,
            at: 0,
        }))
    }

    fn comment(&self) -> Option<String> {
        let values = &self.state.as_ref()?.values;
        let text = values["comment"]["comment"]["value"].as_str()?;
        // Before it is cut, and before it is handed over: people paste links that carry a token.
        let text = mask_token_shapes(text);
        Some(text[..text.floor_char_boundary(MAX_COMMENT_CHARS)].to_owned())
    }
}

fn decision(action_id: &str) -> Option<Decision> {
    match action_id {
        "approve" => Some(Decision::Approve),
        "reject" => Some(Decision::Reject),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use url::form_urlencoded;

    const CASE: &str = "abcdefghijklmnopqrstuvwxyz";

    fn payload() -> Value {
        json!({"type": "block_actions",
               "user": {"id": "U0001", "username": "alex", "name": "alex", "team_id": "T0001"},
               "team": {"id": "T0002", "domain": "example"},
               "actions": [{"type": "button", "action_id": "approve", "block_id": "x", "value": CASE,
                            "action_ts": "1772445600.000100"}],
               "state": {"values": {"comment": {"comment": {"type": "plain_text_input", "value": "go"}}}},
               "response_url": "https://hooks.slack.com/actions/T/1/x", "message": {"ts": "1"}})
    }

    fn form(body: &str) -> Request {
        Request {
            method: "POST".into(),
            headers: [(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            )]
            .into(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        }
    }

    fn read(payload: &Value) -> Result<Interaction, InteractionError> {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish();
        Interaction::read(&form(&body))
    }

    fn click(payload: &Value) -> SlackClick {
        match read(payload) {
            Ok(Interaction::Click(click)) => click,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_click_names_the_person_by_their_own_workspace() {
        let click = click(&payload());
        assert_eq!(
            (click.team.as_str(), click.user.as_str()),
            ("T0001", "U0001")
        );
        assert_eq!(click.case.as_str(), CASE);
        assert_eq!(click.decision, Decision::Approve);
        assert_eq!(click.comment.as_deref(), Some("go"));
        assert_eq!(click.id, "slack:T0001/U0001/1772445600.000100");
        assert!(!format!("{click:?}").contains("hooks.slack.com"));
    }

    #[test]
    fn without_their_own_workspace_the_one_of_the_message_counts() {
        let mut payload = payload();
        payload["user"].as_object_mut().unwrap().remove("team_id");
        assert_eq!(click(&payload).team, "T0002");
        payload["team"] = Value::Null;
        assert!(read(&payload).is_err(), "nobody is who belongs nowhere");
    }

    #[test]
    fn a_comment_may_be_missing_empty_or_long() {
        for state in [
            json!(null),
            json!({"values": {}}),
            json!({"values": {"comment": {"comment": {"value": null}}}}),
        ] {
            let mut payload = payload();
            payload["state"] = state;
            assert_eq!(click(&payload).comment, None);
        }
        let mut payload = payload();
        payload["state"]["values"]["comment"]["comment"]["value"] = json!("é".repeat(5000));
        assert_eq!(click(&payload).comment.unwrap().len(), MAX_COMMENT_CHARS);
    }

    #[test]
    fn what_needs_no_answer_gets_none() {
        let mut link = payload();
        link["actions"][0]["action_id"] = json!("view");
        let nothing = Ok(Interaction::OfNoInterest);
        assert_eq!(read(&link), nothing);
        for kind in [
            "view_submission",
            "shortcut",
            "message_action",
            "something_new",
        ] {
            assert_eq!(read(&json!({"type": kind})), nothing);
        }
        assert_eq!(Interaction::read(&form("ssl_check=1&token=x")), nothing);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for body in [
            "",
            "x=1",
            "payload=",
            "payload={",
            "payload=[]",
            "payload={\"type\":1}",
        ] {
            assert!(Interaction::read(&form(body)).is_err(), "{body}");
        }
        assert!(Interaction::read(&form("payload=\u{ff}{}")).is_err());
        let mut bytes = form("payload={}");
        bytes.body = b"payload=\xff{}".to_vec();
        assert!(Interaction::read(&bytes).is_err(), "not UTF-8");
        let mut other = payload();
        other["actions"][0]["value"] = json!("../../etc/passwd");
        assert!(read(&other).is_err());
        let mut json = form(&payload().to_string());
        json.headers
            .insert("content-type".into(), "application/json".into());
        assert!(Interaction::read(&json).is_err());
        // The parameters of the content type change nothing.
        let mut utf16 = form("ssl_check=1");
        utf16.headers.insert(
            "content-type".into(),
            "application/x-www-form-urlencoded; charset=utf-16".into(),
        );
        assert!(Interaction::read(&utf16).is_ok());
    }
}
