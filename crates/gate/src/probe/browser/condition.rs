//! What a page must be like: its text, title and address, and elements of it.

use browser::{Error, Page};

use super::locator::LocatorTemplate;
use crate::expect::{Actual, Comparison, Finding, TextCondition};
use crate::probe::ProbeError;
use crate::probe::received;
use crate::template::{Template, Values};

/// One entry under `expect` of a step.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Text(Vec<TextCondition>),
    Title(Vec<TextCondition>),
    Url(Vec<TextCondition>),
    Element(ElementCondition),
}

/// What elements must be like.
#[derive(Clone, Debug)]
pub(crate) struct ElementCondition {
    pub(crate) locator: LocatorTemplate,
    pub(crate) count: Option<Comparison>,
    /// Whether there must be any.
    pub(crate) exists: Option<bool>,
    /// Judge this attribute instead of the text.
    pub(crate) attribute: Option<String>,
    pub(crate) tests: Vec<TextCondition>,
}

impl Condition {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        let tests = match self {
            Self::Text(tests) | Self::Title(tests) | Self::Url(tests) => tests,
            Self::Element(element) => {
                element.locator.templates(see);
                &element.tests
            }
        };
        for test in tests {
            test.templates(see);
        }
    }

    pub(crate) fn written(&self) -> String {
        match self {
            Self::Text(_) => "text".to_owned(),
            Self::Title(_) => "title".to_owned(),
            Self::Url(_) => "url".to_owned(),
            Self::Element(element) => element.locator.written().to_string(),
        }
    }

    /// Whether a page that has not come to an end yet may meet it for a moment only.
    pub(crate) fn may_hold_too_early(&self) -> bool {
        let absent = |tests: &[TextCondition]| {
            tests.iter().any(|test| {
                matches!(
                    test,
                    TextCondition::NotContains(_)
                        | TextCondition::NotEquals(_)
                        | TextCondition::NotMatches(_)
                )
            })
        };
        match self {
            Self::Text(tests) | Self::Title(tests) | Self::Url(tests) => absent(tests),
            Self::Element(element) => {
                let few = element.count.is_some_and(|count| count.holds_for_count(0));
                element.exists == Some(false) || few || absent(&element.tests)
            }
        }
    }

    /// What came of it now.
    pub(crate) async fn judge(
        &self,
        page: &mut Page,
        values: &Values,
    ) -> Result<Vec<Finding>, ConditionError> {
        let (subject, tests) = match self {
            Self::Element(element) => return element.judge(page, values).await,
            Self::Text(tests) => ("the page's text", tests),
            Self::Title(tests) => ("the title", tests),
            Self::Url(tests) => ("the page's URL", tests),
        };
        let view = page.view().await?;
        let text = match self {
            Self::Title(_) => view.title,
            Self::Url(_) => view.url,
            Self::Text(_) | Self::Element(_) => {
                let words: Vec<&str> = view.text.split_whitespace().collect();
                words.join(" ")
            }
        };
        Ok(received::judge(subject, text, tests, values).await?)
    }
}

impl ElementCondition {
    async fn judge(
        &self,
        page: &mut Page,
        values: &Values,
    ) -> Result<Vec<Finding>, ConditionError> {
        let locator = self.locator.filled(values).map_err(ProbeError::from)?;
        let located = page.locate(&locator).await?;
        if located.invalid {
            let why = "it is no CSS selector that the browser knows";
            return Ok(vec![Finding::errored(locator.to_string(), why)]);
        }
        let seen = located.seen;
        let hidden = located.all.saturating_sub(seen);
        let got = || {
            Actual::Words(match (seen, hidden) {
                (0, 0) => "none".to_owned(),
                (seen, 0) => format!("{seen} visible"),
                (seen, hidden) => format!("{seen} visible, {hidden} not"),
            })
        };
        let mut findings = Vec::new();
        if let Some(exists) = self.exists {
            let demand = if exists {
                locator.to_string()
            } else {
                format!("no {locator}")
            };
            findings.push(Finding::new(demand, got(), exists == (seen > 0)));
        }
        if let Some(count) = self.count {
            let demand = format!("{} {locator}", count.of("element"));
            findings.push(Finding::new(demand, got(), count.holds_for_count(seen)));
        }
        if !self.tests.is_empty() {
            let texts = page.look(self.attribute.as_deref()).await?;
            let present: Vec<String> = texts.into_iter().flatten().collect();
            let subject = match &self.attribute {
                Some(attribute) => format!("{attribute} of {locator}"),
                None => format!("text of {locator}"),
            };
            let demanded = self.tests.clone();
            let values = values.clone();
            let judged = tokio::task::spawn_blocking(move || {
                let present: Vec<&str> = present.iter().map(String::as_str).collect();
                crate::expect::evaluate_text(&subject, &demanded, &present, &values)
            });
            let judged = judged
                .await
                .map_err(|error| ProbeError::errored(format!("judging an element broke: {error}")));
            findings.extend(judged?);
        }
        Ok(findings)
    }
}

/// Why a condition could not be judged.
#[derive(Debug)]
pub(crate) enum ConditionError {
    Browser(Error),
    Probe(ProbeError),
}

impl From<Error> for ConditionError {
    fn from(error: Error) -> Self {
        Self::Browser(error)
    }
}

impl From<ProbeError> for ConditionError {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error)
    }
}

impl ConditionError {
    pub(crate) fn into_probe_error(self) -> ProbeError {
        match self {
            Self::Browser(error) => super::unmeasured(error),
            Self::Probe(error) => error,
        }
    }
}
