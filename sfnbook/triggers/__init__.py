"""How workflows are started: events, schedules, API requests and the SDK.

    Rule       an EventBridge rule: events that match its pattern
    Schedule   rate, cron and at, on the virtual clock
    RestApi    an API Gateway REST API with a Step Functions integration and a mapping template
    HttpApi    an API Gateway HTTP API with parameter mapping
    Sdk        StartExecution and StartSyncExecution, with their rules

Each gives executions or a debugger, and says in the first transition's ``why`` what started them.
"""

from __future__ import annotations

from sfnbook.triggers.apigateway import HttpApi, Request, Response, RestApi
from sfnbook.triggers.rules import Rule, event
from sfnbook.triggers.schedules import Schedule
from sfnbook.triggers.sdk import Sdk
from sfnbook.triggers.starts import Start

__all__ = ["HttpApi", "Request", "Response", "RestApi", "Rule", "Schedule", "Sdk", "Start", "event"]
