//! Old version → new version, and how large the step is. Pure.

use approvals::{Step, VersionChange};
use semver::Version;
use serde_json::Value;

use crate::text;

/// The longest version that is shown.
const MAX_VERSION_CHARS: usize = 128;
/// How deep an image is looked for in a container definition.
const MAX_DEPTH: usize = 16;

/// The step between two versions. A leading `v` is fine; anything else that is not a semantic version,
/// or an unknown old one, is [`Step::Unknown`].
pub(crate) fn step(from: Option<&str>, to: &str) -> Step {
    let (Some(from), Some(to)) = (from.and_then(lenient), lenient(to)) else {
        return Step::Unknown;
    };
    match to.cmp_precedence(&from) {
        std::cmp::Ordering::Less => Step::Downgrade,
        _ if to == from => Step::Same,
        _ if to.major != from.major => Step::Major,
        _ if to.minor != from.minor => Step::Minor,
        _ if to.patch != from.patch => Step::Patch,
        _ => Step::PreRelease,
    }
}

/// `1.2.3` and `v1.2.3`.
pub(crate) fn lenient(text: &str) -> Option<Version> {
    let text = text.trim();
    Version::parse(text.strip_prefix(['v', 'V']).unwrap_or(text)).ok()
}

/// The change from what the last execution had to what this one has.
pub(crate) fn change(from: Option<&str>, to: &str) -> Option<VersionChange> {
    let to_shown = text::some_line(Some(to), MAX_VERSION_CHARS)?;
    Some(VersionChange {
        from: text::some_line(from, MAX_VERSION_CHARS),
        to: to_shown,
        step: step(from, to),
    })
}

/// The version among pipeline variables and output variables: the best name that has a value, first
/// among the pipeline's own, then among those of actions; then what a source calls its tag.
pub(crate) fn among<'a>(
    own: &'a [(String, String)],
    outputs: &'a [(String, String)],
    names: &[&str],
) -> Option<&'a str> {
    let value_of = |pairs: &'a [(String, String)], name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    let first = |pairs| names.iter().find_map(|name| value_of(pairs, name));
    first(own)
        .or_else(|| first(outputs))
        .or_else(|| value_of(outputs, "ImageTag"))
        .or_else(|| value_of(outputs, "BranchName").and_then(of_branch))
}

/// Gitflow: `release/1.2.0`, `refs/tags/v1.2.0`; none for other branches.
fn of_branch(branch: &str) -> Option<&str> {
    let name = branch.rsplit('/').next()?;
    lenient(name).map(|_| name)
}

/// The tag of the image that a property of this name holds: an image's address, or container
/// definitions in JSON that agree on one tag.
pub(crate) fn image_tag(property: &str, value: &str) -> Option<String> {
    let mut tags = Vec::new();
    match serde_json::from_str::<Value>(value.trim()) {
        Ok(json @ (Value::Array(_) | Value::Object(_))) => images(&json, MAX_DEPTH, &mut tags),
        _ if is_image(property.rsplit(['/', '.']).next().unwrap_or_default()) => {
            tags.extend(tag(value));
        }
        _ => {}
    }
    tags.sort_unstable();
    tags.dedup();
    // Side-cars have tags of their own; which one is the release can't be known then.
    (tags.len() == 1).then(|| tags.remove(0))
}

fn images(value: &Value, depth: usize, tags: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| images(item, depth - 1, tags)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if is_image(key) => tags.extend(tag(text)),
                    _ => images(value, depth - 1, tags),
                }
            }
        }
        _ => {}
    }
}

fn is_image(key: &str) -> bool {
    key.eq_ignore_ascii_case("image") || key.eq_ignore_ascii_case("imageuri")
}

/// `registry:5000/shop:1.2.0@sha256:…` → `1.2.0`
fn tag(image: &str) -> Option<String> {
    let name = image.trim().split('@').next()?.rsplit('/').next()?;
    let (_, tag) = name.split_once(':')?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!tag.is_empty() && tag.chars().all(legal)).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_are_those_of_semver() {
        use Step::{Downgrade, Major, Minor, Patch, PreRelease, Same, Unknown};
        for (from, to, expected) in [
            ("1.9.9", "2.0.0", Major),
            ("1.9.9", "2.0.0-rc.1", Major),
            ("v1.1.0", "1.2.0", Minor),
            ("1.1.0", "V1.1.1", Patch),
            ("1.2.0-rc.1", "1.2.0-rc.2", PreRelease),
            ("1.2.0-rc.2", "1.2.0", PreRelease),
            ("1.2.0", "1.2.0+build.7", PreRelease),
            ("1.2.0", "v1.2.0", Same),
            ("1.2.0", "1.2.0-rc.1", Downgrade),
            ("2.0.0", "1.9.9", Downgrade),
            ("1.2", "1.3.0", Unknown),
            ("latest", "latest", Unknown),
            ("1.0.0", "vv1.0.1", Unknown),
            ("", "1.0.0", Unknown),
        ] {
            assert_eq!(step(Some(from), to), expected, "{from} → {to}");
        }
        assert_eq!(step(None, "1.0.0"), Unknown);
    }

    #[test]
    fn the_pipelines_own_variable_wins_then_the_order_of_names() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let own = [pair("TAG", "t"), pair("RELEASE", "r"), pair("VERSION", " ")];
        let outputs = [pair("VERSION", "o"), pair("ImageTag", "i")];
        let names = crate::VERSION_VARIABLES;
        assert_eq!(among(&own, &outputs, &names), Some("r"));
        assert_eq!(among(&[], &outputs, &names), Some("o"));
        assert_eq!(among(&[], &outputs[1..], &names), Some("i"));
        let branch = [pair("BranchName", "release/1.4.0")];
        assert_eq!(among(&[], &branch, &names), Some("1.4.0"));
        assert_eq!(among(&[], &[pair("BranchName", "main")], &names), None);
    }

    #[test]
    fn an_image_has_the_tag_that_all_containers_agree_on() {
        let tag = |name: &str, value: &str| image_tag(name, value);
        assert_eq!(
            tag("Image", "r:5000/shop:1.2.0@sha256:ab"),
            Some("1.2.0".into())
        );
        assert_eq!(tag("/Properties/Code/ImageUri", "shop:7"), Some("7".into()));
        assert_eq!(tag("Image", "registry:5000/shop"), None);
        assert_eq!(tag("Description", "shop:7"), None);
        let containers = r#"[{"Image":"shop:1.3.0"},{"image":"web/shop:1.3.0"}]"#;
        assert_eq!(
            tag("ContainerDefinitions", containers),
            Some("1.3.0".into())
        );
        let side_car = r#"[{"Image":"shop:1.3.0"},{"Image":"proxy:2"}]"#;
        assert_eq!(tag("ContainerDefinitions", side_car), None);
    }

    proptest! {
        #[test]
        fn a_step_forward_is_a_downgrade_backward(a in 0_u64..4, b in 0_u64..4, c in 0_u64..4, x in 0_u64..4, y in 0_u64..4, z in 0_u64..4) {
            let (one, two) = (format!("{a}.{b}.{c}"), format!("v{x}.{y}.{z}"));
            let there = step(Some(&one), &two);
            let back = step(Some(&two), &one);
            prop_assert_eq!(there == Step::Same, back == Step::Same);
            prop_assert_eq!(there == Step::Downgrade, !matches!(back, Step::Downgrade | Step::Same));
        }

        #[test]
        fn no_text_makes_it_panic(from in any::<String>(), to in any::<String>()) {
            let _ = (change(Some(&from), &to), image_tag(&from, &to), image_tag("Image", &to));
        }
    }
}
