//! The body of an answer, which a service under test writes.
#![no_main]

use exact_json::Document;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else { return };
    let compact = document.root().compact(usize::MAX);
    let again = Document::parse(compact.as_str()).expect("what was written is read again");
    assert_eq!(again.root().compact(usize::MAX), compact, "writing is stable");
});
