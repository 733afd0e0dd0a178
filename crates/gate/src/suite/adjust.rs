//! What someone who tries a suite out changes of it for once, without writing it into the file.

use std::time::Duration;

use strict_yaml::{Findings, entries};
use text::words::nearest;

use super::traffic::{self, MAX_ROUNDS};
use super::{Check, FILE, Suite, check_fingerprint, decode};
use crate::severity::Severity;
use crate::template::Var;
use crate::{MAX_BAKE_WINDOW, Stage, words};

/// What can't be done with this suite: one sentence, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AdjustError(pub(crate) String);

impl Suite {
    /// Keeps only the checks of these names, and makes each required: whoever names a check wants its result to count, also
    /// where it never blocks a release.
    ///
    /// # Errors
    /// If the suite has no check of a name.
    pub fn keep_checks(&mut self, names: &[String]) -> Result<(), AdjustError> {
        self.knows_checks(names)?;
        self.checks.retain(|check| names.contains(&check.name));
        for check in &mut self.checks {
            check.severity = Severity::Required;
        }
        Ok(())
    }

    /// Leaves the checks of these names out.
    ///
    /// # Errors
    /// If the suite has no check of a name.
    pub fn skip_checks(&mut self, names: &[String]) -> Result<(), AdjustError> {
        self.knows_checks(names)?;
        self.checks.retain(|check| !names.contains(&check.name));
        Ok(())
    }

    /// Keeps only the checks that have one of these tags.
    ///
    /// # Errors
    /// If no check of the suite has a tag.
    pub fn keep_tags(&mut self, tags: &[String]) -> Result<(), AdjustError> {
        let known = self.checks.iter().flat_map(|check| &check.tags);
        for tag in tags {
            if !known.clone().any(|known| known == tag) {
                let hint = hint(tag, known.map(String::as_str));
                return Err(AdjustError(format!(
                    "no check of the suite has the tag {tag:?}{hint}"
                )));
            }
        }
        let wanted = |check: &Check| check.tags.iter().any(|tag| tags.contains(tag));
        self.checks.retain(wanted);
        Ok(())
    }

    fn knows_checks(&self, names: &[String]) -> Result<(), AdjustError> {
        let known = self.checks.iter().map(|check| check.name.as_str());
        for name in names {
            if !known.clone().any(|known| known == name) {
                let hint = hint(name, known);
                return Err(AdjustError(format!(
                    "the suite has no check {name:?}{hint}"
                )));
            }
        }
        Ok(())
    }

    /// Gives a variable another value: a number, true or false if it is written as one, text otherwise.
    ///
    /// # Errors
    /// If the suite has no variable of this name.
    pub fn set_var(&mut self, name: &str, value: &str) -> Result<(), AdjustError> {
        let known = self.vars.keys().map(String::as_str);
        if !self.vars.contains_key(name) {
            let hint = hint(name, known);
            return Err(AdjustError(format!(
                "the suite has no variable {name:?} under vars{hint}"
            )));
        }
        self.vars.insert(name.to_owned(), typed(value));
        for check in &mut self.checks {
            // Nobody asks which check uses it: with another value each counts as another one.
            check.definition = check_fingerprint::with_other_var(check.definition, name, value);
        }
        Ok(())
    }

    /// Makes the bake this long; as often as the suite says.
    ///
    /// # Errors
    /// If the suite has no `traffic:`, or the bake is shorter than the time between two rounds, or too long.
    pub fn set_bake(&mut self, window: Duration) -> Result<(), AdjustError> {
        let Some(bake) = &mut self.traffic else {
            return Err(AdjustError(
                "the suite has no traffic, so it is measured once; write under traffic how often"
                    .to_owned(),
            ));
        };
        if window < bake.every || window > MAX_BAKE_WINDOW {
            return Err(AdjustError(format!(
                "a bake of {} does not fit: it takes from {} (traffic.every) to {}",
                words::duration(window),
                words::duration(bake.every),
                words::duration(MAX_BAKE_WINDOW)
            )));
        }
        if traffic::rounds(window, bake.every) > MAX_ROUNDS {
            return Err(AdjustError(format!(
                "a bake of {} has more than {MAX_ROUNDS} rounds, one every {} (traffic.every)",
                words::duration(window),
                words::duration(bake.every)
            )));
        }
        bake.window = window;
        Ok(())
    }

    /// The name and the stages of each check, in the order of the suite.
    pub fn check_names(&self) -> impl Iterator<Item = (&str, &[Stage])> {
        let checks = self.checks.iter();
        checks.map(|check| (check.name.as_str(), check.on.as_slice()))
    }
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(meant) => format!("; did you mean {meant:?}?"),
        None => String::new(),
    }
}

