//! What the function asks Lambda about itself: its URL.

use common::aws::Identity;
use common::failure::{Cause, Failure, Hints};
use common::json_api::CallError;
use common::rest_api::{self, LAMBDA, path_segment};
use serde_json::Value;

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
    pub(crate) fn new(what: &'static str, permission: &str, error: &CallError) -> Self {
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
        let name = path_segment(&settings.function_name);
        let path = format!("/2021-10-31/functions/{name}/url");
        let route = ("GET", path.as_str());
        let call = rest_api::call(
            &function.aws,
            LAMBDA,
            "GetFunctionUrlConfig",
            route,
            Value::Null,
        );
        match call.await {
            Ok(found) => {
                let url = found["FunctionUrl"].as_str().unwrap_or_default();
                Ok(Some(url.trim_end_matches('/').to_owned()))
            }
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
