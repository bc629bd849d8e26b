"""The shared functions that a script is given."""

from __future__ import annotations

import re

from notifier.packaged.files import held
from notifier.store.keys import Keys
from notifier.store.redis.script import Script, without_unused


def test_functions_and_values_that_nothing_names_are_left_out() -> None:
    text = """
local USED, ALSO = 1, 2  -- UNUSED is named in a comment alone
local UNUSED = {
  'a',
}
-- dead calls itself, and a dead one
local function dead()
  if ALSO then
    return dead(UNUSED)
  end
end
local function short() return USED end
local function main()
  return short()
end
return main()
"""
    assert without_unused(text).splitlines() == [
        "local USED, ALSO = 1, 2",
        "local function short() return USED end",
        "local function main()",
        "  return short()",
        "end",
        "return main()",
    ]


def test_a_name_that_stands_before_its_second_meaning_keeps_both() -> None:
    text = "local a = 1\nlocal a = a + 1\nreturn a"
    assert without_unused(text) == text


def test_each_script_keeps_every_function_of_its_library_that_it_calls() -> None:
    """Every name that a script calls, and that its library defines, is defined in the text that the server gets."""
    keys = Keys()
    for path in held("notifier.store", "scripts"):
        if "/" not in path or path.endswith(("lib.lua", "end.lua")):
            continue
        script = Script(path.removesuffix(".lua"), keys)
        subject = path.split("/")[0]
        library = "\n".join(
            held("notifier.store", "scripts").get(name, b"").decode() for name in ("common.lua", f"{subject}/lib.lua")
        )
        defined = set(re.findall(r"(?m)^local function (\w+)", library))
        for name in defined & set(re.findall(r"(?<![\w.'])(\w+)\(", script.text)):
            assert f"local function {name}(" in script.text, (path, name)
