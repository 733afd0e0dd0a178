//! JSON with templates in its strings: what a suite writes where JSON is sent or compared.

use serde_json::{Map, Value};

use crate::template::{Missing, Reference, Template, Values};

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
            Self::Text(template) => template.render_value(values),
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
