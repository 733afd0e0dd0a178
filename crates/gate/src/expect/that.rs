//! An expression in CEL that must be true of an answer.
//!
//! Whatever is shown of the values that it met has a name, by which it is masked like those of other expectations;
//! nothing else of the answer gets into a finding.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use exact_cel::{Expression, Fact, MAX_MEMORY, Outcome, Reference, ShownValue, Value};
use exact_json::{Budget, Document};
use http::header::HeaderName;

use super::json::NotJson;
use super::{Actual, Evidence, Finding, ParsedBody, several};
use crate::evidence::Facet;
use crate::redact::{self, MASK};
use crate::template::{Template, Values, Var};

/// `that:` of an expectation.
#[derive(Clone, Debug)]
pub(crate) struct ThatExpectation {
    written: String,
    expression: Arc<Expression>,
    /// What its references stand for, in their order.
    sources: Vec<Source>,
    needs: Vec<Facet>,
    /// Whether a name in it says that its values are secret.
    sensitive: bool,
}

/// Where the value of a reference comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Status,
    Body,
    Json,
    /// In milliseconds.
    Latency,
    Header(HeaderName),
    /// A variable, a secret, a capture or a fact of the target.
    Name(Template),
}

impl Source {
    fn facet(&self) -> Option<Facet> {
        match self {
            Self::Status => Some(Facet::Status),
            Self::Body | Self::Json => Some(Facet::Body),
            Self::Latency => Some(Facet::Latency),
            Self::Header(_) => Some(Facet::Headers),
            Self::Name(_) => None,
        }
    }
}

