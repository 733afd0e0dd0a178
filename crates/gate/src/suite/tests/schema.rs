//! The published JSON Schema and the decoder say the same: editors must not promise what the
//! gate refuses, nor mark what it accepts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::suite::{FILE, Suite, SuiteProblems, SuiteReader, keys, probes};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Value {
    let text = fs::read_to_string(root().join("docs/suite.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn yaml_files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no suites in {}", folder.display());
    files
}

#[test]
fn every_object_has_the_keys_that_the_decoder_reads() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for table in keys::ALL {
        let properties = definitions[table.schema]["properties"].as_object().unwrap();
        let published: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let read: BTreeSet<&str> = table.keys.iter().copied().collect();
        assert_eq!(published, read, "{}", table.schema);
        assert_eq!(
            definitions[table.schema]["additionalProperties"], false,
            "{}",
            table.schema
        );
    }
    let described: BTreeSet<&str> = keys::ALL.iter().map(|table| table.schema).collect();
    let objects: BTreeSet<&str> = definitions
        .iter()
        .filter(|(_, definition)| definition.get("properties").is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(objects, described);
}

#[test]
fn every_key_is_explained_to_users() {
    let guide = fs::read_to_string(root().join("docs/suite.md")).unwrap();
    for table in keys::ALL {
        for key in table.keys {
            assert!(
                guide.contains(&format!("`{key}`")),
                "docs/suite.md does not explain `{key}`"
            );
        }
    }
    for key in crate::TARGET_KEYS {
        assert!(
            guide.contains(&format!("`{key}`")),
            "docs/suite.md does not name target.{key}"
        );
    }
}

#[test]
fn every_example_is_valid_for_both() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let folder = root().join("examples/suites");
    for (name, text) in yaml_files(&folder) {
        read_from(&folder, &name, &text).unwrap_or_else(|problems| panic!("{problems}"));
        let json = strict_yaml::read(&text, FILE).unwrap().to_json();
        let errors: Vec<String> = validator
            .iter_errors(&json)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    let mut included = schema();
    included["$ref"] = "#/$defs/included".into();
    let included = jsonschema::draft202012::new(&included).unwrap();
    for (name, text) in yaml_files(&folder.join("shared")) {
        let json = strict_yaml::read(&text, FILE).unwrap().to_json();
        let errors: Vec<String> = included.iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn the_example_of_the_guide_is_valid_for_both() {
    let guide = fs::read_to_string(root().join("docs/suite.md")).unwrap();
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let examples: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|text| text.contains("version: 1"))
        .collect();
    assert!(!examples.is_empty());
    for text in examples {
        Suite::parse("docs/suite.md", text).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(validator.is_valid(&strict_yaml::read(text, FILE).unwrap().to_json()));
    }
}

/// What is a path to the one is one to the other, and so is a list of them.
#[test]
fn paths_are_what_the_schema_says() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let long = "x".repeat(301);
    for (list, is_right) in [
        (vec!["a.yaml"], true),
        (vec!["a.yaml", "shared/b c.yaml"], true),
        (vec!["ä/.hidden", "..a", "a..", "a/...", "{ x }"], true),
        (vec![&long[..300]], true),
        (vec![], false),
        (vec!["a.yaml", "a.yaml"], false),
        (vec![&long], false),
        (vec![""], false),
        (vec!["/etc/passwd"], false),
        (vec!["../a"], false),
        (vec![".."], false),
        (vec!["a/.."], false),
        (vec!["a/../b"], false),
        (vec!["./a"], false),
        (vec!["a//b"], false),
        (vec!["a/"], false),
        (vec!["C:x"], false),
        (vec!["s3://b/k"], false),
        (vec!["a\\b"], false),
        (vec!["a\nb"], false),
        (vec!["a\u{7f}b"], false),
        (vec!["a\u{9f}"], false),
        (vec!["{{ x }}"], false),
    ] {
        let suite = serde_json::json!({ "version": 1, "name": "s", "include": list });
        assert_eq!(validator.is_valid(&suite), is_right, "{list:?}");
        let check = b"checks: [{ name: NAME, http: GET / }]";
        let read = SuiteReader::new("suite.yaml", &suite.to_string()).finish(|path| {
            let name = serde_json::to_string(path).unwrap();
            let check = String::from_utf8_lossy(check).replace("NAME", &name);
            // A name is shorter than a path may be.
            let check = check.replace(&"x".repeat(200), "x");
            Ok(check.into_bytes())
        });
        assert_eq!(read.is_ok(), is_right, "{list:?} {:?}", read.err());
    }
}

/// Reads a suite of a folder with what lies beside it there.
fn read_from(folder: &Path, name: &str, text: &str) -> Result<Suite, SuiteProblems> {
    SuiteReader::new(name, text)
        .finish(|path| fs::read(folder.join(path)).map_err(|error| error.to_string()))
}

#[test]
fn what_is_bad_is_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for (name, text) in yaml_files(&folder) {
        let problems = Suite::parse(&name, &text).expect_err(&name);
        assert!(!problems.problems.is_empty(), "{name}");
        // The first line says what an editor can know of it.
        if text.starts_with("# schema: refuses") {
            let json = strict_yaml::read(&text, FILE).unwrap().to_json();
            assert!(!validator.is_valid(&json), "the schema accepts {name}");
        }
    }
}

#[test]
fn every_probe_is_a_key_of_a_check_and_exactly_one_is_demanded() {
    let mut keys: BTreeSet<&str> = probes::PROBES.iter().map(|(key, _)| *key).collect();
    // A journey, written elsewhere.
    keys.insert("hurl");
    let check = &schema()["$defs"]["check"];
    let branches = check["oneOf"].as_array().unwrap().iter();
    let demanded: BTreeSet<String> = branches
        .map(|branch| branch["required"][0].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        demanded,
        keys.iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    );
    for key in keys {
        assert!(keys::CHECK.keys.contains(&key), "{key}");
    }
}

#[test]
fn the_schema_names_every_rule_of_the_wiring() {
    let schema = schema();
    let listed = &schema["$defs"]["wiring"]["properties"]["except"]["items"]["enum"];
    let listed: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let rules: Vec<&str> = wiring::Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(listed, rules);
    let guide = fs::read_to_string(root().join("docs/suite.md")).unwrap();
    assert!(guide.contains(&format!("[{} rules](wiring.md)", rules.len())));
}
