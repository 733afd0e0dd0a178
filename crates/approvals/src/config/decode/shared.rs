//! The parts of this configuration that others have in the same form: channels, lists of their names,
//! languages, and who somebody is.

use std::collections::BTreeMap;

use strict_yaml::{Findings, Node, Object, Table};

use super::{Context, channels, policy};
use crate::config::{Approver, Channel, Language, forms, keys};

/// The channels of another configuration.
#[derive(Debug, Default)]
pub struct Channels {
    /// Those that could be read.
    pub read: BTreeMap<String, Channel>,
    /// The names of all: a channel that is wrong is not unknown as well.
    names: Vec<String>,
}

impl Channels {
    /// Reads `channels:`.
    pub fn of(node: &Node, problems: &Findings) -> Self {
        let (read, names) = channels::all(node, problems);
        Self { read, names }
    }

    /// Names of these channels: at least one, each known, none twice.
    pub fn told(&self, node: &Node, told: &str, problems: &Findings) -> Option<Vec<String>> {
        self.context(problems).tell(node, told)
    }

    /// People and holders of links, each once; none if one of them is wrong.
    pub fn people(&self, node: &Node, told: &str, problems: &Findings) -> Option<Vec<Approver>> {
        policy::approvers(node, told, &self.context(problems))
    }

    fn context<'a>(&'a self, problems: &'a Findings) -> Context<'a> {
        Context {
            problems,
            channels: &self.read,
            names: &self.names,
        }
    }
}

/// The key `language` of an object that has one.
pub fn language(object: &Object<'_>, problems: &Findings) -> Option<Language> {
    super::language(object, problems)
}

/// Whether a text is the id of a workspace of Slack, `T…`, or of an organisation, `E…`.
pub fn is_slack_team(text: &str) -> bool {
    forms::is_slack_id(text, "TE")
}

/// The keys of a channel's objects, for a test against a schema that describes them.
pub fn tables() -> [&'static Table; 8] {
    [
        &keys::CHANNEL,
        &keys::SLACK,
        &keys::SLACK_WEBHOOK,
        &keys::TEAMS,
        &keys::SES,
        &keys::SNS,
        &keys::WEBHOOK,
        &keys::AMAZON_Q,
    ]
}
