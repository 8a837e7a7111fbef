"""The card: what a model expects and how good it is, as TOML beside its ONNX file.

Only what the card needs of TOML is written here: strings, numbers, lists of them, tables. Reading is `tomllib`.
"""

import json
import tomllib
from pathlib import Path

import numpy as np

FORMAT = 1


def word(value):
    """One TOML value."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(word(v) for v in value) + "]"
    if isinstance(value, np.ndarray):
        return word(value.astype(np.float32).ravel().tolist() if value.dtype == np.float32 else value.ravel().tolist())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, for all of Unicode.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return repr(float(value))


def single(values):
    """Shortest decimals that read back to the same 32-bit floats."""
    return [float(np.format_float_positional(v, trim="0")) for v in np.asarray(values, np.float32).ravel()]


def text(card):
    """The card as TOML: plain keys first, then tables, then lists of tables."""
    lines = [f"{key} = {word(value)}" for key, value in card.items() if not is_table(value)]
    for key, value in card.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]"] + [f"{k} = {word(v)}" for k, v in value.items()]
        elif is_table(value):
            for entry in value:
                lines += ["", f"[[{key}]]"] + [f"{k} = {word(v)}" for k, v in entry.items()]
    return "\n".join(lines) + "\n"


def is_table(value):
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def write(path, card):
    """Writes the card beside its model."""
    Path(path).write_text(text(card), encoding="utf-8")


def read(path):
    """The card as a dictionary."""
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))
