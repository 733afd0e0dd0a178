//! JSON with templates in its strings: what a suite writes where JSON is sent or compared.

use serde_json::{Map, Value};

use strict_yaml::Number;

use crate::template::{Missing, Reference, Template, Values, Var};

/// A JSON value whose strings may hold references. Keys are taken as they are.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A value without references.
    Fixed(Value),
    /// A string with references.
    Text(Template),
    List(Vec<Shape>),
    Map(Vec<(String, Shape)>),
}

impl Shape {
    pub(crate) fn render(&self, values: &Values) -> Result<Value, Missing> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(template) => template.render_value(values).map(json),
            Self::List(items) => items.iter().map(|item| item.render(values)).collect(),
            Self::Map(entries) => {
                let rendered: Result<Map<String, Value>, Missing> = entries
                    .iter()
                    .map(|(key, shape)| Ok((key.clone(), shape.render(values)?)))
                    .collect();
                rendered.map(Value::Object)
            }
        }
    }

    /// Calls `see` with every reference.
    pub(crate) fn each_reference(&self, see: &mut dyn FnMut(&Reference)) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => template.references().for_each(see),
            Self::List(items) => items.iter().for_each(|item| item.each_reference(see)),
            Self::Map(entries) => entries
                .iter()
                .for_each(|(_, shape)| shape.each_reference(see)),
        }
    }
}

fn json(var: Var) -> Value {
    match var {
        Var::Text(text) => text.into(),
        Var::Bool { value, .. } => value.into(),
        Var::Number { value, .. } => json_number(&value),
    }
}

/// The number as `serde_json` has it; beyond a float it is text.
pub(crate) fn json_number(number: &Number) -> Value {
    serde_json::from_str(number.as_str()).unwrap_or_else(|_| number.as_str().into())
}
