//! The forms in which a secret travels, apart from escaping: see [`super::views`] for that.

/// Secrets below this are not looked for inside of longer base64 texts: too little of them would
/// be left to be told from chance.
const BASE64_INSIDE: usize = 6;

/// Lines of a secret below this are not masked on their own.
const LINE: usize = 8;

/// Every text under which `secret` may show up, before it is escaped.
pub(super) fn of(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let mut forms = Vec::new();
    for plain in [secret, trimmed] {
        forms.push(plain.to_owned());
        forms.extend(base64(plain.as_bytes()));
    }
    if trimmed.contains('\n') {
        forms.extend(
            trimmed
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= LINE)
                .map(str::to_owned),
        );
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Standard and URL-safe base64 of the whole secret, and what base64 makes of it inside of a
/// longer text (`user:secret`), where it may start at each of three places.
fn base64(plain: &[u8]) -> Vec<String> {
    let mut forms = vec![encode(plain)];
    if plain.len() >= BASE64_INSIDE {
        forms.extend((0..3).map(|offset| inside(plain, offset)));
    }
    let safe: Vec<String> = forms
        .iter()
        .map(|form| form.replace('+', "-").replace('/', "_"))
        .collect();
    [forms, safe].concat()
}

/// The characters of the base64 that depend on the secret alone, if `offset` bytes stand before.
fn inside(plain: &[u8], offset: usize) -> String {
    let padded = [&[0; 2][..offset], plain].concat();
    let encoded = encode(&padded);
    // `offset` bytes spill into this many characters; an incomplete last group mixes with what follows.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_owned()
}

/// Base64 without padding.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, i| {
            bits << 8 | u32::from(*group.get(i).unwrap_or(&0))
        });
        for place in 0..=group.len() {
            let index = bits >> (18 - 6 * place) & 0x3f;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
pub(super) fn encode_for_test(bytes: &[u8]) -> String {
    encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| encode(text.as_bytes())),
            ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]
        );
    }

    #[test]
    fn base64_is_found_at_each_place_of_a_longer_text() {
        for before in ["", "u", "us", "user:"] {
            let whole = encode(format!("{before}hunter2-hunter2 and more").as_bytes());
            let hit = base64(b"hunter2-hunter2")
                .into_iter()
                .any(|form| whole.contains(&form));
            assert!(hit, "{before:?}");
        }
    }
}
