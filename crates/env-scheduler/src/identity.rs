//! What the function knows of itself: its account and region, and its URL.

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use common::arn::Arn;
use common::aws::Identity;
use common::failure::{Cause, Failure, Hints};

use crate::settings::Settings;
use crate::{Function, Invocation};

/// An account and a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// Such as `eu-central-1`.
    pub region: String,
}

/// A call by which the function asks Lambda about itself, and that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {sentence}")]
pub struct SelfCallError {
    /// What could not be done.
    pub what: &'static str,
    /// Why.
    pub cause: Cause,
    /// AWS's error in one line, and the remedy.
    pub sentence: String,
}

impl SelfCallError {
    pub(crate) fn new<E>(what: &'static str, permission: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failure = Failure::of(error);
        let hints = Hints {
            permission,
            absent: "check the function's name",
        };
        Self {
            what,
            cause: failure.cause,
            sentence: failure.sentence(Identity::Function, hints),
        }
    }
}

/// Where a function with this ARN runs: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
pub fn place(arn: &str) -> Option<Place> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda")?;
    let known = !arn.region.is_empty() && !arn.account.is_empty();
    known.then(|| Place {
        account: arn.account.to_owned(),
        region: arn.region.to_owned(),
    })
}

/// By which name Lambda is asked for the function itself.
pub(crate) fn name<'a>(settings: &'a Settings, invocation: &'a Invocation) -> &'a str {
    if invocation.own_arn.is_empty() {
        &settings.function_name
    } else {
        &invocation.own_arn
    }
}

/// The function's URL, without a slash at its end: the setting, or what Lambda says, which is asked once.
/// None where the function has none: then there are no links. A stack can't give a function its own URL:
/// each would need the other to be made first.
pub async fn url<'a>(
    function: &'a Function,
    settings: &'a Settings,
) -> Result<Option<&'a str>, SelfCallError> {
    if let Some(url) = &settings.url {
        return Ok(Some(url));
    }
    let ask = || async {
        let call = function.aws.lambda().get_function_url_config();
        let answer = call.function_name(&settings.function_name).send().await;
        match answer {
            Ok(found) => Ok(Some(found.function_url().trim_end_matches('/').to_owned())),
            Err(error) => {
                let error = SelfCallError::new(
                    "the function's own URL could not be found out",
                    "lambda:GetFunctionUrlConfig on itself",
                    &error,
                );
                if error.cause == Cause::Absent {
                    tracing::info!("notices have no links, as the function has no URL");
                    return Ok(None);
                }
                Err(error)
            }
        }
    };
    let known = function.cache.url.get_or_try_init(ask).await?;
    Ok(known.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_where_the_function_runs() {
        let at = place("arn:aws:lambda:eu-central-1:111122223333:function:env-scheduler:live");
        let at = at.unwrap();
        assert_eq!(
            (&*at.account, &*at.region),
            ("111122223333", "eu-central-1")
        );
        for wrong in [
            "",
            "env-scheduler",
            "arn:aws:sns:eu-central-1:1:x",
            "arn:aws:lambda:::f:x",
        ] {
            assert_eq!(place(wrong), None, "{wrong:?}");
        }
    }
}
