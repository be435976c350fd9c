"""Native API `/rushes/v1`, for what vendors' APIs lack. Imported at its first request."""
