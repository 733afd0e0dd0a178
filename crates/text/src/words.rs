//! How values are written for people: durations, sizes, lists, and the word that was probably meant.
//! In one place, so that a reason, a report and a problem say the same thing in the same way.

use std::time::Duration;

/// `800ms`, `1.25s`, `20s`, `2m30s`, `1h`.
#[must_use]
pub fn duration(value: Duration) -> String {
    let millis = value.as_millis();
    if millis == 0 && !value.is_zero() {
        return format!("{}µs", value.as_micros());
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    if seconds < 60 {
        let fraction = format!("{rest:03}");
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        return format!("{seconds}{dot}{fraction}s");
    }
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let mut written = String::new();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        written.push_str(&number.to_string());
        written.push_str(unit);
    }
    written
}

/// `1 check`, `3 checks`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `1 MiB`, `64 KiB`, `700 bytes`.
#[must_use]
pub fn bytes(size: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    match size {
        _ if size >= MIB && size.is_multiple_of(MIB) => format!("{} MiB", size / MIB),
        _ if size >= KIB && size.is_multiple_of(KIB) => format!("{} KiB", size / KIB),
        _ => count(size, "byte"),
    }
}

/// Longer words are compared with nothing: the time grows with the square of the length.
const MAX_COMPARED_BYTES: usize = 64;

/// The known word nearest to `wrong`, if it is near enough to be what was meant.
///
/// Takes microseconds for each known word. Where a file decides how often this is asked, bound it as
/// `strict_yaml::Findings::nearest` does.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        .filter(|word| {
            word.len() <= MAX_COMPARED_BYTES && word.chars().count().abs_diff(length) <= limit
        })
        .map(|word| (strsim::osa_distance(&wrong, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Nobody reads more words than this.
const MAX_LISTED: usize = 50;

/// `"a", "b", "c"`; of many words the first ones, and how many more there are.
#[must_use]
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = words.into_iter();
    let mut listed: Vec<String> = words
        .by_ref()
        .take(MAX_LISTED)
        .map(|word| format!("{word:?}"))
        .collect();
    let more = words.count();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed.join(", ")
}

/// At most about `most` bytes of `text`: its beginning and its end, because the problem stands before or
/// after what is quoted.
#[must_use]
pub fn middle_out(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let half = most / 2;
    let begin = text.floor_char_boundary(half);
    let end = text.ceil_char_boundary(text.len() - half);
    format!("{} … {}", &text[..begin], &text[end..])
}

/// At most `most` bytes of `text`, the last of them an ellipsis where something was cut.
#[must_use]
pub fn cut_bytes(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(most - MARK.len())];
    format!("{kept}{MARK}")
}

/// Names of variables and secrets: a letter or `_`, then letters, digits, `_` and `-`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let written = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [0, 5, 800, 1_000, 1_250, 20_000, 150_000, 3_600_000].map(written),
            ["0ms", "5ms", "800ms", "1s", "1.25s", "20s", "2m30s", "1h"]
        );
        assert_eq!(duration(Duration::from_micros(40)), "40µs");
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["status", "header", "body", "json", "latency"];
        assert_eq!(nearest("staus", known), Some("status"));
        assert_eq!(nearest("Latnecy", known), Some("latency"));
        assert_eq!(nearest("jsno", known), Some("json"));
        assert_eq!(nearest("tls", known), None);
    }

    #[test]
    fn long_words_are_compared_with_nothing() {
        let long = "x".repeat(900_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        assert_eq!(nearest("x", [long.as_str(), "xy"]), Some("xy"));
    }

    #[test]
    fn long_texts_keep_both_ends() {
        assert_eq!(middle_out("short".to_owned(), 10), "short");
        let cut = middle_out(format!("\"{}\" is wrong", "ü".repeat(900)), 40);
        assert!(
            cut.starts_with("\"üüü") && cut.ends_with("ü\" is wrong") && cut.len() < 60,
            "{cut}"
        );
        let many: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        let written = list(many.iter().map(String::as_str));
        assert!(written.ends_with("\"49\", and 10 more"), "{written}");
    }

    #[test]
    fn sizes_are_round() {
        assert_eq!(
            [1, 700, 65_536, 1_048_576].map(bytes),
            ["1 byte", "700 bytes", "64 KiB", "1 MiB"]
        );
    }
}
