//! Goes through an expression, step by step, within its budget.

use exact_json::{Budget, Text, View};

use crate::check::{Loop, LoopKind, Step};
use crate::decimal::Decimal;
use crate::fault::Halt;
use crate::memory::MemoryBudget;
use crate::reference::{Reference, member_path};
use crate::shown::ShownValue;
use crate::value::{Fact, Kind, Value};
use crate::value_path::ValuePath;

/// How many values with a name are kept.
const MAX_RECORDED: usize = 16;

/// Bytes of a key, and of a path with its keys, that are looked at for what is secret.
const MAX_KEY_BYTES: usize = 1024;
const MAX_PLACE_BYTES: usize = 8 * 1024;

/// What a value of a list takes in memory, with a number that it may hold.
const LIST_VALUE_BYTES: usize = 64 + size_of::<Value<'_>>();

/// One way through an expression. `'d` is the answer's and the expression's.
pub(crate) struct Evaluation<'f, 'd> {
    facts: &'f [Fact<'d>],
    references: &'d [Reference],
    pub(crate) budget: Budget,
    pub(crate) memory: MemoryBudget,
    locals: Vec<Local<'d>>,
    /// Where somebody wants to see them: values by the step that had them last.
    recorded: Option<Vec<RecordedValue<'d>>>,
}

/// A value with a name, and the step that had it.
struct RecordedValue<'d> {
    step: *const Step,
    path: ValuePath,
    value: Value<'d>,
}

struct Local<'d> {
    value: Value<'d>,
    /// Where it comes from, if somebody wants to see it.
    path: Option<ValuePath>,
}

type Evaluated<'d> = Result<Value<'d>, Halt>;

