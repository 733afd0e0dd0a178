//! What a person sees whose configuration is wrong, and what the function gets when it is right.

use jiff::SignedDuration;
use schedule::custodian::DefaultDays;

use super::schema_tests::{bad, root};
use super::*;

fn parsed(text: &str) -> Config {
    Config::parse("environments.yaml", text, &Files::new())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = parsed("version: 1\naccounts: '111122223333'\n");
    assert_eq!(config.accounts, ["111122223333"]);
    assert_eq!(config.tag, "deploy-hooks:schedule");
    assert_eq!(config.healthy_within, SignedDuration::from_mins(10));
    assert_eq!(config.defer_deadline, SignedDuration::from_hours(1));
    assert_eq!(config.notice, SignedDuration::from_mins(15));
    assert_eq!(
        (config.rate.burst, config.rate.per_second, config.rate.share),
        (50, 5.0, 0.8)
    );
    assert!(config.also.rds_instances.is_empty() && config.clusters.is_empty());
    assert_eq!(config.tier("dev", "web"), (0, "rest"));
}

#[test]
fn the_example_is_what_was_written() {
    let config =
        parsed(&std::fs::read_to_string(root().join("examples/environments.yaml")).unwrap());
    assert_eq!(config.schedules.len(), 4);
    assert_eq!(config.schedules["legacy"].syntax, Syntax::Custodian);
    assert_eq!(
        config.import_tags["maid_offhours"].syntax,
        Syntax::Custodian
    );
    assert_eq!(config.calendar.days().count(), 2);
    assert_eq!(config.tier("dev-shop", "queue"), (0, "data"));
    assert_eq!(config.tier("dev-shop", "api-orders"), (1, "back ends"));
    assert_eq!(config.tier("dev-shop", "web"), (2, "rest"));
    assert!(config.deny.find("any", "payments-api").is_some());
    assert_eq!(config.prices.currency, "EUR");
}

#[test]
fn what_a_custodian_policy_says_can_be_said_of_tags_and_of_schedules() {
    let config = parsed(
        "version: 1
accounts: ['111122223333']
import_tags:
  maid_offhours: { syntax: custodian, on_hour: 8, off_hour: 22, weekends: false }
  other: { syntax: custodian, default_tz: PT, weekends_only: true, skip_days: 2026-12-25 }
  plain: { syntax: custodian }
schedules:
  legacy: { syntax: custodian, text: 'on', off_hour: 20, default_tz: utc, skip_days: [2026-12-25, 2026-12-26] }
",
    );
    let policy = |tag: &str| config.import_tags[tag].policy.clone();
    let first = policy("maid_offhours").unwrap();
    assert_eq!((first.on_hour, first.off_hour), (8, 22));
    assert_eq!((first.days, first.zone), (DefaultDays::EveryDay, None));
    let other = policy("other").unwrap();
    assert_eq!((other.on_hour, other.off_hour), (7, 19));
    assert_eq!(
        (other.days, other.zone.as_deref(), other.skip_days.len()),
        (DefaultDays::WeekendsOnly, Some("PT"), 1)
    );
    assert_eq!(policy("plain"), None);
    let legacy = &config.schedules["legacy"].schedule;
    assert!(legacy.is_on("2026-11-30T19:59:59Z".parse().unwrap()));
    assert!(!legacy.is_on("2026-11-30T20:00:00Z".parse().unwrap()));
    assert!(!legacy.is_on("2026-12-25T12:00:00Z".parse().unwrap()));
}

#[test]
fn people_are_read_and_nobody_is_told_by_default() {
    let silent = parsed("version: 1\naccounts: '111122223333'\n").people;
    assert!(silent.channels.is_empty() && silent.tell == Notifications::default());
    assert_eq!(
        (silent.may, silent.slack_app),
        (Permissions::default(), None)
    );
    assert_eq!(silent.tomorrow, jiff::civil::time(9, 0, 0, 0));
    let people =
        parsed(&std::fs::read_to_string(root().join("examples/environments.yaml")).unwrap()).people;
    assert_eq!(people.tell.notice, ["dev-room"]);
    assert_eq!(people.tell.problems, ["dev-room", "leads"]);
    let wake: Vec<String> = people
        .may
        .wake
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        wake,
        ["slack:T0123ABCD/U0123ABCD", "email:lead@example.com"]
    );
    assert_eq!(
        people.may.snooze, None,
        "no list is another thing than an empty one"
    );
    let app = people.slack_app.unwrap();
    assert_eq!((app.team.as_str(), app.buttons), ("T0123ABCD", false));
}

