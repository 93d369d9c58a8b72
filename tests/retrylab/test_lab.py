"""The retry lab without its view: what is set, what it gives back, and that its figures are those of the others."""

import json

import pytest

import sfnbook
from sfnbook.retrylab import at_random, from_map
from sfnbook.retrylab.conditions import Conditions
from sfnbook.retrylab.lab import FIRST
from sfnbook.retrylab.policies import read_policy
from sfnbook.retrylab.rivals import TASK, machine_of
from sfnbook.retrylab.study import HERDS, RUNS, Study

BUSY = {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}
OTHER = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 30, "MaxAttempts": 2}
LAST = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 5}
CALL = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 9, "Next": "Done"}
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": CALL | {"Retry": [BUSY, OTHER, LAST], "Catch": CATCH},
        "Done": {"Type": "Succeed"},
    },
}
TWO = {"StartAt": "Ask", "States": {"Ask": CALL | {"Next": "Call", "Retry": [BUSY]}, **MACHINE["States"]}}


@pytest.fixture
def machine():
    return sfnbook.load(MACHINE)


@pytest.fixture
def lab():
    return sfnbook.RetryLab(policies={"plain": [BUSY], "jitter": [BUSY | {"JitterStrategy": "FULL"}]})


# --- what it begins with ----------------------------------------------------------------------------
def test_two_policies_to_play_with():
    lab = sfnbook.RetryLab()
    assert list(lab.policies) == ["A", "B"]
    assert lab.policies["A"][0]["MaxAttempts"] == FIRST["MaxAttempts"]
    assert lab.policies["B"][0]["JitterStrategy"] == "FULL"


def test_a_states_policy_with_all_its_retriers_and_its_timeout(machine):
    lab = sfnbook.RetryLab(machine, "Call")
    assert [each["ErrorEquals"] for each in lab.policies["now"]] == [
        ["Busy"],
        ["States.TaskFailed"],
        ["States.ALL"],
    ]
    assert all(each["JitterStrategy"] == "FULL" for each in lab.policies["new"])
    assert lab.conditions.timeout_seconds == 9
    assert sfnbook.RetryLab(machine).state == "Call"
    assert list(sfnbook.RetryLab(machine, "Call", policies={"none": []}).policies) == ["now", "none"]


@pytest.mark.parametrize(
    ("retrier", "error"), [(1, "Busy"), (2, "Lambda.TooManyRequestsException"), (3, "States.Timeout")]
)
def test_the_error_is_one_that_the_chosen_retrier_takes(machine, retrier, error):
    lab = sfnbook.RetryLab(machine, "Call").choose("now", retrier)
    assert lab.conditions.error == error
    first = lab.schedules["now"].attempts[0]
    assert first.retrier == retrier
    assert lab.schedules["now"].attempts[-1].then == "caught"


def test_a_service_brings_its_figures():
    service = sfnbook.Service(concurrency=7, seconds=0.25, outages=[(0, 12)], error="Full")
    lab = sfnbook.RetryLab(service=service)
    conditions = lab.conditions
    assert (conditions.capacity, conditions.task_seconds, conditions.outage_seconds) == (7, 0.25, 12)
    assert conditions.served == service
    assert lab.set(capacity=9).conditions.served.concurrency == 9
    assert conditions.error == "Full"
    assert lab.choose("A").conditions.error == "Full"


WRONG = [
    (lambda: sfnbook.RetryLab(service=3), "Service"),
    (lambda: sfnbook.RetryLab(policies={}), "by name"),
    (lambda: sfnbook.RetryLab(policies={str(number): [] for number in range(5)}), "told apart"),
    (lambda: sfnbook.RetryLab(TWO), "Which state"),
    (lambda: sfnbook.RetryLab(TWO, "Cal"), "Did you mean 'Call'"),
    (lambda: sfnbook.RetryLab(TWO, "Done"), "have a Retry"),
]


@pytest.mark.parametrize(("make", "told"), WRONG)
def test_what_it_cannot_begin_with(make, told):
    with pytest.raises(sfnbook.UsageError, match=told):
        make()


# --- moving it --------------------------------------------------------------------------------------
def test_fields_and_conditions_are_set_together(lab):
    lab.set("plain", MaxAttempts=5, BackoffRate=3, clients=20, arrivals=at_random(4), failure_rate=0.5)
    assert lab.policies["plain"][0] == BUSY | {"MaxAttempts": 5, "BackoffRate": 3}
    assert lab.policies["jitter"][0]["MaxAttempts"] == 2
    assert (lab.conditions.clients, str(lab.conditions.arrivals)) == (20, "at random, 4 a second")
    assert lab.set(arrivals="at once").value("clients") == 20


