//! Which element of a page a suite means, with references.

use browser::{Locator, TextMatch};

use crate::template::{Missing, Template, Values};

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
