//! What a person is shown before they decide. All texts in here are redacted and bounded when they
//! are read (crate `briefing`); channels only escape and cut them.

use gate_question::Evidence;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What helps a person decide. Each part is best effort; what could not be looked up is a [`Gap`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Briefing {
    /// Who or what started the execution.
    pub starter: Option<Starter>,
    /// The execution's variables, secret-looking values masked.
    pub variables: Vec<Variable>,
    /// What the source actions brought: commits, images, objects.
    pub revisions: Vec<Revision>,
    /// Old version → new version.
    pub version: Option<VersionChange>,
    /// The change sets that the pipeline made, each ordered by risk.
    pub change_sets: Vec<ChangeSet>,
    /// The deployment of ECS that is paused, if that is what waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentBriefing>,
    /// What the gate has measured that asks, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Evidence>,
    /// What the gates said in the same execution.
    pub gates: Vec<GateReport>,
    /// What could not be looked up.
    pub gaps: Vec<Gap>,
}

/// Who or what started an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starter {
    /// AWS's trigger type: `StartPipelineExecution`, `Webhook`, `CreatePipeline`, …
    pub trigger: String,
    /// AWS's trigger detail: an ARN of a user, role or rule.
    pub detail: String,
    /// The readable end of it: a session or user name.
    pub name: String,
}

/// A variable of the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What one source action brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The artifact's name.
    pub artifact: String,
    /// Commit id, version id or digest.
    pub id: String,
    /// The commit message, or what the source says instead.
    pub summary: Option<String>,
    /// The commit's author.
    pub author: Option<String>,
    /// Where to read it; https only.
    pub url: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// Old version → new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionChange {
    /// What the last execution that passed this stage had; none: not known.
    pub from: Option<String>,
    /// What this one has.
    pub to: String,
    /// How large the step is.
    pub step: Step,
}

/// The size of a step between two versions (<https://semver.org>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Breaks users.
    Major,
    /// Adds.
    Minor,
    /// Mends.
    Patch,
    /// Between or to pre-releases of one version, or build metadata only.
    PreRelease,
    /// The same version again.
    Same,
    /// Back to an older version.
    Downgrade,
    /// Not semantic versions, or the old one is not known.
    Unknown,
}

/// A change set of `CloudFormation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// The stack's name.
    pub stack: String,
    /// The change set's name.
    pub name: String,
    /// Its ARN.
    pub id: String,
    /// The changes, most dangerous first, those of nested sets among them. May be cut; see `total`.
    pub changes: Vec<Change>,
    /// How many changes there are in all.
    pub total: usize,
    /// Whether it can be carried out at all.
    #[serde(default)]
    pub state: SetState,
    /// What AWS says about that state.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a change set is, beside the resources that it lists: one that lists none may still change
/// something, or be none that can be carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetState {
    /// It can be carried out. Without a resource it changes what is listed nowhere: outputs, parameters,
    /// tags, conditions, metadata.
    Executable,
    /// It is empty, as nothing differs; it can't be carried out.
    Empty,
    /// It can't be carried out, for another reason.
    Unavailable,
    /// AWS does not say, or has added a word since.
    #[default]
    Unknown,
}

/// One resource that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// How dangerous it is.
    pub risk: Risk,
    /// What happens.
    pub action: ChangeAction,
    /// The logical id; for a nested stack `Parent/Child`.
    pub logical_id: String,
    /// `AWS::RDS::DBInstance`
    pub resource_type: String,
    /// Whether the resource is replaced.
    pub replacement: Replacement,
    /// What changes about it.
    pub properties: Vec<Property>,
}

/// In the order in which people should read: the smaller, the more dangerous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A resource is removed.
    Removal,
    /// A resource is, or may be, replaced.
    Replacement,
    /// Who may do what changes: IAM, policies, keys, security groups.
    Access,
    /// Something that holds data changes.
    Data,
    /// The rest.
    Other,
}

/// AWS's words for what happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeAction {
    /// It is made.
    Add,
    /// It is changed.
    Modify,
    /// It is removed.
    Remove,
    /// It is taken into the stack.
    Import,
    /// Known only when the change set runs.
    Dynamic,
    /// A word that AWS has added since.
    Other,
}

/// AWS's words for replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    /// It is replaced.
    True,
    /// It stays.
    False,
    /// It may be replaced.
    Conditional,
}

/// One property of a resource that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name: `Engine`, or the attribute (`Tags`, `Metadata`).
    pub name: String,
    /// Before, masked if it looks like a secret.
    pub before: Option<String>,
    /// After, masked if it looks like a secret.
    pub after: Option<String>,
    /// Whether this property makes AWS recreate the resource (`Always`; `Conditionally` is told as maybe).
    pub recreates: Replacement,
}

/// A deployment of ECS that is paused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentBriefing {
    /// AWS's word for how traffic moves: `CANARY`, `BLUE_GREEN`, …
    pub strategy: Option<String>,
    /// How much of production traffic the new revision has now, in percent: which step it is.
    pub production_percent: Option<u32>,
    /// The id of the revision that serves; none before the first.
    pub old_revision: Option<String>,
    /// The id of the revision that is deployed.
    pub new_revision: Option<String>,
    /// How the task definitions differ.
    pub differences: Vec<Difference>,
}

/// A field of a task definition that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its path, by AWS's names: `web.environment.MODE`.
    pub field: String,
    /// How.
    pub kind: DifferenceKind,
    /// Before; never that of a variable or a secret.
    pub before: Option<String>,
    /// After; never that of a variable or a secret.
    pub after: Option<String>,
}

/// How a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Changed,
}

/// What a gate said of a deployment in the same execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// `pre-traffic` or `post-traffic`.
    pub stage: String,
    /// The `CodeDeploy` application.
    pub application: String,
    /// The deployment, `d-…`.
    pub deployment: String,
    /// Whether it passed.
    pub passed: bool,
    /// Its reasons, whole sentences.
    pub reasons: Vec<String>,
    /// Where the HTML report lies: `s3://bucket/key`.
    pub report: String,
}

/// A look-up that failed: it costs a line of the message, never the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What could not be looked up.
    pub what: Lookup,
    /// Why, for people: AWS's error in one line.
    pub why: String,
}

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// Which execution waits.
    Execution,
    /// Who started it, its variables and revisions.
    Origin,
    /// What its actions did.
    Actions,
    /// The version before.
    OldVersion,
    /// A change set.
    ChangeSet,
    /// A gate's report.
    GateReport,
    /// What the action's owner says with it, its comment and its link.
    OwnerWords,
    /// What a paused deployment deploys.
    Deployment,
}

/// What a decision is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownDigest {
    /// SHA-256, hex, over execution, revisions and change sets: all of them, not only what a channel has
    /// room for.
    pub digest: String,
    /// The ARNs of the change sets in the order of the pipeline's actions.
    pub change_sets: Vec<String>,
    /// What could not be looked up and so was not shown; the digest doesn't cover these, then or at
    /// decision time. Empty: everything was shown.
    #[serde(default)]
    pub unknown: Vec<String>,
}
