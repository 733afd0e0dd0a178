//! One resource change of AWS as what is shown of it and as what a decision is bound to. Pure.

use approvals::{Change, ChangeAction, Property, Replacement};
use aws_sdk_cloudformation::types as aws;
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
pub(super) fn convert(parent: &str, resource: &aws::ResourceChange) -> ConvertedChange {
    let action = action(resource.action());
    let details = resource.details();
    let replacement = replacement(resource, action);
    let resource_type = resource.resource_type().unwrap_or_default();
    let names: Vec<&str> = details
        .iter()
        .filter_map(aws::ResourceChangeDetail::target)
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
        resource.logical_resource_id().unwrap_or_default()
    );
    ConvertedChange {
        hash: hash(&path, resource),
        image: details
            .iter()
            .filter_map(aws::ResourceChangeDetail::target)
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

fn action(action: Option<&aws::ChangeAction>) -> ChangeAction {
    match action {
        Some(aws::ChangeAction::Add) => ChangeAction::Add,
        Some(aws::ChangeAction::Modify) => ChangeAction::Modify,
        Some(aws::ChangeAction::Remove) => ChangeAction::Remove,
        Some(aws::ChangeAction::Import) => ChangeAction::Import,
        Some(aws::ChangeAction::Dynamic) => ChangeAction::Dynamic,
        _ => ChangeAction::Other,
    }
}

/// What AWS says; where it says nothing of a modification, what its properties say.
fn replacement(resource: &aws::ResourceChange, action: ChangeAction) -> Replacement {
    match resource.replacement() {
        Some(aws::Replacement::True) => Replacement::True,
        Some(aws::Replacement::False) => Replacement::False,
        Some(_) => Replacement::Conditional,
        None if action == ChangeAction::Modify => {
            let recreated = |detail: &aws::ResourceChangeDetail| {
                detail
                    .target()
                    .is_some_and(|target| recreates(target) != Replacement::False)
            };
            if resource.details().iter().any(recreated) {
                Replacement::Conditional
            } else {
                Replacement::False
            }
        }
        None => Replacement::False,
    }
}

fn recreates(target: &aws::ResourceTargetDefinition) -> Replacement {
    match target.requires_recreation() {
        Some(aws::RequiresRecreation::Always) => Replacement::True,
        None | Some(aws::RequiresRecreation::Never) => Replacement::False,
        Some(_) => Replacement::Conditional,
    }
}

/// The property, or the attribute where it isn't a property (`Tags`).
fn name(target: &aws::ResourceTargetDefinition) -> &str {
    let attribute = target
        .attribute()
        .map_or("", aws::ResourceAttribute::as_str);
    target
        .name()
        .filter(|name| !name.is_empty())
        .unwrap_or(attribute)
}

/// The properties, those that recreate the resource first. AWS lists one twice where it is changed
/// directly and by a reference.
fn properties(details: &[aws::ResourceChangeDetail]) -> Vec<Property> {
    let mut properties: Vec<Property> = Vec::new();
    for target in details.iter().filter_map(aws::ResourceChangeDetail::target) {
        let name = name(target);
        let path = target.path().unwrap_or(name);
        // A secret may be named by the property or by the path inside of it.
        let (before, after) = text::pair(
            &format!("{name}.{path}"),
            target.before_value(),
            target.after_value(),
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

fn image(target: &aws::ResourceTargetDefinition) -> Option<(Option<String>, Option<String>)> {
    let place = target.path().unwrap_or(name(target));
    let tag = |text: Option<&str>| text.and_then(|text| version::image_tag(place, text));
    let (before, after) = (tag(target.before_value()), tag(target.after_value()));
    (after.is_some() && before != after).then_some((before, after))
}

/// A hash of all that AWS says will change, not only of what is shown; the same in whichever order AWS
/// lists details.
fn hash(path: &str, resource: &aws::ResourceChange) -> [u8; 32] {
    let mut details: Vec<String> = resource
        .details()
        .iter()
        .map(|detail| detail_of(detail).to_string())
        .collect();
    details.sort_unstable();
    let mut scope: Vec<&str> = resource
        .scope()
        .iter()
        .map(aws::ResourceAttribute::as_str)
        .collect();
    scope.sort_unstable();
    let whole = json!([
        path,
        resource.action().map(aws::ChangeAction::as_str),
        resource.physical_resource_id(),
        resource.resource_type(),
        resource.replacement().map(aws::Replacement::as_str),
        resource.policy_action().map(aws::PolicyAction::as_str),
        resource.change_set_id(),
        scope,
        details,
    ]);
    Sha256::digest(whole.to_string().as_bytes()).into()
}

fn detail_of(detail: &aws::ResourceChangeDetail) -> Value {
    let target = detail.target();
    json!([
        target
            .and_then(|t| t.attribute())
            .map(aws::ResourceAttribute::as_str),
        target.and_then(|t| t.name()),
        target.and_then(|t| t.path()),
        target
            .and_then(|t| t.requires_recreation())
            .map(aws::RequiresRecreation::as_str),
        target.and_then(|t| t.before_value()),
        target.and_then(|t| t.after_value()),
        detail.causing_entity(),
    ])
}
