//! What a person sees whose configuration is wrong, and what the functions get when it is right.

use contacts::{Address, ChannelKind};
use jiff::Timestamp;

use super::schema_tests::{bad, root};
use super::*;
use crate::{ApprovalAction, PausedDeployment};

fn parsed(text: &str) -> Config {
    Config::parse("approvals.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn example() -> Config {
    parsed(&std::fs::read_to_string(root().join("examples/approvals.yaml")).unwrap())
}

fn action(pipeline: &str, stage: &str) -> Source {
    Source::Pipeline(ApprovalAction {
        pipeline: pipeline.into(),
        stage: stage.into(),
        ..ApprovalAction::sample()
    })
}

#[test]
fn a_pause_takes_the_route_of_its_service_and_no_route_of_pipelines() {
    let config = parsed(
        "version: 1
channels: { room: { slack: { channel: C0123ABCD, token: 'ssm:/t' } } }
routes:
  - { name: pipelines, match: { pipeline: '*' }, tell: room, policy: { decide: false } }
  - { name: shop, match: { cluster: 'prod*', service: [web, api-*] }, tell: room, policy: { decide: false } }
  - { name: rest, tell: room, policy: { decide: false } }
",
    );
    let routed = |cluster: &str, service: &str| {
        let source = Source::Ecs(PausedDeployment {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            cluster: cluster.into(),
            service: service.into(),
            deployment_arn: String::new(),
            hook_id: String::new(),
            lifecycle_stage: "POST_SCALE_UP".into(),
            timeout_action: None,
        });
        config.route(&source).unwrap().name.clone()
    };
    assert_eq!(routed("production", "api-1"), "shop");
    assert_eq!(routed("production", "batch"), "rest");
    assert_eq!(routed("staging", "web"), "rest");
    assert_eq!(
        config.route(&action("web", "prod")).unwrap().name,
        "pipelines"
    );
    assert_eq!(config.warnings, []);
}

#[test]
fn what_a_gate_has_decided_takes_a_route_of_decisions_and_nothing_else_does() {
    let config = parsed(
        "version: 1
channels: { room: { slack: { channel: C0123ABCD, token: 'ssm:/t' } } }
routes:
  - { name: all, tell: room, policy: { decide: false } }
  - { name: stopped, match: { gate: 'pre-*', application: shop, passed: false }, tell: room }
  - { name: any, match: { passed: false }, tell: room }
",
    );
    assert_eq!(
        config.warnings,
        [],
        "a route of questions hides none of decisions"
    );
    let routed = |gate: &str, application: &str| {
        let decision = crate::message::GateDecision {
            gate: gate.to_owned(),
            application: application.to_owned(),
            ..Default::default()
        };
        config
            .route_of_decision(&decision)
            .map(|route| route.name.clone())
    };
    assert_eq!(routed("pre-traffic", "shop").as_deref(), Some("stopped"));
    assert_eq!(routed("post-traffic", "shop").as_deref(), Some("any"));
    let questions = parsed(SMALL);
    assert_eq!(
        questions.route_of_decision(&crate::message::GateDecision::default()),
        None
    );
    assert_eq!(
        config.route(&action("shop", "Production")).unwrap().name,
        "all"
    );
    assert!(!config.route_named("stopped").unwrap().policy.decide);
}

const SMALL: &str = "version: 1
channels: { room: { slack: { channel: C0123ABCD, token: 'ssm:/t' } } }
routes: [{ name: all, tell: room, policy: { approvers: ['slack:T0123ABCD/U0123ABCD'] } }]
";

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = parsed(SMALL);
    assert_eq!(config.language, Language::English);
    assert_eq!(config.other_messages, ["room"]);
    assert!(config.texts.is_empty());
    let route = config.route(&action("any", "Thing")).unwrap();
    assert_eq!(
        route.follow_up,
        FollowUp {
            decision: true,
            outcome: true
        }
    );
    assert!(route.reminders.is_empty() && route.escalate.is_none() && route.mention.is_empty());
    let policy = &route.policy;
    assert!(policy.decide && !policy.starter_may_approve && !policy.reason_for_rejection);
    assert_eq!((policy.approvals, &policy.office_hours), (1, &None));
}

