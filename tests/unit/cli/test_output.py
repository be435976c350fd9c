"""Texts of clients and providers cannot control the terminal of an operator."""

import json

import pytest

from cli.output import print_json, print_lines, print_table, printable

HOSTILE = ["\x1b]0;title\x07", "\x9b2J", "a\rb", "\x7f", "back\x08", "\u202eevil", "\x00"]


@pytest.mark.parametrize("text", HOSTILE)
def test_control_characters_are_escaped(text: str, capsys: pytest.CaptureFixture[str]):
    print_lines([f"name {text}"])
    print_table(("column",), [(text,)])
    print_json({"name": text})
    shown = capsys.readouterr().out
    assert shown.replace("\n", "").isprintable()
    assert "\\u00" in shown or "\\u20" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_json_has_the_same_value(text: str, capsys: pytest.CaptureFixture[str]):
    print_json({"name": text})
    assert json.loads(capsys.readouterr().out) == {"name": text}


@pytest.mark.parametrize("text", ["ein Löwe", "猫がピアノを弾く", "🎬", "two\nlines"])
def test_other_texts_are_unchanged(text: str):
    assert printable(text) == text
