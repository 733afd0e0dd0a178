//! Whatever stands in a file: an answer comes soon, is small, and is never a panic.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use strict_yaml::{Document, Node, Value};

const FILE: Document = Document {
    noun: "list",
    begin: "write something",
    split: "write less",
};

/// Far more than is needed, on a busy machine and without optimisation.
const SOON: Duration = Duration::from_secs(20);

/// Reads the text; what comes back is within the bounds.
fn read(text: &str) -> Result<Node, String> {
    let begun = Instant::now();
    let read = strict_yaml::read(text, FILE);
    let took = begun.elapsed();
    assert!(
        took < SOON,
        "{took:?} for {:?}…",
        &text[..text.floor_char_boundary(40)]
    );
    let read = read.map_err(|problem| problem.to_string());
    match &read {
        Ok(node) => {
            let (nodes, bytes) = weight(node, 0);
            assert!(
                nodes <= 50_000 && bytes <= 4 * 1024 * 1024,
                "{nodes} nodes, {bytes} bytes"
            );
        }
        Err(refusal) => assert!(refusal.len() < 4_000, "{refusal}"),
    }
    read
}

fn weight(node: &Node, depth: usize) -> (usize, usize) {
    assert!(depth <= 64);
    let sum = |all: &mut dyn Iterator<Item = (usize, usize)>| {
        all.fold((1, 0), |(nodes, bytes), (n, b)| (nodes + n, bytes + b))
    };
    match &node.value {
        Value::Null => (1, 0),
        Value::Bool(_, text) | Value::Number(_, text) | Value::Text(text) => (1, text.len()),
        Value::List(items) => sum(&mut items.iter().map(|item| weight(item, depth + 1))),
        Value::Map(entries) => sum(&mut entries.iter().map(|(key, value)| {
            let (nodes, bytes) = weight(value, depth + 1);
            (nodes + 1, bytes + key.text.len())
        })),
    }
}

#[test]
fn a_great_deal_of_one_thing_is_answered_soon() {
    const SIZE: usize = 32 * 1024;
    for unit in [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "{a: ",
        "[a, ",
        "&a ",
        "*a ",
        "!a ",
        "!!",
        "%",
        "\"",
        "'",
        "|\n",
        ">\n ",
        "#",
        "\t",
        " ",
        "\n",
        "---\n",
        "...\n",
        "- -\n",
        "a\n",
        "0",
        "a",
        "\\",
        "\"\\u0041",
        ",",
        ":",
        ": ",
        "]",
        "}",
        "- [\n",
        "&a [",
        "{? ",
        "<<: ",
        "ü",
        "\u{feff}",
        "\r",
        "`",
        "@",
        "x: |\n  y\n",
        "a: b\n",
        "- x\n",
    ] {
        let _ = read(&unit.repeat(SIZE / unit.len()));
        // Inside of quotes and of a block, where other rules hold.
        let _ = read(&format!("a: \"{}\"", unit.repeat(SIZE / 2 / unit.len())));
        let _ = read(&format!("a: |\n  {}", unit.repeat(SIZE / 2 / unit.len())));
    }
}

#[test]
fn aliases_are_counted_in_bytes_before_they_are_copied() {
    let long = "x".repeat(100_000);
    for (anchored, copies) in [
        (format!("a: &a {long}\nb:\n"), "  - *a\n".repeat(4_000)),
        (
            format!("a: &a {{ {long}: 1 }}\nb:\n"),
            "  - *a\n".repeat(4_000),
        ),
        (
            format!("a: &a [[[{long}]]]\nb:\n"),
            "  - [*a, *a]\n".repeat(2_000),
        ),
        (
            format!("a: &a '{long}'\nb:\n"),
            "  ? *a\n  : 1\n".repeat(50),
        ),
    ] {
        let refusal = read(&format!("{anchored}{copies}")).unwrap_err();
        assert!(
            refusal.contains("more than 4 MiB, with aliases written out; split the list"),
            "{refusal}"
        );
    }
    assert!(read(&format!("a: &a {long}\nb: [*a, *a, *a]")).is_ok());
}

#[test]
fn depth_is_bounded_in_every_style() {
    for deep in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        "? ".repeat(10_000),
        (0..400).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n"),
        (0..70).fold("a0: &a0 x\n".to_owned(), |text, n| {
            format!("{text}a{}: &a{} [*a{n}]\n", n + 1, n + 1)
        }),
    ] {
        let refusal = read(&deep).unwrap_err();
        assert!(
            refusal.contains("nested deeper than 64 levels"),
            "{refusal}"
        );
    }
}

/// Pieces of YAML, so that random texts get somewhere.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "a", "b: ", "- ", "[", "]", "{", "}", ", ", ": ", "? ", "&a ", "*a", "\n", "\n  ",
        "\n    ", "'", "\"", "|", ">", "#", "---", "1.10", "0x1F", "0192117", "1e999", "~", "true",
        ".inf", "!t ", "<<: ", "{{ x }}", "\t", "\\", "é", "%",
    ];
    prop_oneof![8 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,3}"]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_structure_makes_it_panic(pieces in prop::collection::vec(piece(), 0..80)) {
        let _ = read(&pieces.concat());
    }

    #[test]
    fn a_scalar_keeps_what_was_written(written in "[-+]?([0-9]{1,12}(\\.[0-9]{0,9})?|\\.[0-9]{1,9})([eE][-+]?[0-9]{1,4})?") {
        let node = read(&format!("a: {written}\n")).unwrap();
        let Value::Map(entries) = &node.value else { panic!("no mapping") };
        match &entries[0].1.value {
            Value::Number(number, text) => {
                prop_assert_eq!(text, &written);
                // The same value, and a number for JSON.
                prop_assert_eq!(number.as_f64(), written.parse().ok());
                let json: serde_json::Result<f64> = serde_json::from_str(number.as_str());
                prop_assert!(json.is_ok() || number.as_f64().is_some_and(f64::is_infinite));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
