"""Jobs of the benchmarks: prompts of several lengths, and a long transcript."""

from dataclasses import dataclass

from rushes.catalog.models import Catalog, read_catalog

TRANSCRIPT_BYTES = 120_000
PATH = "/openai/v1/videos"

CATALOG = """
default_model = "video/model"
[providers.video]
protocol = "openai_compatible"
base_url = "http://127.0.0.1:{port}/v1"
[providers.speech]
protocol = "fal"
base_url = "http://127.0.0.1:{port}"
[[models]]
name = "video/model"
seconds = [4]
sizes = ["1280x720"]
typical_seconds = {seconds}
price_per_job = 0.1
[[models]]
name = "speech/speech/model"
modality = "transcription"
typical_seconds = {seconds}
price_per_job = 0.1
"""


@dataclass(frozen=True)
class JobKind:
    name: str
    model: str
    path: str
    prompt_characters: int

    @property
    def has_file(self) -> bool:
        return self.model.startswith("video/")

    def body(self, number: int) -> dict[str, str]:
        """Return a create call; each has another prompt."""
        prompt = f"{number} a fox in the snow ".ljust(self.prompt_characters, ".")
        body = {"prompt": prompt[: self.prompt_characters]}
        return {"model": self.model, **body} if self.has_file else body


KINDS = (
    JobKind("560 characters", "video/model", PATH, 560),
    JobKind("8,000 characters", "video/model", PATH, 8_000),
    JobKind("32,000 characters", "video/model", PATH, 32_000),
    JobKind("120 KB transcript", "speech/speech/model", "/fal/speech/speech/model", 560),
)


def bench_catalog(port: int, seconds: float) -> Catalog:
    """Return the catalog of a provider at `port` whose jobs take about `seconds`."""
    return read_catalog(CATALOG.format(port=port, seconds=seconds))
