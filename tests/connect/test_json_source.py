import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import position_of
from roadstead.connect.findings import MAX_FINDINGS
from roadstead.connect.json_source import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(value=json_values, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 3))
def test_documents_are_read_as_the_standard_library_reads_them(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    """Proves that our reader and Python's agree on any document."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    source = read_json(text)
    assert source.value == json.loads(text)
    assert source.readable


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def standard_library_reads(data: bytes) -> bool:
    try:
        json.loads(data.decode("utf-8-sig"), parse_constant=refuse_constant)
    except ValueError:
        return False
    return True


@given(
    st.binary(max_size=40)
    | st.text(alphabet='{}[]",:\\ud0123456789.eE+-truefalsn \n\t', max_size=40).map(str.encode)
    | st.lists(st.sampled_from(['{"a":', '"b"', "[", "]", "}", ",", "1", "-0.5e3", "true", " "])).map(
        lambda tokens: "".join(tokens).encode()
    )
)
def test_anything_is_read_or_refused_as_the_standard_library_does(data: bytes) -> None:
    """Proves that nothing raises, and that exactly JSON is read, but for what could not be stored."""
    source = read_json(data)
    stricter = any(word in finding.message for finding in source.findings for word in ("too large", "surrogate"))
    assert source.readable == (standard_library_reads(data) and not stricter)


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    ("text", "line", "column", "message", "fix"),
    [
        ("", 1, 1, "the document ends", "complete it"),
        ("  \n ", 2, 2, "the document ends", "complete it"),
        ("{", 1, 2, "name of a member", "complete it"),
        ('{"a"', 1, 5, "a colon", "complete it"),
        ('{"a":', 1, 6, "a value", "complete it"),
        ('{"a" 1}', 1, 6, "a colon", "missing"),
        ('{"a":1\n "b":2}', 2, 2, "a comma", "missing"),
        ('{"a":1,}', 1, 7, "comma before", "Remove the comma"),
        ("[1,\n]", 1, 3, "comma before", "Remove the comma"),
        ("[1 2]", 1, 4, "a comma", "missing"),
        ("[,1]", 1, 2, "a value", "missing"),
        ("{a:1}", 1, 2, "in double quotes", "missing"),
        ("{'a':1}", 1, 2, "in double quotes", "double quotes"),
        ("['a']", 1, 2, "a value", "double quotes"),
        ("// descriptor\n{}", 1, 1, "a value", "comment"),
        ("{} {}", 1, 4, "continues", "Remove"),
        ("[True]", 1, 2, "'True' is not a JSON value", "Write true"),
        ("[NaN]", 1, 2, "'NaN' is not", "Write true"),
        ("[-Infinity]", 1, 2, "a value", "missing"),
        ("[01]", 1, 3, "a comma", "missing"),
        ("[1.]", 1, 3, "a comma", "missing"),
        ("[+1]", 1, 2, "a value", "missing"),
        ("[1e999]", 1, 2, "too large", "64 bits"),
        (f"[{2**63}]", 1, 2, "too large", "64 bits"),
        ('["a]', 1, 2, "not closed", 'Add the closing "'),
        ('["a\nb"]', 1, 2, "not closed", 'Add the closing "'),
        ('["a\tb"]', 1, 4, "control character", r"\u0009"),
        (r'["\ud800"]', 1, 2, "surrogate", "both"),
        (r'["\ud83d\ud83d"]', 1, 2, "surrogate", "both"),
        (r'["é", "\d"]', 1, 8, r'no escape "\d"', r'"\\d"'),
        (r'["\1"]', 1, 3, r'no escape "\1"', r'"\\1"'),
        (r'["\u12"]', 1, 3, r'no escape "\u"', r'"\\u"'),
        ('{\r\n "a": tru}', 2, 7, "'tru' is not", "Write true"),
        ("[" * (MAX_DEPTH + 2), 1, MAX_DEPTH + 2, "nested", "Flatten"),
    ],
)
def test_syntax_errors_are_explained(text: str, line: int, column: int, message: str, fix: str) -> None:
    """Proves that each mistake is found where it is, and said in words."""
    error = read_json(text).findings[0]
    assert (error.severity, error.line, error.column) == ("error", line, column)
    assert message in error.message
    assert fix in error.fix


def test_every_single_backslash_is_reported() -> None:
    """Proves that an author sees all of them at once, the one mistake nearly everybody makes."""
    findings = read_json(r'{"regex": "(\w+)-\d+", "url": "/\1"}').findings
    assert [(finding.column, finding.message[-4:-2]) for finding in findings] == [
        (13, r"\w"),
        (18, r"\d"),
        (33, r"\1"),
    ]


def test_repeated_members_are_told_and_the_last_counts() -> None:
    """Proves that a member is not lost without a word."""
    source = read_json('{"a": 1,\n "a": 2}')
    assert source.value == {"a": 2}
    assert [(finding.severity, finding.line, finding.column) for finding in source.findings] == [("warning", 2, 2)]


def test_byte_order_mark_is_no_part_of_the_document() -> None:
    """Proves that a file from an editor that writes one can be read, with columns as the editor shows them."""
    source = read_json(b"\xef\xbb\xbf[1]")
    assert source.value == [1]
    assert source.position_of((0,)) == (1, 2)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b'"\xe9"', id="Latin-1"),
        pytest.param('"\ud800"', id="half a surrogate pair"),
        pytest.param(b" " * (MAX_BYTES + 1), id="too many bytes"),
        pytest.param("é" * (MAX_BYTES // 2 + 1), id="few enough characters, too many bytes"),
        pytest.param("[" + "1," * MAX_VALUES + "1]", id="too many values"),
        pytest.param('["' + r"\d" * (MAX_FINDINGS + 1) + '"]', id="too many mistakes"),
        pytest.param("[" * 100_000, id="far too deep"),
    ],
)
def test_absurd_documents_are_refused(data: bytes | str) -> None:
    """Proves the limits: what lies beyond them ends in an error."""
    source = read_json(data)
    assert not source.readable
    assert source.findings[-1].severity == "error"
    assert len(source.findings) <= MAX_FINDINGS + 1


def test_documents_at_the_limits_are_read() -> None:
    """Proves that the limits are the numbers they say."""
    assert read_json(b"1" + b" " * (MAX_BYTES - 1)).readable
    assert read_json("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH).readable
    assert read_json("[" + "1," * (MAX_VALUES - 2) + "1]").readable


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ((), (1, 1)),
        (("a",), (2, 8)),
        (("a", 0), (2, 9)),
        (("a", 1), (2, 12)),
        (("a", 1, "é"), (2, 18)),
        (("b",), (3, 8)),
        (("a", 9, "x"), (2, 8)),
        (("missing", "too"), (1, 1)),
    ],
)
def test_positions_are_where_the_values_begin(path: tuple[str | int, ...], position: tuple[int, int]) -> None:
    """Proves that lines and columns count characters from 1, and that what is absent is placed around."""
    assert position_of('{\n  "a": [1, {"é": 2}],\n  "b": "x"\n}', path) == position
    assert position_of('{\n  "a": [1, {"é": 2}],\n  "b": "x"\n}'.encode(), path) == position
