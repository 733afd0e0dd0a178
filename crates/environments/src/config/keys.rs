//! Every key that a configuration may have, object by object. The decoder reads from these tables and
//! from nothing else, and a test holds the published JSON Schema against them.

strict_yaml::tables! {
    later: &[];
    CONFIG: "configuration", "the configuration",
        ["version", "accounts", "regions", "clusters", "zone", "schedules", "default_schedule",
         "calendar", "tag", "import_tags", "services", "deny", "not_production", "tiers",
         "healthy_within", "defer_deadline", "notice", "prices", "rate", "also", "people"];
    SCHEDULE: "schedule", "a schedule",
        ["syntax", "text", "default_tz", "on_hour", "off_hour", "weekends", "weekends_only", "skip_days"];
    IMPORT_TAG: "import_tag", "an imported tag",
        ["syntax", "default_tz", "on_hour", "off_hour", "weekends", "weekends_only", "skip_days"];
    CALENDAR: "calendar", "calendar", ["dates", "files"];
    RULE: "rule", "a rule", ["match", "schedule"];
    TIER: "tier", "a tier", ["name", "match"];
    PRICES: "prices", "prices", ["currency", "vcpu_hour", "gb_hour"];
    RATE: "rate", "rate", ["burst", "per_second", "share"];
    ALSO: "also", "also", ["rds_instances", "rds_clusters", "auto_scaling_groups"];
    PEOPLE: "people", "people",
        ["language", "channels", "tell", "may", "slack_app", "tomorrow"];
    TELL: "tell", "tell", ["notice", "morning", "problems"];
    MAY: "may", "may", ["snooze", "wake"];
    SLACK_APP: "slack_app", "slack_app", ["signing_secret", "team", "buttons"];
}
