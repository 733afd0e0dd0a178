//! The words of a language, and a team's own words in their place.
//!
//! A catalogue is complete because the compiler says so: each is one `match` over [`Key`]. A team's
//! text is used as plain text: it is escaped like any other, so that it can't break a message.

mod en;
mod key;
mod time;
mod zh;

use std::collections::BTreeMap;

use approvals::config::{Config, Route};
use contacts::Channel;
use contacts::Language;
pub use key::Key;
pub use text::catalogue::fill;
use text::catalogue::placeholders;

/// Characters of a team's text; the longest of ours has about 150.
const MAX_TEXT: usize = 500;

/// The texts of one message: a language's catalogue with a team's overrides.
#[derive(Debug, Clone)]
pub struct Texts {
    language: Language,
    overrides: BTreeMap<Key, String>,
}

impl Texts {
    /// A language's own texts.
    pub fn of(language: Language) -> Self {
        Self {
            language,
            overrides: BTreeMap::new(),
        }
    }

    /// The texts of a message on a route to a channel: the channel's language, or else the route's, or
    /// else the configuration's; the route's overrides before those for all. An override that can't be
    /// used is left out, as a message in our words is better than none; [`check`] tells of it.
    pub fn for_channel(config: &Config, route: Option<&Route>, channel: &Channel) -> Self {
        let language = config.language_of(channel, route);
        let own = config.texts.get(&language);
        let routes = route.map(|route| &route.texts);
        let mut texts = Self::of(language);
        for (name, text) in [own, routes].into_iter().flatten().flatten() {
            if let Ok(key) = usable(name, text) {
                texts.overrides.insert(key, text.clone());
            }
        }
        texts
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The code of the language for `lang` attributes.
    pub fn code(&self) -> &'static str {
        match self.language {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }

    /// What stands between a name and what is said of it.
    pub(crate) fn colon(&self) -> &'static str {
        match self.language {
            Language::English => ": ",
            Language::Chinese => "：",
        }
    }

    /// What stands between members of a list.
    pub(crate) fn comma(&self) -> &'static str {
        match self.language {
            Language::English => ", ",
            Language::Chinese => "，",
        }
    }

    /// A text with its placeholders filled. What is filled in is not looked at again: a value may hold
    /// braces.
    pub fn get(&self, key: Key, values: &[(&str, &str)]) -> String {
        let text = self
            .overrides
            .get(&key)
            .map_or_else(|| catalogue(self.language, key), String::as_str);
        fill(text, values)
    }

    /// A text without placeholders.
    pub fn plain(&self, key: Key) -> String {
        self.get(key, &[])
    }

    /// The one of two texts that fits the number, which is `{n}` in it. Chinese has one form for all
    /// numbers, and so the same text twice.
    pub fn count(&self, one: Key, other: Key, n: usize) -> String {
        let key = if n == 1 { one } else { other };
        self.get(key, &[("n", &n.to_string())])
    }
}

/// What is wrong with the overrides of a configuration, a sentence each.
pub fn check(config: &Config) -> Vec<String> {
    let of_all = config.texts.iter().flat_map(|(language, texts)| {
        let place = format!("texts.{}", Texts::of(*language).code());
        texts.iter().map(move |entry| (place.clone(), entry))
    });
    let of_routes = config.routes.iter().flat_map(|route| {
        let place = format!("the texts of the route {:?}", route.name);
        route.texts.iter().map(move |entry| (place.clone(), entry))
    });
    of_all
        .chain(of_routes)
        .filter_map(|(place, (name, text))| {
            let problem = usable(name, text).err()?;
            Some(format!("{place}: {problem}"))
        })
        .collect()
}

/// The key of an override, or why it can't be used.
fn usable(name: &str, text: &str) -> Result<Key, String> {
    let Some(key) = Key::find(name) else {
        return Err(format!(
            "there is no text {name:?}; `deploy-hooks approvals texts` lists all"
        ));
    };
    if text.trim().is_empty() {
        return Err(format!("{name} is empty; leave it out to keep our text"));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(format!("{name} is longer than {MAX_TEXT} characters"));
    }
    if text::clean::line(text) != text.trim() {
        return Err(format!(
            "{name} has line ends, double spaces or invisible characters; write it in one line"
        ));
    }
    let known = placeholders(catalogue(Language::English, key));
    for unknown in placeholders(text) {
        if !known.contains(&unknown) {
            let known: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
            let known = if known.is_empty() {
                "has none".to_owned()
            } else {
                format!("knows {}", known.join(", "))
            };
            return Err(format!(
                "{name} has the placeholder {{{unknown}}}, but {known}"
            ));
        }
    }
    Ok(key)
}

fn catalogue(language: Language, key: Key) -> &'static str {
    match language {
        Language::English => en::text(key),
        Language::Chinese => zh::text(key),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_catalogue_has_the_same_placeholders() {
        for key in Key::ALL {
            let names = |language| {
                let text = catalogue(language, *key);
                assert!(!text.is_empty() && text == text.trim(), "{key:?}");
                placeholders(text).into_iter().collect::<BTreeSet<_>>()
            };
            assert_eq!(
                names(Language::English),
                names(Language::Chinese),
                "{key:?}"
            );
        }
    }

    #[test]
    fn the_chinese_catalogue_is_chinese() {
        // Names of products and signs alone need no translation.
        let same: Vec<Key> = Key::ALL
            .iter()
            .copied()
            .filter(|key| en::text(*key) == zh::text(*key))
            .collect();
        assert_eq!(same, [Key::VersionStep], "{same:?}");
    }

    #[test]
    fn numbers_take_their_form() {
        let told =
            |language: Language, n| Texts::of(language).count(Key::MoreOne, Key::MoreOther, n);
        assert_eq!(
            [1, 2, 0].map(|n| told(Language::English, n)),
            ["1 more", "2 more", "0 more"]
        );
        assert_eq!(told(Language::Chinese, 1), "另有 1 项");
    }

    #[test]
    fn an_override_is_used_or_its_problem_told() {
        assert_eq!(
            usable("ask_title", "{pipeline} waits for you"),
            Ok(Key::AskTitle)
        );
        insta::assert_snapshot!(usable("ask_titel", "x").unwrap_err(), @r#"there is no text "ask_titel"; `deploy-hooks approvals texts` lists all"#);
        insta::assert_snapshot!(usable("ask_title", "{pipline} waits").unwrap_err(), @"ask_title has the placeholder {pipline}, but knows {pipeline}, {stage}");
        insta::assert_snapshot!(usable("approve", "Yes, {who}").unwrap_err(), @"approve has the placeholder {who}, but has none");
        insta::assert_snapshot!(usable("approve", " ").unwrap_err(), @"approve is empty; leave it out to keep our text");
        assert!(usable("approve", "a\nb").unwrap_err().contains("one line"));
        assert!(
            usable("approve", &"x".repeat(501))
                .unwrap_err()
                .contains("500")
        );
    }
}
