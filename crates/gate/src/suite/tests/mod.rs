//! What a person sees whose suite is wrong, and what the engine gets when it is right.

use super::*;

mod bounds;
mod checks;
mod expectations;
mod expressions;
mod files;
mod includes;
mod journeys;
mod json_schemas;
mod probes;
mod requests;
mod schema;
mod whole;

fn problems(text: &str) -> String {
    Suite::parse("suite.yaml", text).unwrap_err().to_string()
}

/// A suite with one check, whose lines are `check`.
fn one_check(check: &str) -> String {
    let lines = check.trim().lines();
    let indented: Vec<String> = lines.map(|line| format!("    {line}\n")).collect();
    let indented = indented.concat();
    format!("version: 1\nname: shop\nchecks:\n  - name: a\n{indented}")
}

fn problems_of_check(check: &str) -> String {
    problems(&one_check(check))
}

fn parsed(text: &str) -> Suite {
    Suite::parse("suite.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}
