//! Where a secret is kept. Files name the place; the value itself never stands in a file, and nothing
//! here ever holds one.

use std::fmt;

use crate::findings::Findings;
use crate::node::{Node, Value};
use crate::words::is_name;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `env:NAME`, an environment variable, for a laptop.
    Env(String),
    /// `ssm:/path`, a parameter of Systems Manager's Parameter Store.
    Ssm(String),
    /// `secretsmanager:id` or `secretsmanager:id#key`, for one key of a JSON secret.
    SecretsManager {
        /// Name or ARN of the secret.
        id: String,
        /// The key of a secret that is a JSON object.
        json_key: Option<String>,
    },
}

impl SecretRef {
    /// The forms that there are, for problems.
    pub const SECRET_FORMS: &str =
        "env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key";

    /// Reads one of [`SecretRef::SECRET_FORMS`]. What is refused must not be repeated in an error: someone
    /// may have written the secret itself.
    pub fn parse(written: &str) -> Option<Self> {
        let (kind, place) = written.split_once(':')?;
        if place.is_empty() || place.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        match kind {
            "env" => is_name(place).then(|| Self::Env(place.to_owned())),
            "ssm" => Some(Self::Ssm(place.to_owned())),
            "secretsmanager" => {
                let (id, key) = match place.split_once('#') {
                    Some((id, key)) => (id, Some(key)),
                    None => (place, None),
                };
                let complete = !id.is_empty() && key != Some("");
                complete.then(|| Self::SecretsManager {
                    id: id.to_owned(),
                    json_key: key.map(str::to_owned),
                })
            }
            _ => None,
        }
    }

    /// Reads a value that says where a secret is kept. `label` is what the problem calls the secret,
    /// `file` what it calls the file.
    pub fn read(node: &Node, label: &str, file: &str, problems: &Findings) -> Option<Self> {
        let reference = match &node.value {
            Value::Text(text) => Self::parse(text),
            _ => None,
        };
        if reference.is_none() {
            problems.add(
                node.at,
                format!("{label} does not say where it is kept"),
                format!(
                    "write {}; the secret itself must not be in the {file}",
                    Self::SECRET_FORMS
                ),
            );
        }
        reference
    }
}

/// As it is written in a file.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Ssm(path) => write!(f, "ssm:{path}"),
            Self::SecretsManager { id, json_key } => {
                write!(f, "secretsmanager:{id}")?;
                json_key.iter().try_for_each(|key| write!(f, "#{key}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_told_as_it_was_written() {
        for written in [
            "env:SLACK_TOKEN",
            "ssm:/shop/key",
            "ssm:plain",
            "secretsmanager:deploy-hooks/slack",
            "secretsmanager:deploy-hooks/slack#bot_token",
            "secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf#k",
        ] {
            let read = SecretRef::parse(written).unwrap();
            assert_eq!(read.to_string(), written);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for written in [
            "",
            "hunter2",
            "env:",
            "env:a b",
            "env:1A",
            "ssm:",
            "ssm:/a b",
            "secretsmanager:#key",
            "secretsmanager:id#",
            "vault:x",
            "ENV:X",
        ] {
            assert_eq!(SecretRef::parse(written), None, "{written:?}");
        }
    }
}
