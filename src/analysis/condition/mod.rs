//! Conditions on findings.

mod parse;

use super::Analysis;
use super::registry::{nearest, registry};
use crate::error::{Error, Result};
pub(crate) use parse::quoted;
use serde_json::Value;
use std::fmt;

/// A condition on the findings of a frame, checked.
///
/// ```text
/// condition  = all { ("or" | "||") all }
/// all        = one { ("and" | "&&") one }
/// one        = ("not" | "!") one | "(" condition ")" | comparison
/// comparison = finding ("<" | "<=" | ">" | ">=" | "==" | "!=") number
/// finding    = "frame" | ANALYZER "." FIELD
/// ```
///
/// So `not` binds tighter than `and`, and that tighter than `or`. Numbers are decimal (`3`, `-2.5`,
/// `1e-3`) and compared in double precision; the fields are [`super::Entry::fields`].
///
/// A finding may be null: the motion of a frame whose predecessor could not be read. A comparison
/// with it is neither true nor false, and neither is its `not`; `and` and `or` are what their other
/// terms make them, where those decide, and else neither. It is SQL's logic, and what is true, and
/// nothing else, meets the condition.
///
/// ```
/// use framehaul::analysis::Condition;
/// let condition = Condition::parse("luma.mean>3 && !(frame < 10)")?;
/// assert_eq!(condition.to_string(), "luma.mean > 3 and not frame < 10");
/// assert_eq!(condition.analysis().names(), ["luma"]);
/// assert_eq!(condition.findings(), ["luma.mean", "frame"]);
///
/// let line = r#"{"frame":12,"luma":{"min":1,"max":4,"mean":2.5}}"#;
/// let evaluation = condition.evaluate(line)?;
/// assert!(!evaluation.met);
/// assert_eq!(evaluation.values[0], ("luma.mean".to_owned(), Some(2.5)));
///
/// let error = Condition::parse("frame < 10 or lumma.mean > 3").unwrap_err().to_string();
/// assert!(error.contains("column 15"), "{error}");
/// assert!(error.contains("did you mean luma.mean?"), "{error}");
/// # Ok::<(), framehaul::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    expression: Expression,
    /// What it looks at, each once, in the order of its text.
    findings: Vec<Finding>,
}

/// What came of a condition on one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Whether it is true, rather than false or neither.
    pub met: bool,
    /// Every finding that it names, once, in the order of its text, as `luma.mean`, and its value;
    /// none where that is null.
    pub values: Vec<(String, Option<f64>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    /// The finding of that number, compared.
    Compare(usize, Operator, f64),
    Not(Box<Self>),
    /// Two or more, none of them an `And`: a long chain is long, not deep.
    And(Vec<Self>),
    /// Two or more, none of them an `Or`.
    Or(Vec<Self>),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// A number in a line of findings: the frame's, or a field of an analyzer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Finding {
    analyzer: Option<&'static str>,
    field: &'static str,
}

impl Finding {
    /// All that can be named.
    fn all() -> impl Iterator<Item = Self> {
        let frame = Self {
            analyzer: None,
            field: "frame",
        };
        let fields = registry().iter().flat_map(|entry| {
            entry.fields.iter().map(|field| Self {
                analyzer: Some(entry.name),
                field,
            })
        });
        std::iter::once(frame).chain(fields)
    }

    /// The finding of that name, or a sentence with those that there are.
    fn named(name: &str) -> Result<Self, String> {
        let mut candidates: Vec<(String, Self)> = Self::all()
            .map(|finding| (finding.to_string(), finding))
            .collect();
        if let Some((_, finding)) = candidates.iter().find(|(known, _)| known == name) {
            return Ok(*finding);
        }
        let analyzer = name.split('.').next();
        if candidates.iter().any(|(_, f)| f.analyzer == analyzer) {
            candidates.retain(|(_, finding)| finding.analyzer == analyzer);
        }
        let names: Vec<&str> = candidates.iter().map(|(known, _)| known.as_str()).collect();
        let near = nearest(name, names.iter().copied(), |known| known)
            .map(|known| format!("; did you mean {known}?"))
            .unwrap_or_default();
        let (name, names) = (quoted(name), names.join(", "));
        Err(format!(
            "no finding is called {name}{near} (there are {names})"
        ))
    }

    /// Its value in a line of findings.
    fn value(self, line: &Value) -> Result<Option<f64>> {
        let findings = match self.analyzer {
            Some(analyzer) => line.get(analyzer),
            None => Some(line),
        };
        match findings.and_then(|findings| findings.get(self.field)) {
            Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            _ => Err(Error::Failed(format!("no {self} was found: {line}"))),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.analyzer {
            Some(analyzer) => write!(f, "{analyzer}.{}", self.field),
            None => f.write_str(self.field),
        }
    }
}

impl Condition {
    /// Parses a condition; the grammar is [above](Self).
    ///
    /// # Errors
    /// [`Error::Usage`]: what is wrong, and at which column, counted in characters from 1.
    pub fn parse(text: &str) -> Result<Self> {
        let (expression, findings) = parse::expression(text)?;
        if findings.iter().all(|finding| finding.analyzer.is_none()) {
            let what = "only frame numbers are compared; compare a finding too, as luma.mean";
            return Err(parse::fail(text, 0, what));
        }
        Ok(Self {
            expression,
            findings,
        })
    }

