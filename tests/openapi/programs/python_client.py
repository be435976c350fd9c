"""Uses the clients that openapi-python-client makes; runs beside them."""

import json
import os
import sys
from typing import Any

from native_client import AuthenticatedClient
from native_client.api.jobs import native_jobs_retrieve
from native_client.api.whoami import native_whoami
from openai_client import AuthenticatedClient as OpenAIClient
from openai_client.api.openai import openai_retrieve

url, key, job = (os.environ[f"RUSHES_{name}"] for name in ("URL", "API_KEY", "JOB"))
caller: Any = native_whoami.sync(client=AuthenticatedClient(base_url=url, token=key))
native: Any = native_jobs_retrieve.sync(job, client=AuthenticatedClient(base_url=url, token=key))
video: Any = openai_retrieve.sync(job, client=OpenAIClient(base_url=url, token=key))
assert native.status == video.status
results = {"account": caller.account, "job": native.id, "status": native.status}
sys.stdout.write(json.dumps(results))
