//! What somebody said in Slack: by the command, or by a button. Parsed only after its signature was right.
//! <https://docs.slack.dev/interactivity/implementing-slash-commands>

use std::fmt;

use environments::config::Glob;
use function_url::{Request, SelfEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signing::OpaqueId;

use crate::people::sleep_notice::SNOOZE_BUTTON;

/// Hours that are meant where none are given.
const DEFAULT_HOURS: i64 = 2;
/// The hours that can be asked for.
const ALLOWED_HOURS: std::ops::RangeInclusive<i64> = 1..=24;

/// What a command or a button asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackCommand {
    /// How things are, of what this matches.
    Status(Option<String>),
    /// Wake what this matches, for some hours.
    Up(String, i64),
    /// Put the sleep of what this matches off, by some hours.
    Snooze(String, i64),
    /// A button of a notice: its offer and choice.
    Button(OpaqueId, u8),
}

/// What somebody asked for in Slack, as the function hands it to itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackRequest {
    /// Names it.
    pub id: String,
    /// The person's workspace.
    pub team: String,
    /// The person.
    pub user: String,
    /// The name people know.
    pub name: String,
    /// What it asks for.
    pub command: SlackCommand,
    /// Where Slack takes an answer: whoever has it can write there.
    pub response_url: Option<String>,
    /// When it was taken in, in seconds since 1970.
    pub at: i64,
}

/// Without the `response_url`.
impl fmt::Debug for SlackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackRequest")
            .field("id", &self.id)
            .field("team", &self.team)
            .field("user", &self.user)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl SelfEvent for SlackRequest {
    const KEY: &'static str = "slack_words";
    const PURPOSE: &'static str = "environment words";
}

/// What a request says.
#[derive(Debug, PartialEq, Eq)]
pub enum ParsedCommand {
    /// Something to be done.
    Request(SlackRequest),
    /// A request for help.
    Help,
    /// It can't be understood.
    Unclear(CommandProblem),
    /// Nothing that needs an answer.
    Nothing,
    /// Nothing that Slack sends.
    Malformed(&'static str),
}

/// Why a command can't be understood; the sentence is for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandProblem {
    /// Not repeated: it may be anything.
    #[error("There is no such command.")]
    Unknown,
    /// More names than `status` takes.
    #[error("`status` takes one name at most.")]
    TooManyNames,
    /// Too few words, or too many; the command in lower case.
    #[error("Write `{0} NAME`, and hours such as `2h` behind it if you like.")]
    Form(String),
    /// A name that nothing can have.
    #[error(
        "That is no name: write letters, digits, -, _ and ., with * for any text and ? for one character."
    )]
    Name,
    /// No number of hours, or one out of range.
    #[error("Write whole hours from {}h to {}h.", ALLOWED_HOURS.start(), ALLOWED_HOURS.end())]
    Hours,
}

/// Reads a command.
pub fn command(request: &Request) -> ParsedCommand {
    if !request.is_form() || std::str::from_utf8(&request.body).is_err() {
        return ParsedCommand::Malformed("it is no form");
    }
    let (team, user) = (request.field("team_id"), request.field("user_id"));
    let (Some(team), Some(user)) = (team, user) else {
        return match request.field("ssl_check") {
            Some(_) => ParsedCommand::Nothing,
            None => ParsedCommand::Malformed("it does not say who it is from"),
        };
    };
    let text = request.field("text").unwrap_or_default();
    let slack_command = match slack_command(&text) {
        Ok(Some(slack_command)) => slack_command,
        Ok(None) => return ParsedCommand::Help,
        Err(problem) => return ParsedCommand::Unclear(problem),
    };
    let trigger = request.field("trigger_id").unwrap_or_default();
    ParsedCommand::Request(SlackRequest {
        id: format!("slack:{team}/{user}/{trigger}"),
        name: request.field("user_name").unwrap_or_default(),
        command: slack_command,
        response_url: request.field("response_url"),
        team,
        user,
        at: 0,
    })
}

