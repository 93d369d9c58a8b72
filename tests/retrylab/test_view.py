"""The retry lab's view, without a browser: sliders are traits, the other runs come when nothing moves."""

import asyncio

import pytest

pytest.importorskip("ipywidgets")

import sfnbook
from sfnbook.widgets import cells
from sfnbook.widgets.retrylab import RetryLabView

BUSY = {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}
ATTACK = "<img src=x>"


@pytest.fixture
def view():
    made = RetryLabView(
        sfnbook.RetryLab(policies={"plain": [BUSY], "other": [BUSY, BUSY | {"ErrorEquals": ["Slow"]}]})
    )
    made.lab.set(task_seconds=3)
    yield made
    made.close()


def values(view):
    return [chart.value for chart in view.charts] + [view.figures.value, view.copying.text]


FIELDS = [
    ("IntervalSeconds", 20), ("MaxAttempts", 5), ("BackoffRate", 3.5), ("failure_rate", 0.9), ("task_seconds", 10),
    ("timeout_seconds", 1), ("outage_seconds", 30), ("clients", 20), ("capacity", 5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FIELDS)
def test_a_slider_moves_the_lab_and_the_pictures(view, name, value):
    before = values(view)
    view.sliders[name].value = value
    assert view.lab.value(name) == value
    assert view.sliders[name].problem == ""
    assert values(view) != before


def test_a_limit_is_taken_away(view):
    view.sliders["MaxDelaySeconds"].value = 3
    view.sliders["MaxDelaySeconds"].value = None
    view.sliders["capacity"].value = None
    assert view.lab.value("MaxDelaySeconds") is None
    assert view.lab.conditions.served.rate is None


REFUSED = [
    ("IntervalSeconds", 0, "Minimum value is 1"),
    ("BackoffRate", 0.5, "Minimum value is 1"),
    ("MaxDelaySeconds", 0, "Minimum value is 1"),
    ("MaxAttempts", "three", "Expected value of type Integer"),
    ("failure_rate", 2, "from 0 to 1"),
    ("clients", "many", "whole number"),
]


@pytest.mark.parametrize(("name", "value", "told"), REFUSED)
def test_what_is_refused_is_told_and_kept(view, name, value, told):
    before, shown = view.lab.value(name), values(view)
    view.sliders[name].value = value
    assert told in view.sliders[name].problem
    assert (view.sliders[name].value, view.lab.value(name)) == (value, before)
    assert values(view) == shown
    view.sliders[name].value = before
    assert view.sliders[name].problem == ""


def test_several_mistakes_stay_until_they_are_mended(view):
    view.sliders["IntervalSeconds"].value = 0
    view.sliders["BackoffRate"].value = 0
    view.sliders["MaxAttempts"].value = 1
    assert [view.sliders[name].problem != "" for name in ("IntervalSeconds", "BackoffRate", "MaxAttempts")] == [
        True, True, False
    ]  # fmt: skip
    assert view.lab.policies["other"][0]["MaxAttempts"] == 1


def test_the_policy_and_its_retrier_are_chosen(view):
    assert view.policies.options == ["plain", "other"]
    assert view.retriers.options == ["1: Busy", "2: Slow"]
    view.retriers.value = "2: Slow"
    view.sliders["IntervalSeconds"].value = 9
    assert [each["IntervalSeconds"] for each in view.lab.policies["other"]] == [2, 9]
    view.policies.value = "plain"
    assert (view.lab.policy, view.lab.retrier, view.retriers.shown) == ("plain", 1, False)
    view.jitter.value = "FULL"
    assert view.lab.policies["plain"][0]["JitterStrategy"] == "FULL"


def test_how_clients_come(view):
    view.arrivals.value = "from a Map"
    assert view.sliders["map"].shown
    assert not view.sliders["random"].shown
    view.sliders["map"].value = 3
    assert str(view.lab.conditions.arrivals) == "from a Map, 3 at a time"
    view.sliders["map"].value = 0
    assert "MaxConcurrency" in view.sliders["map"].problem
    view.arrivals.value = "at random"
    view.sliders["random"].value = 2
    assert str(view.lab.conditions.arrivals) == "at random, 2 a second"


def test_the_error_is_named(view):
    view.error.value = "Slow"
    assert "&#x27;plain&#x27; has no retrier for Slow" in view.advice.value
    view.error.value = ""
    assert view.error.value == "Slow"


def test_a_row_has_no_capacity():
    view = RetryLabView(sfnbook.RetryLab(service=sfnbook.Service(locking=True, seconds=0.01)))
    assert not view.sliders["capacity"].shown
    assert not view.sliders["outage_seconds"].shown
    view.close()


def test_code_and_view_are_one(view):
    view.lab.set(IntervalSeconds=33, clients=9)
    assert (view.sliders["IntervalSeconds"].value, view.sliders["clients"].value) == (33, 9)


def test_what_differs_by_more_than_chance_is_said():
    lab = sfnbook.RetryLab(policies={"slow": [BUSY | {"IntervalSeconds": 9}], "fast": [BUSY], "one": []})
    view = lab.set(failure_rate=0.5).show()
    assert "fast against slow: no difference in success" in view.figures.value
    assert "shorter on average" in view.figures.value
    assert view.figures.value.count("sfn-verdict") == 2
    view.close()
    alone = sfnbook.RetryLab(policies={"one": []}).show()
    assert "sfn-verdict" not in alone.figures.value
    alone.close()


def test_names_are_text():
    view = RetryLabView(sfnbook.RetryLab(policies={ATTACK: [BUSY | {"ErrorEquals": [ATTACK]}]}))
    view.lab.set(error="No" + ATTACK)
    html = "".join([*(chart.value for chart in view.charts), view.figures.value, view.advice.value])
    assert "&lt;img" in html
    assert ATTACK not in html
    view.close()


def test_the_other_runs_come_when_it_rests_and_the_next_move_ends_them(monkeypatch):
    monkeypatch.setattr("sfnbook.widgets.retrylab.REST", 0.01)

    async def use():
        lab = sfnbook.RetryLab()
        view = RetryLabView(lab)
        few = lab.simulations["B"].runs
        assert few < 10_000
        while not view.is_working:
            await asyncio.sleep(0.005)
        view.sliders["MaxAttempts"].value = 3
        assert not view.is_working
        while not lab.is_done:
            await asyncio.sleep(0.01)
        assert "10,000 runs each" in view.charts[-1].value
        view.sliders["MaxAttempts"].value = 4
        while not view.is_working:
            await asyncio.sleep(0.005)
        view.close()
        assert not view.is_working
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())


def test_a_closed_view_hears_nothing(view):
    shown = values(view)
    view.close()
    view.lab.set(clients=3)
    assert values(view) == shown


def test_a_saved_notebook_has_the_pictures(view):
    bundle = view._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["image/svg+xml"].count("<svg") == 6


def test_running_the_cell_again_closes_the_view(monkeypatch):
    monkeypatch.setattr(cells, "current_cell", lambda: ("cell", "first"))
    old = RetryLabView(sfnbook.RetryLab())
    monkeypatch.setattr(cells, "current_cell", lambda: ("cell", "second"))
    new = RetryLabView(sfnbook.RetryLab())
    assert old.comm is None
    assert new.comm is not None
    new.close()
