"""What the states after a Task read of its result, found by a look at the definition alone.

From what a state's successors read of their input follows, through OutputPath, ResultPath,
ResultSelector and the rest, what is read of its result and of its own input: backwards through
every block, again and again until nothing new is found.  Variables are looked at by name, wherever
they are assigned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import (
    ABSENT,
    JSONPATH,
    Choice,
    Definition,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Task,
    Wait,
)
from sfnbook.query.path_syntax import PathProblem
from sfnbook.query.path_syntax import parse as parse_path
from sfnbook.tasks import deciding, needs
from sfnbook.tasks.needs import EVERY, Need, Read, Steps, under, used_as
from sfnbook.tasks.resources import parse_resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfnbook.values import Json

ROUNDS: Final = 40
"""More rounds than any sensible definition takes."""


class Reading:
    """What a definition reads.

    ``results`` is what is read of each Task's result, by the Task's pointer, ``input`` what is read
    of the execution's input, ``items`` what is read of an item in the files of each ItemReader.

    >>> from sfnbook.parse import definition
    >>> task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:f", "Next": "B"}
    >>> states = {"A": task, "B": {"Type": "Pass", "InputPath": "$.order.id", "End": True}}
    >>> list(Reading(definition({"StartAt": "A", "States": states})).results["/States/A"].members)
    ['order']
    """

    def __init__(self, definition: Definition) -> None:
        self.results: dict[str, Need] = {}
        self.items: dict[str, Need] = {}
        self.input = Need()
        self._inputs: dict[str, Need] = {}
        self._ends: dict[str, Need] = {}
        self._variables: dict[str, Need] = {}
        self._choices: dict[str, list[Read]] = {}
        blocks = list(definition.blocks())[::-1]
        for _ in range(ROUNDS):
            changed = [
                self._look(state, block) for block in blocks for state in [*block.states.values()][::-1]
            ]
            if not any(changed):
                break
        self.input.take(self._inputs.get(definition.states[definition.start_at].pointer, Need()))

    # --- one state ------------------------------------------------------------------------------
    def _look(self, state: State, block: Definition) -> bool:
        after = self._after(state, block)
        look = _Look(self, state, block)
        if state.query_language == JSONPATH:
            look.jsonpath(after)
        else:
            look.jsonata(after)
        return look.changed

    def _after(self, state: State, block: Definition) -> Need:
        """What is read of a state's output."""
        found = Need()
        for name in deciding.targets(state):
            if name in block.states:
                found.take(self._inputs.get(block.states[name].pointer, Need()))
        if deciding.ends_well(state):
            found.take(self._ends.get(block.pointer, Need()))
        return found

    def of_input(self, block: Definition) -> Need:
        """What a block reads of its input."""
        return self._inputs.get(block.states[block.start_at].pointer, Need())

    def variable(self, name: str) -> Need:
        """What is read of a variable, anywhere."""
        return self._variables.setdefault(name, Need())

    def take_input(self, state: State, need: Need) -> bool:
        return self._inputs.setdefault(state.pointer, Need()).take(need)

    def take_result(self, state: State, need: Need) -> bool:
        return self.results.setdefault(state.pointer, Need()).take(need)

    def take_end(self, block: Definition, need: Need) -> bool:
        return self._ends.setdefault(block.pointer, Need()).take(need)

    def choice(self, state: Choice, block: Definition) -> list[Read]:
        """What a Choice reads, with what it tells apart; looked at once."""
        if state.pointer not in self._choices:
            self._choices[state.pointer] = deciding.reads(state, block)
        return self._choices[state.pointer]


