//! The text of a condition, token by token.

use super::{Expression, Finding, Operator};
use crate::error::{Error, Result};
use std::ops::Range;

/// No text that makes sense needs so many parentheses and negations around one another.
pub(super) const MOST_NESTED: u32 = 64;

/// What a text says, and the findings that it names, which the expression numbers.
pub(super) fn expression(text: &str) -> Result<(Expression, Vec<Finding>)> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        nested: 0,
        findings: Vec::new(),
    };
    let expression = parser.any()?;
    if parser.next < parser.tokens.len() {
        return Err(parser.unexpected("`and`, `or` or the end"));
    }
    Ok((expression, parser.findings))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Number(f64),
    Operator(Operator),
    And,
    Or,
    Not,
    Open,
    Close,
}

/// What is not made of letters and digits; none begins another that comes after it.
static SYMBOLS: [(&str, Token<'_>); 11] = [
    ("<=", Token::Operator(Operator::LessOrEqual)),
    (">=", Token::Operator(Operator::GreaterOrEqual)),
    ("==", Token::Operator(Operator::Equal)),
    ("!=", Token::Operator(Operator::NotEqual)),
    ("<", Token::Operator(Operator::Less)),
    (">", Token::Operator(Operator::Greater)),
    ("&&", Token::And),
    ("||", Token::Or),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
];

/// The tokens of a text, and where each stands in it.
fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let len = if first.is_whitespace() {
            first.len_utf8()
        } else {
            let (token, len) = token(&text[at..]).map_err(|what| fail(text, at, &what))?;
            tokens.push((token, at..at + len));
            len
        };
        at += len;
    }
    Ok(tokens)
}

/// The token at the beginning of a text that begins with no space, and its length.
fn token(text: &str) -> Result<(Token<'_>, usize), String> {
    if let Some((symbol, token)) = SYMBOLS.iter().find(|(symbol, _)| text.starts_with(symbol)) {
        return Ok((*token, symbol.len()));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let mut last = ' ';
    let end = unsigned.find(|c: char| {
        let exponent = is_number && matches!((last, c), ('e' | 'E', '-' | '+'));
        last = c;
        !(c.is_alphanumeric() || matches!(c, '_' | '.') || exponent)
    });
    let len = text.len() - unsigned.len() + end.unwrap_or(unsigned.len());
    let word = &text[..len];
    if is_number {
        let number = word.parse().ok().filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| format!("{} is no number", quoted(word)))?;
        return Ok((Token::Number(number), len));
    }
    match word {
        "and" | "AND" => Ok((Token::And, len)),
        "or" | "OR" => Ok((Token::Or, len)),
        "not" | "NOT" => Ok((Token::Not, len)),
        "" | "-" | "+" if text.starts_with('=') => Err("for equality, write ==".into()),
        "" | "-" | "+" => {
            let first = text.chars().next().map_or(0, char::len_utf8);
            let stray = quoted(&text[..first]);
            Err(format!("{stray} has no place in a condition"))
        }
        _ if unsigned.len() < text.len() => Err(format!("{} is no number", quoted(word))),
        _ => Ok((Token::Word(word), len)),
    }
}

/// A text between backticks, fit for one line.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let short: String = text.chars().take(LONGEST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", short.escape_debug())
}

/// What is wrong with a text, and where.
pub(super) fn fail(text: &str, at: usize, what: &str) -> Error {
    let column = text[..at].chars().count() + 1;
    Error::Usage(format!("column {column} of the condition: {what}"))
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token<'a>, Range<usize>)>,
    /// The token that comes next.
    next: usize,
    /// How deep in parentheses and negations that is.
    nested: u32,
    findings: Vec<Finding>,
}

impl Parser<'_> {
    /// One or more terms of an `or`.
    fn any(&mut self) -> Result<Expression> {
        let mut terms = vec![self.all()?];
        while self.eat(Token::Or) {
            terms.push(self.all()?);
        }
        Ok(Expression::join(terms, false))
    }

    /// One or more terms of an `and`.
    fn all(&mut self) -> Result<Expression> {
        let mut terms = vec![self.one()?];
        while self.eat(Token::And) {
            terms.push(self.one()?);
        }
        Ok(Expression::join(terms, true))
    }

    fn one(&mut self) -> Result<Expression> {
        if self.eat(Token::Not) {
            return Ok(Expression::Not(Box::new(self.within(Self::one)?)));
        }
        if self.eat(Token::Open) {
            let inner = self.within(Self::any)?;
            if !self.eat(Token::Close) {
                return Err(self.unexpected("`and`, `or` or `)`"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression> {
        let at = self.at();
        let Some(Token::Word(name)) = self.peek() else {
            return Err(self.unexpected("a comparison, as luma.mean > 3,"));
        };
        let finding = Finding::named(name).map_err(|what| fail(self.text, at, &what))?;
        self.next += 1;
        let Some(Token::Operator(operator)) = self.peek() else {
            return Err(self.unexpected("<, <=, >, >=, == or !="));
        };
        self.next += 1;
        let Some(Token::Number(number)) = self.peek() else {
            return Err(self.unexpected("a number"));
        };
        self.next += 1;
        let known = self.findings.iter().position(|known| *known == finding);
        let place = known.unwrap_or_else(|| {
            self.findings.push(finding);
            self.findings.len() - 1
        });
        Ok(Expression::Compare(place, operator, number))
    }

    /// Parses one level deeper, so that no text is as deep as the stack.
    fn within(&mut self, parse: fn(&mut Self) -> Result<Expression>) -> Result<Expression> {
        if self.nested == MOST_NESTED {
            let what = format!("more than {MOST_NESTED} parentheses and negations are nested here");
            return Err(fail(self.text, self.at(), &what));
        }
        self.nested += 1;
        let inner = parse(self);
        self.nested -= 1;
        inner
    }

    fn peek(&self) -> Option<Token<'_>> {
        self.tokens.get(self.next).map(|(token, _)| *token)
    }

    /// Where the next token stands.
    fn at(&self) -> usize {
        let next = self.tokens.get(self.next);
        next.map_or(self.text.len(), |(_, place)| place.start)
    }

    fn eat(&mut self, wanted: Token<'_>) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found = self.tokens.get(self.next).map_or_else(
            || "it ends".to_owned(),
            |(_, place)| format!("there is {}", quoted(&self.text[place.clone()])),
        );
        let what = format!("expected {wanted} where {found}");
        fail(self.text, self.at(), &what)
    }
}
