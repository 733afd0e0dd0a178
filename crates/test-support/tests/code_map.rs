//! The code map of ARCHITECTURE.md is true: what it names exists, and what exists is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn architecture() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
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
    let text = architecture();
    let named = code(&text);
    let crates = modules("crates");
    assert!(crates.len() > 20, "{crates:?}");
    for name in crates {
        let place = format!("crates/{name}");
        assert!(
            named.contains(&*place),
            "ARCHITECTURE.md has no row for {place}"
        );
    }
}

#[test]
fn every_place_on_the_map_exists() {
    let text = architecture();
    let places = code(&text)
        .into_iter()
        .filter(|word| word.starts_with("crates/"));
    for place in places {
        assert!(
            root().join(place).exists(),
            "ARCHITECTURE.md names {place}, which does not exist"
        );
    }
}

#[test]
fn every_room_of_the_gate_is_on_the_map() {
    let text = architecture();
    let (_, rooms) = text
        .split_once("### Rooms of `crates/gate/src`")
        .expect("the gate's rooms");
    let rooms = rooms.split("\n##").next().unwrap_or_default();
    let named = code(rooms);
    for folder in ["", "/probe", "/run"] {
        for room in modules(&format!("crates/gate/src{folder}")) {
            assert!(
                named.contains(&*room),
                "the gate's rooms in ARCHITECTURE.md lack {room} of src{folder}"
            );
        }
    }
}
