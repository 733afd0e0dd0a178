//! From words to parts: CEL's grammar, by the binding of its operators.
//!
//! It calls itself for what stands in brackets, so the depth is bounded before the stack is.

use crate::fault::Fault;
use crate::lexer::{Kind, Token, tokens};
use crate::syntax::{Arithmetic, Form, Relation, Syntax};

/// Bytes of one expression.
pub const MAX_EXPRESSION_BYTES: usize = 4 * 1024;
/// How many parts of an expression may stand in each other.
pub const MAX_DEPTH: usize = 48;

/// Words that CEL keeps for later.
const RESERVED_WORDS: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(crate) fn parse(source: &str) -> Result<Syntax, Fault> {
    if source.len() > MAX_EXPRESSION_BYTES {
        let message = format!(
            "the expression is longer than {} KiB",
            MAX_EXPRESSION_BYTES / 1024
        );
        return Err(Fault::new(1, message, "split it into several expectations"));
    }
    let mut parser = Parser {
        tokens: tokens(source)?,
        next: 0,
        open: 0,
    };
    let whole = parser.expression()?;
    match &parser.peek().kind {
        Kind::End => Ok(whole),
        _ => Err(parser.unexpected("an operator, or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// How many parts the parser is in.
    open: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        // The last one is the end, and is never passed.
        &self.tokens[self.next]
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(&self.peek().kind, Kind::Sign(next) if *next == sign);
        if found {
            self.next += 1;
        }
        found
    }

    fn require(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("{sign:?}")))
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let token = self.peek();
        let found = match &token.kind {
            Kind::End => "the expression ends".to_owned(),
            Kind::Text(_) => "a text stands".to_owned(),
            _ => format!("{:?} stands", token.text),
        };
        let place = if token.kind == Kind::End {
            "before it is complete"
        } else {
            "where it can't"
        };
        Fault::new(
            token.at,
            format!("{found} {place}"),
            format!("here goes {wanted}"),
        )
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.open += 1;
        if self.open > MAX_DEPTH {
            return Err(too_deep(self.peek().at));
        }
        let parsed = parse(self);
        self.open -= 1;
        parsed
    }

    fn expression(&mut self) -> Result<Syntax, Fault> {
        self.deeper(|parser| {
            let condition = parser.several("||", Form::Any, |parser| {
                parser.several("&&", Form::All, Self::relation)
            })?;
            let at = parser.peek().at;
            if !parser.take("?") {
                return Ok(condition);
            }
            let met = parser.several("||", Form::Any, |parser| {
                parser.several("&&", Form::All, Self::relation)
            })?;
            parser.require(":")?;
            let otherwise = parser.expression()?;
            made(at, Form::If(Box::new([condition, met, otherwise])))
        })
    }

    /// One part, or several with one sign between them.
    fn several(
        &mut self,
        sign: &str,
        form: fn(Vec<Syntax>) -> Form,
        part: impl Fn(&mut Self) -> Result<Syntax, Fault>,
    ) -> Result<Syntax, Fault> {
        let first = part(self)?;
        let at = self.peek().at;
        if !self.take(sign) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.take(sign) {
            parts.push(part(self)?);
        }
        made(at, form(parts))
    }

    fn relation(&mut self) -> Result<Syntax, Fault> {
        let mut left = self.sum()?;
        loop {
            let token = self.peek();
            let is_sign = matches!(token.kind, Kind::Sign(_) | Kind::Name);
            let found = Relation::ALL
                .iter()
                .find(|(sign, _)| is_sign && token.text == *sign);
            let Some((_, relation)) = found else {
                return Ok(left);
            };
            let at = self.advance().at;
            let right = self.sum()?;
            left = made(at, Form::Relation(*relation, Box::new([left, right])))?;
        }
    }

    fn sum(&mut self) -> Result<Syntax, Fault> {
        const SUM: [Arithmetic; 2] = [Arithmetic::Add, Arithmetic::Subtract];
        self.arithmetic(&SUM, Self::product)
    }

    fn product(&mut self) -> Result<Syntax, Fault> {
        const PRODUCT: [Arithmetic; 3] = [
            Arithmetic::Multiply,
            Arithmetic::Divide,
            Arithmetic::Remainder,
        ];
        self.arithmetic(&PRODUCT, Self::unary)
    }

    fn arithmetic(
        &mut self,
        operations: &[Arithmetic],
        part: fn(&mut Self) -> Result<Syntax, Fault>,
    ) -> Result<Syntax, Fault> {
        let mut left = part(self)?;
        loop {
            let at = self.peek().at;
            let mut found = operations.iter();
            let Some(operation) = found.find(|operation| self.take(operation.sign())) else {
                return Ok(left);
            };
            let right = part(self)?;
            left = made(at, Form::Arithmetic(*operation, Box::new([left, right])))?;
        }
    }

    fn unary(&mut self) -> Result<Syntax, Fault> {
        let at = self.peek().at;
        if self.take("!") {
            let inner = self.deeper(Self::unary)?;
            return made(at, Form::Not(Box::new(inner)));
        }
        if !self.take("-") {
            return self.member();
        }
        // The smallest whole number has no positive counterpart.
        if matches!(self.peek().kind, Kind::Whole | Kind::Decimal) {
            return self.member_of("-");
        }
        let inner = self.deeper(Self::unary)?;
        made(at, Form::Negative(Box::new(inner)))
    }

    fn member(&mut self) -> Result<Syntax, Fault> {
        self.member_of("")
    }

    /// `minus` stands before a number.
    fn member_of(&mut self, minus: &str) -> Result<Syntax, Fault> {
        let mut object = self.primary(minus)?;
        loop {
            let at = self.peek().at;
            if self.take(".") {
                let name = self.field()?;
                object = if self.take("(") {
                    let arguments = self.list(")")?;
                    let target = Some(Box::new(object));
                    made(
                        at + 1,
                        Form::Call {
                            target,
                            name,
                            arguments,
                        },
                    )?
                } else {
                    made(at, Form::Field(Box::new(object), name))?
                };
            } else if self.take("[") {
                let key = self.expression()?;
                self.require("]")?;
                object = made(at, Form::Index(Box::new(object), Box::new(key)))?;
            } else {
                return Ok(object);
            }
        }
    }

    fn field(&mut self) -> Result<String, Fault> {
        let token = self.advance();
        match token.kind {
            Kind::Name => Ok(token.text),
            _ => Err(Fault::new(
                token.at,
                "after a dot goes a name",
                "write a name of letters, digits and _, or ['…'] for any other key",
            )),
        }
    }

    fn primary(&mut self, minus: &str) -> Result<Syntax, Fault> {
        let token = self.peek().clone();
        let at = token.at;
        let form = match token.kind {
            Kind::Whole => {
                let Ok(whole) = format!("{minus}{}", token.text).parse() else {
                    return Err(Fault::new(
                        at,
                        format!("{}{} is beyond 64 bits", minus, token.text),
                        "write it with a point: 1.0 and 1 are equal, and a decimal has any number of digits",
                    ));
                };
                Form::Whole(whole)
            }
            Kind::Decimal => {
                let zero = if token.text.starts_with('.') { "0" } else { "" };
                let text = format!("{zero}{}", token.text);
                let whole = text.find(['.', 'e', 'E']).unwrap_or(text.len());
                let zeros = text.len() - text.trim_start_matches('0').len();
                let text = &text[zeros.min(whole.saturating_sub(1))..];
                Form::Decimal(format!("{minus}{text}"))
            }
            Kind::Text(text) => Form::Text(text),
            Kind::Name => return self.name(),
            Kind::Sign("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.require(")")?;
                return Ok(inner);
            }
            Kind::Sign("[") => {
                self.next += 1;
                let items = self.list("]")?;
                return made(at, Form::List(items));
            }
            Kind::Sign(_) | Kind::End => {
                return Err(self.unexpected("a value, such as status, json.total, 200 or 'text'"));
            }
        };
        self.next += 1;
        made(at, form)
    }

    fn name(&mut self) -> Result<Syntax, Fault> {
        let token = self.advance();
        let form = match token.text.as_str() {
            "true" => Form::Bool(true),
            "false" => Form::Bool(false),
            "null" => Form::Null,
            "in" => {
                self.next -= 1;
                return Err(self.unexpected("a value, such as status, json.total, 200 or 'text'"));
            }
            reserved if RESERVED_WORDS.contains(&reserved) => {
                let message = format!("{reserved:?} is a word that CEL keeps for itself");
                return Err(Fault::new(token.at, message, "use another name"));
            }
            _ if self.take("(") => Form::Call {
                target: None,
                name: token.text,
                arguments: self.list(")")?,
            },
            _ => Form::Name(token.text),
        };
        made(token.at, form)
    }

    /// Parts with commas between them, up to a closing bracket.
    fn list(&mut self, end: &str) -> Result<Vec<Syntax>, Fault> {
        let mut parts = Vec::new();
        while !self.take(end) {
            if !parts.is_empty() {
                self.require(",")?;
                if end == "]" && self.take(end) {
                    break;
                }
            }
            parts.push(self.expression()?);
        }
        Ok(parts)
    }
}

