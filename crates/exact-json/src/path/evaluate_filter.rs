//! Conditions of filters, decided for one value. Numbers are compared by value, exactly.

use std::cmp::Ordering;

use super::evaluate::{Evaluation, Sink};
use super::pattern::{MAX_SOURCE_BYTES, Pattern, Refusal};
use super::syntax::{Operand, Relation, Source, Subquery, Test};
use crate::budget::Undecided;
use crate::document::{Node, View};
use crate::equality::{order, same};
use crate::text::Text;

/// What an operand comes to.
enum Found<'a> {
    Nothing,
    Null,
    Bool(bool),
    Number(Digits<'a>),
    Text(Text<'a>),
    /// An array or an object.
    Whole(Node<'a>),
}

/// A number of the document or the path, or one that a function counted.
enum Digits<'a> {
    Written(&'a str),
    Counted(String),
}

impl Digits<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Written(text) => text,
            Self::Counted(text) => text,
        }
    }
}

impl<'a> Found<'a> {
    fn of(node: Node<'a>) -> Self {
        match node.view() {
            View::Null => Self::Null,
            View::Bool(value) => Self::Bool(value),
            View::Number(text) => Self::Number(Digits::Written(text)),
            View::String(text) => Self::Text(text),
            View::Array(_) | View::Object(_) => Self::Whole(node),
        }
    }
}

