//! One step of a user, as the suite has it.

use std::time::Duration;

use browser::Key;

use super::condition::Condition;
use super::locator::LocatorTemplate;
use crate::template::Template;

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

    /// What reports call it.
    pub(crate) fn said(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.written())
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