def test_a_field_is_taken_away_with_none(lab):
    assert lab.set("plain", MaxDelaySeconds=4).policies["plain"][0]["MaxDelaySeconds"] == 4
    assert "MaxDelaySeconds" not in lab.set("plain", MaxDelaySeconds=None).policies["plain"][0]


def test_a_policy_without_retriers_gets_one():
    lab = sfnbook.RetryLab(policies={"none": []})
    assert (lab.value("MaxAttempts"), lab.asl) == (0, '"Retry": []')
    lab.set(MaxAttempts=2)
    assert lab.policies["none"][0]["ErrorEquals"] == ["States.ALL"]


REFUSED = [
    ({"IntervalSeconds": 0}, "Minimum value is 1"),
    ({"BackoffRate": 0.5}, "Minimum value is 1"),
    ({"MaxDelaySeconds": 0}, "Minimum value is 1"),
    ({"MaxAttempts": -1}, "Minimum value is 0"),
    ({"MaxAttempts": "many"}, "Integer"),
    ({"JitterStrategy": "HALF"}, "NONE, FULL"),
    ({"failure_rate": 1.5}, "from 0 to 1"),
    ({"clients": 0}, "whole number from 1"),
    ({"timeout_seconds": 0.5}, "whole number"),
    ({"task_seconds": -1}, "from 0"),
    ({"arrivals": "late"}, "at once"),
    ({"capacity": 0}, "or None"),
    ({"error": ""}, "name of an error"),
    ({"speed": 1}, "nothing called 'speed'"),
]


@pytest.mark.parametrize(("changes", "told"), REFUSED)
def test_what_is_refused_changes_nothing(lab, changes, told):
    before = (lab.policies, lab.conditions)
    with pytest.raises(sfnbook.SfnbookError, match=told):
        lab.set(**({"clients": 3, "MaxAttempts": 9} | changes))
    assert (lab.policies, lab.conditions) == before


def test_what_is_not_there(lab):
    with pytest.raises(sfnbook.UsageError, match="no policy 'fast'"):
        lab.set("fast", MaxAttempts=1)
    with pytest.raises(sfnbook.UsageError, match="no retrier 2"):
        lab.choose("plain", 2)
    with pytest.raises(sfnbook.UsageError, match="no retrier 2"):
        lab.set("plain", 2, MaxAttempts=1)
    with pytest.raises(sfnbook.UsageError, match="without a machine"):
        lab.machine_with()


def test_listeners_hear_of_every_change(lab):
    heard = []
    end = lab.observe(lambda: heard.append(lab.policy))
    lab.set(clients=5).choose("plain")
    end()
    lab.set(clients=6)
    assert heard == ["jitter", "plain"]


def test_the_asl_comes_back(machine):
    lab = sfnbook.RetryLab(machine, "Call").choose("new", 2).set(IntervalSeconds=7)
    retry = json.loads(f"{{{lab.asl}}}")["Retry"]
    assert retry == lab.policies["new"]
    assert retry[1]["IntervalSeconds"] == 7
    changed = lab.machine_with("new")
    assert changed.source["States"]["Call"]["Retry"] == retry
    assert sfnbook.validate(changed.source) == []


# --- what it knows ----------------------------------------------------------------------------------
def test_its_figures_are_those_of_simulate_and_herd(lab):
    lab.set(clients=30, failure_rate=0.4, outage_seconds=1).finish()
    conditions = lab.conditions
    for name, policy in lab.policies.items():
        simulated = sfnbook.simulate(
            machine_of(read_policy(policy)), tasks={TASK: conditions.answer}, runs=RUNS, progress=False
        )
        assert lab.simulations[name].summary == simulated.summary
    herd = sfnbook.herd(lab.policies, service=conditions.served, clients=30, runs=HERDS, progress=False)
    assert lab.herd.table() == herd.table()


def test_without_numpy_they_are_the_same(monkeypatch):
    policy, conditions = read_policy([BUSY | {"JitterStrategy": "FULL"}]), Conditions(error="Busy")
    with_numpy = Study("it", policy, conditions, runs=400, herds=2)
    monkeypatch.setattr("sfnbook.retrylab.study.vector_of", lambda _: None)
    without = Study("it", policy, conditions, runs=400, herds=2)
    assert 0 < without.done < 1
    while with_numpy.step() or without.step():
        pass
    assert without.summary == with_numpy.summary


