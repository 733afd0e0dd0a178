//! What the unit tests share: a case, a configuration, keys.

use approvals::config::{Config, Route};
use approvals::{Briefing, Case, ShownDigest, Token};
use signing::Keys;

pub(crate) fn keys() -> Keys {
    Keys::new("0123456789abcdef0123456789abcdef", None).unwrap()
}

/// A configuration with one route, which gets `more` lines.
pub(crate) fn config(more: &str) -> Config {
    let text = format!(
        r#"
version: 1
channels:
  room: {{slack: {{channel: C0123456789, token: "secretsmanager:slack#bot_token"}}}}
  mail: {{ses: {{from: releases@example.com, to: [lead@example.com, guest@example.com]}}}}
routes:
  - name: production
    tell: [room, mail]
    policy: {{approvers: ["slack:T0123/U0123", "email:lead@example.com"]}}
    {more}
"#
    );
    Config::parse("approvals.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn route(more: &str) -> Route {
    config(more).routes.remove(0)
}

pub(crate) fn case(asked_at: &str, expires: Option<&str>) -> Case {
    let action = test_support::approvals::action();
    Case {
        id: Case::id_of(&action, &Token::new("a token")),
        source: action.into(),
        execution_id: Some("0b5a7c9e".into()),
        token_mac: "00000000:00".into(),
        route: "production".into(),
        asked_at: asked_at.parse().unwrap(),
        expires: expires.map(|text| text.parse().unwrap()),
        console_link: None,
        external_link: None,
        comment: None,
        briefing: Briefing::default(),
        shown: ShownDigest::default(),
    }
}
