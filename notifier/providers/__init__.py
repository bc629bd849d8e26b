"""Outside services that take messages: the contract (`base.py`), the services (`schemes/`), and what they share."""
