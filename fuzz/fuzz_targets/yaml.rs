//! Any YAML: suites, AppSpecs, configurations.
#![no_main]

const FILE: strict_yaml::Document = strict_yaml::Document {
    noun: "file",
    begin: "write one",
    split: "split it",
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(node) = strict_yaml::read(text, FILE) {
        let _ = node.value.to_json();
    }
});
