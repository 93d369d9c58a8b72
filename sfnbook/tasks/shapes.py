"""The shapes of what services answer, in Step Functions' PascalCase.

The operations that state machines call most stand in `OUTPUTS`; where botocore is installed its
service models know all others.  For an operation that neither knows there is no shape.  Shapes that
grow every few months (Lambda's runtimes) are left open.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.tasks import models
from sfnbook.tasks.models import pascal
from sfnbook.tasks.services.casing import field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.tasks.resources import Resource


class Shape(NamedTuple):
    """What a value may be.

    ``low`` and ``high`` bound a number, or the length of a text, whose ``form`` is what the model
    calls it: "timestamp", "blob" or "".  A ``union`` has one of its members.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    members: Mapping[str, Shape] = {}
    required: tuple[str, ...] = ()
    item: Shape | None = None
    form: str = ""
    union: bool = False


ANY: Final = Shape("any")
TEXT: Final = Shape("string")
NUMBER: Final = Shape("number")
FLAG: Final = Shape("boolean")


def text_of(low: int | None = None, high: int | None = None) -> Shape:
    return Shape("string", low, high)


def number_of(low: int | None = None, high: int | None = None) -> Shape:
    return Shape("number", low, high)


def enum(values: str) -> Shape:
    return Shape("string", values=tuple(values.split()))


def array(item: Shape) -> Shape:
    return Shape("array", item=item)


def mapping(item: Shape = TEXT) -> Shape:
    return Shape("map", item=item)


def structure(required: str = "", /, **members: Shape) -> Shape:
    return Shape("object", members=members, required=tuple(required.split()))


def _texts(names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), TEXT)


def output_shape(resource: Resource) -> Shape | None:
    """The shape of what a Task's resource gives; None where nothing says it."""
    if resource.kind not in {"integration", "sdk"}:
        return None
    key = f"{resource.service}:{resource.action}"
    if resource.pattern != "request":
        # The result of a job is what describes it; that of a callback is anything.
        return POLLED.get(key + "." + resource.pattern)
    if resource.kind == "integration" and key in PARSED:
        return PARSED[key]
    service = SERVICES.get(resource.service, resource.service)
    return OUTPUTS.get(f"{service}:{resource.action}") or model_shape(resource)


# --- the table --------------------------------------------------------------------------------------
SERVICES: Final[Mapping[str, str]] = {
    "states": "sfn",
    "events": "eventbridge",
}
"""Optimized integrations that aws-sdk calls by another name."""

_ATTRIBUTES: dict[str, Shape] = _texts("S N B") | {"NULL": FLAG, "BOOL": FLAG}
_ATTRIBUTE: Final = Shape("object", members=_ATTRIBUTES, union=True)
# An attribute value holds attribute values.
_ATTRIBUTES |= {name: array(TEXT) for name in ("SS", "NS", "BS")}
_ATTRIBUTES |= {"L": array(_ATTRIBUTE), "M": mapping(_ATTRIBUTE)}

_UNITS: Final = dict.fromkeys(("CapacityUnits", "ReadCapacityUnits", "WriteCapacityUnits"), NUMBER)
_CAPACITY: Final = structure(
    TableName=TEXT,
    Table=structure(**_UNITS),
    LocalSecondaryIndexes=mapping(structure(**_UNITS)),
    GlobalSecondaryIndexes=mapping(structure(**_UNITS)),
    **_UNITS,
)
_ITEM_WRITTEN: Final = structure(
    Attributes=mapping(_ATTRIBUTE),
    ConsumedCapacity=_CAPACITY,
    ItemCollectionMetrics=structure(ItemCollectionKey=mapping(_ATTRIBUTE), SizeEstimateRangeGB=array(NUMBER)),
)
_ITEMS_READ: Final = structure(
    Items=array(mapping(_ATTRIBUTE)),
    Count=NUMBER,
    ScannedCount=NUMBER,
    LastEvaluatedKey=mapping(_ATTRIBUTE),
    ConsumedCapacity=_CAPACITY,
)

