//! Judges the answers of a probe that asks for several by itself, under the memory of the run.

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::judging::{Judging, judged};
use super::memory::Budget;
use crate::evidence::Evidence;
use crate::expect::evaluate;
use crate::probe::journey::Step;
use crate::probe::{Judge, ProbeError, ProbeJudgement};
use crate::template::Values;
use crate::words::MAX_RAW_BYTES;

/// Of one run.
#[derive(Debug)]
pub(super) struct RunJudge {
    memory: Budget,
    deadline: Instant,
}

impl RunJudge {
    pub(super) fn new(memory: Budget, deadline: Instant) -> Self {
        Self { memory, deadline }
    }
}

impl Judge for RunJudge {
    fn judge<'a>(
        &'a self,
        step: &'a Step,
        evidence: Evidence,
        values: &'a Values,
        limit: Instant,
    ) -> BoxFuture<'a, Result<ProbeJudgement, ProbeError>> {
        let judging = Judging {
            needs: &step.expect,
            timeout: step.timeout,
            limit,
            deadline: self.deadline,
        };
        let (expect, values) = (step.expect.clone(), values.clone());
        judged(&self.memory, judging, evidence, move |evidence, stop| {
            ProbeJudgement {
                findings: evaluate(&expect, evidence, &values, stop),
                body: evidence.body.beginning(MAX_RAW_BYTES),
            }
        })
        .boxed()
    }
}
