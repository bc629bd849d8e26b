"""Values read by their types: each kind of type, its messages, and that every error is named."""

import enum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.faults import Faults
from notifier.domain.reading import (
    apart,
    checked,
    given,
    missing,
    otherwise,
    read_body,
    read_headers,
    read_item,
    read_query,
    reader_of,
)
from notifier.errors import FieldError, NotifierError


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, forbid_unknown_fields=True):
    word: str
    number: int = 0


class Outer(Struct, kw_only=True, forbid_unknown_fields=True):
    inner: Inner
    others: Annotated[list[Inner], Meta(max_length=3)] | UnsetType = UNSET
    begin: int = 0
    end: int | UnsetType = UNSET
    needed: Annotated[str, Meta(extra=missing("is needed for this and that"))]

    @classmethod
    def problems_together(cls, values):
        if values.get("begin") is not None and values.get("end", 9) < values.get("begin", 0):
            yield FieldError("end", "must not be before begin")


class Loose(Struct):
    """A struct that ignores fields it does not know."""

    a: int = 0


def even(value):
    return None if value % 2 == 0 else "must be even"


def problems(kind, value):
    errors = Faults()
    reader_of(kind).read(value, "x", errors)
    return [f"{error.path} {error.message}" for error in errors.listed()]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Any, object()),
        (str, "a"),
        (Annotated[str, Meta(min_length=1, max_length=2, pattern="^a")], "ab"),
        (bool, True),
        (int, 2**60),
        (Annotated[int, Meta(ge=1, le=2)], 2),
        (float, 1),
        (Annotated[float, Meta(ge=0, le=1)], 0.5),
        (Literal["a", "b"], "a"),
        (Colour, "red"),
        (None, None),
        (int | None, None),
        (list[int], [1, 2]),
        (dict[str, int], {"a": 1}),
        (Annotated[int, Meta(extra=checked(even))], 2),
        (int | str, "a"),
    ],
)
def test_what_is_taken(kind, value):
    errors = Faults()
    assert reader_of(kind).read(value, "x", errors) == value and not errors


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (str, 1, "must be a string"),
        (str, "\ud800", "must not hold NUL or lone surrogates"),
        (Annotated[str, Meta(min_length=2, max_length=3)], "a", "must have 2-3 characters, has 1"),
        (Annotated[str, Meta(pattern="^a")], "b", "must match ^a"),
        (bool, 1, "must be true or false"),
        (int, True, "must be an integer"),
        (int, 1.0, "must be an integer"),
        (Annotated[int, Meta(ge=1, le=2)], 3, "must be an integer of 1-2"),
        (float, "1", "must be a number"),
        (Annotated[float, Meta(ge=0, le=1)], 1.5, "must be a number of 0-1"),
        (Literal["a", "b"], "c", "must be one of a, b"),
        (Literal["a", "b"], [], "must be one of a, b"),
        (Colour, "green", "must be one of red, blue"),
        (None, 0, "must be null"),
        (list[int], {}, "must be a list"),
        (Annotated[list[int], Meta(max_length=1)], [1, 2], "must be a list of 0-1"),
        (dict[str, int], [], "must be an object"),
        (Annotated[int, Meta(extra=checked(even))], 3, "must be even"),
        (int | None, "a", "must be an integer"),
        (Inner, 1, "must be an object"),
    ],
)
def test_what_is_refused(kind, value, message):
    assert problems(kind, value) == [f"x {message}"]


def test_items_of_a_list_are_named_by_their_places():
    assert problems(list[int], [1, "a", 2, None]) == ["x[1] must be an integer", "x[3] must be an integer"]


def test_a_type_that_no_request_has():
    with pytest.raises(TypeError, match="no request"):
        reader_of(bytes)


def test_a_check_may_convert():
    assert read_body(Annotated[str, Meta(extra=checked(lambda value: None, str.upper))], "a") == "A"


def errors_of(kind, value, faults=None):
    with pytest.raises(NotifierError) as raised:
        read_body(kind, value, faults)
    return {error.path: error.message for error in raised.value.errors}


def test_a_body():
    body = {"inner": {"word": "w"}, "others": [{"word": "v", "number": 1}], "needed": "n"}
    assert read_body(Outer, body) == Outer(inner=Inner("w"), others=[Inner("v", 1)], needed="n")


def test_every_error_of_a_body_is_named():
    body = {"inner": {"x": 1}, "others": [{"word": 1}, 2], "begin": "a", "end": 1, "y": 1}
    assert errors_of(Outer, body) == {
        "inner.word": "is required",
        "inner.x": "unknown field",
        "others[0].word": "must be a string",
        "others[1]": "must be an object",
        "begin": "must be an integer",
        "needed": "is needed for this and that",
        "y": "unknown field",
    }
    assert errors_of(Outer, []) == {"": "must be a JSON object"}


def test_fields_are_held_against_each_other():
    assert errors_of(Outer, {"inner": {"word": "w"}, "needed": "", "begin": 2, "end": 1}) == {
        "end": "must not be before begin"
    }


