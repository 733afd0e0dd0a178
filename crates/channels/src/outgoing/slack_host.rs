//! Which addresses are Slack's. A setting that leads to private networks is for a team's own webhooks; to
//! Slack, where a bot's token is sent, there is one way: https to a host that is known.
//!
//! A stand-in, as in the local AWS, is named by its own setting, `SLACK_API_URL`, and nothing else.

use url::Url;

/// Slack's own hosts and those of `GovSlack`.
/// <https://docs.slack.dev/govslack>
const SLACK_HOSTS: [&str; 4] = [
    "slack.com",
    "hooks.slack.com",
    "slack-gov.com",
    "hooks.slack-gov.com",
];
/// Where answers to people are taken.
const RESPONSE_URL_HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// Whether the configured API is a stand-in for Slack's.
pub(super) fn is_stand_in(api: &str) -> bool {
    !Url::parse(api).is_ok_and(|url| is_of(&url, &SLACK_HOSTS))
}

fn is_of(url: &Url, hosts: &[&str]) -> bool {
    url.scheme() == "https"
        && url.host_str().is_some_and(|host| hosts.contains(&host))
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Whether an address that a message brought is one where Slack takes answers: Slack's own, or one of the
/// stand-in that `api` names.
#[must_use]
pub fn leads_to_slack(url: &str, api: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let stand_in = || {
        let api = Url::parse(api).ok().filter(|_| is_stand_in(api));
        let anonymous = url.username().is_empty() && url.password().is_none();
        anonymous && api.is_some_and(|api| api.origin().is_tuple() && api.origin() == url.origin())
    };
    is_of(&url, &RESPONSE_URL_HOSTS) || stand_in()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SLACK_API;

    #[test]
    fn answers_go_to_slack_only() {
        for slack in [
            "https://hooks.slack.com/actions/T0001/1/x",
            "https://hooks.slack-gov.com/actions/T0001/1/x",
        ] {
            assert!(leads_to_slack(slack, SLACK_API), "{slack}");
        }
        for other in [
            "http://hooks.slack.com/actions/x",
            "https://hooks.slack.com.example.com/x",
            "https://example.com/hooks.slack.com",
            "https://hooks.slack.com@example.com/x",
            "https://user@hooks.slack.com/x",
            "http://hooks.slack-gov.com/actions/x",
            "https://x.hooks.slack-gov.com/x",
            "https://hooks.slack-gov.com.example.com/x",
            "https://hooks.slack.com:8443/x",
            "https://slack.com/api/x",
            "https://169.254.169.254/latest",
            "http://127.0.0.1:4566/response",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!leads_to_slack(other, SLACK_API), "{other}");
            assert!(
                !leads_to_slack(other, "https://slack-gov.com/api"),
                "{other}"
            );
            assert!(!leads_to_slack(other, ""), "{other}");
        }
    }

    #[test]
    fn a_stand_in_takes_its_own_answers_and_no_others() {
        let api = "http://127.0.0.1:4566/_sinks/slack/api";
        assert!(is_stand_in(api) && !is_stand_in(SLACK_API));
        assert!(leads_to_slack(
            "http://127.0.0.1:4566/_sinks/slack/response/1",
            api
        ));
        for other in [
            "http://127.0.0.1:4567/x",
            "https://127.0.0.1:4566/x",
            "http://a@127.0.0.1:4566/x",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
        ] {
            assert!(!leads_to_slack(other, api), "{other}");
        }
    }
}
