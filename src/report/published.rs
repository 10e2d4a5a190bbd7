//! The published schemas (JSON Schema 2020-12) of what is written for programs: the files of
//! `schema/` in the repository, which this program also prints.
//!
//! They are made of the types themselves and of what is said of each field. A test sees to it that
//! they are; it says how to make them anew after a field was added.
//!
//! ```
//! let report = &framehaul::report::SCHEMAS[0];
//! assert_eq!((report.name, report.file), ("report", "schema/report.schema.json"));
//! assert!(report.text.contains("https://json-schema.org/draft/2020-12/schema"));
//! ```

/// A published schema.
#[derive(Debug)]
pub struct Published {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is the schema of.
    pub summary: &'static str,
    /// Where it lies in the repository.
    pub file: &'static str,
    /// The schema.
    pub text: &'static str,
}

/// All of them.
pub static SCHEMAS: [Published; 5] = [
    Published {
        name: "report",
        summary: "report.json, which `run --json` prints of one mode, `compare --json` of one run, and `merge --json`",
        file: "schema/report.schema.json",
        text: include_str!("../../schema/report.schema.json"),
    },
    Published {
        name: "comparison",
        summary: "what `compare --json` prints of several runs, and `run --json` of several modes",
        file: "schema/comparison.schema.json",
        text: include_str!("../../schema/comparison.schema.json"),
    },
    Published {
        name: "found",
        summary: "what `find --json` prints",
        file: "schema/found.schema.json",
        text: include_str!("../../schema/found.schema.json"),
    },
    Published {
        name: "lab",
        summary: "lab.json, which `lab --json` prints",
        file: "schema/lab.schema.json",
        text: include_str!("../../schema/lab.schema.json"),
    },
    Published {
        name: "advice",
        summary: "what `advise --json` prints",
        file: "schema/advice.schema.json",
        text: include_str!("../../schema/advice.schema.json"),
    },
];

#[cfg(test)]
pub(crate) mod tests {
    use super::super::{ComparisonData, FoundData, Judgement, Report};
    use super::*;
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;
    use serde_json::Value;
    use std::path::Path;

    /// The schema of a type as it is read (where older reports may lack fields), or as it is written.
    fn made<T: JsonSchema>(settings: SchemaSettings) -> String {
        text(settings.into_generator().into_root_schema_for::<T>().into())
    }

    /// The same of what `--json` prints with `thresholds` beside it, if there are any.
    fn printed<T: JsonSchema>(settings: SchemaSettings) -> String {
        let mut generator = settings.into_generator();
        let mut thresholds = Value::from(generator.subschema_for::<Vec<Judgement>>());
        thresholds["description"] =
            "What came of each `--fail-if` in each run, where `--json` prints this; absent without any."
                .into();
        let mut schema = Value::from(generator.into_root_schema_for::<T>());
        schema["properties"]["thresholds"] = thresholds;
        text(schema)
    }

    fn text(mut schema: Value) -> String {
        join_lines(&mut schema);
        format!("{schema:#}\n")
    }

    /// What is said of a field is wrapped in the source, and not in its schema.
    fn join_lines(schema: &mut Value) {
        if let Some(Value::String(said)) = schema.get_mut("description") {
            let paragraphs: Vec<_> = said
                .split("\n\n")
                .map(|part| part.replace('\n', " "))
                .collect();
            *said = paragraphs.join("\n\n");
        }
        match schema {
            Value::Object(fields) => fields.values_mut().for_each(join_lines),
            Value::Array(parts) => parts.iter_mut().for_each(join_lines),
            _ => {}
        }
    }

    /// Fails unless the schema of that name is what was made of its type; or makes it so.
    fn check(name: &str, made: &str) {
        let published = SCHEMAS.iter().find(|published| published.name == name);
        let published = published.unwrap();
        if std::env::var_os("FRAMEHAUL_UPDATE_SCHEMAS").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(published.file);
            std::fs::write(file, made).unwrap();
        } else if published.text != made {
            let differs = published.text.lines().zip(made.lines());
            let first = differs.into_iter().find(|(old, new)| old != new);
            panic!(
                "{} is not the schema of its type any more, first in {first:?}: see that the \
                 change is an addition, then run\n  \
                 FRAMEHAUL_UPDATE_SCHEMAS=1 cargo test --lib schema\n\
                 and commit the file with it",
                published.file
            );
        }
    }

    /// The same of a type that is only written.
    pub(crate) fn check_written<T: JsonSchema>(name: &str) {
        check(
            name,
            &made::<T>(SchemaSettings::draft2020_12().for_serialize()),
        );
    }

    #[test]
    fn each_schema_is_that_of_its_type() {
        check("report", &printed::<Report>(SchemaSettings::draft2020_12()));
        let written = SchemaSettings::draft2020_12().for_serialize();
        check("comparison", &printed::<ComparisonData>(written));
        check_written::<FoundData>("found");
    }

    #[test]
    fn every_field_of_a_report_is_described() {
        let schema: Value = serde_json::from_str(SCHEMAS[0].text).unwrap();
        fn check(path: &str, schema: &Value) {
            let properties = schema["properties"].as_object();
            for (name, property) in properties.into_iter().flatten() {
                let path = format!("{path}.{name}");
                assert!(
                    property["description"].is_string()
                        || path.ends_with(".start")
                        || path.ends_with(".end"),
                    "{path} has no description"
                );
            }
        }
        check("report", &schema);
        let types = schema["$defs"].as_object().unwrap();
        assert!(types.len() > 10);
        types.iter().for_each(|(name, schema)| check(name, schema));
    }
}
