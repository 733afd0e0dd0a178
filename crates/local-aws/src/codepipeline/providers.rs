//! The kinds of actions there are here, and the configuration each takes.
//!
//! From the action structure reference of the user guide:
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html>

use std::time::Duration;

use super::declaration::TypeId;

/// A kind of action.
pub(super) struct Provider {
    category: &'static str,
    name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: &'static [&'static str],
    optional: &'static [&'static str],
    /// How long it may take unless its declaration says otherwise.
    pub(super) timeout: Duration,
}

/// What an action of a provider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3Source,
    ConnectionSource,
    Approval,
    CodeDeploy,
    CodeDeployToEcs,
    CloudFormation,
    Lambda,
}

const DAY: Duration = Duration::from_hours(24);

const PROVIDERS: [Provider; 7] = [
    Provider {
        category: "Source",
        name: "S3",
        kind: Kind::S3Source,
        required: &["S3Bucket", "S3ObjectKey"],
        optional: &["PollForSourceChanges", "AllowOverrideForS3ObjectKey"],
        timeout: DAY,
    },
    Provider {
        category: "Source",
        name: "CodeStarSourceConnection",
        kind: Kind::ConnectionSource,
        required: &["ConnectionArn", "FullRepositoryId", "BranchName"],
        optional: &["OutputArtifactFormat", "DetectChanges"],
        timeout: DAY,
    },
    Provider {
        category: "Approval",
        name: "Manual",
        kind: Kind::Approval,
        required: &[],
        optional: &["NotificationArn", "CustomData", "ExternalEntityLink"],
        timeout: Duration::from_hours(7 * 24),
    },
    Provider {
        category: "Deploy",
        name: "CodeDeploy",
        kind: Kind::CodeDeploy,
        required: &["ApplicationName", "DeploymentGroupName"],
        optional: &[],
        timeout: Duration::from_hours(5 * 24),
    },
    Provider {
        category: "Deploy",
        name: "CodeDeployToECS",
        kind: Kind::CodeDeployToEcs,
        required: &[
            "ApplicationName",
            "DeploymentGroupName",
            "TaskDefinitionTemplateArtifact",
            "AppSpecTemplateArtifact",
        ],
        optional: &[
            "TaskDefinitionTemplatePath",
            "AppSpecTemplatePath",
            "Image1ArtifactName",
            "Image1ContainerName",
            "Image2ArtifactName",
            "Image2ContainerName",
            "Image3ArtifactName",
            "Image3ContainerName",
            "Image4ArtifactName",
            "Image4ContainerName",
        ],
        timeout: Duration::from_hours(5 * 24),
    },
    Provider {
        category: "Deploy",
        name: "CloudFormation",
        kind: Kind::CloudFormation,
        required: &["ActionMode", "StackName"],
        optional: &[
            "ChangeSetName",
            "Capabilities",
            "OutputFileName",
            "ParameterOverrides",
            "RoleArn",
            "TemplateConfiguration",
            "TemplatePath",
        ],
        timeout: Duration::from_hours(3 * 24),
    },
    Provider {
        category: "Invoke",
        name: "Lambda",
        kind: Kind::Lambda,
        required: &["FunctionName"],
        optional: &["UserParameters"],
        timeout: DAY,
    },
];

/// The provider of an action's type, if it is one that there is.
pub(super) fn provider(id: &TypeId) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|known| {
        known.category == id.category
            && known.name == id.provider
            && id.owner == "AWS"
            && id.version == "1"
    })
}

impl Provider {
    /// Whether its configuration may have this key.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.required.contains(&key) || self.optional.contains(&key)
    }
}
