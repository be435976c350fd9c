"""Measured job durations in the table, by timing key."""

from rushes.aws.dynamodb.items import Item, Table, key, report_corrupt
from rushes.aws.errors import translate_aws_errors
from rushes.ports.providers import Timing


class TimingTable(Table):
    """Writes are unconditional: a lost update is harmless, as the next job updates it again."""

    def get(self, timing_key: str) -> Timing:
        item = self._find(key("TIMING", timing_key))
        if item is None:
            return Timing()
        try:
            return _read(item)
        except (KeyError, ValueError) as error:  # the next job replaces the item
            report_corrupt(item, f"the durations cannot be read ({type(error).__name__})")
            return Timing()

    def put(self, timing_key: str, timing: Timing) -> None:
        numbers = {name: {"N": str(value)} for name, value in vars(timing).items()}
        with translate_aws_errors():
            self._client.put_item(
                TableName=self._table, Item={**key("TIMING", timing_key), **numbers}
            )


def _read(item: Item) -> Timing:
    return Timing(
        count=int(item["count"]["N"]),
        mean=float(item["mean"]["N"]),
        variance=float(item["variance"]["N"]),
    )
