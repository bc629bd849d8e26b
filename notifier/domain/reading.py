"""Reads JSON values and query parameters into the types of the API, and names every field that is not valid.

msgspec stops at the first error; a caller wants them all. The types are msgspec's own (`Struct`, `Annotated[…, Meta]`),
so that the same declaration yields the checks here and the schema in the API's description. What a schema cannot say
stands beside the type:

- `checked`, `missing`, `apart` and `otherwise` are the `extra` of an annotation;
- a struct's `problems_together(values)` yields the errors of several fields at once; `values` are the fields that were
  given, None for those that are not valid; what JSON Schema can say of that is its `schema_together`;
- a struct's `elsewhere` holds the messages of fields that belong to another member of its union.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import msgspec
from msgspec import inspect

from notifier.domain.checks import text_problem
from notifier.domain.faults import MAX_NAMED, Faults, invalid, shown
from notifier.errors import ErrorCode, FieldError, NotifierError

T = TypeVar("T")
Problem = Callable[[object], str | None]

MAX_TEXT = 1_000_000  # characters of a text without a bound of its own; bodies are bounded before
MAX_ITEMS = 1_000_000  # items of a list without a bound of its own

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}").fullmatch  # an integer in a query: within what JSON's numbers hold

_CHECK, _CONVERT, _MISSING, _APART, _OTHERWISE = "check", "convert", "missing", "apart", "otherwise"


def checked(problem: Problem, convert: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The `extra` of a `Meta` whose values `problem` judges (None: valid) and `convert` turns into what is read."""
    return {_CHECK: problem} | ({_CONVERT: convert} if convert else {})


def missing(message: str) -> dict[str, Any]:
    """The `extra` of a required field whose absence is told by a message of its own."""
    return {_MISSING: message}


def apart(message: str) -> dict[str, Any]:
    """The `extra` of a list whose items are read later, one by one: it is passed on as it came, and `message` says what
    it must be. Where the request is refused for something else, the errors of its items are named too."""
    return {_APART: message}


def otherwise(kind: Any) -> dict[str, Any]:
    """The `extra` of a union whose member a field names: `kind` is the struct that is read where it names none."""
    return {_OTHERWISE: kind}


def given(value: msgspec.Struct) -> dict[str, Any]:
    """The fields of a struct that are set."""
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return {name: found for name, found in fields if found is not msgspec.UNSET}


def read_body(kind: type[T], value: object, faults: Faults | None = None) -> T:
    """A decoded JSON body as `kind`; raises `NotifierError(invalid)` that names every bad field, and what `faults`
    holds of the rest of the request."""
    errors = faults or Faults()
    found = reader_of(cast(Any, kind)).read(value, "", errors)
    if errors:
        raise invalid(errors)
    return cast(T, found)


def read_item(kind: type[T], value: object, most: int = MAX_NAMED) -> T | list[FieldError]:
    """The same of one item of many: the value, or the first `most` errors."""
    errors = Faults(most)
    found = reader_of(cast(Any, kind)).read(value, "", errors)
    return errors.listed() if errors else cast(T, found)


def read_query(kind: type[T], pairs: Sequence[tuple[str, str]], ignored: frozenset[str] = frozenset()) -> T:
    """Query parameters as the struct `kind`; of a repeated one the last counts.

    Raises `NotifierError(invalid)` that names every bad parameter and every unknown one that is not `ignored`.
    """
    errors, fields = Faults(), fields_of(cast(Any, kind))
    given = {name: text for name, text in pairs if name not in ignored}
    unknown = given.keys() - {field.name for field in fields}
    for name in unknown:
        errors.add(shown(name), "unknown parameter")
    values: dict[str, Any] = {}
    for field in fields:
        if field.name in given:
            text = given[field.name]
            if problem := _text_of_query_problem(text):
                errors.add(field.name, problem)
            else:
                values[field.attribute] = field.reader.read(field.reader.of_text(text), field.name, errors)
        elif field.required:
            errors.add(field.name, "is required")
    if not errors:
        _add_together(kind, values, "", errors)
    if errors:
        raise NotifierError(ErrorCode.INVALID, "the query is not valid", errors=errors.listed())
    return kind(**values)


