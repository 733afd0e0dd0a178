//! The settings of the function, all read at start and told together when they are wrong.

use channels::SLACK_API;
use common::location::Location;
use common::secret::SecretRef;
use common::settings::{Lookup, Reader, SettingsError, days};
use jiff::SignedDuration;
use ledger::AUDIT_RETENTION;
use url::Url;

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `STATE_TABLE`: the `DynamoDB` table of cases and decisions.
    pub state_table: String,
    /// `APPROVALS_CONFIG`: where the routes and their policy are described.
    pub config: Location,
    /// `KEYS_SECRET_ARN`: the secret that links are signed with.
    pub keys_secret: String,
    /// `SLACK_SECRET`: where Slack's signing secret is kept; none: there is no Slack.
    pub slack_secret: Option<SecretRef>,
    /// `AUDIT_RETENTION_DAYS`: how long audit records are kept.
    pub audit_retention: SignedDuration,
    /// `SLACK_API_URL`: Slack's API, or what stands in for it. Answers go to Slack's own hosts, or to the
    /// stand-in's.
    pub slack_api_url: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`, given by Lambda: to invoke itself.
    pub function_name: String,
}

impl Settings {
    /// Reads all settings or tells every problem.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let state_table = reader.required("STATE_TABLE", "the DynamoDB table of cases");
        reader.required(
            "APPROVALS_CONFIG",
            "the place of channels and routes, for example s3://my-bucket/approvals.yaml",
        );
        let config = reader.location("APPROVALS_CONFIG");
        let keys_secret = reader.required("KEYS_SECRET_ARN", "the secret that signs links");
        let slack_secret = reader.secret("SLACK_SECRET", "Slack's signing secret");
        let audit_retention = reader.parsed("AUDIT_RETENTION_DAYS", days);
        let slack_api_url = reader.parsed("SLACK_API_URL", address);
        let function_name = reader.required(
            "AWS_LAMBDA_FUNCTION_NAME",
            "the function's own name; Lambda sets it",
        );
        reader.finish(|| Self {
            state_table,
            config: config.expect("a missing place is a problem, and so is one that can't be read"),
            keys_secret,
            slack_secret,
            audit_retention: audit_retention.unwrap_or(AUDIT_RETENTION),
            slack_api_url: slack_api_url.unwrap_or_else(|| SLACK_API.to_owned()),
            function_name,
        })
    }
}

fn address(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok();
    let web = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    web.map(|_| text.to_owned())
        .ok_or("expected the address of Slack's API, https://slack.com/api")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut values = std::collections::HashMap::from([
            ("STATE_TABLE", "approvals"),
            ("APPROVALS_CONFIG", "s3://bucket/approvals.yaml"),
            (
                "KEYS_SECRET_ARN",
                "arn:aws:secretsmanager:eu-central-1:111122223333:secret:keys",
            ),
            (
                "SLACK_SECRET",
                "secretsmanager:deploy-hooks/slack#signing_secret",
            ),
            ("AWS_LAMBDA_FUNCTION_NAME", "approval-decision"),
        ]);
        values.extend(changes.iter().copied());
        Settings::read(&|name| values.get(name).map(ToString::to_string))
    }

    #[test]
    fn defaults_are_sane() {
        let settings = with(&[("SLACK_SECRET", ""), ("SLACK_API_URL", "")]).unwrap();
        assert_eq!(settings.slack_secret, None, "no Slack");
        assert_eq!(settings.slack_api_url, SLACK_API);
        assert_eq!(settings.audit_retention, AUDIT_RETENTION);
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_secret() {
        let error = with(&[
            ("STATE_TABLE", ""),
            ("APPROVALS_CONFIG", "http://example.com/x"),
            ("KEYS_SECRET_ARN", " "),
            ("SLACK_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
            ("AUDIT_RETENTION_DAYS", "0"),
            ("SLACK_API_URL", "slack.com"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(error.problems.join("\n"), @r#"
        STATE_TABLE is not set; it gives the DynamoDB table of cases
        APPROVALS_CONFIG is "http://example.com/x": expected s3://BUCKET/KEY, ssm:NAME or file:PATH
        KEYS_SECRET_ARN is not set; it gives the secret that signs links
        SLACK_SECRET must say where Slack's signing secret is kept, and not what it is: env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key
        AUDIT_RETENTION_DAYS is "0": expected a number of days, 1 to 65535
        SLACK_API_URL is "slack.com": expected the address of Slack's API, https://slack.com/api
        "#);
    }
}
