"""Builders of small definitions, and what a rule is expected to say about them."""

from sfnbook.validation import diagnose

SCHEMA = "SCHEMA_VALIDATION_FAILED"
LAMBDA = "arn:aws:lambda:us-east-1:111111111111:function:f"

INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


def machine(state, *, then=None, **more):
    """A machine of the state S, and Z to go on to."""
    states = {"S": state}
    if "Next" in state or "Choices" in state or "Catch" in state:
        states["Z"] = then or {"Type": "Succeed"}
    return {"StartAt": "S", "States": states, **more}


def task(**fields):
    return machine({"Type": "Task", "Resource": LAMBDA, "End": True, **fields})


def passing(**fields):
    return machine({"Type": "Pass", "End": True, **fields})


def waiting(**fields):
    return machine({"Type": "Wait", "End": True, **fields})


def mapping(**fields):
    return machine({"Type": "Map", "ItemProcessor": INNER, "End": True, **fields})


def distributed(config=None, **fields):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} if config is None else config
    return mapping(ItemProcessor={"ProcessorConfig": config, **INNER}, **fields)


def choosing(*rules, **fields):
    return machine({"Type": "Choice", "Choices": list(rules), **fields})


def jsonata(built, **changes):
    return built | {"QueryLanguage": "JSONata"} | changes


def errors(built, **options):
    return [
        (found.code, found.message, found.pointer)
        for found in diagnose(built, **options)
        if found.severity == "ERROR"
    ]


def reading(**config):
    return distributed(ItemReader={"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config})


def only_one(*fields):
    return f"There should only be one of the following fields: [{', '.join(fields)}]"


def other_language(language, field, other):
    return (
        f"The QueryLanguage is set to '{language}', but field '{field}' is only supported for the "
        f"'{other}' QueryLanguage"
    )


RETRY = {"ErrorEquals": ["E"]}
CATCH = {"ErrorEquals": ["E"], "Next": "Z"}
RULE = {"Variable": "$.n", "NumericEquals": 1, "Next": "Z"}
CONDITION = {"Condition": "{% true %}", "Next": "Z"}
READ = "arn:aws:states:::s3:getObject"
WRITE = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}
LONG = "x" * 81

# what is built, the message (or its beginning, with ...), the pointer, the code if not SCHEMA


def check_fault(built, message, pointer, code=SCHEMA):
    """The definition has this one error; a message that ends in ... is only the beginning."""
    ((found_code, found_message, found_pointer),) = errors(built)
    assert (found_code, found_pointer) == (code, pointer)
    if message.endswith("..."):
        assert found_message.startswith(message.removesuffix("..."))
    else:
        assert found_message == message
