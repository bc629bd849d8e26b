"""Outside services, one file and one class each. A file is named after the schemes of its URLs, joined by `_`.

Nothing lists them: `registry.py` finds a file by its name, and imports it when a URL first asks for it.
"""
