//! The languages that messages and pages are written in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language that there is a catalogue for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese, in simplified characters.
    #[serde(rename = "zh")]
    Chinese,
}

impl Language {
    /// Every language, by its tag (BCP 47).
    pub const ALL: [(&str, Self); 2] = [("en", Self::English), ("zh", Self::Chinese)];

    /// Its tag: `en`, `zh`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}
