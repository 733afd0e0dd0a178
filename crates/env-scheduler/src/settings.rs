//! The settings of the function, all read at start, with all problems reported together.
//!
//! No secret is a setting: the keys, webhook addresses and Slack's secret lie in Secrets Manager or the
//! Parameter Store, and are read when they are needed.

use common::location::Location;
use common::secret::SecretRef;
use common::settings::{Lookup, Reader, SettingsError, boolean, https_address, topic_arn};
use schedule::Schedule;

/// When things run, unless `ENVIRONMENTS_WINDOWS` or a configuration says otherwise.
pub const DEFAULT_WINDOWS: &str = "Mon-Fri 09:00-22:00";
/// Where, unless `ENVIRONMENTS_ZONE` says otherwise.
pub const DEFAULT_ZONE: &str = "UTC";
/// The key of the tag that opts in, unless `ENVIRONMENTS_TAG` says otherwise.
pub const DEFAULT_TAG: &str = "deploy-hooks:schedule";
/// Slack's own address.
const SLACK_API_URL: &str = "https://slack.com/api";

/// What the function's environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ENVIRONMENTS_CONFIG`, or else what the other settings make of it.
    pub source: Source,
    /// `ENVIRONMENTS_DRY_RUN`: true unless it says exactly `false`. Nothing is changed, only reported.
    pub dry_run: bool,
    /// `STATE_TABLE`: the `DynamoDB` table of records and requests.
    pub state_table: String,
    /// `KEYS_SECRET_ARN`: the secret that links are signed with.
    pub keys_secret: String,
    /// `ENVIRONMENTS_TOPIC`: the SNS topic of notices, summaries and problems; none: it isn't used.
    pub topic: Option<String>,
    /// `ENVIRONMENTS_URL`: the function's own URL, without a slash at its end. None: Lambda is asked
    /// ([`crate::identity::url`]), as a function can't be given its own URL when it is made.
    pub url: Option<String>,
    /// `ENVIRONMENTS_EXTERNAL_ID`: said when the role of another account is taken.
    pub external_id: Option<String>,
    /// `SLACK_SECRET`: where Slack's signing secret is kept; none: nothing is taken from Slack.
    pub slack_secret: Option<SecretRef>,
    /// `SLACK_API_URL`: Slack, or what stands in for it.
    pub slack_api_url: String,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether webhooks may lead into a private network.
    pub allow_private_addresses: bool,
    /// `AWS_LAMBDA_FUNCTION_NAME`, given by Lambda.
    pub function_name: String,
    /// Whether AWS is a local one (`AWS_ENDPOINT_URL` is set), whose clock may be ahead of the real one.
    pub local: bool,
}

/// Where the configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that people wrote.
    File(Location),
    /// The settings alone: one schedule, one tag, the function's own account and region.
    Parameters(Parameters),
}

/// A configuration of one page less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// `ENVIRONMENTS_WINDOWS`
    pub windows: String,
    /// `ENVIRONMENTS_ZONE`
    pub zone: String,
    /// `ENVIRONMENTS_TAG`
    pub tag: String,
}

impl Settings {
    /// Reads all settings, or reports every problem.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let source = source(&mut reader);
        // Whatever else it says, nothing is changed: only one word is a yes to changes.
        let dry_run = reader.optional("ENVIRONMENTS_DRY_RUN").as_deref() != Some("false");
        let allow_private_addresses = reader
            .parsed("ALLOW_PRIVATE_ADDRESSES", boolean)
            .unwrap_or(false);
        let address = |text: &str| https_address(text, allow_private_addresses);
        let state_table = reader.required(
            "STATE_TABLE",
            "the DynamoDB table of what services had before they slept",
        );
        let keys_secret = reader.required("KEYS_SECRET_ARN", "the secret that signs links");
        let topic = reader.parsed("ENVIRONMENTS_TOPIC", topic_arn);
        let url = reader.parsed("ENVIRONMENTS_URL", address);
        let external_id = reader.optional("ENVIRONMENTS_EXTERNAL_ID");
        let slack_secret = reader.secret("SLACK_SECRET", "Slack's signing secret");
        let slack_api_url = reader.parsed("SLACK_API_URL", address);
        let local = reader.optional("AWS_ENDPOINT_URL").is_some();
        let function_name = reader.required(
            "AWS_LAMBDA_FUNCTION_NAME",
            "the function's own name; Lambda sets it",
        );
        reader.finish(|| Self {
            source: source.expect("what can't be read is a problem"),
            dry_run,
            state_table,
            keys_secret,
            topic,
            url,
            external_id,
            slack_secret,
            slack_api_url: slack_api_url.unwrap_or_else(|| SLACK_API_URL.into()),
            allow_private_addresses,
            function_name,
            local,
        })
    }
}

