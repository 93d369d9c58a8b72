"""Tasks against AWS services: an account with something in it, and one Task that is run to its end."""

from sfnbook.tasks import aws
from tests.machines import one

ACCOUNT = "123456789012"
HERE = f"arn:aws:{{}}:us-east-1:{ACCOUNT}:{{}}"
"""An ARN in the emulated account: of a service, and what stands last."""


def do(resource, parameters, tasks, **more):
    """Run the one Task S to its end."""
    arn = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    state = {"Type": "Task", "Resource": arn, "Parameters": parameters, **more}
    return one(state).start(tasks=tasks).run()


def done(resource, parameters, tasks, **more):
    """The result, without what every response of an optimized integration has."""
    result = do(resource, parameters, tasks, **more).result()
    return {name: value for name, value in result.items() if not name.startswith("Sdk")}


def pay(event):
    return {"paid": event}


def broken(event):
    raise ValueError("no funds")


SHARED = aws()
"""An account whose session makes clients; models are read once for all of them."""


def with_answers(service, **answers):
    """A client factory whose clients answer some operations from lists, one response after the other.

    What was asked, operation by operation with its arguments, is in its ``asked``.
    """
    asked = []

    def scripted(name, responses):
        left = list(responses)

        def answer(**arguments):
            asked.append((name, arguments))
            response = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(response, Exception):
                raise response
            return response

        return answer

    def factory(wanted):
        client = SHARED._emulated().client(wanted)
        if wanted == service:
            for name, responses in answers.items():
                setattr(client, name, scripted(name, responses))
        return client

    factory.asked = asked
    return factory
