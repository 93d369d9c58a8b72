"""An AWS account that lives in this process: moto behind the clients of one boto3 session.

moto keeps its accounts in globals of its own and by default catches every client of the process.
Here it does neither.  The stub stands in the event system of our session alone, and the account is put
into moto's place for the length of one request, so that each `Account` has its own tables and queues,
and nobody else's mocks or clients notice.  Nothing is read from the user's AWS settings, no request
leaves the process, and no container runs: Batch jobs succeed at once.
"""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from functools import cache
from random import Random
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.errors import UsageError, did_you_mean
from sfnbook.tasks import models

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION: Final = "us-east-1"
INSTALL: Final = 'pip install "sfnbook[aws]"'

_NOT_THERE: Final[tuple[int, dict[str, str], str]] = (404, {}, "Not yet implemented")
_NO_DOCKER: Final = {"batch": {"use_docker": False}, "lambda": {"use_docker": False}}

# A setting of the user's, and what stands in its place while a library may look at it.
_SETTINGS: Final = ("AWS_", "BOTO_", "MOTO_")
_NOWHERE: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

Held: TypeAlias = "dict[Any, tuple[dict[str, Any], dict[str, Any]]]"
"""By service of moto's: the accounts that it holds, and what else it remembers."""

_turn: Final = RLock()


class Libraries(NamedTuple):
    """What is used of boto3, botocore and moto: slow to load, and not always there."""

    session: Any
    own_session: Any
    config: Any
    constant: Any
    store: Any
    response: Any
    stub: Any
    body: Any
    backends: Any
    user_config: Any
    random: Any
    web_session: Any


@cache
def libraries() -> Libraries:
    """Load them; UsageError where one is missing."""
    # ruff: noqa: PLC0415 - all that is loaded late in this file
    try:
        from boto3 import Session
        from botocore.awsrequest import AWSResponse
        from botocore.config import Config
        from botocore.configprovider import ConfigValueStore, ConstantProvider
        from botocore.session import Session as OwnSession
        from moto.core.base_backend import BackendDict
        from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
        from moto.core.config import default_user_config
        from moto.moto_api._internal import mock_random
        from requests import Session as WebSession
    except ImportError as problem:
        raise UsageError(
            f"The emulated AWS account needs boto3 and moto ({problem.name} is missing). Install them:\n\n"
            f"    {INSTALL}"
        ) from None
    return Libraries(
        Session, OwnSession, Config, ConstantProvider, ConfigValueStore, AWSResponse,
        BotocoreStubber, MockRawResponse, BackendDict, default_user_config, mock_random,
        WebSession,
    )  # fmt: skip


class Account:
    """One emulated account: us-east-1, 123456789012, empty at first.

    ``session`` is a boto3 session whose clients and resources all reach this account.  What moto draws
    (ids, tokens) it draws from a state of the account's own.
    """

    def __init__(self) -> None:
        self._held: Held = {}
        self._known: set[str] = set()
        self._calls = 0
        self._drawing = _drawing(0)
        with _without_settings():
            self.session = _session(self._answer)

    def seed(self, bits: int) -> None:
        """Draw what comes next from these bits, and from how often this was done: no id comes twice."""
        self._calls += 1
        self._drawing = _drawing(bits + self._calls)

    def client(self, service: str) -> Any:
        """A client of boto3's that reaches this account."""
        _check_service(service)
        # An error of the emulator would only be tried again, and slowly.
        config = libraries().config(retries={"total_max_attempts": 1}, parameter_validation=False)
        with _without_settings():
            client = self.session.client(service, config=config)
        if service == "lambda":
            client.meta.events.register("provide-client-params.lambda.Invoke", _check_function(client))
        return client

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        """Answer one request of a client of ours; botocore sends nothing where it gets an answer."""
        _event, service, operation = event_name.split(".")
        try:
            with _turn, self._lent(service), _offline():
                answered = libraries().stub().process_request(request)
        except Exception as problem:
            raise _not_emulated(service, operation, problem) from problem
        if answered is None or answered == _NOT_THERE:
            raise _not_emulated(service, operation, None)
        status, headers, body = answered
        return libraries().response(request.url, status, headers, libraries().body(body))

    @contextmanager
    def _lent(self, service: str) -> Iterator[None]:
        """Put this account in moto's place for one request, and whatever was there back."""
        user_config, random = libraries().user_config, libraries().random
        config, drawing = user_config.copy(), random.getstate()
        others = _exchanged(self._held)
        try:
            user_config.update(_NO_DOCKER)
            random.setstate(self._drawing)
            # moto's remarks are for those who test with it; it looks at the regions when it first
            # meets a service.
            with warnings.catch_warnings(action="ignore"), _without_settings(unless=service in self._known):
                yield
            self._known.add(service)
        finally:
            self._drawing = random.getstate()
            random.setstate(drawing)
            user_config.update(config)
            self._held = _exchanged(others)


