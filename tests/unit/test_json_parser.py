import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.json_parser import MAX_REPLY_VALUES, TooManyValues, count_values, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def values_in(value: object) -> int:
    members = value.values() if isinstance(value, dict) else value
    return 1 + (
        sum(map(values_in, members)) if isinstance(members, list | type({}.values())) else 0
    )


@given(JSON)
def test_count_values_is_an_upper_bound(value: object):
    text = json.dumps(value)
    assert count_values(text) >= values_in(value)
    assert count_values(text.encode()) == count_values(text)


@given(JSON)
def test_parse_json_returns_the_value(value: object):
    text = json.dumps(value, ensure_ascii=False)
    assert parse_json(text, MAX_REPLY_VALUES) == value
    assert parse_json(text.encode(), MAX_REPLY_VALUES) == value


@pytest.mark.parametrize("text", ["[1,2,3]", '{"a":1,"b":2}', "[[[]]]", "[{},{}]", '"a,b,c"'])
def test_parse_json_refuses_more_values_than_allowed(text: str):
    count = count_values(text)
    assert parse_json(text, count) == json.loads(text)
    with pytest.raises(TooManyValues, match=rf"at most {count - 1} values \(got up to {count}\)"):
        parse_json(text.encode(), count - 1)


def test_base64_has_no_values():
    assert count_values(b'"' + b"AZaz09+/=" * 1000 + b'"') == 1


@pytest.mark.parametrize("text", ["", "{", "[" * 300 + "]" * 300, "9" * 4301, '"\\ud800"', "nul"])
def test_parse_json_raises_value_error(text: str):
    with pytest.raises(ValueError, match=r"at line 1 column \d+"):
        parse_json(text, 1000)


def test_parse_json_refuses_nan_on_request():
    assert parse_json(b"[NaN]", 10)[0] != 0
    with pytest.raises(ValueError, match="expected value"):
        parse_json(b"[NaN]", 10, allow_inf_nan=False)
