//! Which crate may depend on which, read from the manifests: what ARCHITECTURE.md promises, and nothing else enforces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What a crate's packages depend on, by name; what only its tests need is not among it.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The names under `[dependencies]`, `[build-dependencies]` and the like, also of one target or as a table of their own.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut lists_names = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default();
            let (kind, name) = match section.rsplit_once("dependencies.") {
                Some((prefix, name)) => (format!("{prefix}dependencies"), Some(name)),
                None => (section.to_owned(), None),
            };
            let counts = kind.ends_with("dependencies") && !kind.ends_with("dev-dependencies");
            lists_names = counts && name.is_none();
            names.extend(name.filter(|_| counts).map(str::to_owned));
        } else if lists_names && let Some((name, value)) = line.split_once('=') {
            let name = name.split('.').next().unwrap_or_default().trim();
            // `alias = { package = "name" }`
            let renamed = value.split_once("package = \"").map(|(_, rest)| rest);
            let name = renamed
                .and_then(|rest| rest.split('"').next())
                .unwrap_or(name);
            if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

fn folder(of: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of)
}

fn graph() -> Graph {
    let mut graph = Graph::new();
    for entry in fs::read_dir(folder("")).unwrap() {
        let entry = entry.unwrap();
        if let Ok(manifest) = fs::read_to_string(entry.path().join("Cargo.toml")) {
            let name = entry.file_name().into_string().unwrap();
            graph.insert(name, dependencies(&manifest));
        }
    }
    assert!(
        graph.contains_key("gate") && graph["hook"].contains("gate"),
        "{graph:?}"
    );
    graph
}

/// The functions: each has a `main`, and speaks to Lambda.
fn functions(graph: &Graph) -> BTreeSet<&str> {
    let has_main = |name: &&String| folder(name).join("src/main.rs").exists();
    let speaks = |name: &&String| graph[*name].contains("lambda_runtime");
    let functions = graph.keys().filter(has_main).filter(speaks);
    functions.map(String::as_str).collect()
}

/// Everything that a crate depends on, over any number of crates of ours.
fn closure<'g>(graph: &'g Graph, name: &str) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(next) = open.pop() {
        for dependency in graph.get(next).into_iter().flatten() {
            if found.insert(dependency.as_str()) {
                open.push(dependency);
            }
        }
    }
    found
}

#[test]
fn a_manifest_is_read_whole() {
    let manifest = r#"
[package]
name = "a"
[dependencies]
# a comment = none
b.workspace = true
c = { workspace = true, optional = true }
alias = { package = "d", version = "1" }
[target.'cfg(unix)'.dependencies]
e = "1"
[build-dependencies]
f = "1"
[dependencies.g]
version = "1"
[dev-dependencies]
h = "1"
[dev-dependencies.i]
version = "1"
[features]
j = ["dep:c"]
"#;
    let names: Vec<String> = dependencies(manifest).into_iter().collect();
    assert_eq!(names.concat(), "bcdefg");
}

#[test]
fn only_tests_depend_on_test_support() {
    for (name, dependencies) in graph() {
        assert!(
            !dependencies.contains("test-support"),
            "{name} is deployed or run with test-support in it; make that a dev-dependency"
        );
    }
}

#[test]
fn no_function_depends_on_another_and_only_the_command_line_on_one() {
    let graph = graph();
    let functions = functions(&graph);
    let known = [
        "approval-decision",
        "approval-notifier",
        "deploy-action",
        "env-scheduler",
        "post-traffic",
        "pre-traffic",
    ];
    assert_eq!(functions, BTreeSet::from(known));
    for name in graph.keys().filter(|name| *name != "cli") {
        let found: Vec<&str> = closure(&graph, name)
            .intersection(&functions)
            .copied()
            .collect();
        assert!(
            found.is_empty(),
            "{name} depends on {found:?}; move what it needs into a library"
        );
    }
}

#[test]
fn what_is_shared_knows_nothing_of_what_stands_on_it() {
    let graph = graph();
    let must_not = |name: &str, what: fn(&str) -> bool| {
        let found: Vec<&str> = closure(&graph, name)
            .into_iter()
            .filter(|name| what(name))
            .collect();
        assert!(found.is_empty(), "{name} depends on {found:?}");
    };
    must_not("gate", |name| name.starts_with("aws-") || name == "common");
    must_not("environments", |name| {
        matches!(name, "approvals" | "gate" | "hook")
    });
    for pure in [
        "metric",
        "wiring",
        "schedule",
        "exact-json",
        "strict-yaml",
        "text",
    ] {
        must_not(pure, |name| {
            name.starts_with("aws-")
                || matches!(name, "tokio" | "hyper" | "common" | "lambda_runtime")
        });
    }
}
