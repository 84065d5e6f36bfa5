#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The pages as people with other senses and hands meet them, and the API page.

axe-core looks at each view in both colour schemes; what it calls serious or critical fails. Like
test_chat.py, whose Person and Run it uses. NUNCIO_AXE is its axe.min.js (run_browser.py gets it).
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_chat  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from test_chat import DESKTOP, PHONE, Run  # noqa: E402

LOOK = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
  .filter((one) => ['serious', 'critical'].includes(one.impact))
  .map((one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(' ; '))));
"""
# Colours that are on their way are nobody's contrast.
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"


class Access(Run):
    def axe(self, person, what):
        """In both colour schemes; the page stays as it was."""
        if not person.js("return 'axe' in window"):
            person.js(self.script)
        for dark in (False, True):
            person.emulate(person.size, dark)
            person.js(
                "const sheet = new CSSStyleSheet(); sheet.replaceSync(arguments[0]);"
                "document.adoptedStyleSheets = [sheet];",
                STILL,
            )
            found = person.driver.execute_async_script(LOOK)
            assert not found, "%s, %s: %s" % (what, "dark" if dark else "light", found)
        person.emulate(person.size)

    def begin(self):
        self.usable = False
        with open(os.environ["NUNCIO_AXE"], encoding="utf-8") as file:
            self.script = file.read()
        self.alice, self.bob = self.person("Alice"), self.person("Bob", size=PHONE)
        self.alice.size, self.bob.size = DESKTOP, PHONE
        self.alice.open()
        self.alice.one("#field-user")
        self.usable = True

    def notices(self):
        """The test can fail: a picture without words is found."""
        self.alice.js("document.body.append(Object.assign(new Image(), {src: 'favicon.svg', id: 'bad'}))")
        try:
            self.axe(self.alice, "a picture without words")
        except AssertionError as said:
            assert "image-alt" in str(said), said
        else:
            raise AssertionError("axe has found nothing")
        finally:
            self.alice.js("document.getElementById('bad').remove()")

    def auth(self):
        self.axe(self.alice, "sign in")
        self.alice.one(".auth-card > .link").click()
        self.axe(self.alice, "sign up")
        self.alice.sign_up()
        self.axe(self.alice, "no conversations")
        self.bob.sign_up()

    def talk(self):
        alice, bob = self.alice, self.bob
        alice.find(bob)
        for number in range(3):
            alice.say("message %d http://example.org/" % number)
        bob.pick(alice)
        bob.sees("message 2 http://example.org/")
        bob.say("answer")
        alice.sees("answer")
        self.axe(alice, "a conversation")
        self.axe(bob, "a conversation on a phone")
        alice.js("document.querySelector('.message .act').click()")
        alice.one(".menu")
        self.axe(alice, "the menu of a message")
        alice.driver.find_element("css selector", "body").send_keys(Keys.ESCAPE)
        alice.one("#search").send_keys(bob.id)
        alice.one(".row[data-id='%s']" % bob.id)
        self.axe(alice, "search")
        alice.one("#search").send_keys(Keys.ESCAPE)

    def dialogs(self):
        alice = self.alice
        alice.one("#settings").click()
        alice.until(lambda: alice.all("dialog select"), "no settings")
        self.axe(alice, "settings")
        alice.one("dialog .icon-button").click()
        alice.one("#new-group").click()
        alice.one("#group-name").send_keys("Harbour")
        self.axe(alice, "a new group")
        alice.one("dialog [type=submit]").click()
        alice.until(lambda: alice.one(".chat-title").text == "Harbour", "the group does not open")
        self.axe(alice, "a group")
        alice.one("#status").click()
        alice.one(".menu")
        self.axe(alice, "the menu of one's status")
        alice.driver.find_element("css selector", "body").send_keys(Keys.ESCAPE)

    def offline(self):
        self.alice.relay.cut()
        self.alice.until(lambda: self.alice.all(".banner:not([hidden])"), "no banner")
        self.axe(self.alice, "offline")
        self.alice.reconnect()
        self.alice.online()

    def api_page(self):
        """Every route and op is on it; the filter, links and languages work."""
        alice = self.alice
        alice.driver.get(alice.relay.url + "api.html")
        alice.one("#filter")
        here = alice.js("return [...document.querySelectorAll('#routes .api-entry')].map(e => e.id)")
        there = alice.driver.execute_async_script(
            "const done = arguments[0]; fetch('openapi.json').then(r => r.json()).then(d => done("
            "[Object.values(d.paths).flatMap(p => Object.values(p).map(o => o.operationId)), Object.keys(d['x-nuncio-ops'])]))"
        )
        assert sorted(here) == sorted(there[0]) and len(here) > 40, (len(here), len(there[0]))
        ops = alice.js("return [...document.querySelectorAll('#ops .api-path')].map(e => e.textContent)")
        assert ops == sorted(there[1]), ops
        alice.one("#filter").send_keys("reaction delete")
        left = alice.js("return [...document.querySelectorAll('.api-entry:not([hidden]) .api-path')].map(e => e.textContent)")
        assert left == ["/api/v1/conversations/{id}/messages/{seq}/reactions/{emoji}"], left
        alice.one(".api-entry:not([hidden]) summary").click()
        link = alice.one(".api-entry[open] a")
        assert link.text == "changed_message", link.text
        alice.one("#filter").send_keys(Keys.CONTROL + "a" + Keys.NULL + Keys.DELETE)
        alice.js("arguments[0].click()", link)
        alice.until(lambda: alice.all("#shape-changed_message[open]"), "the link leads nowhere")
        assert "message: event" in alice.one("#shape-changed_message").text
        alice.one("#filter").send_keys("no such word")
        alice.until(lambda: alice.one(".api-nothing").text == "Nothing fits.", "does not say that nothing fits")
        alice.driver.get(alice.relay.url + "api.html")
        alice.one("#post_api_v1_messages summary").click()
        self.axe(alice, "the API page")
        alice.shot("desktop-en-light-api")
        alice.one("[data-language=zh]").click()
        alice.until(lambda: alice.one("#routes-title").text == "路由", "is not Chinese")
        assert alice.js("return document.documentElement.lang") == "zh-Hans"
        alice.emulate(PHONE, dark=True)
        assert alice.js("return document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
        alice.shot("phone-zh-dark-api")

    def run(self):
        for name, work in (
            ("begin", self.begin),
            ("axe notices", self.notices),
            ("axe: sign in, sign up", self.auth),
            ("axe: conversations, menus, search", self.talk),
            ("axe: dialogs, groups", self.dialogs),
            ("axe: offline", self.offline),
            ("the API page", self.api_page),
            ("no complaints of the browser", self.no_complaints),
        ):
            self.step(name, work)
        for person in self.people:
            person.close()


if __name__ == "__main__":
    test_chat.Run = Access
    sys.exit(test_chat.main())
