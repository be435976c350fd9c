"""Tiyaro's asynchronous inference: files by upload address, models by path, answers in JSON."""