#[test]
fn the_example_is_what_was_written() {
    let config = example();
    assert_eq!(config.channels.len(), 8);
    assert_eq!(config.other_messages, ["on-call"]);
    let ChannelKind::Ses { from, to } = &config.channels["managers"].kind else {
        panic!("no mail");
    };
    assert_eq!(from, "Releases <releases@example.com>");
    assert_eq!(to.len(), 2);
    let ChannelKind::Webhook { url, secret } = &config.channels["change-log"].kind else {
        panic!("no webhook");
    };
    assert_eq!(
        *url,
        Address::Plain("https://changes.example.com/hooks/releases".into())
    );
    assert_eq!(secret.to_string(), "ssm:/deploy-hooks/change-log-secret");

    let route = config.route_named("production").unwrap();
    let percents: Vec<u8> = route.reminders.iter().map(|part| part.percent()).collect();
    assert_eq!(percents, [50, 80]);
    assert_eq!(
        route.channels().collect::<Vec<_>>(),
        [
            "release-room",
            "managers",
            "shanghai",
            "change-log",
            "on-call",
            "everybody"
        ]
    );
    assert_eq!(route.mention["release-room"], ["<!subteam^S0123ABCDEF>"]);
    assert_eq!(
        (route.policy.approvals, route.policy.approvers.len()),
        (2, 3)
    );
    let hours = route.policy.office_hours.as_ref().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    assert!(hours.is_on(at("2026-03-02T09:00:00Z")));
    // Friday afternoon in Berlin.
    assert!(!hours.is_on(at("2026-03-06T13:00:00Z")));
    assert_eq!(
        hours.next_on(at("2026-03-06T13:00:00Z")),
        Some(at("2026-03-09T08:00:00Z"))
    );

    let mail = &config.channels["shanghai"];
    assert_eq!(config.language_of(mail, Some(route)), Language::Chinese);
    assert_eq!(
        config.language_of(&config.channels["managers"], Some(route)),
        Language::English
    );
}

#[test]
fn the_first_route_that_matches_counts() {
    let config = example();
    let name = |pipeline, stage| {
        config
            .route(&action(pipeline, stage))
            .map(|route| route.name.as_str())
    };
    assert_eq!(name("shop-web", "Production"), Some("production"));
    assert_eq!(name("shop-web", "Production-eu"), Some("production"));
    assert_eq!(name("shop-web", "Staging"), Some("staging"));
    assert_eq!(name("other", "Production"), Some("the-rest"));
    assert_eq!(config.route_named("gone"), None);
}

