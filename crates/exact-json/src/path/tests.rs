use super::*;
use crate::document::Document;

fn selected(path: &str, text: &str) -> Result<Vec<String>, Undecided> {
    within(crate::MAX_STEPS, path, text)
}

fn within(steps: u64, path: &str, text: &str) -> Result<Vec<String>, Undecided> {
    let document = Document::parse(text).unwrap();
    let selection = Path::parse(path)
        .unwrap()
        .select(&document, &mut Budget::new(steps))?;
    Ok(selection.nodes().map(|node| node.compact(1_000)).collect())
}

fn fault(path: &str) -> String {
    Path::parse(path).unwrap_err().to_string()
}

#[test]
fn numbers_in_filters_are_exact() {
    let orders = r#"[{"id":9007199254740992,"n":1},{"id":9007199254740993,"n":2},{"id":9007199254740993.0,"n":3}]"#;
    assert_eq!(
        selected("$[?@.id == 9007199254740993].n", orders),
        Ok(vec!["2".to_owned(), "3".to_owned()])
    );
    assert_eq!(
        selected("$[?@.id < 9007199254740993].n", orders),
        Ok(vec!["1".to_owned()])
    );
    let wei = "[18446744073709551615, 18446744073709551616, 0.1, 0.10, 1e400]";
    assert_eq!(
        selected("$[?@ > 18446744073709551615]", wei).unwrap(),
        ["18446744073709551616", "1e400"]
    );
    assert_eq!(selected("$[?@ == 1e-1]", wei).unwrap(), ["0.1", "0.10"]);
    assert_eq!(selected("$[?@ == 10e399]", wei).unwrap(), ["1e400"]);
    assert!(matches!(
        selected("$[?@ == 1e9999999999999999999]", wei),
        Err(Undecided::Exponent(_))
    ));
}

#[test]
fn a_key_that_comes_twice_selects_nothing_by_chance() {
    let twice = r#"{"a":{"id":1,"id":2},"b":{"id":3}}"#;
    for path in [
        "$.a.id",
        "$.a.*",
        "$..id",
        "$.a[?@ == 1]",
        "$[?@.id == 1]",
        "$[?length(@) == 1]",
        "$[?@ == $.a]",
    ] {
        assert!(
            matches!(selected(path, twice), Err(Undecided::DuplicateKey { .. })),
            "{path}"
        );
    }
    assert_eq!(selected("$.b.id", twice), Ok(vec!["3".to_owned()]));
    assert_eq!(selected("$.a.other", twice), Ok(Vec::new()));
}

#[test]
fn time_is_bounded_whatever_a_path_asks_for() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let wide = format!("[{}1]", "{\"a\":[1,2]},".repeat(20_000));
    for (path, text) in [
        ("$..*..*..*..*..*..*..*", &deep),
        ("$..[?@..[?@..[?@..[?@..x]]]]", &deep),
        ("$[?count($..*) > 1]", &wide),
        ("$[?@.a == $[19999]]", &wide),
        ("$[*,*,*,*,*][*,*,*,*,*][*,*,*,*,*]", &wide),
        (
            "$[?search(@.b, $[0].a) || match($[0].c, @.d) || @.a == $[19998].a]",
            &wide,
        ),
    ] {
        assert!(
            matches!(
                within(100_000, path, text),
                Err(Undecided::Steps | Undecided::Selected)
            ),
            "{path}"
        );
    }
}

