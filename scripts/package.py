"""Upload what `make build` made and a template that deploys it without a clone of the repository.

    python scripts/package.py --bucket my-artifacts --version v1.2.3

boto3 and the SAM CLI find AWS by profile, environment variables or AWS_ENDPOINT_URL. The bucket
must be in the region of the deployment, and readable for its AWS account.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).parents[1]
BUILT = ROOT / ".aws-sam/build/template.yaml"
SAM = ROOT / ".local/envs/sam/bin/sam"
COMMAND = """\
aws cloudformation create-stack --stack-name rushes --region {region} \\
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \\
  --template-url {url}"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--bucket", required=True, help="bucket for the packages")
    arguments.add_argument("--version", required=True, help="folder below rushes/, such as v1.2.3")
    args = arguments.parse_args()
    if not args.bucket:
        sys.exit("name the bucket for the packages: make package ARTIFACTS=my-artifacts")
    if not BUILT.exists():
        sys.exit("nothing is built: run `make build` first")
    try:
        print(package(args.bucket, args.version))
    except (BotoCoreError, ClientError) as error:
        sys.exit(str(error))


def package(bucket: str, version: str) -> str:
    """Upload layers, functions and template, and return the command that deploys them."""
    prefix = f"rushes/{version}"
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.yaml"
        place = ["--s3-bucket", bucket, "--s3-prefix", prefix]
        done = subprocess.run(
            [SAM, "package", "--template-file", BUILT, "--output-template-file", template, *place],
            cwd=ROOT,
            env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(done.stderr)
        s3 = boto3.client("s3")
        key = f"{prefix}/template.yaml"
        s3.put_object(Bucket=bucket, Key=key, Body=template.read_bytes())
    region = s3.meta.region_name
    url = f"https://{bucket}.s3.{region}.{url_suffix(region)}/{key}"
    return COMMAND.format(region=region, url=url)


def url_suffix(region: str) -> str:
    """Return the domain of AWS in the region's partition, as `AWS::URLSuffix` does."""
    session = botocore.session.get_session()
    resolver = session.get_component("endpoint_resolver")
    return str(resolver.get_partition_dns_suffix(session.get_partition_for_region(region)))


if __name__ == "__main__":
    main()
