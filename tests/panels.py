"""What the tests of the debugger's panels share: a machine to look at, and a view of it."""

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.widgets import DebuggerView

ATTACK = "<img src=x onerror=alert(1)>"
ORDER = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {
            "Type": "Pass",
            "Result": {"currency": "EUR"},
            "ResultPath": "$.pricing",
            "Next": "Charge",
        },
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "charge", "Payload": {"total.$": "$.total"}},
            "ResultSelector": {"id.$": "$.Payload.id"},
            "ResultPath": "$.payment",
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10}],
            "Catch": [{"ErrorEquals": ["Declined"], "ResultPath": "$.error", "Next": "Refund"}],
            "Next": "Large?",
        },
        "Large?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.total", "NumericGreaterThan": 1000, "Next": "Review"},
                {"Variable": "$.total", "NumericGreaterThan": 100, "Next": "Review"},
            ],
            "Default": "Done",
        },
        "Review": {"Type": "Wait", "Seconds": 3600, "Next": "Done"},
        "Refund": {"Type": "Pass", "End": True},
        "Done": {"Type": "Succeed"},
    },
}
GIVEN = {"total": 120}
PAID = {"Charge": {"Payload": {"id": "p1"}, "StatusCode": 200}}


class Views:
    """Makes views, and closes them at the end."""

    def __init__(self):
        self.made = []

    def __call__(self, definition=ORDER, given=None, *, plain=False, **options):
        if definition is ORDER:
            given = GIVEN if given is None else given
            options.setdefault("tasks", PAID)
        debugger = Debugger(sfnbook.load(definition), given, **options)
        self.made.append(DebuggerView(debugger, panels=(), plain=plain))
        return self.made[-1]

    def close(self):
        for view in self.made:
            view.close()


def shown(panel):
    """The text of a panel that is markup."""
    return panel.text.html