#[test]
fn calendars_are_read_from_files() {
    let text = "version: 1\naccounts: '111122223333'\ncalendar: { files: [a.ics, b.txt] }\n";
    assert_eq!(calendar_files(text), ["a.ics", "b.txt"]);
    let icalendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\n\
                     SUMMARY:Christmas Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let mut files = Files::new();
    files.insert("a.ics".into(), Ok(icalendar.into()));
    files.insert("b.txt".into(), Ok("2026-05-01 Labour Day\n".into()));
    let config = Config::parse("environments.yaml", text, &files).unwrap();
    assert_eq!(config.calendar.days().count(), 2);
    files.insert("b.txt".into(), Ok("2026-05-01\n2026-15-01\n".into()));
    let problems = Config::parse("environments.yaml", text, &files).unwrap_err();
    insta::assert_snapshot!(problems, @r#"environments.yaml:3:28: b.txt, line 2: "2026-15-01" is not a date; write year, month and day: 2026-12-25"#);
    files.insert(
        "a.ics".into(),
        Ok(b"BEGIN:VCALENDAR\nSUMMARY:No\xebl\n".into()),
    );
    files.insert("b.txt".into(), Err("permission denied".into()));
    let problems = Config::parse("environments.yaml", text, &files).unwrap_err();
    insta::assert_snapshot!(problems, @r#"
    environments.yaml:3:21: a.ics, line 2: the file is not UTF-8: here is the byte 0xEB, as in files in Latin-1 or Windows-1252; save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW
    environments.yaml:3:28: the calendar "b.txt" could not be read: permission denied; put it beside the configuration, and let it be read
    "#);
    let many: Vec<String> = (0..30).map(|number| format!("{number}.ics")).collect();
    let text = format!(
        "version: 1\naccounts: '111122223333'\ncalendar: {{ files: [{}] }}\n",
        many.join(", ")
    );
    assert_eq!(calendar_files(&text).len(), 20);
    let problems = Config::parse("environments.yaml", &text, &Files::new()).unwrap_err();
    assert_eq!(problems.problems[0].message, "files has 30 entries");
}

#[test]
fn each_mistake_is_told_with_its_place_and_remedy() {
    let mut report = String::new();
    for (name, text) in bad() {
        let problems = Config::parse(&name, &text, &Files::new()).expect_err(&name);
        report = format!("{report}{problems}\n");
    }
    assert!(
        !report.contains("hunter2"),
        "a secret is repeated: {report}"
    );
    insta::assert_snapshot!(report, @r##"
    account-pattern.yaml:3:12: accounts: "1111*" is no account; write its twelve digits, in quotes; patterns are not allowed here
    account-pattern.yaml:3:21: accounts: "12345" is no account; write its twelve digits, in quotes; patterns are not allowed here
    accounts-empty.yaml:3:11: accounts is empty; write the accounts that may be touched
    also.yaml:4:9: unknown key "rds"; also knows "rds_instances", "rds_clusters", "auto_scaling_groups"
    also.yaml:4:36: rds_instances has 0 entries; write 1 to 1000, or remove the key
    also.yaml:4:61: auto_scaling_groups: "a b" can't match any name; write a service's name or cluster/service: letters, digits, -, _ and ., with * for any text and ? for one character
    calendar-date.yaml:4:21: dates: "25.12.2026" is not a date; write year, month and day, then a name if you like: 2026-12-25 Christmas Day
    calendar-date.yaml:4:47: dates: "2026-02-30" is not a date; write year, month and day, then a name if you like: 2026-12-25 Christmas Day
    calendar-file-missing.yaml:3:20: the calendar "holidays.ics" could not be read; put the file beside the configuration
    cluster-with-service.yaml:4:12: clusters: a name has no "/"; write the name alone, with * and ? if you like
    custodian-policy.yaml:5:57: off_hour is out of range; write a whole number from 0 to 23
    custodian-policy.yaml:5:71: weekends is true or false, not text; write true or false, without quotes
    custodian-policy.yaml:6:80: on_hour belongs to Cloud Custodian's policies, and this is kube-downscaler; remove it, or write `syntax: custodian`
    custodian-policy.yaml:8:39: unknown key "onhour"; did you mean "on_hour"?
    custodian-policy.yaml:8:62: default_tz: unknown time zone "Middle-earth/Shire"; write et, ct, mt, pt, gmt, bst or a name of the IANA database, such as Europe/Berlin
    custodian-policy.yaml:8:94: skip_days: "25.12.2026" is not a date; write year, month and day: 2026-12-25
    custodian-policy.yaml:9:3: import_tags has "Maid_Offhours" and "maid_offhours", which are one to Cloud Custodian; remove one: it compares keys in any case
    custodian-policy.yaml:10:13: an imported tag has no "syntax"; add `syntax:`
    custodian.yaml:4:38: schedule "legacy", character 11: "29" is not an hour; write 0 to 23, without blanks
    default-schedule.yaml:5:19: there is no schedule "offise"; did you mean "office"?
    deny-pattern.yaml:4:18: deny: "payments or billing" can't match any name; write a service's name or cluster/service: letters, digits, -, _ and ., with * for any text and ? for one character
    duplicate-key.yaml:4:1: the key "zone" is there twice; it is also in line 3; remove one
    durations.yaml:4:17: healthy_within has no unit; write 10s or 10ms
    durations.yaml:5:17: defer_deadline: "2d" is not a duration; write a number and a unit: 500ms, 10s, 1m30s, 2h
    durations.yaml:6:9: notice: "1000h" is out of range; write 0ms to 4h
    empty.yaml:1:1: the file is empty; write a configuration: version, accounts, schedules
    kube-downscaler.yaml:4:43: schedule "night", character 9: "Mon-Fri 20:00-08:00 Australia/Sydney" ends before it starts: GoKubeDownscaler is on from 00:00 to 08:00 and from 20:00 to 24:00 of each of these days, and kube-downscaler in Python is never on; write Mon-Fri 00:00-08:00 Australia/Sydney,Mon-Fri 20:00-24:00 Australia/Sydney for the first and never for the second, or name the grammar go-kube-downscaler or py-kube-downscaler
    kube-downscaler.yaml:5:45: schedule "days", character 1: the weekdays are missing; write them first: Mon-Sun 08:00-20:00 Europe/Paris
    list-twice.yaml:4:20: deny has "payments-*" twice; remove one
    no-accounts.yaml:2:1: the configuration has no "accounts"; add `accounts:`
    not-production-pattern.yaml:4:18: not_production: "dev/live-*" is a pattern; write each name out: this guard is only lifted for what you have looked at
    people-channels.yaml:6:31: channel: "#dev" is not of the right form; write the channel's id, such as C0123ABCD: names can be changed by anybody; Slack shows the id at the end of a channel's details
    people-channels.yaml:7:5: "the room" can't be the name of a channel; use up to 40 letters, digits, _ and -, not beginning with a digit
    people-channels.yaml:8:27: the webhook's URL does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the configuration
    people-may.yaml:7:14: "lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    people-may.yaml:7:20: "slack:lead" names no approver; write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by their owners), email:lead@example.com or link:CHANNEL
    people-may.yaml:7:34: there is no channel "nowhere"; add it under `channels:`; known are "room"
    people-may.yaml:8:11: no message goes to email:lead@example.com; name them in `to:` of a ses channel, or remove them here
    people-slack-app-half.yaml:5:14: slack_app has no "team"; add `team:`
    people-slack-app.yaml:5:32: the signing secret does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the configuration
    people-slack-app.yaml:5:63: team is not of the right form; write the workspace's id, such as T0123ABCD; it stands in the address of Slack in a browser
    people-slack-app.yaml:5:81: buttons is true or false, not text; write true or false, without quotes
    people-tell-key.yaml:6:11: unknown key "evening"; tell knows "notice", "morning", "problems"
    people-tell.yaml:6:19: there is no channel "romo"; did you mean "room"?
    people-tell.yaml:6:41: tell.morning has "room" twice; remove one
    people-tomorrow.yaml:5:13: tomorrow: "24:00" is not a time of day; write 00:00 to 23:59, in quotes
    people-tomorrow.yaml:6:13: language: unknown "fr"; write one of "en", "zh"
    prices.yaml:4:22: vcpu_hour is not a number in range; write a number from 0 to 1000
    prices.yaml:4:35: gb_hour is not a number in range; write a number from 0 to 1000
    rate.yaml:4:16: burst is out of range; write a whole number from 1 to 10000
    rate.yaml:4:31: per_second is not a number in range; write a number from 0.1 to 1000
    rate.yaml:4:44: share is not a part; write 1% to 100%, in whole percent
    region.yaml:4:11: regions: "Frankfurt" is no region; write its name, such as eu-central-1
    region.yaml:4:22: regions: "eu-centrl-1" is no region; did you mean eu-central-1?
    region.yaml:4:35: regions: "EU-WEST-1" is no region; did you mean eu-west-1?
    rule-schedule.yaml:6:33: schedule, character 1: unknown schedule "offise"; did you mean office?
    rule.yaml:5:14: match: "dev/shop/web" can't match any name; write a service's name or cluster/service: letters, digits, -, _ and ., with * for any text and ? for one character
    rule.yaml:5:40: schedule, character 1: unknown schedule "office"; write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin
    rule.yaml:6:14: match has 0 entries; write 1 to 1000, or remove the key
    rule.yaml:7:5: a rule has no "match"; add `match:`
    schedule-circle.yaml:4:17: schedule "a", in schedule "a", character 1: the schedules name each other in a circle: b → a → b; take one of the names out
    schedule-circle.yaml:4:23: schedule "b", in schedule "b", character 1: the schedules name each other in a circle: a → b → a; take one of the names out
    schedule-name.yaml:5:14: "1st" can't be a schedule's name; write up to 40 letters, digits, _ and -, a letter first
    schedule-name.yaml:5:38: "always" has a meaning already; choose another name
    schedule-syntax.yaml:5:21: syntax: unknown "custodien"; did you mean "custodian"?
    schedule-syntax.yaml:6:9: a schedule has no "text"; add `text:`
    schedule-window.yaml:5:11: schedule "office", character 5: unknown weekday "Fry"; did you mean Fri?
    schedule-window.yaml:6:10: schedule "night", character 9: "25:00" is not a time of day; write 00:00 to 23:59, or 24:00 as an end
    schedule-without-zone.yaml:3:22: schedule "office", character 20: no time zone is given; write one behind the times, such as Europe/Berlin
    syntax.yaml:3:1: not valid YAML: while parsing a flow sequence, expected ',' or ']'; check the indentation, quotes and brackets here and in the line above
    tag.yaml:4:6: tag: "deploy-hooks,schedule" can't be a tag's key; write up to 128 letters, digits, spaces and _.:/=+-@; it can't begin with aws:
    tag.yaml:5:16: import_tags: "aws:x" can't be a tag's key; write up to 128 letters, digits, spaces and _.:/=+-@; it can't begin with aws:
    tag.yaml:5:51: import_tags.maid_offhours: unknown "custodain"; did you mean "custodian"?
    tiers.yaml:5:13: there is a tier "back" already; give it another name (what no tier names is the `rest`)
    tiers.yaml:6:13: there is a tier "rest" already; give it another name (what no tier names is the `rest`)
    two-documents.yaml:3:1: a second document begins; a file holds one configuration: remove the `---` or make a file of its own
    unknown-key.yaml:4:1: unknown key "shedules"; did you mean "schedules"?
    unknown-key.yaml:5:23: unknown key "matches"; did you mean "match"?
    wrong-version.yaml:2:10: version is not 1; write `version: 1`
    zone.yaml:3:7: zone: the default time zone can't be used: unknown time zone "Europe/Berlim"; did you mean Europe/Berlin?
    "##);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[ -~\n]{0,200}") {
        let _ = Config::parse("environments.yaml", &text, &Files::new());
        let _ = calendar_files(&text);
    }

    #[test]
    fn no_broken_configuration_makes_the_decoder_panic(cut in 0_usize..1_900, put in "[ -~\n]{0,6}") {
        let whole = include_str!("../../../../examples/environments.yaml");
        let (start, end) = whole.split_at(whole.floor_char_boundary(cut.min(whole.len())));
        let _ = Config::parse("environments.yaml", &format!("{start}{put}{end}"), &Files::new());
    }
}
