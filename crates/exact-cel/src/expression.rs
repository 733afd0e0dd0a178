//! An expression that has been checked, and what it comes to.

use exact_json::Budget;

use crate::check::{Checker, Names, Step};
use crate::evaluate::Evaluation;
use crate::fault::{Fault, Halt};
use crate::reference::Reference;
use crate::shape::Type;
use crate::shown::ShownValue;
use crate::value::Fact;
use crate::{lexer, parser};

/// An expression in CEL whose names, functions and types are known to fit.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Step,
    references: Vec<Reference>,
    works: bool,
}

/// What an expression came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// True.
    Holds,
    /// False.
    Fails {
        /// The values that decided, as far as they came with a name.
        shown: Vec<ShownValue>,
    },
    /// The answer has not what the expression is about: something is missing, or of another type.
    Unfit {
        /// What there is instead, a noun without any value of the answer.
        why: String,
        /// What else was seen.
        shown: Vec<ShownValue>,
    },
    /// It can't be decided.
    Errored {
        /// The reason.
        why: String,
    },
}

impl Expression {
    /// Reads an expression that must be true or false.
    pub fn parse(source: &str, names: &dyn Names) -> Result<Self, Fault> {
        let syntax = parser::parse(source)?;
        let mut checker = Checker {
            names,
            references: Vec::new(),
            locals: Vec::new(),
            works: false,
        };
        let (root, of) = checker.check(&syntax)?;
        if !matches!(of, Type::Bool | Type::Any) {
            let message = format!("the expression is {}, and not true or false", of.noun());
            let remedy = "compare it: status == 200, size(json.items) > 0";
            return Err(Fault::new(syntax.at, message, remedy));
        }
        Ok(Self {
            root,
            references: checker.references,
            works: checker.works,
        })
    }

    /// All that it names, each once; what it is evaluated with is in the same order.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The source of an expression with `mask` in place of each text that is written in it.
    pub fn without_texts(source: &str, mask: &str) -> String {
        lexer::without_texts(source, mask)
    }

    /// Whether it has a loop or a regular expression, which may take long.
    pub fn works(&self) -> bool {
        self.works
    }

    /// What it comes to. It is gone through once more where it does not hold, to see by which values.
    pub fn evaluate<'d>(&'d self, facts: &[Fact<'d>], budget: &Budget) -> Outcome {
        let mut first = Evaluation::new(facts, &self.references, budget.clone());
        match first.condition(&self.root) {
            Ok(true) => return Outcome::Holds,
            Err(Halt::Ended(why)) => return Outcome::Errored { why },
            _ => {}
        }
        let mut again = Evaluation::new(facts, &self.references, budget.clone()).recording();
        match again.condition(&self.root) {
            Ok(_) => Outcome::Fails {
                shown: again.shown_values(),
            },
            Err(Halt::Failed(why)) => Outcome::Unfit {
                why,
                shown: again.shown_values(),
            },
            Err(Halt::Errored(why) | Halt::Ended(why)) => Outcome::Errored { why },
        }
    }
}