def read_headers(kind: type[T], header: Callable[[str], str | None], faults: Faults) -> T | None:
    """Headers as the struct `kind`; `header` answers the value of one by its name.

    Each may also come with `X-` before its name. None, and its errors in `faults`, where one is not valid.
    """
    before, values = faults.count, {}
    for field in fields_of(cast(Any, kind)):
        plain = header(field.name)
        text = header(f"X-{field.name}") if plain is None else plain
        if text is not None:
            values[field.attribute] = field.reader.read(text, field.name, faults)
    return kind(**values) if faults.count == before else None


class Reader(NamedTuple):
    """The reader of one type.

    `read(value, path, errors)` returns the value as that type and appends to `errors` what is wrong with it (the
    result is then of no use); `of_text` turns a query parameter into the JSON value that it stands for.
    """

    read: Callable[[Any, str, Faults], Any]
    of_text: Callable[[str], object] = lambda text: text


class Field(NamedTuple):
    """A field of a struct: its name on the wire and as an attribute, its type and reader, whether it is required, the
    message where it is missing, and whether it is read after all others."""

    name: str
    attribute: str
    kind: inspect.Type
    reader: Reader
    required: bool
    missing: str
    apart: bool


@cache
def reader_of(kind: Any) -> Reader:
    """The reader of a type; raises `TypeError` for one that no request has."""
    return _reader(inspect.type_info(kind))


def _reader(info: inspect.Type) -> Reader:
    if isinstance(info, inspect.Metadata):
        return _annotated(info.extra or {}, info.type)
    for kind, make in _MAKERS.items():
        if isinstance(info, kind):
            return make(info)
    raise TypeError(f"no request has a value of {info}")


def _annotated(extra: Mapping[str, Any], info: inspect.Type) -> Reader:
    if _CHECK in extra:
        return _checking(extra, info)
    if _APART in extra and isinstance(info, inspect.ListType):
        return _apart(info, extra[_APART])
    if _OTHERWISE in extra and isinstance(info, inspect.UnionType):
        return _tagged([kind for kind in info.types if isinstance(kind, inspect.StructType)], extra[_OTHERWISE])
    return _reader(info)


def _checking(extra: Mapping[str, Any], info: inspect.Type) -> Reader:
    """A reader that a function of the domain decides for; `convert` gets what it let pass."""
    problem_of: Problem = extra[_CHECK]
    convert = extra.get(_CONVERT)

    def read(value: object, path: str, errors: Faults) -> object:
        problem = problem_of(value)
        if problem is not None:
            errors.add(path, problem)
            return None
        return convert(value) if convert else value

    return Reader(read, _OF_TEXT.get(type(info), str))


def _simple(problem_of: Problem, of_text: Callable[[str], object] = str) -> Reader:
    def read(value: object, path: str, errors: Faults) -> object:
        problem = problem_of(value)
        if problem is not None:
            errors.add(path, problem)
        return value

    return Reader(read, of_text)


def _any(info: inspect.AnyType) -> Reader:
    return Reader(lambda value, path, errors: value)


def _to_the_end(pattern: str) -> str:
    """A pattern of JSON Schema for Python, whose `$` would let a line break through."""
    return pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern


def _text(info: inspect.StrType) -> Reader:
    least, most = info.min_length or 0, info.max_length or MAX_TEXT
    fits = re.compile(_to_the_end(info.pattern)).search if info.pattern else None

    def problem_of(value: object) -> str | None:
        problem = text_problem(value, least, most)
        if problem is None and fits is not None and not fits(str(value)):
            return f"must match {info.pattern}"
        return problem

    return _simple(problem_of)


