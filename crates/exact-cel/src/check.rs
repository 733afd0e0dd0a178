//! What can be known to be wrong before there is an answer: names, functions, and types as far as they are known.

use regex::Regex;

use crate::fault::Fault;
use crate::reference::Reference;
use crate::shape::{Shape, Type, is_without_end};
use crate::syntax::{Arithmetic, Form, Relation, Syntax};

/// What an expression may name. A pair is what is wrong, and what would be right.
pub trait Names {
    /// The type of a variable, if there is one of this name.
    fn variable(&self, name: &str) -> Option<Type>;
    /// Whether it is a group of facts by name, as `vars`.
    fn is_record(&self, name: &str) -> bool;
    /// The type of one of a record's facts.
    fn member(&self, record: &str, name: &str) -> Result<Type, (String, String)>;
    /// What there is, for a remedy.
    fn known(&self) -> String;
    /// A compiled regular expression, and the bytes that it takes at most.
    fn pattern(&self, source: &str) -> Result<(Regex, usize), (String, String)>;
    /// Whether a text may stand in an expression.
    fn text(&self, text: &str) -> Result<(), (String, String)>;
}

/// A part that can be evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Null,
    Bool(bool),
    Whole(i64),
    Decimal(String),
    Text(String),
    List(Vec<Step>),
    /// Its place among the references.
    Fact(usize),
    HasFact(usize),
    /// The variable of a loop, by the place of the loop among those around it.
    Local(usize),
    Field(Box<Step>, String),
    HasField(Box<Step>, String),
    Index(Box<[Step; 2]>),
    Not(Box<Step>),
    Negative(Box<Step>),
    All(Vec<Step>),
    Any(Vec<Step>),
    If(Box<[Step; 3]>),
    Relation(Relation, Box<[Step; 2]>),
    Arithmetic(Arithmetic, Box<[Step; 2]>),
    Loop(Box<Loop>),
    Size(Box<Step>),
    Search(Search, Box<[Step; 2]>),
    Matches(Box<Step>, Regex, usize),
    Convert(Conversion, Box<Step>),
}

/// `range.all(x, condition)` and its like.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) kind: LoopKind,
    pub(crate) range: Step,
    pub(crate) condition: Option<Step>,
    /// Of `map`.
    pub(crate) result: Option<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

/// What is looked for in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    Whole,
    Decimal,
    Text,
}

const LOOPS: [(&str, LoopKind); 6] = [
    ("all", LoopKind::All),
    ("exists", LoopKind::Exists),
    ("exists_one", LoopKind::ExistsOne),
    ("existsOne", LoopKind::ExistsOne),
    ("map", LoopKind::Map),
    ("filter", LoopKind::Filter),
];
const SEARCHES: [(&str, Search); 3] = [
    ("contains", Search::Contains),
    ("startsWith", Search::StartsWith),
    ("endsWith", Search::EndsWith),
];
const CONVERSIONS: [(&str, Conversion, Type); 3] = [
    ("int", Conversion::Whole, Type::Whole),
    ("double", Conversion::Decimal, Type::Number),
    ("string", Conversion::Text, Type::Text),
];
const FUNCTIONS: &str = "there are size, contains, startsWith, endsWith, matches, has, all, exists, exists_one, map, \
                         filter, int, double and string";

/// Reads what was written with the names that there are.
pub(crate) struct Checker<'n> {
    pub(crate) names: &'n dyn Names,
    pub(crate) references: Vec<Reference>,
    /// Variables of the loops that the checker is in.
    pub(crate) locals: Vec<String>,
    /// Whether there is a loop or a regular expression.
    pub(crate) works: bool,
}

type Checked = Result<(Step, Type), Fault>;

