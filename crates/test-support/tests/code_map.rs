//! The maps of the code are true: what they name exists, and what exists is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const MAPS: [&str; 2] = ["ARCHITECTURE.md", "docs/code-map.md"];

fn read(map: &str) -> String {
    fs::read_to_string(root().join(map)).unwrap()
}

/// What stands in backticks.
fn code(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Modules in a folder of sources: files and folders, without those of tests.
fn modules(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let modules = names.map(|name| name.trim_end_matches(".rs").to_owned());
    let is_test = |name: &String| name == "tests" || name.ends_with("_tests");
    modules
        .filter(|name| !is_test(name) && name != "lib" && name != "mod")
        .collect()
}

#[test]
fn every_crate_is_on_the_map() {
    let crates = modules("crates");
    assert!(crates.len() > 20, "{crates:?}");
    for map in MAPS {
        let text = read(map);
        let named = code(&text);
        for name in &crates {
            let place = format!("crates/{name}");
            assert!(named.contains(&*place), "{map} has no row for {place}");
        }
    }
}

#[test]
fn every_place_on_the_map_exists() {
    for map in MAPS {
        let text = read(map);
        let places = code(&text)
            .into_iter()
            .filter(|word| word.starts_with("crates/"));
        for place in places {
            assert!(
                root().join(place).exists(),
                "{map} names {place}, which does not exist"
            );
        }
    }
}

#[test]
fn every_room_of_the_gate_is_on_the_map() {
    let text = read("docs/code-map.md");
    let (_, rooms) = text
        .split_once("## Rooms of `crates/gate/src`")
        .expect("the gate's rooms");
    let rooms = rooms.split("\n##").next().unwrap_or_default();
    let named = code(rooms);
    for folder in ["", "/probe", "/run"] {
        for room in modules(&format!("crates/gate/src{folder}")) {
            assert!(
                named.contains(&*room),
                "the gate's rooms in docs/code-map.md lack {room} of src{folder}"
            );
        }
    }
}

/// The crates whose modules the map names. Those that are missing here are small, or read from top to bottom.
const MAPPED: [&str; 9] = [
    "approvals",
    "briefing",
    "channels",
    "environments",
    "exact-json",
    "hook",
    "local-aws",
    "schedule",
    "strict-yaml",
];

#[test]
fn every_module_of_the_large_crates_is_on_the_map() {
    let text = read("docs/code-map.md");
    for name in MAPPED {
        let place = format!("`crates/{name}`");
        let mut lines = text.lines();
        let row = lines
            .find(|line| line.starts_with(&format!("| {place}")))
            .unwrap_or_else(|| panic!("no row of {place}"));
        // A module may also be named by what is done there.
        let folder = format!("crates/{name}/src/");
        let paths = code(&text).into_iter().filter_map(|word| {
            let below = word.strip_prefix(&folder)?;
            below.split(['/', '.']).next()
        });
        let named: BTreeSet<&str> = code(row).into_iter().chain(paths).collect();
        let words: BTreeSet<&str> = named.iter().flat_map(|word| word.split('/')).collect();
        for module in modules(&folder) {
            assert!(
                words.contains(&*module) || module == "main" || module == "bin",
                "docs/code-map.md does not name {module} of crates/{name}"
            );
        }
    }
}
