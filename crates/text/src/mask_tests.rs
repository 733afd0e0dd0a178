use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::clean;

const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";

fn masked(text: &str) -> String {
    Masker::new().mask(text).into_owned()
}

/// The token with `sign` for each of its characters.
fn each(sign: impl Fn(char) -> String) -> String {
    TOKEN.chars().map(sign).collect()
}

#[test]
fn a_token_is_masked_in_every_encoding_that_somebody_undoes() {
    let utf16: Vec<u8> = TOKEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for hidden in [
        TOKEN.to_owned(),
        TOKEN.to_uppercase(),
        TOKEN.replace('-', "%2D"),
        TOKEN.replace('-', "%252d"),
        TOKEN.replace('-', "\u{2011}"),
        TOKEN.replace('-', "&#45;"),
        TOKEN.replace('-', "&#x2d;"),
        TOKEN.replace('-', "&hyphen;&ZeroWidthSpace;"),
        TOKEN.replace('-', "\\u002d"),
        TOKEN.replace('-', "\\\\u002D"),
        TOKEN.replace('-', "-\n"),
        TOKEN.replace('-', "- \t"),
        TOKEN.replace('-', "*-*"),
        each(|c| format!("%{:02x}", u32::from(c))),
        each(|c| format!("&#{};", u32::from(c))),
        each(|c| format!("\\x{:02x}", u32::from(c))),
        each(|c| format!("\\u{{{:x}}}", u32::from(c))),
        each(|c| format!("{c}\u{200b}")),
        each(|c| format!("{c}%E2%80%8B")),
        each(|c| format!("{c}\u{301}")),
        each(|c| format!("{c}\u{fe0f}")),
        each(|c| format!("{c} ")),
        each(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string()),
        each(|c| format!("{:02x}", u32::from(c))),
        STANDARD.encode(TOKEN),
        STANDARD.encode(format!("x{TOKEN}y")),
        URL_SAFE_NO_PAD.encode(format!("??{TOKEN}>>")),
        STANDARD.encode(STANDARD.encode(TOKEN)),
        STANDARD.encode(utf16),
        STANDARD.encode(TOKEN).replace('M', "%4D"),
        format!(
            "{}\n{}",
            &STANDARD.encode(TOKEN)[..20],
            &STANDARD.encode(TOKEN)[20..]
        ),
    ] {
        for text in [
            hidden.clone(),
            format!("see {hidden} now"),
            format!("é\"{hidden}\"é"),
        ] {
            let masked = masked(&text);
            assert!(masked.contains(MASK), "{text}: {masked}");
            assert!(!masked.contains(&hidden), "{masked}");
            assert!(masked.len() < text.len().max(24), "{text}: {masked}");
            assert!(!Masker::new().finds(&masked), "{masked}");
        }
    }
}

#[test]
fn what_is_around_a_token_stays() {
    assert_eq!(masked(&format!("see {TOKEN}.")), "see ***.");
    assert_eq!(masked(&format!("ü{TOKEN}{TOKEN}ü")), "ü***ü");
    assert_eq!(masked(&format!("x-{TOKEN}-y")), "x-***-y");
    let harmless = "approve/reject, 0c35520a-b7e6 and ü: to approve, 50% & <b> \\n d-ABC123DEF";
    assert_eq!(masked(harmless), harmless);
}