#[test]
fn what_is_probably_not_meant_is_told_and_used() {
    let text = "version: 1
channels:
  room: { slack: { channel: C0123ABCD, token: 'ssm:/t' } }
  mail: { ses: { from: a@example.com, to: B@example.com } }
  teams: { teams: { url: 'ssm:/u' } }
routes:
  - name: wide
    match: { pipeline: [shop-*, web] }
    tell: mail
    policy: { approvers: ['email:b@example.com', 'email:c@example.com', 'slack:T0123ABCD/U0123ABCD', 'link:teams'] }
  - name: narrow
    match: { pipeline: shop-live, stage: Production }
    tell: room
    policy: { decide: false }
";
    let warnings: Vec<String> = parsed(text)
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(warnings.join("\n"), @r##"
    7:5: route "wide": email:c@example.com is never asked; let the route tell a ses channel with this address in `to:`
    7:5: route "wide": slack:T0123ABCD/U0123ABCD is never asked; let the route tell a slack channel
    7:5: route "wide": link:teams is never asked; let the route tell this channel
    7:5: route "wide": nothing says who in AWS email:b@example.com, email:c@example.com, slack:T0123ABCD/U0123ABCD, link:teams is, so they can't approve what a person started; add them to `starters:` with their AWS names ([] for none), or write `starter_may_approve: true`
    7:5: route "wide": who starts a pipeline by a push, or in a role's session, can't be known; two people must approve then, and fewer can be told apart here; name a second person under `approvers:` and `starters:`, list roles whose sessions bear people's own names under `trusted_sessions:`, or write `unknown_starter: allow`
    11:5: route "narrow" is never reached: "wide", in line 7, matches all of it; move it before that one
    "##);
}

#[test]
fn a_slack_webhook_asks_no_member_of_slack() {
    let asked = |kind: &str| {
        let text = format!(
            "version: 1
channels: {{ room: {{ {kind} }} }}
routes: [{{ name: all, tell: room, policy: {{ approvers: ['slack:T0123ABCD/U0123ABCD'] }} }}]
"
        );
        let warnings = parsed(&text).warnings;
        !warnings
            .iter()
            .any(|w| w.to_string().contains("never asked"))
    };
    assert!(asked("slack: { channel: C0123ABCD, token: 'ssm:/t' }"));
    assert!(!asked("slack_webhook: { url: 'ssm:/u' }"));
}

#[test]
fn each_mistake_is_told_with_its_place_and_remedy() {
    let mut told = String::new();
    for (name, text) in bad() {
        let problems = Config::parse(&name, &text).expect_err(&name);
        told = format!("{told}{problems}\n");
    }
    assert!(!told.contains("hunter2"), "a secret is repeated: {told}");
    insta::assert_snapshot!(told, @r##"
    approvals-out-of-range.yaml:10:25: approvals is out of range; write a whole number from 1 to 20
    approver-by-name.yaml:10:26: "lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    approver-by-name.yaml:10:32: "slack:lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    approver-by-name.yaml:10:46: "email:lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    approver-by-name.yaml:10:60: "slack:U0123ABCD/T0123ABCD" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    approver-link-of-mail.yaml:10:26: link:mail: each recipient of "mail" gets a link of their own; name those who may decide: email:lead@example.com
    approver-link-of-mail.yaml:10:39: there is no channel "nowhere"; add it under `channels:`; known are "room", "mail", "log"
    approver-twice.yaml:10:52: approvers has email:lead@example.com twice; remove one
    approvers-and-nobody-decides.yaml:10:22: there are approvers, but with `decide: false` nobody may decide; remove one of the two
    channel-name.yaml:4:3: "the room" can't be the name of a channel; use up to 40 letters, digits, _ and -, not beginning with a digit
    channel-of-two-kinds.yaml:4:9: the channel is both "teams" and "sns"; make it two channels
    channel-without-kind.yaml:4:9: the channel leads nowhere; add one of "slack", "slack_webhook", "teams", "ses", "sns", "webhook", "amazon_q"
    decisions.yaml:7:40: passed: a route takes what did not pass; write `passed: false`; a rule on the event bus takes every decision
    decisions.yaml:9:13: policy: a route of decisions asks nobody; remove it, or write a route for questions beside this one
    duplicate-key.yaml:11:1: the key "routes" is there twice; it is also in line 7; remove one
    empty.yaml:1:1: the file is empty; write a configuration: version, channels, routes
    follow-up.yaml:11:17: follow_up: unknown "decisions"; did you mean "decision"?
    fractions.yaml:11:17: reminders: "0%" is not a part of the time to decide; write 1% to 99%, in whole percent
    fractions.yaml:11:21: reminders: "100%" is not a part of the time to decide; write 1% to 99%, in whole percent
    fractions.yaml:11:27: reminders: "50" is not a part of the time to decide; write 1% to 99%, in whole percent
    fractions.yaml:11:31: reminders: "12.5%" is not a part of the time to decide; write 1% to 99%, in whole percent
    fractions.yaml:11:38: reminders: "half" is not a part of the time to decide; write 1% to 99%, in whole percent
    fractions.yaml:11:49: reminders has 50% twice; remove one
    fractions.yaml:12:20: at: "1h" is not a part of the time to decide; write 1% to 99%, in whole percent
    glob.yaml:11:23: pipeline: "shop/*" can't match any name; write up to 100 letters, digits, ., @, - and _, with * for any text and ? for one character
    glob.yaml:11:41: stage: "[a-z]" can't match any name; write up to 100 letters, digits, ., @, - and _, with * for any text and ? for one character
    match-of-both.yaml:7:12: match: names of a pipeline and of a service match nothing together; write pipeline, stage and action for approvals of pipelines, cluster and service for paused deployments of ECS, or gate and application for questions of gates; two routes for both
    mentions.yaml:11:14: mention: the route never tells "log"; add the channel to `tell:`, or remove the mention
    mentions.yaml:11:14: mention: the route never tells "mail"; add the channel to `tell:`, or remove the mention
    mentions.yaml:11:22: "@lead" mentions nobody; write <@U0123ABCD> for a member, <!subteam^S0123ABCD> for a group, <!here>, <!channel> or <!everyone>
    mentions.yaml:11:48: "<!here>" mentions nobody; only Slack knows such mentions: write a name in up to 100 plain characters, without < and >
    mentions.yaml:11:71: there is no channel "rooom"; did you mean "room"?
    no-approvers.yaml:10:25: nobody may decide; name them under `approvers:`, or write `decide: false` so that messages lead to the console only
    no-channels.yaml:3:11: there are no channels; add one: `release-room: {slack: {channel: …, token: …}}`
    no-channels.yaml:4:26: there is no channel "room"; add it under `channels:`
    no-policy.yaml:8:5: a route has no "policy"; add `policy:`
    no-routes.yaml:7:9: there are no routes; write at least one route, or nobody is notified of an approval
    office-hours.yaml:10:70: office_hours, character 21: unknown time zone "Europe/Berlni"; did you mean Europe/Berlin?
    same-match.yaml:12:5: the route matches the same as "production"; that one, in line 8, always comes first: change `match:`, or make one of the two
    same-name.yaml:12:12: two routes have the name "production"; the other one is in line 8; waiting cases remember names
    secret-in-the-wrong-place.yaml:4:27: channel is not of the right form; write the channel's id, such as C0123ABCD: names can be changed by anybody; Slack shows the id at the end of a channel's details
    secret-in-the-wrong-place.yaml:5:27: topic_arn is not of the right form; write the whole ARN: arn:aws:sns:eu-central-1:111122223333:releases
    ses-addresses.yaml:4:22: from: "releases" is not of the right form; write an address, or `Name <address>`: releases@example.com
    ses-addresses.yaml:4:55: to: "Lead <lead@example.com>" is not of the right form; write a plain address: lead@example.com
    slack-channel-by-name.yaml:4:27: channel: "#releases" is not of the right form; write the channel's id, such as C0123ABCD: names can be changed by anybody; Slack shows the id at the end of a channel's details
    slack-token-in-the-file.yaml:4:45: the bot token does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the configuration
    sns-arn.yaml:4:27: topic_arn: "releases" is not of the right form; write the whole ARN: arn:aws:sns:eu-central-1:111122223333:releases
    starter-by-name.yaml:10:67: "lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    starter-who-is-no-approver.yaml:10:67: starters: slack:T0123ABCD/U0123ABCE is no approver; did you mean "slack:T0123ABCD/U0123ABCD"?
    syntax.yaml:4:1: not valid YAML: while parsing a node, did not find expected node content; check the indentation, quotes and brackets here and in the line above
    teams-url-in-the-file.yaml:4:23: the webhook's URL does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the configuration
    texts.yaml:2:9: texts: unknown language "de"; write one of "en", "zh"
    texts.yaml:2:45: ask_title is empty; write something, or remove the key
    texts.yaml:2:59: ask_text is text, not a number; put it in quotes
    too-many-approvals.yaml:10:25: approvals: 2 are needed, of 1 approver; name more approvers, or ask for fewer
    two-documents.yaml:11:1: a second document begins; a file holds one configuration: remove the `---` or make a file of its own
    unknown-channel-kind.yaml:4:10: unknown key "slak"; did you mean "slack"?
    unknown-channel-told.yaml:9:18: there is no channel "mial"; did you mean "mail"?
    unknown-channel-told.yaml:11:32: there is no channel "rom"; did you mean "room"?
    unknown-channel-told.yaml:12:24: there is no channel "nowhere"; add it under `channels:`; known are "room", "mail", "log"
    unknown-key.yaml:11:5: unknown key "remindres"; did you mean "reminders"?
    unknown-language.yaml:2:11: language: unknown "fr"; write one of "en", "zh"
    version-variables.yaml:11:25: version_variables: "{{ RELEASE }}" is not of the right form; write a pipeline variable's name, such as RELEASE: letters, digits, @, - and _
    webhook-credentials.yaml:4:25: url is not an https URL; write https://HOST/PATH without user and password, or env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key
    webhook-plain-http.yaml:4:25: url is not an https URL; write https://HOST/PATH without user and password, or env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key
    webhook-without-secret.yaml:4:19: webhook has no "secret"; add `secret:`
    wrong-version.yaml:2:10: unknown version; this is version 1: write `version: 1`
    "##);
}

#[test]
fn a_part_of_the_time_is_between_its_ends() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let part = |percent| Fraction::new(percent).unwrap();
    let (start, end) = (at("2026-03-02T09:00:00Z"), at("2026-03-09T09:00:00Z"));
    assert_eq!(part(50).between(start, end), at("2026-03-05T21:00:00Z"));
    assert_eq!(part(90).between(start, end), at("2026-03-08T16:12:00Z"));
    assert_eq!(part(50).between(end, start), end);
    assert!(part(99).between(Timestamp::MIN, Timestamp::MAX) > Timestamp::UNIX_EPOCH);
    assert_eq!((Fraction::new(0), Fraction::new(100)), (None, None));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[ -~\n]{0,200}") {
        let _ = Config::parse("approvals.yaml", &text);
    }

    #[test]
    fn no_broken_configuration_makes_the_decoder_panic(cut in 0_usize..3_200, put in "[ -~\n]{0,6}") {
        let whole = include_str!("../../../../examples/approvals.yaml");
        let (start, end) = whole.split_at(whole.floor_char_boundary(cut.min(whole.len())));
        let _ = Config::parse("approvals.yaml", &format!("{start}{put}{end}"));
    }

    #[test]
    fn a_part_of_the_time_never_leaves_it(percent in 1_u8..100, seconds in 0_i64..4_000_000_000, length in 0_i64..4_000_000) {
        let start = Timestamp::from_second(seconds).unwrap();
        let end = Timestamp::from_second(seconds + length).unwrap();
        let at = Fraction::new(percent).unwrap().between(start, end);
        proptest::prop_assert!(start <= at && at <= end);
    }
}
