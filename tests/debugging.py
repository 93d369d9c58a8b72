"""Machines to debug, and what makes moves and looks at them."""

import sfnbook
from sfnbook.debugger import Debugger
from tests.machines import block

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 2}]


def task(**fields):
    return {"Type": "Task", "Resource": LAMBDA, **fields}


LINE = block(
    A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "C"}, C={"Type": "Pass", "End": True}
)
MAP = block(
    First={"Type": "Pass", "Next": "Orders"},
    Orders={
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemProcessor": block(
            Charge=task(Retry=RETRY, Next="Rest"), Rest={"Type": "Wait", "Seconds": 5, "End": True}
        ),
        "Next": "Last",
    },
    Last={"Type": "Pass", "End": True},
)
PARALLEL = block(
    Both={
        "Type": "Parallel",
        "Branches": [
            block(Left={"Type": "Pass", "Next": "Left2"}, Left2={"Type": "Pass", "End": True}),
            block(Right={"Type": "Wait", "Seconds": 9, "End": True}),
        ],
        "Next": "After",
    },
    After={"Type": "Succeed"},
)
CAUGHT = block(
    Both={
        "Type": "Parallel",
        "Branches": [
            block(Slow={"Type": "Wait", "Seconds": 9, "End": True}),
            block(Bad={"Type": "Fail", "Error": "Oops", "Cause": "on purpose"}),
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Mend"}],
        "Next": "Mend",
    },
    Mend={"Type": "Succeed"},
)
LOOP = block(
    Each={
        "Type": "Map",
        "ItemsPath": "$.pages[0]",
        "ItemProcessor": block(Do={"Type": "Pass", "End": True}),
        "ResultPath": None,
        "Next": "Turn",
    },
    Turn={"Type": "Pass", "Parameters": {"pages.$": "$.pages[1:]"}, "Next": "More?"},
    **{
        "More?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.pages[0]", "IsPresent": True, "Next": "Each"}],
            "Default": "Done",
        }
    },
    Done={"Type": "Succeed"},
)
CALLBACK = block(
    Ask=task(
        Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters={"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
        Next="Then",
    ),
    Then={"Type": "Pass", "End": True},
)
CHARGE = block(Charge=task(Next="Last"), Last={"Type": "Pass", "End": True})


class FailsFirst:
    """Fails the first attempt of each visit, and counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, event, context):
        self.calls += 1
        if context.attempt == 1:
            raise ValueError("again")
        return {"item": event}


def debug(definition, given=None, **options):
    return Debugger(sfnbook.load(definition), given, **options)


def debug_map(items=(1, 2, 3), answer=None):
    return debug(MAP, {"items": list(items)}, tasks={"Charge": answer or FailsFirst()})


def shown(transition):
    return None if transition is None else f"{transition.kind} {transition.path}".strip()


def do(debugger, moves):
    """Make moves such as "step_over" or "run_to Last"; what the last one returned."""
    returned = None
    for move in moves:
        name, _, argument = move.partition(" ")
        returned = getattr(debugger, name)(*([argument] if argument else []))
    return returned


INPUTS = {id(MAP): {"items": [1, 2, 3]}, id(LOOP): {"pages": [[1, 2, 3], [4], [5, 6]]}}

MACHINES = {
    "map": debug_map,
    "parallel": lambda: debug(PARALLEL),
    "caught": lambda: debug(CAUGHT),
    "loop": lambda: debug(LOOP, INPUTS[id(LOOP)]),
}
