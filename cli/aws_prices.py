"""AWS list prices in US dollars, with their sources."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("aws_prices.toml")


class Price(BaseModel):
    """`dollars` for `per` units, for example 1.00 for a million requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dollars: float
    per: float = 1.0
    unit: str
    source: str


class Prices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    date: str
    prices: Mapping[str, Price]

    def dollars(self, name: str) -> float:
        """Return the price of one unit."""
        price = self.prices[name]
        return price.dollars / price.per

    def lambda_gigabyte_second(self, architecture: str) -> float:
        return self.dollars(f"lambda_gigabyte_second_{architecture}")


def read_prices() -> Prices:
    return Prices.model_validate(tomllib.loads(FILE.read_text("utf-8")))
