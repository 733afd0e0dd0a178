//! The settings of the notifier, all read at start and told together when they are wrong.
//!
//! No secret is a setting: the keys, webhook addresses and bot tokens lie in Secrets Manager or the
//! Parameter Store, and are read when they are needed.

use channels::SLACK_API;
use common::location::Location;
use common::settings::{Lookup, Reader, SettingsError, boolean, days, https_address};
use jiff::SignedDuration;
use ledger::AUDIT_RETENTION;

/// Where the gates' reports lie in the bucket, unless `REPORT_PREFIX` says otherwise.
const REPORT_PREFIX: &str = "reports";

/// What the notifier is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `STATE_TABLE`: the `DynamoDB` table of cases, deliveries and decisions.
    pub state_table: String,
    /// `APPROVALS_CONFIG`: where the channels and routes are described.
    pub config: Location,
    /// `KEYS_SECRET_ARN`: the secret that signs links.
    pub keys_secret: String,
    /// `DECISION_URL`: the function URL of `approval-decision`, without a slash at its end.
    pub decision_url: String,
    /// `REPORT_BUCKET`: where the gates store their reports; absent: reports are not looked for.
    pub report_bucket: Option<String>,
    /// `REPORT_PREFIX`: what report keys start with, without slashes at its ends.
    pub report_prefix: String,
    /// `SCHEDULE_GROUP` and `SCHEDULE_ROLE_ARN`; absent: nobody is reminded.
    pub schedules: Option<Schedules>,
    /// `AUDIT_RETENTION_DAYS`: how long audit records are kept.
    pub audit_retention: SignedDuration,
    /// `SLACK_API_URL`: Slack, or what stands in for it.
    pub slack_api_url: String,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether webhooks may lead into a private network.
    pub allow_private_addresses: bool,
}

/// Where the one-time schedules of reminders are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// The schedule group.
    pub group: String,
    /// The role with which `EventBridge` Scheduler invokes this function.
    pub role_arn: String,
    /// `SCHEDULE_DLQ_ARN`: the queue for reminders that could not be handed over.
    pub dead_letter_arn: Option<String>,
}

impl Settings {
    /// Reads all settings or tells every problem.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let allow_private_addresses = reader
            .parsed("ALLOW_PRIVATE_ADDRESSES", boolean)
            .unwrap_or(false);
        let state_table = reader.required("STATE_TABLE", "the DynamoDB table of cases");
        reader.required(
            "APPROVALS_CONFIG",
            "the place of channels and routes, for example s3://my-bucket/approvals.yaml",
        );
        let config = reader.location("APPROVALS_CONFIG");
        let keys_secret = reader.required("KEYS_SECRET_ARN", "the secret that signs links");
        reader.required("DECISION_URL", "the function URL of approval-decision");
        let address = |text: &str| https_address(text, allow_private_addresses);
        let decision_url = reader.parsed("DECISION_URL", address);
        let slack_api_url = reader.parsed("SLACK_API_URL", address);
        let schedules = schedules(&mut reader);
        let audit_retention = reader.parsed("AUDIT_RETENTION_DAYS", days);
        let report_bucket = reader.optional("REPORT_BUCKET");
        let report_prefix = reader.optional("REPORT_PREFIX");
        reader.finish(|| Self {
            state_table,
            config: config.expect("a missing place is a problem, and so is one that can't be read"),
            keys_secret,
            decision_url: decision_url.expect("a missing or wrong address is a problem"),
            report_bucket,
            report_prefix: report_prefix
                .unwrap_or_else(|| REPORT_PREFIX.into())
                .trim_matches('/')
                .to_owned(),
            schedules,
            audit_retention: audit_retention.unwrap_or(AUDIT_RETENTION),
            slack_api_url: slack_api_url.unwrap_or_else(|| SLACK_API.into()),
            allow_private_addresses,
        })
    }
}

/// Both or neither: half of them would mean reminders that never come.
fn schedules(reader: &mut Reader<'_>) -> Option<Schedules> {
    let group = reader.optional("SCHEDULE_GROUP");
    let role_arn = reader.optional("SCHEDULE_ROLE_ARN");
    let dead_letter_arn = reader.optional("SCHEDULE_DLQ_ARN");
    match (group, role_arn) {
        (Some(group), Some(role_arn)) => Some(Schedules {
            group,
            role_arn,
            dead_letter_arn,
        }),
        (None, None) => None,
        (Some(_), None) => {
            reader.problem("SCHEDULE_GROUP is set without SCHEDULE_ROLE_ARN; reminders need both");
            None
        }
        (None, Some(_)) => {
            reader.problem("SCHEDULE_ROLE_ARN is set without SCHEDULE_GROUP; reminders need both");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut values = std::collections::HashMap::from([
            ("STATE_TABLE", "approvals"),
            ("APPROVALS_CONFIG", "s3://config/approvals.yaml"),
            ("KEYS_SECRET_ARN", "arn:keys"),
            (
                "DECISION_URL",
                "https://abc.lambda-url.eu-central-1.on.aws/",
            ),
            ("SCHEDULE_GROUP", "approvals"),
            ("SCHEDULE_ROLE_ARN", "arn:role"),
        ]);
        values.extend(changes.iter().copied());
        Settings::read(&|name| values.get(name).map(ToString::to_string))
    }

    #[test]
    fn defaults_are_sane() {
        let settings = with(&[]).unwrap();
        assert_eq!(
            settings.decision_url,
            "https://abc.lambda-url.eu-central-1.on.aws"
        );
        assert_eq!(settings.slack_api_url, "https://slack.com/api");
        assert_eq!(settings.report_prefix, "reports");
        assert_eq!(settings.report_bucket, None);
        assert_eq!(settings.audit_retention, AUDIT_RETENTION);
        assert!(!settings.allow_private_addresses);
        let silent = with(&[("SCHEDULE_GROUP", ""), ("SCHEDULE_ROLE_ARN", "")]).unwrap();
        assert_eq!(silent.schedules, None, "reminders can be left out");
    }

    #[test]
    fn a_local_address_needs_permission() {
        let local = [("DECISION_URL", "http://127.0.0.1:9000/decide")];
        assert!(with(&local).is_err());
        let allowed = [local[0], ("ALLOW_PRIVATE_ADDRESSES", "true")];
        assert_eq!(
            with(&allowed).unwrap().decision_url,
            "http://127.0.0.1:9000/decide"
        );
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let error = with(&[
            ("STATE_TABLE", ""),
            ("APPROVALS_CONFIG", "http://example.com/approvals.yaml"),
            ("DECISION_URL", "https://example.com/?a=b"),
            ("ALLOW_PRIVATE_ADDRESSES", "maybe"),
            ("SCHEDULE_ROLE_ARN", ""),
            ("AUDIT_RETENTION_DAYS", "0"),
        ])
        .unwrap_err();
        let told = error.problems.join("\n");
        for name in [
            "STATE_TABLE is not set",
            "APPROVALS_CONFIG is \"http://example.com/approvals.yaml\"",
            "DECISION_URL is \"https://example.com/?a=b\": expected an https address",
            "ALLOW_PRIVATE_ADDRESSES is \"maybe\": expected true or false",
            "SCHEDULE_GROUP is set without SCHEDULE_ROLE_ARN",
            "AUDIT_RETENTION_DAYS is \"0\": expected a number of days",
        ] {
            assert!(told.contains(name), "{name} is missing in\n{told}");
        }
        assert_eq!(error.problems.len(), 6, "{told}");
    }
}
