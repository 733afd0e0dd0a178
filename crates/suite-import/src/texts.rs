//! Texts of a file as texts of a suite: references, signs that would be one, and secrets.

use std::collections::{BTreeMap, BTreeSet};

use strict_yaml::SecretRef;

/// How references are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placeholders {
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
}

/// Of Postman and Bruno.
pub(crate) const DOUBLE_BRACES: Placeholders = Placeholders {
    open: "{{",
    close: "}}",
};
/// Put around the variables of a shell when its words are read; no text has them.
pub(crate) const SHELL: Placeholders = Placeholders {
    open: "\u{e000}",
    close: "\u{e001}",
};

/// A value that a reference stands for without a file's saying so, as a call of a suite.
const DYNAMIC: [(&str, &str); 6] = [
    ("$guid", "uuid()"),
    ("$randomUUID", "uuid()"),
    ("$randomUuid", "uuid()"),
    ("$timestamp", "now('unix')"),
    ("$isoTimestamp", "now()"),
    ("$randomAlphaNumeric", "random(1)"),
];

/// How deep a variable may refer to others.
const MAX_NESTED: usize = 5;

/// Variables and secrets of the suite that is made.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    marks: Option<Placeholders>,
    /// What the file says of its variables, where it is read now.
    known: Variables,
    /// Variables that are used as secrets, whatever the file says of them.
    secret: BTreeSet<String>,
    /// Names in the suite, by what they stand for.
    vars: Vec<(String, String)>,
    secrets: Vec<Secret>,
}

/// The variables of a part of a file, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Variable>);

#[derive(Clone, Debug)]
struct Variable {
    value: String,
    /// By its own name, its value, or what is said of it further out.
    is_secret: bool,
}

impl Variables {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|variable| variable.value.as_str())
    }
}

/// A secret of the suite.
#[derive(Debug)]
struct Secret {
    name: String,
    /// Where the file has its value.
    value: Option<String>,
    /// The variable of the file that it was.
    of: Option<String>,
}

impl Texts {
    /// References are written so from now on.
    pub(crate) fn with_marks(&mut self, marks: Placeholders) {
        self.marks = Some(marks);
    }

    /// A variable of the file, and its value.
    pub(crate) fn know(&mut self, name: &str, value: &str, is_secret: bool) {
        let known = &mut self.known.0;
        let was_secret = known.get(name).is_some_and(|before| before.is_secret);
        let variable = Variable {
            value: value.to_owned(),
            is_secret: is_secret || was_secret || is_secret_name(name) || has_secret_shape(value),
        };
        known.insert(name.to_owned(), variable);
    }

    /// The variables as they are known now, to be restored behind a folder with variables of its own.
    pub(crate) fn variables(&self) -> Variables {
        self.known.clone()
    }

    /// Knows these variables, and no others.
    pub(crate) fn restore(&mut self, variables: Variables) {
        self.known = variables;
    }

    /// What the file says of a variable.
    pub(crate) fn known(&self, name: &str) -> Option<&str> {
        let known = self.known.0.get(name);
        let known = known.filter(|known| !known.is_secret && !self.secret.contains(name));
        known.map(|known| known.value.as_str())
    }

    /// Whether a text has a reference of the file's.
    pub(crate) fn has_reference(&self, text: &str) -> bool {
        self.marks.is_some_and(|marks| text.contains(marks.open))
    }

    /// What stands between the references.
    pub(crate) fn without_references(&self, raw: &str) -> String {
        let mut made = String::new();
        let mut rest = raw;
        while let Some((before, _, after)) = self.marks.and_then(|marks| reference(rest, marks)) {
            made += before;
            rest = after;
        }
        made + rest
    }

    /// The text as a suite has it.
    pub(crate) fn text(&mut self, raw: &str) -> Result<String, String> {
        let raw = self.resolved(raw, 0)?;
        let mut made = String::new();
        let mut rest = &*raw;
        while let Some((before, name, after)) = self.marks.and_then(|marks| reference(rest, marks))
        {
            made += &self.literal(before);
            made += &self.refer(name)?;
            rest = after;
        }
        made += &self.literal(rest);
        Ok(made)
    }

    /// A text that holds a secret, as a suite has it: what the file refers to is referred to, and what it says is a secret of
    /// the suite.
    pub(crate) fn secret_text(&mut self, wish: &str, raw: &str) -> Result<String, String> {
        if self.has_reference(raw) {
            let beside = self.without_references(raw);
            if has_secret_shape(&beside) || looks_generated(&beside) {
                return Err(format!("{wish} has a secret beside a variable"));
            }
            for (_, name, _) in self.references(raw) {
                self.secret.insert(name);
            }
            return self.text(raw);
        }
        Ok(self.secret(wish, raw))
    }