def _integer(info: inspect.IntType) -> Reader:
    least, most = info.ge, info.le
    expected = "must be an integer" + ("" if least is None or most is None else f" of {least}-{most}")

    def problem_of(value: object) -> str | None:
        fits = type(value) is int and (least is None or value >= least) and (most is None or value <= most)
        return None if fits else expected

    return _simple(problem_of, _integer_of)


def _number(info: inspect.FloatType) -> Reader:
    least, most = info.ge, info.le
    expected = "must be a number" + ("" if least is None or most is None else f" of {least:g}-{most:g}")

    def problem_of(value: object) -> str | None:
        fits = type(value) in (int, float) and (least is None or value >= least) and (most is None or value <= most)  # type: ignore[operator]
        return None if fits else expected

    return _simple(problem_of)


def _boolean(info: inspect.BoolType) -> Reader:
    return _simple(
        lambda value: None if type(value) is bool else "must be true or false",
        lambda text: {"true": True, "false": False}.get(text, text),
    )


def _literal(info: inspect.LiteralType) -> Reader:
    return _one_of([value for value in info.values if value != ""], tuple(info.values))


def _enumeration(info: inspect.EnumType) -> Reader:
    names = [member.value for member in info.cls]
    chosen = _one_of(names, tuple(names))

    def read(value: object, path: str, errors: Faults) -> object:
        before = errors.count
        chosen.read(value, path, errors)
        return info.cls(value) if errors.count == before else None

    return Reader(read)


def _one_of(shown: Sequence[object], values: tuple[object, ...]) -> Reader:
    expected = f"must be one of {', '.join(map(str, shown))}"
    kinds = {type(value) for value in values}
    return _simple(lambda value: None if type(value) in kinds and value in values else expected)


def _null(info: inspect.NoneType) -> Reader:
    return _simple(lambda value: None if value is None else "must be null")


def _array(info: inspect.ListType) -> Reader:
    item = _reader(info.item_type)
    least, most = info.min_length or 0, info.max_length
    expected = "must be a list" if most is None else f"must be a list of {least}-{most}"

    def read(value: object, path: str, errors: Faults) -> object:
        if type(value) is not list or len(value) < least or (most is not None and len(value) > most):
            errors.add(path, expected)
            return []
        return [item.read(one, f"{path}[{index}]", errors) for index, one in enumerate(value)]

    return Reader(read)


def _apart(info: inspect.ListType, expected: str) -> Reader:
    """A list that is passed on as it came; its items are read only to name their errors beside others."""
    item = _reader(info.item_type)
    least, most = info.min_length or 0, info.max_length or MAX_ITEMS

    def read(value: object, path: str, errors: Faults) -> object:
        if type(value) is not list or not least <= len(value) <= most:
            errors.add(path, expected)
        elif errors:
            for index, one in enumerate(value):
                item.read(one, f"{path}[{index}]", errors)
        return value

    return Reader(read)


def _mapping(info: inspect.DictType) -> Reader:
    return _simple(lambda value: None if type(value) is dict else "must be an object")


def _struct(info: inspect.StructType) -> Reader:
    kind = info.cls
    known = {field.encode_name for field in info.fields} | {str(info.tag_field)} if info.forbid_unknown_fields else None

    def read(value: object, path: str, errors: Faults) -> object:
        if type(value) is not dict:
            errors.add(path, "must be an object" if path else "must be a JSON object")
            return None
        return _read_fields(kind, value, path, errors, known)

    return Reader(read)


def _read_fields(kind: Any, value: dict[str, Any], path: str, errors: Faults, known: Set[str] | None) -> object:
    """A struct from an object; names that are not `known` are errors, where that is not None."""
    before, count, fields = errors.count, errors.count, fields_of(kind)
    within = f"{path}." if path else ""
    values: dict[str, Any] = {}
    for name, attribute, _, (read, _), required, told, is_apart in fields:
        if name not in value:
            if required:
                errors.add(within + name, told)
        elif not is_apart:
            found = read(value[name], within + name, errors)
            values[attribute] = found if errors.count == count else None
        count = errors.count
    _add_together(kind, values, path, errors)
    if known is not None:
        _add_unknown(kind, value, path, errors, known)
    for field in fields:
        if field.apart and field.name in value:
            values[field.attribute] = field.reader.read(value[field.name], within + field.name, errors)
    return kind(**values) if errors.count == before else None