def test_calls_that_fail_by_themselves_fail_in_one_execution_and_in_the_herd():
    lab = sfnbook.RetryLab(policies={"none": []}, service=sfnbook.Service(failure_rate=0.5))
    (row,) = lab.table()
    assert (row["succeeded"], row["clients_succeeded"]) == (pytest.approx(0.5, abs=0.02),) * 2
    (row,) = lab.set(failure_rate=0).table()
    assert (row["succeeded"], row["clients_succeeded"]) == (1, 1)


def test_an_interrupt_leaves_what_is_done_so_far(lab, monkeypatch):
    moments = []

    def interrupted(self, count):
        moments.append(count)
        if all(study.is_shown for study in lab.studies.values()):  # before that it has nothing to leave
            raise KeyboardInterrupt

    monkeypatch.setattr("sfnbook.retrylab.lab.Bar.done", interrupted)
    monkeypatch.setattr("sfnbook.retrylab.study.vector_of", lambda _: None)
    assert len(lab.set(clients=50).table()) == 2
    assert moments
    assert not lab.is_done


def test_what_did_not_change_is_kept(lab):
    lab.finish()
    plain, jitter = lab.studies.values()
    lab.set("jitter", MaxAttempts=4)
    assert lab.studies["plain"] is plain
    assert lab.studies["jitter"] is not jitter
    lab.set(clients=7)
    assert lab.studies["plain"] is not plain


def test_a_moment_is_enough_to_look_at():
    lab = sfnbook.RetryLab(policies={"stubborn": [BUSY | {"MaxAttempts": 99_999_999, "BackoffRate": 1}]})
    lab.set(failure_rate=1, clients=500, capacity=1)
    lab.advance(0)
    assert not lab.is_done
    assert len(lab.charts()) == 3
    assert lab.rows()[0]["succeeded"] == 0


def test_an_outage_is_seen_in_the_schedule(lab):
    lab.set("plain", MaxAttempts=6).set(outage_seconds=10)
    schedule = lab.schedules["plain"]
    assert [attempt.start.mean for attempt in schedule.attempts] == [0, 2, 6, 14]
    assert schedule.outcome == "succeeds"
    assert lab.set(outage_seconds=10_000).schedules["plain"].outcome == "fails"


def test_a_map_holds_clients_back(lab):
    lab.set(clients=100, failure_rate=0, capacity=10, task_seconds=0.1)
    at_once = lab.rows()[0]["wasted"]
    assert lab.set(arrivals=from_map(1)).rows()[0]["wasted"] < at_once


def test_it_shows_itself(lab):
    bundle = lab._repr_mimebundle_()
    assert bundle["image/svg+xml"].count("<svg") == 6
    assert "plain" in bundle["text/html"]
    assert repr(lab).startswith("<RetryLab: plain, jitter")
    assert len(lab.plot().axes) == 5


def test_names_are_text():
    lab = sfnbook.RetryLab(policies={"<b>": [BUSY], "<i>": []})
    lab.set(error="<u>")
    shown = lab._repr_mimebundle_()
    assert not [
        tag for tag in ("<b>", "<i>", "<u>") if tag in shown["image/svg+xml"] or tag in shown["text/html"]
    ]


def test_advice_follows(lab):
    assert "herd" in [finding.rule for finding in lab.advice["plain"]]
    assert "herd" not in [finding.rule for finding in lab.advice["jitter"]]
    lab.set("jitter", IntervalSeconds=3600, MaxAttempts=10)
    assert "holds" in [finding.rule for finding in lab.advice["jitter"]]


def test_the_retrier_that_takes_the_error_is_the_one_that_is_set(machine):
    lab = sfnbook.RetryLab(machine, "Call", service=sfnbook.Service(rate=5, error="States.Timeout"))
    assert (lab.policy, lab.retrier) == ("new", 3)
    lab.set("now", IntervalSeconds=8)
    assert [each["IntervalSeconds"] for each in lab.policies["now"]] == [2, 30, 8]
    assert lab.set(error="Busy").retrier == 1
    with pytest.raises(sfnbook.UsageError, match="no retrier 4"):
        lab.choose("now", 4)
    assert lab.policy == "new"