/// What a command asks for; none: help.
fn slack_command(text: &str) -> Result<Option<SlackCommand>, CommandProblem> {
    // Slack's programs may put no-break spaces between words.
    let words: Vec<&str> = text.split_whitespace().collect();
    let word = words.first().map(|word| word.to_ascii_lowercase());
    let known = match word.as_deref() {
        None | Some("help") => return Ok(None),
        Some("status") => match words[1..] {
            [] => SlackCommand::Status(None),
            [name] => SlackCommand::Status(Some(pattern(name)?)),
            _ => return Err(CommandProblem::TooManyNames),
        },
        Some("up" | "wake") => {
            let (name, hours) = named(&words)?;
            SlackCommand::Up(name, hours)
        }
        Some("snooze") => {
            let (name, hours) = named(&words)?;
            SlackCommand::Snooze(name, hours)
        }
        Some(_) => return Err(CommandProblem::Unknown),
    };
    Ok(Some(known))
}

fn named(words: &[&str]) -> Result<(String, i64), CommandProblem> {
    match *words {
        [_, name] => Ok((pattern(name)?, DEFAULT_HOURS)),
        [_, name, hours] => Ok((pattern(name)?, hours_of(hours)?)),
        _ => Err(CommandProblem::Form(words[0].to_ascii_lowercase())),
    }
}

fn pattern(name: &str) -> Result<String, CommandProblem> {
    let says = name.contains(|c: char| c.is_ascii_alphanumeric());
    if says && Glob::parse(name).is_some() {
        return Ok(name.to_owned());
    }
    Err(CommandProblem::Name)
}

fn hours_of(text: &str) -> Result<i64, CommandProblem> {
    let number = text.strip_suffix('h').unwrap_or(text);
    let hours = number
        .parse()
        .ok()
        .filter(|hours| ALLOWED_HOURS.contains(hours));
    hours.ok_or(CommandProblem::Hours)
}

/// Reads what Slack says of a button.
/// <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>
pub fn button(request: &Request) -> ParsedCommand {
    if !request.is_form() || std::str::from_utf8(&request.body).is_err() {
        return ParsedCommand::Malformed("it is no form");
    }
    let Some(payload) = request.field("payload") else {
        return match request.field("ssl_check") {
            Some(_) => ParsedCommand::Nothing,
            None => ParsedCommand::Malformed("it has no payload"),
        };
    };
    let Ok(payload) = serde_json::from_str::<Value>(&payload) else {
        return ParsedCommand::Malformed("its payload is malformed");
    };
    if payload["type"] != "block_actions" {
        return ParsedCommand::Nothing;
    }
    let ours = |action: &&Value| {
        let id = action["action_id"].as_str();
        id.is_some_and(|id| id.starts_with(SNOOZE_BUTTON))
    };
    let mut actions = payload["actions"].as_array().into_iter().flatten();
    let Some(action) = actions.find(ours) else {
        return ParsedCommand::Nothing;
    };
    pressed(&payload, action).unwrap_or(ParsedCommand::Malformed(
        "it does not say who pressed which button, or when",
    ))
}

fn pressed(payload: &Value, action: &Value) -> Option<ParsedCommand> {
    let text = |value: &Value| {
        let text = value.as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let (offer, choice) = action["value"].as_str()?.split_once('.')?;
    let offer = OpaqueId::try_from(offer.to_owned()).ok()?;
    let user = &payload["user"];
    // The person's own workspace, and not the one where the message stands.
    let team = text(&user["team_id"]).or_else(|| text(&payload["team"]["id"]))?;
    let id = text(&user["id"])?;
    let at = text(&action["action_ts"])?;
    let name = text(&user["username"]).or_else(|| text(&user["name"]));
    Some(ParsedCommand::Request(SlackRequest {
        id: format!("slack:{team}/{id}/{at}"),
        name: name.unwrap_or_default(),
        command: SlackCommand::Button(offer, choice.parse().ok()?),
        response_url: text(&payload["response_url"]),
        team,
        user: id,
        at: 0,
    }))
}

#[cfg(test)]
#[path = "slack_command_tests.rs"]
mod tests;
