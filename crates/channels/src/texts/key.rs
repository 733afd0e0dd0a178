//! The names of all texts: what a team writes in `texts:` to put its own words in place of ours.

/// One enum from one list, so that no name is in one place only.
macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $name:literal,)*) => {
        /// A text, by what it is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the name and the English text say what each is")]
        pub enum Key { $($(#[$doc])* $key,)* }

        impl Key {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$key,)*];

            /// Its name in a configuration.
            pub fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)* }
            }
        }
    };
}

keys! {
    AskTitle = "ask_title",
    ReminderTitle = "reminder_title",
    EscalationTitle = "escalation_title",
    OpenTitle = "open_title",
    ApprovedTitle = "approved_title",
    RejectedTitle = "rejected_title",
    ExpiredTitle = "expired_title",
    SupersededTitle = "superseded_title",
    StoppedTitle = "stopped_title",
    SucceededTitle = "succeeded_title",
    FailedTitle = "failed_title",
    RolledBackTitle = "rolled_back_title",
    GoingOnTitle = "going_on_title",
    TestTitle = "test_title",
    TestText = "test_text",
    PlainTitle = "plain_title",
    Waits = "waits",
    Until = "until",
    UntilOver = "until_over",
    UntilUnknown = "until_unknown",
    DaysHours = "days_hours",
    HoursMinutes = "hours_minutes",
    Minutes = "minutes",
    UnderAMinute = "under_a_minute",
    ApprovedBy = "approved_by",
    Approved = "approved",
    RejectedBy = "rejected_by",
    Rejected = "rejected",
    Directly = "directly",
    Expired = "expired",
    Superseded = "superseded",
    Stopped = "stopped",
    StillWaiting = "still_waiting",
    AtTime = "at_time",
    Said = "said",
    Version = "version",
    VersionStep = "version_step",
    VersionNew = "version_new",
    StepMajor = "step_major",
    StepMinor = "step_minor",
    StepPatch = "step_patch",
    StepPreRelease = "step_pre_release",
    StepSame = "step_same",
    StepDowngrade = "step_downgrade",
    StepUnknown = "step_unknown",
    StartedBy = "started_by",
    Sources = "sources",
    ByAuthor = "by_author",
    ChangesOf = "changes_of",
    ChangesOne = "changes_one",
    ChangesOther = "changes_other",
    NoResources = "no_resources",
    NoResourcesKnown = "no_resources_known",
    EmptySet = "empty_set",
    NotExecutable = "not_executable",
    CountRemoved = "count_removed",
    CountReplaced = "count_replaced",
    CountAccess = "count_access",
    CountData = "count_data",
    CountRest = "count_rest",
    Removes = "removes",
    Replaces = "replaces",
    MayReplace = "may_replace",
    Adds = "adds",
    Changes = "changes",
    Imports = "imports",
    Dynamic = "dynamic",
    OnAccess = "on_access",
    OnData = "on_data",
    FromTo = "from_to",
    Gates = "gates",
    GatePassed = "gate_passed",
    GateFailed = "gate_failed",
    Report = "report",
    Variables = "variables",
    Gaps = "gaps",
    Gap = "gap",
    WhatExecution = "what_execution",
    WhatOrigin = "what_origin",
    WhatActions = "what_actions",
    WhatOldVersion = "what_old_version",
    WhatChangeSet = "what_change_set",
    WhatGateReport = "what_gate_report",
    WhatOwnerWords = "what_owner_words",
    Comment = "comment",
    ExternalLink = "external_link",
    ExternalText = "external_text",
    ConsoleLink = "console_link",
    ViewLink = "view_link",
    OpenLink = "open_link",
    MoreOne = "more_one",
    MoreOther = "more_other",
    Approve = "approve",
    Reject = "reject",
    Cancel = "cancel",
    ApproveTitle = "approve_title",
    ApproveText = "approve_text",
    RejectTitle = "reject_title",
    RejectText = "reject_text",
    CommentLabel = "comment_label",
    CommentHint = "comment_hint",
    Deployments = "deployments",
    Deployment = "deployment",
    DeploySucceeded = "deploy_succeeded",
    DeployFailed = "deploy_failed",
    DeployStopped = "deploy_stopped",
    DeployRuns = "deploy_runs",
    DeployUnknown = "deploy_unknown",
    RolledBackBy = "rolled_back_by",
    ActionFailed = "action_failed",
    ExecutionSucceeded = "execution_succeeded",
    ExecutionFailed = "execution_failed",
    ExecutionStopped = "execution_stopped",
    ExecutionSuperseded = "execution_superseded",
    ExecutionGoesOn = "execution_goes_on",
    LinkWarning = "link_warning",
    MailFooter = "mail_footer",
}

impl Key {
    /// The key of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }
}
