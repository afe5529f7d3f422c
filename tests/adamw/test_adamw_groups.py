"""Groups: torch saves and loads its own options of them; this optimizer keeps its own apart."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from adamw import AdamW
from adamw.groups import OWN_OPTIONS, Group

from .training import parameters, params_of, train

OWN: dict[str, Any] = {
    "backend": "reference",
    "state_dtype": torch.float32,
    "rounding": "stochastic",
    "seed": 5,
}


def test_every_own_option_is_read_and_set_by_name_and_never_listed() -> None:
    """What torch iterates of a group, live or saved, is what torch.optim.AdamW's group has."""
    torchs = torch.optim.AdamW(parameters()).state_dict()["param_groups"][0]
    optimizer = AdamW(parameters(), **OWN)
    (group,) = optimizer.param_groups
    assert set(OWN) == set(OWN_OPTIONS)
    assert set(group) == set(torchs)
    assert optimizer.state_dict()["param_groups"][0] == torchs
    for name, value in OWN.items():
        assert name in group
        assert (group[name], group.get(name)) == (value, value)
    group["seed"] = 7
    assert (group["seed"], set(group)) == (7, set(torchs))
    with pytest.raises(KeyError, match="momentum"):
        group["momentum"]
    assert group.get("momentum", 3) == 3


def test_groups_have_own_options_of_their_own() -> None:
    """A group keeps what it was given, and has the arguments' values for the rest."""
    a, b, c = parameters()
    optimizer = AdamW([{"params": [a], "seed": 1}, {"params": [b]}], seed=2, state_dtype="8bit")
    optimizer.add_param_group({"params": [c], "backend": "reference"})
    found = [(g["seed"], g["backend"], g["state_dtype"]) for g in optimizer.param_groups]
    assert found == [(1, "auto", "8bit"), (2, "auto", "8bit"), (2, "reference", "8bit")]


@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_keeps_own_options_apart(how: Any) -> None:
    """Copies and pickles carry each group's own options, and changing one changes no other."""
    optimizer = AdamW(parameters(), **OWN)
    twin = how(optimizer)
    twin.param_groups[0]["seed"] = 9
    assert {name: optimizer.param_groups[0][name] for name in OWN} == OWN
    assert {name: twin.param_groups[0][name] for name in OWN} == {**OWN, "seed": 9}


def test_a_load_leaves_own_options_as_they_were() -> None:
    """A checkpoint sets lr and the like; own options stay, even where an old one has them."""
    source = AdamW(parameters(), lr=0.5, seed=1, backend="foreach")
    train(source, 1, seed=1)
    saved = source.state_dict()
    old = {**saved, "param_groups": [{**g, **OWN, "seed": 3} for g in saved["param_groups"]]}
    for state in (saved, old):
        optimizer = AdamW([p.detach() for p in params_of(source)], **OWN)
        optimizer.load_state_dict(state)
        (group,) = optimizer.param_groups
        assert group["lr"] == 0.5
        assert {name: group[name] for name in OWN} == OWN
        assert isinstance(group, Group)
        assert not set(OWN) & set(group)


def test_groups_that_someone_replaced_by_dicts_still_step() -> None:
    """A wrapper that assigns plain dicts gets the arguments' own options."""
    optimizer = AdamW(parameters(), seed=4)
    optimizer.param_groups = [{**group} for group in optimizer.param_groups]
    train(optimizer, 1, seed=1)
    assert optimizer.param_groups[0]["seed"] == 4


def test_repr_shows_own_options() -> None:
    """Printed, each group shows how it is stepped, beside torch's options."""
    a, b, _ = parameters()
    text = repr(AdamW([{"params": [a]}, {"params": [b], "seed": 1}], rounding="master"))
    assert "Parameter Group 0: backend='auto', state_dtype=None, rounding='master', seed=0" in text
    assert "Parameter Group 1: backend='auto', state_dtype=None, rounding='master', seed=1" in text
    assert "weight_decay: 0.01" in text
