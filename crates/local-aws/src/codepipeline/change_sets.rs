//! Change sets with definitions of their own: what `DescribeChangeSet` shows that no emulator does,
//! property values, pages and nested sets.
//!
//! Definitions come through the control API. Sending one again makes the change set anew, with a new
//! id, and so does a `CHANGE_SET_REPLACE` action; the old id is invalid then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::World;
use crate::clock::Clock;
use crate::error::AwsError;
use crate::ids;
use crate::sync::lock;
use crate::wire::QueryParams;
use crate::wire::xml::Escaped;

/// Changes a page shows.
const MAX_PAGE_SIZE: usize = 100;
/// Members that are shown only to who asks for property values.
const VALUES: [&str; 6] = [
    "BeforeContext",
    "AfterContext",
    "BeforeValue",
    "AfterValue",
    "Path",
    "AttributeChangeType",
];
const ACTIONS: [&str; 6] = [
    "Add",
    "Modify",
    "Remove",
    "Import",
    "Dynamic",
    "SyncWithActual",
];

/// A change set as the control API takes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    stack: String,
    name: String,
    changes: Vec<Value>,
    /// Of nested stacks, by their logical ids.
    #[serde(default)]
    nested: BTreeMap<String, Nested>,
    /// `CREATE_COMPLETE` unless it says otherwise.
    status: Option<String>,
    reason: Option<String>,
}

/// The changes of a nested stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nested {
    changes: Vec<Value>,
    #[serde(default)]
    nested: BTreeMap<String, Nested>,
}

/// One made change set.
#[derive(Debug, Clone)]
struct CreatedChangeSet {
    id: String,
    name: String,
    stack: String,
    stack_id: String,
    changes: Vec<Value>,
    parent: Option<String>,
    root: Option<String>,
    status: String,
    reason: Option<String>,
    executed: bool,
    created: String,
}

/// Why a definition is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    #[error("a change needs a text {name}: {change}")]
    Missing { name: &'static str, change: Value },
    #[error("the Action of a change must be one of {}: {change}", ACTIONS.join(", "))]
    Action { change: Value },
}

/// All change sets with definitions. Clones share them.
#[derive(Clone)]
pub(crate) struct ChangeSets {
    account: String,
    region: String,
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    definitions: BTreeMap<(String, String), Definition>,
    made: Vec<CreatedChangeSet>,
    stack_ids: BTreeMap<String, String>,
}

impl ChangeSets {
    pub(super) fn new(world: &World) -> Self {
        Self {
            account: world.account.clone(),
            region: world.region.clone(),
            clock: world.clock.clone(),
            shared: Arc::default(),
        }
    }

    /// Takes a definition and makes its change set. Gives the id.
    pub(crate) fn define(&self, definition: Definition) -> Result<String, DefinitionError> {
        check(&definition.changes, &definition.nested)?;
        let mut shared = self.lock();
        let key = (definition.stack.clone(), definition.name.clone());
        shared.definitions.insert(key.clone(), definition);
        drop(shared);
        Ok(self.make(&key.0, &key.1).expect("it was defined just now"))
    }

    /// Makes the change set of a definition anew; none where there is no definition.
    pub(super) fn make(&self, stack: &str, name: &str) -> Option<String> {
        let mut shared = self.lock();
        let definition = shared
            .definitions
            .get(&(stack.to_owned(), name.to_owned()))?
            .clone();
        let old = shared
            .made
            .iter()
            .find(|made| made.stack == stack && made.name == name);
        if let Some(old) = old.map(|old| old.id.clone()) {
            let of_old = |made: &CreatedChangeSet| {
                made.id == old || made.root.as_deref() == Some(old.as_str())
            };
            shared.made.retain(|made| !of_old(made));
        }
        let top = Nested {
            changes: definition.changes,
            nested: definition.nested,
        };
        let id = self.id(name);
        let ancestry = Ancestry {
            id: id.clone(),
            stack: stack.to_owned(),
            name: name.to_owned(),
            parent: None,
            root: None,
        };
        self.add(&mut shared, &top, ancestry);
        if let Some(made) = shared.made.iter_mut().find(|made| made.id == id) {
            made.status = definition.status.unwrap_or_else(|| made.status.clone());
            made.reason = definition.reason;
        }
        Some(id)
    }

    /// Notes that a change set was carried out; false where there is no such one.
    pub(super) fn execute(&self, stack: &str, name: &str) -> bool {
        let mut shared = self.lock();
        let mut made = shared.made.iter_mut();
        let found = made.find(|made| made.stack == stack && made.name == name);
        found.is_some_and(|made| {
            made.executed = true;
            true
        })
    }

    /// The stack of a change set.
    pub(super) fn stack_id(&self, stack: &str) -> Option<String> {
        self.lock().stack_ids.get(stack).cloned()
    }

