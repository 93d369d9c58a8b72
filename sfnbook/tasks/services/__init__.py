"""AWS services as answers for Tasks, called through boto3: `aws`.

The way of a call: `backend` sees which kind of Task it is, `calling` sends one request, `casing`
turns parameters and responses from Step Functions' form into the API's and back, `failures` names
what went wrong, `jobs` waits for ``.sync``.  `embedded` is the account that lives in this process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import UsageError, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.tasks.services.backend import AWS
    from sfnbook.tasks.services.web import Http

POLL_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 5.0


def aws(
    client_factory: Callable[[str], Any] | None = None,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    http: Http | None = None,
    poll_seconds: float = POLL_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> AWS:
    """Answer Tasks with AWS's services: optimized integrations and every ``aws-sdk:*`` action.

    Without ``client_factory`` an account of its own is emulated in this process by moto: us-east-1,
    123456789012, empty at first, with no credentials, no network and no container.  ``client(service)``
    reaches it.  Its state is not part of an execution: stepping back or forking rewinds nothing there,
    and a pickled backend comes back with an empty account.

    ``client_factory(service)`` gives boto3 clients of your own (LocalStack, or AWS itself): only then is
    anything reached outside this process.

    ``functions`` are Python functions by the name or ARN of the Lambda function that they stand for,
    called as any task function is; but a ``.waitForTaskToken`` waits for its token, whatever they return.
    ``http(method, url, headers, body) -> (status, headers, body)`` makes the
    requests of ``http:invoke`` and ``apigateway:invoke``, and those of ``eks:call`` and ``eks:runJob`` to the
    cluster's Kubernetes API; bodies are text.

    A job (``.sync``) is described again every ``poll_seconds`` virtual seconds; with a client factory
    ``pause_seconds`` of real time pass before each poll.  All its polls are made when the Task starts.

    >>> import sfnbook
    >>> put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "End": True,
    ...        "Parameters": {"Bucket": "orders", "Key": "7", "Body": "paid"}}
    >>> account = aws()
    >>> bucket = account.client("s3").create_bucket(Bucket="orders")
    >>> execution = sfnbook.load({"StartAt": "Put", "States": {"Put": put}}).start(tasks=account)
    >>> execution.result()["ETag"]
    '"76e084771e78c194efd0e2d5b8920bea"'
    >>> account.client("s3").get_object(Bucket="orders", Key="7")["Body"].read()
    b'paid'

    https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
    """
    _check(client_factory, functions or {}, http, poll_seconds=poll_seconds, pause_seconds=pause_seconds)
    from sfnbook.tasks.services.backend import AWS  # noqa: PLC0415 - few sessions call a service

    return AWS(client_factory, functions or {}, http, poll_seconds, pause_seconds)


def _check(client_factory: Any, functions: Any, http: Any, **seconds: Any) -> None:
    if client_factory is not None and not callable(client_factory):
        raise UsageError(
            "client_factory is called with the name of a service and gives its client, for example "
            f"boto3.Session(...).client; it is {kind_of(client_factory)}."
        )
    if http is not None and not callable(http):
        raise UsageError(f"http is a function(method, url, headers, body), not {kind_of(http)}.")
    if not isinstance(functions, Mapping):
        raise UsageError(f"functions maps names to functions; it is {kind_of(functions)}.")
    for name, function in functions.items():
        if not callable(function):
            raise UsageError(f"functions[{name!r}] is a Python function, not {kind_of(function)}.")
    for name, given in seconds.items():
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < math.inf:
            raise UsageError(f"{name} is a positive number of seconds, not {given!r}.")
