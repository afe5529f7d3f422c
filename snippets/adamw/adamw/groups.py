"""A parameter group that torch sees as one of torch.optim.AdamW's.

Law: iterating a group, as torch does to save, flatten and load it, gives torch's options alone; the
four that say how this optimizer works are read and set by name like the others, and never saved. So
a checkpoint of either class is one of the other, in `torch.distributed.checkpoint` too, which asks
a checkpoint for each key of the group that it loads into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWN_OPTIONS = ("backend", "state_dtype", "rounding", "seed")
"""Options that say how this optimizer works; a checkpoint has none of them and changes none."""


class Group(dict[str, Any]):
    """Torch's options of a group, and beside them, by name alone, this optimizer's own."""

    own: dict[str, Any]

    @classmethod
    def of(cls, options: Mapping[str, Any], otherwise: Mapping[str, Any]) -> Group:
        """Return options as a group; own options that it lacks are as in otherwise."""
        found = {name: options[name] for name in OWN_OPTIONS if name in options}
        group = cls((name, options[name]) for name in options if name not in OWN_OPTIONS)
        group.own = {name: otherwise[name] for name in OWN_OPTIONS} | found
        return group

    def __missing__(self, name: str) -> Any:
        return self.own[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in OWN_OPTIONS

    def __setitem__(self, name: str, value: Any) -> None:
        if name in OWN_OPTIONS:
            self.own[name] = value
        else:
            super().__setitem__(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an option by name, torch's or own."""
        return super().get(name, self.own.get(name, default))
