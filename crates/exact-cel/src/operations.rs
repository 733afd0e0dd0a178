//! Comparing, computing and searching: what operators and functions do with values.

use std::cmp::Ordering;

use exact_json::View;

use crate::check::{Conversion, Search, Step};
use crate::decimal::Decimal;
use crate::evaluate::{Evaluation, ListBuilder};
use crate::fault::Halt;
use crate::syntax::{Arithmetic, Relation};
use crate::value::{Kind, Value};

/// Matching a text takes its length in steps once for each of these that the expression takes, and once more.
const PATTERN_BYTES_PER_STEP: usize = 16 * 1024;

type Evaluated<'d> = Result<Value<'d>, Halt>;

impl<'d> Evaluation<'_, 'd> {
    pub(crate) fn operation(&mut self, step: &'d Step) -> Evaluated<'d> {
        Ok(match step {
            Step::Negative(inner) => self.negative(inner)?,
            Step::Relation(relation, parts) => Value::bool(self.relation(*relation, parts)?),
            Step::Arithmetic(operation, parts) => self.arithmetic(*operation, parts)?,
            Step::Size(of) => Value::whole(self.size(of)?),
            Step::Search(search, parts) => Value::bool(self.search(*search, parts)?),
            Step::Matches(text, regex, bytes) => {
                let value = self.value(text)?;
                let Some(found) = value.as_text() else {
                    return Err(self.unfit(text, &value, "matches looks into a text"));
                };
                let weight = 1 + bytes / PATTERN_BYTES_PER_STEP;
                self.budget.spend(found.size().saturating_mul(weight))?;
                Value::bool(regex.is_match(&found.decode()?))
            }
            Step::Convert(to, of) => self.convert(*to, of)?,
            _ => return Err(Halt::Errored("this is a defect".to_owned())),
        })
    }

    fn relation(&mut self, relation: Relation, parts: &'d [Step; 2]) -> Result<bool, Halt> {
        let [left_step, right_step] = parts;
        if relation != Relation::In
            && (is_quotient(left_step) || is_quotient(right_step))
            && let Some(met) = self.compare_quotients(relation, left_step, right_step)?
        {
            return Ok(met);
        }
        let left = self.value(left_step)?;
        let right = self.value(right_step)?;
        match relation {
            Relation::Equal => self.same(&left, &right),
            Relation::NotEqual => self.same(&left, &right).map(|same| !same),
            Relation::In => self.contains(&left, right_step, &right),
            _ => {
                let order = self.order(&left, &right)?;
                let Some(order) = order else {
                    let sign = relation.sign();
                    // Of the one that people can look up.
                    let is_left = self.path(left_step).is_some() || self.path(right_step).is_none();
                    let (step, value, other) = if is_left {
                        (left_step, &left, &right)
                    } else {
                        (right_step, &right, &left)
                    };
                    let why = format!("{sign} compares it with {}", other.noun());
                    return Err(self.unfit(step, value, &why));
                };
                Ok(relation.is_met(order))
            }
        }
    }

    /// Without dividing, as the quotient may have no end. None where what is divided is no number.
    fn compare_quotients(
        &mut self,
        relation: Relation,
        left_step: &'d Step,
        right_step: &'d Step,
    ) -> Result<Option<bool>, Halt> {
        let other = match (self.quotient(left_step)?, self.quotient(right_step)?) {
            (Some(left), Some(right)) => {
                let order = Decimal::compare_quotients(left, right).ok_or_else(inexact)?;
                return Ok(Some(relation.is_met(order)));
            }
            (Some(_), None) if !is_quotient(right_step) => right_step,
            (None, Some(_)) if !is_quotient(left_step) => left_step,
            _ => return Ok(None),
        };
        match relation {
            Relation::Equal | Relation::NotEqual => Ok(Some(relation == Relation::NotEqual)),
            _ => {
                let value = self.value(other)?;
                let why = format!("{} compares it with a number", relation.sign());
                Err(self.unfit(other, &value, &why))
            }
        }
    }

    fn quotient(&mut self, step: &'d Step) -> Result<Option<[Decimal; 2]>, Halt> {
        let read = |value: &Value<'d>| -> Result<Option<Decimal>, Halt> {
            let Some(number) = value.as_number() else {
                return Ok(None);
            };
            Decimal::parse(&number).map(Some).ok_or_else(inexact)
        };
        let Step::Arithmetic(Arithmetic::Divide, parts) = step else {
            let value = self.value(step)?;
            return Ok(read(&value)?.map(|number| [number, Decimal::ONE]));
        };
        let (above, below) = (self.value(&parts[0])?, self.value(&parts[1])?);
        if let (Kind::Whole(above), Kind::Whole(below)) = (&above.0, &below.0) {
            let value = whole(Arithmetic::Divide, *above, *below)?;
            return Ok(read(&value)?.map(|number| [number, Decimal::ONE]));
        }
        let (Some(above), Some(below)) = (read(&above)?, read(&below)?) else {
            return Ok(None);
        };
        if below.is_zero() {
            return Err(by_zero());
        }
        Ok(Some([above, below]))
    }

    /// None where the two have no order.
    fn order(&mut self, left: &Value<'d>, right: &Value<'d>) -> Result<Option<Ordering>, Halt> {
        if let (Kind::Whole(left), Kind::Whole(right)) = (&left.0, &right.0) {
            return Ok(Some(left.cmp(right)));
        }
        if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
            return Ok(Some(exact_json::order(&left, &right, &mut self.budget)?));
        }
        if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
            self.budget.spend_bytes(left.size().min(right.size()))?;
            return Ok(Some(left.compare(right)));
        }
        match (&left.0, &right.0) {
            (Kind::Bool(left), Kind::Bool(right)) => Ok(Some(left.cmp(right))),
            _ => Ok(None),
        }
    }

    /// Values of two types are never equal; numbers are one type.
    fn same(&mut self, left: &Value<'d>, right: &Value<'d>) -> Result<bool, Halt> {
        self.budget.spend(1)?;
        Ok(match (&left.0, &right.0) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(left), Kind::Bool(right)) => left == right,
            (Kind::Json(left), Kind::Json(right)) => {
                exact_json::same(*left, *right, &mut self.budget)?
            }
            (Kind::List(_), Kind::Json(_) | Kind::List(_)) | (Kind::Json(_), Kind::List(_)) => {
                return self.same_lists(left, right);
            }
            _ => {
                let numbers = left.as_number().is_some() && right.as_number().is_some();
                let texts = left.as_text().is_some() && right.as_text().is_some();
                (numbers || texts) && self.order(left, right)? == Some(Ordering::Equal)
            }
        })
    }

    fn same_lists(&mut self, left: &Value<'d>, right: &Value<'d>) -> Result<bool, Halt> {
        let (Some(left), Some(right)) = (elements(left), elements(right)) else {
            return Ok(false);
        };
        let ((many, left), (of_right, right)) = (left, right);
        if many != of_right {
            return Ok(false);
        }
        for (left, right) in left.zip(right) {
            if !self.same(&left, &right)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn contains(
        &mut self,
        part: &Value<'d>,
        within_step: &'d Step,
        within: &Value<'d>,
    ) -> Result<bool, Halt> {
        if let Some((_, elements)) = elements(within) {
            for element in elements {
                if self.same(&element, part)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let members = match &within.0 {
            Kind::Json(node) => match node.view() {
                View::Object(members) => Some(members),
                _ => None,
            },
            _ => None,
        };
        match (members, part.as_text()) {
            (Some(members), Some(key)) => {
                self.budget.spend(members.total())?;
                Ok(members.get(key)?.is_some())
            }
            (Some(_), None) => Ok(false),
            (None, _) => Err(self.unfit(within_step, within, "in looks into a list or an object")),
        }
    }

    fn negative(&mut self, inner: &'d Step) -> Evaluated<'d> {
        let value = self.value(inner)?;
        match &value.0 {
            Kind::Whole(whole) => whole
                .checked_neg()
                .map(Value::whole)
                .ok_or_else(|| beyond("-")),
            Kind::Decimal(text) => Decimal::parse(text)
                .and_then(Decimal::negative)
                .map(|made| Value::decimal(made.text()))
                .ok_or_else(inexact),
            _ => Err(self.unfit(inner, &value, "- needs a number")),
        }
    }

    fn arithmetic(&mut self, operation: Arithmetic, parts: &'d [Step; 2]) -> Evaluated<'d> {
        let [left_step, right_step] = parts;
        let left = self.value(left_step)?;
        let right = self.value(right_step)?;
        if let (Kind::Whole(left), Kind::Whole(right)) = (&left.0, &right.0) {
            return whole(operation, *left, *right);
        }
        if left.as_number().is_some() && right.as_number().is_some() {
            return decimal(operation, &left, &right);
        }
        if operation == Arithmetic::Add {
            if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
                let bytes = left.size() + right.size();
                self.budget.spend_bytes(bytes)?;
                // Before it is made.
                self.memory.take(bytes)?;
                self.memory.give_back(bytes);
                let text = [left.decode()?, right.decode()?].concat();
                return self.made_text(text);
            }
            if let (Some((_, left)), Some((_, right))) = (elements(&left), elements(&right)) {
                let mut list = ListBuilder::new(self.memory.clone());
                for value in left.chain(right) {
                    self.budget.spend(1)?;
                    list.push(value)?;
                }
                return Ok(list.done());
            }
        }
        let sign = operation.sign();
        let wanted = match operation {
            Arithmetic::Add => "+ takes two numbers, two texts or two lists".to_owned(),
            _ => format!("{sign} takes two numbers"),
        };
        if left.as_number().is_some() {
            return Err(self.unfit(right_step, &right, &wanted));
        }
        Err(self.unfit(left_step, &left, &wanted))
    }

    fn size(&mut self, of: &'d Step) -> Result<i64, Halt> {
        let value = self.value(of)?;
        let size = match &value.0 {
            Kind::List(list) => list.len(),
            Kind::Json(node) => match node.view() {
                View::Object(members) => members.unique()?.total(),
                View::Array(elements) => elements.total(),
                _ => 0,
            },
            _ => {
                let Some(text) = value.as_text() else {
                    let why = "only texts, lists and objects have a size";
                    return Err(self.unfit(of, &value, why));
                };
                self.budget.spend_bytes(text.size())?;
                text.chars()?
            }
        };
        i64::try_from(size).map_err(|_| beyond("size"))
    }

    fn search(&mut self, search: Search, parts: &'d [Step; 2]) -> Result<bool, Halt> {
        let [text_step, part_step] = parts;
        let text_value = self.value(text_step)?;
        let part_value = self.value(part_step)?;
        let why = "only a text is searched, and only for a text";
        let Some(text) = text_value.as_text() else {
            return Err(self.unfit(text_step, &text_value, why));
        };
        let Some(part) = part_value.as_text() else {
            return Err(self.unfit(part_step, &part_value, why));
        };
        self.budget.spend_bytes(text.size() + part.size())?;
        let (text, part) = (text.decode()?, part.decode()?);
        Ok(match search {
            Search::Contains => text.contains(&*part),
            Search::StartsWith => text.starts_with(&*part),
            Search::EndsWith => text.ends_with(&*part),
        })
    }

    fn convert(&mut self, to: Conversion, of: &'d Step) -> Evaluated<'d> {
        let value = self.value(of)?;
        if let Kind::Bool(held) = &value.0
            && to == Conversion::Text
        {
            return self.made_text(held.to_string());
        }
        let number = match (value.as_number(), value.as_text()) {
            (Some(number), _) => number.into_owned(),
            (None, Some(text)) if to == Conversion::Text => {
                self.budget.spend_bytes(text.size())?;
                return self.made_text(text.decode()?.into_owned());
            }
            (None, Some(text)) => {
                let text = text.decode()?;
                let Ok(number) = text.trim().parse::<exact_json::Number>() else {
                    return Err(self.unfit(of, &value, "it is no number as JSON writes it"));
                };
                number.as_str().to_owned()
            }
            (None, None) => {
                let why = "only a number and a text can be made into another kind";
                return Err(self.unfit(of, &value, why));
            }
        };
        match to {
            Conversion::Text => self.made_text(number),
            Conversion::Decimal => Ok(Value::decimal(number)),
            Conversion::Whole => Decimal::parse(&number)
                .and_then(Decimal::truncated)
                .and_then(|whole| i64::try_from(whole).ok())
                .map(Value::whole)
                .ok_or_else(|| {
                    Halt::Errored("int can't hold the number, which is beyond 64 bits".to_owned())
                }),
        }
    }
}

/// What JSON and literals with a point hold, exactly.
fn decimal<'d>(operation: Arithmetic, left: &Value<'d>, right: &Value<'d>) -> Evaluated<'d> {
    let read = |value: &Value<'d>| {
        let text = value.as_number().unwrap_or_default();
        Decimal::parse(&text).ok_or_else(inexact)
    };
    let (a, b) = (read(left)?, read(right)?);
    if matches!(operation, Arithmetic::Divide | Arithmetic::Remainder) && b.is_zero() {
        return Err(by_zero());
    }
    let made = match operation {
        Arithmetic::Add => a.add(b),
        Arithmetic::Subtract => b.negative().and_then(|b| a.add(b)),
        Arithmetic::Multiply => a.multiply(b),
        Arithmetic::Divide => match a.divide(b) {
            None => {
                let why = "the quotient of / has no end and would be rounded; multiply the other side instead";
                return Err(Halt::Errored(why.to_owned()));
            }
            made => made,
        },
        Arithmetic::Remainder => {
            let (Some(a), Some(b)) = (a.whole(), b.whole()) else {
                return Err(Halt::Errored("% takes whole numbers".to_owned()));
            };
            a.checked_rem(b)
                .and_then(|rest| Decimal::parse(&rest.to_string()))
        }
    };
    let made = made.ok_or_else(|| beyond(operation.sign()))?;
    Ok(Value::decimal(made.text()))
}

/// CEL's `int`.
fn whole<'d>(operation: Arithmetic, left: i64, right: i64) -> Evaluated<'d> {
    let made = match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => return Err(by_zero()),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    made.map(Value::whole)
        .ok_or_else(|| beyond(operation.sign()))
}

/// Without the number, which may be what nobody is to see.
fn inexact() -> Halt {
    let why = "a number has too many digits to be computed with exactly; compare it as it is, or use `json:`";
    Halt::Errored(why.to_owned())
}

fn by_zero() -> Halt {
    Halt::Errored("division by zero".to_owned())
}

fn is_quotient(step: &Step) -> bool {
    matches!(step, Step::Arithmetic(Arithmetic::Divide, _))
}

fn beyond(sign: &str) -> Halt {
    Halt::Errored(format!("the result of {sign} is too large to be exact"))
}

/// The values of a list, and how many they are, if it is one.
fn elements<'v, 'd>(value: &'v Value<'d>) -> Option<Elements<'v, 'd>> {
    match &value.0 {
        Kind::List(list) => Some((list.len(), Box::new(list.iter().cloned()))),
        Kind::Json(node) => match node.view() {
            View::Array(elements) => Some((elements.total(), Box::new(elements.map(Value::json)))),
            _ => None,
        },
        _ => None,
    }
}

type Elements<'v, 'd> = (usize, Box<dyn Iterator<Item = Value<'d>> + 'v>);
