//! The published JSON Schema, the guide and the decoder say the same: editors must not promise what is
//! refused, nor mark what is accepted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Config, FILE, keys};

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Value {
    let text = fs::read_to_string(root().join("docs/approvals.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/approvals-config.md")).unwrap()
}

/// The configurations of `tests/bad`, by name.
pub(super) fn bad() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 40, "only {} files", files.len());
    files
}

/// Our own tables, and those of channels.
fn tables() -> impl Iterator<Item = &'static strict_yaml::KeyTable> {
    keys::ALL.iter().copied().chain(contacts::tables())
}

#[test]
fn every_object_has_the_keys_that_the_decoder_reads() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for table in tables() {
        let definition = &definitions[table.schema];
        let properties = definition["properties"].as_object().unwrap();
        let published: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let read: BTreeSet<&str> = table.keys.iter().copied().collect();
        assert_eq!(published, read, "{}", table.schema);
        assert_eq!(
            definition["additionalProperties"], false,
            "{}",
            table.schema
        );
    }
    let described: BTreeSet<&str> = tables().map(|table| table.schema).collect();
    let objects: BTreeSet<&str> = definitions
        .iter()
        .filter(|(_, definition)| definition.get("properties").is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(objects, described);
}

#[test]
fn every_key_is_explained_to_users() {
    let guide = guide();
    for table in tables() {
        for key in table.keys {
            assert!(
                guide.contains(&format!("`{key}`")),
                "docs/approvals-config.md does not explain `{key}`"
            );
        }
    }
}

#[test]
fn the_examples_are_valid_for_both_and_give_no_warnings() {
    let guide = guide();
    let example = fs::read_to_string(root().join("examples/approvals.yaml")).unwrap();
    let mut texts: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(!texts.is_empty());
    texts.push(&example);
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for text in texts {
        let config = Config::parse("example", text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.warnings, [], "{text}");
        let json = strict_yaml::read(text, FILE).unwrap().to_json();
        let errors: Vec<String> = validator
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn what_an_editor_can_know_to_be_wrong_the_schema_refuses() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let mut refused = 0;
    for (name, text) in bad() {
        // The first line says what an editor can know of it.
        if text.starts_with("# schema: refuses") {
            let json = strict_yaml::read(&text, FILE).unwrap().to_json();
            assert!(!validator.is_valid(&json), "the schema accepts {name}");
            refused += 1;
        } else if text.starts_with("# Only the decoder") {
            let node = strict_yaml::read(&text, FILE).unwrap();
            assert!(
                validator.is_valid(&node.to_json()),
                "the schema knows that {name} is wrong"
            );
        }
    }
    assert!(refused >= 25, "only {refused}");
}
