//! The parser of filters: conditions, comparisons, functions and their types.

use super::error::PathError;
use super::parser::Parser;
use super::pattern::{Pattern, Refusal};
use super::syntax::{Operand, Query, Relation, Source, Subquery, Test};
use super::{MAX_PATTERNS, mistakes};
use crate::number;

/// What may stand at either side of a comparison or alone; which of both is known after it.
enum Term {
    Literal(Operand),
    Query(Subquery),
    Value(Operand),
    Test(Test),
}

const FUNCTIONS: &str = "length, count, value, match and search";

impl Parser<'_> {
    /// Conditions with `||` between.
    pub(super) fn condition(&mut self) -> Result<Test, PathError> {
        self.joined("||", Test::Any, |parser| {
            parser.joined("&&", Test::All, Self::basic)
        })
    }

    fn joined(
        &mut self,
        sign: &str,
        join: fn(Vec<Test>) -> Test,
        part: fn(&mut Self) -> Result<Test, PathError>,
    ) -> Result<Test, PathError> {
        let first = part(self)?;
        let mut parts = vec![first];
        loop {
            let before = self.cursor.at;
            self.cursor.space();
            if !self.cursor.take(sign) {
                self.cursor.at = before;
                break;
            }
            self.cursor.space();
            parts.push(part(self)?);
        }
        Ok(if parts.len() > 1 {
            join(parts)
        } else {
            parts.remove(0)
        })
    }

    fn basic(&mut self) -> Result<Test, PathError> {
        let start = self.cursor.at;
        if self.cursor.take("!") {
            self.cursor.space();
            let test = if self.cursor.peek() == Some('(') {
                self.parenthesis()?
            } else {
                let term = self.term()?;
                self.alone(term, start)?
            };
            return Ok(Test::Not(Box::new(test)));
        }
        if self.cursor.peek() == Some('(') {
            return self.parenthesis();
        }
        let left = self.term()?;
        let end = self.cursor.at;
        self.cursor.space();
        let Some(relation) = self.relation()? else {
            self.cursor.at = end;
            return self.alone(left, start);
        };
        let left = self.comparable(left, start)?;
        self.cursor.space();
        let start = self.cursor.at;
        let right = self.term()?;
        let right = self.comparable(right, start)?;
        Ok(Test::Compare(left, relation, right))
    }

    fn parenthesis(&mut self) -> Result<Test, PathError> {
        self.nested(|parser| {
            parser.cursor.at += 1;
            parser.cursor.space();
            let test = parser.condition()?;
            parser.cursor.space();
            if !parser.cursor.take(")") {
                return Err(mistakes::in_condition(&parser.cursor, "\")\""));
            }
            Ok(test)
        })
    }

    fn relation(&mut self) -> Result<Option<Relation>, PathError> {
        const SIGNS: [(&str, Relation); 6] = [
            ("==", Relation::Equal),
            ("!=", Relation::NotEqual),
            ("<=", Relation::AtMost),
            (">=", Relation::AtLeast),
            ("<", Relation::Less),
            (">", Relation::Greater),
        ];
        if let Some(error) = mistakes::relation(&self.cursor) {
            return Err(error);
        }
        Ok(SIGNS
            .iter()
            .find(|(sign, _)| self.cursor.take(sign))
            .map(|(_, relation)| *relation))
    }

    fn term(&mut self) -> Result<Term, PathError> {
        match self.cursor.peek() {
            Some('\'' | '"') => self
                .cursor
                .string()
                .map(|text| Term::Literal(Operand::Text(text))),
            Some('-' | '0'..='9') => self.number(),
            Some(sign @ ('$' | '@')) => {
                self.cursor.at += 1;
                let query = Query {
                    segments: self.segments()?,
                };
                Ok(Term::Query(Subquery {
                    absolute: sign == '$',
                    query,
                }))
            }
            Some('a'..='z') => self.word(),
            _ => Err(mistakes::term(&self.cursor)),
        }
    }

    fn number(&mut self) -> Result<Term, PathError> {
        let rest = self.cursor.rest();
        let length = number::scan(rest.as_bytes());
        let word = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .map_or(rest, |end| &rest[..end]);
        if length != Some(word.len()) {
            return Err(mistakes::number(&self.cursor, word));
        }
        self.cursor.at += word.len();
        Ok(Term::Literal(Operand::Number(word.to_owned())))
    }

    /// `true`, `false`, `null` or a function.
    fn word(&mut self) -> Result<Term, PathError> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if after.starts_with('(') {
            self.cursor.at += end;
            return self.nested(|parser| parser.function(word, start));
        }
        let literal = match word {
            "true" => Operand::Bool(true),
            "false" => Operand::Bool(false),
            "null" => Operand::Null,
            _ => return Err(mistakes::term(&self.cursor)),
        };
        self.cursor.at += end;
        Ok(Term::Literal(literal))
    }

    fn function(&mut self, name: &str, start: usize) -> Result<Term, PathError> {
        let wanted = match name {
            "length" | "count" | "value" => 1,
            "match" | "search" => 2,
            _ => {
                let message = format!("there is no function {name}()");
                return Err(self
                    .cursor
                    .wrong_at(start, message, format!("use {FUNCTIONS}")));
            }
        };
        let arguments = self.arguments()?;
        if arguments.len() != wanted {
            let message = format!(
                "{name}() takes {wanted} argument{}",
                if wanted == 1 { "" } else { "s" }
            );
            return Err(self.cursor.wrong_at(start, message, example(name)));
        }
        let mut arguments = arguments.into_iter();
        let mut next = || arguments.next().expect("they were counted");
        Ok(match name {
            "length" => {
                let (term, at) = next();
                Term::Value(Operand::Length(Box::new(self.comparable(term, at)?)))
            }
            "count" => Term::Value(Operand::Count(self.nodes(next(), name)?)),
            "value" => Term::Value(Operand::Value(self.nodes(next(), name)?)),
            _ => {
                let ((text, text_at), (pattern, pattern_at)) = (next(), next());
                let text = self.comparable(text, text_at)?;
                let whole = name == "match";
                let pattern = match self.comparable(pattern, pattern_at)? {
                    Operand::Text(source) => {
                        Source::Literal(self.pattern(&source, whole, pattern_at)?)
                    }
                    other => Source::Computed(other),
                };
                Term::Test(Test::Match {
                    whole,
                    text,
                    pattern,
                })
            }
        })
    }

    /// What stands between the parentheses, each with its place.
    fn arguments(&mut self) -> Result<Vec<(Term, usize)>, PathError> {
        self.cursor.at += 1;
        self.cursor.space();
        let mut arguments = Vec::new();
        if self.cursor.take(")") {
            return Ok(arguments);
        }
        loop {
            let at = self.cursor.at;
            arguments.push((self.term()?, at));
            self.cursor.space();
            if self.cursor.take(")") {
                return Ok(arguments);
            }
            if !self.cursor.take(",") {
                return Err(mistakes::in_condition(&self.cursor, "\",\" or \")\""));
            }
            self.cursor.space();
        }
    }

    /// RFC 9535 lets an expression that is none match nothing; then `!match(…)` would hold for all.
    fn pattern(&mut self, source: &str, whole: bool, at: usize) -> Result<Pattern, PathError> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            let message = format!("the path has more than {MAX_PATTERNS} regular expressions");
            return Err(self.cursor.wrong_at(at, message, "join them with | in one"));
        }
        Pattern::compile(source, whole).map_err(|refusal| match refusal {
            Refusal::Syntax(why) => {
                let message = format!("{source:?} is not a regular expression: {why}");
                self.cursor.wrong_at(
                    at,
                    message,
                    "see RFC 9485; a backslash is written twice in a string",
                )
            }
            Refusal::Large => {
                let message = "the regular expression is too large when compiled";
                self.cursor.wrong_at(at, message, "use smaller repetitions")
            }
        })
    }

    /// As a condition of its own.
    fn alone(&self, term: Term, start: usize) -> Result<Test, PathError> {
        match term {
            Term::Query(query) => Ok(Test::Exists(query)),
            Term::Test(test) => Ok(test),
            Term::Literal(_) => {
                let remedy = "compare it: @.name == 'value'";
                Err(self
                    .cursor
                    .wrong_at(start, "a value alone is not a condition", remedy))
            }
            Term::Value(_) => {
                let message = "what the function returns is a value and not a condition";
                Err(self
                    .cursor
                    .wrong_at(start, message, "compare it: length(@.name) > 0"))
            }
        }
    }

    /// As one side of a comparison.
    fn comparable(&self, term: Term, start: usize) -> Result<Operand, PathError> {
        match term {
            Term::Literal(operand) | Term::Value(operand) => Ok(operand),
            Term::Query(query) if query.query.is_singular() => Ok(Operand::Singular(query)),
            Term::Query(_) => {
                let message = "what may select several values can't be compared or measured";
                let remedy = "select one (@.name, @[0]), use count() or value(), or a filter within: @.list[?@ == 1]";
                Err(self.cursor.wrong_at(start, message, remedy))
            }
            Term::Test(_) => {
                let message = "what the function returns is true or false by itself";
                Err(self.cursor.wrong_at(
                    start,
                    message,
                    "remove the comparison; write ! before it for the opposite",
                ))
            }
        }
    }

    fn nodes(&self, (term, at): (Term, usize), function: &str) -> Result<Subquery, PathError> {
        if let Term::Query(query) = term {
            return Ok(query);
        }
        let message = format!("{function}() takes a path");
        Err(self.cursor.wrong_at(at, message, example(function)))
    }
}

fn example(function: &str) -> &'static str {
    match function {
        "length" => "write length(@.name) > 3",
        "count" => "write count(@.list[*]) > 3",
        "value" => "write value(@..name) == 'x'",
        "match" => "write match(@.name, '[a-z]+')",
        _ => "write search(@.name, '[0-9]')",
    }
}
