//! What a path says, as data.

use super::pattern::Pattern;

/// Segments after `$` or `@`.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) segments: Vec<Segment>,
}

/// `.name`, `[…]` or either after `..`.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// `..`: the selectors go to the value and to all that is in it.
    pub(super) descend: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Clone, Debug)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Test),
}

/// A condition of a filter.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Compare(Operand, Relation, Operand),
    Exists(Subquery),
    Match {
        whole: bool,
        text: Operand,
        pattern: Source,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// A query within a filter.
#[derive(Clone, Debug)]
pub(super) struct Subquery {
    /// `$`: from the whole document and not from the value that is tested.
    pub(super) absolute: bool,
    pub(super) query: Query,
}

/// One side of a comparison, or what a function is given: a value, or nothing.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// Selects one value at most.
    Singular(Subquery),
    Length(Box<Operand>),
    Count(Subquery),
    Value(Subquery),
}

/// Where a regular expression comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Literal(Pattern),
    Computed(Operand),
}

impl Query {
    /// Whether it can select one value at most.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(|segment| {
            let one = matches!(
                segment.selectors.as_slice(),
                [Selector::Name(_) | Selector::Index(_)]
            );
            one && !segment.descend
        })
    }
}
