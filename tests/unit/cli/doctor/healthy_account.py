"""A healthy deployment on AWS as boto3 sees it: real clients whose requests are answered here.

botocore validates the parameters of each request. Tests change `replies` and `denied`.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import httpx

from cli.doctor.alarm_checks import ALARM, DASHBOARD
from cli.doctor.deployment import ALIAS, FUNCTIONS, Deployment
from cli.doctor.function_checks import BYTECODE
from cli.doctor.permission_table import NEEDED
from cli.doctor.work_checks import SCHEDULES
from cli.target import Target
from rushes.aws.dynamodb.items import INDEXES
from rushes.catalog.source import CatalogVersion
from tests.default_config import default_catalog

NOW = datetime.now(UTC)
HERE = "us-east-1:123456789012"
TOPIC = f"arn:aws:sns:{HERE}:wake-me"
MACHINE = f"arn:aws:states:{HERE}:stateMachine:rushes"
QUEUES = ("EventQueue", "EventDeadLetterQueue", "DeliveryQueue", "DeliveryDeadLetterQueue")
ALARMS = ("SweeperAlarm", "DeadLetterAlarm")
LAYERS = [f"arn:aws:lambda:{HERE}:layer:rushes-{name}:7" for name in ("dependencies", "rushes")]
EXPIRING = ("outputs/", "archive/", "provider/", "uploads/", "inputs/")
RESOURCES = {
    **dict.fromkeys(FUNCTIONS, "AWS::Lambda::Function"),
    **dict.fromkeys((f"{name}Alias{ALIAS}" for name in FUNCTIONS), "AWS::Lambda::Alias"),
    **dict.fromkeys(QUEUES, "AWS::SQS::Queue"),
    **dict.fromkeys(ALARMS, ALARM),
    "Dashboard": DASHBOARD,
    "EventQueueMapping": "AWS::Lambda::EventSourceMapping",
    "DeliveryQueueMapping": "AWS::Lambda::EventSourceMapping",
    "EventQueueRule": "AWS::Events::Rule",
    **dict.fromkeys(SCHEDULES, "AWS::Events::Rule"),
}


def function(name: str) -> dict[str, Any]:
    return {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:{HERE}:function:{name}",
        "Role": f"arn:aws:iam::123456789012:role/{name}",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "MemorySize": 1024,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Layers": [{"Arn": arn} for arn in LAYERS],
        "Environment": {
            "Variables": {"TABLE_NAME": "jobs", "BUCKET_NAME": "media", "LOCAL_MODE": "false"}
        },
    }


def queue(name: str) -> dict[str, str]:
    attributes = {"QueueArn": f"arn:aws:sqs:{HERE}:{name}", "ApproximateNumberOfMessages": "0"}
    if name in ("EventQueue", "DeliveryQueue"):
        dead_letters = name.replace("Queue", "DeadLetterQueue")
        policy = {"deadLetterTargetArn": f"arn:aws:sqs:{HERE}:{dead_letters}"}
        attributes["RedrivePolicy"] = json.dumps(policy)
    return attributes


def lifecycle() -> list[dict[str, Any]]:
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
    expire = {"Expiration": {"Days": 30}}
    rules = [(prefix, expire) for prefix in EXPIRING] + [("", abort)]
    return [
        {"Status": "Enabled", "Filter": {"Prefix": prefix}, **action} for prefix, action in rules
    ]


class Account:
    """State of the deployment; each part may be changed before the checks run."""

    def __init__(self) -> None:
        self.stack: dict[str, Any] = {
            "StackName": "rushes",
            "StackId": f"arn:aws:cloudformation:{HERE}:stack/rushes/1",
            "StackStatus": "UPDATE_COMPLETE",
            "CreationTime": NOW - timedelta(days=3),
        }
        self.parameters = {"Architecture": "arm64"}
        self.resources = dict(RESOURCES)
        self.functions = {name: function(name) for name in FUNCTIONS}
        self.queues = {name: queue(name) for name in QUEUES}
        self.table: dict[str, Any] = {
            "TableName": "jobs",
            "TableStatus": "ACTIVE",
            "DeletionProtectionEnabled": True,
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "IndexStatus": "ACTIVE"} for name in INDEXES
            ],
        }
        self.ttl = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
        self.recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "EarliestRestorableDateTime": NOW - timedelta(days=3),
            "LatestRestorableDateTime": NOW - timedelta(minutes=5),
        }
        self.lifecycle = lifecycle()
        self.public_access = dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"),
            True,
        )
        self.encryption = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        self.notification: dict[str, Any] = {"EventBridgeConfiguration": {}}
        self.mapping_state = "Enabled"
        self.rule_state = "ENABLED"
        self.targets = [{"Id": "events", "Arn": f"arn:aws:sqs:{HERE}:EventQueue"}]
        self.alarms = {
            name: {
                "AlarmName": f"rushes-{name}",
                "StateValue": "OK",
                "ActionsEnabled": True,
                "AlarmActions": [TOPIC],
            }
            for name in ALARMS
        }
        self.subscriptions = [{"SubscriptionArn": f"{TOPIC}:1"}]
        self.sums = {"Invocations": 15.0, "Errors": 0.0, "Duration": 60_000.0}
        self.executions: list[dict[str, Any]] = []
        self.concurrency = 1000
        self.secrets: dict[str, str] = {}
        self.denied: set[tuple[str, str]] = set()
        """Function and action that its role lacks."""
        self.granted: set[tuple[str, str]] = set()
        """Function and action that its role has too many."""
        self.errors: dict[str, str] = {}
        """Error codes by operation."""
        self.configuration: CatalogVersion | Exception = CatalogVersion(3, default_catalog())
        self.archive = {f"python/rushes/__pycache__/jobs{BYTECODE}": b""}
        self.http: Callable[[httpx.Request], httpx.Response] = self.answer_http

    def answer_http(self, request: httpx.Request) -> httpx.Response:
        headers = {"date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return httpx.Response(200 if request.url.path == "/openapi.json" else 401, headers=headers)

    def layer(self) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in self.archive.items():
                archive.writestr(name, content)
        return file.getvalue()

    def deployment(self) -> Deployment:
        CURRENT.append(self)
        target = Target("rushes", SESSION, "media", "jobs", "rushes/providers")
        deployment = Deployment(target, _clients=CLIENTS)
        http = httpx.Client(base_url="https://api", transport=httpx.MockTransport(self.http))
        vars(deployment)["http"] = http
        vars(deployment)["now"] = NOW.timestamp  # the account is as old as the test's import
        if isinstance(self.configuration, CatalogVersion):
            vars(deployment)["configuration"] = self.configuration
        return deployment


def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["doctor_params"] = dict(params)


def answer(model: Any, context: dict[str, Any], **_: Any) -> Any:
    """Answer a request instead of AWS."""
    account = CURRENT[-1]
    if code := account.errors.get(model.name):
        return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": ""}}
    return SimpleNamespace(status_code=200), REPLIES[model.name](account, context["doctor_params"])


SESSION = boto3.Session("id", "secret", region_name="us-east-1")
SESSION.events.register("before-parameter-build", remember)
SESSION.events.register("before-call", answer)
CLIENTS: dict[str, Any] = {}
"""Clients of all tests: to create one takes long."""
CURRENT: list[Account] = []
"""The last one answers."""


def _described(account: Account, _: Any) -> dict[str, Any]:
    outputs = {"ApiUrl": "https://api", "BusName": "rushes", "StateMachineArn": MACHINE}
    return {
        "Stacks": [
            {
                **account.stack,
                "Outputs": [
                    {"OutputKey": name, "OutputValue": value} for name, value in outputs.items()
                ],
                "Parameters": [
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in account.parameters.items()
                ],
            }
        ]
    }


def _resources(account: Account, _: Any) -> dict[str, Any]:
    return {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": name,
                "ResourceType": kind,
                "PhysicalResourceId": physical(name, kind),
            }
            for name, kind in account.resources.items()
        ]
    }


def physical(name: str, kind: str) -> str:
    if kind == ALARM:
        return f"rushes-{name}"
    return f"{name:0>36}" if kind.endswith("EventSourceMapping") else name


def _simulated(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    name = params["PolicySourceArn"].rpartition("/")[2]
    (action,), (resource,) = params["ActionNames"], params["ResourceArns"]
    key = "".join(entry["ContextKeyValues"][0] for entry in params.get("ContextEntries", ()))
    wanted = {(use.action, use.key, tail(use.resource)) for use in NEEDED.get(name, ())}
    is_needed = name == "machine" or (action, key, tail(resource)) in wanted
    is_allowed = is_needed and (name, action) not in account.denied
    decision = "allowed" if is_allowed or (name, action) in account.granted else "implicitDeny"
    return {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision}]}


def tail(resource: str) -> str:
    """Return the folder or index of a resource, which tells those of one service apart."""
    found = re.search(r"(inputs|outputs|config|index/\w+)", resource)
    return found[1] if found else ""


def _secret(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    name = params["SecretId"].rpartition("/")[2]
    return {"SecretString": account.secrets.get(name, '{"api_key": "a-key-of-the-provider"}')}


def _metric(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    total = account.sums.get(params["MetricName"], 1000.0)
    return {"Datapoints": [{"Sum": total}] if total else []}


REPLIES: dict[str, Callable[[Account, dict[str, Any]], dict[str, Any]]] = {
    "DescribeStacks": _described,
    "ListStackResources": _resources,
    "GetFunctionConfiguration": lambda account, params: account.functions[
        params["FunctionName"].removesuffix(f":{ALIAS}")
    ],
    "GetLayerVersionByArn": lambda *_: {"Content": {"Location": "https://layers/layer.zip"}},
    "GetEventSourceMapping": lambda account, _: {"State": account.mapping_state},
    "GetAccountSettings": lambda account, _: {
        "AccountLimit": {"ConcurrentExecutions": account.concurrency}
    },
    "DescribeTable": lambda account, _: {"Table": account.table},
    "DescribeTimeToLive": lambda account, _: {"TimeToLiveDescription": account.ttl},
    "DescribeContinuousBackups": lambda account, _: {
        "ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": account.recovery}
    },
    "Query": lambda *_: {"Items": []},
    "GetBucketLifecycleConfiguration": lambda account, _: {"Rules": account.lifecycle},
    "GetBucketEncryption": lambda account, _: {
        "ServerSideEncryptionConfiguration": {"Rules": account.encryption}
    },
    "GetPublicAccessBlock": lambda account, _: {
        "PublicAccessBlockConfiguration": account.public_access
    },
    "GetBucketNotificationConfiguration": lambda account, _: account.notification,
    "GetQueueAttributes": lambda account, params: {
        "Attributes": account.queues[params["QueueUrl"]]
    },
    "DescribeRule": lambda account, _: {"State": account.rule_state},
    "ListTargetsByRule": lambda account, _: {"Targets": account.targets},
    "ListExecutions": lambda account, params: {
        "executions": [one for one in account.executions if one["status"] == params["statusFilter"]]
    },
    "DescribeStateMachine": lambda *_: {"roleArn": "arn:aws:iam::123456789012:role/machine"},
    "DescribeAlarms": lambda account, _: {"MetricAlarms": list(account.alarms.values())},
    "GetDashboard": lambda *_: {"DashboardBody": "{}"},
    "GetMetricStatistics": _metric,
    "ListSubscriptionsByTopic": lambda account, _: {"Subscriptions": account.subscriptions},
    "SimulatePrincipalPolicy": _simulated,
    "GetSecretValue": _secret,
    "ListServiceQuotas": lambda *_: {"Quotas": []},
}
