"""Declared routes as they are served, over real connections."""

from typing import Annotated

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field
from sanic import HTTPResponse, text

from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from notifier.web.http.mount import Call, mount
from notifier.web.http.requests import MAX_PARAMETERS
from notifier.web.http.route import OPEN, Answer, Endpoints, Reply, Tag, delete, get, post

NO_BOOKS = NotifierError(ErrorCode.BAD_REQUEST, "say how many")


class Book(Struct, forbid_unknown_fields=True):
    """A book."""

    title: str
    pages: Annotated[int, Meta(ge=1, le=9)] = 1


class Search(Struct):
    q: Annotated[str, Meta(max_length=3)] = ""
    most: Annotated[int, Meta(ge=1, le=9)] = 1


class Sent(Struct):
    tag: Annotated[str, Meta(max_length=3)] | UnsetType = field(name="Tag", default=UNSET)

    def problems_with(self, body):
        if self.tag and isinstance(body, dict) and body.get("title") == self.tag:
            yield FieldError("title", "is the tag")


class Books(Endpoints):
    tag, access = Tag("Books", ""), OPEN

    @get("/t/books/{shelf}", "List books")
    async def list_books(self, call: Call, shelf: str, query: Search) -> list[Book]:
        return [Book(f"{shelf} {query.q}", query.most)]

    @post("/t/books", "Add a book", answers=(Answer(status=201),))
    async def add_book(self, call: Call, body: Book, headers: Sent) -> Reply[Book]:
        return Reply(body, {"Place": str(headers.tag or "none")}, status=202 if body.pages > 1 else 0)

    @post("/t/tags", "Read a header alone")
    async def add_tag(self, call: Call, headers: Sent) -> Book:
        return Book(headers.tag or "none")

    @get("/t/encoded", "Answer bytes")
    async def get_encoded(self, call: Call) -> Reply[Book]:
        return Reply(b'{"title":"t","pages":2}')

    @get("/t/page", "Answer a page")
    async def get_page(self, call: Call) -> HTTPResponse:
        return text("page")

    @delete("/t/books", "Forget them")
    async def drop_books(self, call: Call) -> None: ...

    @get("/t/lenient", "Ask anyhow", bad_query=NO_BOOKS)
    async def ask(self, call: Call, query: Search) -> Book:
        return Book(query.q, query.most)

    @post("/t/raw", "Read by itself", body=Book)
    async def read_raw(self, call: Call) -> Book:
        return Book(str(call.json), 1)


@pytest.fixture
async def books(redis, settings, sanic_client):
    app = App(settings())
    server = Server(app, bind(app.settings.host, app.settings.port))
    mount(server.web, Books())
    for route in server.web.router.routes:
        route.extra.ignore_body = True
    return await sanic_client(server.web, verify=False)


def told(answer, status=422):
    assert answer.status_code == status, answer.text
    return {error["path"]: error["message"] for error in answer.json()["errors"]}


async def test_path_and_query_are_decoded(books):
    answer = await books.get("/t/books/a%20%2Fb?q=x&most=2&token=t")
    assert (answer.status_code, answer.json()) == (200, [{"title": "a /b x", "pages": 2}])
    assert answer.headers["content-type"] == "application/json"


async def test_a_query_that_is_not_valid(books):
    found = told(await books.get("/t/books/a?q=long&most=0&x=1"))
    assert found == {
        "q": "must have at most 3 characters",
        "most": "must be an integer of 1-9",
        "x": "unknown parameter",
    }


@pytest.mark.parametrize("query", ["q=%ff", "&".join(f"a{number}=1" for number in range(MAX_PARAMETERS + 1))])
async def test_a_query_that_is_malformed(books, query):
    answer = await books.get(f"/t/books/a?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "the query is malformed")


async def test_one_answer_to_any_bad_query(books):
    assert (await books.get("/t/lenient?q=x&unknown=1")).json() == {"title": "x", "pages": 1}
    answer = await books.get("/t/lenient?most=0")
    assert (answer.status_code, answer.json()["detail"]) == (400, "say how many")


async def test_body_headers_and_status(books):
    answer = await books.post("/t/books", json={"title": "t"}, headers={"X-Tag": "a"})
    assert (answer.status_code, answer.json()) == (201, {"title": "t", "pages": 1})
    assert answer.headers["place"] == "a"
    assert (await books.post("/t/books", json={"title": "t", "pages": 2})).status_code == 202


async def test_all_errors_of_headers_and_body(books):
    found = told(await books.post("/t/books", json={"pages": 0, "x": 1}, headers={"Tag": "long"}))
    assert found == {
        "Tag": "must have at most 3 characters",
        "title": "is required",
        "pages": "must be an integer of 1-9",
        "x": "unknown field",
    }
    assert told(await books.post("/t/tags", headers={"Tag": "long"})) == {"Tag": "must have at most 3 characters"}


async def test_headers_are_held_against_the_body(books):
    found = told(await books.post("/t/books", json={"title": "a", "x": 1}, headers={"Tag": "a"}))
    assert found == {"title": "is the tag", "x": "unknown field"}


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422), (b"", 400)])
async def test_a_body_that_is_none(books, body, status):
    answer = await books.post("/t/books", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


async def test_bytes_are_passed_on(books):
    assert (await books.get("/t/encoded")).content == b'{"title":"t","pages":2}'
    assert (await books.get("/t/page")).text == "page"


async def test_no_result_is_204(books):
    answer = await books.delete("/t/books")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_handler_may_read_the_body_by_itself(books):
    assert (await books.post("/t/raw", json={"x": 1})).json()["title"] == "{'x': 1}"
