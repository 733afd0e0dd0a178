//! Tags that nobody reads and that were probably meant for us. Without this, a mistyped key would go unnoticed: the service
//! would keep running, or would be put to sleep although somebody asked for more time.

use strict_yaml::words::nearest;

use crate::backup_tag;
use crate::config::Config;
use crate::resource::{PROTECTED_TAG, Resource};
use crate::schedule_overrides::{FORCE_DOWN_TAG, KEEP_UP_TAG};

/// What all of our own keys begin with.
const PREFIX: &str = "deploy-hooks:";
/// A typing mistake changes the length by no more than this.
const MAX_EDIT_DISTANCE: usize = 2;

/// The first tag of a service that is nearly one of ours, as a sentence without its full stop.
pub(crate) fn mistyped(resource: &Resource, config: &Config) -> Option<String> {
    resource.tags.keys().find_map(|key| {
        let meant = meant(key, config)?;
        Some(format!("the tag {key} is not read; did you mean {meant}?"))
    })
}

fn meant<'c>(key: &str, config: &'c Config) -> Option<&'c str> {
    let others = [
        KEEP_UP_TAG,
        FORCE_DOWN_TAG,
        PROTECTED_TAG,
        backup_tag::ASLEEP_TAG,
    ];
    let is_read = key == config.tag || others.contains(&key) || config.is_imported(key);
    if is_read {
        return None;
    }
    let imported = config.import_tags.keys().map(String::as_str);
    let known = std::iter::once(config.tag.as_str())
        .chain(others)
        .chain(imported);
    let ours = key
        .get(..PREFIX.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(PREFIX));
    if ours {
        // Whatever it was to say, we are meant.
        let near = nearest(key, known).filter(|near| slip(key, near));
        return near.or(Some(&config.tag));
    }
    // There are many tags and many services; few are as long as one of ours.
    let alike = known.filter(|known| known.len().abs_diff(key.len()) <= MAX_EDIT_DISTANCE);
    nearest(key, alike).filter(|near| slip(key, near))
}

/// Whether they differ only by a typing mistake: short words resemble many others.
fn slip(key: &str, near: &str) -> bool {
    let same = key
        .chars()
        .zip(near.chars())
        .filter(|(one, other)| one.eq_ignore_ascii_case(other))
        .count();
    let from_end = key
        .chars()
        .rev()
        .zip(near.chars().rev())
        .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
        .count();
    let from_start = key
        .chars()
        .zip(near.chars())
        .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
        .count();
    let longest = key.chars().count().max(near.chars().count());
    longest >= 4
        && (same + MAX_EDIT_DISTANCE >= longest
            || from_start + from_end + MAX_EDIT_DISTANCE >= longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Files;

    fn hint(lines: &str, key: &str) -> Option<String> {
        let text = format!("version: 1\naccounts: ['111122223333']\n{lines}\n");
        let config = Config::parse("test", &text, &Files::new()).unwrap();
        let resource = Resource {
            tags: [(key.to_owned(), "office".to_owned())].into(),
            ..Resource::default()
        };
        mistyped(&resource, &config)
    }

    #[test]
    fn a_slip_of_the_pen_is_seen_and_other_tags_are_left_alone() {
        let plain =
            |key| hint("", key).and_then(|hint| hint.split("mean ").nth(1).map(str::to_owned));
        for (key, meant) in [
            ("deploy-hooks:shedule", "deploy-hooks:schedule?"),
            ("Deploy-Hooks:Schedule", "deploy-hooks:schedule?"),
            ("deploy-hook:schedule", "deploy-hooks:schedule?"),
            ("deploy_hooks:schedule", "deploy-hooks:schedule?"),
            ("deploy-hooks:keep-up-untill", "deploy-hooks:keep-up-until?"),
            ("deploy-hooks:timetable", "deploy-hooks:schedule?"),
        ] {
            assert_eq!(plain(key).as_deref(), Some(meant), "{key}");
        }
        for key in [
            "deploy-hooks:schedule",
            "deploy-hooks:asleep",
            "deploy-hooks:protected",
            "Name",
            "team",
            "aws:cloudformation:stack",
            "deployment-group:name",
            "",
        ] {
            assert_eq!(plain(key), None, "{key}");
        }
    }

    #[test]
    fn so_are_those_of_a_configured_tag_and_of_other_tools() {
        let lines = "tag: env:sleep\nimport_tags: { maid_offhours: custodian }";
        let hint = |key| hint(lines, key);
        assert_eq!(
            hint("maid-offhours").as_deref(),
            Some("the tag maid-offhours is not read; did you mean maid_offhours?")
        );
        assert_eq!(
            hint("env:slep").as_deref(),
            Some("the tag env:slep is not read; did you mean env:sleep?")
        );
        assert_eq!(
            hint("deploy-hooks:schedule").as_deref(),
            Some("the tag deploy-hooks:schedule is not read; did you mean env:sleep?")
        );
        // Custodian takes it.
        assert_eq!(hint("MAID_OFFHOURS"), None);
    }
}
