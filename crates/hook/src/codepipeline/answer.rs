//! What `CodePipeline` is answered.

use codepipeline_job::{
    Delivery as Taken, FailureType, MAX_MESSAGE, MAX_SUMMARY, TRY_TIMEOUT, put, with_link,
};
use common::aws::Aws;
use gate::Conclusion;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Continuation;
use crate::answer::{Answer, Delivery};
use crate::caller::Caller;
use crate::carried_state::{CarriedState, Handover};
use crate::event::Job;
use crate::facts::note;
use crate::gate_function::GateFunction;
use crate::publish::{self, ReportName};

/// An answer and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) job: Job,
    pub(crate) answer: Answer,
    pub(crate) conclusion: Conclusion,
    /// The reasons.
    pub(crate) summary: String,
    /// Where the report will be.
    pub(crate) report_link: String,
}

impl Reply {
    fn result(&self) -> codepipeline_job::Answer {
        let external_id = super::run_id(&self.job).to_owned();
        if !succeeds(&self.job, self.answer) {
            return codepipeline_job::Answer::Failure {
                kind: FailureType::JobFailed,
                message: with_link(&self.summary, &self.report_link, MAX_MESSAGE),
                external_id,
            };
        }
        codepipeline_job::Answer::Success {
            summary: with_link(&self.summary, &self.report_link, MAX_SUMMARY),
            external_id,
            variables: vec![
                ("passed", (self.answer == Answer::Succeeded).to_string()),
                ("verdict", self.conclusion.as_str().to_owned()),
                ("reason", self.summary.clone()),
                ("report_url", self.report_link.clone()),
            ],
        }
    }
}

/// Whether the action succeeds: it may be asked to, whatever the verdict.
pub(crate) fn succeeds(job: &Job, answer: Answer) -> bool {
    answer == Answer::Succeeded || super::parameters::reports_only(job.user_parameters.as_deref())
}

/// Answers the job, trying until `until`.
pub(crate) async fn deliver(aws: &Aws, reply: &Reply, until: Instant) -> Delivery {
    match put(aws, &reply.job.id, &reply.result(), until).await {
        Taken::Accepted => Delivery::Accepted,
        Taken::Over => {
            Delivery::AlreadyCompleted(Err("CodePipeline does not say by what".to_owned()))
        }
        Taken::Undelivered(detail) => Delivery::Undelivered(detail),
    }
}

/// Answers with a token: `CodePipeline` calls again, and the run or the wait for people goes on then.
pub(crate) async fn goes_on(
    function: &GateFunction,
    job: &Job,
    handover: &Handover,
) -> Result<Value, String> {
    let token = Continuation {
        first_job: super::run_id(job).to_owned(),
        carried: handover.carried.clone(),
    };
    let reason = &handover.summary;
    let answer = codepipeline_job::Answer::Continue {
        token: token.encode(),
        summary: with_link(
            reason,
            &link_meanwhile(function, job, &handover.carried),
            MAX_SUMMARY,
        ),
        external_id: super::run_id(job).to_owned(),
        percent: i32::from(handover.percent),
    };
    match put(
        &function.aws,
        &job.id,
        &answer,
        Instant::now() + TRY_TIMEOUT,
    )
    .await
    {
        Taken::Accepted => Ok(json!({ "jobId": job.id, "continues": reason })),
        // Taken by an earlier try whose result was lost, or by another delivery of the same job: the bake goes on.
        Taken::Over => Ok(json!({ "jobId": job.id, "continues": reason, "answeredBefore": true })),
        Taken::Undelivered(why) => Err(format!(
            "CodePipeline did not take the continuation token, so the gate can't go on: {why}"
        )),
    }
}

/// Where people can read what was measured so far, or what they are asked about; empty where nothing says so.
fn link_meanwhile(function: &GateFunction, job: &Job, carried: &CarriedState) -> String {
    let (Ok(settings), Ok((_, _, mut facts))) = (&function.settings, super::described(job)) else {
        return String::new();
    };
    let run = super::run_id(job);
    note(&mut facts, "deployment_id", Some(run));
    let name = ReportName {
        caller: Caller::CodePipeline,
        stage: function.stage,
        facts: &facts,
        execution_id: run.into(),
    };
    match carried {
        CarriedState::Run(_) => publish::link_so_far(settings, &name),
        CarriedState::Question(_) => publish::link_asked(settings, &name),
    }
}
