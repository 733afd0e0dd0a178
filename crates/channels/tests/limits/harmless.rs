//! Nothing that others wrote is markup, a mention or a link in a reader's program.

use channels::Payload;
use serde_json::Value;

use super::support::everything;

/// Every text that a reader's program gets, decoded.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(members) => members.iter().for_each(|member| texts(member, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// The addresses that a reader's program opens, which is no markup: nothing in them is escaped.
pub(super) fn addresses(value: &mut Value, found: &mut Vec<String>) {
    match value {
        Value::Array(members) => members
            .iter_mut()
            .for_each(|member| addresses(member, found)),
        Value::Object(members) => {
            if let Some(Value::String(url)) = members.remove("url") {
                found.push(url);
            }
            members
                .values_mut()
                .for_each(|member| addresses(member, found));
        }
        _ => {}
    }
}

pub(super) fn harmless(payload: &Payload) {
    let all = everything(payload);
    for invisible in ['\u{202e}', '\u{200b}', '\u{feff}', '\u{0}', '\u{1b}'] {
        assert!(!all.contains(invisible), "{invisible:?}");
    }
    assert!(!all.contains("\\u0000") && !all.contains("\\u001b"));
    match payload {
        Payload::Slack { text, blocks } => {
            let (mut blocks, mut opened) = (blocks.clone(), Vec::new());
            addresses(&mut blocks, &mut opened);
            for url in &opened {
                let plain = url
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !"<>|\"".contains(c));
                assert!(url.starts_with("https://") && plain, "{url}");
            }
            let mut found = vec![text.clone()];
            texts(&blocks, &mut found);
            for text in &found {
                only_our_links(text);
            }
        }
        Payload::AmazonQ(event) => {
            let mut found = Vec::new();
            texts(event, &mut found);
            for text in found {
                assert!(!text.contains(['[', ']']), "{text}");
                let addresses = text.matches("<https://").count();
                assert_eq!(text.matches('<').count(), addresses, "{text}");
                assert_eq!(text.matches('>').count(), addresses, "{text}");
            }
        }
        Payload::Teams(card) => card_is_harmless(&card["attachments"][0]["content"]),
        Payload::Mail { html, .. } => html_is_harmless(html),
        Payload::SnsMail { .. } | Payload::Webhook(_) => {}
    }
}

/// In Slack everything between angle brackets is acted upon: it is a link to https.
fn only_our_links(text: &str) {
    for piece in text.split('<').skip(1) {
        let (inside, after) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("open: {text}"));
        assert!(
            inside.starts_with("https://") && inside.matches('|').count() == 1,
            "{inside}"
        );
        assert!(!after.contains('>'), "{text}");
    }
    let bare = text
        .replace("&amp;", "")
        .replace("&lt;", "")
        .replace("&gt;", "");
    assert!(!bare.contains('&'), "{text}");
}

/// The kinds of all elements; links are looked at in passing.
fn walk(value: &Value, kinds: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            kinds.extend(
                members
                    .get("type")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            if let Some(url) = members.get("url").and_then(Value::as_str) {
                assert!(url.starts_with("https://"), "{url}");
            }
            members.values().for_each(|member| walk(member, kinds));
        }
        Value::Array(members) => members.iter().for_each(|member| walk(member, kinds)),
        _ => {}
    }
}

/// A card reads Markdown in text blocks and facts only, and we have none.
fn card_is_harmless(card: &Value) {
    let mut kinds = Vec::new();
    walk(card, &mut kinds);
    let known = [
        "AdaptiveCard",
        "Container",
        "RichTextBlock",
        "TextRun",
        "Action.OpenUrl",
    ];
    assert!(
        kinds.iter().all(|kind| known.contains(&kind.as_str())),
        "{kinds:?}"
    );
    assert!(card["msteams"].get("entities").is_none());
}

/// Only the template's elements, and only our attributes.
fn html_is_harmless(html: &str) {
    let known = [
        "!doctype", "html", "head", "meta", "title", "body", "div", "table", "tr", "td", "h1",
        "h2", "p", "a", "ul", "li", "strong", "code",
    ];
    for piece in html.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("each element is closed");
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(known.contains(&name), "{tag}");
        assert!(!tag.to_ascii_lowercase().contains("onerror"), "{tag}");
        if let Some((_, href)) = tag.split_once("href=\"") {
            assert!(href.starts_with("https://"), "{href}");
        }
    }
}