def _add_unknown(kind: Any, value: dict[str, Any], path: str, errors: Faults, known: Set[str]) -> None:
    if value.keys() <= known:
        return
    elsewhere: Mapping[str, str] = getattr(kind, "elsewhere", {})
    for name in elsewhere.keys() & value.keys():
        errors.add(_joined(path, name), elsewhere[name])
    errors.add_unknown(value, known | elsewhere.keys(), f"{path}." if path else "")


def _add_together(kind: Any, values: Mapping[str, Any], path: str, errors: Faults) -> None:
    look = getattr(kind, "problems_together", None)
    for error in () if look is None else look(values):
        errors.add(_joined(path, error.path), error.message)


def _union(info: inspect.UnionType) -> Reader:
    kinds = list(info.types)
    return _reader(kinds[0]) if len(kinds) == 1 else _either([_reader(kind) for kind in kinds])


def _tagged(kinds: Sequence[inspect.StructType], other: Any) -> Reader:
    """A union whose member a field names (`channel`, `platform`); of `other`, only the errors count."""
    tag_field = str(kinds[0].tag_field)
    members = {kind.tag: _struct(kind) for kind in kinds}
    expected = f"must be one of {', '.join(map(str, members))}"
    rest = _reader(inspect.type_info(other))

    def read(value: object, path: str, errors: Faults) -> object:
        tag = value.get(tag_field) if type(value) is dict else None
        member = members.get(tag) if type(tag) in (str, int) else None
        if member is None and type(value) is dict:
            errors.add(_joined(path, tag_field), expected if tag_field in value else "is required")
        return (member or rest).read(value, path, errors)

    return Reader(read)


def _either(readers: Sequence[Reader]) -> Reader:
    """A union of plain types: the first that takes the value; else the first one's error stands for all."""

    def read(value: object, path: str, errors: Faults) -> object:
        failures = []
        for reader in readers:
            own = Faults()
            found = reader.read(value, path, own)
            if not own:
                return found
            failures.append(own)
        errors.add_all(failures[0], {})
        return None

    return Reader(read, readers[0].of_text)


@cache
def fields_of(kind: Any) -> tuple[Field, ...]:
    """The fields of a struct."""
    info = inspect.type_info(kind)
    if isinstance(info, inspect.Metadata):
        info = info.type
    assert isinstance(info, inspect.StructType)
    return tuple(_field(field) for field in info.fields)


def _field(field: inspect.Field) -> Field:
    extra = (isinstance(field.type, inspect.Metadata) and field.type.extra) or {}
    told = extra.get(_MISSING, "is required")
    return Field(field.encode_name, field.name, field.type, _reader(field.type), field.required, told, _APART in extra)


def _integer_of(text: str) -> object:
    """The integer that a parameter writes in decimal digits; the text itself where it is none."""
    return int(text) if _DECIMAL(text) else text


def _text_of_query_problem(text: str) -> str | None:
    return "must not hold NUL" if "\0" in text else None


def _joined(path: str, name: str) -> str:
    if not path or not name:
        return path or name
    return f"{path}{name}" if name.startswith("[") else f"{path}.{name}"


_OF_TEXT: dict[type[inspect.Type], Callable[[str], object]] = {inspect.IntType: _integer_of}
_MAKERS: dict[type[inspect.Type], Callable[[Any], Reader]] = {
    inspect.AnyType: _any,
    inspect.StrType: _text,
    inspect.BoolType: _boolean,
    inspect.IntType: _integer,
    inspect.FloatType: _number,
    inspect.LiteralType: _literal,
    inspect.EnumType: _enumeration,
    inspect.NoneType: _null,
    inspect.ListType: _array,
    inspect.DictType: _mapping,
    inspect.StructType: _struct,
    inspect.UnionType: _union,
}
