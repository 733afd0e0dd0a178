//! Takes out what people can't see and what changes the direction of their reading. Here and nowhere else:
//! one set of characters for every text that leaves.
//!
//! Escaping is another thing and belongs to each surface.

/// What is shown for a character: itself, a space, a sign where it is dangerous, nothing where it is
/// invisible.
#[must_use]
pub fn visible(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        // Braille without a dot: seen as a space, counted by nobody as one.
        | '\u{2800}' => Some(' '),
        c if is_control(c) || changes_direction(c) => Some(char::REPLACEMENT_CHARACTER),
        c if is_invisible(c) => None,
        c => Some(c),
    }
}

fn is_control(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}')
}

/// Marks that change the direction of writing.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Soft hyphen, zero-width characters, joiners, fillers, variation selectors, tags, marks for annotation,
/// and format characters of scripts: `Default_Ignorable_Code_Point` and what is drawn as nothing.
/// <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Every character as it may be shown; blanks stay as they are in number.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().filter_map(visible).collect()
}

/// One line: line ends and tabs become spaces, runs of spaces one space.
#[must_use]
pub fn line(text: &str) -> String {
    bounded(text, usize::MAX)
}

/// A [`line()`] of at most `limit` characters, [`cut`] where there are more. What is cut away is not read.
#[must_use]
pub fn short(text: &str, limit: usize) -> String {
    cut(&bounded(text, limit.saturating_add(1)), limit)
}

fn bounded(text: &str, limit: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    for c in text.chars().filter_map(visible) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
            continue;
        }
        if length == limit {
            break;
        }
        clean.push(c);
        length += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Several lines in one text, at most `limit` bytes of it; whether anything was left out.
#[must_use]
pub fn block(text: &str, limit: usize) -> (String, bool) {
    let mut clean = String::with_capacity(text.len().min(limit));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
            c => visible(c),
        };
        if let Some(c) = c {
            if clean.len() + c.len_utf8() > limit {
                return (clean, true);
            }
            clean.push(c);
        }
    }
    (clean, false)
}

/// Several lines, each a [`line()`] that keeps its indentation; empty ones at most one by one.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for raw in text
        .replace("\r\n", "\n")
        .split(['\n', '\r', '\u{2028}', '\u{2029}'])
    {
        let clean: String = raw
            .chars()
            .filter_map(visible)
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .collect();
        let clean = clean.trim_end().to_owned();
        if !clean.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(clean);
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// At most `limit` characters, the last of them an ellipsis where something was cut.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let last = text.char_indices().nth(limit.saturating_sub(1));
    let end = last.map_or(text.len(), |(end, _)| end);
    format!("{}…", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_seen_or_turns_the_writing_is_taken_out() {
        assert_eq!(
            line("  fix\u{202e}gnp.exe\u{200b}\n\tnow \u{7} "),
            "fix\u{fffd}gnp.exe now \u{fffd}"
        );
        assert_eq!(line("a\u{ad}b\u{e0041}\u{feff}c\u{fe0f}"), "abc");
        assert_eq!(line("发布 1.2 👩‍🚀 ready"), "发布 1.2 👩🚀 ready");
        assert_eq!(line("a\u{2800}b"), "a b");
    }

    #[test]
    fn every_mark_of_direction_is_shown_as_one() {
        for mark in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202d}', '\u{2067}'] {
            assert_eq!(visible(mark), Some('\u{fffd}'), "{mark:?}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(
            lines("one\r\n\r\n\r\n  two\u{0}\rthree\n\n"),
            ["one", "", "  two\u{fffd}", "three"]
        );
        assert_eq!(
            block("a\r\nb\rc\u{200b}\u{2028}d", 99),
            ("a\nb\nc\nd".to_owned(), false)
        );
        assert_eq!(block("ääää", 5), ("ää".to_owned(), true));
    }

    #[test]
    fn a_cut_says_that_it_is_one_and_keeps_to_the_limit() {
        assert_eq!(cut("héllo", 5), "héllo");
        assert_eq!(cut("héllo world", 6), "héllo…");
        assert_eq!(cut("👍👍👍", 2), "👍…");
        assert_eq!(short("  a\n\nb  c d", 4), "a b…");
        assert_eq!(short("a b  ", 3), "a b");
    }
}
