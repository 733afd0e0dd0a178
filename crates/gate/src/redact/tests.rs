//! No secret gets through, in any of its forms, and what is no secret stays readable.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "p@ss/w\"rd+1 ü";

fn redactor() -> Redactor {
    Redactor::new([SECRET])
}

#[test]
fn every_form_of_a_value_is_masked() {
    let forms = [
        SECRET.to_owned(),
        serde_json::json!({ "x": SECRET }).to_string(),
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("x", SECRET)
            .finish(),
        url::Url::parse_with_params("http://h/", [("x", SECRET)])
            .unwrap()
            .to_string(),
        url::Url::parse(&format!("http://h/a?x={SECRET}"))
            .unwrap()
            .to_string(),
        url::Url::parse(&format!("http://h/{}", SECRET.replace('/', "%2F")))
            .unwrap()
            .to_string(),
        "Zm9vOnBAc3MvdyJyZCsxIMO8".to_owned(), // foo:…
        "cEBzcy93InJkKzEgw7w=".to_owned(),
        "cEBzcy93InJkKzEgw7w".to_owned(),
    ];
    for form in forms {
        let masked = redactor().text(&form);
        assert!(masked.contains(MASK), "{form} → {masked}");
        assert!(
            !masked.contains("ss/w") && !masked.contains("rd+1") && !masked.contains("rd%2B"),
            "{masked}"
        );
    }
}

