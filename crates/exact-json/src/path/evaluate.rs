//! Follows a path through a document, one value at a time: what a segment selects goes on through the
//! next segments at once, so that nothing is collected but the result.
//!
//! The recursion is as deep as a path has segments and filters, which the parser bounds; what is in a
//! document adds nothing to it.

use std::ops::ControlFlow::{self, Break, Continue};

use super::evaluate_filter::Patterns;
use super::syntax::{Query, Segment, Selector, Test};
use crate::budget::{Budget, MAX_SELECTED, Undecided};
use crate::document::{Elements, Node, View};
use crate::text::Text;

type Flow = Result<ControlFlow<()>, Undecided>;

pub(super) struct Evaluation<'d, 'b> {
    pub(super) root: Node<'d>,
    pub(super) budget: &'b mut Budget,
    pub(super) patterns: Patterns,
}

/// What is done with the values that a query selects.
pub(super) enum Sink {
    /// All are wanted.
    All(Vec<u32>),
    /// Whether there is one.
    Any(bool),
    /// How many there are.
    Count(u64),
    /// The only one.
    Only(Option<u32>, bool),
}

impl Sink {
    fn take(&mut self, node: Node<'_>) -> Flow {
        match self {
            Self::All(indexes) => {
                if indexes.len() >= MAX_SELECTED {
                    return Err(Undecided::Selected);
                }
                indexes.push(node.index);
            }
            Self::Any(found) => {
                *found = true;
                return Ok(Break(()));
            }
            Self::Count(count) => *count += 1,
            Self::Only(one, more) => {
                if one.is_some() {
                    *more = true;
                    return Ok(Break(()));
                }
                *one = Some(node.index);
            }
        }
        Ok(Continue(()))
    }
}

impl<'d, 'b> Evaluation<'d, 'b> {
    pub(super) fn new(root: Node<'d>, budget: &'b mut Budget) -> Self {
        Self {
            root,
            budget,
            patterns: Patterns::default(),
        }
    }

    pub(super) fn all(mut self, query: &Query) -> Result<Vec<u32>, Undecided> {
        let mut sink = Sink::All(Vec::new());
        let _ = self.follow(&query.segments, self.root, &mut sink)?;
        match sink {
            Sink::All(indexes) => Ok(indexes),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn follow(&mut self, segments: &[Segment], from: Node<'d>, sink: &mut Sink) -> Flow {
        self.budget.spend(1)?;
        let Some((segment, rest)) = segments.split_first() else {
            return sink.take(from);
        };
        if !segment.descend {
            return self.select(segment, rest, from, sink);
        }
        // All that is in a value is a range of the list, parents before their children.
        for index in from.index..from.next() {
            let node = from.at(index);
            if node.is_key() {
                continue;
            }
            self.budget.spend(1)?;
            match node.view() {
                View::Object(members) => {
                    members.unique()?;
                }
                View::Array(_) => {}
                _ => continue,
            }
            if self.select(segment, rest, node, sink)?.is_break() {
                return Ok(Break(()));
            }
        }
        Ok(Continue(()))
    }

    fn select(
        &mut self,
        segment: &Segment,
        rest: &[Segment],
        from: Node<'d>,
        sink: &mut Sink,
    ) -> Flow {
        for selector in &segment.selectors {
            // One that meets nothing costs its look, too.
            self.budget.spend(1)?;
            let flow = match (selector, from.view()) {
                (Selector::Name(name), View::Object(members)) => {
                    self.budget.spend(members.total())?;
                    match members.get(Text::plain(name))? {
                        Some(value) => self.follow(rest, value, sink)?,
                        None => Continue(()),
                    }
                }
                (Selector::Wildcard, View::Array(elements)) => self.each(elements, rest, sink)?,
                (Selector::Wildcard, View::Object(members)) => {
                    let values = members.unique()?.map(|(_, value)| value);
                    self.each(values, rest, sink)?
                }
                (Selector::Filter(test), View::Array(elements)) => {
                    self.filter(test, elements, rest, sink)?
                }
                (Selector::Filter(test), View::Object(members)) => {
                    let values = members.unique()?.map(|(_, value)| value);
                    self.filter(test, values, rest, sink)?
                }
                (Selector::Index(index), View::Array(elements)) => {
                    match self.element(elements, *index)? {
                        Some(value) => self.follow(rest, value, sink)?,
                        None => Continue(()),
                    }
                }
                (Selector::Slice { start, end, step }, View::Array(elements)) => {
                    self.slice(elements, (*start, *end, *step), rest, sink)?
                }
                _ => Continue(()),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(Continue(()))
    }

    fn each(
        &mut self,
        nodes: impl Iterator<Item = Node<'d>>,
        rest: &[Segment],
        sink: &mut Sink,
    ) -> Flow {
        for node in nodes {
            if self.follow(rest, node, sink)?.is_break() {
                return Ok(Break(()));
            }
        }
        Ok(Continue(()))
    }

    fn filter(
        &mut self,
        test: &Test,
        nodes: impl Iterator<Item = Node<'d>>,
        rest: &[Segment],
        sink: &mut Sink,
    ) -> Flow {
        for node in nodes {
            self.budget.spend(1)?;
            if self.holds(test, node)? && self.follow(rest, node, sink)?.is_break() {
                return Ok(Break(()));
            }
        }
        Ok(Continue(()))
    }

    /// A negative index counts from the end.
    pub(super) fn element(
        &mut self,
        mut elements: Elements<'d>,
        index: i64,
    ) -> Result<Option<Node<'d>>, Undecided> {
        let total = signed(elements.total());
        let place = if index < 0 { total + index } else { index };
        if !(0..total).contains(&place) {
            return Ok(None);
        }
        let place = usize::try_from(place).unwrap_or_default();
        self.budget.spend(place)?;
        Ok(elements.nth(place))
    }

    fn slice(
        &mut self,
        elements: Elements<'d>,
        (start, end, step): (Option<i64>, Option<i64>, i64),
        rest: &[Segment],
        sink: &mut Sink,
    ) -> Flow {
        let total = signed(elements.total());
        self.budget.spend(elements.total())?;
        let place = |part: i64| {
            if part < 0 {
                total.saturating_add(part)
            } else {
                part
            }
        };
        let unsigned = |number: i64| usize::try_from(number).unwrap_or_default();
        if step > 0 {
            let low = place(start.unwrap_or(0)).clamp(0, total);
            let high = place(end.unwrap_or(total)).clamp(low, total);
            let wanted = elements
                .take(unsigned(high))
                .skip(unsigned(low))
                .step_by(unsigned(step).max(1));
            return self.each(wanted, rest, sink);
        }
        if step == 0 {
            return Ok(Continue(()));
        }
        let high = place(start.unwrap_or(total)).clamp(-1, total - 1);
        let low = end.map_or(-1, |end| place(end).clamp(-1, total - 1));
        let mut wanted: Vec<u32> = elements
            .take(unsigned(high + 1))
            .skip(unsigned(low + 1))
            .map(|node| node.index)
            .collect();
        wanted.reverse();
        let root = self.root;
        let step = unsigned(step.saturating_neg()).max(1);
        self.each(
            wanted
                .into_iter()
                .step_by(step)
                .map(move |index| root.at(index)),
            rest,
            sink,
        )
    }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("a document has fewer values than i64 counts")
}