/// What a reference stands for in one try, held as long as it is judged.
enum ResolvedSource<'a> {
    Var(Var),
    Text(Cow<'a, str>),
    Fact(Fact<'a>),
    Json,
    /// A list, an object or null that an earlier step captured.
    Captured(Document<'static>),
}

impl ThatExpectation {
    pub(crate) fn new(written: &str, expression: Expression, sources: Vec<Source>) -> Self {
        let mut needs: Vec<Facet> = Vec::new();
        for facet in sources.iter().filter_map(Source::facet) {
            if !needs.contains(&facet) {
                needs.push(facet);
            }
        }
        let is_secret = |source: &Source| match source {
            Source::Header(name) => redact::is_secret_header(name.as_str()),
            _ => false,
        };
        Self {
            written: written.to_owned(),
            sensitive: redact::is_secret_path(written) || sources.iter().any(is_secret),
            expression: Arc::new(expression),
            sources,
            needs,
        }
    }

    pub(crate) fn needs(&self) -> &[Facet] {
        &self.needs
    }

    pub(crate) fn reads(&self, source: &Source) -> bool {
        self.sources.contains(source)
    }

    /// Latency is that of the whole answer.
    pub(crate) fn needs_whole_body(&self) -> bool {
        self.needs
            .iter()
            .any(|facet| matches!(facet, Facet::Body | Facet::Latency))
    }

    pub(crate) fn may_be_slow(&self) -> bool {
        self.expression.works() || self.needs.contains(&Facet::Body)
    }

    /// What it may make while it is evaluated.
    pub(crate) fn memory(&self) -> usize {
        if self.may_be_slow() { MAX_MEMORY } else { 0 }
    }

    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        for source in &self.sources {
            if let Source::Name(template) = source {
                see(template);
            }
        }
    }

    /// The expression, without its texts if they may be secret.
    fn demand(&self) -> String {
        let shown = if self.sensitive {
            Expression::without_texts(&self.written, MASK)
        } else {
            self.written.clone()
        };
        let words = shown.split_whitespace();
        words.collect::<Vec<&str>>().join(" ")
    }

    pub(super) fn evaluate(
        &self,
        evidence: &Evidence,
        parsed: &mut ParsedBody<'_>,
        values: &Values,
    ) -> Finding {
        let stop = Arc::clone(parsed.stop);
        let sources = self.sources.iter();
        let held: Vec<ResolvedSource<'_>> = sources
            .map(|source| held(source, evidence, values))
            .collect();
        let json = if self.reads(&Source::Json) {
            Some(parsed.json.get())
        } else {
            None
        };
        let facts: Vec<Fact<'_>> = held
            .iter()
            .map(|held| match held {
                ResolvedSource::Var(var) => Fact::Known(value(var)),
                ResolvedSource::Text(text) => Fact::Known(Value::text(text)),
                ResolvedSource::Fact(fact) => fact.clone(),
                ResolvedSource::Captured(document) => Fact::Known(Value::json(document.root())),
                ResolvedSource::Json => match &json {
                    Some(Ok(document)) => Fact::Known(Value::json(document.root())),
                    Some(Err(NotJson::NotJson(why))) => {
                        Fact::Unfit(format!("a body that is not JSON: {why}"))
                    }
                    Some(Err(NotJson::Unknown(why))) => Fact::Unknown(why.clone()),
                    None => Fact::Missing,
                },
            })
            .collect();
        let budget = Budget::default().until(stop);
        let demand = self.demand();
        match self.expression.evaluate(&facts, &budget) {
            Outcome::Holds => Finding::new(demand, Actual::Words("true".to_owned()), true),
            Outcome::Fails { shown } if shown.is_empty() => {
                Finding::new(demand, Actual::Words("false".to_owned()), false)
            }
            Outcome::Fails { shown } => {
                Finding::new(demand, Actual::Value(self.words(shown)), false)
            }
            Outcome::Unfit { why, shown } => {
                let words = self.words(shown);
                let separator = if words.is_empty() { "" } else { "; " };
                Finding::new(
                    demand,
                    Actual::Value(format!("{why}{separator}{words}")),
                    false,
                )
            }
            Outcome::Errored { why } => Finding::errored(demand, why),
        }
    }

    /// `status 503, json.items[1].price -5`
    fn words(&self, shown: Vec<ShownValue>) -> String {
        let total = shown.len();
        let secret_headers: BTreeSet<String> = self
            .expression
            .references()
            .iter()
            .filter(|one| {
                one.record.as_deref() == Some("headers") && redact::is_secret_header(&one.name)
            })
            .map(Reference::path)
            .collect();
        let words = shown.into_iter().map(|value| {
            // A key that the answer brought may say so, too.
            let is_named = redact::is_secret_path(&value.path)
                || value.place.as_deref().is_none_or(redact::is_secret_path)
                || secret_headers.contains(&value.path);
            // A list or an object with a key that says so.
            let has_named =
                value.shown.starts_with(['[', '{']) && redact::is_secret_path(&value.shown);
            let secret = value.is_value && (is_named || has_named);
            let shown = if secret { MASK } else { &value.shown };
            format!("{} {shown}", value.path)
        });
        several(words, total, ", ")
    }
}

fn held<'a>(source: &Source, evidence: &'a Evidence, values: &Values) -> ResolvedSource<'a> {
    match source {
        Source::Status => ResolvedSource::Fact(match evidence.status {
            Some(status) => Fact::Known(Value::whole(status.into())),
            None => Fact::Unknown("the answer has no status of HTTP".to_owned()),
        }),
        Source::Body => match evidence.body.text() {
            Ok(text) => ResolvedSource::Text(text),
            Err(why) => ResolvedSource::Fact(Fact::Unknown(why.to_string())),
        },
        Source::Json => ResolvedSource::Json,
        Source::Latency => {
            let (millis, nanos) = (
                evidence.latency.as_millis(),
                evidence.latency.subsec_nanos(),
            );
            let exact = format!("{millis}.{:06}", nanos % 1_000_000);
            let exact = exact.trim_end_matches('0').trim_end_matches('.').to_owned();
            ResolvedSource::Fact(Fact::Known(Value::decimal(exact)))
        }
        Source::Header(name) => {
            let values = evidence.header_values(name);
            if values.is_empty() {
                ResolvedSource::Fact(Fact::Missing)
            } else {
                ResolvedSource::Text(values.join(", ").into())
            }
        }
        Source::Name(template) => match template.render_value(values) {
            Ok(Var::Structure(written)) => match Document::parse(written) {
                Ok(document) => ResolvedSource::Captured(document),
                Err(why) => ResolvedSource::Fact(Fact::Unknown(why.to_string())),
            },
            Ok(var) => ResolvedSource::Var(var),
            Err(missing) => ResolvedSource::Fact(Fact::Unknown(missing.to_string())),
        },
    }
}

fn value(var: &Var) -> Value<'_> {
    match var {
        Var::Text(text) | Var::Structure(text) => Value::text(text),
        Var::Bool { value, .. } => Value::bool(*value),
        Var::Number { value, .. } => Value::decimal(value.as_str()),
        Var::Json { value, written } => match value {
            exact_json::Value::Bool(value) => Value::bool(*value),
            exact_json::Value::Number(number) => Value::decimal(number.as_str()),
            _ => Value::text(written),
        },
    }
}
