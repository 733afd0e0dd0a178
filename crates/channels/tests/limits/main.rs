//! Whatever is in a briefing: within every limit, escaped, and always the same.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod harmless;
#[path = "../support/mod.rs"]
mod support;

use approvals::{
    ActionState, Change, ChangeAction, ChangeSet, Gap, GateReport, Lookup, Property, Replacement,
    Revision, Risk, SetState, Starter, Status, Step, Variable, VersionChange,
};
use channels::{
    Announcement, AnnouncementList, Choice, ForwardedMessage, NoticeLength, NoticeReason, Payload,
    Severity, Subject, Surface, Texts, limits, render, render_as,
};
use contacts::Language;
use harmless::{addresses, harmless};
use proptest::prelude::*;
use serde_json::Value;
use support::{SURFACES, Topic, big_case, case, english, everything, message};

/// What others may write, of the worst kinds.
fn text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "<!channel>",
        "<@U0123>",
        "<https://evil.example|click>",
        "&amp;&lt;",
        "<script>alert(1)</script>",
        "</code></td></table>",
        "[click](https://evil.example)",
        "**bold** _it_ `code`",
        "<at>all</at>",
        "\u{202e}gnp.exe",
        "\u{200b}\u{feff}",
        "\u{0}\u{1b}[31m",
        "👩‍👩‍👧‍👦",
        "שלום עולם",
        "发布说明",
        "\"quoted\" \\n",
        "\r\n\r\nSubject: other",
        "{pipeline} {{x}}",
        "'; --",
        "@channel @here #general",
        "javascript:alert(1)",
    ]);
    let piece = prop_oneof![
        3 => nasty.prop_map(str::to_owned),
        2 => "[a-zA-Z0-9_./ -]{0,30}",
        1 => "\\PC{0,40}",
        1 => (1..4_000_usize).prop_map(|n| "&".repeat(n)),
        1 => (1..3_000_usize).prop_map(|n| "界".repeat(n)),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn link() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        text().prop_map(|text| Some(format!("https://git.example.com/{text}"))),
        text().prop_map(Some),
        Just(Some("http://plain.example.com/".to_owned())),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let risk = prop::sample::select(vec![
        Risk::Removal,
        Risk::Replacement,
        Risk::Access,
        Risk::Data,
        Risk::Other,
    ]);
    let action = prop::sample::select(vec![
        ChangeAction::Add,
        ChangeAction::Modify,
        ChangeAction::Remove,
        ChangeAction::Dynamic,
    ]);
    let replacement = prop::sample::select(vec![
        Replacement::True,
        Replacement::False,
        Replacement::Conditional,
    ]);
    let property = (
        text(),
        prop::option::of(text()),
        prop::option::of(text()),
        replacement.clone(),
    )
        .prop_map(|(name, before, after, recreates)| Property {
            name,
            before,
            after,
            recreates,
        });
    let properties = prop::collection::vec(property, 0..4);
    (risk, action, text(), text(), replacement, properties).prop_map(
        |(risk, action, logical_id, resource_type, replacement, properties)| Change {
            risk,
            action,
            logical_id,
            resource_type,
            replacement,
            properties,
        },
    )
}

