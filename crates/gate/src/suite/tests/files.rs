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
    insta::assert_snapshot!(wrong("body_file: a.bin", &[]), @"suites/shop.yaml:5:46: body_file: a.bin could not be read: no such file; its path is relative to the file that names it");
    insta::assert_snapshot!(wrong("body_file: ../a.bin, body: x", &[]), @r#"suites/shop.yaml:5:46: a request has one body, not both "body" and "body_file"; remove one"#);
    insta::assert_snapshot!(wrong("body_file: ../a.bin", &[]), @r#"suites/shop.yaml:5:46: body_file: "../a.bin" is no path to a file beside the suite: it must lead from the folder of the file that names it downwards, without .. and :; write one such as files/cover.png"#);
    insta::assert_snapshot!(wrong("body_file: '{{ x }}'", &[]), @r#"suites/shop.yaml:5:46: body_file: "{{ x }}" is no path to a file beside the suite: a path can't have references; write one such as files/cover.png"#);
    insta::assert_snapshot!(wrong("multipart: { a: { content_file: a, content: b }, b: { content_file: b } }", &[]), @r#"
    suites/shop.yaml:5:51: a part has one content, not both `content` and `content_file`; write `content` for text, `base64` for bytes, or `content_file` for a file beside the suite
    suites/shop.yaml:5:103: content_file: b could not be read: no such file; its path is relative to the file that names it
    "#);
    let large = vec![0; MAX_FILE_BYTES + 1];
    insta::assert_snapshot!(wrong("body_file: a.bin", &[("a.bin", &large)]), @"suites/shop.yaml:5:46: body_file: a.bin is larger than 8 MiB; make it smaller");
    // All problems at once, those of files among them.
    let text = format!(
        "{}  - {{ name: a, https: x }}\n",
        request("body_file: a.bin")
    );
    insta::assert_snapshot!(read_with(&text, &[]).unwrap_err(), @r#"
    suites/shop.yaml:5:46: body_file: a.bin could not be read: no such file; its path is relative to the file that names it
    suites/shop.yaml:6:13: two checks have the name "a"; the other one is in line 4; reports need to tell them apart
    suites/shop.yaml:6:16: unknown key "https"; did you mean "http"?
    "#);
    // A suite without a place has nothing beside it.
    insta::assert_snapshot!(problems(&request("body_file: a.bin")), @"suite.yaml:5:46: body_file: a.bin could not be read: this suite has no place, so nothing can lie beside it; its path is relative to the file that names it");
}

#[test]
#[allow(clippy::format_collect, reason = "short in a test")]
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
    insta::assert_snapshot!(read_with(&text, &files).unwrap_err(), @"suites/shop.yaml:5:115: content_file: c does not fit: the files of a suite may have 16 MiB together; make them smaller");
    // One that is named often is held once.
    let text = request(
        "multipart: { a: { content_file: a }, b: { content_file: a }, c: { content_file: a } }",
    );
    assert_eq!(read_with(&text, &files).unwrap().held, MAX_FILE_BYTES);
}
