//! Our scripts in a page: the world that they run in, and what comes of one.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{CALL_TIMEOUT, Page};
use crate::{Error, events};

/// The world that our scripts run in.
pub(crate) const ISOLATED_WORLD: &str = "deploy-hooks";
pub(crate) const ISOLATED_WORLD_SCRIPT: &str = concat!(
    include_str!("../scripts/world.js"),
    include_str!("../scripts/contrast.js")
);

impl Page {
    /// Runs `script` in our world of the document that is shown. Where that goes away meanwhile, in the next one's.
    pub(crate) async fn run<T: DeserializeOwned>(&mut self, script: &str) -> Result<T, Error> {
        loop {
            let context = self.world().await?;
            let evaluate = json!({
                "expression": script, "contextId": context, "awaitPromise": true, "returnByValue": true,
                "userGesture": true
            });
            match self
                .call::<ScriptResult>("Runtime.evaluate", evaluate)
                .await
            {
                Ok(evaluated) => return evaluated.value(),
                Err(error) if error.is_of_a_document_gone() => self.forget(context),
                Err(other) => return Err(other),
            }
        }
    }

    pub(crate) fn forget(&mut self, context: i64) {
        if self.world == Some(context) {
            (self.world, self.document) = (None, None);
        }
    }

    /// Our world in the document that is shown, once there is one.
    pub(crate) async fn world(&mut self) -> Result<i64, Error> {
        let until = self.call_until(CALL_TIMEOUT);
        loop {
            if let Some(world) = self.world {
                return Ok(world);
            }
            if !self.take_next(until).await? {
                return Err(Error::Silent {
                    method: "Runtime.evaluate".to_owned(),
                });
            }
        }
    }
}

/// What came of a script.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScriptResult {
    result: events::RemoteObject,
    exception_details: Option<events::ExceptionDetails>,
}

impl ScriptResult {
    pub(crate) fn value<T: DeserializeOwned>(self) -> Result<T, Error> {
        if let Some(thrown) = self.exception_details {
            return Err(Error::Script(thrown.text()));
        }
        let value = self.result.value.unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| Error::nonsense(&error))
    }
}
