"""Build and upload layers and functions like `sam build` and `sam package`, in under a second.

The template with the archives' locations is uploaded, too: it is longer than a request may be.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".local/build"
UV = ROOT / ".local/uv/bin/uv"
LAMBDA_PYTHON = ROOT / ".local/envs/runtime/bin/python"
BUCKET = "local-artifacts"
DEPENDENCIES = "dependencies"

Template = dict[str, Any]


class TemplateLoader(yaml.CSafeLoader):
    """YAML loader with CloudFormation's short forms: `!Sub x` is `{"Fn::Sub": "x"}`."""


def intrinsic(loader: TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, object]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: str(text).split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    raise yaml.constructor.ConstructorError(problem=f"!{suffix} has an unknown YAML node")


TemplateLoader.add_multi_constructor("!", intrinsic)


def read_template(path: Path) -> Template:
    template: Template = yaml.load(path.read_text(), TemplateLoader)  # noqa: S506 - it is a SafeLoader
    return template


def package(template_file: Path, s3: "S3Client") -> str:
    """Upload the files of the template's resources and the template; return the template's URL."""
    template = read_template(template_file)
    root = template_file.parent
    artifacts = Artifacts(s3)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                folder = root / properties["CodeUri"]
                properties["CodeUri"] = artifacts.put(folder_hash(folder), archive(sources(folder)))
            case "AWS::Serverless::LayerVersion":
                layer = build_layer(root / properties["ContentUri"])
                properties["ContentUri"] = artifacts.put(layer.stem, layer.read_bytes())
            case "AWS::Serverless::StateMachine":
                definition = (root / properties["DefinitionUri"]).read_bytes()
                key = hashlib.sha256(definition).hexdigest()
                properties["DefinitionUri"] = artifacts.put(key, definition)
            case _:
                pass
    text = json.dumps(template).encode()
    return url(artifacts.put(f"{hashlib.sha256(text).hexdigest()}.template", text))


def url(location: str) -> str:
    """Return the https URL of an S3 location, as CloudFormation requires it."""
    return location.replace("s3://", "https://s3.amazonaws.com/", 1)


class Artifacts:
    """Bucket of packaged files; existing keys are not uploaded again."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3
        s3.create_bucket(Bucket=BUCKET)  # idempotent in us-east-1
        listing = s3.list_objects_v2(Bucket=BUCKET)
        self._keys = {entry["Key"] for entry in listing.get("Contents", [])}

    def put(self, key: str, content: bytes) -> str:
        if key not in self._keys:
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"


def build_layer(source: Path) -> Path:
    """Build the layer's archive unless it exists; its name is a hash of its sources.

    The name decides whether the stack changes, as bytecode is not reproducible.
    """
    name = source.name
    made_from = (
        (ROOT / "uv.lock").read_text() if name == DEPENDENCIES else folder_hash(source / name)
    )
    digest = hashlib.sha256(f"{lambda_python_version()} {made_from}".encode()).hexdigest()
    finished = BUILD / f"{name}-{digest[:32]}.zip"
    if not finished.exists():
        build_archive(source, finished)
    return finished


def build_archive(source: Path, finished: Path) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as temporary:
        folder = Path(temporary) / "layer"
        if source.name == DEPENDENCIES:
            install_dependencies(folder / "python")
        else:
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / source.name, folder / "python" / source.name, ignore=unwanted)
        compile_bytecode(folder)
        unfinished = Path(temporary) / "layer.zip"
        unfinished.write_bytes(archive(files_in(folder)))
        for outdated in BUILD.glob(f"{source.name}-*.zip"):
            outdated.unlink()
        unfinished.rename(finished)


def install_dependencies(folder: Path) -> None:
    """Install uv.lock's group `layer` as wheels for the functions' interpreter."""
    group = ["--frozen", "--only-group", "layer", "--no-emit-project", "--quiet"]
    locked = subprocess.run([UV, "export", *group], cwd=ROOT, check=True, capture_output=True)
    target = ["--target", str(folder), "--python", str(LAMBDA_PYTHON)]
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--require-hashes", *target, "-r", "-"],
        cwd=ROOT,
        check=True,
        input=locked.stdout,
    )


def compile_bytecode(folder: Path) -> None:
    """Compile with unchecked hashes: archives store no file times for a comparison."""
    mode = ["--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(folder), "-p", "/opt", str(folder)]
    subprocess.run([LAMBDA_PYTHON, "-m", "compileall", "-q", *mode, *paths], check=True)


def lambda_python_version() -> str:
    """Return for example "Python 3.13.1"."""
    output = subprocess.run([LAMBDA_PYTHON, "--version"], check=True, capture_output=True)
    return output.stdout.decode().strip()


def archive(files: Iterable[tuple[str, Path]]) -> bytes:
    """Create a zip without times and modes; uncompressed, as each cold start unpacks it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for name, file in files:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, file.read_bytes())
    return content.getvalue()


def folder_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, file in sources(folder):
        digest.update(f"{name}:{file.stat().st_size}:".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def sources(folder: Path) -> Iterator[tuple[str, Path]]:
    return ((name, file) for name, file in files_in(folder) if "__pycache__" not in file.parts)


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
