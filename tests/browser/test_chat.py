#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The chat page in a real browser, against a running server.

    NUNCIO_URL=http://127.0.0.1:8080 tests/browser/test_chat.py [URL] [--shots DIR]

Two people sign up, find each other and talk. Each goes to the server through a small relay of this
test, which can be cut: that is how a lost network and a lost answer are made. Accounts get fresh
names, so the server may have others.

NUNCIO_RESTART  a shell command that restarts the server at the same address and returns when it
                listens again; without it the step that restarts is skipped.

Last line: N passed, N failed, N skipped.
"""

import argparse
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

try:
    from selenium import webdriver
    from selenium.common.exceptions import (
        NoSuchElementException,
        StaleElementReferenceException,
        WebDriverException,
    )
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print(
        "python3-selenium is not installed (apt install python3-selenium chromium chromium-driver)",
        file=sys.stderr,
    )
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = (390, 844), (1280, 800)
PASSWORD = "correct horse battery"
PATIENCE = 15.0


class Skip(Exception):
    pass


class Relay:
    """A listener that passes bytes on to the server until it is told otherwise.

    `cut` ends all connections and refuses new ones; `deafen` passes on what the browser says but not
    what the server answers.
    """

    def __init__(self, host, port):
        self.target = (host, port)
        self.down = False
        self.deaf = False
        self.pairs = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d/" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.down:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.add((client, server))
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, sink, from_server):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if not (from_server and self.deaf):
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.down = True
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.deaf = False

    def deafen(self):
        self.deaf = True

    def mend(self):
        self.down = False

    def close(self):
        self.cut()
        self.listener.close()


class Person:
    """One browser with its own profile and relay."""

    def __init__(self, target, name, shots, language="en-US", dark=False, size=DESKTOP):
        self.id = "%s_%s" % (re.sub(r"\W", "", name.lower()) or "user", secrets.token_hex(3))
        self.name = name
        self.shots = shots
        self.relay = Relay(*target)
        self.profile = tempfile.mkdtemp(prefix="nuncio-browser-")
        options = webdriver.ChromeOptions()
        for flag in FLAGS + [
            "--user-data-dir=" + self.profile,
            "--lang=" + language,
            "--accept-lang=" + language,
        ]:
            options.add_argument(flag)
        options.binary_location = shutil.which("chromium") or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            service=Service(shutil.which("chromedriver")), options=options
        )
        self.emulate(size, dark)

    def emulate(self, size, dark=False):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size is PHONE},
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setTouchEmulationEnabled", {"enabled": size is PHONE}
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )

    def close(self):
        try:
            self.driver.quit()
        except WebDriverException:
            pass
        self.relay.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    # looking

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.until(
            lambda: next((e for e in self.all(css) if e.is_displayed()), None),
            "nothing like %s" % css,
        )

    def until(self, look, what, patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            try:
                found = look()
            except (StaleElementReferenceException, NoSuchElementException):
                found = None
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError("%s: %s" % (self.id, what))
            time.sleep(0.05)

    def js(self, script, *args):
        return self.driver.execute_script(script, *args)

    def messages(self):
        """(mine, text, status) of each message on the page."""
        return [
            tuple(row)
            for row in self.js(
                "return [...document.querySelectorAll('.message')].map(m => [m.classList.contains('mine'),"
                " m.querySelector('.body').textContent, m.dataset.status ?? null])"
            )
        ]

    def texts(self):
        return [text for _, text, _ in self.messages()]

    def sees(self, text, status=None, patience=PATIENCE):
        self.until(
            lambda: any(
                t == text and (status is None or s in status.split("|"))
                for _, t, s in self.messages()
            ),
            "does not see %r %s; sees %r" % (text, status or "", self.messages()[-5:]),
            patience,
        )

    def presence(self):
        return self.one(".chat-sub").text

    def shot(self, name):
        if self.shots:
            time.sleep(0.3)
            self.driver.save_screenshot(os.path.join(self.shots, name + ".png"))

    def complaints(self):
        """What the browser has to say against the page; a refused connection is ours."""
        ours = re.compile(
            r"ERR_(CONNECTION|EMPTY|NETWORK|INTERNET|SOCKET)|WebSocket connection to|status of 4\d\d|"
            r"not connected|connection has ended|no answer|Failed to fetch"
        )
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and not ours.search(entry["message"])
        ]

    # doing

    def open(self):
        self.driver.get(self.relay.url)

    def sign_up(self):
        self.open()
        self.one(".auth-card > .link").click()
        self.one("#field-name").send_keys(self.name)
        self.one("#field-user").send_keys(self.id)
        self.one("#field-password").send_keys(PASSWORD + Keys.ENTER)
        self.online()

    def sign_in(self):
        self.one("#field-user").send_keys(self.id)
        self.one("#field-password").send_keys(PASSWORD + Keys.ENTER)
        self.online()

    def online(self):
        self.until(
            lambda: self.js(
                "return document.querySelector('.me .dot')?.dataset.status === 'online'"
            ),
            "is not online",
        )

    def find(self, other):
        self.one("#search").send_keys(other.id)
        self.one(".row[data-id='%s']" % other.id).click()
        self.one("#input")

    def pick(self, other):
        self.one(".row[data-id='%s']" % other.id).click()
        self.one("#input")

    def say(self, text):
        self.one("#input").send_keys(
            text.replace("\n", Keys.SHIFT + Keys.ENTER + Keys.NULL) + Keys.ENTER
        )

    def reconnect(self):
        """The network is back; do not wait for the next attempt."""
        self.relay.mend()
        self.js("document.querySelector('.banner:not([hidden]) .link:not([hidden])')?.click()")


class Run:
    """The steps, in order; each builds on the ones before."""

    def __init__(self, url, shots, restart):
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port or 80)
        self.shots = shots
        self.restart = restart
        self.people = []
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.usable = True

    def person(self, *args, **kwargs):
        person = Person(self.target, args[0], self.shots, *args[1:], **kwargs)
        self.people.append(person)
        return person

    def step(self, name, work):
        if not self.usable:
            self.count["skipped"] += 1
            print("skip %s (an earlier step failed)" % name)
            return
        begin = time.monotonic()
        try:
            work()
            self.count["passed"] += 1
            print("ok   %s (%.1f s)" % (name, time.monotonic() - begin), flush=True)
        except Skip as why:
            self.count["skipped"] += 1
            print("skip %s: %s" % (name, why), flush=True)
        except Exception as error:  # a step's failure is a result, whatever it is
            self.count["failed"] += 1
            print("FAIL %s: %s" % (name, str(error).split("Stacktrace")[0].strip()), flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            for person in self.people:
                try:
                    person.shot("failed-%s-%s" % (re.sub(r"\W+", "-", name), person.name))
                except WebDriverException:
                    pass

    # the steps

    def sign_up(self):
        self.usable = False  # nothing works without it
        self.alice = self.person("Alice")
        self.bob = self.person("Bob")
        self.alice.open()
        self.alice.one("#field-user")
        self.alice.shot("desktop-en-light-sign-in")
        self.alice.sign_up()
        self.bob.sign_up()
        assert self.alice.one(".me-name").text == "Alice"
        self.alice.shot("desktop-en-light-empty")
        self.usable = True

    def refuse_wrong(self):
        other = self.person("Mallory", size=PHONE)
        other.open()
        other.one("#field-user").send_keys(self.alice.id)
        other.one("#field-password").send_keys("not this" + Keys.ENTER)
        error = other.until(lambda: other.one(".form-error").text, "is told nothing")
        assert "wrong" in error, error
        other.shot("phone-en-light-refused")
        other.one(".auth-card > .link").click()
        other.one("#field-name")
        other.one("#field-user").clear()
        other.one("#field-user").send_keys(self.alice.id)
        other.one("#field-password").send_keys(PASSWORD + Keys.ENTER)
        other.until(
            lambda: "taken" in other.one(".form-error").text, "is not told that the name is taken"
        )
        self.people.remove(other)
        other.close()

    def talk(self):
        alice, bob = self.alice, self.bob
        alice.find(bob)
        assert alice.one(".chat-title").text == "Bob", alice.one(".chat-title").text
        alice.until(lambda: alice.presence() == "Online", "does not see that Bob is online")
        alice.say("Hello Bob")
        alice.sees("Hello Bob", "delivered")
        alice.js("document.querySelector('.message').kept = true")
        bob.until(lambda: bob.one(".row .badge [aria-hidden]").text == "1", "has no unread count")
        assert bob.driver.title.startswith("(1)"), bob.driver.title
        assert bob.one(".row-name").text == "Alice"
        bob.pick(alice)
        bob.sees("Hello Bob")
        alice.sees("Hello Bob", "read")
        assert alice.js(
            "return document.querySelector('.message').kept"
        ), "a new status makes the log say the message again"
        bob.until(
            lambda: not [b for b in bob.all(".badge") if b.is_displayed()],
            "still has an unread count",
        )
        bob.say("Hello Alice")
        alice.sees("Hello Alice")
        bob.sees("Hello Alice", "read")
        assert alice.texts() == bob.texts() == ["Hello Bob", "Hello Alice"]

    def nasty_text(self):
        alice, bob = self.alice, self.bob
        texts = [
            "<img src=x onerror=document.title='owned'>",
            "two\nlines",
            "W" * 300,
            "你好，世界 — ما أخبارك؟ – à bientôt",
            "javascript:alert(1) https://example.org/a?b=c&d=<e>.",
        ]
        for text in texts:
            alice.say(text)
        for text in texts:
            bob.sees(text)
        assert "owned" not in bob.driver.title
        assert not bob.all(".bubble img")
        assert [a.get_attribute("href") for a in bob.all(".bubble a")] == [
            "https://example.org/a?b=c&d="
        ]
        for person in (alice, bob):
            for node in (".log", ".pane-list", "#app"):
                assert person.js(
                    "const n = document.querySelector(arguments[0]); return n.scrollWidth <= n.clientWidth",
                    node,
                ), node

    def keyboard(self):
        alice = self.alice
        keys = lambda *k: ActionChains(alice.driver).send_keys(*k).perform()
        focus = lambda: alice.js(
            "return document.activeElement.id || document.activeElement.className"
        )
        alice.one("#input").click()
        keys("line one")
        ActionChains(alice.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(
            Keys.SHIFT
        ).perform()
        keys("line two")
        assert alice.js("return document.getElementById('input').value") == "line one\nline two"
        keys(Keys.ENTER)
        alice.sees("line one\nline two")
        keys(Keys.ESCAPE)
        alice.until(lambda: "row" in focus(), "Escape does not lead back to the list: %s" % focus())
        assert not [e for e in alice.all("#input") if e.is_displayed()]
        keys(Keys.ARROW_UP)
        assert focus() == "search", focus()
        keys(self.bob.id[:5])
        alice.until(lambda: alice.one(".list-heading").text == "People", "search does not start")
        keys(Keys.ESCAPE)
        alice.until(
            lambda: alice.one(".list-heading").text == "Conversations",
            "Escape does not end the search",
        )
        keys(Keys.ARROW_DOWN, Keys.ENTER)
        alice.until(
            lambda: focus() == "input", "opening a chat does not lead to the input: %s" % focus()
        )
        order = []
        for _ in range(5):
            ActionChains(alice.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(
                Keys.SHIFT
            ).perform()
            order.append(focus())
        order = [name for name in order if name]  # links in messages have none
        assert order[:3] == ["log", "chat-menu", "sign-out"], order
        alice.one(".log").send_keys(Keys.ARROW_UP)
        assert focus() == "act", focus()
        keys(Keys.ENTER)
        alice.until(lambda: focus() == "menu-item", "the keyboard does not open the menu: %s" % focus())
        keys(Keys.ARROW_DOWN, Keys.ESCAPE)
        alice.until(lambda: focus() == "act", "Escape does not lead back: %s" % focus())
        keys(Keys.ESCAPE)
        alice.until(lambda: "row" in focus(), "the second Escape does not lead to the list: %s" % focus())
        keys(Keys.ENTER)
        alice.until(lambda: focus() == "input", "Enter does not open the chat: %s" % focus())

    def names_for_readers(self):
        """Every control has a name, every field a label, and there is one live log."""
        alice = self.alice
        nameless = []
        for node in alice.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]:
            role = node.get("role", {}).get("value")
            if node.get("ignored") or role not in (
                "button",
                "textbox",
                "searchbox",
                "log",
                "link",
                "checkbox",
            ):
                continue
            if not node.get("name", {}).get("value"):
                nameless.append(role)
        assert not nameless, nameless
        assert (
            alice.js("return document.querySelectorAll('[role=log][aria-live=polite]').length") == 1
        )
        assert alice.js("return document.documentElement.lang") == "en"

    def contrast(self):
        """WCAG AA for every visible text, in light and dark."""
        script = r"""
            const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
            const lum = (c) => { const f = (v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
                return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
            const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
            const ground = (e) => { if (!e) return [255, 255, 255, 1]; const c = parse(getComputedStyle(e).backgroundColor);
                return c[3] === 1 ? c : over(c, ground(e.parentElement)); };
            const bad = [];
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            for (let n; (n = walk.nextNode());) {
                const e = n.parentElement;
                if (!n.data.trim() || !e.checkVisibility() || e.closest('.hidden, noscript, script')) continue;
                const s = getComputedStyle(e), g = ground(e), a = lum(over(parse(s.color), g)), b = lum(g);
                const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
                if (ratio < (parseFloat(s.fontSize) >= 24 ? 3 : 4.5)) bad.push(`${ratio.toFixed(2)} ${e.className} ${n.data.slice(0, 30)}`);
            }
            return bad;"""
        for dark in (False, True):
            self.alice.emulate(DESKTOP, dark)
            bad = self.alice.js(script)
            assert not bad, ("dark" if dark else "light", bad[:8])
        self.alice.emulate(DESKTOP)

    def presence(self):
        alice, bob = self.alice, self.bob
        assert alice.presence() == "Online"
        bob.relay.cut()
        alice.until(
            lambda: alice.presence().startswith("Last seen"),
            "does not see that Bob has gone: %s" % alice.presence(),
        )
        bob.until(
            lambda: [e for e in bob.all(".banner") if e.is_displayed()],
            "is not told that the connection is gone",
        )
        alice.say("Are you there?")
        alice.sees("Are you there?", "stored")
        bob.reconnect()
        bob.sees("Are you there?")
        alice.until(lambda: alice.presence() == "Online", "does not see that Bob is back")
        alice.sees("Are you there?", "delivered|read")
        bob.until(
            lambda: not [e for e in bob.all(".banner") if e.is_displayed()],
            "still says that the connection is gone",
        )

    def offline_resend(self):
        alice, bob = self.alice, self.bob
        alice.relay.cut()
        alice.until(
            lambda: [e for e in alice.all(".banner") if e.is_displayed()],
            "is not told that the connection is gone",
        )
        for n in (1, 2, 3):
            alice.say("offline %d" % n)
        alice.sees("offline 3", "sending")
        alice.until(
            lambda: "3 messages" in alice.one(".banner").text,
            "does not tell what is waiting: %s" % alice.one(".banner").text,
        )
        alice.shot("desktop-en-light-offline")
        alice.emulate(PHONE, True)
        alice.shot("phone-en-dark-offline")
        alice.emulate(DESKTOP)
        assert "offline 1" not in bob.texts()
        assert alice.presence() == "", "claims to know who is online: " + alice.presence()
        alice.reconnect()
        alice.sees("offline 3", "delivered|read")
        bob.sees("offline 3")
        for person in (alice, bob):
            assert [t for t in person.texts() if t.startswith("offline")] == [
                "offline 1",
                "offline 2",
                "offline 3",
            ], person.texts()

    def lost_answer(self):
        """The server stores the message but its answer is lost: shown once, stored once."""
        alice, bob = self.alice, self.bob
        alice.relay.deafen()
        alice.say("stored, but I do not know it")
        bob.sees("stored, but I do not know it")
        alice.sees("stored, but I do not know it", "sending")
        alice.relay.cut()
        alice.reconnect()
        alice.sees("stored, but I do not know it", "delivered|read")
        alice.say("and on")
        bob.sees("and on")
        for person in (alice, bob):
            assert person.texts().count("stored, but I do not know it") == 1, person.texts()

    def reload_with_outbox(self):
        """A reload while offline does not lose what was not sent."""
        alice, bob = self.alice, self.bob
        alice.relay.cut()
        alice.say("before the reload")
        alice.sees("before the reload", "sending")
        alice.relay.mend()
        alice.driver.refresh()
        alice.sees("before the reload", "delivered|read")
        bob.sees("before the reload")
        assert bob.texts().count("before the reload") == 1

    def scroll_back(self):
        alice, bob = self.alice, self.bob
        self.js_send(alice, ["line %03d" % n for n in range(150)])
        bob.sees("line 149", patience=60)
        bob.driver.refresh()
        bob.sees("line 149")
        first = bob.messages()[0][1]
        assert first > "line 060", "the page has loaded too much: " + first
        place = """const log = document.querySelector('.log'); const top = log.getBoundingClientRect().top;
            const m = [...log.querySelectorAll('.message')].find(n => n.getBoundingClientRect().bottom > top);
            return [m.querySelector('.body').textContent, m.getBoundingClientRect().top - top];"""
        for _ in range(8):
            before = len(bob.messages())
            bob.js("document.querySelector('.log').scrollTop = 120")
            text, top = bob.js(place)
            if bob.texts()[0] == "Hello Bob":
                break
            bob.until(lambda: len(bob.messages()) > before, "no older messages come")
            same = bob.js(
                """const m = [...document.querySelectorAll('.message')].find(n => n.querySelector('.body').textContent
                === arguments[0]); return m.getBoundingClientRect().top - document.querySelector('.log').getBoundingClientRect().top""",
                text,
            )
            assert abs(same - top) < 40, "the place is lost: %r was at %d, is at %d" % (
                text,
                top,
                same,
            )
        texts = bob.texts()
        assert texts[0] == "Hello Bob", texts[0]
        assert [t for t in texts if t.startswith("line ") and t[5:].isdigit()] == [
            "line %03d" % n for n in range(150)
        ]
        bob.js("document.querySelector('.log').scrollTop = 0")
        bob.until(
            lambda: "beginning" in bob.one(".log-top").text,
            "is not told that this is the beginning",
        )
        alice.say("down here")
        bob.sees("down here")
        assert (
            bob.js("return document.querySelector('.log').scrollTop") < 50
        ), "a new message pulls the reader away"
        bob.one(".to-end").click()
        alice.sees("down here", "read")

    @staticmethod
    def js_send(person, texts):
        """Types quickly: one event per message instead of one per key."""
        person.js(
            """const box = document.getElementById('input'), form = box.closest('form');
            for (const text of arguments[0]) { box.value = text; form.requestSubmit(); }""",
            texts,
        )

    def server_restart(self):
        if not self.restart:
            raise Skip("NUNCIO_RESTART is not set")
        alice, bob = self.alice, self.bob
        alice.say("before the restart")
        bob.sees("before the restart")
        done = subprocess.run(self.restart, shell=True, timeout=60)
        assert done.returncode == 0, "NUNCIO_RESTART ended with %d" % done.returncode
        alice.say("after the restart")
        bob.sees("after the restart", patience=45)
        alice.sees("after the restart", "delivered|read", patience=45)
        bob.say("here too")
        alice.sees("here too")
        for person in (alice, bob):
            tail = [t for t in person.texts() if "restart" in t]
            assert tail == ["before the restart", "after the restart"], tail

    def second_device(self):
        """What I write here appears on my other device, as mine."""
        phone = self.person("Alice", size=PHONE, dark=True)
        phone.id = self.alice.id
        phone.open()
        phone.sign_in()
        phone.until(lambda: phone.all(".row"), "has no conversations")
        phone.shot("phone-en-dark-list")
        phone.pick(self.bob)
        self.alice.say("from my desk")
        phone.sees("from my desk")
        assert [mine for mine, text, _ in phone.messages() if text == "from my desk"] == [True]
        phone.say("from my phone")
        self.alice.sees("from my phone")
        self.bob.sees("from my phone")
        phone.shot("phone-en-dark-chat")
        assert not [
            e for e in phone.all(".pane-list") if e.is_displayed()
        ], "a phone shows one pane"
        phone.driver.back()
        phone.until(
            lambda: [e for e in phone.all("#search") if e.is_displayed()],
            "back does not lead to the list",
        )
        phone.pick(self.bob)
        phone.one(".back").click()
        phone.until(
            lambda: [e for e in phone.all("#search") if e.is_displayed()],
            "the button does not lead to the list",
        )
        phone.one("#sign-out").click()
        phone.one("#field-user")
        assert not phone.js("return Object.keys(localStorage).some(k => k.endsWith(':auth'))")
        self.people.remove(phone)
        phone.close()

    def pictures(self):
        for dark in (False, True):
            for size in (PHONE, DESKTOP):
                self.alice.emulate(size, dark)
                self.alice.shot(
                    "%s-en-%s-chat"
                    % ("phone" if size is PHONE else "desktop", "dark" if dark else "light")
                )
        self.alice.emulate(PHONE)
        self.alice.one(".back").click()
        self.alice.shot("phone-en-light-list")
        self.alice.emulate(DESKTOP)
        self.alice.shot("desktop-en-light-list")
        self.alice.pick(self.bob)

    def chinese(self):
        wei = self.person("林薇", "zh-CN")
        wei.open()
        assert wei.one(".auth-card h1").text == "登录", wei.one(".auth-card h1").text
        wei.shot("desktop-zh-light-sign-in")
        wei.sign_up()
        assert wei.js("return document.documentElement.lang") == "zh-Hans"
        wei.find(self.alice)
        assert wei.one("#input").get_attribute("placeholder") == "写消息"
        wei.until(lambda: wei.presence() == "在线", "does not see Alice online")
        wei.say("你好，很高兴认识你！")
        wei.sees("你好，很高兴认识你！", "delivered")
        assert "已送达" in wei.one(".receipt").text
        self.alice.until(
            lambda: [e for e in self.alice.all(".row-name") if e.text == "林薇"],
            "does not see 林薇",
        )
        self.alice.js(
            "for (const n of document.querySelectorAll('.row')) if (n.innerText.includes('林薇')) n.click()"
        )
        self.alice.sees("你好，很高兴认识你！")
        wei.until(lambda: "已读" in wei.one(".receipt").text, "does not see 已读")
        self.enter_while_composing(wei)
        for dark in (False, True):
            for size in (PHONE, DESKTOP):
                wei.emulate(size, dark)
                wei.shot(
                    "%s-zh-%s-chat"
                    % ("phone" if size is PHONE else "desktop", "dark" if dark else "light")
                )
        wei.emulate(DESKTOP)
        wei.one("[data-language=en]").click()
        wei.until(
            lambda: wei.one("#input").get_attribute("placeholder") == "Write a message",
            "does not switch to English",
        )
        wei.driver.refresh()
        wei.until(
            lambda: wei.one(".list-heading").text == "Conversations", "the choice is not kept"
        )
        self.wei = wei

    @staticmethod
    def enter_while_composing(person):
        """Enter that chooses a word of the input method sends nothing."""
        count = len(person.messages())
        person.js(
            """const box = document.getElementById('input'); box.focus(); box.value = 'ni';
            box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}));"""
        )
        time.sleep(0.2)
        assert len(person.messages()) == count
        assert person.js("return document.getElementById('input').value") == "ni"
        person.js("document.getElementById('input').value = ''")

    def no_complaints(self):
        """No script error, and nothing that the content security policy had to stop."""
        for person in self.people:
            complaints = person.complaints()
            assert not complaints, (person.name, complaints[:5])

    def run(self):
        self.step("sign up", self.sign_up)
        self.step("wrong password, taken name", self.refuse_wrong)
        self.step("find, talk, stored, delivered, read", self.talk)
        self.step("markup, long words, many scripts", self.nasty_text)
        self.step("keyboard", self.keyboard)
        self.step("names for screen readers", self.names_for_readers)
        self.step("contrast", self.contrast)
        self.step("presence", self.presence)
        self.step("offline, then sent in order", self.offline_resend)
        self.step("lost answer", self.lost_answer)
        self.step("reload keeps the outbox", self.reload_with_outbox)
        self.step("scroll back", self.scroll_back)
        self.step("server restart", self.server_restart)
        self.step("second device, phone", self.second_device)
        self.step("pictures", self.pictures)
        self.step("Chinese", self.chinese)
        self.step("no complaints of the browser", self.no_complaints)
        for person in self.people:
            person.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", nargs="?", default=os.environ.get("NUNCIO_URL"))
    parser.add_argument(
        "--shots", default=os.environ.get("NUNCIO_SHOTS"), help="folder for screenshots"
    )
    parser.add_argument(
        "--restart",
        default=os.environ.get("NUNCIO_RESTART"),
        help="command that restarts the server",
    )
    args = parser.parse_args()
    if not args.url:
        parser.error("no server: give its address, or set NUNCIO_URL")
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        print("chromium and chromium-driver are not installed", file=sys.stderr)
        print("0 passed, 0 failed, 1 skipped")
        return 0
    if args.shots:
        os.makedirs(args.shots, exist_ok=True)
    run = Run(args.url, args.shots, args.restart)
    try:
        run.run()
    finally:
        for person in run.people:
            person.close()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % run.count)
    return 1 if run.count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
