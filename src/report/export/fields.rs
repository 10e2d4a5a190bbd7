//! JSON as the cells of a table: a column a field, named by its path, in the order of the text.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// A value whose fields are as they were written down: [`Value`] has them in another order.
#[derive(Debug)]
pub(super) enum Node {
    /// A number, a word, nothing, or a list.
    Leaf(Value),
    Fields(Vec<(String, Node)>),
}

impl Node {
    /// Each leaf with its path: `luma.mean`.
    pub(super) fn leaves(&self) -> Vec<(String, &Value)> {
        let mut leaves = Vec::new();
        self.gather("", &mut leaves);
        leaves
    }

    fn gather<'a>(&'a self, path: &str, leaves: &mut Vec<(String, &'a Value)>) {
        match self {
            Self::Leaf(value) => leaves.push((path.to_owned(), value)),
            Self::Fields(fields) => {
                for (name, node) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    node.gather(&format!("{path}{dot}{name}"), leaves);
                }
            }
        }
    }
}

/// A value as the text of a cell: nothing is empty, a list is JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Cells as a line of CSV (RFC 4180, but for the line's end, which is that of text here).
pub(super) fn line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let mut line = String::new();
    for (column, cell) in cells.into_iter().enumerate() {
        let cell = cell.as_ref();
        if column > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsWritten)
    }
}

struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element::<Value>()? {
            values.push(value);
        }
        Ok(Node::Leaf(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_by_their_paths_in_the_order_of_the_text() {
        let node: Node = serde_json::from_str(
            r#"{"z":1,"a":{"y":null,"b":{"c":-0.1}},"list":[1,{"x":2}],"word":"é","is":true,"none":{}}"#,
        )
        .unwrap();
        let leaves = node.leaves();
        let named: Vec<_> = leaves
            .iter()
            .map(|(name, value)| (&**name, text(value)))
            .collect();
        let expected = [
            ("z", "1"),
            ("a.y", ""),
            ("a.b.c", "-0.1"),
            ("list", r#"[1,{"x":2}]"#),
            ("word", "é"),
            ("is", "true"),
        ];
        assert_eq!(
            named,
            expected.map(|(name, value)| (name, value.to_owned()))
        );
    }

    #[test]
    fn numbers_are_as_they_were_written() {
        let text_of = |json: &str| {
            let node: Node = serde_json::from_str(json).unwrap();
            text(node.leaves()[0].1)
        };
        for number in ["28437.678266782408", "18446744073709551615", "-3", "0.1"] {
            assert_eq!(text_of(number), number);
        }
    }

    #[test]
    fn cells_that_need_it_are_quoted() {
        assert_eq!(line(["a", "", "b c"]), "a,,b c\n");
        assert_eq!(
            line(["1,5", "say \"no\"", "two\nlines"]),
            "\"1,5\",\"say \"\"no\"\"\",\"two\nlines\"\n"
        );
    }
}
