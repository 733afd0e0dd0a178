//! One resource change of AWS as what is shown of it and as what a decision is bound to. Pure.

use approvals::{Change, ChangeAction, Property, Replacement};
use common::cloud_formation::{ResourceChange, ResourceChangeDetail, ResourceTarget};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::risk;
use crate::{text, version};

/// Properties kept of one change; a change of more is shown by its first ones.
const MAX_PROPERTIES: usize = 8;
const MAX_NAME_CHARS: usize = 128;
const MAX_TYPE_CHARS: usize = 128;
const MAX_PATH_CHARS: usize = 256;
const MAX_VALUE_CHARS: usize = 160;

/// A change, ready to be shown, with its hash and what it says of an image.
pub(super) struct ConvertedChange {
    pub(super) change: Change,
    pub(super) hash: [u8; 32],
    pub(super) image: Option<(Option<String>, Option<String>)>,
}

/// `parent` is the path of nested stacks that leads to the resource, empty or ending in `/`.
pub(super) fn convert(parent: &str, resource: &ResourceChange) -> ConvertedChange {
    let action = action(resource.action.as_deref());
    let details = &resource.details;
    let replacement = replacement(resource, action);
    let resource_type = resource.resource_type.as_deref().unwrap_or_default();
    let names: Vec<&str> = details
        .iter()
        .filter_map(|detail| detail.target.as_ref())
        .map(name)
        .collect();
    let facts = risk::Facts {
        action,
        resource_type,
        replacement,
        properties: &names,
    };
    let path = format!(
        "{parent}{}",
        resource.logical_resource_id.as_deref().unwrap_or_default()
    );
    ConvertedChange {
        hash: hash(&path, resource),
        image: details
            .iter()
            .filter_map(|detail| detail.target.as_ref())
            .find_map(image),
        change: Change {
            risk: risk::of(&facts),
            action,
            logical_id: text::line(&path, MAX_PATH_CHARS),
            resource_type: text::line(resource_type, MAX_TYPE_CHARS),
            replacement,
            properties: properties(details),
        },
    }
}

fn action(action: Option<&str>) -> ChangeAction {
    match action {
        Some("Add") => ChangeAction::Add,
        Some("Modify") => ChangeAction::Modify,
        Some("Remove") => ChangeAction::Remove,
        Some("Import") => ChangeAction::Import,
        Some("Dynamic") => ChangeAction::Dynamic,
        _ => ChangeAction::Other,
    }
}

/// What AWS says; where it says nothing of a modification, what its properties say.
fn replacement(resource: &ResourceChange, action: ChangeAction) -> Replacement {
    match resource.replacement.as_deref() {
        Some("True") => Replacement::True,
        Some("False") => Replacement::False,
        Some(_) => Replacement::Conditional,
        None if action == ChangeAction::Modify => {
            let recreated = |detail: &ResourceChangeDetail| {
                let target = detail.target.as_ref();
                target.is_some_and(|target| recreates(target) != Replacement::False)
            };
            if resource.details.iter().any(recreated) {
                Replacement::Conditional
            } else {
                Replacement::False
            }
        }
        None => Replacement::False,
    }
}

fn recreates(target: &ResourceTarget) -> Replacement {
    match target.requires_recreation.as_deref() {
        Some("Always") => Replacement::True,
        None | Some("Never") => Replacement::False,
        Some(_) => Replacement::Conditional,
    }
}

/// The property, or the attribute where it isn't a property (`Tags`).
fn name(target: &ResourceTarget) -> &str {
    let attribute = target.attribute.as_deref().unwrap_or_default();
    let name = target.name.as_deref().filter(|name| !name.is_empty());
    name.unwrap_or(attribute)
}

/// The properties, those that recreate the resource first. AWS lists one twice where it is changed
/// directly and by a reference.
fn properties(details: &[ResourceChangeDetail]) -> Vec<Property> {
    let mut properties: Vec<Property> = Vec::new();
    for target in details.iter().filter_map(|detail| detail.target.as_ref()) {
        let name = name(target);
        let path = target.path.as_deref().unwrap_or(name);
        // A secret may be named by the property or by the path inside of it.
        let (before, after) = text::pair(
            &format!("{name}.{path}"),
            target.before_value.as_deref(),
            target.after_value.as_deref(),
            MAX_VALUE_CHARS,
        );
        let property = Property {
            name: text::line(name, MAX_NAME_CHARS),
            before,
            after,
            recreates: recreates(target),
        };
        if !properties.contains(&property) {
            properties.push(property);
        }
    }
    let rank = |property: &Property| match property.recreates {
        Replacement::True => 0,
        Replacement::Conditional => 1,
        Replacement::False => 2,
    };
    properties.sort_by(|one, other| {
        rank(one)
            .cmp(&rank(other))
            .then_with(|| one.name.cmp(&other.name))
            .then_with(|| one.before.cmp(&other.before))
            .then_with(|| one.after.cmp(&other.after))
    });
    properties.truncate(MAX_PROPERTIES);
    properties
}

fn image(target: &ResourceTarget) -> Option<(Option<String>, Option<String>)> {
    let place = target.path.as_deref().unwrap_or(name(target));
    let tag = |text: Option<&str>| text.and_then(|text| version::image_tag(place, text));
    let (before, after) = (
        tag(target.before_value.as_deref()),
        tag(target.after_value.as_deref()),
    );
    (after.is_some() && before != after).then_some((before, after))
}

/// A hash of all that AWS says will change, not only of what is shown; the same in whichever order AWS
/// lists details.
fn hash(path: &str, resource: &ResourceChange) -> [u8; 32] {
    let mut details: Vec<String> = resource
        .details
        .iter()
        .map(|detail| detail_of(detail).to_string())
        .collect();
    details.sort_unstable();
    let mut scope: Vec<&String> = resource.scope.iter().collect();
    scope.sort_unstable();
    let whole = json!([
        path,
        resource.action,
        resource.physical_resource_id,
        resource.resource_type,
        resource.replacement,
        resource.policy_action,
        resource.change_set_id,
        scope,
        details,
    ]);
    Sha256::digest(whole.to_string().as_bytes()).into()
}

fn detail_of(detail: &ResourceChangeDetail) -> Value {
    let target = detail.target.clone().unwrap_or_default();
    json!([
        target.attribute,
        target.name,
        target.path,
        target.requires_recreation,
        target.before_value,
        target.after_value,
        detail.causing_entity,
    ])
}
