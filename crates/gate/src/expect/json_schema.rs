//! A body that must fit a JSON Schema.
//!
//! Our own judge of a documented part of the drafts, which refuses every keyword that it would not judge: the usual
//! crate weighs a tenth of a deployed gate, rounds numbers, and has no bound on its work. Numbers are compared
//! as they are written.

use std::fmt::Write as _;
use std::sync::Arc;

use exact_json::{Budget, Elements, Members, Node, Text, Undecided, View};

use super::json_condition::short;
use super::schema::{Counts, JsonSchema, Schema, SchemaPattern};
use super::schema_unique::{MAX_UNIQUE, equal_elements};
use super::{Actual, Finding, ParsedBody};
use crate::redact::{self, MASK};
use crate::words;

/// How many misfits are shown.
const MAX_MISFITS: usize = 5;
/// How many schemas may be applied inside of each other: the stack is bounded.
const MAX_APPLIED: usize = 150;
/// Matching a text takes its length in steps once for each of these that the expression takes, and once more.
const PATTERN_BYTES_PER_STEP: usize = 16 * 1024;

impl JsonSchema {
    pub(super) fn evaluate(&self, parsed: &mut ParsedBody<'_>, findings: &mut Vec<Finding>) {
        const DEMAND: &str = "a body that fits its JSON Schema";
        let stop = Arc::clone(parsed.stop);
        let document = match parsed.json.get() {
            Ok(document) => document,
            Err(unread) => return findings.push(unread.finding(DEMAND.to_owned())),
        };
        let mut judge = Judge {
            schemas: &self.schemas,
            budget: Budget::default().until(stop),
            path: Vec::new(),
            quiet: 0,
            applied: 0,
            misfits: Vec::new(),
            total: 0,
        };
        let judged = judge.fits(0, document.root());
        if judge.total > 0 {
            let more = judge.total - judge.misfits.len();
            findings.extend(judge.misfits.into_iter().map(Misfit::finding));
            if more > 0 {
                let demand = format!("{DEMAND} elsewhere");
                let got = format!(
                    "{more} more that {} not",
                    if more == 1 { "does" } else { "do" }
                );
                findings.push(Finding::new(demand, Actual::Words(got), false));
            }
            return;
        }
        findings.push(match judged {
            Ok(true) => Finding::new(DEMAND, Actual::Words("one that does".to_owned()), true),
            // A misfit is always named; if one is not, nothing is known.
            Ok(false) => Finding::errored(
                DEMAND,
                "it does not fit, and nothing says where; this is a defect",
            ),
            Err(why) => Finding::errored(DEMAND, why),
        });
    }
}

/// Where something does not fit.
struct Misfit {
    /// A JSON Pointer.
    path: String,
    /// Whether a key on the way says that the value is.
    secret: bool,
    demand: String,
    got: Actual,
}

impl Misfit {
    fn finding(self) -> Finding {
        let place = if self.path.is_empty() {
            "the body"
        } else {
            &self.path
        };
        let got = if self.secret {
            Actual::Words(MASK.to_owned())
        } else {
            self.got
        };
        Finding::new(format!("{place} {}", self.demand), got, false)
    }
}

enum Part<'d> {
    Key(Text<'d>),
    Index(usize),
}

/// Whether a list or an object of a schema has a key that says so.
fn holds_secrets(mut values: Elements<'_>) -> bool {
    values.any(|value| match value.view() {
        View::Array(_) | View::Object(_) => redact::is_secret_path(value.source()),
        _ => false,
    })
}

/// Goes through a schema and a body together.
struct Judge<'s, 'd> {
    schemas: &'s [Schema],
    budget: Budget,
    path: Vec<Part<'d>>,
    /// How many alternatives it is in, whose misfits are none of the whole.
    quiet: usize,
    applied: usize,
    misfits: Vec<Misfit>,
    total: usize,
}

/// Whether something fits; if nobody can know, why.
type Fits = Result<bool, String>;

fn undecided(why: Undecided) -> String {
    match why {
        Undecided::Steps => format!(
            "it takes more than {} steps with this body; use fewer alternatives",
            exact_json::MAX_STEPS
        ),
        // Without the number, which may be what nobody is to see.
        Undecided::Exponent(_) => format!(
            "a number can't be compared exactly: its exponent has more than {} digits",
            exact_json::MAX_EXPONENT_DIGITS
        ),
        why => why.to_string(),
    }
}

