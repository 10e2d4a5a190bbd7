"""Tells of JSON files, one a line on standard input with its schema, whether they are what it says.

No object may have a field that the schema does not know: readers may ignore those, writers have none.
"""

import json
import pathlib
import sys

import jsonschema

SCHEMAS = pathlib.Path(sys.argv[1])


def strict(schema):
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema))


def main():
    validators = {}
    for line in sys.stdin:
        name, path = line.rstrip("\n").split("\t")
        if name not in validators:
            validators[name] = validator(name)
        found = json.loads(pathlib.Path(path).read_text())
        errors = validators[name].iter_errors(found)
        said = [f"{error.json_path}: {error.message[:300]}" for error in errors]
        print("; ".join(said).replace("\n", " ") or "ok", flush=True)


if __name__ == "__main__":
    main()