/// As YAML reads it under `vars:`.
fn typed(value: &str) -> Var {
    let text = || Var::Text(value.to_owned());
    let Ok(root) = strict_yaml::read(&format!("value: {value}"), FILE) else {
        return text();
    };
    let entries = entries(&root, "vars", &Findings::default()).unwrap_or_default();
    match entries.as_slice() {
        [(_, node)] => match decode::var(&node.value) {
            Some(Var::Text(_)) | None => text(),
            Some(var) => var,
        },
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> Suite {
        let text = "version: 1\nname: shop\nvars: { count: 1, name: ada }\ntraffic: { bake: 10m, every: 30s }\n\
            checks:\n  - { name: home, http: GET / }\n  - { name: cart, http: GET /cart }\n";
        Suite::parse("shop.yaml", text).unwrap()
    }

    #[test]
    fn named_checks_are_kept_and_unknown_ones_are_refused() {
        let mut suite = suite();
        let error = suite.keep_checks(&["hom".to_owned()]).unwrap_err();
        insta::assert_snapshot!(error, @r#"the suite has no check "hom"; did you mean "home"?"#);
        assert_eq!(suite.check_names().count(), 2);
        suite.keep_checks(&["cart".to_owned()]).unwrap();
        let names: Vec<_> = suite.check_names().map(|(name, _)| name).collect();
        assert_eq!(names, ["cart"]);
    }

    #[test]
    fn checks_are_left_out_by_name_and_chosen_by_tag() {
        let names = |suite: &Suite| -> Vec<String> {
            let names = suite.check_names().map(|(name, _)| name.to_owned());
            names.collect()
        };
        let mut skipping = suite();
        let error = skipping.skip_checks(&["cat".to_owned()]).unwrap_err();
        insta::assert_snapshot!(error, @r#"the suite has no check "cat"; did you mean "cart"?"#);
        skipping.skip_checks(&["cart".to_owned()]).unwrap();
        assert_eq!(names(&skipping), ["home"]);

        let text = "version: 1\nname: shop\nchecks:\n  - { name: home, tags: [smoke, fast], http: GET / }\n  \
            - { name: cart, tags: [checkout], http: GET /cart }\n  - { name: terms, http: GET /terms }\n";
        let tagged = Suite::parse("shop.yaml", text).unwrap();
        let mut by_tag = tagged.clone();
        let error = by_tag.keep_tags(&["smok".to_owned()]).unwrap_err();
        insta::assert_snapshot!(error, @r#"no check of the suite has the tag "smok"; did you mean "smoke"?"#);
        by_tag.keep_tags(&["smoke".to_owned()]).unwrap();
        assert_eq!(names(&by_tag), ["home"]);
        let mut by_tag = tagged;
        let both = ["checkout".to_owned(), "fast".to_owned()];
        by_tag.keep_tags(&both).unwrap();
        assert_eq!(names(&by_tag), ["home", "cart"]);
    }

    #[test]
    fn a_check_that_is_named_counts_even_if_it_is_advisory() {
        let text = "version: 1\nname: shop\nchecks:\n  - { name: home, http: GET / }\n  \
            - { name: cart, severity: advisory, http: GET /cart }\n";
        let named = |names: &[&str]| {
            let mut suite = Suite::parse("shop.yaml", text).unwrap();
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            suite.keep_checks(&names).unwrap();
            suite.required_checks_at(Stage::PreTraffic)
        };
        assert_eq!(
            (named(&["cart"]), named(&["home"]), named(&["home", "cart"])),
            (1, 1, 2)
        );
    }

    #[test]
    fn a_variable_has_the_type_that_it_would_have_in_the_file() {
        let mut suite = suite();
        for (written, number) in [
            ("7", true),
            ("0.10", true),
            ("7 books", false),
            ("{", false),
            ("", false),
        ] {
            suite.set_var("count", written).unwrap();
            let var = &suite.vars["count"];
            assert_eq!(matches!(var, Var::Number { .. }), number, "{var:?}");
            assert_eq!(var.written(), written);
        }
        suite.set_var("name", "true").unwrap();
        assert!(matches!(suite.vars["name"], Var::Bool { value: true, .. }));
        let error = suite.set_var("nam", "x").unwrap_err();
        insta::assert_snapshot!(error, @r#"the suite has no variable "nam" under vars; did you mean "name"?"#);
    }

    #[test]
    fn a_bake_is_at_least_one_interval_long() {
        let mut suite = suite();
        suite.set_bake(Duration::from_mins(1)).unwrap();
        assert_eq!(suite.bake().window, Duration::from_mins(1));
        let error = suite.set_bake(Duration::from_secs(1)).unwrap_err();
        insta::assert_snapshot!(error, @"a bake of 1s does not fit: it takes from 30s (traffic.every) to 23h");
        let error = suite.set_bake(Duration::from_hours(9)).unwrap_err();
        insta::assert_snapshot!(error, @"a bake of 9h has more than 1000 rounds, one every 30s (traffic.every)");
        suite.traffic = None;
        let error = suite.set_bake(Duration::from_mins(1)).unwrap_err();
        insta::assert_snapshot!(error, @"the suite has no traffic, so it is measured once; write under traffic how often");
    }
}
