"""Reads JSON values and query parameters into the types of the API, and names every field that is not valid.

msgspec stops at the first error; a caller wants them all. The types are msgspec's own (`Struct`, `Annotated[…, Meta]`),
so that the same declaration yields the checks here and the schema in the API's description. What a schema cannot say
stands beside the type: `checked(problem)` is the `extra` of an annotation, and a struct's `problems_together` looks at
several fields at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from msgspec import inspect

from notifier.domain.checks import text_problem
from notifier.domain.faults import MAX_NAMED, Faults, invalid, shown
from notifier.errors import ErrorCode, FieldError, NotifierError

T = TypeVar("T")
Problem = Callable[[object], str | None]

MAX_TEXT = 1_000_000  # characters of a text without a bound of its own; bodies are bounded before

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}").fullmatch  # an integer in a query: within what JSON's numbers hold

_CHECK, _CONVERT = "check", "convert"


def checked(problem: Problem, convert: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The `extra` of a `Meta` whose values `problem` judges (None: valid) and `convert` turns into what is read."""
    return {_CHECK: problem} | ({_CONVERT: convert} if convert else {})


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


class Reader(NamedTuple):
    """The reader of one type.

    `read(value, path, errors)` returns the value as that type and appends to `errors` what is wrong with it (the
    result is then of no use); `of_text` turns a query parameter into the JSON value that it stands for.
    """

    read: Callable[[Any, str, Faults], Any]
    of_text: Callable[[str], object] = lambda text: text


class Field(NamedTuple):
    """A field of a struct: its name on the wire, its attribute, its type and reader, and whether it must be there."""

    name: str
    attribute: str
    kind: inspect.Type
    reader: Reader
    required: bool


@cache
def reader_of(kind: Any) -> Reader:
    """The reader of a type; raises `TypeError` for one that no request has."""
    return _reader(inspect.type_info(kind))


def _reader(info: inspect.Type) -> Reader:
    if isinstance(info, inspect.Metadata):
        return _checking(info.extra, info.type) if info.extra and _CHECK in info.extra else _reader(info.type)
    for kind, make in _MAKERS.items():
        if isinstance(info, kind):
            return make(info)
    raise TypeError(f"no request has a value of {info}")


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


def _text(info: inspect.StrType) -> Reader:
    least, most = info.min_length or 0, info.max_length or MAX_TEXT
    fits = re.compile(info.pattern).search if info.pattern else None

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


def _mapping(info: inspect.DictType) -> Reader:
    return _simple(lambda value: None if type(value) is dict else "must be an object")


def _struct(info: inspect.StructType) -> Reader:
    kind = info.cls
    strict = info.forbid_unknown_fields

    def read(value: object, path: str, errors: Faults) -> object:
        if type(value) is not dict:
            errors.add(path, "must be a JSON object" if not path else "must be an object")
            return None
        return _read_fields(kind, value, path, errors, {str(info.tag_field)} if strict else None)

    return Reader(read)


def _read_fields(kind: Any, value: dict[str, Any], path: str, errors: Faults, tags: set[str] | None) -> object:
    """A struct from an object; with `tags`, other names than those and the fields' own are errors."""
    before, fields = errors.count, fields_of(kind)
    values: dict[str, Any] = {}
    for field in fields:
        if field.name in value:
            values[field.attribute] = field.reader.read(value[field.name], _joined(path, field.name), errors)
        elif field.required:
            errors.add(_joined(path, field.name), "is required")
    if tags is not None:
        errors.add_unknown(value, {field.name for field in fields} | tags, f"{path}." if path else "")
    _add_together(kind, values, path, errors)
    return kind(**values) if errors.count == before else None


def _add_together(kind: Any, values: Mapping[str, Any], path: str, errors: Faults) -> None:
    """Notes what a struct's own method finds wrong; it gets the fields that are there, the invalid ones as None."""
    look = getattr(kind, "problems_together", None)
    for error in () if look is None else look(values):
        errors.add(_joined(path, error.path), error.message)


def _union(info: inspect.UnionType) -> Reader:
    kinds = list(info.types)
    if len(kinds) == 1:
        return _reader(kinds[0])
    if all(isinstance(kind, inspect.StructType) and kind.tag_field for kind in kinds):
        return _tagged([kind for kind in kinds if isinstance(kind, inspect.StructType)])
    return _either([_reader(kind) for kind in kinds])


def _tagged(kinds: Sequence[inspect.StructType]) -> Reader:
    """A union whose member a field names (`channel`, `platform`)."""
    tag_field = str(kinds[0].tag_field)
    members = {kind.tag: (kind, _struct(kind)) for kind in kinds}
    expected = f"must be one of {', '.join(map(str, members))}"

    def read(value: object, path: str, errors: Faults) -> object:
        if type(value) is not dict:
            errors.add(path, "must be a JSON object" if not path else "must be an object")
            return None
        tag = value.get(tag_field)
        member = members.get(tag) if type(tag) in (str, int) else None
        if member is not None:
            return member[1].read(value, path, errors)
        errors.add(_joined(path, tag_field), expected if tag_field in value else "is required")
        _read_common(kinds, value, path, errors, tag_field)
        return None

    return Reader(read)


def _read_common(
    kinds: Sequence[inspect.StructType], value: dict[str, Any], path: str, errors: Faults, tag_field: str
) -> None:
    """Names what is wrong whichever member was meant: the fields that all of them have, and names that none has."""
    all_fields = [{field.name: field for field in fields_of(kind.cls)} for kind in kinds]
    first = all_fields[0]
    for name, field in first.items():
        if all(name in fields and fields[name].kind == field.kind for fields in all_fields):
            if name in value:
                field.reader.read(value[name], _joined(path, name), errors)
            elif field.required:
                errors.add(_joined(path, name), "is required")
    errors.add_unknown(value, set().union(*all_fields) | {tag_field}, f"{path}." if path else "")


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
    return tuple(
        Field(field.encode_name, field.name, field.type, _reader(field.type), field.required) for field in info.fields
    )


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