_KMS_ALGORITHM: Final = enum("SYMMETRIC_DEFAULT RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256 SM2PKE")
_S3_ENCRYPTION: Final = {
    **_texts("SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId"),
    "ServerSideEncryption": enum("AES256 aws:fsx aws:kms aws:kms:dsse"),
    "BucketKeyEnabled": FLAG,
    "RequestCharged": enum("requester"),
}
_CHECKSUMS: Final = _texts("ChecksumCRC32 ChecksumCRC32C ChecksumCRC64NVME ChecksumSHA1 ChecksumSHA256")
_STORAGE_CLASS: Final = enum(
    "STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER DEEP_ARCHIVE OUTPOSTS "
    "GLACIER_IR SNOW EXPRESS_ONEZONE FSX_OPENZFS FSX_ONTAP"
)
_ERROR: Final = structure(ErrorCode=TEXT, Message=TEXT)

_FUNCTION: Final = structure(
    **_texts("FunctionArn Runtime Role LastModified CodeSha256 KMSKeyArn MasterArn RevisionId StateReason"),
    **_texts("LastUpdateStatusReason SigningProfileVersionArn SigningJobArn StateReasonCode"),
    FunctionName=text_of(1, 170),
    Handler=text_of(None, 128),
    Description=text_of(0, 256),
    Version=text_of(1, 1024),
    CodeSize=NUMBER,
    Timeout=number_of(1),
    MemorySize=number_of(128, 10_240),
    VpcConfig=structure(
        SubnetIds=array(TEXT), SecurityGroupIds=array(TEXT), VpcId=TEXT, Ipv6AllowedForDualStack=FLAG
    ),
    DeadLetterConfig=structure(TargetArn=TEXT),
    Environment=structure(Variables=mapping(), Error=_ERROR),
    TracingConfig=structure(Mode=enum("Active PassThrough")),
    Layers=array(structure(Arn=text_of(1, 140), CodeSize=NUMBER)),
    State=enum("Pending Active Inactive Failed Deactivating Deactivated ActiveNonInvocable Deleting"),
    LastUpdateStatus=enum("Successful Failed InProgress"),
    FileSystemConfigs=array(structure("Arn LocalMountPath", Arn=TEXT, LocalMountPath=TEXT)),
    PackageType=enum("Zip Image"),
    Architectures=array(enum("x86_64 arm64")),
    EphemeralStorage=structure("Size", Size=number_of(512, 10_240)),
)

_EXECUTION_STATUS: Final = enum("RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED PENDING_REDRIVE")
_INCLUDED: Final = structure(Included=FLAG)


def _execution(payload: Shape) -> Shape:
    """DescribeExecution; `.sync:2` gives Input and Output as JSON, `.sync` as text."""
    return structure(
        "ExecutionArn StateMachineArn Status StartDate",
        **_texts("StartDate StopDate TraceHeader MapRunArn RedriveDate RedriveStatusReason"),
        ExecutionArn=text_of(1, 256),
        StateMachineArn=text_of(1, 256),
        Name=text_of(1, 80),
        Status=_EXECUTION_STATUS,
        Input=payload,
        InputDetails=_INCLUDED,
        Output=payload,
        OutputDetails=_INCLUDED,
        Error=text_of(0, 256),
        Cause=text_of(0, 32_768),
        RedriveCount=NUMBER,
        RedriveStatus=enum("REDRIVABLE NOT_REDRIVABLE REDRIVABLE_BY_MAP_RUN"),
    )


def _invocation(payload: Shape) -> Shape:
    return structure(
        StatusCode=NUMBER,
        FunctionError=TEXT,
        LogResult=TEXT,
        Payload=payload,
        ExecutedVersion=text_of(1, 1024),
    )