#[test]
fn expressions_that_the_document_brings_are_bounded() {
    let large = format!(r#"[{{"t":"x","r":"{}"}}]"#, "a".repeat(2_000));
    assert!(matches!(
        selected("$[?match(@.t, @.r)]", &large),
        Err(Undecided::Pattern(_))
    ));
    let repeated = r#"[{"t":"x","r":"(.{1000}){1000}"}]"#;
    assert!(matches!(
        selected("$[?match(@.t, @.r)]", repeated),
        Err(Undecided::Pattern(_))
    ));
    assert_eq!(
        selected("$[?match(@.t, @.r)]", r#"[{"t":"x","r":"("}]"#),
        Ok(Vec::new())
    );
    // What takes long to match costs much: hundreds of states at each of five million bytes.
    let slow = format!(
        r#"[{{"t":"{}","r":"[ab]*a[ab]{{400}}c"}}]"#,
        "ab".repeat(2_500_000)
    );
    assert_eq!(
        selected("$[?match(@.t, @.r)]", &slow),
        Err(Undecided::Steps)
    );
    let many: Vec<String> = (0..500)
        .map(|n| format!(r#"{{"t":"x","r":"x{n}"}}"#))
        .collect();
    let many = format!("[{}]", many.join(","));
    assert_eq!(
        selected("$[?match(@.t, @.r)]", &many),
        Err(Undecided::Steps)
    );
}

#[test]
fn half_a_pair_is_found_as_itself_and_not_searched() {
    let halves = r#"["\ud800", "\ufffd"]"#;
    assert_eq!(
        selected("$[?@ == '\\ufffd']", halves),
        Ok(vec![r#""\ufffd""#.to_owned()])
    );
    assert!(matches!(
        selected("$[?length(@) == 1]", halves),
        Err(Undecided::LoneSurrogate(_))
    ));
    assert!(matches!(
        selected("$[?search(@, '.')]", halves),
        Err(Undecided::LoneSurrogate(_))
    ));
}

#[test]
fn nesting_length_and_number_are_bounded_with_the_bound() {
    let nested = |levels| format!("$[?{}@.a{}]", "(".repeat(levels), ")".repeat(levels));
    assert!(Path::parse(&nested(MAX_NESTING - 1)).is_ok());
    let bound = "filters, parentheses and functions are nested deeper than 32 levels";
    assert!(
        fault(&nested(1_000)).starts_with(bound),
        "{}",
        fault(&nested(1_000))
    );
    assert!(fault(&format!("${}", "[?@".repeat(40))).starts_with(bound));
    assert!(fault(&format!("$[?{}", "length(".repeat(1_000))).starts_with(bound));
    assert!(fault(&format!("$[?{}", "!(".repeat(1_000))).starts_with(bound));
    assert!(Path::parse(&format!("$[?@{}{}]", "[?@".repeat(20), "]".repeat(20))).is_ok());
    assert!(
        fault(&format!("${}", ".a".repeat(300))).starts_with("the path has more than 256 segments")
    );
    assert!(
        fault(&format!("$['{}']", "a".repeat(9_000)))
            .starts_with("the path is longer than 8192 bytes")
    );
    let patterns = vec!["match(@,'a')"; 20].join("||");
    assert!(
        fault(&format!("$[?{patterns}]"))
            .starts_with("the path has more than 16 regular expressions")
    );
}

#[test]
fn slips_after_a_dot_are_put_right() {
    insta::assert_snapshot!(fault("$.not-exist"), @r#"a name after a dot can't have "-" (character 3); write $['not-exist']"#);
    insta::assert_snapshot!(fault("$.a.x-id[0].b"), @r#"a name after a dot can't have "-" (character 5); write $.a['x-id'][0].b"#);
    insta::assert_snapshot!(fault("$..not-exist.a"), @r#"a name after a dot can't have "-" (character 4); write $..['not-exist'].a"#);
    insta::assert_snapshot!(fault("$.@type"), @r#"a name after a dot can't have "@" (character 3); write $['@type']"#);
    insta::assert_snapshot!(fault("$.xml:lang"), @r#"a name after a dot can't have ":" (character 3); write $['xml:lang']"#);
    insta::assert_snapshot!(fault("$.[0]"), @"a dot before a bracket (character 3); write $[0]");
    insta::assert_snapshot!(fault("$.a.['b']"), @"a dot before a bracket (character 5); write $.a['b']");
    insta::assert_snapshot!(fault("$.'a b'.c"), @"a name in quotes after a dot (character 3); write $['a b'].c");
    insta::assert_snapshot!(fault("$.0.id"), @"a name after a dot can't begin with a digit (character 3); write $[0].id for an element, ['0'] for a key");
    insta::assert_snapshot!(fault("$.3d"), @"a name after a dot can't begin with a digit (character 3); write $['3d']");
    insta::assert_snapshot!(fault("$...a"), @"three dots (character 4); write $..a");
    insta::assert_snapshot!(fault("$.a."), @"the path ends after a dot (character 5); remove the dot, or write a name after it");
    insta::assert_snapshot!(fault("$. a"), @"white space after a dot (character 3); write $.a");
    insta::assert_snapshot!(fault("$.a.length()"), @"length() can't stand after a dot: functions belong into filters (character 5); end the path before it and use the condition `length`");
    insta::assert_snapshot!(fault("$.a]"), @r#""]" closes nothing (character 4); write $.a"#);
    insta::assert_snapshot!(fault("$.first name"), @"white space within a path (character 8); put a name with spaces in brackets and quotes: $['two words']");
    insta::assert_snapshot!(fault("$.a "), @"white space after the path (character 4); write $.a");
    insta::assert_snapshot!(fault("$.a = 1"), @r#"white space within a path (character 4); put a name with spaces in brackets and quotes: $['two words']"#);
}

#[test]
fn slips_at_the_beginning_are_put_right() {
    insta::assert_snapshot!(fault("total"), @"a path begins with $ (character 1); write $.total");
    insta::assert_snapshot!(fault(".total"), @"a path begins with $ (character 1); write $.total");
    insta::assert_snapshot!(fault("[0]"), @"a path begins with $ (character 1); write $[0]");
    insta::assert_snapshot!(fault("@.a"), @"a path begins with $ (character 1); write $.a");
    insta::assert_snapshot!(fault("/a/0/b-c/d~1e"), @"a path begins with $ (character 1); write $.a[0]['b-c']['d/e']");
    insta::assert_snapshot!(fault(" $.a"), @"white space before the path (character 1); write $.a");
    insta::assert_snapshot!(fault(""), @"the path is empty (character 1); write $ for the whole value, or a path such as $.total");
    insta::assert_snapshot!(fault("$total"), @"a dot is missing after $ (character 2); write $.total");
    insta::assert_snapshot!(fault("$[0]id"), @"a dot is missing before a name (character 5); write $[0].id");
}

#[test]
fn slips_in_brackets_are_put_right() {
    insta::assert_snapshot!(fault("$[name]"), @"a name between brackets stands in quotes (character 3); write $['name']");
    insta::assert_snapshot!(fault("$.a[]"), @"nothing is between the brackets (character 5); write $.a[*]");
    insta::assert_snapshot!(fault("$[(@.length-1)]"), @"expressions between brackets are not part of JSONPath (character 3); count from the end with a negative index: [-1] is the last element");
    insta::assert_snapshot!(fault("$[01]"), @"01 is not a number that a path has (character 3); write $[1]");
    insta::assert_snapshot!(fault("$[-0]"), @"-0 is not a number that a path has (character 3); write $[0]");
    insta::assert_snapshot!(fault("$[+1]"), @"an index has no + (character 3); write $[1]");
    insta::assert_snapshot!(fault("$[1.0]"), @"an index is a whole number (character 3); write $[1]");
    insta::assert_snapshot!(fault("$[0"), @"a bracket is not closed (character 4); close it with ]");
    insta::assert_snapshot!(fault("$['a]"), @"a string is not closed (character 6); close it with '");
    insta::assert_snapshot!(fault("$[0 1]"), @"a comma is missing between two selectors (character 5); write $[0 , 1]");
    insta::assert_snapshot!(fault("$[0,]"), @"a selector is missing (character 5); remove the comma");
    insta::assert_snapshot!(fault("$[@.a == 1]"), @r#""@" between brackets (character 3); write a filter: [?@.name == 'x']"#);
    insta::assert_snapshot!(fault("$[‘a’]"), @r#""‘" is not a quote of JSONPath (character 3); use straight quotes: ' or ""#);
    insta::assert_snapshot!(fault(r"$['\d']"), @r"\d is not an escape of a string (character 4); write \\d for a backslash and d");
    insta::assert_snapshot!(fault(r"$['\ud800']"), @r"\u is not followed by a character (character 4); write \u and four hexadecimal digits, and both halves of a surrogate pair");
}

#[test]
fn slips_in_filters_are_put_right() {
    insta::assert_snapshot!(fault("$[?(@.a = 1)]"), @"= is not a comparison (character 9); write $[?(@.a == 1)]");
    insta::assert_snapshot!(fault("$[?@.a === 1]"), @"=== is not a comparison (character 8); write $[?@.a == 1]");
    insta::assert_snapshot!(fault("$[?@.a == 1 and @.b == 2]"), @r#""and" is not an operator of JSONPath (character 13); write $[?@.a == 1 && @.b == 2]"#);
    insta::assert_snapshot!(fault("$[?@.a & @.b]"), @r#""&" is not an operator of JSONPath (character 8); write $[?@.a && @.b]"#);
    insta::assert_snapshot!(fault("$[?@.a =~ /x/]"), @"regular expressions have no operator (character 8); write match(@.name, '[a-z]+') for all of a text, search(…) for a part of it");
    insta::assert_snapshot!(fault("$[?@.a == paid]"), @"paid stands without quotes (character 11); write $[?@.a == 'paid']");
    insta::assert_snapshot!(fault("$[?@.a == True]"), @"True is written true (character 11); write $[?@.a == true]");
    insta::assert_snapshot!(fault("$[?price > 5]"), @"price is neither a value nor a path (character 4); write $[?@.price > 5]");
    insta::assert_snapshot!(fault("$[?@..a == 1]"), @"what may select several values can't be compared or measured (character 4); select one (@.name, @[0]), use count() or value(), or a filter within: @.list[?@ == 1]");
    insta::assert_snapshot!(fault("$[?length(@.a)]"), @"what the function returns is a value and not a condition (character 4); compare it: length(@.name) > 0");
    insta::assert_snapshot!(fault("$[?match(@.a, 'x') == true]"), @"what the function returns is true or false by itself (character 4); remove the comparison; write ! before it for the opposite");
    insta::assert_snapshot!(fault("$[?true]"), @"a value alone is not a condition (character 4); compare it: @.name == 'value'");
    insta::assert_snapshot!(fault("$[?match(@.a, '(')]"), @r#""(" is not a regular expression: unclosed group (character 15); see RFC 9485; a backslash is written twice in a string"#);
    insta::assert_snapshot!(fault("$[?starts(@.a)]"), @"there is no function starts() (character 4); use length, count, value, match and search");
    insta::assert_snapshot!(fault("$[?match(@.a)]"), @"match() takes 2 arguments (character 4); write match(@.name, '[a-z]+')");
    insta::assert_snapshot!(fault("$[?@.a == 01]"), @"01 is not a number as JSON writes it (character 11); write digits without leading zeros, with digits at both sides of a point: 0.5, 1e3; put text in quotes");
    insta::assert_snapshot!(fault("$[?(@.a == 1]"), @r#""]" where ")" is due (character 13); see RFC 9535, or write a simpler filter"#);
    insta::assert_snapshot!(fault("$[?@.a + 1 == 2]"), @r#""+" within a filter (character 8); there is no arithmetic in JSONPath; write the result"#);
    insta::assert_snapshot!(fault("$[?!@.a == 1]"), @"a comparison where none can stand (character 9); one condition has one comparison of plain values; write !(a == b) for the opposite, a < @ && @ < b for a range");
    insta::assert_snapshot!(fault("$[?@.not-exist]"), @r#"a name after a dot can't have "-" (character 6); write $[?@['not-exist']]"#);
    insta::assert_snapshot!(fault("$[?@.a in ['x']]"), @r#""in" is not an operator of JSONPath (character 8); compare with ==, or use match(), search(), length() or a filter within: @.list[?@ == 'x']"#);
}

#[test]
fn a_path_is_linear_where_no_value_is_visited_twice() {
    for path in ["$", "$.a[0]['b'][*]", "$..price", "$.a..*", "$[1:9:2].b"] {
        assert!(Path::parse(path).unwrap().is_linear(), "{path}");
    }
    for path in [
        "$..a..b",
        "$[*,*]",
        "$['a','b']",
        "$[?@.a == 1]",
        "$.a[?@.b]",
    ] {
        assert!(!Path::parse(path).unwrap().is_linear(), "{path}");
    }
}
