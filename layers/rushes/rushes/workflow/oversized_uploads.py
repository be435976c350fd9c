"""Delete uploads that are too large, when S3 reports that they have arrived.

An upload URL without a declared length accepts up to 5 GiB: S3 cannot bound the length of a PUT.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError

from rushes.jobs.request import MAX_UPLOAD_BYTES, UPLOADS
from rushes.ports.storage import Blobs
from rushes.workflow.log_events import UPLOAD_DELETED

logger = Logger(service="rushes", child=True)


class _S3Object(BaseModel):
    key: str
    size: int


class _Detail(BaseModel):
    object: _S3Object


@dataclass(frozen=True)
class OversizedUploads:
    blobs: Blobs

    def delete(self, detail: Mapping[str, Any]) -> int:
        """Delete the object of an `Object Created` event if it is an upload beyond the limit.

        The event may be late or repeated: the object may have been replaced since. Returns the
        number of deleted files.
        """
        try:
            file = _Detail.model_validate(detail).object
        except ValidationError:  # not an event of S3: other programs may put events, too
            return 0
        if not file.key.startswith(UPLOADS) or file.size <= MAX_UPLOAD_BYTES:
            return 0
        stored = self.blobs.find(file.key)
        if stored is None or stored.size <= MAX_UPLOAD_BYTES:
            return 0
        logger.warning(UPLOAD_DELETED, key=file.key, size=stored.size)
        self.blobs.delete(file.key)
        return 1