impl<'f, 'd> Evaluation<'f, 'd> {
    pub(crate) fn new(facts: &'f [Fact<'d>], references: &'d [Reference], budget: Budget) -> Self {
        Self {
            facts,
            references,
            budget,
            memory: MemoryBudget::default(),
            locals: Vec::new(),
            recorded: None,
        }
    }

    /// Keeps what it sees.
    pub(crate) fn recording(self) -> Self {
        Self {
            recorded: Some(Vec::new()),
            ..self
        }
    }

    /// What was seen: single values first.
    pub(crate) fn shown_values(self) -> Vec<ShownValue> {
        let mut shown: Vec<ShownValue> = Vec::new();
        for recorded in self.recorded.unwrap_or_default() {
            let value = ShownValue::of(recorded.path, &recorded.value);
            if !shown.contains(&value) {
                shown.push(value);
            }
        }
        shown.sort_by_key(ShownValue::is_container);
        shown
    }

    /// The value of a part, which is kept for whoever looks if it has a name.
    pub(crate) fn value(&mut self, step: &'d Step) -> Evaluated<'d> {
        let value = self.plain(step)?;
        if self.recorded.is_some()
            && let Some(path) = self.path(step)
        {
            self.record(step, path, &value);
        }
        Ok(value)
    }

    fn record(&mut self, step: &'d Step, path: ValuePath, value: &Value<'d>) {
        let Some(recorded) = &mut self.recorded else {
            return;
        };
        let new = RecordedValue {
            step: std::ptr::from_ref(step),
            path,
            value: value.clone(),
        };
        match recorded.iter().position(|other| other.step == new.step) {
            Some(place) => recorded[place] = new,
            None if recorded.len() < MAX_RECORDED => recorded.push(new),
            None => {}
        }
    }

    /// What people call the value of a step; none if it is computed.
    pub(crate) fn path(&mut self, step: &'d Step) -> Option<ValuePath> {
        match step {
            Step::Fact(place) | Step::HasFact(place) => {
                let path = self.references.get(*place)?.path();
                Some(ValuePath::plain(match step {
                    Step::HasFact(_) => format!("has({path})"),
                    _ => path,
                }))
            }
            Step::Local(slot) => self.locals.get(*slot)?.path.clone(),
            Step::Field(object, field) => {
                Some(self.path(object)?.each(|path| member_path(path, field)))
            }
            Step::HasField(object, field) => {
                let has = |path: &str| format!("has({})", member_path(path, field));
                Some(self.path(object)?.each(has))
            }
            Step::Index(parts) => self.element_path(parts),
            _ => None,
        }
    }

    /// A key that is written out names an element; of any other the name is said, as its value is the answer's.
    fn element_path(&mut self, [object, key_step]: &'d [Step; 2]) -> Option<ValuePath> {
        let object = self.path(object)?;
        let written = match key_step {
            Step::Text(text) => Some(member_path(&object.shown, text)),
            Step::Whole(whole) => Some(format!("{}[{whole}]", object.shown)),
            Step::Decimal(number) => Some(format!("{}[{number}]", object.shown)),
            _ => None,
        };
        let shown = written.unwrap_or_else(|| {
            let named = self.path(key_step).map_or("…".to_owned(), |key| key.shown);
            format!("{}[{named}]", object.shown)
        });
        let key = self.plain(key_step).ok()?;
        let place = object.place.and_then(|object| {
            let place = match (key.as_text(), key.as_number()) {
                (Some(text), _) if text.size() <= MAX_KEY_BYTES => {
                    member_path(&object, &text.shown())
                }
                (None, Some(_)) => format!("{object}[0]"),
                _ => return None,
            };
            (place.len() <= MAX_PLACE_BYTES).then_some(place)
        });
        Some(ValuePath { shown, place })
    }

    /// What is found instead of what the expression needs: a noun, as it follows "got".
    pub(crate) fn unfit(&mut self, step: &'d Step, value: &Value<'d>, why: &str) -> Halt {
        let noun = value.noun();
        Halt::Failed(match self.path(step) {
            Some(path) => format!("{noun} in {}, and {why}", path.shown),
            None => format!("{noun}, and {why}"),
        })
    }

    fn missing(&mut self, step: &'d Step) -> Halt {
        Halt::Failed(match (self.path(step), step) {
            (Some(path), _) => format!("no {}", path.shown),
            (None, Step::Field(_, field)) => {
                format!(
                    "an object without {}",
                    exact_json::Value::from(field.as_str())
                )
            }
            (None, _) => "a value without that element".to_owned(),
        })
    }

    fn plain(&mut self, step: &'d Step) -> Evaluated<'d> {
        self.budget.spend(1)?;
        Ok(match step {
            Step::Null => Value(Kind::Null),
            Step::Bool(value) => Value::bool(*value),
            Step::Whole(whole) => Value::whole(*whole),
            Step::Decimal(text) => Value::decimal(text.as_str()),
            Step::Text(text) => Value::text(text),
            Step::List(parts) => {
                let mut list = ListBuilder::new(self.memory.clone());
                for part in parts {
                    let value = self.value(part)?;
                    list.push(value)?;
                }
                list.done()
            }
            Step::Fact(place) => self.fact(*place)?,
            Step::HasFact(place) => Value::bool(match &self.facts[*place] {
                Fact::Known(_) => true,
                Fact::Missing => false,
                Fact::Unfit(why) => return Err(Halt::Failed(why.clone())),
                Fact::Unknown(why) => return Err(Halt::Errored(why.clone())),
            }),
            Step::Local(slot) => self.locals[*slot].value.clone(),
            Step::Field(object, field) => match self.find(object, Text::plain(field))? {
                Some(value) => value,
                None => return Err(self.missing(step)),
            },
            Step::HasField(object, field) => {
                Value::bool(self.find(object, Text::plain(field))?.is_some())
            }
            Step::Index(parts) => self.index(step, parts)?,
            Step::Not(inner) => Value::bool(!self.condition(inner)?),
            Step::All(parts) => Value::bool(self.several(parts, false)?),
            Step::Any(parts) => Value::bool(self.several(parts, true)?),
            Step::If(parts) => {
                let [condition, met, otherwise] = &**parts;
                let chosen = if self.condition(condition)? {
                    met
                } else {
                    otherwise
                };
                self.value(chosen)?
            }
            Step::Loop(found) => self.comprehension(found)?,
            Step::Negative(_)
            | Step::Relation(..)
            | Step::Arithmetic(..)
            | Step::Size(_)
            | Step::Search(..)
            | Step::Matches(..)
            | Step::Convert(..) => self.operation(step)?,
        })
    }

    fn fact(&self, place: usize) -> Evaluated<'d> {
        match &self.facts[place] {
            Fact::Known(value) => Ok(value.clone()),
            Fact::Missing => {
                let path = self.references[place].path();
                Err(Halt::Failed(format!("no {path}")))
            }
            Fact::Unfit(why) => Err(Halt::Failed(why.clone())),
            Fact::Unknown(why) => Err(Halt::Errored(why.clone())),
        }
    }

    /// A condition, which must be true or false. A value of the answer that is neither is its own doing; what the
    /// expression made of it is the expression's.
    pub(crate) fn condition(&mut self, step: &'d Step) -> Result<bool, Halt> {
        let value = self.value(step)?;
        match value.0 {
            Kind::Bool(value) => Ok(value),
            _ if self.path(step).is_some() => {
                Err(self.unfit(step, &value, "it must be true or false, or be compared"))
            }
            _ => Err(Halt::Errored(format!(
                "a part came to {}, and not to true or false; compare it with something",
                value.noun()
            ))),
        }
    }

    /// `&&` and `||`: a part that decides makes the others' faults void, whichever comes first.
    fn several(&mut self, parts: &'d [Step], deciding: bool) -> Result<bool, Halt> {
        let mut fault = None;
        for part in parts {
            match self.condition(part) {
                Ok(value) if value == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(halt) => fault = Some(worse(fault, halt)?),
            }
        }
        fault.map_or(Ok(!deciding), Err)
    }

    fn find(&mut self, object: &'d Step, name: Text<'_>) -> Result<Option<Value<'d>>, Halt> {
        let value = self.plain(object)?;
        let Kind::Json(node) = &value.0 else {
            return Err(self.unfit(object, &value, "only an object has fields"));
        };
        let View::Object(members) = node.view() else {
            return Err(self.unfit(object, &value, "only an object has fields"));
        };
        self.budget.spend(members.total())?;
        Ok(members.get(name)?.map(Value::json))
    }

    fn index(&mut self, step: &'d Step, parts: &'d [Step; 2]) -> Evaluated<'d> {
        let [object, key_step] = parts;
        let value = self.plain(object)?;
        let key = self.value(key_step)?;
        if let (Some(name), Kind::Json(node)) = (key.as_text(), &value.0)
            && let View::Object(members) = node.view()
        {
            self.budget.spend(members.total())?;
            return match members.get(name)? {
                Some(node) => Ok(Value::json(node)),
                None => Err(self.missing(step)),
            };
        }
        let place = place_of(&key);
        if let (None, Kind::List(_) | Kind::Json(_)) = (place, &value.0) {
            let why = match value.noun() {
                "an object" => "its fields are named by texts",
                _ => "its elements are named by whole numbers",
            };
            return Err(self.unfit(object, &value, why));
        }
        let place = place.and_then(|place| usize::try_from(place).ok());
        let found = match &value.0 {
            Kind::List(list) => place.and_then(|place| list.get(place).cloned()),
            Kind::Json(node) => match node.view() {
                View::Array(mut elements) => {
                    self.budget
                        .spend(place.unwrap_or(0).min(elements.total()))?;
                    place.and_then(|place| elements.nth(place)).map(Value::json)
                }
                _ => return Err(self.unfit(object, &value, "its fields are named by texts")),
            },
            _ => return Err(self.unfit(object, &value, "only lists and objects have elements")),
        };
        found.ok_or_else(|| self.missing(step))
    }

    pub(crate) fn made_text(&self, text: String) -> Evaluated<'d> {
        let bytes = text.len();
        self.memory.take(bytes)?;
        Ok(Value(Kind::MadeText(self.memory.holding(text, bytes))))
    }

    fn comprehension(&mut self, found: &'d Loop) -> Evaluated<'d> {
        let range = self.value(&found.range)?;
        let path = match &self.recorded {
            Some(_) => self.path(&found.range),
            None => None,
        };
        let mut collected = LoopResult::new(found.kind, self.memory.clone());
        match &range.0 {
            Kind::List(list) => {
                for (place, value) in list.iter().enumerate() {
                    let value = value.clone();
                    if !self.element(found, path.as_ref(), place, value, &mut collected)? {
                        break;
                    }
                }
            }
            Kind::Json(node) => match node.view() {
                View::Array(elements) => {
                    for (place, node) in elements.enumerate() {
                        let value = Value::json(node);
                        if !self.element(found, path.as_ref(), place, value, &mut collected)? {
                            break;
                        }
                    }
                }
                // An object is gone through by its keys.
                View::Object(members) => {
                    for (place, (key, _)) in members.unique()?.enumerate() {
                        let value = Value::json(key);
                        let of_key = path
                            .clone()
                            .map(|path| path.each(|path| format!("key of {path}")));
                        if !self.element(found, of_key.as_ref(), place, value, &mut collected)? {
                            break;
                        }
                    }
                }
                _ => {}
            },
            _ => return Err(self.unfit(&found.range, &range, "only a list can be gone through")),
        }
        collected.done()
    }

    /// Takes one element; whether the next one matters.
    fn element(
        &mut self,
        found: &'d Loop,
        path: Option<&ValuePath>,
        place: usize,
        value: Value<'d>,
        collected: &mut LoopResult<'d>,
    ) -> Result<bool, Halt> {
        let path = path.map(|path| {
            if path.shown.starts_with("key of ") {
                path.clone()
            } else {
                path.clone().each(|path| format!("{path}[{place}]"))
            }
        });
        self.locals.push(Local {
            value: value.clone(),
            path,
        });
        let met = match &found.condition {
            Some(condition) => self.condition(condition),
            None => Ok(true),
        };
        let kept = match (&met, &found.result) {
            (Ok(true), Some(result)) => self.value(result),
            _ => Ok(value),
        };
        self.locals.pop();
        collected.take(met, kept)
    }
}

