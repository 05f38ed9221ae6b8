"""Judges identifiers with python-stdnum: lines `module<TAB>value` in, `1` or `0` out, in the same order.

A module may be followed by a space and the name of an option of its that is switched off.
"""

import importlib
import sys

judges = {}


def judge(name):
    if name not in judges:
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
