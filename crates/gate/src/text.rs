//! How values are written for people: durations, quotes, cuts. In one place, so that a reason, a
//! report and a problem say the same thing in the same way.

use std::time::Duration;

/// What is kept of a foreign text before redaction, in bytes. Longer than anything shown, so that
/// a secret is never cut in two before it is looked for.
pub(crate) const RAW_KEEP: usize = 8 * 1024;

/// `800ms`, `1.25s`, `20s`, `2m30s`, `1h`.
pub(crate) fn duration(value: Duration) -> String {
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
    let mut told = String::new();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        told.push_str(&number.to_string());
        told.push_str(unit);
    }
    told
}

/// The text as a JSON string, cut to [`RAW_KEEP`].
pub(crate) fn quote(value: &str) -> String {
    // A `Value` that is a string always prints.
    serde_json::Value::from(head(value, RAW_KEEP)).to_string()
}

/// At most `bytes` bytes of `value`, cut between two characters.
pub(crate) fn head(value: &str, bytes: usize) -> &str {
    &value[..value.floor_char_boundary(bytes)]
}

/// At most `chars` characters of `value`, with an ellipsis where something was cut.
pub(crate) fn shorten(value: &str, chars: usize) -> String {
    match value.char_indices().nth(chars) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

/// The text with control characters as visible signs; line ends stay, tabs become spaces.
pub(crate) fn visible(value: &str) -> String {
    value
        .chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            '\u{0}'..='\u{1f}' => {
                char::from_u32(0x2400 + u32::from(c)).expect("control pictures follow the controls")
            }
            '\u{7f}' => '\u{2421}',
            // C1 controls and the marks that turn the direction of writing.
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            other => other,
        })
        .collect()
}

/// `1 check`, `3 checks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `1 MiB`, `64 KiB`, `700 bytes`.
pub(crate) fn bytes(size: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    match size {
        _ if size >= MIB && size.is_multiple_of(MIB) => format!("{} MiB", size / MIB),
        _ if size >= KIB && size.is_multiple_of(KIB) => format!("{} KiB", size / KIB),
        _ => count(size, "byte"),
    }
}

/// The known word nearest to `wrong`, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let limit = (wrong.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (distance(&wrong, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Edits (insert, remove, replace, swap neighbours) between two words.
fn distance(left: &str, right: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if swap {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `a`, `b` and `c`, each in quotes.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("{word:?}")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let told = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [0, 5, 800, 1_000, 1_250, 20_000, 150_000, 3_600_000].map(told),
            ["0ms", "5ms", "800ms", "1s", "1.25s", "20s", "2m30s", "1h"]
        );
        assert_eq!(duration(Duration::from_micros(40)), "40µs");
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(head("aé", 2), "a");
        assert_eq!(shorten("héllo", 2), "hé…");
        assert_eq!(shorten("hé", 2), "hé");
        assert_eq!(visible("a\u{1b}[31m\r\nb\u{202e}"), "a␛[31m␍\nb\u{fffd}");
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
    fn sizes_are_round() {
        assert_eq!(
            [1, 700, 65_536, 1_048_576].map(bytes),
            ["1 byte", "700 bytes", "64 KiB", "1 MiB"]
        );
    }
}