fn made(at: usize, form: Form) -> Result<Syntax, Fault> {
    let deepest = |parts: &[Syntax]| parts.iter().map(|part| part.depth).max();
    let inner = match &form {
        Form::Null
        | Form::Bool(_)
        | Form::Whole(_)
        | Form::Decimal(_)
        | Form::Text(_)
        | Form::Name(_) => None,
        Form::List(parts) | Form::All(parts) | Form::Any(parts) => deepest(parts),
        Form::Field(one, _) | Form::Not(one) | Form::Negative(one) => Some(one.depth),
        Form::Index(one, key) => Some(one.depth.max(key.depth)),
        Form::Call {
            target, arguments, ..
        } => deepest(arguments).max(target.as_ref().map(|target| target.depth)),
        Form::If(parts) => deepest(&parts[..]),
        Form::Relation(_, parts) | Form::Arithmetic(_, parts) => deepest(&parts[..]),
    };
    let depth = inner.unwrap_or_default() + 1;
    if depth > MAX_DEPTH {
        return Err(too_deep(at));
    }
    Ok(Syntax { form, at, depth })
}

fn too_deep(at: usize) -> Fault {
    let message = format!("more than {MAX_DEPTH} parts stand in each other");
    Fault::new(at, message, "split it into several expectations")
}
