"""Code of other people's modules without their docstrings."""

import dataclasses
import types

from docless import compile_without_docs

SOURCE = '''"""Of the module."""
import dataclasses

def f():
    """Of a function."""

async def g(x):
    """Of another."""
    assert x, "kept"
    return "a text"

@dataclasses.dataclass
class C:
    """Of a class."""
    x: int = 0

    def m(self):
        "Of a method."
        return self.x

class D: "Alone."
'''


def load(tmp_path, name="other.module"):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    names = ("other.module", "notifier.own", "notifier.cli", "notifier.cli.send")
    code = compile_without_docs([*((name, str(path), "PYMODULE") for name in names), ("space", "-", "")])
    assert set(code) == {"other.module", "notifier.own"}
    module = types.ModuleType(name)
    exec(code[name], module.__dict__)
    return module, code[name]


def test_docstrings_go_and_all_else_stays(tmp_path):
    module, _ = load(tmp_path)
    assert module.__doc__ is module.f.__doc__ is module.g.__doc__ is module.C.m.__doc__ is None
    assert module.f() is None and module.C(7).m() == 7
    assert dataclasses.fields(module.C)[0].name == "x"


def test_a_class_keeps_one_character_so_that_no_text_is_made_up_for_it(tmp_path):
    module, _ = load(tmp_path)
    assert module.C.__doc__ == module.D.__doc__ == "."


def test_own_classes_keep_theirs_which_describe_the_api(tmp_path):
    module, _ = load(tmp_path, "notifier.own")
    assert (module.C.__doc__, module.D.__doc__) == ("Of a class.", "Alone.")
    assert module.f.__doc__ is module.C.m.__doc__ is None


def test_assertions_and_line_numbers_stay(tmp_path):
    module, code = load(tmp_path)
    try:
        module.g(0).send(None)
    except AssertionError as error:
        assert str(error) == "kept"
        assert error.__traceback__.tb_next.tb_lineno == 9
    else:
        raise AssertionError("the assertion is gone")
    assert code.co_filename == str(tmp_path / "module.py")
