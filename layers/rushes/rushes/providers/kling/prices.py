"""US dollars per prepaid unit of Kling (https://kling.ai/document-api/pricing, 2026-09-20)."""

DOLLARS_PER_UNIT = {"video": 0.14, "audio": 0.14, "image": 0.0035}
"""By the type of the resource package."""


def cost_of_units(units: float | None, package: str | None) -> float | None:
    rate = DOLLARS_PER_UNIT.get(package or "")
    return None if units is None or rate is None else round(units * rate, 6)
