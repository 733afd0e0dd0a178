//! Goes through an expression, step by step, within its budget.

use exact_json::{Budget, Text, View};

use crate::check::{Loop, LoopKind, Step};
use crate::expression::{Reference, member_path};
use crate::fault::Halt;
use crate::operations::place_of;
use crate::room::Room;
use crate::shown::ShownValue;
use crate::value::{Fact, Kind, Value};

/// How many values with a name are kept.
const MAX_RECORDED: usize = 16;

/// What a value of a list takes in memory, with a number that it may hold.
const LIST_VALUE: usize = 64 + size_of::<Value<'_>>();

/// One way through an expression. `'d` is the answer's and the expression's.
pub(crate) struct Evaluation<'f, 'd> {
    facts: &'f [Fact<'d>],
    references: &'d [Reference],
    pub(crate) budget: Budget,
    pub(crate) room: Room,
    locals: Vec<Local<'d>>,
    /// Where somebody wants to see them: values by the step that had them last.
    recorded: Option<Vec<RecordedValue<'d>>>,
}

/// A value with a name, and the step that had it.
struct RecordedValue<'d> {
    step: *const Step,
    path: String,
    value: Value<'d>,
}

struct Local<'d> {
    value: Value<'d>,
    /// Where it comes from, if somebody wants to see it.
    path: Option<String>,
}

type Evaluated<'d> = Result<Value<'d>, Halt>;

impl<'f, 'd> Evaluation<'f, 'd> {
    pub(crate) fn new(facts: &'f [Fact<'d>], references: &'d [Reference], budget: Budget) -> Self {
        Self {
            facts,
            references,
            budget,
            room: Room::default(),
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

    fn record(&mut self, step: &'d Step, path: String, value: &Value<'d>) {
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
    pub(crate) fn path(&mut self, step: &'d Step) -> Option<String> {
        match step {
            Step::Fact(place) | Step::HasFact(place) => {
                let path = self.references.get(*place)?.path();
                Some(match step {
                    Step::HasFact(_) => format!("has({path})"),
                    _ => path,
                })
            }
            Step::Local(slot) => self.locals.get(*slot)?.path.clone(),
            Step::Field(object, field) => Some(member_path(&self.path(object)?, field)),
            Step::HasField(object, field) => {
                Some(format!("has({})", member_path(&self.path(object)?, field)))
            }
            Step::Index(parts) => {
                let object = self.path(&parts[0])?;
                let key = self.plain(&parts[1]).ok()?;
                Some(match (key.as_text(), key.as_number()) {
                    (Some(text), _) => member_path(&object, &text.shown()),
                    (None, Some(number)) => format!("{object}[{number}]"),
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    /// What people call the value of a step, in a sentence.
    fn named(&mut self, step: &'d Step) -> String {
        let path = self.path(step);
        path.unwrap_or_else(|| "a value".to_owned())
    }

    /// The value has not what the expression needs.
    pub(crate) fn unfit(&mut self, step: &'d Step, value: &Value<'d>, why: &str) -> Halt {
        Halt::Failed(format!(
            "{} is {}, and {why}",
            self.named(step),
            value.noun()
        ))
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
                let mut list = Building::new(self.room.clone());
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
            Step::Field(object, field) => self.field(object, field)?,
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
                Err(Halt::Failed(format!("{path} is not there")))
            }
            Fact::Unfit(why) => Err(Halt::Failed(why.clone())),
            Fact::Unknown(why) => Err(Halt::Errored(why.clone())),
        }
    }

    /// A condition, which must be true or false.
    fn condition(&mut self, step: &'d Step) -> Result<bool, Halt> {
        let value = self.value(step)?;
        match value.0 {
            Kind::Bool(value) => Ok(value),
            _ => Err(Halt::Errored(format!(
                "{} is {}, and not true or false; compare it with something",
                self.named(step),
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

    fn field(&mut self, object: &'d Step, field: &str) -> Evaluated<'d> {
        if let Some(value) = self.find(object, Text::plain(field))? {
            return Ok(value);
        }
        let path = member_path(&self.named(object), field);
        Err(Halt::Failed(format!("{path} is not there")))
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
                None => Err(Halt::Failed(format!("{} is not there", self.named(step)))),
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
        found.ok_or_else(|| Halt::Failed(format!("{} is not there", self.named(step))))
    }

    pub(crate) fn made_text(&self, text: String) -> Evaluated<'d> {
        let bytes = text.len();
        self.room.take(bytes)?;
        Ok(Value(Kind::MadeText(self.room.holding(text, bytes))))
    }

    fn comprehension(&mut self, found: &'d Loop) -> Evaluated<'d> {
        let range = self.value(&found.range)?;
        let path = match &self.recorded {
            Some(_) => self.path(&found.range),
            None => None,
        };
        let mut collected = Collected::new(found.kind, self.room.clone());
        match &range.0 {
            Kind::List(list) => {
                for (place, value) in list.iter().enumerate() {
                    if !self.element(
                        found,
                        path.as_deref(),
                        place,
                        value.clone(),
                        &mut collected,
                    )? {
                        break;
                    }
                }
            }
            Kind::Json(node) => match node.view() {
                View::Array(elements) => {
                    for (place, node) in elements.enumerate() {
                        let value = Value::json(node);
                        if !self.element(found, path.as_deref(), place, value, &mut collected)? {
                            break;
                        }
                    }
                }
                // An object is gone through by its keys.
                View::Object(members) => {
                    for (place, (key, _)) in members.unique()?.enumerate() {
                        let value = Value::json(key);
                        let of_key = path.as_ref().map(|path| format!("key of {path}"));
                        if !self.element(found, of_key.as_deref(), place, value, &mut collected)? {
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
        path: Option<&str>,
        place: usize,
        value: Value<'d>,
        collected: &mut Collected<'d>,
    ) -> Result<bool, Halt> {
        let path = path.map(|path| {
            if path.starts_with("key of ") {
                path.to_owned()
            } else {
                format!("{path}[{place}]")
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
struct Collected<'d> {
    kind: LoopKind,
    fault: Option<Halt>,
    met: usize,
    decided: bool,
    list: Building<'d>,
}

impl<'d> Collected<'d> {
    fn new(kind: LoopKind, room: Room) -> Self {
        Self {
            kind,
            fault: None,
            met: 0,
            decided: false,
            list: Building::new(room),
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

/// A list that grows within its room.
pub(crate) struct Building<'d> {
    values: Vec<Value<'d>>,
    room: Room,
    taken: usize,
}

impl<'d> Building<'d> {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            values: Vec::new(),
            room,
            taken: 0,
        }
    }

    pub(crate) fn push(&mut self, value: Value<'d>) -> Result<(), Halt> {
        // A vector that is full takes twice as much while it grows.
        self.room.take(LIST_VALUE)?;
        self.taken += LIST_VALUE;
        self.values.push(value);
        Ok(())
    }

    pub(crate) fn done(mut self) -> Value<'d> {
        let values = std::mem::take(&mut self.values);
        let taken = std::mem::take(&mut self.taken);
        Value(Kind::List(self.room.holding(values, taken)))
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.room.give_back(self.taken);
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
