//! A text as it would be once decoded, with the way back to where each byte stands.
//!
//! A secret may be percent-encoded, JSON-escaped or written with HTML entities, by rules that
//! differ from sender to sender. Decoding the text and looking for the secret as it is finds it
//! whichever characters were escaped; listing the escaped forms would miss some.

use std::ops::Range;

use aho_corasick::AhoCorasick;

/// Decoded bytes, and for each of them the place in the original that it comes from.
#[derive(Clone, Debug)]
pub(super) struct View {
    bytes: Vec<u8>,
    from: Vec<Range<usize>>,
}

/// A piece of a text that stands for other bytes: how long it is, and what it stands for.
type Decoded = Option<(usize, Vec<u8>)>;

/// How often a text may be encoded, one way inside of another.
const MAX_LAYERS: usize = 2;

/// The text as it is and as it would be after each decoding.
pub(super) fn of(raw: &str) -> Vec<View> {
    let plain = View {
        bytes: raw.as_bytes().to_vec(),
        from: (0..raw.len()).map(|at| at..at + 1).collect(),
    };
    let mut views = vec![plain];
    let mut newest = 0..1;
    for _ in 0..MAX_LAYERS {
        let mut decoded = Vec::new();
        for view in &views[newest.clone()] {
            for decode in [percent, form, json, html] {
                decoded.extend(view.decode(decode));
            }
        }
        newest = views.len()..views.len() + decoded.len();
        views.extend(decoded);
    }
    views
}

impl View {
    /// Which of the needles stands where in the original, overlapping occurrences too.
    pub(super) fn find_all(
        &self,
        needles: &AhoCorasick,
    ) -> impl Iterator<Item = (usize, Range<usize>)> {
        let found = needles.find_overlapping_iter(&self.bytes);
        found.map(move |one| (one.pattern().as_usize(), self.place(one.range())))
    }

    /// Where one needle stands in the original, overlapping occurrences too. Nowhere if it is empty.
    pub(super) fn find(&self, needle: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let length = needle.len();
        let last = self.bytes.len().checked_sub(length);
        let starts = 0..last.filter(|_| length > 0).map_or(0, |last| last + 1);
        starts
            .filter(move |start| self.bytes[*start..].starts_with(needle))
            .map(move |start| self.place(start..start + length))
    }

    /// Where the original has what stands there in the view.
    fn place(&self, found: Range<usize>) -> Range<usize> {
        self.from[found.start].start..self.from[found.end - 1].end
    }

    /// The view after one decoding; none if that changes nothing.
    fn decode(&self, decode: fn(&[u8]) -> Decoded) -> Option<Self> {
        let mut view = Self {
            bytes: Vec::new(),
            from: Vec::new(),
        };
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            if let Some((length, stands_for)) = decode(&self.bytes[at..]) {
                let place = self.from[at].start..self.from[at + length - 1].end;
                view.from.extend(stands_for.iter().map(|_| place.clone()));
                view.bytes.extend(stands_for);
                at += length;
                changed = true;
            } else {
                view.bytes.push(self.bytes[at]);
                view.from.push(self.from[at].clone());
                at += 1;
            }
        }
        changed.then_some(view)
    }
}

/// `%2F`
fn percent(bytes: &[u8]) -> Decoded {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let byte = hex(*high)? << 4 | hex(*low)?;
    Some((3, vec![u8::try_from(byte).ok()?]))
}

/// `%2F`, and `+` for a space.
fn form(bytes: &[u8]) -> Decoded {
    if bytes.first() == Some(&b'+') {
        return Some((1, vec![b' ']));
    }
    percent(bytes)
}

/// `\n`, `\"`, `\/`, `\u003c`
fn json(bytes: &[u8]) -> Decoded {
    let [b'\\', kind, rest @ ..] = bytes else {
        return None;
    };
    let byte = match kind {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        // Regular expressions and shells escape any punctuation.
        _ if kind.is_ascii_punctuation() => *kind,
        b'u' => {
            let unit = hex4(rest)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Some((6, utf8(unit)?));
            }
            let low = rest
                .get(4..6)
                .filter(|next| next == b"\\u")
                .and_then(|_| hex4(&rest[6..]))?;
            let code = 0x1_0000 + ((unit - 0xd800) << 10) + low.checked_sub(0xdc00)?;
            return Some((12, utf8(code)?));
        }
        _ => return None,
    };
    Some((2, vec![byte]))
}

/// `&amp;`, `&#34;`, `&#x3c;`
fn html(bytes: &[u8]) -> Decoded {
    const NAMED: [(&[u8], u8); 6] = [
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
        (b"&nbsp;", b' '),
    ];
    if bytes.first() != Some(&b'&') {
        return None;
    }
    if let Some((name, byte)) = NAMED.iter().find(|(name, _)| bytes.starts_with(name)) {
        return Some((name.len(), vec![*byte]));
    }
    let inside = bytes.strip_prefix(b"&#")?;
    let end = inside.iter().take(8).position(|byte| *byte == b';')?;
    let digits = std::str::from_utf8(&inside[..end]).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((end + 3, utf8(code)?))
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes
        .get(..4)?
        .iter()
        .try_fold(0, |code, digit| Some(code << 4 | hex(*digit)?))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|c| c.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(raw: &str, needle: &str) -> Vec<String> {
        let needles = AhoCorasick::new([needle]).unwrap();
        let mut places = Vec::new();
        for view in of(raw) {
            let alone: Vec<Range<usize>> = view.find(needle.as_bytes()).collect();
            let among: Vec<Range<usize>> =
                view.find_all(&needles).map(|(_, place)| place).collect();
            assert_eq!(alone, among);
            places.extend(alone.into_iter().map(|place| raw[place].to_owned()));
        }
        places.dedup();
        places
    }

    #[test]
    fn what_is_encoded_is_found_where_it_stands() {
        assert_eq!(found("x=a%2Fb%20c&y", "a/b c"), ["a%2Fb%20c"]);
        assert_eq!(found("x=a/b+c&y", "a/b c"), ["a/b+c"]);
        assert_eq!(
            found(r#"{"x":"a\"b\u00fc\ud83d\ude00"}"#, "a\"bü😀"),
            [r#"a\"b\u00fc\ud83d\ude00"#]
        );
        assert_eq!(
            found("<p>a&lt;b&#34;&#x26;c</p>", "a<b\"&c"),
            ["a&lt;b&#34;&#x26;c"]
        );
        assert_eq!(
            found(r#"{"x":"{\"y\":\"a\\\"b\"}"}"#, "a\"b"),
            [r#"a\\\"b"#]
        );
        assert_eq!(found("a%252Fb", "a/b"), ["a%252Fb"]);
        assert_eq!(found("100% of a\\", "a/b"), Vec::<String>::new());
    }
}
