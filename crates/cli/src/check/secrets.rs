//! The suite's secrets on a laptop: from the environment, else from where the suite says they are kept.

use std::collections::BTreeMap;

use gate::{SecretRef, Suite};

use crate::clients;
use crate::failure::Failure;

/// The value of every secret of the suite.
pub(super) async fn of(suite: &Suite) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    let mut aws = None;
    for (name, reference) in &suite.secrets {
        let variable = variable_of(name);
        if let Some(value) = common::settings::environment(&variable) {
            if value.trim().is_empty() {
                problems.push(format!("the secret {name:?}: {variable} is empty"));
            } else {
                values.insert(name.clone(), value);
            }
            continue;
        }
        if let SecretRef::Env(own) = reference {
            match common::settings::environment(own).filter(|value| !value.trim().is_empty()) {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => problems.push(format!(
                    "the secret {name:?}: set the environment variable {own}, or {variable}"
                )),
            }
            continue;
        }
        let aws = match &aws {
            Some(aws) => aws,
            None => aws.insert(clients::aws().await),
        };
        match common::secret::read(aws, reference).await {
            Ok(value) => {
                values.insert(name.clone(), value);
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