class _Look:
    """One look at one state, from its output back to its input."""

    def __init__(self, reading: Reading, state: Any, block: Definition) -> None:
        self.reading, self.state, self.block = reading, state, block
        self.changed = False
        self._plain = state.query_language == JSONPATH

    # --- the two languages ----------------------------------------------------------------------
    def jsonpath(self, after: Need) -> None:
        state = self.state
        raw = Need()  # what is read of the state's input
        made = self._through(state.output_path, after, raw)
        put = getattr(state, "result_path", ABSENT)
        steps = () if put is ABSENT else _steps(put)
        worker = isinstance(state, Task | Parallel | Map | Pass)
        if worker and steps is not None:
            result = made.at(steps)
            raw.take(made.without(steps))
        else:
            result = Need() if worker else made
            raw.take(made if worker else Need())
        effective = Need()
        assigned = self._assigned(state.assign)
        if isinstance(state, Task | Parallel | Map):
            selected = getattr(state, "result_selector", ABSENT)
            if selected is not ABSENT:
                result = self._placed(needs.of_template(selected, result, JSONPATH), effective)
            result.take(self._placed(assigned, effective))
            self._worked(result, effective)
        elif isinstance(state, Pass):
            result.take(self._placed(assigned, effective))
            self._passed(result, effective)
        else:
            effective.take(result)
            effective.take(self._placed(assigned, effective))
            self._placed_into(effective, self._read())
        raw.take(self._through(state.input_path, effective, raw))
        self.changed |= self.reading.take_input(state, raw)

    def jsonata(self, after: Need) -> None:
        state = self.state
        effective, result = Need(), Need()
        output = state.output
        worker = isinstance(state, Task | Parallel | Map)
        reads = [*self._assigned(state.assign)]
        if output is ABSENT:
            (result if worker else effective).take(after)
        else:
            reads += needs.of_template(output, after, state.query_language)
        result.take(self._placed(reads, effective))
        if worker:
            self._worked(result, effective)
        else:
            self._placed_into(effective, self._read())
        self.changed |= self.reading.take_input(state, effective)

    def _assigned(self, assign: Json) -> Iterable[Read]:
        if not isinstance(assign, dict):
            return ()
        names = (name.removesuffix(".$") for name in assign)
        wanted = Need(members={name: self.reading.variable(name) for name in names})
        return [*needs.of_template(assign, wanted, self.state.query_language)]

    # --- what the state itself does ---------------------------------------------------------------
    def _worked(self, result: Need, effective: Need) -> None:
        state, reading = self.state, self.reading
        if isinstance(state, Task):
            self.changed |= reading.take_result(state, result)
            sent = state.parameters if self._plain else state.arguments
            attributes = parse_resource(state.resource).service == "dynamodb"
            self._sent(sent, effective, needs.of_attributes(sent) if attributes else None)
            self._placed_into(effective, needs.of_template(state.credentials, Need(), state.query_language))
            self._placed_into(effective, self._numbers())
        elif isinstance(state, Parallel):
            inside = Need()
            for index, branch in enumerate(state.branches):
                self.changed |= reading.take_end(branch, result.item(index))
                inside.take(reading.of_input(branch))
            sent = state.parameters if self._plain else state.arguments
            self._sent(sent, effective, inside)
        else:
            self._mapped(state, result, effective)

    def _sent(self, template: Json, effective: Need, need: Need | None = None) -> None:
        need = need or Need()
        if template is ABSENT:
            effective.take(need)
        else:
            self._placed_into(effective, needs.of_template(template, need, self.state.query_language))

    def _passed(self, result: Need, effective: Need) -> None:
        if self.state.result is ABSENT:
            self._sent(self.state.parameters, effective, result)

    def _mapped(self, state: Map, result: Need, effective: Need) -> None:
        self.changed |= self.reading.take_end(state.item_processor, result.item(EVERY))
        self._placed_into(effective, self._numbers())
        item = self._of_item(state, effective)
        if isinstance(state.item_reader, dict):
            self.changed |= self.reading.items.setdefault(state.pointer, Need()).take(item)
            self._sent(state.item_reader.get("Parameters" if self._plain else "Arguments", {}), effective)
            self._placed_into(effective, self._settings(state.item_reader.get("ReaderConfig")))
            return
        items = under((EVERY,), item)
        items.kinds.add("array")
        if self._plain and state.items_path is not ABSENT:
            self._placed_into(effective, needs.of_path(state.items_path, items))
        else:
            self._sent(state.items, effective, items)

    def _of_item(self, state: Map, effective: Need) -> Need:
        """What is read of an item, through ItemBatcher and ItemSelector."""
        item = self.reading.of_input(state.item_processor)
        if isinstance(state.item_batcher, dict):
            self._placed_into(effective, self._settings(state.item_batcher))
            self._sent(state.item_batcher.get("BatchInput", {}), effective, item.at(("BatchInput",)))
            item = item.at(("Items", EVERY))
        if state.item_selector is ABSENT:
            return item
        reads = [*needs.of_template(state.item_selector, item, state.query_language)]
        self._placed_into(effective, reads)
        return needs.gathered(reads, "$$").at(("Map", "Item", "Value"))

    def _settings(self, given: Json) -> Iterable[Read]:
        """The numbers among the settings of a reader or a batcher."""
        settings = given.values() if isinstance(given, dict) else ()
        return [read for one in settings for read in self._of_field(one, "number")]

    def _read(self) -> Iterable[Read]:
        """What a state reads that neither works nor passes anything on."""
        state = self.state
        if isinstance(state, Choice):
            return self.reading.choice(state, self.block)
        if isinstance(state, Wait):
            return self._numbers()
        if isinstance(state, Fail):
            return [
                read
                for field in (state.error_path, state.cause_path, state.error, state.cause)
                for read in self._of_field(field, "text")
            ]
        return ()

    def _numbers(self) -> Iterable[Read]:
        return [
            read
            for name, kind in FIELDS.items()
            for read in self._of_field(getattr(self.state, name, ABSENT), kind)
        ]

    def _of_field(self, given: Json, kind: str) -> Iterable[Read]:
        if not isinstance(given, str):
            return ()
        if self._plain:
            return needs.of_value(given, used_as(kind)) if given.startswith(("$", "States.")) else ()
        return needs.of_template(given, used_as(kind), self.state.query_language)

    # --- where reads go ---------------------------------------------------------------------------
    def _through(self, path: Json, need: Need, raw: Need) -> Need:
        """What is needed of the value that InputPath or OutputPath was applied to."""
        if path is ABSENT or path == "$":
            return need
        found = Need()
        if isinstance(path, str):
            found.take(self._placed(needs.of_path(path, need), raw))
            found.take(needs.gathered(needs.of_path(path, need), "$"))
        return found

    def _placed_into(self, effective: Need, reads: Iterable[Read]) -> None:
        """Reads of a template that works on the effective input."""
        effective.take(self._placed(reads, effective))

    def _placed(self, reads: Iterable[Read], effective: Need) -> Need:
        """Put each read where it belongs, and give out what is read of ``$`` or of the result."""
        found = Need()
        for root, steps, need in reads:
            if root in {"$", "result"}:
                found.take(under(steps, need))
            elif root == "input":
                effective.take(under(steps, need))
            elif root == "$$":
                if steps[:2] == ("Execution", "Input"):
                    self.changed |= self.reading.input.take(under(steps[2:], need))
            elif root.startswith("$"):
                self.changed |= self.reading.variable(root[1:]).take(under(steps, need))
        return found


FIELDS: Final = {
    "seconds_path": "seconds",
    "seconds": "seconds",
    "timestamp_path": "timestamp",
    "timestamp": "timestamp",
    "timeout_seconds_path": "number",
    "timeout_seconds": "number",
    "heartbeat_seconds_path": "number",
    "heartbeat_seconds": "number",
    "max_concurrency_path": "number",
    "max_concurrency": "number",
    "tolerated_failure_count_path": "number",
    "tolerated_failure_percentage_path": "number",
}
"""Fields that are read as a number or an instant."""


def _steps(path: Json) -> Steps | None:
    """The steps of a ResultPath; None where the result is thrown away."""
    if path is None:
        return None
    try:
        return tuple(step.argument for step in parse_path(str(path)).steps if step.kind in {"name", "index"})
    except PathProblem:
        return ()
