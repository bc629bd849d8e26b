"""`Accept` and `If-None-Match` (RFC 9110 §12.5.1, §13.1.2)."""

JSON, TEXT, OPEN = "application/json", "text/plain", "application/openmetrics-text"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.4,text/html;q=0.3,*/*;q=0.1"
)
ACCEPTED = [
    (("",), TEXT),
    (("*/*",), TEXT),
    ((PROMETHEUS,), OPEN),
    ((JSON,), JSON),
    (("Application/JSON",), JSON),
    (("application/json; Charset=UTF-8",), JSON),
    (("APPLICATION/OPENMETRICS-TEXT; version=1.0.0",), OPEN),
    (("application/json;q=0",), TEXT),
    (("application/json; Q=0.000, */*",), TEXT),
    (("text/plain;q=0, */*",), OPEN),
    (("text/plain;q=0, application/openmetrics-text;q=0, */*;q=0.1",), JSON),
    (("application/json;q=0.1, text/plain;q=0.9",), TEXT),
    (("application/json;q=0.9, text/plain;q=0.1",), JSON),
    (("application/*;q=0.5, application/openmetrics-text;q=0",), JSON),
    (("text/*",), TEXT),
    (("text/html", JSON), JSON),
    (("text/plain;q=0.5", "application/json"), JSON),
    (("image/png",), TEXT),
    (("application/jsonx",), TEXT),
    (("x-application/json",), TEXT),
    (("application/json;q=2",), TEXT),
    (("application/json;q=x, */*;q=0.1",), TEXT),
    ((",,;q=1,",), TEXT),
]


async def test_the_form_of_metrics(client):
    for accepted, kind in ACCEPTED:
        answer = await client.get("/metrics", headers=[("Accept", value) for value in accepted])
        found = answer.headers["content-type"].partition(";")[0]
        assert (answer.status_code, found) == (200, kind), accepted


async def test_what_a_browser_has_is_not_sent_again(client):
    for path in ("/", "/openapi.json", "/docs"):
        first = await client.get(path)
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", W/{tag}', f'{tag},"x"', "*"):
            answer = await client.get(path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag), (path, known)
        lines = [("If-None-Match", '"a"'), ("If-None-Match", f"W/{tag}")]
        assert (await client.get(path, headers=lines)).status_code == 304
        for known in ("", '"other"', tag.strip('"'), f'"{tag}"', f"w/{tag}", f"W/W/{tag}"):
            assert (await client.get(path, headers={"If-None-Match": known})).status_code == 200, known
