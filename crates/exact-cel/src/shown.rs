//! What people see of the values that an expression looked at.

use exact_json::View;

use crate::value::{Kind, Value};
use crate::value_path::ValuePath;

/// Bytes of a value that is shown. A longer one is described: what is cut could not be masked any more.
pub const MAX_SHOWN: usize = 1024;

/// A value with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownValue {
    /// As an expression would name it: `json.items[2].price`.
    pub path: String,
    /// The path with the keys that were met in place of what was to find them, which may say that the value is secret.
    /// Nobody is to see it. None where it is too long to say.
    pub place: Option<String>,
    /// Whether `shown` is the value itself; else it is a description.
    pub is_value: bool,
    /// As JSON writes it, numbers as they came; or what it is.
    pub shown: String,
}

impl ShownValue {
    pub(crate) fn of(path: ValuePath, value: &Value<'_>) -> Self {
        let described = |shown: String| (false, shown);
        let (is_value, shown) = match &value.0 {
            Kind::Null => (true, "null".to_owned()),
            Kind::Bool(value) => (true, value.to_string()),
            Kind::Whole(_) | Kind::Decimal(_) => {
                let number = value.as_number().unwrap_or_default();
                if number.len() > MAX_SHOWN {
                    described(format!("a number of {} characters", number.len()))
                } else {
                    (true, number.into_owned())
                }
            }
            Kind::Text(_) | Kind::MadeText(_) => {
                let text = value.as_text().map(exact_json::Text::shown);
                let text = text.unwrap_or_default();
                if text.len() > MAX_SHOWN {
                    described(format!("a text of {} bytes", text.len()))
                } else {
                    (true, exact_json::Value::from(&*text).to_string())
                }
            }
            Kind::List(list) => described(count(list.len(), "list", "value")),
            Kind::Json(node) => {
                let whole = node.compact(MAX_SHOWN + 1);
                match node.view() {
                    _ if whole.len() <= MAX_SHOWN && whole.len() <= 100 => (true, whole),
                    View::Object(members) => described(count(members.total(), "object", "key")),
                    View::Array(elements) => described(count(elements.total(), "list", "value")),
                    _ => (true, whole),
                }
            }
        };
        Self {
            path: path.shown,
            place: path.place,
            is_value,
            shown,
        }
    }

    /// Whether it is of more than one value.
    pub(crate) fn is_container(&self) -> bool {
        !self.is_value || self.shown.starts_with(['[', '{'])
    }
}

fn count(total: usize, what: &str, part: &str) -> String {
    let article = if what == "object" { "an" } else { "a" };
    let plural = if total == 1 { "" } else { "s" };
    format!("{article} {what} of {total} {part}{plural}")
}
