#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A life with many conversations and many unread messages, on desktop and phone: where one is looking stays right.

Like test_chat.py, whose Person and Run it uses. The others are played over REST.
"""
import json
import os
import secrets
import sys
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_chat  # noqa: E402
from test_chat import DESKTOP, PASSWORD, PHONE, Run  # noqa: E402

CONVERSATIONS, UNREAD = 120, 150
# The page itself has not moved, and what is on its top edge is there.
IN_PLACE = """const at = (css) => Math.round(document.querySelector(css).getBoundingClientRect().top);
    return [document.scrollingElement.scrollTop, document.querySelector('#app').scrollTop, at('#app'), at('.chat-top')]"""


class Many(Run):
    def call(self, path, body, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        request = urllib.request.Request(
            "http://%s:%d%s" % (*self.target, path), json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def user(self, name):
        """A new account: its id and a token."""
        user = "m%s" % secrets.token_hex(5)
        self.call("/api/v1/users", {"id": user, "password": PASSWORD, "name": name})
        return user, self.call("/api/v1/auth/login", {"user": user, "password": PASSWORD})["access_token"]

    def send(self, token, body):
        message = {"to": {"user": self.ann.id}, "client_id": secrets.token_hex(8), "body": body}
        return self.call("/api/v1/messages", message, token)

    def begin(self):
        self.ann = self.person("Ann", size=DESKTOP)
        self.ann.sign_up()
        self.bob, self.bobs = self.user("Bob")
        self.send(self.bobs, "the first")
        for n in range(CONVERSATIONS):
            _, token = self.user("Contact %d" % n)
            self.send(token, "hello %d" % n)
        self.ann.until(
            lambda: len(self.ann.all(".row")) == CONVERSATIONS + 1,
            "has %d conversations" % len(self.ann.all(".row")),
        )

    def see_new(self):
        """Many unread: the line above them is in sight, and everything else is where it was."""
        for size, dark in ((DESKTOP, False), (PHONE, True)):
            for n in range(UNREAD):
                self.send(self.bobs, "unread %d %s" % (n, "lorem ipsum " * (n % 9)))
            self.ann.emulate(size, dark)
            self.ann.until(lambda: self.ann.all(".row[data-id='%s'] .badge" % self.bob), "nothing is unread")
            self.ann.js("document.querySelector('.row[data-id=\"%s\"]').click()" % self.bob)
            top = self.ann.until(
                lambda: self.ann.js(
                    """const line = document.querySelector('.new-line'), log = document.querySelector('.log');
                    return line && [line.getBoundingClientRect().top - log.getBoundingClientRect().top, log.clientHeight]"""
                ),
                "no line above what is new",
            )
            assert 0 <= top[0] < top[1] / 2, "the line above what is new is at %r" % top
            apart = self.ann.js(
                """const middle = (e) => { const r = e.getBoundingClientRect(); return (r.top + r.bottom) / 2; };
                return [...document.querySelectorAll('.message')].filter((message) => { const act = message.querySelector('.act');
                    return getComputedStyle(act).position === 'static' && Math.abs(middle(act) - middle(message.querySelector('time')))
                        > 4; }).length"""
            )
            assert apart == 0, "in %d messages the button is not beside the time" % apart
            self.ann.shot("%s-many-unread" % ("phone-dark" if dark else "desktop"))
            where = self.ann.js(IN_PLACE)
            assert where == [0, 0, 0, 0], "the page has moved: %r" % where
            self.ann.js("document.querySelector('.to-end').click()")
            self.ann.until(
                lambda: not self.ann.all(".row[data-id='%s'] .badge" % self.bob), "is not read at the end"
            )
            self.ann.js("document.querySelector('.back').click()" if size is PHONE else "document.activeElement.blur()")
            if size is DESKTOP:
                self.ann.js(
                    "document.querySelector('.log').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"
                )
        self.ann.emulate(DESKTOP)

    def nothing_overflows(self):
        """Words for readers do not make what lies around a list longer than it is."""
        self.ann.js("document.querySelector('.row[data-id=\"%s\"]').click()" % self.bob)
        self.ann.one("#input")
        sizes = self.ann.js(
            """return ['html', 'body', '#app', '.pane-list', '.pane-chat', '.log-box'].filter((css) => {
                const e = document.querySelector(css); return e.scrollHeight > e.clientHeight + 1; })"""
        )
        assert not sizes, "longer than they are: %r" % sizes

    def find_from_below(self):
        """What is found is in sight, however far down the list was."""
        ann = self.ann
        ann.js("document.querySelector('.list-scroll').scrollTop = 1e6")
        assert ann.js("return document.querySelector('.list-scroll').scrollTop") > 1000
        ann.one("#search").send_keys("Contact 1")
        ann.until(lambda: ann.one("#list-heading").text == "People", "nothing is found")
        top = ann.js("return document.querySelector('.list-scroll').scrollTop")
        assert top == 0, "what is found begins %d pixels above" % top
        ann.one(".search-clear").click()
        ann.until(lambda: ann.one("#list-heading").text == "Conversations", "the search stays")

    def one_row(self):
        """A message draws its own row again, not the whole list."""
        self.ann.js(
            """window.drawn = new Set(); new MutationObserver((list) => { for (const { target } of list) {
                const row = target.closest('li'); if (row) drawn.add(row.querySelector('.row').dataset.id); } })
                .observe(document.getElementById('rows'), {subtree: true, childList: true, attributes: true});"""
        )
        other, token = self.user("Newcomer")
        self.send(token, "a new one")
        self.send(self.bobs, "one more")
        self.ann.until(
            lambda: self.ann.js("return drawn.has(arguments[0]) && drawn.has(arguments[1])", other, self.bob),
            "the rows are not drawn",
        )
        drawn = self.ann.js("return [...drawn]")
        assert set(drawn) == {other, self.bob}, "%d rows were drawn" % len(drawn)

    def strangers(self):
        """The first messages of somebody new come faster than the page learns who that is: all are shown, in order."""
        strangers = [self.user("Stranger %d" % n) for n in range(12)]
        words = ["one", "two", "three", "four"]
        for user, token in strangers:
            for word in words:
                self.send(token, word)
        for user, _ in strangers:
            self.ann.until(lambda: self.ann.all(".row[data-id='%s']" % user), "%s is missing" % user)
            self.ann.js("document.querySelector('.row[data-id=\"%s\"]').click()" % user)
            self.ann.until(lambda: self.ann.texts() == words, "not all of them: %r" % self.ann.texts(), 5)

    def long_names(self):
        """In a group, on a phone: names that are long or are read from right to left break nothing."""
        ann, names = self.ann, ["a" * 64, "\u0645\u062d\u0645\u062f \u0628\u0646 \u0639\u0628\u062f \u0627\u0644\u0644\u0647"]
        people = [self.user(name) for name in names]
        for _, token in people:
            self.send(token, "hello")
        session = self.call("/api/v1/auth/login", {"user": ann.id, "password": PASSWORD})["access_token"]
        group = self.call("/api/v1/groups", {"name": "A name that is long, " * 3}, session)
        self.call("/api/v1/groups/%s/members" % group["group"], {"users": [id for id, _ in people]}, session)
        for _, token in people:
            to = {"conversation": group["conversation"]}
            self.call("/api/v1/messages", {"to": to, "client_id": secrets.token_hex(8), "body": "English words"}, token)
        ann.emulate(PHONE)
        ann.until(lambda: ann.all(".row[data-id='%s']" % group["conversation"]), "no group")
        ann.js("document.querySelector('.row[data-id=\"%s\"]').click()" % group["conversation"])
        ann.until(lambda: len(ann.all(".speaker")) == 2, "not both have spoken")
        assert ann.js("const log = document.querySelector('.log'); return log.scrollWidth <= log.clientWidth"), "the log is too wide"
        wrong = ann.js(
            "return [...document.querySelectorAll('.bubble')].filter((b) => getComputedStyle(b).direction !== 'ltr').length"
        )
        assert wrong == 0, "English words are set from right to left because of who says them"
        ann.one("#input").send_keys("@")
        ann.until(lambda: len(ann.all(".completion li")) >= 3, "nobody to mention")
        ann.shot("phone-long-names")
        wide = ann.js(
            "const l = document.querySelector('.completion'); return [...l.querySelectorAll('span')].filter((s) =>"
            " s.getBoundingClientRect().right > l.getBoundingClientRect().right).length"
        )
        assert wide == 0, "names leave the list"

    def run(self):
        self.step("many conversations", self.begin)
        self.step("many unread", self.see_new)
        self.step("nothing overflows", self.nothing_overflows)
        self.step("search from the end of the list", self.find_from_below)
        self.step("one message draws one row", self.one_row)
        self.step("many messages of somebody new", self.strangers)
        self.step("long names, and from right to left", self.long_names)
        self.step("no complaints of the browser", self.no_complaints)

    def no_complaints(self):
        complaints = self.ann.complaints()
        assert not complaints, complaints[:5]


if __name__ == "__main__":
    test_chat.Run = Many
    sys.exit(test_chat.main())
