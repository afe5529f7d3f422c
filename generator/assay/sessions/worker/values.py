"""What a probe finds in a session, as data.

Law: numbers travel as text, so that nothing is rounded on the way.
"""

import numbers
import re

STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]""")


def probe(namespace, path):
    """Follow a dotted or indexed path (`sizes.total`, `steps[0]`) and return what is there."""
    try:
        found, first = None, True
        for name, index, single, double in STEP.findall(path):
            near = list(namespace) if first else near_names(found)
            try:
                if first:
                    found = namespace[name]
                elif name:
                    found = getattr(found, name)
                else:
                    found = found[int(index) if index else single or double]
            except (KeyError, AttributeError, IndexError, TypeError):
                shown = [str(n) for n in near if not str(n).startswith("__")]
                inside = type(found).__name__
                return {"kind": "missing", "near": shown[:200], "text": inside}
            first = False
        return value(found)
    except BaseException as error:
        return {"kind": "other", "text": f"raised {type(error).__name__} when read"}


def near_names(found):
    if isinstance(found, dict):
        return [key if isinstance(key, str) else f"[{key!r}]" for key in found]
    if isinstance(found, (list, tuple)):
        return [f"[{i}]" for i in range(len(found))]
    return dir(found)


def value(found):
    if isinstance(found, bool):
        return {"kind": "bool", "text": str(found)}
    if isinstance(found, numbers.Integral):
        return {"kind": "int", "text": str(int(found))}
    if isinstance(found, numbers.Real) and not isinstance(found, float):
        found = float(found)
    if isinstance(found, float):
        return {"kind": "float", "text": float.__repr__(found)}
    if isinstance(found, str):
        return {"kind": "str", "text": found[:10_000]}
    if type(found).__module__ == "decimal":
        return {"kind": "float", "text": str(found) if found.is_finite() else repr(float(found))}
    if callable(getattr(found, "item", None)) and getattr(found, "ndim", 1) == 0:
        return value(found.item())  # a 0-dim tensor or a numpy scalar
    return {"kind": "other", "text": f"{type(found).__name__}: {found!r}"[:200]}
