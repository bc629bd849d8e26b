"""Recordings: what the server answered, with its times, in a file of JSON lines, and its replay in the same views.

    {"notifier_recording":1,"place":"host:8080","at":1764295200.0}
    {"t":1.204,"key":"/api/v1/metrics","body":{…}}      an answer, unless it is the same as the one before
    {"t":2.001,"key":"/api/v1/metrics","error":"unreachable","said":"no answer in time"}
    {"t":2.310,"events":[["client.connected","{…}"]]}   events as they came

`t` is seconds since `at`, which is unix seconds. Requests that write are not recorded, nor is any token.
"""
