"""Every service and operation of botocore's models, by its ARN and in Step Functions' casing."""

import itertools

import pytest

from sfnbook.tasks import models
from sfnbook.tasks.resources import SDK_ERROR_PREFIXES, parse_resource
from sfnbook.tasks.services import casing, failures


def all_operations():
    """(the service's aws-sdk name, its model) of every service; models of AWS come from botocore."""
    from botocore.model import ServiceModel

    for number, (name, service) in enumerate(models.services().items()):
        yield name, ServiceModel(models.load(service), service)
        if number % 25 == 0:
            models.forget()  # all at once are hundreds of megabytes


SOME = "batch cognitoidentityprovider cloudwatchlogs dynamodb ecs eventbridge glue kms rds s3 sfn sns sqs ssm"


def test_every_operation_of_every_service_is_found_by_its_arn():
    seen = 0
    for name, model in all_operations():
        for operation in model.operation_names:
            arn = f"arn:aws:states:::aws-sdk:{name}:{models.action(operation)}"
            found = models.operation(parse_resource(arn))
            assert found is not None, arn
            assert found.name == operation
            seen += 1
    assert seen > 9000


def test_a_service_is_called_in_arns_as_its_class_in_errors():
    known = models.services()
    for name in SOME.split():
        service_id = models.load(known[name])["metadata"]["serviceId"]
        assert failures.class_name(service_id).lower() == name
        if name in SDK_ERROR_PREFIXES:
            assert failures.class_name(service_id) == SDK_ERROR_PREFIXES[name]


def example(shape, depth=3):
    """A value in the form of the API that fits a shape, with every member."""
    kind = shape.type_name
    if depth == 0:
        return {"structure": {}, "map": {}, "list": []}.get(kind)
    if kind == "structure":
        found = {name: example(member, depth - 1) for name, member in shape.members.items()}
        return {name: value for name, value in found.items() if value is not None}
    if kind in {"list", "map"}:
        inner = example(shape.member if kind == "list" else shape.value, depth - 1)
        return None if inner is None else [inner] if kind == "list" else {"aKey": inner}
    values = {"string": "text", "boolean": True, "blob": b"bytes", "integer": 1, "long": 2, "double": 0.5}
    return {**values, "float": 0.5}.get(kind)


@pytest.mark.parametrize("sdk", [True, False])
@pytest.mark.parametrize("name", SOME.split())
def test_parameters_go_out_as_responses_come_in(name, sdk):
    """Casing loses nothing: what is shown in Step Functions' form is sent in the API's again."""
    from botocore.model import ServiceModel

    service = models.services()[name]
    model = ServiceModel(models.load(service), service)
    for operation in itertools.islice(model.operation_names, 60):
        shape = model.operation_model(operation).input_shape
        if shape is None:
            continue
        given = example(shape)
        shown = casing.response(shape, given, sdk=sdk)
        request = casing.Request(sdk=sdk)
        assert request.build(shape, shown) == given, operation
        assert request.problems == []
