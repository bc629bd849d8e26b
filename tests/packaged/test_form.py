"""The form that `notifier version` names."""

from importlib.machinery import ModuleSpec

import pytest

from notifier.packaged import form


def test_a_checkout_is_plain():
    assert form.form() == "plain"


@pytest.mark.parametrize(
    ("origin", "said"), [("/x/packed.cpython-311-x86_64-linux-gnu.so", "compiled"), ("/x/packed.py", "plain")]
)
def test_the_form_follows_the_file_that_the_hot_path_is_loaded_from(monkeypatch, origin, said):
    monkeypatch.setattr(form, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    assert form.form() == said


def test_a_program_without_the_sample_is_plain(monkeypatch):
    monkeypatch.setattr(form, "find_spec", lambda name: None)
    assert form.form() == "plain"