/// What a loop came to so far.
struct LoopResult<'d> {
    kind: LoopKind,
    fault: Option<Halt>,
    met: usize,
    decided: bool,
    list: ListBuilder<'d>,
}

impl<'d> LoopResult<'d> {
    fn new(kind: LoopKind, memory: MemoryBudget) -> Self {
        Self {
            kind,
            fault: None,
            met: 0,
            decided: false,
            list: ListBuilder::new(memory),
        }
    }

    fn take(&mut self, met: Result<bool, Halt>, kept: Evaluated<'d>) -> Result<bool, Halt> {
        let met = match met {
            Ok(met) => met,
            // As with && and ||: another element may decide.
            Err(halt) if matches!(self.kind, LoopKind::All | LoopKind::Exists) => {
                self.fault = Some(worse(self.fault.take(), halt)?);
                return Ok(true);
            }
            Err(halt) => return Err(halt),
        };
        match self.kind {
            LoopKind::All | LoopKind::Exists => {
                self.decided = met == (self.kind == LoopKind::Exists);
            }
            LoopKind::ExistsOne => self.met += usize::from(met),
            LoopKind::Map | LoopKind::Filter if met => self.list.push(kept?)?,
            LoopKind::Map | LoopKind::Filter => {}
        }
        Ok(!self.decided)
    }

