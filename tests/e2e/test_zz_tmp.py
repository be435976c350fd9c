import time, subprocess, json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4
from tests.e2e.test_one_key import call
from tests.e2e.small_jobs import completes
def test_t(client, stack, aws):
        prompt, key = f"x {uuid4()}", str(uuid4())
        with ThreadPoolExecutor(20) as t: a=list(t.map(lambda _: call(client, prompt, key), range(20)))
        job=a[0].json()["id"]; b=time.monotonic()
        assert completes(client, job, 90)
        print("took", time.monotonic()-b)
        of=stack.outputs["StateMachineArn"].replace(":stateMachine:",":execution:")
        h=aws("stepfunctions").get_execution_history(executionArn=f"{of}:{job}", maxResults=200)["events"]
        t0=None
        for e in h:
            t0=t0 or e["timestamp"]
            d={k:v for k,v in e.items() if k.endswith("Details")}
            print((e["timestamp"]-t0).total_seconds(), e["type"], str(d)[:160])
