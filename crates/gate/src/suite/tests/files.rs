//! Files that lie beside a suite.

use std::collections::BTreeMap;

use super::*;
use crate::suite::{MAX_FILE_BYTES, Reading, SuiteReader};

/// Reads a suite with these files beside it; what else it asks for is missing.
pub(super) fn read_with(text: &str, files: &[(&str, &[u8])]) -> Result<Suite, SuiteProblems> {
    let files: BTreeMap<&str, &[u8]> = files.iter().copied().collect();
    SuiteReader::new("suites/shop.yaml", text).finish(|path| {
        let file = files.get(path).ok_or("no such file")?;
        Ok(file.to_vec())
    })
}

fn request(lines: &str) -> String {
    format!(
        "version: 1\nname: shop\nchecks:\n  - name: a\n    http: {{ method: POST, url: /, {lines} }}\n"
    )
}

#[test]
fn a_file_is_needed_once_and_makes_the_suite_what_it_is() {
    let text = request("body_file: files/a.bin");
    let mut reader = SuiteReader::new("suites/shop.yaml", &text);
    let Reading::Needs(paths) = reader.read() else {
        panic!("a file is missing");
    };
    assert_eq!(paths, ["files/a.bin"]);
    reader.give("files/a.bin".to_owned(), Ok(vec![0, 0xff]));
    let Reading::Done(Ok(suite)) = reader.read() else {
        panic!("nothing is missing");
    };
    let files: Vec<&str> = suite.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(files, ["suites/shop.yaml", "suites/files/a.bin"]);
    assert_eq!(
        suite.files[1].sha256,
        "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8"
    );
    assert_eq!(suite.held, 2);
    let other = read_with(&text, &[("files/a.bin", b"other")]).unwrap();
    assert_ne!(suite.fingerprint, other.fingerprint);
    assert_ne!(suite.checks[0].definition, other.checks[0].definition);
}

#[test]
fn what_can_not_be_read_is_a_problem_at_its_place() {
    let wrong = |lines: &str, files: &[(&str, &[u8])]| {
        read_with(&request(lines), files).unwrap_err().to_string()
    };
    insta::assert_snapshot!(wrong("body_file: a.bin", &[]), @"");
    insta::assert_snapshot!(wrong("body_file: ../a.bin, body: x", &[]), @"");
    insta::assert_snapshot!(wrong("body_file: ../a.bin", &[]), @"");
    insta::assert_snapshot!(wrong("body_file: '{{ x }}'", &[]), @"");
    insta::assert_snapshot!(wrong("multipart: { a: { content_file: a, content: b }, b: { content_file: b } }", &[]), @"");
    let large = vec![0; MAX_FILE_BYTES + 1];
    insta::assert_snapshot!(wrong("body_file: a.bin", &[("a.bin", &large)]), @"");
    // All problems at once, those of files among them.
    let text = format!(
        "{}  - {{ name: a, https: x }}\n",
        request("body_file: a.bin")
    );
    insta::assert_snapshot!(read_with(&text, &[]).unwrap_err(), @"");
    // A suite without a place has nothing beside it.
    insta::assert_snapshot!(problems(&request("body_file: a.bin")), @"");
}

#[test]
fn files_are_bounded_in_number_and_together() {
    let parts: String = (0..60)
        .map(|n| format!("p{n}: {{ content_file: f{n} }}, "))
        .collect();
    let many = read_with(&request(&format!("multipart: {{ {parts} }}")), &[]).unwrap_err();
    assert!(
        many.to_string().contains("a suite may name 50 files"),
        "{many}"
    );
    let large = vec![0; MAX_FILE_BYTES];
    let text = request(
        "multipart: { a: { content_file: a }, b: { content_file: b }, c: { content_file: c } }",
    );
    let files: [(&str, &[u8]); 3] = [("a", &large), ("b", &large), ("c", &large)];
    insta::assert_snapshot!(read_with(&text, &files).unwrap_err(), @"");
    // One that is named often is held once.
    let text = request(
        "multipart: { a: { content_file: a }, b: { content_file: a }, c: { content_file: a } }",
    );
    assert_eq!(read_with(&text, &files).unwrap().held, MAX_FILE_BYTES);
}
