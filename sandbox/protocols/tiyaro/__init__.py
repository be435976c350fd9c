"""Tiyaro's asynchronous inference."""