/// The file, if there is one: then the three parameters, which always have defaults in a stack, don't count.
fn source(reader: &mut Reader<'_>) -> Option<Source> {
    let root = reader
        .optional("LAMBDA_TASK_ROOT")
        .unwrap_or_else(|| ".".into());
    if reader.optional("ENVIRONMENTS_CONFIG").is_some() {
        let place = reader.parsed("ENVIRONMENTS_CONFIG", |text| Location::parse(text, &root));
        return place.map(Source::File);
    }
    let zone = reader.optional("ENVIRONMENTS_ZONE");
    let zone_is_right = zone.is_none() || reader.parsed("ENVIRONMENTS_ZONE", zone_known).is_some();
    let zone = zone.unwrap_or_else(|| DEFAULT_ZONE.into());
    // In a wrong zone no window would be right.
    let within = if zone_is_right { &zone } else { DEFAULT_ZONE };
    let windows = reader.parsed("ENVIRONMENTS_WINDOWS", |text| windows(text, within));
    let tag = reader.parsed("ENVIRONMENTS_TAG", tag);
    Some(Source::Parameters(Parameters {
        windows: windows.unwrap_or_else(|| DEFAULT_WINDOWS.into()),
        zone,
        tag: tag.unwrap_or_else(|| DEFAULT_TAG.into()),
    }))
}

/// A window is the one thing that knows all zones.
fn zone_known(zone: &str) -> Result<(), String> {
    windows("Mon 00:00-24:00", zone).map(drop)
}

fn windows(text: &str, zone: &str) -> Result<String, String> {
    match Schedule::parse(text, Some(zone)) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{}; {}", error.problem, error.remedy)),
    }
}

fn tag(key: &str) -> Result<String, &'static str> {
    let legal = environments::backup_tag::is_legal(key) && !key.starts_with("aws:");
    if legal && key.chars().count() <= 128 {
        Ok(key.to_owned())
    } else {
        Err(
            "expected a tag's key: up to 128 letters, digits, spaces and _.:/=+-@, not beginning with aws:",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut values = std::collections::HashMap::from([
            ("STATE_TABLE", "state"),
            ("KEYS_SECRET_ARN", "arn:keys"),
            ("AWS_LAMBDA_FUNCTION_NAME", "env-scheduler"),
        ]);
        values.extend(changes.iter().copied());
        Settings::read(&|name| values.get(name).map(ToString::to_string))
    }

    #[test]
    fn defaults_are_sane_and_change_nothing() {
        let settings = with(&[]).unwrap();
        assert!(settings.dry_run);
        let made = Parameters {
            windows: DEFAULT_WINDOWS.into(),
            zone: DEFAULT_ZONE.into(),
            tag: DEFAULT_TAG.into(),
        };
        assert_eq!(settings.source, Source::Parameters(made));
        assert_eq!((settings.topic, settings.url), (None, None));
        assert!(!settings.allow_private_addresses && !settings.local);
    }

    #[test]
    fn only_one_word_ends_the_dry_run() {
        for (message, dry) in [
            ("false", false),
            (" false ", false),
            ("", true),
            ("False", true),
            ("no", true),
            ("0", true),
            ("true", true),
        ] {
            let settings = with(&[("ENVIRONMENTS_DRY_RUN", message)]).unwrap();
            assert_eq!(settings.dry_run, dry, "{message:?}");
        }
    }

    #[test]
    fn a_file_counts_more_than_parameters() {
        let settings = with(&[
            ("ENVIRONMENTS_CONFIG", "s3://bucket/environments.yaml"),
            ("ENVIRONMENTS_WINDOWS", "nonsense"),
        ]);
        assert!(matches!(settings.unwrap().source, Source::File(_)));
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_secret() {
        let error = with(&[
            ("STATE_TABLE", ""),
            ("KEYS_SECRET_ARN", " "),
            ("ENVIRONMENTS_WINDOWS", "Mon-Fri 9-22"),
            ("ENVIRONMENTS_ZONE", "Europe/Berlinn"),
            ("ENVIRONMENTS_TAG", "aws:schedule"),
            ("ENVIRONMENTS_TOPIC", "environments"),
            ("ENVIRONMENTS_URL", "https://example.com/?a=b"),
            ("SLACK_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
            ("ALLOW_PRIVATE_ADDRESSES", "yes"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(error.problems.join("\n"), @r#"
        ENVIRONMENTS_ZONE is "Europe/Berlinn": the default time zone can't be used: unknown time zone "Europe/Berlinn"; did you mean Europe/Berlin?
        ENVIRONMENTS_WINDOWS is "Mon-Fri 9-22": "9" is not a time of day; write 09:00
        ENVIRONMENTS_TAG is "aws:schedule": expected a tag's key: up to 128 letters, digits, spaces and _.:/=+-@, not beginning with aws:
        ALLOW_PRIVATE_ADDRESSES is "yes": expected true or false
        STATE_TABLE is not set; it gives the DynamoDB table of what services had before they slept
        KEYS_SECRET_ARN is not set; it gives the secret that signs links
        ENVIRONMENTS_TOPIC is "environments": expected the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME
        ENVIRONMENTS_URL is "https://example.com/?a=b": expected an https address without a query, https://HOST/PATH
        SLACK_SECRET must say where Slack's signing secret is kept, and not what it is: env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key
        "#);
        let error = with(&[("ENVIRONMENTS_CONFIG", "http://example.com/x")]).unwrap_err();
        insta::assert_snapshot!(error.problems.join("\n"), @r#"ENVIRONMENTS_CONFIG is "http://example.com/x": expected s3://BUCKET/KEY, ssm:NAME or file:PATH"#);
    }
}
