import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.local_settings import LocalSettings
from local.packaging import LAMBDA_PYTHON, ROOT
from local.processes import Program, free_port
from local.stack import ENGINE_PYTHON, REGION
from tests.probes.aws_setup import AwsSetup


@pytest.fixture(scope="session")
def aws_setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsSetup]:
    """Run the engine as the local stack does, with nothing deployed."""
    folder = tmp_path_factory.mktemp("engine")
    settings = LocalSettings.load(folder / "settings.json")
    front_port = free_port()
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PATH")},
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": settings.access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
        "FRONT_PORT": str(front_port),
        "GATEWAY_PORT": str(settings.engine_port),
        "LAMBDA_PYTHON": str(LAMBDA_PYTHON),
        "LAMBDA_WORKERS": "6",
        "SFN_WAIT_SCALE": "0.2",
        "WORK_DIR": str(folder / "functions"),
    }
    command = [ENGINE_PYTHON, ROOT / "local/engine.py"]
    engine = Program("engine", command, environment, folder / "engine.log")
    try:
        engine.wait_until_healthy(settings.engine_port, "/_ministack/health")
        session: Any = boto3.Session(
            settings.access_key_id, settings.secret_access_key, region_name=REGION
        )
        url = f"http://127.0.0.1:{settings.engine_port}"
        yield AwsSetup(
            lambda service, **more: session.client(service, endpoint_url=url, **more),
            f"http://127.0.0.1:{front_port}",
        )
    finally:
        engine.stop()