    /// The result of a `DescribeChangeSet`; none where the emulator has to answer.
    pub(crate) fn describe(&self, params: &QueryParams) -> Option<Result<String, AwsError>> {
        let name = params.get("ChangeSetName")?;
        let stack = params.get("StackName").unwrap_or_default();
        let shared = self.lock();
        let made = shared.made.iter().find(|made| {
            made.id == name
                || (made.name == name && (made.stack == stack || made.stack_id == stack))
        })?;
        let from = match params.get("NextToken").filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => match token.strip_prefix("changes-").and_then(|n| n.parse().ok()) {
                Some(from) if from <= made.changes.len() => from,
                _ => {
                    return Some(Err(AwsError::client(
                        "ValidationError",
                        "The next token is not valid",
                    )));
                }
            },
        };
        let values = params.get("IncludePropertyValues") == Some("true");
        Some(Ok(made.show(from, values)))
    }

    fn add(&self, shared: &mut Shared, nested: &Nested, ancestry: Ancestry) {
        let root = ancestry.root.clone().unwrap_or_else(|| ancestry.id.clone());
        let mut changes: Vec<Value> = nested.changes.iter().map(change).collect();
        for (logical_id, below) in &nested.nested {
            let name = format!(
                "{}-{logical_id}-{}",
                ancestry.name,
                ids::hex(12).to_uppercase()
            );
            let id = self.id(&name);
            point(&mut changes, logical_id, &id);
            let ancestry = Ancestry {
                id,
                stack: format!("{}-{logical_id}", ancestry.stack),
                name,
                parent: Some(ancestry.id.clone()),
                root: Some(root.clone()),
            };
            self.add(shared, below, ancestry);
        }
        let Self {
            account, region, ..
        } = self;
        let stack_id = shared
            .stack_ids
            .entry(ancestry.stack.clone())
            .or_insert_with(|| {
                format!(
                    "arn:aws:cloudformation:{region}:{account}:stack/{}/{}",
                    ancestry.stack,
                    ids::uuid()
                )
            })
            .clone();
        shared.made.push(CreatedChangeSet {
            id: ancestry.id,
            name: ancestry.name,
            stack: ancestry.stack,
            stack_id,
            changes,
            parent: ancestry.parent,
            root: ancestry.root,
            status: "CREATE_COMPLETE".to_owned(),
            reason: None,
            executed: false,
            created: self.clock.now().to_string(),
        });
    }

    fn id(&self, name: &str) -> String {
        let Self {
            account, region, ..
        } = self;
        format!(
            "arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{}",
            ids::uuid()
        )
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

/// Where a change set stands among others.
struct Ancestry {
    id: String,
    stack: String,
    name: String,
    parent: Option<String>,
    root: Option<String>,
}

impl CreatedChangeSet {
    /// The XML inside the result, for one page.
    fn show(&self, from: usize, values: bool) -> String {
        let page: Vec<Value> = self
            .changes
            .iter()
            .skip(from)
            .take(MAX_PAGE_SIZE)
            .map(|change| {
                if values {
                    change.clone()
                } else {
                    without_values(change)
                }
            })
            .collect();
        let execution = match self.status.as_str() {
            _ if self.executed => "EXECUTE_COMPLETE",
            "FAILED" => "UNAVAILABLE",
            _ => "AVAILABLE",
        };
        let mut shown = json!({
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "StackId": self.stack_id,
            "StackName": self.stack,
            "Status": self.status,
            "ExecutionStatus": execution,
            "CreationTime": self.created,
            "Capabilities": [],
            "Parameters": [],
            "Tags": [],
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "IncludeNestedStacks": self.parent.is_some() || self.changes.iter().any(|change| !change["ResourceChange"]["ChangeSetId"].is_null()),
            "Changes": page,
        });
        for (name, value) in [
            ("StatusReason", &self.reason),
            ("ParentChangeSetId", &self.parent),
            ("RootChangeSetId", &self.root),
        ] {
            if let Some(value) = value {
                shown[name] = json!(value);
            }
        }
        if from + MAX_PAGE_SIZE < self.changes.len() {
            shown["NextToken"] = json!(format!("changes-{}", from + MAX_PAGE_SIZE));
        }
        let mut xml = String::new();
        for (name, value) in shown.as_object().into_iter().flatten() {
            write_xml(&mut xml, name, value);
        }
        xml
    }
}

/// A change as the API has it, whether or not it came with its wrapping.
fn change(given: &Value) -> Value {
    if given.get("ResourceChange").is_some() {
        return given.clone();
    }
    json!({ "Type": "Resource", "ResourceChange": given })
}

/// Points the change of a nested stack at its change set; one that is not listed is a `Modify`.
fn point(changes: &mut Vec<Value>, logical_id: &str, id: &str) {
    let of_it = |change: &&mut Value| change["ResourceChange"]["LogicalResourceId"] == logical_id;
    if let Some(change) = changes.iter_mut().find(of_it) {
        change["ResourceChange"]["ChangeSetId"] = json!(id);
        return;
    }
    changes.push(change(&json!({
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::CloudFormation::Stack",
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [],
        "ChangeSetId": id,
    })));
}

fn without_values(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !VALUES.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), without_values(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_values).collect(),
        other => other.clone(),
    }
}

fn check(changes: &[Value], nested: &BTreeMap<String, Nested>) -> Result<(), DefinitionError> {
    for given in changes {
        let shown = change(given);
        let resource = &shown["ResourceChange"];
        for name in ["LogicalResourceId", "ResourceType"] {
            if !resource[name].is_string() {
                let change = given.clone();
                return Err(DefinitionError::Missing { name, change });
            }
        }
        let action = resource["Action"].as_str().unwrap_or_default();
        if !ACTIONS.contains(&action) {
            let change = given.clone();
            return Err(DefinitionError::Action { change });
        }
    }
    nested
        .values()
        .try_for_each(|below| check(&below.changes, &below.nested))
}

/// JSON as the query protocol has it.
fn write_xml(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {
            let _ = write!(out, "<{name}/>");
        }
        Value::Array(items) => {
            let _ = write!(out, "<{name}>");
            for item in items {
                write_xml(out, "member", item);
            }
            let _ = write!(out, "</{name}>");
        }
        Value::Object(members) => {
            let _ = write!(out, "<{name}>");
            for (name, value) in members {
                write_xml(out, name, value);
            }
            let _ = write!(out, "</{name}>");
        }
        Value::String(text) => {
            let _ = write!(out, "<{name}>{}</{name}>", Escaped(text));
        }
        other => {
            let _ = write!(out, "<{name}>{other}</{name}>");
        }
    }
}
