//! A JSON Schema as it is judged: every keyword by itself, and schemas by their places in one list, as they may refer to
//! each other in circles.

use std::collections::BTreeMap;
use std::sync::Arc;

use exact_json::Document;
use regex::Regex;

use super::json_condition::JsonType;
use crate::words;

/// `json_schema:` of an expectation.
#[derive(Clone, Debug)]
pub(crate) struct JsonSchema {
    /// All schemas that stand in it; the first one is the whole.
    pub(crate) schemas: Arc<Vec<Schema>>,
}

/// One schema. The numbers are places among all schemas.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    /// `false`, which nothing fits.
    pub(crate) never: bool,
    pub(crate) reference: Option<usize>,
    pub(crate) types: Vec<JsonType>,
    /// `enum` and `const`: arrays with the values that may be.
    pub(crate) values: Vec<Arc<Document<'static>>>,
    pub(crate) limits: Limits,
    pub(crate) pattern: Option<SchemaPattern>,
    pub(crate) properties: BTreeMap<String, usize>,
    pub(crate) pattern_properties: Vec<(SchemaPattern, usize)>,
    pub(crate) additional: Option<usize>,
    pub(crate) names: Option<usize>,
    pub(crate) required: Vec<String>,
    pub(crate) dependent_required: Vec<(String, Vec<String>)>,
    pub(crate) dependent: Vec<(String, usize)>,
    pub(crate) prefix: Vec<usize>,
    pub(crate) items: Option<usize>,
    pub(crate) contains: Option<usize>,
    pub(crate) unique: bool,
    pub(crate) all_of: Vec<usize>,
    pub(crate) any_of: Vec<usize>,
    pub(crate) one_of: Vec<usize>,
    pub(crate) not: Option<usize>,
    pub(crate) condition: Option<usize>,
    pub(crate) then: Option<usize>,
    pub(crate) otherwise: Option<usize>,
}

/// Bounds: numbers as they were written, and counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) minimum: Option<String>,
    pub(crate) exclusive_minimum: Option<String>,
    pub(crate) maximum: Option<String>,
    pub(crate) exclusive_maximum: Option<String>,
    pub(crate) multiple_of: Option<String>,
    pub(crate) length: Counts,
    pub(crate) items: Counts,
    pub(crate) properties: Counts,
    pub(crate) contains: Counts,
}

/// How many there may be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) least: Option<usize>,
    pub(crate) most: Option<usize>,
}

impl Counts {
    /// Whether any count is refused, if `least` is what holds unless it is said.
    fn demand(self, least: usize) -> bool {
        self.least.unwrap_or(least) > 0 || self.most.is_some()
    }

    pub(super) fn fit(self, count: usize) -> bool {
        self.least.is_none_or(|least| count >= least) && self.most.is_none_or(|most| count <= most)
    }

    /// `1 to 3 items`
    pub(super) fn words(self, noun: &str) -> String {
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{least} to {}", words::count(most, noun)),
            (Some(least), None) => format!("at least {}", words::count(least, noun)),
            (None, most) => format!("at most {}", words::count(most.unwrap_or_default(), noun)),
        }
    }
}

/// A regular expression of a schema.
#[derive(Clone, Debug)]
pub(crate) struct SchemaPattern {
    pub(crate) written: String,
    pub(crate) regex: Regex,
    /// What it takes at most, compiled.
    pub(crate) bytes: usize,
}

impl Schema {
    /// Schemas that are applied to the same value.
    pub(crate) fn in_place(&self) -> impl Iterator<Item = usize> {
        let lists = [&self.all_of, &self.any_of, &self.one_of];
        let single = [
            self.reference,
            self.not,
            self.condition,
            self.then,
            self.otherwise,
        ];
        let dependent = self.dependent.iter().map(|(_, schema)| *schema);
        lists
            .into_iter()
            .flatten()
            .copied()
            .chain(single.into_iter().flatten())
            .chain(dependent)
    }
}

/// Whether there is a value that the first schema refuses, as far as its words say. Empty schemas in it demand nothing.
pub(crate) fn demands_something(schemas: &[Schema]) -> bool {
    let mut demand = vec![false; schemas.len()];
    // They may refer to each other in circles, which demand nothing by themselves.
    loop {
        let mut changed = false;
        for (place, schema) in schemas.iter().enumerate() {
            if !demand[place] && schema.demands(schemas, &demand) {
                demand[place] = true;
                changed = true;
            }
        }
        if !changed {
            return demand.first().copied().unwrap_or_default();
        }
    }
}

impl Schema {
    fn demands(&self, schemas: &[Self], demand: &[bool]) -> bool {
        let does = |place: &usize| demand[*place];
        let limits = &self.limits;
        let bounds = [
            &limits.minimum,
            &limits.exclusive_minimum,
            &limits.maximum,
            &limits.exclusive_maximum,
            &limits.multiple_of,
        ];
        let of_value = self.never
            || !self.types.is_empty()
            || !self.values.is_empty()
            || self.pattern.is_some()
            || self.unique
            || bounds.iter().any(|bound| bound.is_some())
            || [limits.length, limits.items, limits.properties]
                .iter()
                .any(|counts| counts.demand(0));
        let of_keys = !self.required.is_empty()
            || self
                .dependent_required
                .iter()
                .any(|(_, names)| !names.is_empty())
            || self.properties.values().any(does)
            || self.pattern_properties.iter().any(|(_, place)| does(place))
            || self.dependent.iter().any(|(_, place)| does(place));
        let single = [self.reference, self.additional, self.names, self.items];
        let branches = [self.then, self.otherwise];
        of_value
            || of_keys
            || single.iter().flatten().any(does)
            || self.prefix.iter().chain(&self.all_of).any(does)
            || self.contains.is_some() && limits.contains.demand(1)
            || !self.any_of.is_empty() && self.any_of.iter().all(does)
            || self.one_of.len() > 1
            || self.one_of.iter().any(does)
            || self.not.is_some_and(|not| !schemas[not].never)
            || self.condition.is_some() && branches.iter().flatten().any(does)
    }
}
