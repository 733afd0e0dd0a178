//! JSON with templates in its strings: what a suite writes where JSON is sent or compared.

use exact_json::Value;

use crate::template::{Missing, Template, Values, Var};

/// A JSON value whose strings may hold references. Keys are taken as they are.
#[derive(Clone, Debug)]
pub(crate) enum JsonTemplate {
    /// A value without references.
    Fixed(Value),
    /// A string with references.
    Text(Template),
    List(Vec<JsonTemplate>),
    Map(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    pub(crate) fn render(&self, values: &Values) -> Result<Value, Missing> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(template) => template.render_value(values).map(|var| json(&var)),
            Self::List(items) => {
                let rendered: Result<_, Missing> =
                    items.iter().map(|item| item.render(values)).collect();
                rendered.map(Value::Array)
            }
            Self::Map(entries) => {
                let rendered: Result<_, Missing> = entries
                    .iter()
                    .map(|(key, template)| Ok((key.clone(), template.render(values)?)))
                    .collect();
                rendered.map(Value::Object)
            }
        }
    }
}

impl JsonTemplate {
    /// Every template in it.
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => see(text),
            Self::List(items) => items.iter().for_each(|item| item.templates(see)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.templates(see)),
        }
    }
}

fn json(var: &Var) -> Value {
    match var {
        Var::Text(text) | Var::Structure(text) => text.clone().into(),
        Var::Bool { value, .. } => (*value).into(),
        Var::Number { value, .. } => json_number(value),
        Var::Json { value, .. } => value.clone(),
    }
}

/// The number as it was written.
pub(crate) fn json_number(number: &strict_yaml::Number) -> Value {
    match number.as_str().parse() {
        Ok(number) => Value::Number(number),
        // strict-yaml writes its numbers as JSON does; were one not, it would stay what was written.
        Err(_) => number.as_str().into(),
    }
}