@contextmanager
def _offline() -> Iterator[None]:
    """What moto itself would send on (a topic with an HTTP subscriber) is refused, in this thread."""
    web, here = libraries().web_session, get_ident()
    send = web.send

    def refuse(self: Any, request: Any, **options: Any) -> Any:
        if get_ident() != here:
            return send(self, request, **options)
        raise ConnectionError(f"nothing is sent to {request.url}: no request leaves this process")

    web.send = refuse
    try:
        yield
    finally:
        web.send = send


def _exchanged(coming: Held) -> Held:
    """Put these accounts into moto's global tables; what was there is given out."""
    present = libraries().backends._instances  # noqa: SLF001 - moto's only list of what is in use
    going = {backend: (dict(backend.items()), _remembered(backend)) for backend in present}
    for backend in present:
        dict.clear(backend)
        for name in _remembered(backend):
            setattr(backend, name, {})
    present[:] = list(coming)
    for backend, (accounts, remembered) in coming.items():
        dict.update(backend, accounts)
        for name, value in remembered.items():
            setattr(backend, name, value)
    return going


def _remembered(backend: Any) -> dict[str, Any]:
    """What a service remembers beside its accounts: S3 the owners of bucket names."""
    return {name: value for name, value in vars(backend).items() if type(value) is dict}


def _drawing(seed: int) -> Any:
    return Random(seed).getstate()  # noqa: S311 - ids of an emulator; the bits come from `chance`


def _check_function(client: Any) -> Any:
    """Without containers moto answers for functions that nobody made; AWS does not."""

    def check(params: dict[str, Any], **_: Any) -> None:
        client.get_function(FunctionName=params["FunctionName"])

    return check


def _not_emulated(service: str, operation: str, problem: Exception | None) -> UsageError:
    """What people can do where the emulator does not reach."""
    why = "" if problem is None else f": {problem!r}"
    if isinstance(problem, ImportError):
        why = f" without another package: pip install {problem.name}"
    return UsageError(
        f"The emulator (moto) cannot do {operation} of {service}{why}. Give the Task an answer of its own, "
        "or aws(client_factory) with clients of another emulator or of AWS."
    )


def _session(answer: Any) -> Any:
    """A boto3 session with made-up credentials that knows no setting of the user's."""
    used = libraries()
    own = used.own_session()
    defaults = {name: default for name, (_, _, default, _) in own.SESSION_VARIABLES.items()}
    ours = {
        "region": REGION,
        "config_file": os.devnull,
        "credentials_file": os.devnull,
        "ignore_configured_endpoint_urls": True,
    }
    store = used.store({name: used.constant(value) for name, value in (defaults | ours).items()})
    own.register_component("config_store", store)
    loader = models.loader()
    own.register_component("data_loader", loader)
    own.get_component("event_emitter").register_first("before-send", answer)
    session = used.session(
        aws_access_key_id="emulated",
        aws_secret_access_key="emulated",  # noqa: S106 - made up
        region_name=REGION,
        botocore_session=own,
    )
    # Each session of boto3's adds a place of its own to look at.
    loader.search_paths[:] = dict.fromkeys(loader.search_paths)
    return session


@contextmanager
def _without_settings(*, unless: bool = False) -> Iterator[None]:
    """The user's AWS settings hidden: libraries read them when a session or a service is made."""
    if unless:
        yield
        return
    hidden = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
    with _turn:
        try:
            for name in hidden:
                del os.environ[name]
            os.environ.update(_NOWHERE)
            yield
        finally:
            for name in _NOWHERE:
                del os.environ[name]
            os.environ.update(hidden)


def _check_service(name: str) -> None:
    services = models.services()
    if name not in services.values():
        ours = services.get(name)
        hint = f"boto3 calls it {ours!r}." if ours else did_you_mean(name, services.values())
        raise UsageError(f"There is no service {name!r}. {hint}")
