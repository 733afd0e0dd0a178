//! English.

use super::Key;

/// The English text of a key.
#[allow(
    clippy::too_many_lines,
    reason = "a catalogue is a table, a line a text"
)]
pub(super) fn text(key: Key) -> &'static str {
    match key {
        Key::AskTitle => "{pipeline}: {stage} waits for a decision",
        Key::ReminderTitle => "Reminder: {pipeline}: {stage} still waits for a decision",
        Key::EscalationTitle => "Nobody has decided yet: {pipeline}: {stage} waits",
        Key::OpenTitle => "{pipeline}: {stage} still waits",
        Key::ApprovedTitle => "{pipeline}: {stage} was approved",
        Key::RejectedTitle => "{pipeline}: {stage} was rejected",
        Key::ExpiredTitle => "{pipeline}: {stage} expired without a decision",
        Key::SupersededTitle => "{pipeline}: {stage} was superseded",
        Key::StoppedTitle => "{pipeline}: {stage} was stopped",
        Key::SucceededTitle => "{pipeline}: the release succeeded",
        Key::FailedTitle => "{pipeline}: the release failed",
        Key::RolledBackTitle => "{pipeline}: the release was rolled back",
        Key::GoingOnTitle => "{pipeline}: the release goes on",
        Key::TestTitle => "A test message from deploy-hooks",
        Key::TestText => "This channel works. Nothing waits for a decision.",
        Key::PlainTitle => "A message that deploy-hooks passes on",
        Key::Waits => "The action {action} in the stage {stage} of {pipeline} waits.",
        Key::Until => "Decide by {time} UTC: {left} left.",
        Key::UntilOver => "The time to decide ended at {time} UTC.",
        Key::UntilUnknown => "It is not known until when it waits.",
        Key::DaysHours => "{d} d {h} h",
        Key::HoursMinutes => "{h} h {m} min",
        Key::Minutes => "{m} min",
        Key::UnderAMinute => "less than a minute",
        Key::ApprovedBy => "Approved by {who}",
        Key::Approved => "Approved",
        Key::RejectedBy => "Rejected by {who}",
        Key::Rejected => "Rejected",
        Key::Directly => "{who}, directly in CodePipeline",
        Key::Expired => "Nobody decided in time; the pipeline has stopped waiting",
        Key::Superseded => "A newer execution took its place; there is nothing left to decide",
        Key::Stopped => "The execution was stopped; there is nothing left to decide",
        Key::StillWaiting => "It still waits for a decision",
        Key::AtTime => "{what}, at {time} UTC",
        Key::Said => "They said: “{comment}”",
        Key::Version => "Version",
        Key::VersionStep => "{from} → {to}",
        Key::VersionNew => "{to} (the version before is not known)",
        Key::StepMajor => "MAJOR: may break whoever uses it",
        Key::StepMinor => "minor",
        Key::StepPatch => "patch",
        Key::StepPreRelease => "pre-release",
        Key::StepSame => "the same version again",
        Key::StepDowngrade => "DOWNGRADE: back to an older version",
        Key::StepUnknown => "size of the step not known",
        Key::StartedBy => "Started by {who} ({how})",
        Key::Sources => "Commits and other sources",
        Key::ByAuthor => "by {author}",
        Key::ChangesOf => "What changes in the stack {stack}",
        Key::ChangesOne => "{n} change",
        Key::ChangesOther => "{n} changes",
        Key::NoResources => {
            "No resource changes; what does, CloudFormation doesn't list: outputs, parameters, tags, conditions or metadata"
        }
        Key::NoResourcesKnown => {
            "No resource changes are listed; whether outputs, parameters, tags, conditions or metadata change is not known"
        }
        Key::EmptySet => "Empty: nothing differs, and there is nothing to carry out. {reason}",
        Key::NotExecutable => "CAN'T BE CARRIED OUT: {reason}",
        Key::CountRemoved => "{n} removed",
        Key::CountReplaced => "{n} replaced",
        Key::CountAccess => "{n} on access",
        Key::CountData => "{n} on data",
        Key::CountRest => "{n} other",
        Key::Removes => "REMOVES",
        Key::Replaces => "REPLACES",
        Key::MayReplace => "MAY REPLACE",
        Key::Adds => "adds",
        Key::Changes => "changes",
        Key::Imports => "imports",
        Key::Dynamic => "changes, known only at run time,",
        Key::OnAccess => "access",
        Key::OnData => "data",
        Key::FromTo => "{name}: {before} → {after}",
        Key::Gates => "Gates",
        Key::GatePassed => "The {gate} gate of {application} passed ({deployment})",
        Key::GateFailed => "The {gate} gate of {application} FAILED ({deployment})",
        Key::Report => "report",
        Key::Variables => "Variables",
        Key::Gaps => "Could not be looked up",
        Key::Gap => "{what}: {why}",
        Key::WhatExecution => "which execution waits",
        Key::WhatOrigin => "who started it, its variables and its sources",
        Key::WhatActions => "what its actions did",
        Key::WhatOldVersion => "the version before",
        Key::WhatChangeSet => "a change set",
        Key::WhatGateReport => "a gate's report",
        Key::WhatOwnerWords => "the comment and the link in the pipeline, not confirmed",
        Key::Comment => "Comment in the pipeline",
        Key::ExternalLink => "Link given in the pipeline",
        Key::ExternalText => {
            "Link given in the pipeline, as text (it is not https, or carries a token)"
        }
        Key::ConsoleLink => "The pipeline in the AWS console",
        Key::DeploymentConsoleLink => "The deployment in the AWS console",
        Key::ViewLink => "See everything",
        Key::OpenLink => "Open the link",
        Key::MoreOne | Key::MoreOther => "{n} more",
        Key::Approve => "Approve",
        Key::Reject => "Reject",
        Key::Cancel => "Cancel",
        Key::ApproveTitle => "Approve {pipeline}?",
        Key::ApproveText => {
            "The stage {stage} of {pipeline} goes on at once. This can't be taken back."
        }
        Key::RejectTitle => "Reject {pipeline}?",
        Key::RejectText => {
            "The execution of {pipeline} fails in the stage {stage}. This can't be taken back."
        }
        Key::CommentLabel => "Comment, for the record",
        Key::CommentHint => "Why? A rejection may need a reason.",
        Key::Deployments => "Deployments",
        Key::Deployment => "{application}/{group}: {deployment} {status}",
        Key::DeploySucceeded => "succeeded",
        Key::DeployFailed => "FAILED",
        Key::DeployStopped => "was stopped",
        Key::DeployRuns => "still runs",
        Key::DeployUnknown => "unknown",
        Key::RolledBackBy => "rolled back by {deployment}",
        Key::ActionFailed => "The action {action} in the stage {stage} failed: {why}",
        Key::ExecutionSucceeded => "The execution succeeded.",
        Key::ExecutionFailed => "The execution failed.",
        Key::ExecutionStopped => "The execution was stopped.",
        Key::ExecutionSuperseded => "A newer execution took its place.",
        Key::ExecutionGoesOn => "The execution goes on.",
        Key::PauseWaits => {
            "The deployment of {service} in the cluster {cluster} is paused at {stage}."
        }
        Key::PauseContinues => {
            "IF NOBODY DECIDES, THE DEPLOYMENT GOES ON: the time-out action of this pause is CONTINUE."
        }
        Key::PauseRollsBack => "If nobody decides, the deployment is rolled back.",
        Key::PauseEndUnknown => "What happens if nobody decides is not known.",
        Key::PauseTraffic => "{percent} % of production traffic goes to the new revision now.",
        Key::RevisionStep => "Service revision {from} → {to}",
        Key::RevisionFirst => {
            "Service revision {to}: the first deployment, with nothing to go back to"
        }
        Key::Differences => "What changes in the task definition",
        Key::PauseContinued => {
            "Nobody decided in time; the deployment goes on, as the time-out action is CONTINUE"
        }
        Key::PauseRolledBack => "Nobody decided in time; the deployment is rolled back",
        Key::PauseExpired => "Nobody decided in time; look at the deployment in the console",
        Key::PauseStopped => {
            "The deployment was stopped or is rolled back; there is nothing left to decide"
        }
        Key::ApprovePauseText => {
            "The deployment of {pipeline} goes on past {stage} at once. This can't be taken back."
        }
        Key::RejectPauseText => {
            "The deployment of {pipeline} is rolled back. This can't be taken back."
        }
        Key::RolledBackTo => "rolled back to the service revision {revision}",
        Key::WhatDeployment => "What is deployed",
        Key::GateWaits => "The {gate} gate of {release} can't tell whether the release is good.",
        Key::GateEnd => "No answer means that the release is stopped.",
        Key::GateOf => "Asked by {caller}, deployment {deployment}, at {event}.",
        Key::GateWhy => "Why the evidence is not enough",
        Key::GateMeasured => "What was measured",
        Key::GateRounds => "{passed} of {rounds} rounds passed",
        Key::GateReportLink => "The whole report",
        Key::GateExpired => "Nobody answered in time; the gate stops the release",
        Key::GateEnded => "The gate no longer waits for an answer; there is nothing left to decide",
        Key::ApproveGateText => {
            "The {stage} gate lets the release of {pipeline} go on, although it does not know whether it is good. This can't be taken back."
        }
        Key::RejectGateText => {
            "The {stage} gate stops the release of {pipeline}. This can't be taken back."
        }
        Key::LinkWarning => {
            "These links are yours: whoever opens them decides in your name. Don't forward them."
        }
        Key::MailFooter => "Sent by deploy-hooks. Times are UTC.",
    }
}
