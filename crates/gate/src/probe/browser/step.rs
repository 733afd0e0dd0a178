//! One step of a user, as the suite has it.

use std::time::Duration;

use browser::{Key, Locator, TextMatch};

use super::condition::Condition;
use crate::template::{Missing, Template, Values};

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: Option<String>,
    pub(crate) action: Action,
    /// Its own limit.
    pub(crate) timeout: Option<Duration>,
}

/// What is done in it.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Go(Template),
    Click(LocatorTemplate),
    Type {
        into: LocatorTemplate,
        text: Template,
        /// It has a secret.
        secret: bool,
    },
    Select {
        from: LocatorTemplate,
        option: Template,
    },
    Press(String, Key),
    WaitFor(LocatorTemplate),
    Expect(Vec<Condition>),
}

/// Which element is meant, with references.
#[derive(Clone, Debug)]
pub(crate) enum LocatorTemplate {
    Role {
        role: String,
        name: Option<MatchTemplate>,
    },
    Text(MatchTemplate),
    Css(String),
}

/// Which text is meant, with references.
#[derive(Clone, Debug)]
pub(crate) enum MatchTemplate {
    Equals(Template),
    Contains(Template),
}

impl MatchTemplate {
    fn template(&self) -> &Template {
        match self {
            Self::Equals(template) | Self::Contains(template) => template,
        }
    }

    fn filled(&self, values: &Values) -> Result<TextMatch, Missing> {
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = self.template().render(values).map(words)?;
        Ok(match self {
            Self::Equals(_) => TextMatch::Equals(text),
            Self::Contains(_) => TextMatch::Contains(text),
        })
    }

    fn written(&self) -> TextMatch {
        match self {
            Self::Equals(template) => TextMatch::Equals(template.written()),
            Self::Contains(template) => TextMatch::Contains(template.written()),
        }
    }
}

impl LocatorTemplate {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Role { name, .. } => name.iter().for_each(|name| see(name.template())),
            Self::Text(text) => see(text.template()),
            Self::Css(_) => {}
        }
    }

    pub(crate) fn filled(&self, values: &Values) -> Result<Locator, Missing> {
        Ok(match self {
            Self::Role { role, name } => Locator::Role {
                role: role.clone(),
                name: name.as_ref().map(|name| name.filled(values)).transpose()?,
            },
            Self::Text(text) => Locator::Text(text.filled(values)?),
            Self::Css(selector) => Locator::Css(selector.clone()),
        })
    }

    /// With references as they are.
    pub(crate) fn written(&self) -> Locator {
        match self {
            Self::Role { role, name } => Locator::Role {
                role: role.clone(),
                name: name.as_ref().map(MatchTemplate::written),
            },
            Self::Text(text) => Locator::Text(text.written()),
            Self::Css(selector) => Locator::Css(selector.clone()),
        }
    }
}

impl Step {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match &self.action {
            Action::Go(url) => see(url),
            Action::Click(locator) | Action::WaitFor(locator) => locator.templates(see),
            Action::Type { into, text, .. } => {
                into.templates(see);
                see(text);
            }
            Action::Select { from, option } => {
                from.templates(see);
                see(option);
            }
            Action::Press(..) => {}
            Action::Expect(conditions) => {
                for condition in conditions {
                    condition.templates(see);
                }
            }
        }
    }

    /// How many conditions it has.
    pub(crate) fn conditions(&self) -> usize {
        match &self.action {
            Action::Expect(conditions) => conditions.len(),
            _ => 0,
        }
    }

    /// What is done in it, in a few words, with references as they are. What is typed is not among them.
    pub(crate) fn written(&self) -> String {
        match &self.action {
            Action::Go(url) => format!("go to {}", url.written()),
            Action::Click(locator) => format!("click {}", locator.written()),
            Action::Type { into, .. } => format!("type into {}", into.written()),
            Action::Select { from, option } => {
                format!("select {:?} from {}", option.written(), from.written())
            }
            Action::Press(name, _) => format!("press {name}"),
            Action::WaitFor(locator) => format!("wait for {}", locator.written()),
            Action::Expect(conditions) => {
                let said: Vec<String> = conditions.iter().map(Condition::written).collect();
                format!("expect {}", said.join(", "))
            }
        }
    }
}
