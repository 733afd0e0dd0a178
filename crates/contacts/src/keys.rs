//! Every key of a channel. The decoder reads from these tables and from nothing else; tests hold the
//! published JSON Schemas against them.

use strict_yaml::KeyTable;

strict_yaml::tables! {
    later: &[];
    CHANNEL: "channel", "a channel",
        ["slack", "slack_webhook", "teams", "ses", "sns", "webhook", "amazon_q", "language"];
    SLACK: "slack", "slack", ["channel", "token"];
    SLACK_WEBHOOK: "slack_webhook", "slack_webhook", ["url"];
    TEAMS: "teams", "teams", ["url"];
    SES: "ses", "ses", ["from", "to"];
    SNS: "sns", "sns", ["topic_arn"];
    WEBHOOK: "webhook", "webhook", ["url", "secret"];
    AMAZON_Q: "amazon_q", "amazon_q", ["topic_arn"];
}

/// All of them, for a test against a schema that describes them.
pub fn tables() -> [&'static KeyTable; 8] {
    [
        &CHANNEL,
        &SLACK,
        &SLACK_WEBHOOK,
        &TEAMS,
        &SES,
        &SNS,
        &WEBHOOK,
        &AMAZON_Q,
    ]
}