impl<'d> Evaluation<'d, '_> {
    pub(super) fn holds(&mut self, test: &Test, node: Node<'d>) -> Result<bool, Undecided> {
        self.budget.spend(1)?;
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.holds(test, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.holds(test, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => self.holds(test, node).map(|holds| !holds),
            Test::Exists(query) => {
                let mut sink = Sink::Any(false);
                self.query(query, node, &mut sink)?;
                Ok(matches!(sink, Sink::Any(true)))
            }
            Test::Compare(left, relation, right) => {
                let left = self.operand(left, node)?;
                let right = self.operand(right, node)?;
                self.compare(&left, *relation, &right)
            }
            Test::Match {
                whole,
                text,
                pattern,
            } => self.matches(*whole, text, pattern, node),
        }
    }

    fn query(
        &mut self,
        query: &Subquery,
        node: Node<'d>,
        sink: &mut Sink,
    ) -> Result<(), Undecided> {
        let from = if query.absolute { self.root } else { node };
        self.follow(&query.query.segments, from, sink).map(drop)
    }

    fn operand<'a>(&mut self, operand: &'a Operand, node: Node<'d>) -> Result<Found<'a>, Undecided>
    where
        'd: 'a,
    {
        Ok(match operand {
            Operand::Null => Found::Null,
            Operand::Bool(value) => Found::Bool(*value),
            Operand::Number(text) => Found::Number(Digits::Written(text)),
            Operand::Text(text) => Found::Text(Text::plain(text)),
            // A singular query that selects nothing is nothing, too.
            Operand::Singular(query) | Operand::Value(query) => {
                let mut sink = Sink::Only(None, false);
                self.query(query, node, &mut sink)?;
                match sink {
                    Sink::Only(Some(index), false) => Found::of(node.at(index)),
                    _ => Found::Nothing,
                }
            }
            Operand::Count(query) => {
                let mut sink = Sink::Count(0);
                self.query(query, node, &mut sink)?;
                match sink {
                    Sink::Count(count) => Found::Number(Digits::Counted(count.to_string())),
                    _ => Found::Nothing,
                }
            }
            Operand::Length(of) => {
                let length = match self.operand(of, node)? {
                    Found::Text(text) => {
                        self.budget.spend_bytes(text.size())?;
                        text.chars()?
                    }
                    Found::Whole(node) => match node.view() {
                        View::Array(elements) => elements.total(),
                        View::Object(members) => members.unique()?.total(),
                        _ => return Ok(Found::Nothing),
                    },
                    _ => return Ok(Found::Nothing),
                };
                Found::Number(Digits::Counted(length.to_string()))
            }
        })
    }

    fn compare(
        &mut self,
        left: &Found<'_>,
        relation: Relation,
        right: &Found<'_>,
    ) -> Result<bool, Undecided> {
        Ok(match relation {
            Relation::Equal => self.equal(left, right)?,
            Relation::NotEqual => !self.equal(left, right)?,
            Relation::Less => self.order(left, right)?.is_some_and(Ordering::is_lt),
            Relation::Greater => self.order(left, right)?.is_some_and(Ordering::is_gt),
            Relation::AtMost => self
                .order_or_equal(left, right)?
                .is_some_and(Ordering::is_le),
            Relation::AtLeast => self
                .order_or_equal(left, right)?
                .is_some_and(Ordering::is_ge),
        })
    }

    fn equal(&mut self, left: &Found<'_>, right: &Found<'_>) -> Result<bool, Undecided> {
        match (left, right) {
            (Found::Nothing, Found::Nothing) | (Found::Null, Found::Null) => Ok(true),
            (Found::Bool(a), Found::Bool(b)) => Ok(a == b),
            (Found::Whole(a), Found::Whole(b)) => same(*a, *b, self.budget),
            (Found::Text(a), Found::Text(b)) => {
                self.budget.spend_bytes(a.size().min(b.size()))?;
                Ok(a.same(*b))
            }
            (Found::Number(a), Found::Number(b)) => {
                Ok(order(a.text(), b.text(), self.budget)?.is_eq())
            }
            _ => Ok(false),
        }
    }

    /// Only numbers and strings have an order.
    fn order(
        &mut self,
        left: &Found<'_>,
        right: &Found<'_>,
    ) -> Result<Option<Ordering>, Undecided> {
        Ok(match (left, right) {
            (Found::Number(a), Found::Number(b)) => Some(order(a.text(), b.text(), self.budget)?),
            (Found::Text(a), Found::Text(b)) => {
                self.budget.spend_bytes(a.size().min(b.size()))?;
                Some(a.compare(*b))
            }
            _ => None,
        })
    }

    fn order_or_equal(
        &mut self,
        left: &Found<'_>,
        right: &Found<'_>,
    ) -> Result<Option<Ordering>, Undecided> {
        match self.order(left, right)? {
            None => Ok(self.equal(left, right)?.then_some(Ordering::Equal)),
            order => Ok(order),
        }
    }

    fn matches(
        &mut self,
        whole: bool,
        text: &Operand,
        pattern: &Source,
        node: Node<'d>,
    ) -> Result<bool, Undecided> {
        let Found::Text(text) = self.operand(text, node)? else {
            return Ok(false);
        };
        let brought;
        let pattern = match pattern {
            Source::Literal(pattern) => pattern,
            Source::Computed(operand) => {
                let Found::Text(source) = self.operand(operand, node)? else {
                    return Ok(false);
                };
                self.budget.spend_bytes(source.size())?;
                match self.compiled(&source.decode()?, whole)? {
                    Some(pattern) => {
                        brought = pattern;
                        &brought
                    }
                    None => return Ok(false),
                }
            }
        };
        self.budget.spend(pattern.steps(text))?;
        Ok(pattern.holds(&text.decode()?))
    }

    /// An expression that the document brings; none if it isn't one.
    fn compiled(&mut self, source: &str, whole: bool) -> Result<Option<Pattern>, Undecided> {
        if let Some(known) = self.patterns.find(source, whole) {
            return Ok(known.compiled.clone());
        }
        self.budget.spend(COMPILE_STEPS)?;
        let too_large = || Undecided::Pattern(format!("{:?}", crate::text::head(source, 100)));
        if source.len() > MAX_SOURCE_BYTES {
            return Err(too_large());
        }
        let compiled = match Pattern::compile(source, whole) {
            Ok(pattern) => Some(pattern),
            Err(Refusal::Syntax(_)) => None,
            Err(Refusal::Large) => return Err(too_large()),
        };
        self.patterns.keep(DocumentPattern {
            source: source.to_owned(),
            whole,
            compiled: compiled.clone(),
        });
        Ok(compiled)
    }
}

/// What it costs to compile an expression, in steps.
const COMPILE_STEPS: usize = 100_000;
/// How many compiled expressions are kept.
const MAX_KEPT: usize = 8;

/// Expressions that the document brought, compiled: usually one, for all of its values.
#[derive(Default)]
pub(super) struct Patterns(Vec<DocumentPattern>);

struct DocumentPattern {
    source: String,
    whole: bool,
    /// None where the source is not an expression.
    compiled: Option<Pattern>,
}

impl Patterns {
    fn find(&self, source: &str, whole: bool) -> Option<&DocumentPattern> {
        self.0
            .iter()
            .find(|known| known.source == source && known.whole == whole)
    }

    fn keep(&mut self, brought: DocumentPattern) {
        if self.0.len() >= MAX_KEPT {
            self.0.remove(0);
        }
        self.0.push(brought);
    }
}
