//! What the log and the metrics say of a case: see [`common::metrics`] and [`common::telemetry`].

use common::metrics::MetricRecord;
use common::provenance::is_commit;
use common::telemetry::ReleaseIds;

use crate::records::Outcome;
use crate::{Case, Source, Status};

/// A case began to wait for people. For whoever has written it down, and so once.
pub fn emit_asked(case: &Case) {
    MetricRecord::Asked {
        kind: kind(&case.source),
    }
    .emit();
}

/// A case is over. For whoever has written that down, and so once.
pub(crate) fn over(case: &Case, outcome: &Outcome) {
    let state = &outcome.action_state;
    // What AWS says of the end is nearer to it than when it was read.
    let ended = state.at.unwrap_or(outcome.at);
    let waited_s = ended.duration_since(case.asked_at).as_secs_f64();
    MetricRecord::Over {
        kind: kind(&case.source),
        end: end(state.status),
        waited_s: waited_s.max(0.0),
    }
    .emit();
}

/// Notes in the log which release a case is about.
pub fn note(case: &Case) {
    let mut revisions = case.briefing.revisions.iter().map(|it| it.id.as_str());
    let ids = match &case.source {
        Source::Pipeline(_) => ReleaseIds {
            pipeline_execution_id: case.execution_id.as_deref(),
            commit: revisions.find(|id| is_commit(id)),
            ..ReleaseIds::default()
        },
        Source::Ecs(paused) => ReleaseIds {
            deployment_id: Some(paused.deployment_id()),
            ..ReleaseIds::default()
        },
        Source::Gate(gate) => ReleaseIds {
            deployment_id: Some(&gate.deployment_id),
            ..ReleaseIds::default()
        },
    };
    ids.note();
}

fn kind(source: &Source) -> &'static str {
    match source {
        Source::Pipeline(_) => "approval",
        Source::Ecs(_) => "pause",
        Source::Gate(_) => "gate",
    }
}

fn end(status: Status) -> &'static str {
    match status {
        Status::Waiting => common::metrics::OTHER_WORD,
        Status::Approved => "approved",
        Status::Rejected => "rejected",
        Status::Expired => "expired",
        Status::Superseded => "superseded",
        Status::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use common::metrics::DimensionValues;

    use super::*;

    #[test]
    fn every_word_is_one_that_its_dimension_lists() {
        let over = MetricRecord::Over {
            kind: "gate",
            end: "approved",
            waited_s: 1.0,
        };
        let [kinds, ends] = over.group().dimensions else {
            panic!("two dimensions");
        };
        let listed = |words: &DimensionValues| match words {
            DimensionValues::Of(words) => *words,
            DimensionValues::Account | DimensionValues::Region => &[],
        };
        let all = [
            Status::Approved,
            Status::Rejected,
            Status::Expired,
            Status::Superseded,
            Status::Stopped,
        ];
        assert_eq!(all.map(end).as_slice(), listed(&ends.words));
        assert_eq!(
            ["approval", "pause", "gate"].as_slice(),
            listed(&kinds.words)
        );
    }
}
