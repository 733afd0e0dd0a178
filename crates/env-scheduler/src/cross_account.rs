//! In which account and region a run works, and as whom. The state table stays the function's own.
//!
//! Both must be allowed by the configuration, whatever the event says. A role must be in the account that the event names,
//! before and after it is taken. So a mistake in a list of targets does nothing, instead of something in another account.

use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::types::AssumedRoleUser;
use common::arn::{Arn, Place};
use common::aws::Aws;
use common::failure::{Cause, Failure, Hints};
use environments::config::Config;

use crate::event::Event;
use crate::settings::Settings;
use crate::{Function, Invocation};

/// What the remedies of a failed `AssumeRole` name.
const HINTS: Hints<'_> = Hints {
    permission: "sts:AssumeRole",
    absent: "check the role",
};

/// Why a run can't work where the event wants it to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrossAccountError {
    /// Invoked by something that isn't Lambda.
    #[error(
        "nothing was touched: Lambda did not say the function's ARN (it says {arn:?}), so that its account and region \
         are unknown; invoke it through Lambda"
    )]
    Nameless {
        /// What it says.
        arn: String,
    },
    /// The account or the region is not in the configuration.
    #[error(
        "nothing was touched: the {kind} {name} is not allowed; write it under `{kind}s` in the configuration (now: \
         {allowed}), or take it off the targets"
    )]
    NotAllowed {
        /// `account` or `region`.
        kind: &'static str,
        /// Which.
        name: String,
        /// Those that are allowed.
        allowed: String,
    },
    /// The role would lead into another account than the event says.
    #[error(
        "nothing was touched: the role {role_arn} is not in the account {account}; one of the two is wrong in the event"
    )]
    RoleOfAnother {
        /// The role.
        role_arn: String,
        /// What the event says.
        account: String,
    },
    /// There is no way into that account.
    #[error(
        "nothing was touched: the account {account} is not the function's own ({own}); the event needs role_arn, a role \
         in that account"
    )]
    NoRole {
        /// What the event says.
        account: String,
        /// Where the function runs.
        own: String,
    },
    /// The role could not be taken.
    #[error("nothing was touched: the role {role_arn} could not be taken: {detail}{}", after(.remedy))]
    Refused {
        /// The role.
        role_arn: String,
        /// Why.
        cause: Cause,
        /// AWS's error in one line.
        detail: String,
        /// What to do; empty where the error says it.
        remedy: String,
    },
}

fn after(remedy: &str) -> String {
    if remedy.is_empty() {
        return String::new();
    }
    format!("; {remedy}")
}

/// Where the function itself runs.
pub fn own_place(invocation: &Invocation) -> Result<Place, CrossAccountError> {
    invocation
        .place()
        .ok_or_else(|| CrossAccountError::Nameless {
            arn: invocation.function_arn.clone(),
        })
}

/// Where the run works, if that is allowed.
pub fn allowed(event: &Event, own: &Place, config: &Config) -> Result<Place, CrossAccountError> {
    let account = event.account.as_ref().unwrap_or(&own.account);
    let region = event.region.as_ref().unwrap_or(&own.region);
    let regions = match config.regions.as_slice() {
        [] => std::slice::from_ref(&own.region),
        regions => regions,
    };
    for (kind, name, allowed) in [
        ("account", account, config.accounts.as_slice()),
        ("region", region, regions),
    ] {
        if !allowed.contains(name) {
            return Err(CrossAccountError::NotAllowed {
                kind,
                name: name.clone(),
                allowed: allowed.join(", "),
            });
        }
    }
    match &event.role_arn {
        Some(role_arn) if account_of(role_arn) != Some(account) => {
            Err(CrossAccountError::RoleOfAnother {
                role_arn: role_arn.clone(),
                account: account.clone(),
            })
        }
        None if *account != own.account => Err(CrossAccountError::NoRole {
            account: account.clone(),
            own: own.account.clone(),
        }),
        _ => Ok(Place {
            account: account.clone(),
            region: region.clone(),
        }),
    }
}

/// Clients of that place; none where the function's own will do.
pub async fn clients(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    (event, own, place): (&Event, &Place, &Place),
) -> Result<Option<Aws>, CrossAccountError> {
    let Some(role_arn) = &event.role_arn else {
        let in_other_region = own.region != place.region;
        return Ok(in_other_region.then(|| function.aws.in_region(&place.region, None)));
    };
    let credentials = assume(function, settings, invocation, role_arn).await?;
    Ok(Some(
        function.aws.in_region(&place.region, Some(credentials)),
    ))
}

