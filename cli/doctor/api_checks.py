"""Checks of the HTTP API as clients see it."""

import httpx

from cli.doctor.answer import Answer, Check, failed, passed
from cli.doctor.deployment import Deployment

DOCUMENT = "/openapi.json"
PROTECTED = "/openai/v1/videos"
NO_KEY = "doctor-has-no-key"
FIX = "see the function api in the Lambda console, and the group AccessLogGroup"


def document(deployment: Deployment) -> Answer:
    try:
        reply = deployment.http.get(DOCUMENT)
    except httpx.HTTPError as error:
        return failed(f"{deployment.url} cannot be reached: {type(error).__name__}", FIX)
    if reply.status_code != 200:
        return failed(f"GET {DOCUMENT} answered {reply.status_code}", FIX)
    return passed(f"{deployment.url} answers")


def authentication(deployment: Deployment) -> Answer:
    headers = {"authorization": f"Bearer {NO_KEY}"}
    try:
        reply = deployment.http.get(PROTECTED, headers=headers)
    except httpx.HTTPError as error:
        return failed(f"{deployment.url} cannot be reached: {type(error).__name__}", FIX)
    if reply.status_code != 401:
        return failed(f"an invalid API key gets {reply.status_code}, not 401", FIX)
    return passed("an invalid API key gets 401")


CHECKS = (Check("api.document", document), Check("api.authentication", authentication))
