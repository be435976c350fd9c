"""Write published/together.json: request type and statuses of videos in the package together.

Run `python -m tests.contract.vendors.extract_together [file]`.
"""

from importlib.metadata import version

from together.types.video_create_params import VideoCreateParams
from together.types.video_job import VideoJob

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import schema_of

PACKAGE = "together"


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "request": schema_of(VideoCreateParams),
        "statuses": schema_of(VideoJob.model_fields["status"].annotation)["enum"],
    }
    write("together", document)


if __name__ == "__main__":
    main()
