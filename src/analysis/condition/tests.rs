use super::*;
use crate::analysis::Engine;
use crate::frame::{Colour, FrameFormat, FrameView, Sample};
use proptest::prelude::*;

const LINE: &str =
    r#"{"frame":7,"luma":{"min":1,"max":4,"mean":2.5},"motion":{"mean_abs_diff":null}}"#;

fn met(text: &str) -> bool {
    Condition::parse(text).unwrap().evaluate(LINE).unwrap().met
}

#[test]
fn operators_bind_as_documented_in_either_spelling() {
    for (text, expected) in [
        ("luma.mean > 2.4", true),
        ("luma.mean > 2.5", false),
        ("luma.mean >= 2.5", true),
        ("luma.mean<=25e-1", true),
        ("luma.mean < 2.5", false),
        ("luma.mean == +2.5", true),
        ("luma.mean != 2.5", false),
        ("luma.min > -.5", true),
        ("luma.min == 1 or luma.max == 0 and frame == 0", true),
        ("(luma.min == 1 or luma.max == 0) and frame == 0", false),
        ("not luma.min == 1 or luma.max == 4", true),
        ("not (luma.min == 1 or luma.max == 4)", false),
        ("!luma.min == 0&&!!(luma.max == 4)||frame<0", true),
        ("NOT luma.min == 1 AND frame == 7 OR frame == 7", true),
    ] {
        assert_eq!(met(text), expected, "{text}");
    }
}

#[test]
fn null_is_neither_true_nor_false() {
    const NULL: &str = "motion.mean_abs_diff > 3";
    for (text, expected) in [
        (NULL.to_owned(), false),
        (format!("not {NULL}"), false),
        (format!("{NULL} or luma.min == 1"), true),
        (format!("{NULL} or luma.min == 0"), false),
        (format!("not ({NULL} and luma.min == 0)"), true),
        (format!("not ({NULL} or luma.min == 0)"), false),
        (format!("not ({NULL} and luma.min == 1)"), false),
    ] {
        assert_eq!(met(&text), expected, "{text}");
    }
}