OUTPUTS: Final[Mapping[str, Shape]] = {
    "dynamodb:getItem": structure(Item=mapping(_ATTRIBUTE), ConsumedCapacity=_CAPACITY),
    "dynamodb:putItem": _ITEM_WRITTEN,
    "dynamodb:updateItem": _ITEM_WRITTEN,
    "dynamodb:deleteItem": _ITEM_WRITTEN,
    "dynamodb:query": _ITEMS_READ,
    "dynamodb:scan": _ITEMS_READ,
    "eventbridge:putEvents": structure(
        FailedEntryCount=NUMBER, Entries=array(structure(**_texts("EventId ErrorCode ErrorMessage")))
    ),
    "kms:decrypt": structure(
        KeyId=text_of(1, 2048), Plaintext=text_of(1, 4096), EncryptionAlgorithm=_KMS_ALGORITHM
    ),
    "kms:encrypt": structure(
        KeyId=text_of(1, 2048), CiphertextBlob=text_of(1, 6144), EncryptionAlgorithm=_KMS_ALGORITHM
    ),
    "lambda:getFunction": structure(
        Configuration=_FUNCTION,
        Code=structure(**_texts("RepositoryType Location ImageUri ResolvedImageUri SourceKMSKeyArn")),
        Tags=mapping(),
        Concurrency=structure(ReservedConcurrentExecutions=number_of(0)),
    ),
    "lambda:invoke": _invocation(TEXT),
    "s3:getObject": structure(
        **_texts("Body AcceptRanges Expiration Restore LastModified ETag VersionId CacheControl Expires"),
        **_texts("ContentDisposition ContentEncoding ContentLanguage ContentRange ContentType"),
        **_texts("WebsiteRedirectLocation ObjectLockRetainUntilDate"),
        **_CHECKSUMS,
        **_S3_ENCRYPTION,
        **dict.fromkeys(("ContentLength", "MissingMeta", "PartsCount", "TagCount"), NUMBER),
        DeleteMarker=FLAG,
        Metadata=mapping(),
        ChecksumType=enum("COMPOSITE FULL_OBJECT"),
        StorageClass=_STORAGE_CLASS,
        ReplicationStatus=enum("COMPLETE PENDING FAILED REPLICA COMPLETED"),
        ObjectLockMode=enum("GOVERNANCE COMPLIANCE"),
        ObjectLockLegalHoldStatus=enum("ON OFF"),
    ),
    "s3:putObject": structure(
        **_texts("Expiration ETag VersionId SSEKMSEncryptionContext"),
        **_CHECKSUMS,
        **_S3_ENCRYPTION,
        Size=NUMBER,
    ),
    "secretsmanager:getSecretValue": structure(
        ARN=text_of(20, 2048),
        Name=text_of(1, 256),
        VersionId=text_of(32, 64),
        SecretBinary=text_of(1, 65_536),
        SecretString=text_of(1, 65_536),
        VersionStages=array(text_of(1, 256)),
        CreatedDate=TEXT,
    ),
    "sfn:describeExecution": _execution(TEXT),
    "sfn:startExecution": structure("ExecutionArn StartDate", ExecutionArn=text_of(1, 256), StartDate=TEXT),
    "sns:publish": structure(**_texts("MessageId SequenceNumber")),
    "sqs:sendMessage": structure(
        **_texts("MD5OfMessageBody MD5OfMessageAttributes MD5OfMessageSystemAttributes"),
        **_texts("MessageId SequenceNumber"),
    ),
}
"""By service and action as aws-sdk names them; fields in Step Functions' PascalCase."""

PARSED: Final[Mapping[str, Shape]] = {"lambda:invoke": _invocation(ANY)}
"""Optimized integrations that change the API's answer: the Payload arrives as JSON."""

POLLED: Final[Mapping[str, Shape]] = {
    "states:startExecution.sync": _execution(TEXT),
    "states:startExecution.sync:2": _execution(ANY),
}


FALLBACKS: Final[Mapping[str, Shape]] = {
    "athena:startQueryExecution": structure(QueryExecutionId=TEXT),
    "athena:startQueryExecution.sync": structure(
        QueryExecution=structure(QueryExecutionId=TEXT, Status=structure(State=enum("SUCCEEDED")))
    ),
    "athena:getQueryResults": structure("ResultSet", ResultSet=structure("Rows", Rows=array(ANY))),
    "batch:submitJob": structure(JobId=TEXT, JobName=TEXT),
    "batch:submitJob.sync": structure(JobId=TEXT, JobName=TEXT, Status=enum("SUCCEEDED")),
    "codebuild:startBuild": structure(Build=structure(Id=TEXT, BuildStatus=enum("IN_PROGRESS"))),
    "codebuild:startBuild.sync": structure(Build=structure(Id=TEXT, BuildStatus=enum("SUCCEEDED"))),
    "ecs:runTask": structure(Tasks=array(structure(TaskArn=TEXT, LastStatus=enum("PROVISIONING")))),
    "ecs:runTask.sync": structure(
        TaskArn=TEXT, Containers=array(structure(Name=TEXT, ExitCode=NUMBER)), LastStatus=enum("STOPPED")
    ),
    "elasticmapreduce:addStep": structure(StepId=TEXT),
    "elasticmapreduce:addStep.sync": structure(
        Step=structure(Id=TEXT, Status=structure(State=enum("COMPLETED")))
    ),
    "glue:startJobRun": structure(JobRunId=TEXT),
    "glue:startJobRun.sync": structure(Id=TEXT, JobName=TEXT, JobRunState=enum("SUCCEEDED")),
    "s3:listObjectsV2": structure(
        "IsTruncated KeyCount",
        Contents=array(structure(Key=TEXT, Size=NUMBER, ETag=TEXT)),
        IsTruncated=FLAG,
        KeyCount=NUMBER,
    ),
    "sfn:startSyncExecution": structure(
        "ExecutionArn", ExecutionArn=TEXT, Output=TEXT, Status=enum("SUCCEEDED")
    ),
}
"""The shortest form of what only botocore describes, for samples without it."""