    /// The analyzers whose findings it looks at.
    ///
    /// # Panics
    /// Never: it has named at least one since it was parsed.
    pub fn analysis(&self) -> Analysis {
        let names: Vec<_> = self.findings.iter().filter_map(|f| f.analyzer).collect();
        Analysis::parse(&names.join(","))
            .expect("they come from the registry and need no parameter")
    }

    /// What it looks at, each finding once, in the order of its text; the order of
    /// [`Evaluation::values`] too.
    pub fn findings(&self) -> Vec<String> {
        self.findings.iter().map(Finding::to_string).collect()
    }

    /// Every finding that a condition can name: `frame`, `luma.min` and so on.
    ///
    /// ```
    /// let known = framehaul::analysis::Condition::all_findings();
    /// assert!(known.contains(&"motion.mean_abs_diff".to_owned()));
    /// ```
    pub fn all_findings() -> Vec<String> {
        Finding::all().map(|finding| finding.to_string()).collect()
    }

    /// Whether a frame meets the condition, by its line of `findings.jsonl`.
    ///
    /// # Errors
    /// [`Error::Failed`] for the line of a frame that failed, with the reason, and for one that
    /// lacks a finding or is no line of findings.
    pub fn evaluate(&self, line: &str) -> Result<Evaluation> {
        let no_line = |error| Error::Failed(format!("no line of findings ({error}): {line}"));
        let line: Value = serde_json::from_str(line).map_err(no_line)?;
        if let Some(why) = line.get("error").and_then(Value::as_str) {
            return Err(Error::Failed(format!(
                "frame {} failed: {why}",
                line["frame"]
            )));
        }
        let values = self.findings.iter().map(|finding| finding.value(&line));
        let values: Vec<_> = values.collect::<Result<_>>()?;
        let met = self.expression.evaluate(&values) == Some(true);
        let values = self.findings().into_iter().zip(values).collect();
        Ok(Evaluation { met, values })
    }
}

impl Expression {
    /// True, false, or neither.
    fn evaluate(&self, values: &[Option<f64>]) -> Option<bool> {
        // One `decisive` term decides; the rest must be known for the other answer.
        let all_but = |decisive: bool, terms: &[Self]| {
            let mut answer = Some(!decisive);
            for term in terms {
                match term.evaluate(values) {
                    Some(known) if known == decisive => return Some(decisive),
                    Some(_) => {}
                    None => answer = None,
                }
            }
            answer
        };
        match self {
            Self::Compare(finding, operator, number) => {
                values[*finding].map(|value| operator.holds(value, *number))
            }
            Self::Not(term) => term.evaluate(values).map(|known| !known),
            Self::And(terms) => all_but(false, terms),
            Self::Or(terms) => all_but(true, terms),
        }
    }

    /// Several terms joined, or the one that there is.
    fn join(mut terms: Vec<Self>, and: bool) -> Self {
        if terms.len() == 1 {
            return terms.remove(0);
        }
        let flat = terms.into_iter().flat_map(|term| match term {
            Self::And(terms) if and => terms,
            Self::Or(terms) if !and => terms,
            other => vec![other],
        });
        let flat = flat.collect();
        if and { Self::And(flat) } else { Self::Or(flat) }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, findings: &[Finding]) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, terms: &[Self], between| {
            for (i, term) in terms.iter().enumerate() {
                if i > 0 {
                    f.write_str(between)?;
                }
                // Among the terms of an `And`.
                term.write_within(f, findings, matches!(term, Self::Or(_)))?;
            }
            Ok(())
        };
        match self {
            Self::Compare(finding, operator, number) => {
                write!(f, "{} {} ", findings[*finding], operator.symbol())?;
                let size = number.abs();
                if size == 0.0 || (1e-5..1e16).contains(&size) {
                    write!(f, "{number}")
                } else {
                    write!(f, "{number:e}")
                }
            }
            Self::Not(term) => {
                f.write_str("not ")?;
                let lists = matches!(**term, Self::And(_) | Self::Or(_));
                term.write_within(f, findings, lists)
            }
            Self::And(terms) => list(f, terms, " and "),
            Self::Or(terms) => list(f, terms, " or "),
        }
    }

    fn write_within(
        &self,
        f: &mut fmt::Formatter<'_>,
        findings: &[Finding],
        parentheses: bool,
    ) -> fmt::Result {
        if !parentheses {
            return self.write(f, findings);
        }
        f.write_str("(")?;
        self.write(f, findings)?;
        f.write_str(")")
    }
}

/// In one spelling, whatever was typed.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.write(f, &self.findings)
    }
}

impl Operator {
    /// All of them; none is the beginning of one that comes after it.
    pub(crate) const ALL: [Self; 6] = [
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::Greater,
    ];

    pub(crate) fn holds(self, value: f64, number: f64) -> bool {
        match self {
            Self::Less => value < number,
            Self::LessOrEqual => value <= number,
            Self::Greater => value > number,
            Self::GreaterOrEqual => value >= number,
            Self::Equal => value == number,
            Self::NotEqual => value != number,
        }
    }

    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

#[cfg(test)]
mod tests;
