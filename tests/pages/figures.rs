//! What a figure of a page says it is, looked up in a report.

use serde_json::Value;

/// The value of paths with `+`, `-`, `*` and `/` between them, carried out from left to right. A
/// single path may be of anything; nothing is divided by 0.
pub(crate) fn evaluate(report: &Value, expression: &str) -> Value {
    let mut words = expression.split(' ').peekable();
    let mut term = || {
        // A key may be several words.
        let mut path: Vec<&str> = words.next().into_iter().collect();
        while let Some(word) = words.next_if(|word| !is_operator(word)) {
            path.push(word);
        }
        (look_up(report, &path.join(" ")), words.next())
    };
    let (mut value, mut operator) = term();
    while let Some(sign) = operator {
        let (next, following) = term();
        let (one, other) = (number(&value), number(&next));
        value = match sign {
            "+" => one + other,
            "-" => one - other,
            "*" => one * other,
            _ => one / other.max(1.0),
        }
        .into();
        operator = following;
    }
    value
}

fn is_operator(word: &str) -> bool {
    ["+", "-", "*", "/"].contains(&word)
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn look_up(report: &Value, path: &str) -> Value {
    if let Ok(number) = path.parse::<f64>() {
        return number.into();
    }
    let found = path.split('.').try_fold(report, |value, key| match value {
        Value::Array(all) => all.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    });
    found
        .unwrap_or_else(|| panic!("no {path} in the report"))
        .clone()
}

/// Whether a figure has the very value, or what is left of it after a few roundings.
pub(crate) fn is_same(figure: &str, expected: &Value) -> bool {
    match expected.as_f64() {
        Some(number) => {
            let figure: f64 = figure.parse().unwrap_or(f64::NAN);
            (figure - number).abs() <= 1e-12 * number.abs()
        }
        None => serde_json::from_str::<Value>(figure).is_ok_and(|figure| figure == *expected),
    }
}

#[test]
fn expressions_are_carried_out_from_left_to_right() {
    let report = serde_json::json!({ "a": { "b": [1, 2.5] }, "no slot": 4, "yes": true });
    for (expression, expected) in [
        ("a.b.1", 2.5),
        ("a.b.0 + a.b.1 / no slot", 0.875),
        ("a.b.1 * 3", 7.5),
        ("no slot - a.b.0", 3.0),
    ] {
        assert_eq!(
            evaluate(&report, expression).as_f64(),
            Some(expected),
            "{expression}"
        );
    }
    assert!(is_same("true", &evaluate(&report, "yes")));
    assert!(is_same("2.5", &report["a"]["b"][1]) && !is_same("2.6", &report["a"]["b"][1]));
}
