"""Routes as they are declared: what a signature says, and what an option adds."""

import pytest
from msgspec import Struct
from sanic import HTTPResponse

from notifier.domain.access import Scope
from notifier.errors import ErrorCode, NotifierError
from notifier.web.http.route import ADMIN, API, KNOWN, OPEN, Answer, Endpoints, Reply, Tag, delete, get, post


class Book(Struct):
    """A book."""

    title: str


class Search(Struct):
    q: str = ""


class Sent(Struct):
    key: str = ""


BOOKS, OTHERS = Tag("Books", "Of books."), Tag("Others", "Of others.")
GONE = NotifierError(ErrorCode.NOT_FOUND, "there is no such book")


class Books(Endpoints):
    tag, access = BOOKS, API

    @get("/books", "List books")
    async def list_books(self, call, query: Search) -> list[Book]: ...

    @post("/books/{shelf}", "Add a book", example=Book("b"), answers=(Answer(status=201, example=Book("b")),))
    async def add_book(self, call, shelf: str, body: Book, headers: Sent) -> Reply[Book]: ...

    @delete("/books/{shelf}/{number}", "Remove a book", failures=(GONE,), access=ADMIN, tag=OTHERS)
    async def drop_book(self, call, number: str, shelf: str) -> None: ...

    @get("/one", "One way", name="one_way")
    @get("/other", "Another way", hidden=True)
    async def two_ways(self, call) -> Book: ...

    @post("/raw", "Read by itself", body=Book, headers=Sent)
    async def read_raw(self, call) -> Book: ...

    @get("/either", "Answer a page or JSON")
    async def get_either(self, call) -> HTTPResponse | Reply[Book]: ...

    def helper(self): ...


ROUTES = {route.path: route for route in Books.routes()}


def test_the_routes_of_a_class_in_their_order():
    assert [route.path for route in Books.routes()] == [
        "/books",
        "/books/{shelf}",
        "/books/{shelf}/{number}",
        "/other",
        "/one",
        "/raw",
        "/either",
    ]
    assert Books.routes() is Books.routes()


def test_the_signature_is_the_contract():
    route = ROUTES["/books/{shelf}"]
    assert (route.method, route.name, route.handler, route.summary) == ("POST", "add_book", "add_book", "Add a book")
    assert (route.body, route.headers, route.query, route.result) == (Book, Sent, None, Book)
    assert (route.path_types, route.takes) == ({"shelf": str}, {"body", "headers"})
    assert (route.tag, route.access, route.body_example) == (BOOKS, API, Book("b"))
    assert ROUTES["/books"].query is Search and ROUTES["/books"].takes == {"query"}


def test_answers_follow_from_the_result():
    (answer,) = ROUTES["/books/{shelf}"].answers
    assert (answer.status, answer.body, answer.description) == (201, Book, "A book.")
    assert ROUTES["/books"].answers[0].body == list[Book]
    (nothing,) = ROUTES["/books/{shelf}/{number}"].answers
    assert (nothing.status, nothing.body) == (204, None)


def test_responses_beside_a_result_are_no_type():
    assert ROUTES["/either"].result is Book


def test_options_go_before_the_class():
    route = ROUTES["/books/{shelf}/{number}"]
    assert (route.access, route.tag, route.failures) == (ADMIN, OTHERS, (GONE,))


def test_one_handler_of_two_routes():
    assert {(ROUTES[path].name, ROUTES[path].handler, ROUTES[path].hidden) for path in ("/one", "/other")} == {
        ("one_way", "two_ways", False),
        ("two_ways", "two_ways", True),
    }


def test_types_of_what_a_handler_reads_by_itself():
    route = ROUTES["/raw"]
    assert (route.body, route.headers, route.takes) == (Book, Sent, frozenset())


@pytest.mark.parametrize("path", ["/books", "/books/{other}", "/books/{shelf}/{more}"])
def test_a_signature_that_differs_from_the_path(path):
    class Wrong(Endpoints):
        tag, access = BOOKS, API

        @get(path, "Show a book")
        async def get_book(self, call, shelf: str) -> Book: ...

    with pytest.raises(TypeError, match="get_book does not take the parameters"):
        Wrong.routes()


def test_an_option_that_there_is_none_of():
    class Wrong(Endpoints):
        tag, access = BOOKS, API

        @get("/books", "List books", exmaple=1)
        async def list_books(self, call) -> Book: ...

    with pytest.raises(TypeError, match="exmaple"):
        Wrong.routes()


def test_scopes():
    assert [API.scope(method) for method in ("GET", "HEAD", "POST", "DELETE")] == [
        Scope.READ,
        Scope.READ,
        Scope.NOTIFY,
        Scope.NOTIFY,
    ]
    assert (ADMIN.scope("GET"), ADMIN.scope("POST"), ADMIN.scope("DELETE")) == (
        Scope.OBSERVE,
        Scope.ADMIN,
        Scope.ADMIN,
    )
    assert OPEN.scope("POST") is None and KNOWN.scope("POST") is None and KNOWN.known and not OPEN.known
