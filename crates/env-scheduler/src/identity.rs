//! What the function asks Lambda about itself: its URL.

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use common::aws::Identity;
use common::failure::{Cause, Failure, Hints};

use crate::Function;
use crate::settings::Settings;

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