    fn done(self) -> Evaluated<'d> {
        match self.kind {
            LoopKind::All | LoopKind::Exists => {
                let deciding = self.kind == LoopKind::Exists;
                match self.fault {
                    _ if self.decided => Ok(Value::bool(deciding)),
                    Some(halt) => Err(halt),
                    None => Ok(Value::bool(!deciding)),
                }
            }
            LoopKind::ExistsOne => Ok(Value::bool(self.met == 1)),
            LoopKind::Map | LoopKind::Filter => Ok(self.list.done()),
        }
    }
}

/// A list that grows within its memory.
pub(crate) struct ListBuilder<'d> {
    values: Vec<Value<'d>>,
    memory: MemoryBudget,
    taken: usize,
}

impl<'d> ListBuilder<'d> {
    pub(crate) fn new(memory: MemoryBudget) -> Self {
        Self {
            values: Vec::new(),
            memory,
            taken: 0,
        }
    }

    pub(crate) fn push(&mut self, value: Value<'d>) -> Result<(), Halt> {
        // A vector that is full takes twice as much while it grows.
        self.memory.take(LIST_VALUE_BYTES)?;
        self.taken += LIST_VALUE_BYTES;
        self.values.push(value);
        Ok(())
    }

    pub(crate) fn done(mut self) -> Value<'d> {
        let values = std::mem::take(&mut self.values);
        let taken = std::mem::take(&mut self.taken);
        Value(Kind::List(self.memory.holding(values, taken)))
    }
}

impl Drop for ListBuilder<'_> {
    fn drop(&mut self) {
        self.memory.give_back(self.taken);
    }
}

/// The fault that counts; an end at once.
fn worse(one: Option<Halt>, other: Halt) -> Result<Halt, Halt> {
    match (one, other) {
        (_, end @ Halt::Ended(_)) => Err(end),
        (Some(one), other) => Ok(one.worse(other)),
        (None, other) => Ok(other),
    }
}

/// The whole number that a key is.
fn place_of(key: &Value<'_>) -> Option<i128> {
    Decimal::parse(&key.as_number()?)?.whole()
}
