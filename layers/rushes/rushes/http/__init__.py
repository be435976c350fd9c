"""Outbound HTTP: SSRF checks, pinned connections, downloads and uploads."""
