"""A human approval in JupyterLab: buttons under a cell that answer an open task."""

import json

ATTACK = "<img src=x onerror=alert(1)>"
ASK = {
    "StartAt": "Ask the manager",
    "States": {
        "Ask the manager": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "TimeoutSeconds": 86400,
            "Parameters": {
                "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/approvals",
                "MessageBody": {
                    "token.$": "$$.Task.Token",
                    "refund.$": "$.refund",
                    "customer.$": "$.customer",
                },
            },
            "End": True,
        }
    },
}
START = (
    "import json, sfnbook\n"
    f"machine = sfnbook.load(json.loads({json.dumps(json.dumps(ASK))}))\n"
    f"given = {{'refund': 120, 'customer': {ATTACK!r}}}\n"
)
EXECUTION = START + "execution = machine.start(given).run()\nexecution.pending[0]"
DEBUGGER = START + "debugger = sfnbook.Debugger(machine, given)\ndebugger.run()\ndebugger.pending[0].ask()"
VIEW = ".sfn-approval"


def press(page, label):
    page.click(f"{VIEW} button:has-text('{label}')")


def test_a_click_approves_and_the_execution_goes_on(notebook, tmp_path):
    page = notebook(EXECUTION, "print(execution.status, execution.output)").page
    page.wait_for_selector(VIEW, timeout=20_000)
    assert "until 1 d" in page.inner_text(VIEW)
    assert page.query_selector(f"{VIEW} img") is None
    page.screenshot(path=tmp_path / "asked.png")
    press(page, "Approve")
    page.wait_for_selector(f"{VIEW} .sfn-card:has-text('SUCCEEDED at 0 s')")
    assert page.is_disabled(f"{VIEW} button:has-text('Reject')")
    page.screenshot(path=tmp_path / "approved.png")


def test_an_answer_of_ones_own_and_a_mistake_in_it(notebook, tmp_path):
    page = notebook(EXECUTION).page
    page.wait_for_selector(VIEW, timeout=20_000)
    page.fill(f"{VIEW} textarea", '{"refund": }')
    press(page, "Answer")
    page.wait_for_selector(f"{VIEW} .sfn-message:has-text('Line 1, column 12')")
    page.screenshot(path=tmp_path / "mistake.png")
    page.fill(f"{VIEW} textarea", '{"refund": 60}')
    page.fill(f"{VIEW} input", "3600")
    press(page, "Answer")
    page.wait_for_selector(f"{VIEW} .sfn-card:has-text('SUCCEEDED at 1 h')")


def test_a_debugger_stays_to_be_stepped(notebook, tmp_path):
    page = notebook(DEBUGGER).page
    page.wait_for_selector(VIEW, timeout=20_000)
    press(page, "Reject")
    page.wait_for_selector(f"{VIEW} .sfn-card:has-text('RUNNING at 0 s')")
    page.screenshot(path=tmp_path / "rejected.png")