impl<'d> Judge<'_, 'd> {
    fn fits(&mut self, schema: usize, value: Node<'d>) -> Fits {
        self.budget.spend(1).map_err(undecided)?;
        self.applied += 1;
        if self.applied > MAX_APPLIED {
            return Err(format!(
                "more than {MAX_APPLIED} schemas are applied inside of each other"
            ));
        }
        let fits = self.applies(schema, value);
        self.applied -= 1;
        fits
    }

    fn applies(&mut self, schema: usize, value: Node<'d>) -> Fits {
        let schemas = self.schemas;
        let schema = &schemas[schema];
        if schema.never {
            return Ok(self.misfit("not to be there", value));
        }
        let mut fits = self.is_of_kind(schema, value)?;
        fits &= match value.view() {
            View::Number(text) => self.number(schema, text, value)?,
            View::String(text) => self.string(schema, text, value)?,
            View::Array(elements) => self.array(schema, elements)?,
            View::Object(members) => self.object(schema, members, value)?,
            View::Null | View::Bool(_) => true,
        };
        if let Some(reference) = schema.reference {
            fits &= self.fits(reference, value)?;
        }
        for one in &schema.all_of {
            fits &= self.fits(*one, value)?;
        }
        Ok(self.alternatives(schema, value)? && fits)
    }

    /// What does not fit is counted, and the first ones are kept. Always false.
    fn misfit(&mut self, demand: impl Into<String>, value: Node<'d>) -> bool {
        self.misfit_with(demand, |_| Actual::Value(short(value)));
        false
    }

    fn misfit_with(&mut self, demand: impl Into<String>, got: impl FnOnce(&Self) -> Actual) {
        if self.quiet > 0 {
            return;
        }
        self.total += 1;
        if self.misfits.len() < MAX_MISFITS {
            let misfit = Misfit {
                path: self.pointer(),
                secret: self.is_secret(),
                demand: demand.into(),
                got: got(self),
            };
            self.misfits.push(misfit);
        }
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for part in &self.path {
            pointer.push('/');
            match part {
                Part::Index(index) => {
                    let _ = write!(pointer, "{index}");
                }
                Part::Key(key) => {
                    let key = key.shown();
                    let key = words::head(&key, 200);
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        pointer
    }

    /// By the whole keys: what the pointer cuts off counts as well.
    fn is_secret(&self) -> bool {
        let keys = self.path.iter().filter_map(|part| match part {
            Part::Key(key) => Some(key.shown()),
            Part::Index(_) => None,
        });
        redact::is_secret_path(&keys.fold(String::new(), |path, key| path + "/" + &key))
    }

    /// What a schema says of a value, unless that tells how a secret is made.
    fn limit(&self, written: impl Into<String>) -> String {
        if self.is_secret() {
            MASK.to_owned()
        } else {
            written.into()
        }
    }

    /// Whether it fits, without saying so if it does not.
    fn quietly(&mut self, schema: usize, value: Node<'d>) -> Fits {
        self.quiet += 1;
        let fits = self.fits(schema, value);
        self.quiet -= 1;
        fits
    }

    fn within(&mut self, part: Part<'d>, schema: usize, value: Node<'d>) -> Fits {
        self.path.push(part);
        let fits = self.fits(schema, value);
        self.path.pop();
        fits
    }

    fn is_of_kind(&mut self, schema: &Schema, value: Node<'d>) -> Fits {
        let mut fits = true;
        if !schema.types.is_empty() && !schema.types.iter().any(|one| one.holds(value)) {
            let types: Vec<&str> = schema.types.iter().map(|one| one.name()).collect();
            fits = self.misfit(format!("to be of type {}", types.join(" or ")), value);
        }
        for values in &schema.values {
            let View::Array(allowed) = values.root().view() else {
                continue;
            };
            let mut found = false;
            for one in allowed.clone() {
                if exact_json::same(value, one, &mut self.budget).map_err(undecided)? {
                    found = true;
                    break;
                }
            }
            if !found {
                let total = allowed.total();
                let listed = if self.is_secret() || holds_secrets(allowed.clone()) {
                    MASK.to_owned()
                } else {
                    super::several(allowed.map(short), total, ", ")
                };
                let demand = if total == 1 {
                    format!("to equal {listed}")
                } else {
                    format!("to be one of {listed}")
                };
                fits = self.misfit(demand, value);
            }
        }
        Ok(fits)
    }

    fn number(&mut self, schema: &Schema, text: &str, value: Node<'d>) -> Fits {
        let limits = &schema.limits;
        let mut fits = true;
        let bounds = [
            (&limits.minimum, ">="),
            (&limits.exclusive_minimum, ">"),
            (&limits.maximum, "<="),
            (&limits.exclusive_maximum, "<"),
        ];
        for (bound, sign) in bounds {
            let Some(bound) = bound else { continue };
            let order = exact_json::order(text, bound, &mut self.budget).map_err(undecided)?;
            let met = match sign {
                ">=" => order.is_ge(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                _ => order.is_lt(),
            };
            if !met {
                let bound = self.limit(bound);
                fits = self.misfit(format!("to be {sign} {bound}"), value);
            }
        }
        if let Some(of) = &limits.multiple_of {
            let Some(multiple) = exact_cel::is_multiple(text, of) else {
                return Err(format!(
                    "{} has a number with too many digits to say whether it is a multiple of {}",
                    self.place(),
                    self.limit(of)
                ));
            };
            if !multiple {
                let of = self.limit(of);
                fits = self.misfit(format!("to be a multiple of {of}"), value);
            }
        }
        Ok(fits)
    }

    fn place(&self) -> String {
        let pointer = self.pointer();
        if pointer.is_empty() {
            "the body".to_owned()
        } else {
            pointer
        }
    }

    fn string(&mut self, schema: &Schema, text: Text<'d>, value: Node<'d>) -> Fits {
        let mut fits = true;
        let length = schema.limits.length;
        if length.least.is_some() || length.most.is_some() {
            self.budget.spend_bytes(text.size()).map_err(undecided)?;
            let count = text.chars().map_err(|why| why.to_string())?;
            if !length.fit(count) {
                let length = self.limit(length.words("character"));
                fits = self.misfit(format!("to be a text of {length}"), value);
            }
        }
        if let Some(pattern) = &schema.pattern
            && !self.matches(pattern, text)?
        {
            let pattern = self.limit(format!("/{}/", pattern.written));
            fits = self.misfit(format!("to match {pattern}"), value);
        }
        Ok(fits)
    }

    fn matches(&mut self, pattern: &SchemaPattern, text: Text<'_>) -> Fits {
        let weight = 1 + pattern.bytes / PATTERN_BYTES_PER_STEP;
        let steps = text.size().saturating_mul(weight);
        self.budget.spend(steps).map_err(undecided)?;
        let text = text.decode().map_err(|why| why.to_string())?;
        Ok(pattern.regex.is_match(&text))
    }

    fn array(&mut self, schema: &Schema, elements: Elements<'d>) -> Fits {
        let mut fits = true;
        let total = elements.total();
        if !schema.limits.items.fit(total) {
            let items = self.limit(schema.limits.items.words("item"));
            let demand = format!("to be a list of {items}");
            self.misfit_with(demand, |_| Actual::Words(words::count(total, "item")));
            fits = false;
        }
        let mut contained = 0;
        for (index, element) in elements.clone().enumerate() {
            let applied = schema.prefix.get(index).copied().or(schema.items);
            if let Some(applied) = applied {
                fits &= self.within(Part::Index(index), applied, element)?;
            }
            if let Some(contains) = schema.contains {
                contained += usize::from(self.quietly(contains, element)?);
            }
        }
        if schema.contains.is_some() {
            let counts = Counts {
                least: schema.limits.contains.least.or(Some(1)),
                ..schema.limits.contains
            };
            if !counts.fit(contained) {
                let items = self.limit(counts.words("item"));
                let demand = format!("to have {items} that `contains` asks for");
                self.misfit_with(demand, |_| Actual::Words(words::count(contained, "item")));
                fits = false;
            }
        }
        if schema.unique {
            fits &= self.unique(elements)?;
        }
        Ok(fits)
    }

    fn unique(&mut self, elements: Elements<'d>) -> Fits {
        let total = elements.total();
        if total > MAX_UNIQUE {
            return Err(format!(
                "{} has more than {MAX_UNIQUE} items, which `uniqueItems` compares at most",
                self.place()
            ));
        }
        let found = equal_elements(elements, &mut self.budget).map_err(undecided)?;
        if let Some((one, other)) = found {
            let got = format!("items {one} and {other} are equal");
            self.misfit_with("to have no equal items", |_| Actual::Words(got));
        }
        Ok(found.is_none())
    }

    fn object(&mut self, schema: &Schema, members: Members<'d>, value: Node<'d>) -> Fits {
        let members = members.unique().map_err(undecided)?;
        let mut fits = true;
        let total = members.total();
        if !schema.limits.properties.fit(total) {
            let keys = self.limit(schema.limits.properties.words("key"));
            let demand = format!("to be an object of {keys}");
            self.misfit_with(demand, |_| Actual::Words(words::count(total, "key")));
            fits = false;
        }
        let has = |judge: &mut Self, name: &str| -> Fits {
            judge.budget.spend(total).map_err(undecided)?;
            let found = members.get(Text::plain(name)).map_err(undecided)?;
            Ok(found.is_some())
        };
        for name in &schema.required {
            if !has(self, name)? {
                let demand = format!("to have the key {}", words::quote(name));
                self.misfit_with(demand, |_| Actual::Words("an object without it".to_owned()));
                fits = false;
            }
        }
        for (name, required) in &schema.dependent_required {
            if !has(self, name)? {
                continue;
            }
            for other in required {
                if !has(self, other)? {
                    let (name, other) = (words::quote(name), words::quote(other));
                    let demand = format!("to have the key {other}, as it has {name}");
                    self.misfit_with(demand, |_| Actual::Words("an object without it".to_owned()));
                    fits = false;
                }
            }
        }
        for (name, dependent) in &schema.dependent {
            if has(self, name)? {
                fits &= self.fits(*dependent, value)?;
            }
        }
        for (key, member) in members.clone() {
            let View::String(name) = key.view() else {
                continue;
            };
            fits &= self.member(schema, name, key, member)?;
        }
        Ok(fits)
    }

    fn member(&mut self, schema: &Schema, name: Text<'d>, key: Node<'d>, value: Node<'d>) -> Fits {
        self.budget.spend_bytes(name.size()).map_err(undecided)?;
        let mut fits = true;
        let mut known = false;
        // Half of a surrogate pair is in no name of a schema.
        let property = match name.decode() {
            Ok(name) => schema.properties.get(&*name),
            Err(_) => None,
        };
        if let Some(property) = property {
            known = true;
            fits &= self.within(Part::Key(name), *property, value)?;
        }
        for (pattern, property) in &schema.pattern_properties {
            if self.matches(pattern, name)? {
                known = true;
                fits &= self.within(Part::Key(name), *property, value)?;
            }
        }
        if let (Some(additional), false) = (schema.additional, known) {
            fits &= self.within(Part::Key(name), additional, value)?;
        }
        if let Some(names) = schema.names
            && !self.quietly(names, key)?
        {
            self.path.push(Part::Key(name));
            self.misfit_with("to have a name that `propertyNames` allows", |_| {
                Actual::Words("another".to_owned())
            });
            self.path.pop();
            fits = false;
        }
        Ok(fits)
    }

    fn alternatives(&mut self, schema: &Schema, value: Node<'d>) -> Fits {
        let mut fits = true;
        if !schema.any_of.is_empty() {
            let met = self.count(&schema.any_of, value, 1)?;
            if met == 0 {
                let total = schema.any_of.len();
                fits = self.misfit(
                    format!("to fit one of the {total} schemas of `anyOf`"),
                    value,
                );
            }
        }
        if !schema.one_of.is_empty() {
            let met = self.count(&schema.one_of, value, 2)?;
            if met != 1 {
                let total = schema.one_of.len();
                let but = if met == 0 { "" } else { ", and not several" };
                let demand = format!("to fit one of the {total} schemas of `oneOf`{but}");
                fits = self.misfit(demand, value);
            }
        }
        if let Some(not) = schema.not
            && self.quietly(not, value)?
        {
            fits = self.misfit("not to fit the schema of `not`", value);
        }
        if let Some(condition) = schema.condition {
            let applied = if self.quietly(condition, value)? {
                schema.then
            } else {
                schema.otherwise
            };
            if let Some(applied) = applied {
                fits &= self.fits(applied, value)?;
            }
        }
        Ok(fits)
    }

    /// How many of the schemas the value fits, up to `enough`. What can't be decided matters only if the others don't
    /// decide.
    fn count(
        &mut self,
        schemas: &[usize],
        value: Node<'d>,
        enough: usize,
    ) -> Result<usize, String> {
        let mut met = 0;
        let mut unknown = None;
        for schema in schemas {
            match self.quietly(*schema, value) {
                Ok(fits) => met += usize::from(fits),
                Err(why) => unknown = Some(why),
            }
            if met >= enough {
                return Ok(met);
            }
        }
        unknown.map_or(Ok(met), Err)
    }
}
