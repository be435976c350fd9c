"""HTTP responses as bytes, complete or corrupted."""

import json
from dataclasses import dataclass, field
from typing import Any

PHRASES = {200: "OK", 404: "Not Found", 429: "Too Many Requests"}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def head(self, length: str) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {PHRASES.get(self.status, 'Error')}"]
        fields = {"Content-Type": self.content_type, "Connection": "close", **self.headers}
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, length, "", ""]).encode()

    def whole(self) -> bytes:
        return self.head(f"Content-Length: {len(self.body)}") + self.body

    def cut(self) -> bytes:
        """Return all headers and half of the body."""
        return self.head(f"Content-Length: {len(self.body)}") + self.body[: len(self.body) // 2]

    def chunked(self, *, ends: bool) -> bytes:
        half = len(self.body) // 2
        pieces = [self.body[:half], self.body[half:]] if ends else [self.body[:half]]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        return self.head("Transfer-Encoding: chunked") + chunks + (b"0\r\n\r\n" if ends else b"")


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def refusal(status: int, headers: dict[str, str]) -> Answer:
    error = {"error": {"message": f"fault {status}", "code": "fault"}}
    return Answer(status, json.dumps(error).encode(), headers=dict(headers))


def corrupted(answer: Answer, corruption: str) -> bytes:
    """Return the corrupted response."""
    match corruption:
        case "cut":
            sent = answer.cut()
        case "chunks" | "cut chunks":
            sent = answer.chunked(ends=corruption == "chunks")
        case "HTML":
            sent = Answer(200, HTML, "text/html").whole()
        case "empty":
            sent = Answer(200, b"", answer.content_type).whole()
        case "truncated JSON":
            sent = Answer(200, answer.body[: len(answer.body) * 2 // 3]).whole()
        case "wrong types":
            sent = json_answer({"id": ["?"], "status": 7, "progress": "much"}).whole()
        case _:
            sent = answer.whole()
    return sent