    /// A text that is a secret if its name or its shape says so.
    pub(crate) fn named(&mut self, name: &str, raw: &str) -> Result<String, String> {
        if !raw.is_empty() && (is_secret_name(name) || has_secret_shape(raw)) {
            self.secret_text(name, raw)
        } else {
            self.text(raw)
        }
    }

    /// A reference to a secret of this value.
    pub(crate) fn secret(&mut self, wish: &str, value: &str) -> String {
        let same = |secret: &&Secret| secret.value.as_deref() == Some(value);
        if let Some(found) = self.secrets.iter().find(same) {
            return format!("{{{{ {} }}}}", found.name);
        }
        let name = self.free_name(wish);
        let reference = format!("{{{{ {name} }}}}");
        self.secrets.push(Secret {
            name,
            value: Some(value.to_owned()),
            of: None,
        });
        reference
    }

    /// A reference to a secret of which the file has only the name.
    pub(crate) fn unknown(&mut self, name: &str) -> String {
        self.secret.insert(name.to_owned());
        self.refer(name).unwrap_or_default()
    }

    /// Signs of a file that would be a reference in a suite stand in a variable.
    fn literal(&mut self, text: &str) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let name = if let Some((name, _)) = self.vars.iter().find(|(_, value)| value == "{{") {
            name.clone()
        } else {
            let name = self.free_name("braces");
            self.vars.push((name.clone(), "{{".to_owned()));
            name
        };
        text.replace("{{", &format!("{{{{ {name} }}}}"))
    }

    /// Variables that stand for texts with variables.
    fn resolved(&self, raw: &str, depth: usize) -> Result<String, String> {
        let mut made = String::new();
        let mut rest = raw;
        while let Some((before, name, after)) = self.marks.and_then(|marks| reference(rest, marks))
        {
            made += before;
            match self.known(name).filter(|value| self.has_reference(value)) {
                Some(_) if depth == MAX_NESTED => {
                    return Err(format!("the variable {name} refers to others too deeply"));
                }
                Some(value) => made += &self.resolved(value, depth + 1)?,
                None => made += &rest[before.len()..rest.len() - after.len()],
            }
            rest = after;
        }
        made += rest;
        Ok(made)
    }

    fn references(&self, raw: &str) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        let mut rest = raw.to_owned();
        while let Some((before, name, after)) = self
            .marks
            .and_then(|marks| reference(&rest, marks))
            .map(owned)
        {
            rest.clone_from(&after);
            found.push((before, name, after));
        }
        found
    }

    fn refer(&mut self, name: &str) -> Result<String, String> {
        if name.starts_with('$') {
            let call = DYNAMIC.iter().find(|(known, _)| *known == name);
            return match call {
                Some((_, call)) => Ok(format!("{{{{ {call} }}}}")),
                None => Err(format!(
                    "the dynamic variable {name} has nothing like it in suites"
                )),
            };
        }
        if let Some(value) = self.known(name).map(str::to_owned) {
            let named = self.vars.iter().find(|(_, known)| *known == value);
            let name = if let Some((name, _)) = named {
                name.clone()
            } else {
                let free = self.free_name(name);
                self.vars.push((free.clone(), value));
                free
            };
            return Ok(format!("{{{{ {name} }}}}"));
        }
        // What the file does not say comes from where the suite runs.
        let value = self.known.value(name);
        let same = |secret: &&Secret| {
            secret.of.as_deref() == Some(name) && secret.value.as_deref() == value
        };
        let found = self
            .secrets
            .iter()
            .find(same)
            .map(|secret| secret.name.clone());
        let name = if let Some(found) = found {
            found
        } else {
            let free = self.free_name(name);
            self.secrets.push(Secret {
                name: free.clone(),
                value: value.map(str::to_owned),
                of: Some(name.to_owned()),
            });
            free
        };
        Ok(format!("{{{{ {name} }}}}"))
    }

    /// A name that nothing has yet, as suites write names.
    fn free_name(&self, wish: &str) -> String {
        let mut base: String = wish
            .chars()
            .map(|one| {
                if one.is_ascii_alphanumeric() {
                    one.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .take(40)
            .collect();
        let trimmed = base.trim_matches('_').to_owned();
        base = trimmed;
        if base.is_empty()
            || base == "target"
            || base.starts_with(|first: char| first.is_ascii_digit())
        {
            base.insert_str(0, "value_");
            base.truncate(base.trim_end_matches('_').len());
        }
        let taken = |name: &str| {
            self.vars.iter().any(|(known, _)| known == name)
                || self.secrets.iter().any(|secret| secret.name == name)
        };
        let mut name = base.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    }

    /// Names of secrets, and their values, which must stand nowhere in the suite.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let secrets = self.secrets.iter();
        secrets.filter_map(|secret| Some((&*secret.name, secret.value.as_deref()?)))
    }

    /// Names and values.
    pub(crate) fn vars(&self) -> &[(String, String)] {
        &self.vars
    }

    /// Names, and where each is kept at first.
    pub(crate) fn secrets(&self) -> Vec<(String, String)> {
        self.secrets
            .iter()
            .map(|secret| {
                let place = SecretRef::Env(secret.name.to_ascii_uppercase());
                (secret.name.clone(), place.to_string())
            })
            .collect()
    }
}

fn owned((before, name, after): (&str, &str, &str)) -> (String, String, String) {
    (before.to_owned(), name.to_owned(), after.to_owned())
}

/// The first reference of a text: what stands before it, its name, what stands behind it.
pub(crate) fn reference(text: &str, marks: Placeholders) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(marks.open)?;
    let (name, after) = rest.split_once(marks.close)?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.len() <= 200 && !name.contains(['{', '}', '\n']);
    is_name.then_some((before, name, after))
}

