//! The `logs` probe: how often something is in the log of the new version.
//!
//! A log that nobody writes to has no errors: without a stream of the release nothing was measured.

use std::time::Duration;

use futures::FutureExt;
use metric::{Limit, Operator};

use super::{Execution, ProbeContext, ProbeKind, Profile, Trace};
use crate::cloud::{LogEvents, LogQuery};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};
use crate::template::Template;
use crate::words::{self, MAX_RAW_BYTES};

/// How many lines are shown.
const MAX_SHOWN: usize = 3;

/// Lines of the release's log.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    pub(crate) group: Option<Template>,
    pub(crate) streams: Option<Template>,
    pub(crate) filter: Template,
    pub(crate) window: Duration,
    pub(crate) fail_when: Limit,
}

impl ProbeKind for Logs {
    fn profile(&self) -> Profile {
        Profile {
            received: 4 * 1024 * 1024,
            ..Profile::asks_others("logs")
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        let optional = self.group.iter().chain(&self.streams);
        optional.chain([&self.filter]).for_each(see);
    }

    fn asks(&self) -> Vec<String> {
        let group = match &self.group {
            Some(group) => group.written(),
            None => "the release's log group".to_owned(),
        };
        let window = words::duration(self.window);
        vec![format!(
            "lines {} in {window} of {group}",
            self.filter.written()
        )]
    }

    fn conditions(&self) -> usize {
        1
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            let render = |template: &Template| template.render(&context.values);
            let query = LogQuery {
                group: self.group.as_ref().map(render).transpose()?,
                streams: self.streams.as_ref().map(render).transpose()?,
                filter: render(&self.filter)?,
                window: self.window,
                enough: enough(&self.fail_when),
            };
            let window = words::duration(self.window);
            trace.request = Some(format!("log lines {} in {window}", query.filter));
            let found = context.cloud("the log")?.log_events(&query).await?;
            trace.request = Some(format!(
                "log lines {} in {window} of {}",
                query.filter, found.place
            ));
            for line in found.first.iter().take(MAX_SHOWN) {
                let line = words::head(line, MAX_RAW_BYTES / MAX_SHOWN);
                trace.notes.push(format!("a line: {}", line.trim_end()));
            }
            Ok(Observation::of_others([judge(&self.fail_when, &found)]))
        }
        .boxed()
    }
}

/// Beyond so many lines, more change nothing.
fn enough(limit: &Limit) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^53; the suite's limit is not negative"
    )]
    let limit = limit.value.max(0.0).ceil() as u64;
    limit.saturating_add(1)
}

fn judge(limit: &Limit, found: &LogEvents) -> Finding {
    let demand = format!("a number of lines not {limit}");
    let lines = words::count(usize::try_from(found.count).unwrap_or(usize::MAX), "line");
    if found.streams == 0 {
        let got = format!("no stream in {}, so nothing was measured", found.place);
        return Finding::no_data(demand, Actual::Words(got));
    }
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let broken = limit.is_broken_by(found.count as f64);
    let grows_broken = matches!(limit.operator, Operator::Above | Operator::AtLeast);
    // A part of the lines can only say what more of them would not change.
    if found.is_partial && broken != grows_broken {
        let why = format!(
            "{lines} in a part of the log, which is too large to be counted; shorten window or narrow filter"
        );
        return Finding::errored(demand, why);
    }
    let more = if found.is_partial { " or more" } else { "" };
    let got = format!("{lines}{more} in {}", found.place);
    Finding::new(demand, Actual::Words(got), !broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;

    fn judged(limit: &str, count: u64, is_partial: bool) -> (Measurement, String) {
        let found = LogEvents {
            place: "2 streams of /ecs/shop".to_owned(),
            streams: 2,
            count,
            is_partial,
            first: Vec::new(),
        };
        let finding = judge(&Limit::parse(limit).unwrap(), &found);
        let (Actual::Words(got) | Actual::Value(got)) = finding.got;
        (finding.measurement, got)
    }

    #[test]
    fn lines_are_counted_against_the_limit() {
        assert_eq!(judged("> 0", 0, false).0, Measurement::Passed);
        assert_eq!(
            judged("> 0", 1, false),
            (
                Measurement::Failed,
                "1 line in 2 streams of /ecs/shop".to_owned()
            )
        );
        assert_eq!(judged("< 1", 0, false).0, Measurement::Failed);
        assert_eq!(judged("< 1", 3, false).0, Measurement::Passed);
    }

    #[test]
    fn a_part_of_a_log_says_only_what_the_rest_would_not_change() {
        assert_eq!(judged("> 5", 6, true).0, Measurement::Failed);
        assert_eq!(judged("> 5", 3, true).0, Measurement::Errored);
        assert_eq!(judged("< 2", 3, true).0, Measurement::Passed);
        assert_eq!(judged("< 9", 3, true).0, Measurement::Errored);
    }

    #[test]
    fn without_a_stream_nothing_was_measured() {
        let found = LogEvents {
            place: "/ecs/shop".to_owned(),
            ..LogEvents::default()
        };
        let finding = judge(&Limit::parse("> 0").unwrap(), &found);
        assert_eq!(finding.measurement, Measurement::NoData);
    }
}
