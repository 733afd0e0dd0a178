//! Every key that a configuration may have, object by object. The decoder reads from these tables and
//! from nothing else, and a test holds the published JSON Schema against them.

strict_yaml::tables! {
    later: &[];
    CONFIG: "configuration", "the configuration",
        ["version", "language", "channels", "routes", "texts", "other_messages"];
    ROUTE: "route", "a route",
        ["name", "match", "tell", "mention", "language", "policy", "reminders", "escalate",
         "follow_up", "version_variables", "texts"];
    MATCH: "match", "match", ["pipeline", "stage", "action", "cluster", "service", "gate", "application", "passed"];
    POLICY: "policy", "policy",
        ["decide", "approvers", "starter_may_approve", "approvals", "reason_for_rejection",
         "office_hours", "starters", "unknown_starter", "trusted_sessions"];
    ESCALATE: "escalate", "escalate", ["at", "tell"];
    OTHER_MESSAGES: "other_messages", "other_messages", ["tell"];
}
