//! What an expression names, and how a member of it is written.

/// Something that an expression names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The group that it belongs to, as `headers`.
    pub record: Option<String>,
    /// Its name.
    pub name: String,
}

impl Reference {
    /// As it is written in an expression.
    pub fn path(&self) -> String {
        match &self.record {
            None => self.name.clone(),
            Some(record) => member_path(record, &self.name),
        }
    }
}

/// The path of a member: with a dot if its name allows that.
pub(crate) fn member_path(object: &str, name: &str) -> String {
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if begins && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        format!("{object}.{name}")
    } else {
        format!("{object}[{}]", exact_json::Value::from(name))
    }
}
