"""The engine's journal before the engine listens: in the engine's environment, without a stack."""

import json
import os
import subprocess
from pathlib import Path

from local.packaging import ROOT
from local.processes import free_port
from local.stack import ENGINE_PYTHON

SCRIPT = """
import socket, sys, time
sys.path.insert(0, {root!r})
from local import engine_journal as journal
from ministack import app as engine

journal.enable()
engine._load_persisted_state()
journal.save()
print(journal.journal.exists() and journal.journal.read_text().strip())
with socket.create_server(("127.0.0.1", {port})):
    while journal.unrepeated:
        time.sleep(0.01)
journal.save()
print(journal.journal.exists())
"""


def test_save_keeps_writes_that_wait_until_the_engine_listens(tmp_path: Path):
    """They are not in the saved state: without the journal a second kill would lose them."""
    body = json.dumps({"QueueUrl": "http://localhost/000000000000/q", "MessageBody": "x"})
    target = {"target": "AmazonSQS.SendMessage", "body": body}
    write = json.dumps({"service": "sqs", "path": "/", **target})
    (tmp_path / "journal.jsonl").write_text(f"{write}\n")
    port = free_port()
    settings = {"STATE_DIR": str(tmp_path), "PERSIST_STATE": "1", "GATEWAY_PORT": str(port)}
    result = subprocess.run(
        [str(ENGINE_PYTHON), "-P", "-c", SCRIPT.format(root=str(ROOT), port=port)],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], **settings},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == [write, "False"]
