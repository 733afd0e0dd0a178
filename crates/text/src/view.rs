//! A text as its readers and their programs make it out: without what can't be seen, with escapes and
//! encodings undone. Each character knows which part of the text it stands for, so that what is found
//! in a view is masked in the text.

use std::ops::Range;

/// How many encodings on top of each other are undone.
const MAX_LAYERS: usize = 4;
/// Characters of all views of one text together, as a multiple of the text's own.
const MAX_GROWTH: usize = 8;
/// A shorter run of base64 holds no token of 36 characters.
const MIN_BASE64_DIGITS: usize = 44;
/// Nor does a shorter run of hexadecimal digits.
const MIN_HEX_DIGITS: usize = 72;

/// A character and where it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Unit {
    /// ASCII; a space or a line end for any blank.
    pub(crate) c: u8,
    from: usize,
    to: usize,
}

/// One way of making a text out.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) units: Vec<Unit>,
}

impl View {
    /// The part of the text that these units stand for.
    pub(crate) fn range(&self, units: &Range<usize>) -> Range<usize> {
        self.units[units.start].from..self.units[units.end - 1].to
    }
}

/// All views of a text, the plain one first.
pub(crate) fn of(text: &str) -> Vec<View> {
    let mut left = text.len().saturating_mul(MAX_GROWTH).max(4096);
    let plain = plain(text);
    let mut views = vec![plain];
    let mut fresh = 0..1;
    for _ in 0..MAX_LAYERS {
        let mut more = Vec::new();
        for view in &views[fresh.clone()] {
            let unescaped = unescaped(view);
            let decoded = unescaped.into_iter().chain(base64(view)).chain(hex(view));
            for view in decoded {
                if view.units.len() <= left {
                    left -= view.units.len();
                    more.push(view);
                }
            }
        }
        fresh = views.len()..views.len() + more.len();
        views.extend(more);
    }
    views
}

fn plain(text: &str) -> View {
    let units = text.char_indices().filter_map(|(from, c)| {
        let to = from + c.len_utf8();
        folded(c).map(|c| Unit { c, from, to })
    });
    View {
        units: units.collect(),
    }
}

/// The ASCII character that a reader takes it for; none for what is no part of any token: whatever can't
/// be seen, marks on other characters, and other scripts.
fn folded(c: char) -> Option<u8> {
    const HYPHENS: [char; 9] = [
        '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}', '\u{fe58}',
        '\u{fe63}', '\u{ff0d}',
    ];
    let at = u32::from(c);
    let offset = |first: u32, into: u8, modulus: u32| {
        let step = u8::try_from((at - first) % modulus).unwrap_or_default();
        Some(into + step)
    };
    match c {
        '!'..='~' => u8::try_from(at).ok(),
        '\n' | '\r' => Some(b'\n'),
        c if c.is_whitespace() => Some(b' '),
        c if HYPHENS.contains(&c) => Some(b'-'),
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(at - 0xfee0).ok(),
        '\u{1d7ce}'..='\u{1d7ff}' => offset(0x1d7ce, b'0', 10),
        '\u{1d400}'..='\u{1d6a3}' => {
            let letter = (at - 0x1d400) % 52;
            u8::try_from(letter % 26).ok().map(|letter| b'a' + letter)
        }
        '\u{2080}'..='\u{2089}' => offset(0x2080, b'0', 10),
        '\u{24b6}'..='\u{24e9}' => offset(0x24b6, b'a', 26),
        _ => None,
    }
}

/// With percent signs, backslashes and HTML entities undone; none where there are none.
fn unescaped(view: &View) -> Option<View> {
    let bytes: Vec<u8> = view.units.iter().map(|unit| unit.c).collect();
    if !bytes.iter().any(|c| matches!(c, b'%' | b'\\' | b'&')) {
        return None;
    }
    let mut units = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut changed = false;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let Some((length, means)) = escape(rest) else {
            units.push(view.units[at]);
            at += 1;
            continue;
        };
        changed = true;
        if let Some(c) = means.and_then(folded) {
            let (from, to) = (view.units[at].from, view.units[at + length - 1].to);
            units.push(Unit { c, from, to });
        }
        at += length;
    }
    changed.then_some(View { units })
}

/// The escape that `rest` begins with: its length, and what it means.
fn escape(rest: &[u8]) -> Option<(usize, Option<char>)> {
    match rest.first()? {
        b'%' => Some((3, code(rest.get(1..3)?, 16))),
        b'\\' => backslash(rest),
        b'&' => entity(rest),
        _ => None,
    }
}

