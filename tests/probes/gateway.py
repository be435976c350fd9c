"""API Gateway's HTTP APIs: sizes, time limits and the events of functions.

The engine's HTTP API is the first that exists: one probe creates it for all. AWS documents the
limits of sizes; the statuses of refusals are those of the HTTP standard.
"""

import json
from functools import cache
from threading import Lock
from typing import Any

import httpx

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import documented, probes_of

probe = probes_of("API Gateway")

GUIDE = "apigateway/latest/developerguide/"
QUOTAS = GUIDE + "http-api-quotas.html"
EVENTS = GUIDE + "http-api-develop-integrations-lambda.html"
FAILURES = GUIDE + "http-api-troubleshooting-lambda.html"
LAMBDA_LIMITS = "lambda/latest/dg/gettingstarted-limits.html"
ORIGIN = "http://127.0.0.1:3000"
FUNCTION = """
import json, time
def handler(event, context):
    path = event["rawPath"]
    if path == "/slow":
        time.sleep(33)
    if path == "/fail":
        raise ValueError("secret")
    if path == "/large":
        return {"statusCode": 200, "body": "x" * 7_000_000}
    body = event.pop("body", "")
    return {"statusCode": 200, "body": json.dumps({**event, "characters": len(body)})}
"""
FILE = {"content-type": "application/octet-stream"}
JSON_TYPE = {"content-type": "application/json"}
LOCK = Lock()
TIMEOUT = 60.0


def create_api(aws: AwsSetup) -> None:
    """Create the HTTP API once for all probes."""
    with LOCK:
        _create_api(aws)


@cache
def _create_api(aws: AwsSetup) -> None:
    """Create an HTTP API that allows one origin, with a function at `$default`."""
    stack = aws.cloudformation
    name, function = aws.name(), aws.function(FUNCTION, Timeout=40)
    arn = aws.functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    cors = {
        "AllowOrigins": [ORIGIN],
        "AllowMethods": ["GET", "POST"],
        "AllowHeaders": ["authorization"],
        "ExposeHeaders": ["x-request-id"],
        "MaxAge": 7200,
    }
    resources = {
        "Api": resource("Api", Name=name, ProtocolType="HTTP", CorsConfiguration=cors),
        "Integration": resource(
            "Integration",
            ApiId={"Ref": "Api"},
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion="2.0",
        ),
        "Route": resource(
            "Route",
            ApiId={"Ref": "Api"},
            RouteKey="$default",
            Target={"Fn::Sub": "integrations/${Integration}"},
        ),
        "Stage": resource("Stage", ApiId={"Ref": "Api"}, StageName="$default", AutoDeploy=True),
    }
    stack.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    stack.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


def send(aws: AwsSetup, path: str = "/", **more: Any) -> httpx.Response:
    create_api(aws)
    method = "POST" if "content" in more else "GET"
    return httpx.request(method, aws.front_url + path, timeout=TIMEOUT, **more)


def status(reply: httpx.Response) -> str:
    return str(reply.status_code)


@probe("a file of 4.4 MB")
@documented("200", LAMBDA_LIMITS)
def small_file(aws: AwsSetup) -> str:
    return status(send(aws, content=bytes(4_400_000), headers=FILE))


@probe("a file of 4.8 MB, more than 6 MB in base64")
@documented("413", LAMBDA_LIMITS)
def large_file(aws: AwsSetup) -> str:
    """A body that is not text is base64 in the event, and the event is the function's payload."""
    return status(send(aws, content=bytes(4_800_000), headers=FILE))


@probe("a form of 4.8 MB, more than 6 MB in base64")
@documented("413", LAMBDA_LIMITS)
def large_form(aws: AwsSetup) -> str:
    form = {"content-type": "multipart/form-data; boundary=x"}
    return status(send(aws, content=bytes(4_800_000), headers=form))


