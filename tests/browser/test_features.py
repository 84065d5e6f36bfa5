#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What people do with messages, conversations and groups, in two real Chromium windows.

Like test_chat.py, whose Person and Run it uses: steps in order, each able to fail, the count last.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_chat  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from test_chat import DESKTOP, PHONE, Person, Run  # noqa: E402


class Someone(Person):
    def message(self, text):
        """The element of the newest message with this text."""
        return self.until(
            lambda: next(
                (
                    e
                    for e in reversed(self.all(".message"))
                    if e.find_element("css selector", ".body").text == text
                ),
                None,
            ),
            "no message %r; sees %r" % (text, self.texts()[-6:]),
        )

    def act(self, text, word):
        """Opens the menu of a message and takes an item of it."""
        self.open_acts(text)
        self.take(word)

    def open_acts(self, text):
        """A message that the server has not acknowledged has no menu yet."""
        button = self.until(
            lambda: self.message(text).find_element("css selector", ".act:not([hidden])"),
            "nothing can be done with %r" % text,
        )
        self.js("arguments[0].click()", button)

    def take(self, word):
        item = self.until(
            lambda: next((e for e in self.all(".menu-item") if e.text == word), None),
            "no %r in the menu: %r" % (word, [e.text for e in self.all(".menu-item")]),
        )
        item.click()

    def chat_menu(self, word):
        self.one("#chat-menu").click()
        self.take(word)

    def confirm(self):
        self.one("dialog .button.danger").click()
        self.until(lambda: not self.all("dialog"), "the dialog stays")

    def reactions(self, text):
        return self.js(
            "return [...arguments[0].querySelectorAll('.reaction')].map(r =>"
            " [...r.children].map(c => c.textContent).join(' '))",
            self.message(text),
        )

    def system(self):
        return [e.text for e in self.all(".system")]

    def row(self, name):
        return self.until(
            lambda: next(
                (e for e in self.all(".row") if e.find_element("css selector", ".row-name").text == name),
                None,
            ),
            "no row %r" % name,
        )

    def choose_person(self, other):
        field = self.one("dialog .picker .entry")
        field.send_keys(other.id)
        self.one("dialog [data-user='%s']" % other.id).click()
        self.until(lambda: any(other.name in e.text for e in self.all(".chip")), "is not chosen")