/// Through the SDK's own client: the package holds two others that speak the same protocol already, so
/// this one weighs little, and a request signed by hand would be one more thing to get wrong.
async fn assume(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    role_arn: &str,
) -> Result<Credentials, CrossAccountError> {
    let refused = |failure: Failure| {
        CrossAccountError::Refused {
        role_arn: role_arn.to_owned(),
        cause: failure.cause,
        remedy: match failure.cause {
            Cause::Denied | Cause::Absent => {
                "it must trust the function's role (and its external id, if there is one), and the function's role needs \
                 sts:AssumeRole on it"
                    .to_owned()
            }
            _ => failure.remedy(function.aws.identity(), HINTS),
        },
        detail: failure.detail,
    }
    };
    let unusable = |detail: &str| {
        refused(Failure {
            cause: Cause::Client,
            detail: detail.to_owned(),
        })
    };
    let call = function
        .aws
        .sts()
        .assume_role()
        .role_arn(role_arn)
        .role_session_name(session_name(&invocation.request_id))
        .set_external_id(settings.external_id.clone());
    let answer = call
        .send()
        .await
        .map_err(|error| refused(Failure::of(&error)))?;
    let taken = answer.assumed_role_user().map(AssumedRoleUser::arn);
    if taken.and_then(account_of) != account_of(role_arn) {
        return Err(unusable("AWS gave a role of another account"));
    }
    let given = answer.credentials;
    let given = given.ok_or_else(|| unusable("AWS gave no credentials"))?;
    Ok(Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        given.expiration.try_into().ok(),
        "AssumeRole",
    ))
}

/// `CloudTrail` shows it there, beside each call: which run it was.
fn session_name(request_id: &str) -> String {
    const MAX_SESSION_NAME: usize = 64;
    let legal = |c: &char| c.is_ascii_alphanumeric() || "_=,.@-".contains(*c);
    let id = request_id.chars().filter(legal);
    "env-scheduler-"
        .chars()
        .chain(id)
        .take(MAX_SESSION_NAME)
        .collect()
}

fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn).map(|arn| arn.account)
}

#[cfg(test)]
mod tests {
    use environments::config::Files;

    use super::*;
    use crate::event::Action;

    const OWN: &str = "111122223333";
    const OTHER: &str = "444455556666";

    fn ask(account: &str, region: &str, role_arn: &str) -> Result<Place, CrossAccountError> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let event = Event {
            account: text(account),
            region: text(region),
            role_arn: text(role_arn),
            ..Event::new(Action::Tick)
        };
        let own = Place {
            account: OWN.into(),
            region: "eu-central-1".into(),
        };
        let config = format!("version: 1\naccounts: ['{OWN}', '{OTHER}']\nzone: UTC\n");
        let config = Config::parse("environments.yaml", &config, &Files::new()).unwrap();
        allowed(&event, &own, &config)
    }

    #[test]
    fn the_functions_own_place_is_the_default() {
        let place = ask("", "", "").unwrap();
        assert_eq!((&*place.account, &*place.region), (OWN, "eu-central-1"));
        let role = format!("arn:aws:iam::{OTHER}:role/worker");
        assert_eq!(ask(OTHER, "", &role).unwrap().account, OTHER);
    }

    #[test]
    fn what_is_not_allowed_is_told_with_its_remedy() {
        let of_own = format!("arn:aws:iam::{OWN}:role/worker");
        let problems = [
            ask("999900001111", "", "arn:aws:iam::999900001111:role/worker"),
            ask("", "us-east-1", ""),
            ask(OTHER, "", &of_own),
            ask(OTHER, "", ""),
        ]
        .map(|refused| refused.unwrap_err().to_string());
        insta::assert_snapshot!(problems.join("\n"), @r#"
        nothing was touched: the account 999900001111 is not allowed; write it under `accounts` in the configuration (now: 111122223333, 444455556666), or take it off the targets
        nothing was touched: the region us-east-1 is not allowed; write it under `regions` in the configuration (now: eu-central-1), or take it off the targets
        nothing was touched: the role arn:aws:iam::111122223333:role/worker is not in the account 444455556666; one of the two is wrong in the event
        nothing was touched: the account 444455556666 is not the function's own (111122223333); the event needs role_arn, a role in that account
        "#);
    }

    #[test]
    fn a_session_is_named_after_its_run() {
        let name = session_name("8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        assert_eq!(name, "env-scheduler-8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        assert_eq!(session_name(&"x/ ".repeat(90)).len(), 64);
    }
}