fn code(digits: &[u8], radix: u32) -> Option<char> {
    let text = std::str::from_utf8(digits).ok()?;
    // What is no number is no escape; what is none of ASCII is no part of a token.
    u32::from_str_radix(text, radix)
        .ok()
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn backslash(rest: &[u8]) -> Option<(usize, Option<char>)> {
    let digits = |from: usize, length: usize| {
        let c = code(rest.get(from..from + length)?, 16)?;
        Some((from + length, Some(c)))
    };
    match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(12).position(|c| *c == b'}')?;
            Some((end + 1, Some(code(rest.get(3..end)?, 16)?)))
        }
        b'u' => digits(2, 4),
        b'x' => digits(2, 2),
        b'n' | b'r' => Some((2, Some('\n'))),
        b't' => Some((2, Some(' '))),
        c => Some((2, Some(char::from(*c)))),
    }
}

fn entity(rest: &[u8]) -> Option<(usize, Option<char>)> {
    const NAMES: [(&str, Option<char>); 18] = [
        ("amp", Some('&')),
        ("lt", Some('<')),
        ("gt", Some('>')),
        ("quot", Some('"')),
        ("apos", Some('\'')),
        ("sol", Some('/')),
        ("bsol", Some('\\')),
        ("percnt", Some('%')),
        ("num", Some('#')),
        ("hyphen", Some('-')),
        ("dash", Some('-')),
        ("minus", Some('-')),
        ("nbsp", Some(' ')),
        ("shy", None),
        ("zwj", None),
        ("zwnj", None),
        ("ZeroWidthSpace", None),
        ("NoBreak", None),
    ];
    let end = rest.iter().take(24).position(|c| *c == b';');
    if rest.get(1) == Some(&b'#') {
        // Browsers take a number without its semicolon, too.
        let (from, radix) = match rest.get(2)? {
            b'x' | b'X' => (3, 16),
            _ => (2, 10),
        };
        let digits = rest[from..].iter().take(10);
        let digits = digits
            .take_while(|c| char::from(**c).is_digit(radix))
            .count();
        let c = code(rest.get(from..from + digits)?, radix)?;
        let semicolon = usize::from(rest.get(from + digits) == Some(&b';'));
        return Some((from + digits + semicolon, Some(c)));
    }
    let name = std::str::from_utf8(rest.get(1..end?)?).ok()?;
    let (_, means) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some((end? + 1, *means))
}

/// What runs of base64 hold, in either alphabet and from wherever they are read.
fn base64(view: &View) -> Vec<View> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    encoded(view, value, MIN_BASE64_DIGITS, 6)
}

/// What runs of hexadecimal digits hold.
fn hex(view: &View) -> Vec<View> {
    let value = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    encoded(view, value, MIN_HEX_DIGITS, 4)
}

/// The bytes that runs of digits of `bits` each hold; line ends between digits are nothing. A space ends a
/// run: else all prose would be one.
fn encoded(view: &View, value: impl Fn(u8) -> Option<u8>, shortest: usize, bits: u32) -> Vec<View> {
    let mut views = Vec::new();
    let mut run: Vec<(u8, Unit)> = Vec::new();
    let end = Unit {
        c: 0,
        from: 0,
        to: 0,
    };
    for unit in view.units.iter().chain([&end]) {
        match value(unit.c) {
            Some(digit) => run.push((digit, *unit)),
            None if unit.c == b'\n' => {}
            None => {
                if run.len() >= shortest {
                    let alignments = if bits == 6 { 4 } else { 2 };
                    views.extend((0..alignments).map(|skipped| decoded(&run[skipped..], bits)));
                }
                run.clear();
            }
        }
    }
    views
}

fn decoded(run: &[(u8, Unit)], bits: u32) -> View {
    let mut units = Vec::with_capacity(run.len());
    let (mut held, mut known) = (0_u32, 0_u32);
    let mut previous = None;
    for (digit, unit) in run {
        held = (held << bits | u32::from(*digit)) & 0xffff;
        known += bits;
        if known >= 8 {
            known -= 8;
            let byte = held >> known & 0xff;
            let from = previous.map_or(unit.from, |previous: Unit| previous.from);
            if let Some(c) = char::from_u32(byte).filter(char::is_ascii).and_then(folded) {
                units.push(Unit {
                    c,
                    from,
                    to: unit.to,
                });
            }
        }
        previous = Some(*unit);
    }
    View { units }
}
