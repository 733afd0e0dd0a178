//! The suite's secrets on a laptop: from the environment, else from where the suite says they are kept.

use std::collections::BTreeMap;

use gate::{SecretRef, Stage, Suite};

use crate::clients;
use crate::failure::Failure;

/// The values of the secrets that the checks of a stage need.
pub(super) async fn of(suite: &Suite, stage: Stage) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    let mut aws = None;
    for (name, reference) in suite.secrets_at(stage) {
        let variable = variable_of(name);
        if let Some(value) = common::settings::environment(&variable) {
            if value.trim().is_empty() {
                problems.push(format!("the secret {name:?}: {variable} is empty"));
            } else {
                values.insert(name.to_owned(), value);
            }
            continue;
        }
        if let SecretRef::Env(own) = reference {
            match common::settings::environment(own).filter(|value| !value.trim().is_empty()) {
                Some(value) => {
                    values.insert(name.to_owned(), value);
                }
                None => problems.push(format!(
                    "the secret {name:?}: set the environment variable {own}, or {variable}"
                )),
            }
            continue;
        }
        if aws.is_none() {
            aws = Some(clients::aws().await);
        }
        let read = match &aws {
            Some(Ok(aws)) => common::secret::read(aws, reference)
                .await
                .map_err(|error| error.to_string()),
            Some(Err(unknown)) => Err(unknown.to_string()),
            None => unreachable!("it was just asked for"),
        };
        match read {
            Ok(value) => {
                values.insert(name.to_owned(), value);
            }
            Err(why) => problems.push(format!(
                "the secret {name:?}: {why}; or set the environment variable {variable}"
            )),
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(Failure::Wrong(problems.join("\n")))
    }
}

/// `password` may be given in `DEPLOY_HOOKS_SECRET_PASSWORD`.
fn variable_of(name: &str) -> String {
    format!("DEPLOY_HOOKS_SECRET_{}", name.to_ascii_uppercase())
}