class Features(Run):
    def person(self, *args, **kwargs):
        person = Someone(self.target, args[0], self.shots, *args[1:], **kwargs)
        self.people.append(person)
        return person

    # messages

    def begin(self):
        self.usable = False
        self.alice = self.person("Alice")
        self.bob = self.person("Bob")
        self.alice.sign_up()
        self.bob.sign_up()
        self.alice.find(self.bob)
        self.alice.say("first")
        self.bob.pick(self.alice)
        self.bob.sees("first")
        self.usable = True

    def typing(self):
        self.bob.one("#input").send_keys("I am wri")
        self.alice.until(lambda: self.alice.presence() == "writing…", "does not see the writing")
        self.bob.one("#input").send_keys("ting" + Keys.ENTER)
        self.alice.sees("I am writing")
        self.alice.until(lambda: self.alice.presence() == "Online", "still sees the writing")

    def status(self):
        """Not to be disturbed on all devices, and who sees whether one is there."""
        self.bob.one("#status").click()
        assert self.bob.one("[role=menuitemradio][aria-checked=true]").text == "Online"
        self.bob.take("Do not disturb")
        self.alice.until(lambda: self.alice.presence() == "Do not disturb", "may disturb: " + self.alice.presence())
        self.bob.until(lambda: self.bob.one("#status .dot").get_attribute("data-status") == "dnd", "does not know")
        assert "Do not disturb" in self.bob.one("#status").get_attribute("aria-label")
        self.bob.shot("desktop-en-light-dnd")
        self.bob.one("#settings").click()
        for word, seen in (("nobody", "Offline"), ("everyone", "Do not disturb")):
            self.bob.until(lambda: self.bob.all("#policy-presence"), "no such setting")
            self.bob.js(
                "const s = document.getElementById('policy-presence'); s.value = arguments[0];"
                "s.dispatchEvent(new Event('change'))",
                word,
            )
            self.alice.until(lambda: self.alice.presence() == seen, "%s: sees %s" % (word, self.alice.presence()))
        self.bob.one("dialog .icon-button").click()
        self.bob.driver.refresh()
        self.bob.until(lambda: self.bob.all("#status .dot[data-status=dnd]"), "has forgotten it")
        self.bob.one("#status").click()
        self.bob.take("Away")
        self.alice.until(lambda: self.alice.presence() == "Away", "not away: " + self.alice.presence())
        self.bob.one("#status").click()
        self.bob.take("Online")
        self.alice.until(lambda: self.alice.presence() == "Online", "not back: " + self.alice.presence())
        self.bob.online()

    def reply(self):
        self.alice.act("I am writing", "Reply")
        self.alice.one(".above")
        self.alice.say("so I see")
        for person in (self.alice, self.bob):
            quote = person.message("so I see").find_element("css selector", ".quote-text")
            assert quote.text == "I am writing", quote.text

    def react(self):
        self.bob.open_acts("so I see")
        # The menu is still coming in: its first emoji may not count as visible yet, but it is the first.
        self.bob.until(
            lambda: self.bob.js("const first = document.querySelector('.quick-emoji'); first?.click(); return !!first"),
            "no emojis",
        )
        self.alice.until(lambda: self.alice.reactions("so I see") == ["👍 1"], "no reaction")
        self.alice.message("so I see").find_element("css selector", ".reaction").click()
        self.bob.until(lambda: self.bob.reactions("so I see") == ["👍 2"], "no second one")
        self.bob.message("so I see").find_element("css selector", ".reaction").click()
        self.alice.until(lambda: self.alice.reactions("so I see") == ["👍 1"], "is not taken back")

    def edit(self):
        self.alice.say("a mistkae")
        self.bob.sees("a mistkae")
        self.alice.one("#input").send_keys(Keys.ARROW_UP)
        field = self.alice.one("#input")
        self.alice.until(lambda: field.get_attribute("value") == "a mistkae", "does not edit")
        field.clear()
        self.alice.say("a mistake")
        self.bob.sees("a mistake")
        self.alice.sees("a mistake")
        assert "edited" in self.bob.message("a mistake").text
        assert "a mistkae" not in self.bob.texts() + self.alice.texts()
        assert self.alice.one("#input").get_attribute("value") == ""

    def recall(self):
        self.alice.say("never said")
        self.bob.sees("never said")
        self.alice.act("never said", "Recall")
        self.alice.confirm()
        self.bob.sees("Alice recalled a message")
        self.alice.sees("You recalled a message")
        assert "never said" not in self.bob.texts() + self.alice.texts()

    def hide(self):
        self.bob.act("first", "Delete for me")
        self.bob.confirm()
        self.bob.until(lambda: "first" not in self.bob.texts(), "is still there")
        assert "first" in self.alice.texts()
        self.bob.driver.refresh()
        self.bob.online()
        self.bob.sees("a mistake")
        assert "first" not in self.bob.texts()

    def pin(self):
        self.alice.act("so I see", "Pin")
        self.bob.until(
            lambda: self.bob.message("so I see").find_elements("css selector", ".flags .icon-pin"),
            "no pin",
        )
        self.bob.chat_menu("Pinned messages")
        self.bob.until(
            lambda: [e.text for e in self.bob.all("dialog .quote-text")] == ["so I see"], "no list"
        )
        self.bob.shot("desktop-en-light-pinned")
        self.bob.one("dialog .quote").click()
        self.bob.until(lambda: self.bob.all(".message.found"), "does not go to the message")

    def search(self):
        self.alice.say("Let us have lunch at noon 中午")
        for number in range(60):
            self.alice.say("filler %d" % number)
        self.alice.sees("filler 59", "stored|delivered|read", patience=60)
        self.bob.driver.refresh()
        self.bob.online()
        box = self.bob.one("#search")
        box.send_keys("中午")
        mark = self.bob.until(lambda: next(iter(self.bob.all(".row mark")), None), "finds nothing")
        assert mark.text == "中午", mark.text
        self.bob.shot("desktop-en-light-search")
        self.bob.one(".row mark").click()
        self.bob.until(lambda: self.bob.all(".message.found"), "does not go to what was found")
        assert "lunch" in self.bob.one(".message.found").text

    def settings(self):
        self.bob.chat_menu("Mute")
        self.bob.until(lambda: self.bob.row("Alice").find_elements("css selector", ".icon-mute"), "is not muted")
        self.bob.chat_menu("Keep on top")
        self.bob.until(lambda: self.bob.row("Alice").find_elements("css selector", ".icon-pin"), "is not on top")
        self.bob.chat_menu("Archive")
        self.bob.until(lambda: "Archive (1)" in self.bob.one(".archive").text, "is not archived")
        self.bob.one(".archive").click()
        self.bob.row("Alice")
        self.bob.driver.refresh()
        self.bob.online()
        self.bob.until(lambda: self.bob.all(".archive") and self.bob.one(".archive").text == "Archive (1)",
                       "forgets the archive")
        self.bob.chat_menu("Take out of the archive")
        self.bob.until(lambda: self.bob.row("Alice"), "is not back")
        self.bob.chat_menu("Unmute")

    def forward(self):
        carol = self.carol = self.person("Carol", size=PHONE)
        carol.sign_up()
        carol.find(self.bob)
        carol.say("hello from a phone")
        self.bob.row("Carol")
        self.bob.pick(self.alice)
        self.bob.act("filler 59", "Forward")
        self.bob.until(lambda: self.bob.all("dialog .person"), "no list of chats")
        self.bob.until(
            lambda: next((e for e in self.bob.all("dialog .person") if "Carol" in e.text), None), "no Carol"
        ).click()
        carol.sees("filler 59")
        carol.until(
            lambda: "Alice" in carol.message("filler 59").find_element("css selector", ".forwarded").text,
            "does not see who said it first",
        )
        carol.shot("phone-en-light-forwarded")

    def block(self):
        self.carol.chat_menu("Block")
        self.carol.confirm()
        self.bob.pick(self.carol)
        self.bob.say("still there?")
        self.bob.sees("still there?", "failed")
        assert "does not take" in self.bob.message("still there?").text
        self.carol.one(".back").click()
        self.carol.one("#settings").click()
        self.carol.until(lambda: self.carol.all("dialog [data-user]"), "nobody is listed")
        self.carol.until(lambda: any("This device" in e.text for e in self.carol.all(".devices li")), "no devices")
        assert self.carol.js("const n = document.querySelector('.devices .people-name'); return n.scrollWidth <= n.clientWidth"), "cut off"
        self.carol.shot("phone-en-light-settings")
        self.carol.one("dialog [data-user] .link").click()
        self.carol.until(lambda: not self.carol.all("dialog [data-user]"), "is still listed")
        self.carol.one("dialog .icon-button").click()
        self.bob.message("still there?").find_element("css selector", ".failed .link").click()
        self.bob.sees("still there?", "stored|delivered|read")

    # groups

    def make_group(self):
        alice = self.alice
        alice.one("#new-group").click()
        alice.one("#group-name").send_keys("Harbour")
        alice.choose_person(self.bob)
        alice.shot("desktop-en-light-new-group")
        alice.one("dialog [type=submit]").click()
        alice.until(lambda: alice.one(".chat-title").text == "Harbour", "the group does not open")
        alice.until(lambda: any("made the group" in s for s in alice.system()), "nothing is said of it")
        self.bob.row("Harbour").click()
        self.bob.until(lambda: self.bob.presence() == "2 members", "does not see the members: %s" % self.bob.presence())
        alice.say("welcome aboard")
        self.bob.sees("welcome aboard")
        self.bob.until(
            lambda: self.bob.message("welcome aboard").find_elements("css selector", ".speaker"), "who speaks?"
        )

    def mention(self):
        self.bob.pick(self.alice)
        field = self.alice.one("#input")
        field.send_keys("ahoy @Bo")
        self.alice.until(lambda: self.alice.all(".completion:not([hidden]) li"), "no completion")
        self.alice.shot("desktop-en-light-mention")
        field.send_keys(Keys.TAB)
        assert field.get_attribute("value") == "ahoy @Bob ", field.get_attribute("value")
        field.send_keys(Keys.ENTER)
        self.bob.until(lambda: self.bob.row("Harbour").find_elements("css selector", ".badge.calls"), "is not called")
        self.bob.row("Harbour").click()
        self.bob.until(
            lambda: "calls-me" in self.bob.message("ahoy @Bob").get_attribute("class"), "does not stand out"
        )
        self.bob.until(
            lambda: not self.bob.row("Harbour").find_elements("css selector", ".badge.calls"), "still called"
        )

    def administrate(self):
        alice, bob = self.alice, self.bob
        alice.chat_menu("About the group")
        alice.one("dialog .people [data-user='%s']" % bob.id)
        alice.shot("desktop-en-light-group-info")
        alice.choose_person(self.carol)
        alice.until(
            lambda: next((e for e in alice.all("dialog .button") if e.text == "Add people"), None), "no button"
        ).click()
        alice.until(lambda: alice.all("dialog .people [data-user='%s'] .icon-button" % self.carol.id), "is not added")
        self.carol.row("Harbour").click()
        alice.one("dialog .people [data-user='%s'] .icon-button" % bob.id).click()
        alice.take("Make an admin")
        bob.until(lambda: any("made you an admin" in s for s in bob.system()), "is not told: %r" % bob.system())
        alice.one("dialog .people [data-user='%s'] .icon-button" % self.carol.id).click()
        alice.take("Mute for an hour")
        self.carol.until(lambda: any("muted you" in s for s in self.carol.system()), "is not told: %r" % self.carol.system())
        self.carol.say("mmh")
        self.carol.sees("mmh", "failed")
        self.carol.shot("phone-en-light-muted")
        alice.one("dialog .people [data-user='%s'] .icon-button" % self.carol.id).click()
        alice.take("Remove")
        self.carol.until(lambda: any("removed you" in s for s in self.carol.system()), "is not told")
        alice.one("dialog .icon-button").click()
        bob.until(lambda: any("removed Carol" in s for s in bob.system()), "does not see it")

    def leave(self):
        self.bob.chat_menu("About the group")
        self.bob.until(
            lambda: next((e for e in self.bob.all("dialog .button.danger") if e.text == "Leave the group"), None),
            "no way out",
        ).click()
        self.bob.until(lambda: len(self.bob.all("dialog")) == 2, "does not ask")
        self.bob.all("dialog .button.danger")[-1].click()
        self.alice.until(lambda: any("Bob left" in s for s in self.alice.system()), "does not see it")

    def pictures(self):
        alice = self.alice
        alice.pick(self.bob)
        button = alice.message("Let us have lunch at noon 中午") if "Let us have lunch at noon 中午" in alice.texts() else alice.all(".message")[-1]
        alice.js("arguments[0].scrollIntoView({block:'center'}); arguments[0].querySelector('.act').click()", button)
        alice.shot("desktop-en-light-menu")
        alice.driver.find_element("css selector", "body").send_keys(Keys.ESCAPE)
        alice.emulate(DESKTOP, dark=True)
        alice.shot("desktop-en-dark-features")
        alice.emulate(PHONE, dark=True)
        alice.shot("phone-en-dark-features")
        alice.emulate(DESKTOP)

    def chinese(self):
        """No word of the new parts is missing in the other language."""
        self.bob.js("localStorage.setItem('nuncio:language', 'zh')")
        self.bob.driver.refresh()
        self.bob.online()
        self.bob.row("Alice").click()
        self.bob.one("#chat-menu").click()
        self.bob.until(lambda: all(e.text for e in self.bob.all(".menu-item")), "words are missing")
        words = [e.text for e in self.bob.all(".menu-item")]
        assert "免打扰" in words and not any(word.isascii() for word in words), words
        self.bob.shot("desktop-zh-light-menu")

    def run(self):
        for name, work in (
            ("begin", self.begin),
            ("typing", self.typing),
            ("status, and who sees it", self.status),
            ("reply", self.reply),
            ("react", self.react),
            ("edit", self.edit),
            ("recall", self.recall),
            ("delete for me", self.hide),
            ("pin", self.pin),
            ("search and jump", self.search),
            ("mute, on top, archive", self.settings),
            ("forward", self.forward),
            ("block", self.block),
            ("make a group", self.make_group),
            ("mention", self.mention),
            ("administrate a group", self.administrate),
            ("leave a group", self.leave),
            ("pictures of features", self.pictures),
            ("Chinese menus", self.chinese),
            ("names for screen readers", self.names_for_readers),
            ("no complaints of the browser", self.no_complaints),
        ):
            self.step(name, work)
        for person in self.people:
            person.close()


if __name__ == "__main__":
    test_chat.Run = Features
    sys.exit(test_chat.main())
