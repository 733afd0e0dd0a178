//! A JSONPath of a suite over the body of an answer.
#![no_main]

use exact_json::{Budget, Document, Path};

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    let (path, text) = input;
    let (Ok(path), Ok(document)) = (Path::parse(path), Document::parse(text)) else { return };
    let _ = path.select(&document, &mut Budget::default());
});
