//! Which change sets wait behind an approval. Pure.

use approvals::ApprovalAction;
use common::arn::Arn;

use crate::actions::{Action, ActionStatus, Actions};

/// Change sets that are read.
const MAX_CHANGE_SETS: usize = 20;

/// A change set by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeSetRef {
    pub(crate) stack: String,
    pub(crate) name: String,
    /// Where it lies, if the action says so.
    pub(crate) region: Option<String>,
    /// The account that it lies in, where that is not the pipeline's.
    pub(crate) account: Option<String>,
}

/// The change sets that were made before the approval and not carried out before it, in the order of the
/// actions; and how many more there are than are looked at.
pub(crate) fn pending(actions: &Actions, approval: &ApprovalAction) -> (Vec<ChangeSetRef>, usize) {
    let before = actions.before(approval);
    let mut found: Vec<ChangeSetRef> = Vec::new();
    for action in before {
        let Some(reference) = of(action, "CHANGE_SET_REPLACE", &approval.account) else {
            if let Some(done) = of(action, "CHANGE_SET_EXECUTE", &approval.account) {
                found.retain(|reference| *reference != done);
            }
            continue;
        };
        found.retain(|earlier| *earlier != reference);
        found.push(reference);
    }
    let more = found.len().saturating_sub(MAX_CHANGE_SETS);
    found.truncate(MAX_CHANGE_SETS);
    (found, more)
}

fn of(action: &Action, mode: &str, own: &str) -> Option<ChangeSetRef> {
    let has = |key: &str, value: &str| {
        action
            .configuration
            .get(key)
            .is_some_and(|has| has == value)
    };
    let succeeded = action.status == ActionStatus::Succeeded;
    if !(action.provider == "CloudFormation" && succeeded && has("ActionMode", mode)) {
        return None;
    }
    Some(ChangeSetRef {
        stack: action.configuration.get("StackName")?.clone(),
        name: action.configuration.get("ChangeSetName")?.clone(),
        region: action.region.clone().filter(|region| !region.is_empty()),
        account: account_of(action).filter(|account| account != own),
    })
}

/// The account of the action's own role, in which it acts.
fn account_of(action: &Action) -> Option<String> {
    let role = action.role.as_deref().filter(|role| !role.is_empty())?;
    Some(Arn::parse(role).map_or("", |arn| arn.account).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(name: &str, mode: &str, stack: &str) -> Action {
        let configuration = [
            ("ActionMode", mode),
            ("StackName", stack),
            ("ChangeSetName", "release"),
        ];
        Action {
            stage: "Production".into(),
            name: name.into(),
            provider: "CloudFormation".into(),
            status: ActionStatus::Succeeded,
            configuration: configuration
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..Action::default()
        }
    }

    fn found(all: Vec<Action>) -> Vec<String> {
        let approval = ApprovalAction {
            account: String::new(),
            region: "eu-central-1".into(),
            pipeline: "shop".into(),
            stage: "Production".into(),
            action: "Approve".into(),
        };
        let actions = Actions {
            all,
            tokens: Vec::new(),
        };
        let (reference, _) = pending(&actions, &approval);
        reference
            .into_iter()
            .map(|reference| reference.stack)
            .collect()
    }

    #[test]
    fn what_was_made_and_not_yet_carried_out_waits() {
        let approve = action("Approve", "", "");
        let mut failed = action("Failed", "CHANGE_SET_REPLACE", "failed");
        failed.status = ActionStatus::Failed;
        let stacks = found(vec![
            action("A", "CHANGE_SET_REPLACE", "staging"),
            action("B", "CHANGE_SET_EXECUTE", "staging"),
            action("C", "CHANGE_SET_REPLACE", "shop"),
            action("D", "CREATE_UPDATE", "other"),
            failed,
            action("E", "CHANGE_SET_REPLACE", "network"),
            action("F", "CHANGE_SET_REPLACE", "shop"),
            approve,
            action("G", "CHANGE_SET_REPLACE", "later"),
        ]);
        assert_eq!(stacks, ["network", "shop"]);
    }

    #[test]
    fn without_the_approval_in_the_list_all_count() {
        assert_eq!(
            found(vec![action("A", "CHANGE_SET_REPLACE", "shop")]),
            ["shop"]
        );
        assert!(found(Vec::new()).is_empty());
    }
}
