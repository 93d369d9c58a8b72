"""An EventBridge rule: the events that match its pattern start the state machine.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import iso, parse_timestamp, start_instant
from sfnbook.errors import UsageError, did_you_mean, kind_of
from sfnbook.frames import StartedBy
from sfnbook.triggers import patterns
from sfnbook.triggers.starts import ACCOUNT, REGION, Start, refuse
from sfnbook.triggers.transforms import Transform
from sfnbook.values import Json, checked, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfnbook.debugger import Debugger
    from sfnbook.execution import Execution
    from sfnbook.machine import StateMachine
    from sfnbook.triggers.patterns import Match

ENVELOPE: Final = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
)
"""The fields of every event."""


def event(
    source: str,
    detail_type: str,
    detail: Json = None,
    *,
    time: Any = None,
    resources: Iterable[str] = (),
    region: str = REGION,
    account: str = ACCOUNT,
) -> dict[str, Json]:
    """An event as EventBridge delivers it, with all of its fields; the same facts give the same id.

    >>> event("shop", "OrderPlaced", {"id": 7})["detail-type"]
    'OrderPlaced'
    """
    moment = iso(start_instant(time))
    body = {} if detail is None else checked(detail, "The detail of an event")
    facts = (source, detail_type, text(body), moment, *resources)
    return {
        "version": "0",
        "id": chance.uuid_text(chance.combine(*(chance.digest(fact) for fact in facts))),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": moment,
        "region": region,
        "resources": list(resources),
        "detail": body,
    }


class Rule:
    """An EventBridge rule with a state machine behind it.

    ``pattern`` says which events match; of ``input`` (a constant), ``input_path`` and
    ``input_transformer`` (``{"InputPathsMap": ..., "InputTemplate": ...}``) one may be given, else the
    input is the event.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> rule = Rule("orders", {"source": ["shop"]}, input_path="$.detail")
    >>> execution = rule.start(machine, event("shop", "OrderPlaced", {"id": 7}))
    >>> print(execution.step().why)
    Started by rule 'orders': the event matched; the input is $.detail of the event.
      source is "shop": "shop"
    >>> execution.result()
    {'id': 7}
    """

    def __init__(
        self,
        name: str,
        pattern: Json,
        *,
        input: Json = None,  # noqa: A002 - the API's word
        input_path: str | None = None,
        input_transformer: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(name, str):
            refuse(
                f"A rule's name is text, not {kind_of(name)}.", 'Write Rule("orders", {"source": ["shop"]}).'
            )
        patterns.check(pattern)
        self.name, self.pattern = name, checked(pattern, "The event pattern")
        self._transform = Transform(input, input_path, input_transformer)

    def match(self, event: Json) -> Match:
        """Does an event match, and why; like a truth value, and in words when printed."""
        return patterns.match(self.pattern, _checked_event(event))

    def on(self, event: Json) -> Start:
        """What an event starts; UsageError, with the fields that differ, where it does not match."""
        event = _checked_event(event)
        found = patterns.match(self.pattern, event)
        if not found:
            raise UsageError(f"The rule {self.name!r} is not for this event: {'; '.join(found.rows)}.")
        given, origin = self._transform.of(event, self._reserved(event))
        words = f"Started by rule {self.name!r}: the event matched; {origin}."
        started_by = StartedBy("rule", words, found.rows, event)
        name = None if not event.get("id") else f"{event['id']}_{_suffix(self.name, str(event['id']))}"
        time = event.get("time")
        return Start(given, started_by, time if parse_timestamp(time) is not None else None, name)

    def _reserved(self, event: dict[str, Json]) -> dict[str, Json]:
        """EventBridge's own variables for templates."""
        region, account = event.get("region", REGION), event.get("account", ACCOUNT)
        return {
            "aws.events.rule-arn": f"arn:aws:events:{region}:{account}:rule/{self.name}",
            "aws.events.rule-name": self.name,
            "aws.events.event.ingestion-time": event.get("time", iso(start_instant(None))),
            "aws.events.event": {name: one for name, one in event.items() if name != "detail"},
            "aws.events.event.json": event,
        }

    def start(self, machine: StateMachine, event: Json, **options: Any) -> Execution:
        """The execution that an event starts, at its time; ``options`` as of `StateMachine.start`."""
        return self.on(event).execution(machine, **options)

    def debug(self, machine: StateMachine, event: Json, **options: Any) -> Debugger:
        """A debugger on the execution that an event starts."""
        return self.on(event).debugger(machine, **options)

    def executions(self, machine: StateMachine, events: Iterable[Json], **options: Any) -> list[Execution]:
        """One execution for each of the events that match."""
        return [self.start(machine, one, **options) for one in events if self.match(one)]

    def __repr__(self) -> str:
        return f"Rule({self.name!r}, {self.pattern!r})"


def _suffix(*facts: str) -> str:
    return chance.uuid_text(chance.combine(*(chance.digest(fact) for fact in facts)))[:8]


def _checked_event(given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        refuse(
            f"An event is an object, not {given!r}.",
            "See sfnbook.triggers.event(source, detail_type, detail).",
        )
    for name in given:
        if (
            name not in ENVELOPE
            and name.casefold().replace("_", "-").replace("detailtype", "detail-type") in ENVELOPE
        ):
            hint = did_you_mean(name.replace("_", "-"), ENVELOPE)
            refuse(f"The event has the field {name!r}.", hint)
    event: dict[str, Json] = checked(given, "The event")
    return event