def test_errors_found_before_are_named_too():
    faults = Faults()
    faults.add("Header", "is bad")
    assert errors_of(Loose, {"a": 1, "z": 2}, faults) == {"Header": "is bad"}


def test_one_item_of_many():
    assert read_item(Inner, {"word": "w"}) == Inner("w")
    assert read_item(Inner, {"a": 1, "b": 2}, 1) == [FieldError("word", "is required"), FieldError("", "2 more")]


class Members(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    name: str


class Cat(Members, tag="cat", kw_only=True, forbid_unknown_fields=True):
    elsewhere: ClassVar = {"bark": "is a dog's"}

    lives: int = 9


class Dog(Members, tag="dog", kw_only=True, forbid_unknown_fields=True):
    bark: str = "wow"


class Unknown(Members, kw_only=True, forbid_unknown_fields=True):
    lives: int = 9
    bark: str = ""


Animal = Annotated[Cat | Dog, Meta(extra=otherwise(Unknown))]


def test_a_field_names_the_member_of_a_union():
    assert read_body(Animal, {"kind": "cat", "name": "Tom", "lives": 3}) == Cat(name="Tom", lives=3)
    assert errors_of(Animal, {"kind": "cat", "bark": 1}) == {"name": "is required", "bark": "is a dog's"}


@pytest.mark.parametrize("kind", ["bird", [], None, 7])
def test_of_an_unknown_member_all_else_is_checked(kind):
    wanted = {"kind": "must be one of cat, dog", "name": "is required", "lives": "must be an integer"}
    assert errors_of(Animal, {"kind": kind, "lives": "x", "z": 1}) == wanted | {"z": "unknown field"}


def test_a_union_of_no_member():
    assert errors_of(Animal, {}) == {"kind": "is required", "name": "is required"}
    assert errors_of(Animal, 7) == {"": "must be a JSON object"}


class Batch(Struct, forbid_unknown_fields=True):
    items: Annotated[list[Inner], Meta(min_length=1, max_length=2, extra=apart("must be a list of one or two"))]


def test_a_list_apart_is_passed_on():
    assert read_body(Batch, {"items": [{"word": 1}, 2]}).items == [{"word": 1}, 2]


@pytest.mark.parametrize("value", [[], [1, 2, 3], {}, None])
def test_a_list_apart_that_is_none(value):
    assert errors_of(Batch, {"items": value}) == {"items": "must be a list of one or two"}


def test_items_apart_are_named_beside_other_errors():
    wanted = {"x": "unknown field", "items[0].word": "must be a string"}
    assert errors_of(Batch, {"x": 1, "items": [{"word": 1}, {"word": "w"}]}) == wanted


class Query(Struct):
    limit: Annotated[int, Meta(ge=1, le=9)] = 5
    start: str = field(name="from", default="")
    wide: bool = False
    who: str | UnsetType = UNSET


def test_a_query():
    pairs = [("limit", "1"), ("limit", "2"), ("from", "a"), ("wide", "true"), ("token", "t")]
    assert read_query(Query, pairs, frozenset(("token",))) == Query(limit=2, start="a", wide=True)
    assert read_query(Query, []) == Query()


@pytest.mark.parametrize("text", ["x", "0", "10", "01", "+1", " 1", "1.0", "", "٣", "9" * 20])
def test_an_integer_in_a_query_is_plain(text):
    with pytest.raises(NotifierError) as raised:
        read_query(Query, [("limit", text)])
    assert raised.value.errors == [FieldError("limit", "must be an integer of 1-9")]


def test_every_error_of_a_query_is_named():
    with pytest.raises(NotifierError) as raised:
        read_query(Query, [("limit", "x"), ("from", "\0"), ("wide", "yes"), ("a\n", "")])
    assert raised.value.message == "the query is not valid"
    assert {error.path: error.message for error in raised.value.errors} == {
        "limit": "must be an integer of 1-9",
        "from": "must not hold NUL",
        "wide": "must be true or false",
        "a?": "unknown parameter",
    }


class Wanted(Struct):
    who: str


def test_a_parameter_that_is_required():
    with pytest.raises(NotifierError) as raised:
        read_query(Wanted, [])
    assert raised.value.errors == [FieldError("who", "is required")]


class Headers(Struct):
    one: Annotated[str, Meta(max_length=3)] | UnsetType = field(name="One", default=UNSET)


@pytest.mark.parametrize(
    ("sent", "found"), [({}, UNSET), ({"One": "a"}, "a"), ({"X-One": "b"}, "b"), ({"One": "a", "X-One": "b"}, "a")]
)
def test_headers(sent, found):
    assert read_headers(Headers, sent.get, Faults()) == Headers(found)


def test_a_header_that_is_not_valid():
    faults = Faults()
    assert read_headers(Headers, {"X-One": "long"}.get, faults) is None
    assert faults.listed() == [FieldError("One", "must have at most 3 characters")]


def test_given_are_the_fields_that_are_set():
    assert given(Query(limit=1)) == {"limit": 1, "start": "", "wide": False}
