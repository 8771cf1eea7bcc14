"""The JSON Schema validator of the package jsonschema: schema.py

Reads one case a line from stdin, `{"schema": …, "document": …}`, and writes what is wrong with the document, a line each:
`{"errors": [text, …]}`, empty if it is valid. A schema that is wrong itself ends the program.
"""

import json
import sys

from jsonschema import Draft202012Validator

for line in sys.stdin:
    case = json.loads(line)
    Draft202012Validator.check_schema(case["schema"])
    found = Draft202012Validator(case["schema"]).iter_errors(case["document"])
    errors = [f"{error.json_path}: {error.message}" for error in found]
    print(json.dumps({"errors": errors}), flush=True)
