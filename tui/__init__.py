"""The operators' dashboard: a terminal program that knows a server only by its admin API.

Values go down (poller, model, views), messages come up (`messages.py`); `app.py` alone joins the parts.
"""
