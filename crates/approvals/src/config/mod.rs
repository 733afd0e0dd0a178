//! The team's configuration: channels, routes and policy, checked and typed.
//!
//! Everything that can be known to be wrong without AWS is found here, when the file is read, with its
//! place in it. What must never happen: an approver who is let in by a typo, a key that is ignored, a
//! secret that stands in the file itself.

mod decode;
mod forms;
mod glob;
mod keys;
mod location;
mod matching;
pub(crate) mod route;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use contacts::{Channel, Language};
use strict_yaml::{Document, Problem, Problems};

pub use self::glob::{Glob, Globs};
pub use self::location::{ConfigError, load};
pub use self::matching::Matching;
pub use self::route::{
    Escalate, FollowUp, Fraction, OfficeHours, Policy, Route, TrustedRole, UnknownStarter,
};
use crate::Source;
use crate::message::GateDecision;

/// How problems speak of the file.
const FILE: Document = Document {
    noun: "configuration",
    begin: "write a configuration: version, channels, routes",
    split: "keep the file to what people need to read; a configuration is a page or two",
};

/// A loaded configuration. Each channel that a route names is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The language of channels and routes that don't say otherwise.
    pub language: Language,
    /// The configured places, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Who is told and who may decide; the first route that matches counts.
    pub routes: Vec<Route>,
    /// Texts that replace those of a catalogue, by their key there.
    pub texts: BTreeMap<Language, BTreeMap<String, String>>,
    /// The channels that are told of messages that are no approval.
    pub other_messages: Vec<String>,
    /// What is allowed and probably not meant, such as a route that is never reached. For people who
    /// check the file; never a reason to refuse it.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads a configuration. `source` is the name that problems are told under, usually the file's.
    pub fn parse(source: &str, text: &str) -> Result<Self, Problems> {
        decode::config(source, text)
    }

    /// The route of what waits: the first that matches.
    pub fn route(&self, source: &Source) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| route.matching.matches(source))
    }

    /// The route of what a gate has decided: the first that takes it.
    pub fn route_of_decision(&self, decision: &GateDecision) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| route.matching.takes(decision))
    }

    /// The route of a case that was told before; none if the configuration has lost it since.
    pub fn route_named(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name == name)
    }

    /// The language for a channel: its own, else the route's, else the configuration's.
    pub fn language_of(&self, channel: &Channel, route: Option<&Route>) -> Language {
        channel
            .language
            .or_else(|| route.and_then(|route| route.language))
            .unwrap_or(self.language)
    }
}
