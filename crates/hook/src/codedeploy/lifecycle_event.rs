//! Whether a gate stands at the right lifecycle event.
//!
//! A gate that runs where its question can't be answered gives a false answer: a post-traffic test
//! hooked to `BeforeAllowTraffic` would measure the old version and pass the new one.

use gate::Stage;

use crate::app_spec::{AppSpec, Resource};

/// The lifecycle events at which `stage` can be asked, for this kind of resource.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>
fn fitting(stage: Stage, resource: &Resource) -> &'static [&'static str] {
    match (stage, resource) {
        (Stage::PreTraffic, Resource::EcsService { .. }) => {
            &["AfterAllowTestTraffic", "BeforeAllowTraffic"]
        }
        (Stage::PreTraffic, Resource::LambdaFunction { .. }) => &["BeforeAllowTraffic"],
        (Stage::PostTraffic, _) => &["AfterAllowTraffic"],
    }
}

/// Finds the lifecycle event that called, and refuses one at which the stage makes no sense. Inside,
/// an error says why it is not known which one called; then none may be taken for it.
///
/// `in_progress` are the events that CodeDeploy reports as running; they settle the case of one
/// function hooked to several events.
pub(super) fn find(
    stage: Stage,
    spec: &AppSpec,
    function: &str,
    in_progress: &[String],
) -> Result<Result<String, String>, String> {
    let hooked: Vec<&str> = spec.events_of(function).collect();
    let running: Vec<&str> = hooked
        .iter()
        .copied()
        .filter(|event| {
            in_progress
                .iter()
                .any(|name| name.eq_ignore_ascii_case(event))
        })
        .collect();
    // One that does not fit is refused even where another one may have called.
    let possible = if running.is_empty() { hooked } else { running };
    let mut known = possible
        .iter()
        .map(|event| fitted(stage, spec, event))
        .collect::<Result<Vec<_>, _>>()?;
    known.dedup();
    match known.as_slice() {
        [] => Err(not_hooked(spec, function)),
        [one] => Ok(Ok((*one).to_owned())),
        several => Ok(Err(format!(
            "the AppSpec hooks {} to this function, and CodeDeploy does not say which of them is running; hook it to one",
            several.join(" and ")
        ))),
    }
}

/// The event as AWS writes it, if `stage` can be asked there.
fn fitted(stage: Stage, spec: &AppSpec, event: &str) -> Result<&'static str, String> {
    let fitting = fitting(stage, &spec.resource);
    let same = |name: &&&str| name.eq_ignore_ascii_case(event);
    fitting.iter().find(same).copied().ok_or_else(|| {
        format!(
            "the {stage} gate is hooked to {event}, where {}; hook it to {} in the AppSpec",
            why_not(stage, event),
            fitting.join(" or "),
        )
    })
}

/// Why the question of a gate can't be asked at this event.
pub(super) fn why_not(stage: Stage, event: &str) -> &'static str {
    match (stage, event.to_ascii_lowercase().as_str()) {
        (Stage::PreTraffic, "afterallowtraffic") => {
            "customers are already served by the new version"
        }
        (Stage::PreTraffic, _) => "nothing reaches the new version yet",
        (Stage::PostTraffic, _) => "customers are still served by the old version",
    }
}

fn not_hooked(spec: &AppSpec, function: &str) -> String {
    let hooks: Vec<String> = spec
        .hooks
        .iter()
        .map(|hook| format!("{}: {}", hook.event, hook.function))
        .collect();
    let hooks = if hooks.is_empty() {
        "none".to_owned()
    } else {
        hooks.join(", ")
    };
    format!(
        "the AppSpec hooks no lifecycle event to this function, {function} (its hooks: {hooks}), so \
         it is unknown which version can be measured; name the function in the AppSpec's Hooks"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_spec::Hook;

    fn spec(hooks: &[(&str, &str)]) -> AppSpec {
        AppSpec {
            resource: Resource::EcsService {
                task_definition: "arn".into(),
                container: None,
                port: None,
            },
            hooks: hooks
                .iter()
                .map(|(event, function)| Hook {
                    event: (*event).to_owned(),
                    function: (*function).to_owned(),
                    at: strict_yaml::Position::default(),
                })
                .collect(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn the_event_is_found_by_the_functions_name() {
        let spec = spec(&[
            ("AfterAllowTestTraffic", "pre"),
            ("AfterAllowTraffic", "post"),
        ]);
        let event = find(Stage::PostTraffic, &spec, "post", &[]);
        assert_eq!(event, Ok(Ok("AfterAllowTraffic".into())));
    }

    #[test]
    fn of_two_hooks_the_one_in_progress_called() {
        let spec = spec(&[
            ("AfterAllowTestTraffic", "pre"),
            ("BeforeAllowTraffic", "pre"),
        ]);
        let running = ["BeforeAllowTraffic".to_owned()];
        let event = find(Stage::PreTraffic, &spec, "pre", &running);
        assert_eq!(event, Ok(Ok("BeforeAllowTraffic".into())));
        let unknown = find(Stage::PreTraffic, &spec, "pre", &[]);
        insta::assert_snapshot!(unknown.unwrap().unwrap_err(), @"the AppSpec hooks AfterAllowTestTraffic and BeforeAllowTraffic to this function, and CodeDeploy does not say which of them is running; hook it to one");
    }

    #[test]
    fn of_two_hooks_one_that_does_not_fit_is_refused_unless_the_other_is_in_progress() {
        let spec = spec(&[("BeforeAllowTraffic", "pre"), ("BeforeInstall", "pre")]);
        let event = |running: &[String]| find(Stage::PreTraffic, &spec, "pre", running);
        assert!(event(&[]).unwrap_err().contains("hooked to BeforeInstall"));
        let running = ["BeforeAllowTraffic".to_owned()];
        assert_eq!(event(&running), Ok(Ok("BeforeAllowTraffic".into())));
    }

    #[test]
    fn a_gate_at_the_wrong_event_is_refused_with_the_right_one() {
        let early = spec(&[("BeforeInstall", "pre"), ("BeforeAllowTraffic", "post")]);
        let say = |stage, function| find(stage, &early, function, &[]).unwrap_err();
        insta::assert_snapshot!(say(Stage::PreTraffic, "pre"), @"the pre-traffic gate is hooked to BeforeInstall, where nothing reaches the new version yet; hook it to AfterAllowTestTraffic or BeforeAllowTraffic in the AppSpec");
        insta::assert_snapshot!(say(Stage::PostTraffic, "post"), @"the post-traffic gate is hooked to BeforeAllowTraffic, where customers are still served by the old version; hook it to AfterAllowTraffic in the AppSpec");
        insta::assert_snapshot!(say(Stage::PreTraffic, "other"), @"the AppSpec hooks no lifecycle event to this function, other (its hooks: BeforeInstall: pre, BeforeAllowTraffic: post), so it is unknown which version can be measured; name the function in the AppSpec's Hooks");
    }
}