#[test]
fn what_was_looked_at_is_told_in_order_and_once() {
    let text = "motion.mean_abs_diff > 3 and frame > 1 and luma.mean > 9 and frame > 2";
    let condition = Condition::parse(text).unwrap();
    assert_eq!(condition.analysis().names(), ["motion", "luma"]);
    let values = condition.evaluate(LINE).unwrap().values;
    let expected = [
        ("motion.mean_abs_diff", None),
        ("frame", Some(7.0)),
        ("luma.mean", Some(2.5)),
    ];
    assert_eq!(
        values,
        expected.map(|(name, value)| (name.to_owned(), value))
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_a_sentence_that_points_at_it() {
    let deep = "(".repeat(1_000_000);
    let long = format!("luma.mean > 1 and {}", "x".repeat(1_000_000));
    for (text, column, says) in [
        (
            "",
            1,
            "expected a comparison, as luma.mean > 3, where it ends",
        ),
        (
            "luma.mean",
            10,
            "expected <, <=, >, >=, == or != where it ends",
        ),
        ("luma.mean > ", 13, "expected a number where it ends"),
        ("luma.mean = 3", 11, "write =="),
        (
            "luma.mean > 3 luma.min > 3",
            15,
            "expected `and`, `or` or the end where there is `luma.min`",
        ),
        (
            "(luma.mean > 3",
            15,
            "expected `and`, `or` or `)` where it ends",
        ),
        ("luma.mean > 3)", 14, "where there is `)`"),
        (
            "3 < luma.mean",
            1,
            "expected a comparison, as luma.mean > 3, where there is `3`",
        ),
        ("0 < luma.mean < 3", 1, "where there is `0`"),
        (
            "luma.mean > luma.min",
            13,
            "expected a number where there is `luma.min`",
        ),
        ("luma.mean > 3.4.5", 13, "`3.4.5` is no number"),
        ("luma.mean > 1e999", 13, "`1e999` is no number"),
        (
            "luma.mean > nan",
            13,
            "expected a number where there is `nan`",
        ),
        ("luma.mean > -inf", 13, "`-inf` is no number"),
        ("luma.mean > - 3", 13, "`-` has no place"),
        ("luma.mean > 3 & frame > 3", 15, "`&` has no place"),
        ("luma.mean\t≥ 3", 11, "`≥` has no place"),
        (
            "frame > 1 and ü.ä > 3",
            15,
            "no finding is called `ü.ä` (there are frame, luma.min,",
        ),
        ("lumma.mean > 3", 1, "did you mean luma.mean?"),
        (
            "luma.maen > 3",
            1,
            "did you mean luma.mean? (there are luma.min, luma.max, luma.mean)",
        ),
        ("luma > 3", 1, "(there are luma.min, luma.max, luma.mean)"),
        (
            "thumbnail.width > 3",
            1,
            "no finding is called `thumbnail.width`",
        ),
        ("frame > 3", 1, "only frame numbers"),
        (&deep, 65 + 1, "more than 64"),
        (&long, 19, "xxx…`"),
    ] {
        let error = Condition::parse(text).unwrap_err();
        assert!(matches!(error, Error::Usage(_)));
        let error = error.to_string();
        let start = format!("column {column} of the condition: ");
        assert!(
            error.starts_with(&start) && error.contains(says),
            "{says}: {error}"
        );
        assert!(error.len() < 400 && !error.contains('\n'), "{error}");
    }
}

#[test]
fn long_conditions_are_not_deep_and_deep_ones_are_refused() {
    let long = vec!["luma.mean > 3"; 100_000].join(" and ");
    assert!(!met(&long));
    let nested = |depth| {
        let text = format!(
            "{}luma.mean > 3{}",
            "not (".repeat(depth),
            ")".repeat(depth)
        );
        Condition::parse(&text)
    };
    assert!(nested(32).is_ok());
    assert!(nested(33).is_err());
}

#[test]
fn lines_that_cannot_be_judged_are_refused_by_a_sentence() {
    let condition = Condition::parse("luma.mean > 3").unwrap();
    for (line, says) in [
        (
            r#"{"frame":3,"error":"no file"}"#,
            "frame 3 failed: no file",
        ),
        (r#"{"frame":3}"#, "no luma.mean was found"),
        (
            r#"{"frame":3,"luma":{"mean":"3"}}"#,
            "no luma.mean was found",
        ),
        ("{", "no line of findings"),
    ] {
        let error = condition.evaluate(line).unwrap_err().to_string();
        assert!(error.contains(says), "{line}: {error}");
    }
}

/// The registry's fields are the numbers that are found.
#[test]
fn every_number_that_is_found_can_be_named_and_no_other() {
    let format = FrameFormat::new(3, 2, Colour::Gray, Sample::U8);
    let frame = FrameView::new(format, &[1, 2, 3, 4, 5, 6]).unwrap();
    for entry in registry().iter().filter(|entry| entry.parameter.is_none()) {
        let analysis = Analysis::parse(entry.name).unwrap();
        let line = Engine::new(&analysis, format).analyze(0, frame);
        let line: Value = serde_json::from_str(&line).unwrap();
        let found = line[entry.name].as_object().unwrap().iter();
        let mut found: Vec<_> = found
            .filter(|(_, value)| value.is_number())
            .map(|(key, _)| key)
            .collect();
        let mut fields = entry.fields.to_vec();
        found.sort();
        fields.sort_unstable();
        assert_eq!(found, fields);
        for field in fields {
            let condition = Condition::parse(&format!("{}.{field} >= 0", entry.name)).unwrap();
            assert_eq!(condition.analysis(), analysis);
            assert!(condition.evaluate(&line.to_string()).unwrap().met);
        }
    }
    let with_parameter = registry().iter().filter(|entry| entry.parameter.is_some());
    for entry in with_parameter {
        assert!(entry.fields.is_empty(), "{}", entry.name);
    }
}

/// A condition as a tree of pairs, to be written with all parentheses or as few as are needed.
#[derive(Clone, Debug)]
enum Tree {
    Compare(Finding, &'static str, f64),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Compare(finding, operator, number) => format!("({finding}{operator}{number:?})"),
            Self::Not(term) => format!("(!{})", term.text()),
            Self::And(a, b) => format!("({}&&{})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}||{})", a.text(), b.text()),
        }
    }

    /// By tables: the less of two for `and`, the greater for `or`, in the order false, neither,
    /// true.
    fn value(&self, line: &Value) -> i32 {
        match self {
            Self::Compare(finding, operator, number) => match finding.value(line).unwrap() {
                None => 0,
                Some(value) => {
                    let order = value.partial_cmp(number).unwrap();
                    let holds = match *operator {
                        "<" => order.is_lt(),
                        "<=" => order.is_le(),
                        ">" => order.is_gt(),
                        ">=" => order.is_ge(),
                        "==" => order.is_eq(),
                        _ => order.is_ne(),
                    };
                    if holds { 1 } else { -1 }
                }
            },
            Self::Not(term) => -term.value(line),
            Self::And(a, b) => a.value(line).min(b.value(line)),
            Self::Or(a, b) => a.value(line).max(b.value(line)),
        }
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let known: Vec<Finding> = Finding::all()
        .filter(|f| matches!(f.analyzer, None | Some("luma" | "motion")))
        .collect();
    let operators = vec!["<", "<=", ">", ">=", "==", "!="];
    let number = prop_oneof![
        prop::sample::select(vec![0.0, 1.0, 2.5, 4.0, 7.0]),
        prop::num::f64::ANY.prop_filter("numbers only", |number| number.is_finite()),
    ];
    let leaf = (
        prop::sample::select(known),
        prop::sample::select(operators),
        number,
    )
        .prop_map(|(finding, operator, number)| Tree::Compare(finding, operator, number));
    leaf.prop_recursive(6, 40, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|a| Tree::Not(a.into())),
            pair.clone()
                .prop_map(|(a, b)| Tree::And(a.into(), b.into())),
            pair.prop_map(|(a, b)| Tree::Or(a.into(), b.into())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text: String) {
        let _ = Condition::parse(&text);
    }

    #[test]
    fn any_tokens_are_parsed_or_refused(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "luma.mean", "luma", ".", "frame", "<", "=", "==", "!", "(", ")", "and", "||", "not",
                "3", "-", "e", " ", "é",
            ]),
            0..20,
        ),
    ) {
        let _ = Condition::parse(&tokens.concat());
    }

    #[test]
    fn every_condition_means_what_its_tree_means_and_reads_back_as_itself(tree in any_tree()) {
        // A frame's number alone is no condition; this changes nothing else.
        let text = format!("{} || luma.min < 0", tree.text());
        let condition = Condition::parse(&text).unwrap();
        let line: Value = serde_json::from_str(LINE).unwrap();
        let met = tree.value(&line) == 1;
        prop_assert_eq!(condition.evaluate(LINE).unwrap().met, met);
        let again = Condition::parse(&condition.to_string()).unwrap();
        prop_assert_eq!(again.evaluate(LINE).unwrap().met, met);
        prop_assert_eq!(again, condition);
    }
}