#[test]
fn what_follows_approve_in_a_link_is_masked() {
    for (text, expected) in [
        (
            "https://x/#/Approve/approve/0c35520a?a",
            "https://x/#/Approve/approve/***?a",
        ),
        ("x%2Fapprove%2F0c35520a ok", "x%2Fapprove%2F*** ok"),
        ("x%252fapprove%252fsecret", "x%252fapprove%252f***"),
        ("x/app\u{200b}rove/secret", "x/app\u{200b}rove/***"),
        ("x\\/approve\\/secret", "x\\/approve\\/***"),
        ("x/&#97;pprove/secret", "x/&#97;pprove/***"),
        ("/approve/approve/secret", "/approve/approve/***"),
        ("/approve/", "/approve/"),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn a_known_token_needs_no_form() {
    let masker = Masker::new().value("Plain-Token-17").value("abc");
    assert_eq!(
        masker.mask("a plain-token-17, PlainToken17 and abc"),
        "a ***, *** and ***"
    );
    assert!(masker.finds(&STANDARD.encode("--plain-token-17--plain-token-17----")));
    let bare = TOKEN.replace('-', "");
    assert_eq!(masked(&bare), bare, "32 digits may be anything");
    assert_eq!(Masker::new().value(TOKEN).mask(&bare), "***");
    let is_token = |word: &str| word == "plain-token-17";
    assert_eq!(
        Masker::new()
            .asking(&is_token)
            .mask("see Plain%2DToken-17!"),
        "see ***!"
    );
}

#[test]
fn what_is_known_to_be_something_else_stays() {
    let masker = Masker::new().keep(TOKEN);
    let other = TOKEN.replace('0', "1");
    assert_eq!(
        masker.mask(&format!("{TOKEN} {other}")),
        format!("{TOKEN} ***")
    );
}

#[test]
fn half_a_token_at_the_end_of_a_text_that_was_cut_is_masked() {
    assert_eq!(masked("see 0c35520a-b7e6-40…"), "see ***…");
    assert_eq!(
        masked("see 0c35520a-b7e6-40 and"),
        "see 0c35520a-b7e6-40 and"
    );
    let long = format!(
        "{} {}",
        "a ".repeat(1000),
        &each(|c| format!("%{:02x}", u32::from(c)))[..30]
    );
    assert!(!Masker::new().mask_cut(&long).contains("%30"));
    assert_eq!(Masker::new().mask_cut("short"), "***");
}

/// What can't be seen, and so can stand anywhere.
fn invisible() -> impl Strategy<Value = String> {
    let all = "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\
               \u{2060}\u{2066}\u{2069}\u{206f}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{1d173}\
               \u{e0001}\u{e0041}\u{e0100}\u{301}\u{20dd}\u{0}\u{1b}\u{7f}\u{9f} \n\t\u{a0}\u{2028}\u{2800}";
    let all: Vec<char> = all.chars().collect();
    prop::collection::vec(prop::sample::select(all), 0..4)
        .prop_map(|signs| signs.into_iter().collect())
}

proptest! {
    #[test]
    fn nothing_invisible_hides_a_token(
        token in "[0-9a-fA-F]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
        between in prop::collection::vec(invisible(), 37),
        before in "[ -~é]{0,40}", after in "[ -~é]{0,20}",
    ) {
        let signs = token.chars().map(String::from).chain([String::new()]);
        let hidden: String = between.iter().zip(signs).flat_map(|(a, b)| [a.clone(), b]).collect();
        let text = format!("{before}{hidden}{after}");
        let seen = |text: &str| -> String { text.chars().filter(char::is_ascii_graphic).collect() };
        let token = seen(&token);
        for text in [masked(&text), masked(&clean::line(&text)), clean::line(&masked(&text)), masked(&clean::lines(&text).join("\n"))] {
            prop_assert!(!seen(&text).contains(&token), "{text:?}");
        }
    }

    #[test]
    fn any_text_is_masked_without_a_panic_and_once_for_all(text in any::<String>()) {
        let once = masked(&text);
        prop_assert_eq!(masked(&once), once);
    }
}

#[test]
fn a_large_text_takes_little_time() {
    for piece in [
        "%25",
        "&#x25;",
        "A",
        "0c35520a-b7e6-403d-ba3f-",
        "/approve/",
        "a ",
        "\\u005c",
    ] {
        let text = piece.repeat(16 * 1024 / piece.len());
        let began = std::time::Instant::now();
        let _ = Masker::new().value(TOKEN).mask(&text);
        assert!(
            began.elapsed() < std::time::Duration::from_secs(4),
            "{piece}: {:?}",
            began.elapsed()
        );
    }
}
