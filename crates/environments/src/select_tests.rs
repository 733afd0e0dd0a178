//! Who is selected, and what is said of everybody else.

use schedule::State;

use super::*;
use crate::config::Files;

const CONFIG: &str = "version: 1
accounts: ['111122223333']
regions: [eu-central-1]
clusters: [dev, 'team-*', live-preview, delivery]
zone: Europe/Berlin
schedules:
  office: Mon-Fri 09:00-22:00
  legacy: { syntax: custodian, text: 'off=[(M-F,19)];on=[(M-F,7)];tz=utc' }
default_schedule: office
import_tags: { maid_offhours: custodian }
services:
  - { match: 'team-a/*', schedule: office }
deny: ['payments-*', 'team-a/billing', team-secret]
not_production: [dev/live-docs, live-preview]
";

/// A Monday, noon in Berlin.
const NOON: &str = "2026-11-23T11:00:00Z";

fn resource(place: &str, tags: &[(&str, &str)]) -> Resource {
    let (cluster, name) = place.split_once('/').unwrap();
    Resource {
        arn: format!("arn:aws:ecs:eu-central-1:111122223333:service/{place}"),
        cluster: cluster.into(),
        name: name.into(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Resource::default()
    }
}

fn choose(resource: &Resource) -> Selection {
    let config = Config::parse("test", CONFIG, &Files::new()).unwrap();
    Selector::new(&config, &[], NOON.parse().unwrap()).choose(resource)
}

fn outcome(choice: Selection) -> String {
    match choice {
        Selection::Selected(selected) => {
            let (scheduled, source) = (&selected.scheduled, &selected.source);
            let remark = selected.remark.map(|remark| format!("; {remark} (!)"));
            let remark = remark.unwrap_or_default();
            format!("{} {} ({source}){remark}", scheduled.state, scheduled.rule)
        }
        Selection::UnclearOverride { why, .. }
        | Selection::UnreadableSchedule { why }
        | Selection::Unstoppable { why, .. } => {
            format!("{why} (!)")
        }
        Selection::Skipped { why, attention, .. }
        | Selection::Unselected { why, attention, .. } => {
            format!("{why}{}", if attention { " (!)" } else { "" })
        }
    }
}

const TAG: &str = "deploy-hooks:schedule";

#[test]
fn who_has_opted_in_is_selected() {
    let mut lines = Vec::new();
    for (place, tags) in [
        ("dev/shop", &[(TAG, "")][..]),
        ("dev/shop", &[(TAG, "Default")]),
        ("dev/shop", &[(TAG, "office + Sat 10:00-12:00")]),
        ("dev/shop", &[(TAG, "legacy")]),
        (
            "dev/shop",
            &[("maid_offhours", "off=(m-f,19);on=(m-f,7);tz=bst")],
        ),
        (
            "dev/shop",
            &[("maid_offhours", "off=(m-f,19)"), (TAG, "never")],
        ),
        ("team-a/shop", &[]),
        ("team-a/shop", &[(TAG, "always")]),
        ("dev/live-docs", &[(TAG, "office")]),
        ("live-preview/web", &[(TAG, "office")]),
        ("delivery/products", &[(TAG, "office")]),
    ] {
        lines.push(format!(
            "{place} {}",
            outcome(choose(&resource(place, tags)))
        ));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    dev/shop on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: )
    dev/shop on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: Default)
    dev/shop on by "Mon-Fri 09:00-22:00 Europe/Berlin" (office) (tag deploy-hooks:schedule: office + Sat 10:00-12:00)
    dev/shop on switched on at 2026-11-23T07:00:00Z by the hour in Etc/UTC (tag deploy-hooks:schedule: legacy)
    dev/shop on switched on at 2026-11-23T07:00:00Z by the hour in Europe/London (tag maid_offhours: off=(m-f,19);on=(m-f,7);tz=bst)
    dev/shop off by "never" (tag deploy-hooks:schedule: never)
    team-a/shop on by "Mon-Fri 09:00-22:00 Europe/Berlin" (rule 1 of the configuration: Mon-Fri 09:00-22:00)
    team-a/shop on by "always" (tag deploy-hooks:schedule: always)
    dev/live-docs on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: office)
    live-preview/web on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: office)
    delivery/products on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: office)
    "#);
}

/// A service's choice under these lines of configuration.
fn chosen(lines: &str, tags: &[(&str, &str)]) -> Selection {
    let text = format!("version: 1\naccounts: ['111122223333']\nzone: Europe/Berlin\n{lines}\n");
    let config =
        Config::parse("test", &text, &Files::new()).unwrap_or_else(|wrong| panic!("{wrong}"));
    Selector::new(&config, &[], NOON.parse().unwrap()).choose(&resource("dev/shop", tags))
}

