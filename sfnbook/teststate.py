"""The TestState API: one state, run alone, with a mock in place of the outside.

The state runs through the engine's own rules in a frame of its own; what this file adds is AWS's
checks of the request, the mock, and the stages that AWS shows for each kind of state.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance, parse, source, validate
from sfnbook.clock import start_instant
from sfnbook.definition import JSONPATH
from sfnbook.errors import DefinitionError, Diagnostic, UsageError
from sfnbook.frames import ENTER, FIRST_VISIT, TOP, WORLD, Frame, Identity, Scope, World
from sfnbook.limits import AWS_LIMITS
from sfnbook.program import compile_definition
from sfnbook.tasks.answers import compile_answers, task_ref
from sfnbook.teststate_mocks import ApiError, check_result, refuse
from sfnbook.teststate_request import LEVELS, STATE, Configuration, Mock, check_context, read_configuration, read_mock
from sfnbook.teststate_trial import Trial, TrialScene
from sfnbook.validate.transitions import targets
from sfnbook.validate.walk import blocks
from sfnbook.values import Json, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ApiError", "test_state"]
