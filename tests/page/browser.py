"""The page as its users see it: tabs, forms and lists, by what they say."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from playwright.sync_api import Browser, Dialog, Locator, Page, expect

AWAY = re.compile(r"net::ERR_(CONNECTION|EMPTY_RESPONSE|INCOMPLETE|SOCKET)|WebSocket connection to .* failed")
REFUSED = re.compile(r"status of 4\d\d")

expect.set_options(timeout=8_000)


class PageUser(NamedTuple):
    id: int
    login: str

    def __str__(self) -> str:
        return f"{self.id}:{self.login}"


class Tab:
    """One tab with the page; it writes down every console error, exception, dialog and outside request."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page, self.base_url = page, base_url
        self.complaints: list[str] = []
        self.expected: list[re.Pattern[str]] = []
        page.on("console", lambda entry: self._note(entry.text) if entry.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self._check_origin(request.url))

    def _refuse(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self.expected):
            self.complaints.append(text)

    def _check_origin(self, url: str) -> None:
        if not url.startswith((self.base_url, "data:")):
            self.complaints.append(f"outside request: {url}")

    def expecting(self, *patterns: re.Pattern[str]) -> Self:
        """Ignores the browser's own lines about failed requests."""
        self.expected.extend(patterns)
        return self

    def load(self) -> Self:
        self.page.goto(self.base_url + "/")
        return self

    def live(self) -> Self:
        expect(self.find("#feed")).to_contain_text("Live")
        return self

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    # -- inbox

    def connect(self, user: PageUser) -> Self:
        self.page.fill("#inbox-id", str(user.id))
        self.page.fill("#inbox-login", user.login)
        self.page.click("#inbox-connect")
        self.expect_state("Connected")
        return self

    def expect_state(self, words: str) -> None:
        expect(self.find("#inbox-state [data-slot=words]")).to_contain_text(words)

    def expect_unread(self, number: int) -> None:
        expect(self.find("#inbox-unread")).to_have_text(f"{number} unread")

    @property
    def messages(self) -> Locator:
        return self.find("#messages > li")

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    def mark_read(self, text: str) -> None:
        self.message(text).get_by_role("button", name="Mark read").click()

    # -- send

    def send(self, to: str, message: str, **options: str) -> Self:
        """Sends by hand and waits for the answer."""
        self.page.check("input[name=to][value=hand]", force=True)
        self.page.fill("#recipients", to)
        self.submit(message, **options)
        expect(self.find("#send-result")).to_contain_text("Accepted for")
        return self

    def submit(self, message: str, **options: str) -> None:
        self.page.fill("#message", message)
        for name, value in options.items():
            if name == "priority":
                self.page.select_option("#priority", value)
            else:
                self.page.fill(f"#{name}", value)
        self.page.click("#send-button")

    # -- tables

    def client(self, user: PageUser) -> Locator:
        return self.find("#clients-rows > tr").filter(has_text=str(user))

    def pending(self, user: PageUser) -> Locator:
        return self.find("#pending-groups > li").filter(has_text=str(user))

    def show_history(self, user: PageUser) -> Locator:
        self.page.fill("#history-user", str(user))
        self.page.click("#history-form button")
        return self.find("#history-rows > li")


class Tabs:
    """Tabs, each in a profile of its own unless asked otherwise: Chromium slows down what another tab covers."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.tabs: list[Tab] = []

    def open(self, base_url: str, beside: Tab | None = None) -> Tab:
        """A tab with the page, `beside` another in the same profile."""
        return self.blank(base_url, beside).load()

    def blank(self, base_url: str, beside: Tab | None = None) -> Tab:
        """A tab that has not gone to the page yet."""
        context = beside.page.context if beside else self.browser.new_context(viewport={"width": 1280, "height": 900})
        tab = Tab(context.new_page(), base_url)
        self.tabs.append(tab)
        return tab

    def complaints(self) -> list[str]:
        return [text for tab in self.tabs for text in tab.complaints]

    def close(self) -> None:
        for tab in self.tabs:
            tab.page.context.close()