#[test]
fn custodians_keys_are_found_in_any_case_as_custodian_finds_them() {
    let value = "off=(M-F,19);on=(M-F,7);tz=cet";
    for (configured, key) in [
        ("maid_offhours", "Maid_Offhours"),
        ("Maid_Offhours", "maid_offhours"),
        ("custodian_downtime", "CUSTODIAN_DOWNTIME"),
        ("Größe", "GRÖSSE"),
    ] {
        let line = format!("import_tags: {{ {configured}: custodian }}");
        let found = chosen(&line, &[(key, value)]);
        assert_eq!(
            matches!(found, Selection::Selected(_)),
            configured != "Größe",
            "{key}"
        );
    }
    // Annotations of Kubernetes are exact.
    let line = "import_tags: { downscaler/uptime: kube-downscaler }";
    assert!(matches!(
        chosen(line, &[("Downscaler/Uptime", "always")]),
        Selection::Unselected { .. }
    ));
    let line = "import_tags: { maid_offhours: custodian }";
    let twice = |other| {
        outcome(chosen(
            line,
            &[("Maid_Offhours", value), ("maid_offhours", other)],
        ))
    };
    insta::assert_snapshot!(twice(value), @"on switched on at 2026-11-23T06:00:00Z by the hour in Europe/Berlin (tag Maid_Offhours: off=(M-F,19);on=(M-F,7);tz=cet)");
    insta::assert_snapshot!(twice("off"), @"the tags Maid_Offhours and maid_offhours say different things, and which of them custodian takes first is not known here; remove one (!)");
}

#[test]
fn the_policy_of_an_imported_tag_counts_for_what_its_values_leave_out() {
    let line = "import_tags: { maid_offhours: { syntax: custodian, on_hour: 8, off_hour: 22, weekends: false } }";
    let outcome = |value| outcome(chosen(line, &[("maid_offhours", value)]));
    insta::assert_snapshot!(outcome(""), @"on switched on at 2026-11-23T07:00:00Z by the hour in Europe/Berlin (tag maid_offhours: )");
    insta::assert_snapshot!(outcome("tz=utc"), @"on switched on at 2026-11-23T08:00:00Z by the hour in Etc/UTC (tag maid_offhours: tz=utc)");
    insta::assert_snapshot!(outcome("on=(m-f,6)"), @"on switched on at 2026-11-23T05:00:00Z by the hour in Europe/Berlin (tag maid_offhours: on=(m-f,6))");
}

