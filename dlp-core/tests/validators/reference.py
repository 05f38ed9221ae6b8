"""Judges identifiers with python-stdnum: lines `module<TAB>value` in, `1` or `0` out, in the same order.

A module may be followed by a space and the name of an option of its that is switched off. `formulas.` and a name is a check of
the file beside this one.
"""

import importlib
import sys

sys.dont_write_bytecode = True

from formulas import FORMULAS  # noqa: E402

judges = {}


def judge(name):
    if name not in judges:
        family, _, formula = name.partition(".")
        if family == "formulas":
            judges[name] = FORMULAS[formula]
            return judges[name]
        module, _, option = name.partition(" ")
        is_valid = importlib.import_module("stdnum." + module).is_valid
        judges[name] = (lambda value: is_valid(value, **{option: False})) if option else is_valid
    return judges[name]


for line in sys.stdin:
    name, value = line.rstrip("\n").split("\t")
    try:
        print(int(judge(name)(value)))
    except (ValueError, IndexError, KeyError):
        # Some modules stumble over values of another shape instead of refusing them.
        print(0)
