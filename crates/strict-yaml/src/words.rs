//! How values are written for people: durations, sizes, lists, and the word that was probably meant.
//! In one place, so that a reason, a report and a problem say the same thing in the same way.

use std::time::Duration;

/// `800ms`, `1.25s`, `20s`, `2m30s`, `1h`.
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
    let mut told = String::new();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        told.push_str(&number.to_string());
        told.push_str(unit);
    }
    told
}

/// `1 check`, `3 checks`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `1 MiB`, `64 KiB`, `700 bytes`.
pub fn bytes(size: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    match size {
        _ if size >= MIB && size.is_multiple_of(MIB) => format!("{} MiB", size / MIB),
        _ if size >= KIB && size.is_multiple_of(KIB) => format!("{} KiB", size / KIB),
        _ => count(size, "byte"),
    }
}

/// The known word nearest to `wrong`, if it is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("{word:?}")).collect();
    words.join(", ")
}

/// Names of variables and secrets: a letter or `_`, then letters, digits, `_` and `-`.
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
        let told = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [0, 5, 800, 1_000, 1_250, 20_000, 150_000, 3_600_000].map(told),
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
    fn sizes_are_round() {
        assert_eq!(
            [1, 700, 65_536, 1_048_576].map(bytes),
            ["1 byte", "700 bytes", "64 KiB", "1 MiB"]
        );
    }
}
