//! An expression as it was written.

use std::cmp::Ordering;

/// A part of an expression, and the character at which it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Syntax {
    pub(crate) form: Form,
    pub(crate) at: usize,
    /// How many parts stand in each other, this one included.
    pub(crate) depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    Null,
    Bool(bool),
    Whole(i64),
    /// As it was written, as JSON writes it.
    Decimal(String),
    Text(String),
    List(Vec<Syntax>),
    Name(String),
    Field(Box<Syntax>, String),
    Index(Box<Syntax>, Box<Syntax>),
    Call {
        target: Option<Box<Syntax>>,
        name: String,
        arguments: Vec<Syntax>,
    },
    Not(Box<Syntax>),
    Negative(Box<Syntax>),
    All(Vec<Syntax>),
    Any(Vec<Syntax>),
    If(Box<[Syntax; 3]>),
    Relation(Relation, Box<[Syntax; 2]>),
    Arithmetic(Arithmetic, Box<[Syntax; 2]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
}

impl Relation {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::AtMost),
        (">", Self::More),
        (">=", Self::AtLeast),
        ("in", Self::In),
    ];

    /// Whether it holds of two values in this order.
    pub(crate) fn is_met(self, order: Ordering) -> bool {
        match self {
            Self::Equal | Self::In => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("", |(sign, _)| sign)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
