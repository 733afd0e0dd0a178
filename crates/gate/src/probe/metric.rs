//! The `metric` probe: a metric of the new version, against a limit or against the old version over the same window.
//!
//! The judgement is [`metric::judge`]; here the question is filled and asked.

use std::borrow::Cow;
use std::time::Duration;

use futures::FutureExt;
use metric::{Outcome, Question, Samples};

use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Trace};
use crate::cloud::{MetricQuery, MetricStat};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};
use crate::template::{Missing, Reference, Template, Values};
use crate::words;

/// A fact of the new version, and the one that stands for it in the same question about the old version.
pub(crate) const OLD_FACTS: &[(&str, &str)] = &[
    ("target_group", "old_target_group"),
    ("version", "old_version"),
    ("task_definition", "old_task_definition"),
    ("image", "old_image"),
    ("revision", "old_revision"),
    ("target_version", "current_version"),
];

/// A metric of the new version.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) queries: Vec<Query>,
    pub(crate) expression: String,
    pub(crate) count: Option<String>,
    pub(crate) period: Duration,
    pub(crate) window: Duration,
    pub(crate) delay: Duration,
    /// Its name is that of the expression or the metric; reasons have the check's name already.
    pub(crate) question: Question,
}

/// A metric that the expression uses.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) dimensions: Vec<(String, Template)>,
    pub(crate) statistic: String,
}

impl Metric {
    fn query(&self, values: &Values) -> Result<MetricQuery, ProbeError> {
        let new = self.filled(|reference| values.text(reference).map(Cow::into_owned))?;
        let mut old = None;
        if self.question.compare.is_some() {
            let filled = self.filled(|reference| of_old(reference, values))?;
            if filled == new {
                return Err(ProbeError::errored(
                    "the old version has the same dimensions as the new one, so it would be compared with itself",
                ));
            }
            old = Some(filled);
        }
        Ok(MetricQuery {
            new,
            old,
            expression: self.expression.clone(),
            count: self.count.clone(),
            period: self.period,
            window: self.window,
            delay: self.delay,
        })
    }

    fn filled(
        &self,
        fill: impl Fn(&Reference) -> Result<String, Missing>,
    ) -> Result<Vec<MetricStat>, Missing> {
        let of = |query: &Query| {
            let dimensions = query.dimensions.iter();
            let dimensions: Result<_, Missing> = dimensions
                .map(|(name, value)| Ok((name.clone(), value.render_with(&fill)?)))
                .collect();
            Ok(MetricStat {
                id: query.id.clone(),
                namespace: query.namespace.clone(),
                metric: query.metric.clone(),
                dimensions: dimensions?,
                statistic: query.statistic.clone(),
            })
        };
        self.queries.iter().map(of).collect()
    }
}

fn of_old(reference: &Reference, values: &Values) -> Result<String, Missing> {
    let old = match reference {
        Reference::Target(key) => OLD_FACTS.iter().find(|(new, _)| new == key),
        Reference::Name(_) | Reference::Function(_) => None,
    };
    let filled = match old {
        Some((_, old)) => values.text(&Reference::Target((*old).to_owned())),
        None => values.text(reference),
    };
    filled.map(Cow::into_owned)
}

impl ProbeKind for Metric {
    fn profile(&self) -> Profile {
        Profile {
            received: 1024 * 1024,
            needs_traffic: true,
            ..Profile::asks_others("metric")
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        let dimensions = self.queries.iter().flat_map(|query| &query.dimensions);
        dimensions.for_each(|(_, value)| see(value));
    }

    fn asks(&self) -> Vec<String> {
        let Question { name, compare, .. } = &self.question;
        let whom = compare.as_ref().map_or("", |_| ", of both versions");
        vec![format!(
            "{name} over {}{whom}",
            words::duration(self.window)
        )]
    }

    fn conditions(&self) -> usize {
        usize::from(self.question.fail_when.is_some())
            + usize::from(self.question.compare.is_some())
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            trace.request = Some(format!(
                "metric {} over {}",
                self.question.name,
                words::duration(self.window)
            ));
            let query = self.query(&context.values)?;
            let values = context.cloud("metrics")?.metric(&query).await?;
            let samples = Samples {
                new: values.new,
                new_count: values.new_count,
                old: values.old,
            };
            Ok(Observation::of_others([judge(&self.question, &samples)]))
        }
        .boxed()
    }
}

