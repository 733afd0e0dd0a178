//! Demands on the redirects that were followed: how many, through where, and where the answer came from.

use super::{Actual, Comparison, Finding, TextCondition, several, text_condition};
use crate::evidence::Evidence;
use crate::probe::request_url::RequestUrl;
use crate::template::{Template, Values};
use crate::words;

/// One demand on redirects.
#[derive(Clone, Debug)]
pub(crate) enum RedirectCondition {
    /// How many were followed; none may be meant.
    Count(Comparison),
    /// Every place that one led to, in order: paths, or absolute URLs.
    Through(Vec<Template>),
    /// Where the answer came from.
    Url(Vec<TextCondition>),
}

impl RedirectCondition {
    pub(super) fn evaluate(
        &self,
        evidence: &Evidence,
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        let Some(exchange) = &evidence.exchange else {
            return findings.push(Finding::errored(
                "redirects",
                "the answer did not come by HTTP",
            ));
        };
        let followed = &exchange.redirects;
        match self {
            Self::Count(expected) => findings.push(Finding::new(
                expected.of("redirect"),
                Actual::Words(words::count(followed.len(), "redirect")),
                u64::try_from(followed.len()).is_ok_and(|count| expected.holds(count)),
            )),
            Self::Url(tests) => {
                let url = exchange.url.to_string();
                let found = text_condition::evaluate("final URL", tests, &[&url], values);
                findings.extend(found);
            }
            Self::Through(places) => findings.push(through(places, followed, values)),
        }
    }
}

fn through(places: &[Template], followed: &[RequestUrl], values: &Values) -> Finding {
    const DEMAND: &str = "redirects to";
    let places: Result<Vec<String>, _> = places.iter().map(|place| place.render(values)).collect();
    let places = match places {
        Ok(places) => places,
        Err(missing) => return Finding::errored(DEMAND, missing.to_string()),
    };
    let is_at = |place: &String, url: &RequestUrl| *place == url.path || *place == url.to_string();
    let met = places.len() == followed.len()
        && places
            .iter()
            .zip(followed)
            .all(|(place, url)| is_at(place, url));
    let got = if followed.is_empty() {
        Actual::Words("none".to_owned())
    } else {
        let urls = followed.iter().map(RequestUrl::to_string);
        Actual::Value(several(urls, followed.len(), ", then "))
    };
    let expected = several(places.iter().cloned(), places.len(), ", then ");
    Finding::new(DEMAND, got, met).wanting(expected)
}
