#!/usr/bin/env python3
"""Whether the experiments in Python have the names and keys of those in Rust.

    scripts/peers/lab/check.py [--run]

Reads sources: every experiment of src/lab/experiments has a script, scripts/lab-peer knows it, and what the
script calls its figures are keys there. With --run every script is run with --quick, and it is the figures
printed whose keys are looked up; then none may be below zero. It needs python3 alone, and NumPy with --run.
"""

import ast
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
EXPERIMENTS = os.path.join(ROOT, "src", "lab", "experiments")
LAB_PEER = os.path.join(ROOT, "scripts", "lab-peer")
# A key with one of a few names in it, as `f"{name}_fps"`: any name does.
ANY = "*"


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rust_sources(module):
    """One file, or all of a folder, without tests."""
    path = os.path.join(EXPERIMENTS, module)
    files = [path + ".rs"] if os.path.exists(path + ".rs") else [
        os.path.join(path, name) for name in sorted(os.listdir(path))]
    return "\n".join(text(file).split("#[cfg(test)]")[0] for file in files)


def rust_experiments():
    """The source of each, by name."""
    modules = re.findall(r"^mod (\w+);", text(os.path.join(EXPERIMENTS, "mod.rs")), re.MULTILINE)
    sources = map(rust_sources, modules)
    return {re.search(r'Experiment \{\s*name: "([\w-]+)"', source).group(1): source for source in sources}


def rust_words(source):
    """All strings that look like a key: the keys, and some more."""
    return set(re.findall(r'"([a-z][a-z0-9_]*)"', source))


def key_of(node):
    """A key as written, or a pattern of it; None for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else ANY for part in node.values)
    return None


def returned(function):
    """The dicts that a function returns, and what it puts into its `figures`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
            yield from node.value.keys
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Subscript) and getattr(target.value, "id", None) == "figures":
                yield target.slice
            elif getattr(target, "id", None) == "figures" and isinstance(node.value, ast.Dict):
                yield from node.value.keys


# Functions that return dicts of something else than figures.
OTHERS = {"of_pool"}


def python_keys(script):
    functions = [node for node in ast.parse(text(script)).body
                 if isinstance(node, ast.FunctionDef) and node.name not in OTHERS]
    keys = {key_of(node) for function in functions for node in returned(function)}
    return keys - {None}


def is_known(key, words):
    pattern = re.compile("[a-z0-9_]+".join(map(re.escape, key.split(ANY))))
    return any(pattern.fullmatch(word) for word in words)


def printed_keys(script, name, faults):
    command = [sys.executable, script, "--quick"]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if said.returncode != 0:
        faults.append(f"{name}: it ends with {said.returncode}")
        return set()
    said = json.loads(said.stdout)
    figures = said["figures"]
    print(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()), *said["notes"],
          sep="\n  ", flush=True)
    # An exponent may be.
    faults += [f"{name}: {key} is {value}" for key, value in figures.items()
               if value < 0 and not key.endswith("_exponent")]
    if not figures:
        faults.append(f"{name}: it has no figures")
    return set(figures)


def main():
    if set(sys.argv[1:]) - {"--run"}:
        sys.exit(__doc__)
    faults = []
    listed = re.search(r"^names=\(([^)]*)\)", text(LAB_PEER), re.MULTILINE).group(1).split()
    experiments = rust_experiments()
    if sorted(listed) != sorted(experiments):
        faults.append(f"scripts/lab-peer has other names: {sorted(set(listed) ^ set(experiments))}")
    keys = 0
    for name, source in experiments.items():
        script = os.path.join(HERE, name.replace("-", "_") + ".py")
        if not os.path.exists(script):
            faults.append(f"{name}: there is no {os.path.relpath(script, ROOT)}")
            continue
        found = python_keys(script)
        if "--run" in sys.argv:
            seen, found = found, printed_keys(script, name, faults)
            faults += [f"{name}: {key!r} is not seen in its source" for key in sorted(found)
                       if not any(is_known(pattern, {key}) for pattern in seen)]
        keys += len(found)
        words = rust_words(source)
        faults += [f"{name}: no figure {key!r} in src/lab/experiments" for key in sorted(found)
                   if not is_known(key, words)]
        if not found:
            faults.append(f"{name}: no keys are seen in its script")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(f"{len(experiments)} experiments, {keys} keys: all are those of src/lab/experiments")
    return 0


if __name__ == "__main__":
    sys.exit(main())