fn judge(question: &Question, samples: &Samples) -> Finding {
    judged(&demand(question), question, samples)
}

/// What the samples come to, under the words of what is demanded.
pub(super) fn judged(demand: &str, question: &Question, samples: &Samples) -> Finding {
    let judgement = metric::judge(question, samples);
    let got = Actual::Words(judgement.reason);
    match judgement.outcome {
        Outcome::Passed => Finding::new(demand, got, true),
        Outcome::Failed => Finding::new(demand, got, false),
        Outcome::Inconclusive => Finding::inconclusive(demand, got),
        Outcome::NoData => Finding::no_data(demand, got),
    }
}

fn demand(question: &Question) -> String {
    let limit = question
        .fail_when
        .as_ref()
        .map(|limit| format!("not {limit}"));
    let old = question
        .compare
        .map(|_| "no worse than the old version".to_owned());
    let demands: Vec<String> = limit.into_iter().chain(old).collect();
    format!("{} {}", question.name, demands.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;
    use metric::{Aggregate, Comparison, Limit};

    fn probe(dimension: &str, compare: bool) -> Metric {
        Metric {
            queries: vec![Query {
                id: "m".to_owned(),
                namespace: "AWS/ApplicationELB".to_owned(),
                metric: "RequestCount".to_owned(),
                dimensions: vec![(
                    "TargetGroup".to_owned(),
                    Template::parse(dimension).unwrap(),
                )],
                statistic: "Sum".to_owned(),
            }],
            expression: "m".to_owned(),
            count: None,
            period: Duration::from_mins(1),
            window: Duration::from_mins(5),
            delay: Duration::ZERO,
            question: Question {
                name: "m".to_owned(),
                unit: String::new(),
                aggregate: Aggregate::Mean,
                fail_when: Limit::parse("> 1"),
                compare: compare.then(Comparison::default),
                min_samples: 1,
            },
        }
    }

    fn values(facts: &[(&str, &str)]) -> Values {
        let fact = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Values {
            target: std::sync::Arc::new(facts.iter().map(fact).collect()),
            ..Values::default()
        }
    }

    #[test]
    fn the_old_version_is_asked_for_by_its_own_facts() {
        let known = values(&[("target_group", "green"), ("old_target_group", "blue")]);
        let query = probe("{{ target.target_group }}", true)
            .query(&known)
            .unwrap();
        assert_eq!(query.new[0].dimensions[0].1, "green");
        assert_eq!(query.old.unwrap()[0].dimensions[0].1, "blue");
        let alone = probe("{{ target.target_group }}", false)
            .query(&known)
            .unwrap();
        assert_eq!(alone.old, None);
    }

    #[test]
    fn a_version_is_not_compared_with_itself() {
        let same = values(&[("target_group", "green"), ("old_target_group", "green")]);
        let error = probe("{{ target.target_group }}", true)
            .query(&same)
            .unwrap_err();
        assert_eq!(error.measurement, Measurement::Errored);
        let unknown = values(&[("target_group", "green")]);
        let error = probe("{{ target.target_group }}", true)
            .query(&unknown)
            .unwrap_err();
        assert!(
            error
                .message
                .contains("target.old_target_group is not known"),
            "{}",
            error.message
        );
    }

    #[test]
    fn every_fact_of_the_old_version_is_one_that_suites_know() {
        for (new, old) in OLD_FACTS {
            assert!(crate::TARGET_KEYS.contains(new) && crate::TARGET_KEYS.contains(old));
        }
    }

    #[test]
    fn each_outcome_is_a_measurement() {
        let judged = |new: &[f64]| {
            let question = Question {
                min_samples: 2,
                ..probe("x", false).question
            };
            let samples = Samples {
                new: new.to_vec(),
                ..Samples::default()
            };
            judge(&question, &samples).measurement
        };
        assert_eq!(judged(&[0.5, 0.5]), Measurement::Passed);
        assert_eq!(judged(&[5.0, 5.0]), Measurement::Failed);
        assert_eq!(judged(&[5.0]), Measurement::Inconclusive);
        assert_eq!(judged(&[]), Measurement::NoData);
    }
}