impl Checker<'_> {
    pub(crate) fn check(&mut self, syntax: &Syntax) -> Checked {
        let at = syntax.at;
        Ok(match &syntax.form {
            Form::Null => (Step::Null, Type::Null),
            Form::Bool(value) => (Step::Bool(*value), Type::Bool),
            Form::Whole(whole) => (Step::Whole(*whole), Type::Whole),
            Form::Decimal(text) => (Step::Decimal(text.clone()), Type::Number),
            Form::Text(text) => {
                self.names.text(text).map_err(|why| fault(at, why))?;
                (Step::Text(text.clone()), Type::Text)
            }
            Form::List(_) => (self.shaped(syntax)?.0, Type::List),
            Form::Name(name) => self.name(name, at)?,
            Form::Field(object, field) => self.field(object, field, at)?,
            Form::Index(object, key) => self.index(object, key, at)?,
            Form::Call {
                target,
                name,
                arguments,
            } => self.call(target.as_deref(), name, arguments, at)?,
            Form::Not(inner) => {
                let step = self.of_type(inner, Type::Bool, "! turns true and false around")?;
                (Step::Not(Box::new(step)), Type::Bool)
            }
            Form::Negative(inner) => {
                let (step, of) = self.check(inner)?;
                if !of.may_be(Type::Number) {
                    return Err(mismatch(inner.at, "- needs a number", of));
                }
                let of = if of == Type::Any { Type::Number } else { of };
                (Step::Negative(Box::new(step)), of)
            }
            Form::All(parts) => (Step::All(self.conditions(parts, "&&")?), Type::Bool),
            Form::Any(parts) => (Step::Any(self.conditions(parts, "||")?), Type::Bool),
            Form::If(parts) => {
                let [condition, met, otherwise] = &**parts;
                let condition = self.of_type(condition, Type::Bool, "? needs a condition")?;
                let (met, one) = self.check(met)?;
                let (otherwise, other) = self.check(otherwise)?;
                let of = if one == other { one } else { Type::Any };
                (Step::If(Box::new([condition, met, otherwise])), of)
            }
            Form::Relation(relation, parts) => self.relation(*relation, parts, at)?,
            Form::Arithmetic(operation, parts) => {
                let checked = self.arithmetic(*operation, parts, at)?;
                if let (Arithmetic::Divide, Type::Number) = (operation, checked.1)
                    && is_without_end(&parts[1])
                {
                    let message = "the quotient of / has no end for most numbers";
                    let remedy = "compare it at once, which is exact: json.total / 3 < 100; or multiply the other side";
                    return Err(Fault::new(at, message, remedy));
                }
                checked
            }
        })
    }

    /// A side of a comparison, where a quotient needs no end; of a list that is written out, what its values are.
    fn shaped(&mut self, syntax: &Syntax) -> Result<(Step, Shape), Fault> {
        let at = syntax.at;
        let (step, of) = match &syntax.form {
            Form::List(parts) => {
                let parts = parts.iter().map(|part| {
                    let of_list = matches!(part.form, Form::List(_));
                    if of_list {
                        return self.shaped(part);
                    }
                    let (step, of) = self.check(part)?;
                    Ok((step, Shape::of(of, part.at)))
                });
                let parts = parts.collect::<Result<Vec<_>, Fault>>()?;
                let (steps, shapes) = parts.into_iter().unzip();
                let shape = Shape {
                    parts: Some(shapes),
                    ..Shape::of(Type::List, at)
                };
                return Ok((Step::List(steps), shape));
            }
            Form::Arithmetic(Arithmetic::Divide, parts) => {
                self.arithmetic(Arithmetic::Divide, parts, at)?
            }
            _ => self.check(syntax)?,
        };
        Ok((step, Shape::of(of, at)))
    }

    fn conditions(&mut self, parts: &[Syntax], sign: &str) -> Result<Vec<Step>, Fault> {
        let why = format!("{sign} needs conditions on both sides");
        parts
            .iter()
            .map(|part| self.of_type(part, Type::Bool, &why))
            .collect()
    }

    fn of_type(&mut self, part: &Syntax, wanted: Type, why: &str) -> Result<Step, Fault> {
        let (step, of) = self.check(part)?;
        if of.may_be(wanted) {
            return Ok(step);
        }
        Err(mismatch(part.at, why, of))
    }

    fn refer(&mut self, record: Option<&str>, name: &str) -> usize {
        let reference = Reference {
            record: record.map(str::to_owned),
            name: name.to_owned(),
        };
        let found = self.references.iter().position(|one| *one == reference);
        found.unwrap_or_else(|| {
            self.references.push(reference);
            self.references.len() - 1
        })
    }

    fn name(&mut self, name: &str, at: usize) -> Checked {
        if let Some(slot) = self.locals.iter().rposition(|local| local == name) {
            return Ok((Step::Local(slot), Type::Any));
        }
        if let Some(of) = self.names.variable(name) {
            return Ok((Step::Fact(self.refer(None, name)), of));
        }
        if self.names.is_record(name) {
            let message = format!("{name} is no value of its own");
            let remedy = format!("name one of its values: {name}['…']");
            return Err(Fault::new(at, message, remedy));
        }
        let message = format!("there is no variable {name:?}");
        Err(Fault::new(at, message, self.names.known()))
    }

    /// The record that is named, if it is one.
    fn record<'s>(&self, syntax: &'s Syntax) -> Option<&'s str> {
        match &syntax.form {
            Form::Name(name) if !self.locals.contains(name) && self.names.is_record(name) => {
                Some(name)
            }
            _ => None,
        }
    }

    fn member(&mut self, record: &str, name: &str, at: usize) -> Result<(usize, Type), Fault> {
        let of = self
            .names
            .member(record, name)
            .map_err(|why| fault(at, why))?;
        Ok((self.refer(Some(record), name), of))
    }

    fn field(&mut self, object: &Syntax, field: &str, at: usize) -> Checked {
        if let Some(record) = self.record(object) {
            let (place, of) = self.member(record, field, at)?;
            return Ok((Step::Fact(place), of));
        }
        let step = self.object(object, at)?;
        Ok((Step::Field(Box::new(step), field.to_owned()), Type::Any))
    }

    fn object(&mut self, object: &Syntax, at: usize) -> Result<Step, Fault> {
        let (step, of) = self.check(object)?;
        if of == Type::Any {
            return Ok(step);
        }
        Err(mismatch(at, "only objects have fields", of))
    }

    fn index(&mut self, object: &Syntax, key: &Syntax, at: usize) -> Checked {
        if let Some(record) = self.record(object) {
            let Form::Text(name) = &key.form else {
                let message = format!("{record} takes a name that is written out");
                let remedy = format!("write {record}['…']");
                return Err(Fault::new(key.at, message, remedy));
            };
            let (place, of) = self.member(record, name, key.at)?;
            return Ok((Step::Fact(place), of));
        }
        let (object, of) = self.check(object)?;
        if !matches!(of, Type::Any | Type::List) {
            return Err(mismatch(at, "only lists and objects have elements", of));
        }
        let key_at = key.at;
        let (key, key_of) = self.check(key)?;
        let fits = match of {
            Type::List => key_of.may_be(Type::Number),
            _ => key_of.may_be(Type::Number) || key_of.may_be(Type::Text),
        };
        if !fits {
            return Err(mismatch(
                key_at,
                "an element is named by a number or a text",
                key_of,
            ));
        }
        Ok((Step::Index(Box::new([object, key])), Type::Any))
    }

    fn relation(&mut self, relation: Relation, parts: &[Syntax; 2], at: usize) -> Checked {
        let [left, right] = parts;
        let record = self.record(right);
        if let (Relation::In, Some(record)) = (relation, record) {
            let Form::Text(name) = &left.form else {
                let message = format!("{record} takes a name that is written out");
                let remedy = format!("write 'name' in {record}");
                return Err(Fault::new(left.at, message, remedy));
            };
            let (place, _) = self.member(record, name, left.at)?;
            return Ok((Step::HasFact(place), Type::Bool));
        }
        let (left, one_shape) = self.shaped(left)?;
        let (right, other_shape) = self.shaped(right)?;
        let (one, other) = (one_shape.of, other_shape.of);
        let sign = relation.sign();
        match relation {
            Relation::Equal | Relation::NotEqual => one_shape.may_equal(&other_shape, at)?,
            Relation::In if other.may_be(Type::List) => {
                let parts = other_shape.parts.as_deref();
                if let Some([]) = parts {
                    let message = "nothing is in an empty list";
                    return Err(Fault::new(at, message, "write the values that it may be"));
                }
                for part in parts.unwrap_or_default() {
                    one_shape.may_equal(part, part.at)?;
                }
            }
            Relation::In => return Err(mismatch(at, "in looks into a list or an object", other)),
            _ => {
                let ordered = |of: Type| !matches!(of, Type::Null | Type::List);
                if !one.may_be(other) || !ordered(one) || !ordered(other) {
                    let (one, other) = (one.noun(), other.noun());
                    let message = format!("{sign} can't compare {one} with {other}");
                    let remedy = "compare two numbers or two texts";
                    return Err(Fault::new(at, message, remedy));
                }
            }
        }
        Ok((
            Step::Relation(relation, Box::new([left, right])),
            Type::Bool,
        ))
    }

    /// `headers.content-type`, which takes `type` away from `headers.content`, as the name that was meant.
    fn dashed<'s>(&self, syntax: &'s Syntax) -> Option<(&'s str, String)> {
        match &syntax.form {
            Form::Field(object, field) => Some((self.record(object)?, field.clone())),
            Form::Arithmetic(Arithmetic::Subtract, parts) => {
                let Form::Name(name) = &parts[1].form else {
                    return None;
                };
                let is_known = self.locals.contains(name)
                    || self.names.variable(name).is_some()
                    || self.names.is_record(name);
                if is_known {
                    return None;
                }
                let (record, begin) = self.dashed(&parts[0])?;
                Some((record, format!("{begin}-{name}")))
            }
            _ => None,
        }
    }

    fn arithmetic(&mut self, operation: Arithmetic, parts: &[Syntax; 2], at: usize) -> Checked {
        let [left, right] = parts;
        if let (Arithmetic::Subtract, Form::Name(last)) = (operation, &right.form)
            && self.names.variable(last).is_none()
            && !self.names.is_record(last)
            && !self.locals.contains(last)
            && let Some((record, begin)) = self.dashed(left)
        {
            let message = format!("there is no variable {last:?}");
            let remedy =
                format!("a name with - in it goes into brackets: {record}['{begin}-{last}']");
            return Err(Fault::new(right.at, message, remedy));
        }
        let (left, one) = self.check(left)?;
        let (right, other) = self.check(right)?;
        let kinds: &[Type] = match operation {
            Arithmetic::Add => &[Type::Number, Type::Text, Type::List],
            _ => &[Type::Number],
        };
        let fits = |kind: &&Type| one.may_be(**kind) && other.may_be(**kind);
        if !kinds.iter().any(|kind| fits(&kind)) {
            let (one, other) = (one.noun(), other.noun());
            let message = format!("{} can't take {one} and {other}", operation.sign());
            return Err(Fault::new(at, message, "compute with two numbers"));
        }
        let of = match (one, other) {
            (Type::Any, Type::Any) if operation == Arithmetic::Add => Type::Any,
            (Type::Whole, Type::Whole) => Type::Whole,
            (Type::Text, _) | (_, Type::Text) => Type::Text,
            (Type::List, _) | (_, Type::List) => Type::List,
            _ => Type::Number,
        };
        Ok((Step::Arithmetic(operation, Box::new([left, right])), of))
    }

    fn call(
        &mut self,
        target: Option<&Syntax>,
        name: &str,
        arguments: &[Syntax],
        at: usize,
    ) -> Checked {
        if let Some((_, kind)) = LOOPS.iter().find(|(known, _)| *known == name) {
            return self.comprehension(*kind, name, target, arguments, at);
        }
        if let Some((_, search)) = SEARCHES.iter().find(|(known, _)| *known == name) {
            let [text, part] = operands(target, arguments, at, name, "text.contains('part')")?;
            let why = format!("{name} looks for a text in a text");
            let text = self.of_type(text, Type::Text, &why)?;
            let part = self.of_type(part, Type::Text, &why)?;
            return Ok((Step::Search(*search, Box::new([text, part])), Type::Bool));
        }
        if let Some((_, conversion, of)) = CONVERSIONS.iter().find(|(known, ..)| *known == name) {
            let ([one], None) = (arguments, target) else {
                return Err(arity(at, name, &format!("{name}(value)")));
            };
            let (step, from) = self.check(one)?;
            if matches!(from, Type::Null | Type::List) {
                return Err(mismatch(
                    one.at,
                    &format!("{name} makes nothing of it"),
                    from,
                ));
            }
            return Ok((Step::Convert(*conversion, Box::new(step)), *of));
        }
        match name {
            "size" => {
                let ((Some(one), []) | (None, [one])) = (target, arguments) else {
                    return Err(arity(at, name, "size(json.items)"));
                };
                let (step, of) = self.check(one)?;
                if !matches!(of, Type::Any | Type::Text | Type::List) {
                    return Err(mismatch(
                        one.at,
                        "only texts, lists and objects have a size",
                        of,
                    ));
                }
                Ok((Step::Size(Box::new(step)), Type::Whole))
            }
            "has" => self.has(target, arguments, at),
            "matches" => {
                let [text, pattern] = operands(target, arguments, at, name, "text.matches('^a')")?;
                let Form::Text(source) = &pattern.form else {
                    let message = "matches takes a regular expression that is written out";
                    return Err(Fault::new(pattern.at, message, "write it in quotes: r'…'"));
                };
                self.works = true;
                let compiled = self.names.pattern(source);
                let (regex, bytes) = compiled.map_err(|why| fault(pattern.at, why))?;
                let text = self.of_type(text, Type::Text, "matches looks into a text")?;
                Ok((Step::Matches(Box::new(text), regex, bytes), Type::Bool))
            }
            _ => {
                let message = format!("there is no function {name:?}");
                Err(Fault::new(at, message, FUNCTIONS))
            }
        }
    }

    fn has(&mut self, target: Option<&Syntax>, arguments: &[Syntax], at: usize) -> Checked {
        let form = match (target, arguments) {
            (None, [one]) => Some(&one.form),
            _ => None,
        };
        let Some(Form::Field(object, field)) = form else {
            return Err(arity(
                at,
                "has",
                "has(json.total); for other keys, 'a-b' in json",
            ));
        };
        if let Some(record) = self.record(object) {
            let (place, _) = self.member(record, field, at)?;
            return Ok((Step::HasFact(place), Type::Bool));
        }
        let object = self.object(object, at)?;
        Ok((Step::HasField(Box::new(object), field.clone()), Type::Bool))
    }

    fn comprehension(
        &mut self,
        kind: LoopKind,
        name: &str,
        target: Option<&Syntax>,
        arguments: &[Syntax],
        at: usize,
    ) -> Checked {
        let usage = format!("json.items.{name}(x, x.price > 0)");
        let (range, variable, condition, result) = match (target, arguments, kind) {
            (Some(range), [variable, result], LoopKind::Map) => {
                (range, variable, None, Some(result))
            }
            (Some(range), [variable, condition, result], LoopKind::Map) => {
                (range, variable, Some(condition), Some(result))
            }
            (Some(range), [variable, condition], _) if kind != LoopKind::Map => {
                (range, variable, Some(condition), None)
            }
            _ => return Err(arity(at, name, &usage)),
        };
        let Form::Name(variable) = &variable.form else {
            let message = format!("{name} begins with a name for each element");
            return Err(Fault::new(variable.at, message, format!("write {usage}")));
        };
        if self.names.variable(variable).is_some() || self.names.is_record(variable) {
            let message = format!("{variable:?} is a variable already");
            return Err(Fault::new(at, message, "name the element otherwise"));
        }
        self.works = true;
        let (range, of) = self.check(range)?;
        if !of.may_be(Type::List) {
            return Err(mismatch(at, &format!("{name} goes through a list"), of));
        }
        self.locals.push(variable.clone());
        let why = format!("{name} needs a condition");
        let condition = condition.map(|part| self.of_type(part, Type::Bool, &why));
        let result = result.map(|part| Ok(self.check(part)?.0));
        self.locals.pop();
        let made = Step::Loop(Box::new(Loop {
            kind,
            range,
            condition: condition.transpose()?,
            result: result.transpose()?,
        }));
        let of = match kind {
            LoopKind::Map | LoopKind::Filter => Type::List,
            _ => Type::Bool,
        };
        Ok((made, of))
    }
}

/// `text.f(part)` or `f(text, part)`.
fn operands<'s>(
    target: Option<&'s Syntax>,
    arguments: &'s [Syntax],
    at: usize,
    name: &str,
    usage: &str,
) -> Result<[&'s Syntax; 2], Fault> {
    match (target, arguments) {
        (Some(text), [part]) | (None, [text, part]) => Ok([text, part]),
        _ => Err(arity(at, name, usage)),
    }
}

fn arity(at: usize, name: &str, usage: &str) -> Fault {
    let message = format!("{name} is not called like this");
    Fault::new(at, message, format!("write {usage}"))
}

fn mismatch(at: usize, why: &str, of: Type) -> Fault {
    let message = format!("{why}, and this is {}", of.noun());
    Fault::new(
        at,
        message,
        "compare values that fit: status == 200, json.ok == true",
    )
}

fn fault(at: usize, (message, remedy): (String, String)) -> Fault {
    Fault::new(at, message, remedy)
}