# --- botocore ---------------------------------------------------------------------------------------
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("string", "blob", "character"), "string"),
    **dict.fromkeys(("integer", "long", "float", "double", "short", "bigdecimal"), "number"),
    "boolean": "boolean",
}


@cache
def model_shape(resource: Resource) -> Shape | None:
    """The shape from botocore's model; None without botocore or such an operation."""
    operation = models.operation(resource)
    sdk = resource.kind == "sdk"
    return None if operation is None else shape_of(operation.model, operation.name, sdk=sdk)


def shape_of(model: Mapping[str, Any], action: str, *, sdk: bool = False) -> Shape | None:
    """The shape of what an operation gives, from a service model in AWS's ``service-2`` form.

    ``sdk`` asks for aws-sdk's form of names and timestamps, else it is that of optimized integrations.

    >>> shapes = {"P": {"type": "structure", "members": {"at": {"shape": "T"}}}, "T": {"type": "timestamp"}}
    >>> model = {"operations": {"Ping": {"output": {"shape": "P"}}}, "shapes": shapes}
    >>> shape_of(model, "ping", sdk=True).members["At"].kind
    'string'
    """
    operation = model["operations"].get(pascal(action))
    if operation is None:
        return None
    output = operation.get("output")
    return structure() if output is None else _Reader(model["shapes"], sdk).read(output["shape"])


class _Reader:
    """Reads the shapes of one model; one that holds itself is read once, its members filled in afterwards."""

    def __init__(self, shapes: Mapping[str, Any], sdk: bool) -> None:
        self.shapes, self.sdk = shapes, sdk
        self.seen: dict[str, Shape] = {}

    def read(self, name: str) -> Shape:
        if name not in self.seen:
            kind = self.shapes[name]["type"]
            read = self._structure if kind == "structure" else self._several
            self.seen[name] = read(name) if kind in {"structure", "list", "map"} else self._scalar(name)
        return self.seen[name]

    def _structure(self, name: str) -> Shape:
        found = self.shapes[name]
        members: dict[str, Shape] = {}
        required = tuple(self._field(member) for member in found.get("required", ()))
        union = bool(found.get("union")) or name == "AttributeValue"
        kind = "any" if found.get("document") else "object"
        self.seen[name] = shape = Shape(kind, members=members, required=required, union=union)
        for key, member in found["members"].items():
            members[self._field(key)] = self.read(member["shape"])
        return shape

    def _several(self, name: str) -> Shape:
        found = self.shapes[name]
        kind, inner = ("array", "member") if found["type"] == "list" else ("map", "value")
        # A list cannot be changed once it is made: one that holds itself is left open at the inner place.
        self.seen[name] = ANY
        return Shape(kind, item=self.read(found[inner]["shape"]))

    def _scalar(self, name: str) -> Shape:
        found = self.shapes[name]
        kind = found["type"]
        if kind == "timestamp":
            # Optimized integrations give milliseconds; a mocked text is not refused.
            return Shape("string" if self.sdk else "any", form=kind)
        form = kind if kind == "blob" else ""
        values = tuple(found.get("enum", ()))
        return Shape(_KINDS.get(kind, "any"), found.get("min"), found.get("max"), values, form=form)

    def _field(self, member: str) -> str:
        return field(member, sdk=self.sdk)
