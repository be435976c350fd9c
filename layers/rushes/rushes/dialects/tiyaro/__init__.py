"""Tiyaro's asynchronous inference API."""
