//! What people may say in Slack.

use std::fmt::Write as _;

use function_url::SealedEvent;
use serde_json::{Value, json};
use signing::Keys;
use url::form_urlencoded::Serializer;

use super::*;

fn form(fields: &[(&str, &str)]) -> Request {
    let mut body = Serializer::new(String::new());
    for (name, value) in fields {
        body.append_pair(name, value);
    }
    let kind = "application/x-www-form-urlencoded";
    Request {
        method: "POST".into(),
        headers: [("content-type".to_owned(), kind.to_owned())].into(),
        body: body.finish().into_bytes(),
        ..Request::default()
    }
}

fn say(text: &str) -> ParsedCommand {
    command(&form(&[
        ("team_id", "T0123"),
        ("user_id", "U0123"),
        ("user_name", "lead"),
        ("text", text),
        ("trigger_id", "1.2.3"),
        ("response_url", "https://hooks.slack.com/commands/x"),
    ]))
}

fn wants(text: &str) -> SlackCommand {
    match say(text) {
        ParsedCommand::Request(words) => words.command,
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn commands_are_understood() {
    let name = || "dev-shop".to_owned();
    assert_eq!(wants("up dev-shop"), SlackCommand::Up(name(), 2));
    assert_eq!(
        wants("  UP\u{a0} dev-shop   5h "),
        SlackCommand::Up(name(), 5)
    );
    assert_eq!(wants("wake dev-shop 24"), SlackCommand::Up(name(), 24));
    assert_eq!(wants("snooze dev-shop 2h"), SlackCommand::Snooze(name(), 2));
    assert_eq!(
        wants("snooze dev-*/web"),
        SlackCommand::Snooze("dev-*/web".into(), 2)
    );
    assert_eq!(wants("status"), SlackCommand::Status(None));
    assert_eq!(wants("status dev-shop"), SlackCommand::Status(Some(name())));
    assert_eq!(say(""), ParsedCommand::Help);
    assert_eq!(say(" help me"), ParsedCommand::Help);
}

#[test]
fn what_is_unclear_is_told_and_not_repeated() {
    let mut replies = String::new();
    for text in [
        "down dev-shop",
        "<!channel> up",
        "up",
        "up a b c",
        "up *",
        "up */*",
        "up dev/shop/web",
        "up dev;shop",
        "up dev-shop 0h",
        "up dev-shop 25h",
        "up dev-shop -1h",
        "up dev-shop soon",
        "status a b",
    ] {
        let ParsedCommand::Unclear(problem) = say(text) else {
            panic!("{text:?} was understood");
        };
        let _ = writeln!(replies, "{text}: {problem}");
    }
    assert!(!replies.contains(": <!"), "{replies}");
    insta::assert_snapshot!(replies, @"
    down dev-shop: There is no such command.
    <!channel> up: There is no such command.
    up: Write `up NAME`, and hours such as `2h` behind it if you like.
    up a b c: Write `up NAME`, and hours such as `2h` behind it if you like.
    up *: That is no name: write letters, digits, -, _ and ., with * for any text and ? for one character.
    up */*: That is no name: write letters, digits, -, _ and ., with * for any text and ? for one character.
    up dev/shop/web: That is no name: write letters, digits, -, _ and ., with * for any text and ? for one character.
    up dev;shop: That is no name: write letters, digits, -, _ and ., with * for any text and ? for one character.
    up dev-shop 0h: Write whole hours from 1h to 24h.
    up dev-shop 25h: Write whole hours from 1h to 24h.
    up dev-shop -1h: Write whole hours from 1h to 24h.
    up dev-shop soon: Write whole hours from 1h to 24h.
    status a b: `status` takes one name at most.
    ");
}

#[test]
fn who_is_not_named_once_is_nobody() {
    let nobody = [
        form(&[("text", "status"), ("team_id", "T0123")]),
        form(&[
            ("text", "status"),
            ("team_id", "T0123"),
            ("user_id", "U0123"),
            ("user_id", "U0999"),
        ]),
        Request {
            body: b"text=status".to_vec(),
            ..Request::default()
        },
    ];
    for request in nobody {
        assert!(matches!(command(&request), ParsedCommand::Malformed(_)));
    }
    assert_eq!(
        command(&form(&[("ssl_check", "1")])),
        ParsedCommand::Nothing
    );
}

fn payload() -> Value {
    json!({"type": "block_actions",
           "user": {"id": "U0001", "username": "lead", "team_id": "T0001"},
           "team": {"id": "T0002"},
           "actions": [{"type": "button", "action_id": "environment_snooze_1",
                        "value": format!("{}.1", "a".repeat(26)), "action_ts": "1772445600.000100"}],
           "response_url": "https://hooks.slack.com/actions/T/1/x"})
}

fn press(payload: &Value) -> ParsedCommand {
    button(&form(&[("payload", &payload.to_string())]))
}

#[test]
fn a_press_names_the_person_by_their_own_workspace() {
    let ParsedCommand::Request(words) = press(&payload()) else {
        panic!("{:?}", press(&payload()));
    };
    assert_eq!((&*words.team, &*words.user), ("T0001", "U0001"));
    assert_eq!(words.id, "slack:T0001/U0001/1772445600.000100");
    let offer = OpaqueId::try_from("a".repeat(26)).unwrap();
    assert_eq!(words.command, SlackCommand::Button(offer, 1));
    assert!(!format!("{words:?}").contains("hooks.slack.com"));
}

#[test]
fn other_buttons_and_broken_ones_do_nothing() {
    let with = |path: &str, value: Value| {
        let mut payload = payload();
        *payload.pointer_mut(path).unwrap() = value;
        press(&payload)
    };
    assert_eq!(
        with("/type", json!("view_submission")),
        ParsedCommand::Nothing
    );
    assert_eq!(with("/actions", json!([])), ParsedCommand::Nothing);
    assert_eq!(
        with("/actions/0/action_id", json!("open_3")),
        ParsedCommand::Nothing
    );
    for (path, value) in [
        ("/actions/0/value", json!("../x.1")),
        ("/actions/0/value", json!(format!("{}.-1", "a".repeat(26)))),
        ("/actions/0/value", json!("a".repeat(26))),
        ("/actions/0/action_ts", json!("")),
        ("/user/id", json!(7)),
        ("/user", Value::Null),
    ] {
        assert!(
            matches!(with(path, value), ParsedCommand::Malformed(_)),
            "{path}"
        );
    }
    for body in ["", "{", "[]x"] {
        let request = form(&[("payload", body)]);
        assert!(
            matches!(button(&request), ParsedCommand::Malformed(_)),
            "{body:?}"
        );
    }
}

#[test]
fn a_seal_is_over_every_field_and_of_the_functions_own_keys() {
    let keys = |text: &str| Keys::new(&text.repeat(8), None).unwrap();
    let ParsedCommand::Request(words) = press(&payload()) else {
        panic!();
    };
    let sealed = SealedEvent::new(&keys("abcd"), words);
    assert!(sealed.check(&keys("abcd")).is_ok());
    assert!(sealed.check(&keys("efgh")).is_err());
    let whole = sealed.to_value();
    for (field, value) in [
        ("user", json!("U0002")),
        ("team", json!("T0009")),
        ("at", json!(1)),
        ("id", json!("x")),
        ("command", json!({"up": ["dev", 2]})),
        ("response_url", Value::Null),
    ] {
        let mut forged = whole.clone();
        forged["slack_words"][field] = value;
        let forged = SealedEvent::<SlackRequest>::decode(forged).unwrap();
        assert!(forged.check(&keys("abcd")).is_err(), "{field}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_or_names_what_no_name_has(text in "\\PC{0,60}") {
        if let ParsedCommand::Request(words) = say(&text) {
            let named = match words.command {
                SlackCommand::Up(name, hours) | SlackCommand::Snooze(name, hours) => {
                    proptest::prop_assert!(ALLOWED_HOURS.contains(&hours));
                    Some(name)
                }
                SlackCommand::Status(name) => name,
                SlackCommand::Button(..) => unreachable!("no command is a button"),
            };
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_.*?/".contains(c);
            proptest::prop_assert!(named.is_none_or(|name| name.chars().all(legal)));
        }
    }
}