#[test]
fn a_tag_of_another_tool_is_read_as_that_tool_reads_it() {
    let outcome = |syntax, value| {
        let line = format!(
            "schedules: {{ office: Mon-Fri 09:00-22:00 }}\nimport_tags: {{ theirs: {syntax} }}"
        );
        outcome(chosen(&line, &[("theirs", value)]))
    };
    insta::assert_snapshot!(outcome("go-kube-downscaler", "Mon-Fri 20:00-08:00 Europe/Berlin"), @r#"off outside all windows (tag theirs: Mon-Fri 20:00-08:00 Europe/Berlin)"#);
    insta::assert_snapshot!(outcome("kube-downscaler", "Mon-Fri 20:00-08:00 Europe/Berlin"), @r#"the tag theirs says "Mon-Fri 20:00-08:00 Europe/Berlin": column 9: "Mon-Fri 20:00-08:00 Europe/Berlin" ends before it starts: GoKubeDownscaler is on from 00:00 to 08:00 and from 20:00 to 24:00 of each of these days, and kube-downscaler in Python is never on; write Mon-Fri 00:00-08:00 Europe/Berlin,Mon-Fri 20:00-24:00 Europe/Berlin for the first and never for the second, or name the grammar go-kube-downscaler or py-kube-downscaler (!)"#);
    insta::assert_snapshot!(outcome("kube-downscaler", "Mon-Fri 08:00-20:00"), @r#"on by "Mon-Fri 08:00-20:00 Europe/Berlin" (tag theirs: Mon-Fri 08:00-20:00)"#);
    insta::assert_snapshot!(outcome("kube-downscaler", "office"), @r#"the tag theirs says "office": column 1: "office" is not a time specification; write Mon-Fri 07:30-20:30 Europe/Berlin (!)"#);
    // A word that means nothing to it.
    insta::assert_snapshot!(outcome("custodian", "office"), @"on switched on at 2026-11-23T06:00:00Z by the hour in Europe/Berlin (tag theirs: office)");
    insta::assert_snapshot!(outcome("custodian", " off"), @"on switched on at 2026-11-23T06:00:00Z by the hour in Europe/Berlin (tag theirs:  off)");
}

#[test]
fn each_refusal_has_its_reason() {
    let on = [(TAG, "office")];
    let mut services = vec![
        resource("dev/shop", &[]),
        resource("dev/shop", &[(TAG, "offise")]),
        resource("dev/shop", &[(TAG, "Mon-Fri 9-22")]),
        resource(
            "dev/shop",
            &[("deploy-hooks:keep-up-until", "tomorrow"), (TAG, "never")],
        ),
        resource(
            "dev/shop",
            &[("deploy-hooks:keep-up-until", "tomorrow"), (TAG, "office")],
        ),
        resource("dev/payments-api", &on),
        resource("team-a/billing", &[]),
        resource("team-secret/shop", &on),
        resource("device-prod/shop", &on),
        resource("dev/shop-prod", &on),
        resource("dev/shop-prod", &[]),
        resource("team-production/shop", &on),
        resource("dev/live", &on),
        resource("other/shop", &on),
        resource(
            "dev/shop",
            &[("deploy-hooks:asleep", "desired=1 at=2026-11-21T22:00:00Z")],
        ),
    ];
    let base = resource("dev/shop", &on);
    services.push(Resource {
        arn: base.arn.replace("111122223333", "999999999999"),
        ..base.clone()
    });
    services.push(Resource {
        arn: base.arn.replace("eu-central-1", "us-east-1"),
        ..base.clone()
    });
    services.push(Resource {
        daemon: true,
        ..base.clone()
    });
    services.push(Resource {
        managed_by_express: true,
        ..base.clone()
    });
    services.push(Resource {
        status: Status::Draining,
        ..base.clone()
    });
    services.push(Resource {
        status: Status::Inactive,
        ..base
    });
    let lines: Vec<String> = services
        .iter()
        .map(|resource| format!("{} {}", resource.place(), outcome(choose(resource))))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    dev/shop not selected: no tag deploy-hooks:schedule and no rule
    dev/shop the tag deploy-hooks:schedule says "offise": column 1: unknown schedule "offise"; did you mean office? (!)
    dev/shop the tag deploy-hooks:schedule says "Mon-Fri 9-22": column 9: "9" is not a time of day; write 09:00 (!)
    dev/shop the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z (!)
    dev/shop on by "Mon-Fri 09:00-22:00 Europe/Berlin" (tag deploy-hooks:schedule: office); the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z (!)
    dev/payments-api denied by "payments-*" in the configuration (!)
    team-a/billing denied by "team-a/billing" in the configuration (!)
    team-secret/shop denied by "team-secret" in the configuration (!)
    device-prod/shop cluster device-prod is not among the clusters of the configuration (!)
    dev/shop-prod dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production (!)
    dev/shop-prod dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production
    team-production/shop team-production/shop looks like production ("production"); if it isn't, name it under not_production (!)
    dev/live dev/live looks like production ("live"); if it isn't, name it under not_production (!)
    other/shop cluster other is not among the clusters of the configuration (!)
    dev/shop not selected: no tag deploy-hooks:schedule and no rule; it sleeps and is left asleep: select it again, or set its count by hand and remove the tag deploy-hooks:asleep (!)
    dev/shop account "999999999999" is not allowed in the configuration (!)
    dev/shop region us-east-1 is not allowed in the configuration (!)
    dev/shop a DAEMON service has no count: one task runs on each instance (!)
    dev/shop an Express service is managed by ECS itself (!)
    dev/shop it is being deleted (DRAINING) (!)
    dev/shop it was deleted (INACTIVE) (!)
    "#);
}

#[test]
fn what_is_shared_is_worked_out_once() {
    let config = Config::parse("test", CONFIG, &Files::new()).unwrap();
    let mut selector = Selector::new(&config, &[], NOON.parse().unwrap());
    for n in 0..100 {
        let choice = selector.choose(&resource(&format!("dev/shop-{n}"), &[(TAG, "office")]));
        assert!(
            matches!(choice, Selection::Selected(selected) if selected.scheduled.state == State::On)
        );
    }
    assert_eq!((selector.schedules.len(), selector.states.len()), (1, 1));
}

#[test]
fn a_name_that_is_known_does_not_vouch_for_its_cluster() {
    let text = CONFIG
        .replace("delivery]", "delivery, production, prod-demo]")
        .replace(
            "not_production: [dev/live-docs, live-preview]",
            "not_production: [live-preview, shop, prod-demo/shop, prod-demo/live-preview]",
        );
    let config = Config::parse("test", &text, &Files::new()).unwrap();
    let mut selector = Selector::new(&config, &[], NOON.parse().unwrap());
    let mut is_ours = |place| {
        let choice = selector.choose(&resource(place, &[(TAG, "office")]));
        matches!(choice, Selection::Selected(_))
    };
    for ours in [
        "dev/live-preview",
        "live-preview/web",
        "prod-demo/shop",
        "prod-demo/live-preview",
    ] {
        assert!(is_ours(ours), "{ours}");
    }
    for other in [
        "production/live-preview",
        "production/shop",
        "prod-demo/web",
        "live-preview/live",
    ] {
        assert!(!is_ours(other), "{other}");
    }
}
