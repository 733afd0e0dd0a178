//! What `CloudFormation` answers, as far as it is read: for [`query_api::read`].

use serde::Deserialize;

#[cfg(doc)]
use crate::query_api;
use crate::query_api::{Page, members};

/// Of `DescribeStacks`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stacks {
    /// Those of this page.
    #[serde(deserialize_with = "members")]
    pub stacks: Vec<Stack>,
    next_token: Option<String>,
}

impl Page for Stacks {
    type Item = Stack;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<Stack>, Option<String>) {
        (self.stacks, self.next_token)
    }
}

/// A stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Stack {
    /// Its name.
    pub stack_name: Option<String>,
    /// `CREATE_COMPLETE`, `UPDATE_IN_PROGRESS` and others.
    pub stack_status: Option<String>,
    /// What it was given.
    #[serde(deserialize_with = "members")]
    pub parameters: Vec<Parameter>,
    /// What it says about itself.
    #[serde(deserialize_with = "members")]
    pub outputs: Vec<Output>,
}

/// A parameter of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Parameter {
    /// Its name.
    pub parameter_key: Option<String>,
    /// Its value.
    pub parameter_value: Option<String>,
}

/// An output of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Output {
    /// Its name.
    pub output_key: Option<String>,
    /// Its value.
    pub output_value: Option<String>,
}

/// Of `ListStackResources`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StackResources {
    #[serde(deserialize_with = "members")]
    stack_resource_summaries: Vec<StackResource>,
    next_token: Option<String>,
}

impl Page for StackResources {
    type Item = StackResource;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<StackResource>, Option<String>) {
        (self.stack_resource_summaries, self.next_token)
    }
}

/// What a stack has made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StackResource {
    /// Its name in the template.
    pub logical_resource_id: Option<String>,
    /// Its name in the account.
    pub physical_resource_id: Option<String>,
    /// `AWS::Lambda::Function`
    pub resource_type: Option<String>,
}

/// Of `DescribeStackEvents`: the first page, the newest event first.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StackEvents {
    /// The events.
    #[serde(deserialize_with = "members")]
    pub stack_events: Vec<StackEvent>,
}

/// What happened to a resource of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StackEvent {
    /// The resource's name in the template.
    pub logical_resource_id: Option<String>,
    /// `CREATE_FAILED` and others.
    pub resource_status: Option<String>,
    /// Why.
    pub resource_status_reason: Option<String>,
}

/// Of `ListChangeSets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeSets {
    #[serde(deserialize_with = "members")]
    summaries: Vec<ChangeSetSummary>,
    next_token: Option<String>,
}

impl Page for ChangeSets {
    type Item = ChangeSetSummary;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<ChangeSetSummary>, Option<String>) {
        (self.summaries, self.next_token)
    }
}

/// A change set of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ChangeSetSummary {
    /// Its name.
    pub change_set_name: Option<String>,
}

/// Of `DescribeChangeSet`: one page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ChangeSetPage {
    /// Its ARN.
    pub change_set_id: Option<String>,
    /// `CREATE_PENDING`, `CREATE_COMPLETE`, `FAILED` and others.
    pub status: Option<String>,
    /// Why.
    pub status_reason: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE`, `OBSOLETE` and others.
    pub execution_status: Option<String>,
    /// The changes of this page.
    #[serde(deserialize_with = "members")]
    pub changes: Vec<Change>,
    /// What leads to the next page.
    pub next_token: Option<String>,
}

/// A change of a change set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Change {
    /// What would be done; other kinds of change are not read.
    pub resource_change: Option<ResourceChange>,
}

/// What a change set would do to a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ResourceChange {
    /// `Remove` with a policy of `Retain` keeps the resource.
    pub policy_action: Option<String>,
    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`.
    pub action: Option<String>,
    /// Its name in the template.
    pub logical_resource_id: Option<String>,
    /// Its name in the account.
    pub physical_resource_id: Option<String>,
    /// `AWS::Lambda::Function`
    pub resource_type: Option<String>,
    /// `True`, `False`, `Conditional`.
    pub replacement: Option<String>,
    /// What of it changes: `Properties`, `Tags` and others.
    #[serde(deserialize_with = "members")]
    pub scope: Vec<String>,
    /// Each property that changes.
    #[serde(deserialize_with = "members")]
    pub details: Vec<ResourceChangeDetail>,
    /// Of a nested stack: the ARN of its own change set.
    pub change_set_id: Option<String>,
}

/// A property that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ResourceChangeDetail {
    /// Which one, and how.
    pub target: Option<ResourceTarget>,
    /// What it follows from.
    pub causing_entity: Option<String>,
}

/// Which property changes, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ResourceTarget {
    /// `Properties`, `Tags` and others.
    pub attribute: Option<String>,
    /// The property, if it is one.
    pub name: Option<String>,
    /// `Always`, `Conditionally`, `Never`.
    pub requires_recreation: Option<String>,
    /// Where in the property.
    pub path: Option<String>,
    /// As it is.
    pub before_value: Option<String>,
    /// As it would be.
    pub after_value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_is_written() {
        for (written, read) in [
            ("<BeforeValue>a</BeforeValue>", Some("a")),
            // A value that differs by its spaces alone differs.
            ("<BeforeValue> a\n</BeforeValue>", Some(" a\n")),
            ("<BeforeValue> </BeforeValue>", Some(" ")),
            ("<BeforeValue/>", Some("")),
            (
                "<BeforeValue>&lt;b&gt; &amp; &apos;c&#39;&#13;</BeforeValue>",
                Some("<b> & 'c'\r"),
            ),
            ("<BeforeValue><![CDATA[<b>]]></BeforeValue>", Some("<b>")),
            ("", None),
        ] {
            let target = format!("<Target><Name>n</Name>{written}<Unknown><x/></Unknown></Target>");
            let target: ResourceTarget = quick_xml::de::from_str(&target).unwrap();
            assert_eq!(target.before_value.as_deref(), read, "{written}");
        }
    }
}
