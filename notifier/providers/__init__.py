"""One file, one class per outside service; the class is found by the scheme of a provider's URL (`registry.py`)."""