/// Whether what has this name is a secret, by the rule that reports are masked by.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let query = format!("http://host/?{encoded}=Zq8Zq8Zq8Zq8Zq8");
    gate::mask(&query) != query
}

/// The same of a key of JSON: these four mean something else there.
pub(crate) fn is_secret_key(name: &str) -> bool {
    let is_plain = ["code", "key", "sign", "state"]
        .iter()
        .any(|plain| name.eq_ignore_ascii_case(plain));
    !is_plain && is_secret_name(name)
}

/// Whether a value looks like a secret, or holds one, whatever it is called.
pub(crate) fn has_secret_shape(value: &str) -> bool {
    gate::mask(value) != value || holds_a_secret(value)
}

/// Whether it names a secret, and says more than that.
pub(crate) fn holds_a_secret(value: &str) -> bool {
    names_a_secret(value) || has_secret_element(value)
}

/// A long word with digits among its letters is nothing that people write.
fn looks_generated(text: &str) -> bool {
    text.split(|one: char| !one.is_ascii_alphanumeric())
        .any(|word| word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Names longer than this are none.
const MAX_SECRET_NAME: usize = 60;

/// `password: "hunter22"` in a query of GraphQL, in YAML or in a program.
fn names_a_secret(text: &str) -> bool {
    let is_part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-');
    text.match_indices([':', '=']).any(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '"', '\'', '\\']);
        let start = before.rfind(|one| !is_part(one));
        let name = match start {
            // A variable of GraphQL has its type there.
            Some(start) if before[start..].starts_with('$') => return false,
            Some(start) => before[start..].trim_start_matches(|one| !is_part(one)),
            None => before,
        };
        let value = text[at + 1..].trim_start_matches([' ', '\t', '\\']);
        let quoted = value.trim_start_matches(['"', '\'', '\\']);
        let says_something = match quoted.chars().next() {
            None => false,
            // A reference, a structure, or nothing.
            Some(first) => !first.is_whitespace() && !"${}[],;&)<\u{e000}".contains(first),
        };
        let is_word = ["true", "false", "null"]
            .iter()
            .any(|word| value.starts_with(word));
        says_something
            && !is_word
            && (1..=MAX_SECRET_NAME).contains(&name.len())
            && is_secret_key(name)
    })
}

/// `<wsse:Password Type="…">hunter22</…>`
fn has_secret_element(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let tag = &text[at + 1..];
        let Some((head, content)) = tag.split_once('>') else {
            return false;
        };
        let name = head.split_whitespace().next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        let says_something = !content.trim_start().starts_with('<') && !content.trim().is_empty();
        says_something
            && !head.starts_with('/')
            && !head.ends_with('/')
            && (1..=MAX_SECRET_NAME).contains(&name.len())
            && is_secret_key(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_in_every_notation() {
        for secret in [
            "mutation { login(user: \"demo\", password: \"hunter22\") { id } }",
            "mutation { login(apiKey:\\\"hunter22\\\") }",
            "user: demo\npassword: hunter22\n",
            "a=1; token = 'hunter22'",
            "<s:Password Type=\"x\">hunter22</s:Password>",
            "<login><pwd>hunter22</pwd></login>",
            "password=hunter22",
            "Bearer abcdef123456",
        ] {
            assert!(has_secret_shape(secret), "{secret}");
        }
        for plain in [
            "",
            "mutation($password: String!) { login(password: $password) { id } }",
            "<password/><user>demo</user>",
            "<password></password>",
            "see: the password",
            "{ \"state\": \"open\", \"code\": 7 }",
            "password: null",
            "time: 12:30",
        ] {
            assert!(!has_secret_shape(plain), "{plain}");
        }
    }
}
