//! Some fields of a JSON object, picked while it is read. Everything else is skipped and takes no memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longer texts are not kept. AWS's ids have some hundred characters.
pub(super) const MAX_TEXT_BYTES: usize = 8 * 1024;
/// Longer names are not kept; ARNs may have 2 KiB.
const MAX_NAME_BYTES: usize = 2 * 1024;
/// More entries below a `*` are not kept.
const MAX_ENTRIES: usize = 32;

/// The value of a field that is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Text(String),
    TooLong,
    Number(f64),
    Null,
    Object,
    Bool(bool),
    /// A list.
    Other,
}

/// The fields of an object, by their paths, with `/` between names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields(BTreeMap<String, Field>);

impl Fields {
    /// Reads a value to its end and keeps the fields at `kept`, and the top-level names of all its paths. None if it is
    /// no object.
    pub(super) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        kept: &'static [&'static str],
    ) -> Result<Option<Self>, D::Error> {
        let mut fields = Self::default();
        let root = Picker {
            kept,
            path: String::new(),
            fields: &mut fields,
        };
        let is_object = root.deserialize(deserializer)?;
        Ok(is_object.then_some(fields))
    }

    pub(super) fn get(&self, path: &str) -> Option<&Field> {
        self.0.get(path)
    }

    /// The text at `path`, unless it is empty.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        match self.get(path) {
            Some(Field::Text(text)) if !text.trim().is_empty() => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether there is anything at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The fields right below `path`, with their paths.
    pub(super) fn below(&self, path: &str) -> impl Iterator<Item = (&str, &Field)> {
        let fields = self.0.iter();
        fields.filter_map(move |(place, field)| {
            let name = place.strip_prefix(path)?.strip_prefix('/')?;
            (!name.is_empty()).then_some((place.as_str(), field))
        })
    }

    /// The numbers below `path`, rounded, by their names.
    pub(super) fn numbers_below(&self, path: &str) -> Vec<(String, u32)> {
        let named = self.0.iter().filter_map(|(place, field)| {
            let name = place.strip_prefix(path)?.strip_prefix('/')?;
            match field {
                Field::Number(number) => Some((name.to_owned(), whole_percent(*number))),
                _ => None,
            }
        });
        named.collect()
    }

    fn keep(&mut self, path: String, field: Field) {
        self.0.insert(path, field);
    }
}

/// Rounded down: 99.6 % is not the whole.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cut to the range of the integer"
)]
fn whole_percent(number: f64) -> u32 {
    number.floor() as u32
}

/// Reads one value. Says whether it is an object.
struct Picker<'a> {
    kept: &'static [&'static str],
    path: String,
    fields: &'a mut Fields,
}

impl Picker<'_> {
    fn leaf(self, field: Field) -> bool {
        if !self.path.is_empty() {
            self.fields.keep(self.path, field);
        }
        false
    }

    /// Whether something at or below `path` is kept. A `*` stands for one name, below which nothing is.
    fn leads_on(&self, path: &str) -> bool {
        self.kept.iter().any(|kept| {
            let (mut wanted, mut names) =
                (kept.split('/'), path.splitn(kept.split('/').count(), '/'));
            names.all(|name| {
                wanted
                    .next()
                    .is_some_and(|want| want == "*" || want == name)
            })
        })
    }
}

impl<'de> DeserializeSeed<'de> for Picker<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Picker<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<bool, E> {
        Ok(self.leaf(Field::Bool(flag)))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(self.leaf(Field::Null))
    }

    #[allow(clippy::cast_precision_loss, reason = "percents are small")]
    fn visit_i64<E>(self, number: i64) -> Result<bool, E> {
        Ok(self.leaf(Field::Number(number as f64)))
    }

    #[allow(clippy::cast_precision_loss, reason = "percents are small")]
    fn visit_u64<E>(self, number: u64) -> Result<bool, E> {
        Ok(self.leaf(Field::Number(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<bool, E> {
        Ok(self.leaf(Field::Number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(self.leaf(if text.len() > MAX_TEXT_BYTES {
            Field::TooLong
        } else {
            Field::Text(text.to_owned())
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.leaf(Field::Other))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { kept, path, fields } = self;
        let is_leaf = kept.iter().any(|one| {
            let above = one.strip_suffix("/*");
            *one == path
                || above.is_some_and(|above| {
                    path.strip_prefix(above).is_some_and(|rest| rest.len() > 1)
                })
        });
        if is_leaf {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            fields.keep(path, Field::Object);
            return Ok(true);
        }
        if !path.is_empty() {
            fields.keep(path.clone(), Field::Object);
        }
        let mut entries = 0;
        while let Some(Name(name)) = map.next_key::<Name>()? {
            let place = match name {
                Some(name) if path.is_empty() => Some(name),
                Some(name) => Some(format!("{path}/{name}")),
                None => None,
            };
            let picker = place.map(|path| Picker {
                kept,
                path,
                fields: &mut *fields,
            });
            match picker {
                Some(picker) if picker.leads_on(&picker.path) && entries < MAX_ENTRIES => {
                    entries += 1;
                    map.next_value_seed(picker)?;
                }
                Some(picker) => {
                    map.next_value::<IgnoredAny>()?;
                    // By the names at the top other services' events are recognised.
                    if path.is_empty()
                        && super::FOREIGN_FIELDS
                            .iter()
                            .any(|(mark, _)| *mark == picker.path)
                    {
                        picker.leaf(Field::Other);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(true)
    }
}

/// A name, unless it is too long.
struct Name(Option<String>);

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfName;
        impl Visitor<'_> for OfName {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(
                    (name.len() <= MAX_NAME_BYTES).then(|| name.to_owned()),
                ))
            }
        }
        deserializer.deserialize_identifier(OfName)
    }
}