@probe("a JSON body of 6 MB")
@documented("200", LAMBDA_LIMITS)
def large_json(aws: AwsSetup) -> str:
    return status(send(aws, content=b'"' + b"x" * 6_000_000 + b'"', headers=JSON_TYPE))


@probe("a JSON body of 6.3 MB")
@documented("413", LAMBDA_LIMITS)
def larger_json(aws: AwsSetup) -> str:
    return status(send(aws, content=b'"' + b"x" * 6_300_000 + b'"', headers=JSON_TYPE))


@probe("a JSON body of 3.2 MB of quotes, more than 6 MB as a text in JSON")
@documented("413", LAMBDA_LIMITS)
def escaped_json(aws: AwsSetup) -> str:
    return status(send(aws, content=b'"' * 3_200_000, headers=JSON_TYPE))


@probe("a body of more than 10 MB")
@documented("413", QUOTAS)
def largest_body(aws: AwsSetup) -> str:
    return status(send(aws, content=bytes(10 * 1024 * 1024 + 1), headers=FILE))


@probe("a request line and header values of 9,000 bytes")
@documented("200", QUOTAS)
def many_headers(aws: AwsSetup) -> str:
    return status(send(aws, headers={f"x-{number}": "x" * 900 for number in range(10)}))


@probe("a request line and header values of 11,000 bytes")
@documented("431", QUOTAS)
def too_many_headers(aws: AwsSetup) -> str:
    return status(send(aws, headers={f"x-{number}": "x" * 1100 for number in range(10)}))


@probe("a query string of 11,000 bytes")
@documented("431", QUOTAS)
def long_query(aws: AwsSetup) -> str:
    return status(send(aws, f"/?a={'x' * 11_000}"))


@probe("a function's response of 7 MB")
@documented('500, {"message":"Internal Server Error"}', LAMBDA_LIMITS)
def large_response(aws: AwsSetup) -> str:
    reply = send(aws, "/large")
    return f"{status(reply)}, {reply.text}"


@probe("a function that raises an exception")
@documented(
    '500, {"message":"Internal Server Error"}', GUIDE + "http-api-troubleshooting-lambda.html"
)
def failing_function(aws: AwsSetup) -> str:
    reply = send(aws, "/fail")
    return f"{status(reply)}, {reply.text}"


@probe("a function that takes 33 seconds")
@documented("503", QUOTAS)
def slow_function(aws: AwsSetup) -> str:
    return status(send(aws, "/slow"))


@probe("the event's path of `/a%2Fb%20c`")
@documented("/a/b c", EVENTS)
def decoded_path(aws: AwsSetup) -> str:
    """A model's name with an encoded slash arrives as two segments."""
    return str(send(aws, "/a%2Fb%20c").json()["rawPath"])


@probe("the event's headers of `X-One: 1` and `x-one: 2`")
@documented("x-one: 1,2", EVENTS)
def repeated_header(aws: AwsSetup) -> str:
    event = send(aws, headers=[("X-One", "1"), ("x-one", "2")]).json()
    found = {name: value for name, value in event["headers"].items() if name.lower() == "x-one"}
    return ", ".join(f"{name}: {value}" for name, value in found.items())


@probe("the event's cookies of `Cookie: a=1; b=2`")
@documented("a=1 and b=2; none in the headers", EVENTS)
def cookies(aws: AwsSetup) -> str:
    event = send(aws, headers={"cookie": "a=1; b=2"}).json()
    place = "in" if "cookie" in event["headers"] else "none in"
    return f"{' and '.join(event.get('cookies', []))}; {place} the headers"


@probe("the event's query of `a=1&a=2&b=x%2Cy`")
@documented("a=1,2 and b=x,y", EVENTS)
def repeated_query(aws: AwsSetup) -> str:
    query = send(aws, "/?a=1&a=2&b=x%2Cy").json()["queryStringParameters"]
    return " and ".join(f"{name}={value}" for name, value in query.items())