prop_compose! {
    fn any_case()(
        sets in prop::collection::vec((text(), prop::collection::vec(change(), 0..40), 0..500_usize), 0..4),
        repeat in 1..3_usize,
        revisions in prop::collection::vec((text(), text(), prop::option::of(text()), prop::option::of(text()), link()), 0..12),
        variables in prop::collection::vec((text(), text()), 0..30),
        gates in prop::collection::vec((text(), any::<bool>(), prop::collection::vec(text(), 0..5)), 0..6),
        gaps in prop::collection::vec(text(), 0..8),
        (starter, from, to) in (text(), prop::option::of(text()), text()),
        (pipeline, stage, comment) in (text(), text(), prop::option::of(text())),
        (external, console) in (link(), link()),
    ) -> approvals::Case {
        let mut case = case();
        if let approvals::Source::Pipeline(action) = &mut case.source {
            action.pipeline = pipeline;
            action.stage = stage;
        }
        case.comment = comment;
        case.external_link = external;
        case.console_link = console;
        let briefing = &mut case.briefing;
        briefing.starter = Some(Starter { trigger: starter.clone(), detail: starter.clone(), name: starter });
        briefing.version = Some(VersionChange { from, to, step: Step::Major });
        briefing.change_sets = sets.into_iter().map(|(stack, changes, hidden)| {
            let changes: Vec<Change> = std::iter::repeat_n(changes, repeat).flatten().collect();
            ChangeSet { name: stack.clone(), id: stack.clone(), reason: Some(stack.clone()), stack, total: changes.len() + hidden, changes, state: SetState::Unavailable }
        }).collect();
        briefing.revisions = revisions.into_iter().map(|(artifact, id, summary, author, url)| Revision { artifact, id, summary, author, url, created: None }).collect();
        briefing.variables = variables.into_iter().map(|(name, value)| Variable { name, value }).collect();
        briefing.gates = gates.into_iter().map(|(text, passed, reasons)| GateReport {
            stage: text.clone(), application: text.clone(), deployment: text.clone(), passed, reasons, report: format!("s3://b/{text}"),
        }).collect();
        briefing.gaps = gaps.into_iter().map(|why| Gap { what: Lookup::ChangeSet, why }).collect();
        case
    }
}

fn within_limits(payload: &Payload, surface: Surface) {
    for size in payload.sizes() {
        assert!(
            size.is <= size.limit,
            "{}: {} {} of {}",
            surface.name(),
            size.is,
            size.what,
            size.limit
        );
    }
    match payload {
        Payload::Slack { blocks, .. } => slack_is_well_formed(blocks),
        Payload::AmazonQ(event) => {
            for step in event["content"]["nextSteps"]
                .as_array()
                .into_iter()
                .flatten()
            {
                assert!(step.as_str().unwrap().encode_utf16().count() <= limits::AMAZON_Q_STEP);
            }
            for word in event["content"]["keywords"]
                .as_array()
                .into_iter()
                .flatten()
            {
                assert!(word.as_str().unwrap().encode_utf16().count() <= limits::AMAZON_Q_KEYWORD);
            }
        }
        Payload::SnsMail { subject, .. } => {
            assert!(
                !subject.is_empty() && subject.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{subject:?}"
            );
        }
        Payload::Mail { subject, .. } => assert!(!subject.contains(['\r', '\n']), "{subject:?}"),
        Payload::Teams(_) | Payload::Webhook(_) => {}
    }
}

/// Slack refuses a message whole for one empty text.
fn slack_is_well_formed(blocks: &Value) {
    let within = |value: &Value, limit: usize| {
        let length = value.as_str().unwrap().encode_utf16().count();
        assert!(
            (1..=limit).contains(&length),
            "{length} of {limit}: {value}"
        );
    };
    for block in blocks.as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "header" => within(&block["text"]["text"], limits::SLACK_HEADER),
            "section" => within(&block["text"]["text"], limits::SLACK_SECTION),
            "input" => within(&block["label"]["text"], limits::SLACK_LABEL),
            "actions" => {
                for button in block["elements"].as_array().unwrap() {
                    within(&button["text"]["text"], limits::SLACK_BUTTON);
                    if button.get("url").is_some() {
                        within(&button["url"], limits::SLACK_BUTTON_URL);
                        continue;
                    }
                    within(&button["value"], limits::SLACK_BUTTON_VALUE);
                    if block["block_id"] != "decision" {
                        continue;
                    }
                    within(
                        &button["confirm"]["title"]["text"],
                        limits::SLACK_CONFIRM_TITLE,
                    );
                    within(
                        &button["confirm"]["text"]["text"],
                        limits::SLACK_CONFIRM_TEXT,
                    );
                    within(
                        &button["confirm"]["confirm"]["text"],
                        limits::SLACK_CONFIRM_ANSWER,
                    );
                    within(
                        &button["confirm"]["deny"]["text"],
                        limits::SLACK_CONFIRM_ANSWER,
                    );
                }
            }
            other => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_briefing_keeps_to_every_limit_and_does_nothing(case in any_case(), chinese in any::<bool>()) {
        let texts = Texts::of(if chinese { Language::Chinese } else { Language::English });
        let message = message(&case, NoticeReason::Ask);
        for surface in SURFACES {
            let payload = render(&message, surface, &texts);
            within_limits(&payload, surface);
            harmless(&payload);
            prop_assert_eq!(payload, render(&message, surface, &texts));
        }
    }

    #[test]
    fn any_decision_and_any_foreign_message_too(case in any_case(), who in text(), said in text(), body in text(), repeat in 1..200_usize, url in link()) {
        let action_state = ActionState { status: Status::Rejected, by: Some(who.clone()), summary: Some(said.clone()), at: None };
        let plain = ForwardedMessage { title: who.clone(), text: format!("{body}\n").repeat(repeat), link: url };
        let decided = NoticeReason::Decided { action_state: &action_state, who: Some(&who), comment: Some(&said) };
        for subject in [decided.subject(&case), Subject::Forwarded(&plain), NoticeReason::Escalation.subject(&case)] {
            for surface in SURFACES {
                for shape in [NoticeLength::Whole, NoticeLength::Note] {
                    let payload = render_as(&message(&case, subject.clone()), shape, surface, &english());
                    within_limits(&payload, surface);
                    harmless(&payload);
                }
            }
        }
    }
}