#[test]
fn all_that_stands_under_a_secret_key_is_masked() {
    let redactor = Redactor::default();
    for (raw, masked) in [
        (
            r#"{"status":"bad","api_keys":["A1b2]C3","D4"],"n":1}"#,
            r#"{"status":"bad","api_keys":***,"n":1}"#,
        ),
        (
            r#"{"secret": {"value":"hunter2","of":{"x":[1]}}, "b": [2]}"#,
            r#"{"secret": ***, "b": [2]}"#,
        ),
        (
            r#"{"text":"{\"tokens\":[\"a\\\"]b\",\"c\"],\"n\":1}"}"#,
            r#"{"text":"{\"tokens\":***,\"n\":1}"}"#,
        ),
        (
            r#"{"credentials":[{"user":"x","pa"#,
            r#"{"credentials":***"#,
        ),
        (r#"{"items":[{"id":1}]}"#, r#"{"items":[{"id":1}]}"#),
        (
            r#"{'credentials': {'password': "a'b'}hunter2"}, 'n': 1}"#,
            "{'credentials': ***, 'n': 1}",
        ),
    ] {
        assert_eq!(redactor.text(raw), masked);
        assert_eq!(mask(raw), masked);
    }
}

#[test]
fn secrets_of_any_length_are_found_together() {
    let long = "0123456789abcdef".repeat(3_000);
    let middle = "fedcba98".repeat(100);
    let redactor = Redactor::new(["hunter2", &long, &middle, "1"]);
    let raw = format!("a hunter2 c {middle} d 1 e 12");
    assert_eq!(redactor.mask_values(&raw), "a *** c *** d *** e 12");
}

#[test]
fn overlapping_secrets_leave_nothing() {
    let redactor = Redactor::new(["abcdef", "defghi", "aaaa"]);
    assert_eq!(redactor.text("x abcdefghi y"), "x *** y");
    assert_eq!(redactor.text("aaaaaa"), "***");
    assert_eq!(redactor.text("abcdef and defghi"), "*** and ***");
}

#[test]
fn short_secrets_are_masked_as_words_and_empty_ones_not_at_all() {
    let redactor = Redactor::new(["42", "", "  "]);
    assert_eq!(
        redactor.text("42 is not 1428, and pin=42."),
        "*** is not 1428, and pin=***."
    );
}

#[test]
fn the_lines_of_a_long_secret_are_masked() {
    let redactor = Redactor::new(["first-line-of-it\nsecond-line-of-it\nx"]);
    assert_eq!(redactor.text("got second-line-of-it here"), "got *** here");
}

#[test]
fn what_may_have_been_cut_in_two_is_masked() {
    let redactor = Redactor::new(["0123456789abcdef"]);
    let cut = format!("{}0123456789", "x".repeat(MAX_RAW_BYTES - 10));
    assert!(!redactor.text(&cut).contains("0123"));
}

#[test]
fn names_and_shapes_of_secrets_are_known() {
    let redacted = |text: &str| redactor().text(text);
    insta::assert_snapshot!(redacted("GET https://bob:hunter2@h/x?token=abc&page=2&X-Amz-Signature=ff"), @"GET https://***@h/x?token=***&page=2&X-Amz-Signature=***");
    insta::assert_snapshot!(redacted(r#"{"user":"bob","password":"hun\"ter2","access_token": "abc", "pin": 7}"#), @r#"{"user":"bob","password":"***","access_token": "***", "pin": 7}"#);
    insta::assert_snapshot!(redacted(r#""{\"api_key\":\"hunter2\",\"n\":1}""#), @r#""{\"api_key\":\"***\",\"n\":1}""#);
    insta::assert_snapshot!(redacted(r#"{"secret_number": 1234, "n": 5}"#), @r#"{"secret_number": ***, "n": 5}"#);
    insta::assert_snapshot!(redacted(r#"{"password":"cut of"#), @r#"{"password":"***"#);
    insta::assert_snapshot!(redacted("Authorization: Basic dXNlcjpwYXNz\nSet-Cookie: sid=1; Path=/\nAge: 3"), @"
    Authorization: ***
    Set-Cookie: ***
    Age: 3
    ");
    insta::assert_snapshot!(redacted("sent Bearer abcdef.123 to it"), @"sent Bearer *** to it");
    insta::assert_snapshot!(redacted("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln, key AKIAIOSFODNN7EXAMPLE"), @"jwt ***, key ***");
    insta::assert_snapshot!(redacted("user=bob&password=hunter2&x=1"), @"user=bob&password=***&x=1");
    insta::assert_snapshot!(redacted("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"), @"***");
}

#[test]
fn parameters_that_carry_secrets_are_masked_by_their_names() {
    let redacted = |text: &str| redactor().text(text);
    insta::assert_snapshot!(redacted("GET https://s.blob.example/c?sv=2022&sig=a%2Fb%3D&se=9"), @"GET https://s.blob.example/c?sv=2022&sig=***&se=9");
    insta::assert_snapshot!(redacted("302 redirects to https://h/cb?code=4/0Ab&state=xyz#access_token=t&key=k"), @"302 redirects to https://h/cb?code=***&state=***#access_token=***&key=***");
    insta::assert_snapshot!(redacted("GET /x?X-Amz-Credential=AK/2&X-Amz-Security-Token=F&x-amz-signature=0&KEY=1"), @"GET /x?X-Amz-Credential=***&X-Amz-Security-Token=***&x-amz-signature=***&KEY=***");
    insta::assert_snapshot!(redacted("code=4/0Ab&grant=x&SAMLResponse=PD94"), @"code=***&grant=x&SAMLResponse=***");
}

#[test]
fn what_a_url_makes_of_a_secret_is_masked() {
    let masked = |secret: &str, text: &str| Redactor::new([secret]).text(text);
    assert_eq!(
        masked(
            "Intern.Example.COM:443",
            "no connection to intern.example.com:443: x"
        ),
        "no connection to ***: x"
    );
    assert_eq!(
        masked("x/../hooks/T0p5ecret", "GET https://h/hooks/T0p5ecret?a"),
        "GET https://h/***?a"
    );
    assert_eq!(
        masked(
            "https://Hooks.Example.com:443/T0p/./x",
            "asked https://hooks.example.com/T0p/x"
        ),
        "asked ***"
    );
    assert_eq!(
        masked("pass<word>\u{fc}", "/a?q=pass%3Cword%3E%C3%BC"),
        "/a?q=***"
    );
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "GET https://shop.example.com/books?page=2",
        "check \"checkout\" failed 3 of 8 rounds, limit 0; last: expected status 201, got 503",
        r#"{"footprint": 12, "title": "The tokens of love", "total": 1}"#,
        "a basic check",
        r#"{"code": 7, "state": "open", "key": "id"}"#,
        "status code=500, in the state=open; monkey=1&barcode=2&estate=x",
        "https://h/x?postcode=81667&keyboard=de",
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:7",
    ] {
        assert_eq!(redactor().text(text), text);
    }
}

proptest! {
    #[test]
    fn a_secret_is_never_in_the_text(
        secret in "[!-~]{4,24}", before in "[ -~]{0,30}", after in "[ -~]{0,30}",
    ) {
        let redactor = Redactor::new([secret.as_str()]);
        let text = format!("{before}{secret}{after}");
        // What the mask itself is made of may make up the secret anew.
        prop_assume!(!secret.contains('*'));
        prop_assert!(!redactor.text(&text).contains(&secret));
    }

    #[test]
    fn base64_of_a_secret_is_never_in_the_text(secret in "[!-~]{6,24}", before in "[ -~]{0,9}", after in "[ -~]{0,9}") {
        let redactor = Redactor::new([secret.as_str()]);
        let whole = data_encoding::BASE64_NOPAD.encode(format!("{before}{secret}{after}").as_bytes());
        prop_assert!(redactor.text(&whole).contains(MASK), "{whole}");
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = redactor().excerpt(&text, 20);
    }
}