fn news(texts: &[String], repeat: usize, url: Option<&str>) -> Announcement {
    let text = |n: usize| texts[n % texts.len()].clone();
    let lines: Vec<String> = (0..repeat).map(text).collect();
    let list = |n: usize| AnnouncementList {
        heading: text(n),
        lines: lines.clone(),
        first: n == 0,
    };
    let choice = |n: usize| Choice {
        label: text(n),
        url: url.map(str::to_owned),
        button: (n == 1).then(|| ("ask_1".to_owned(), "value".to_owned())),
    };
    Announcement {
        name: "notice",
        title: text(0),
        ascii_title: text(1),
        severity: Severity::Warning,
        lead: vec![text(2), text(3)],
        lists: (0..3).map(list).collect(),
        choices: (0..4).map(choice).collect(),
        footer: text(4),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_news_keep_to_every_limit_and_do_nothing(texts in prop::collection::vec(text(), 1..6), repeat in 0..60_usize, url in link()) {
        let news = news(&texts, repeat, url.as_deref());
        let case = case();
        let message = message(&case, Subject::Announcement(&news));
        for surface in SURFACES {
            let payload = render(&message, surface, &english());
            within_limits(&payload, surface);
            harmless(&payload);
        }
    }
}

#[test]
fn an_address_with_a_query_is_opened_as_it_is() {
    let url = "https://example.com/e/x?until=1&by=%3Ca%3E";
    let news = news(&["wake".to_owned()], 1, Some(url));
    let case = case();
    let message = message(&case, Subject::Announcement(&news));
    for surface in SURFACES {
        harmless(&render(&message, surface, &english()));
    }
    let Payload::Slack { mut blocks, .. } = render(&message, Surface::Slack, &english()) else {
        panic!("not Slack's");
    };
    let mut opened = Vec::new();
    addresses(&mut blocks, &mut opened);
    assert!(opened.iter().any(|opened| opened == url), "{opened:?}");
}

#[test]
fn news_say_how_many_lines_have_no_room() {
    let lines: Vec<String> = (0..200)
        .map(|n| format!("dev/service-{n:03} {}", "x".repeat(300)))
        .collect();
    let news = news(&lines, 200, Some("https://example.com/e/x"));
    let case = case();
    let message = message(&case, Subject::Announcement(&news));
    for surface in SURFACES {
        let all = everything(&render(&message, surface, &english()));
        let told = all.contains(" more") || all.contains("\"more\":");
        assert!(told, "{}", surface.name());
    }
}

#[test]
fn two_hundred_resources_keep_to_every_limit_with_the_dangerous_ones_there() {
    let case = big_case();
    for surface in SURFACES {
        let payload = render(&message(&case, NoticeReason::Ask), surface, &english());
        within_limits(&payload, surface);
        let all = everything(&payload);
        for id in [
            "Data/Orders",
            "Data/Database",
            "Web/Balancer",
            "Web/TaskRole",
            "Data/Uploads",
        ] {
            assert!(all.contains(id), "{} lacks {id}", surface.name());
        }
    }
}

#[test]
fn no_message_has_the_token_its_hash_or_the_review_link() {
    let case = big_case();
    for surface in SURFACES {
        let all = everything(&render(
            &message(&case, NoticeReason::Ask),
            surface,
            &english(),
        ));
        for secret in [
            "0c35520a-b7e6-403d-ba3f-e02120b524c3",
            "0011aabb:ffff",
            "token_mac",
        ] {
            assert!(!all.contains(secret), "{} has {secret}", surface.name());
        }
    }
}

/// Signs that nobody sees, anywhere in a text.
fn unseen() -> impl Strategy<Value = String> {
    let all: Vec<char> =
        "\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{202e}\u{2060}\u{2066}\u{3164}\u{fe0f}\u{feff}\
                          \u{e0041}\u{e0100}\u{301}\u{0}\u{7f} \n\u{a0}\u{2028}"
            .chars()
            .collect();
    prop::collection::vec(prop::sample::select(all), 0..3)
        .prop_map(|signs| signs.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_message_has_a_token_whatever_hides_it(
        token in "[0-9a-fA-F]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
        between in prop::collection::vec(unseen(), 37), chinese in any::<bool>(),
    ) {
        let signs = token.chars().map(String::from).chain([String::new()]);
        let hidden: String = between.iter().zip(signs).flat_map(|(a, b)| [a.clone(), b]).collect();
        let text = format!("see https://x/#/Production/Approve/approve/{hidden} and {hidden}");
        let mut case = case();
        let briefing = &mut case.briefing;
        briefing.revisions[0].summary = Some(text.clone());
        briefing.revisions[0].url = Some(format!("https://example.com/approve/{hidden}"));
        briefing.variables[0].value.clone_from(&text);
        briefing.change_sets[0].changes[0].logical_id.clone_from(&hidden);
        briefing.gates[0].reasons[0].clone_from(&text);
        briefing.gaps[0].why.clone_from(&text);
        case.comment = Some(text.clone());
        case.external_link = Some(format!("https://example.com/approve/{token}"));
        case.console_link = Some(format!("https://console.aws.amazon.com/x/{token}"));
        let action_state = ActionState { status: Status::Rejected, by: Some(hidden.clone()), summary: Some(text.clone()), at: None };
        let plain = ForwardedMessage { title: text.clone(), text: text.clone(), link: Some(format!("https://x.example/approve/{token}")) };
        let texts = Texts::of(if chinese { Language::Chinese } else { Language::English });
        let seen = |text: &str| -> String { text.chars().filter(char::is_ascii_graphic).collect::<String>().to_lowercase() };
        for subject in [
            NoticeReason::Ask.subject(&case),
            NoticeReason::Decided { action_state: &action_state, who: Some(&text), comment: Some(&text) }.subject(&case),
            Subject::Forwarded(&plain),
        ] {
            for surface in SURFACES {
                let all = seen(&everything(&render(&message(&case, subject.clone()), surface, &texts)));
                prop_assert!(!all.contains(&seen(&token)), "{}: {all}", surface.name());
                // Nor so much of it that the rest could be guessed.
                prop_assert!(!all.contains(&seen(&token)[..18]), "{}: {all}", surface.name());
            }
        }
    }
}

#[test]
fn what_has_a_tokens_form_and_is_none_stays() {
    let execution = "3137f7cb-7cf7-439f-8838-d7e0a1b2c3d4";
    let mut case = case();
    case.execution_id = Some(execution.into());
    case.comment = Some(format!("execution {execution}"));
    let all = everything(&render(
        &message(&case, NoticeReason::Ask),
        Surface::Webhook,
        &english(),
    ));
    assert_eq!(all.matches(execution).count(), 2, "{all}");
}

#[test]
fn a_link_that_may_not_be_opened_is_read_as_text() {
    let token = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
    for (link, shown) in [
        (
            "http://wiki.example.com/releases",
            "wiki.example.com/releases",
        ),
        ("wiki.example.com", "wiki.example.com"),
        (
            &*format!("https://x.example.com/approve/{token}"),
            "x.example.com/approve/",
        ),
    ] {
        let mut case = case();
        case.external_link = Some(link.to_owned());
        for surface in SURFACES {
            let all = everything(&render(
                &message(&case, NoticeReason::Ask),
                surface,
                &english(),
            ));
            assert!(all.contains(shown), "{}: {link}: {all}", surface.name());
            assert!(!all.contains(token), "{}: {all}", surface.name());
        }
    }
}
