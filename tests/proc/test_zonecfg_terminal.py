# SPDX-License-Identifier: BSD-2-Clause
"""zonecfg at a terminal: prompts, questions, editing, completion, ^C, end of file."""

import json
import os
import pty
import select
import signal
import time

import kz

PROMPT = "zonecfg:db> "
DEVICE = "zonecfg:db:device> "
YES_NO = "(y/[n])? "


class Terminal:
    """A zonecfg on a terminal of its own."""

    def __init__(self, t, zone=None, *options):
        program = kz.find_program("zonecfg")
        env = t.env(TERM="dumb", HOME=t.root, LC_ALL="C")
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(program, ["zonecfg", *options, *(["-z", zone] if zone else [])], env)

    def expect(self, text):
        """Read until the text has come; what came up to it."""
        end = time.monotonic() + kz.DEADLINE
        while text not in self.text:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("no %r in %r" % (text, self.text))
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                raise AssertionError("ended without %r: %r" % (text, self.text))
            self.text += data.decode().replace("\r\n", "\n")
        before, self.text = self.text.split(text, 1)
        return before

    def press(self, keys):
        os.write(self.fd, keys if isinstance(keys, bytes) else keys.encode())

    def say(self, line, prompt=PROMPT):
        """Type a line; what came up to the next prompt, at the beginning of a line."""
        self.press(line + "\r")
        return self.expect("\n" + prompt) + "\n"

    def end(self):
        """Wait for the end; the exit status."""
        try:
            while os.read(self.fd, 4096):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def config(t, zone):
    return json.loads(t.read("etc/zones/%s.json" % zone))


def session(t, commands=None):
    """A terminal at its first prompt."""
    if commands:
        t.run("zonecfg", "-z", "db", commands)
    term = Terminal(t, "db")
    term.expect(PROMPT)
    return term


@kz.test
def a_new_zone_has_solaris_banner(t):
    kz.eq(Terminal(t, "db").expect(PROMPT),
          "db: No such zone configured\nUse 'create' to begin configuring a new zone.\n")


@kz.test
def wrong_input_is_said_and_the_session_goes_on(t):
    term = session(t)
    for line, prompt, text in (("info", PROMPT, "db: No such zone configured"),
                               ("create", PROMPT, ""),
                               ("nonsense", PROMPT, "no such subcommand"),
                               ("set autoboot=maybe", PROMPT, "allowed: true or false"),
                               ("set bootargs='x", PROMPT, "is not ended"),
                               ("add device", DEVICE, ""),
                               ("commit", DEVICE, "not inside a resource"),
                               ("cancel", PROMPT, ""),
                               ("set autoboot=true; exit", None, "")):
        if prompt:
            kz.has(term.say(line, prompt), text)
        else:
            term.press(line + "\r")
    kz.eq(term.end(), 0)
    kz.eq(config(t, "db")["autoboot"], True)


@kz.test
def commit_saves_and_revert_goes_back_to_it(t):
    term = session(t)
    term.say("create")
    term.say("set autoboot=true; commit")
    kz.eq(config(t, "db")["autoboot"], True)
    term.say("set bootargs=lost")
    term.say("revert", "Are you sure you want to revert " + YES_NO)
    kz.has(term.say("n"), "nothing changed")
    kz.has(term.say("info bootargs"), "bootargs: lost\n")
    term.say("revert", "Are you sure you want to revert " + YES_NO)
    term.say("y")
    kz.has(term.say("info bootargs"), "bootargs:\n")
    term.press("exit\r")
    kz.eq(term.end(), 0)


@kz.test
def a_deletion_is_asked_for(t):
    term = session(t, "create")
    term.say("delete", "Are you sure you want to delete the zone " + YES_NO)
    kz.has(term.say("no"), "nothing changed")
    kz.eq(os.listdir(t.path("etc/zones")), ["db.json"])
    term.say("delete; create", "Are you sure you want to delete the zone " + YES_NO)
    term.say("y")
    kz.eq(os.listdir(t.path("etc/zones")), [])
    kz.has(term.say("info brand"), "brand: solaris-kz")  # the rest of the line was done
    term.press("exit -F\r")
    kz.eq(term.end(), 0)


@kz.test
def end_of_file_commits_and_leaves(t):
    term = session(t)
    term.say("create")
    term.say("add device", DEVICE)
    term.say("end")
    term.press(b"\x04")
    kz.eq(term.end(), 0)
    kz.eq(len(config(t, "db")["device"]), 2)


@kz.test
def who_leaves_a_resource_is_asked(t):
    question = "Resource incomplete; really quit " + YES_NO
    term = session(t, "create")
    term.say("set bootargs=kept")
    term.say("add device", DEVICE)
    term.press(b"\x04")
    term.expect("\n" + question)
    kz.has(term.say("n", DEVICE), "device: the resource is not ended: end or cancel it")
    term.say("exit", question)
    kz.has(term.say("n", DEVICE), "device: the resource is not ended: end or cancel it")
    term.say("exit", question)
    term.press("y\r")
    kz.eq(term.end(), 0)
    kz.eq(len(config(t, "db")["device"]), 1)
    kz.eq(config(t, "db")["bootargs"], "kept")


@kz.test
def who_leaves_what_cannot_be_saved_is_asked(t):
    question = "Configuration not saved; really quit " + YES_NO
    reason = "No such zone configured"
    term = session(t, "create")
    term.say("add smf-dependency; set fmri=svc:/system/zones/zone:gone; end")
    for leave in ("exit\r", b"\x04"):
        term.press(leave)
        kz.has(term.expect("\n" + question), reason)
        kz.has(term.say("n"), "exit -F leaves without saving")
    term.say("exit", question)
    term.press("y\r")
    kz.eq(term.end(), 1)
    kz.eq("smf-dependency" in config(t, "db"), False)


@kz.test
def the_end_of_file_twice_leaves_unsaved(t):
    term = session(t, "create")
    term.say("set bootargs=lost")
    term.say("add device", DEVICE)
    term.press(b"\x04")
    term.expect("\nResource incomplete; really quit " + YES_NO)
    term.press(b"\x04")
    kz.eq(term.end(), 1)
    kz.eq(len(config(t, "db")["device"]), 1)
    kz.eq("bootargs" in config(t, "db"), False)


@kz.test
def a_session_without_a_zone_makes_exports(t):
    term = Terminal(t)
    kz.has(term.expect("zonecfg> "), "No zone is named: what is made here can be exported only")
    kz.has(term.say("info", "zonecfg> "), "there is no configuration yet")
    term.say("create", "zonecfg> ")
    term.say("add device", "zonecfg:device> ")
    term.say("end", "zonecfg> ")
    kz.has(term.say("commit", "zonecfg> "), "the zone has no name")
    kz.has(term.say("export", "zonecfg> "), "create -b\n")
    term.press(b"\x04")
    kz.eq(term.end(), 0)
    kz.eq(os.path.exists(t.path("etc")), False)


@kz.test
def the_prompt_has_the_new_name(t):
    term = session(t, "create")
    term.say("set zonename=web", "zonecfg:web> ")
    kz.eq(os.path.exists(t.path("etc/zones/db.json")), True)
    term.say("commit", "zonecfg:web> ")
    kz.eq(os.path.exists(t.path("etc/zones/db.json")), False)
    term.say("set bootargs=x; commit; set zonename=db; revert -F", "zonecfg:web> ")
    kz.eq(config(t, "web")["bootargs"], "x")
    term.press("delete -F; exit\r")
    kz.eq(term.end(), 0)
    kz.eq(os.listdir(t.path("etc/zones")), [])


@kz.test
def a_rename_that_is_only_checked_leaves_the_zone_its_addresses(t):
    t.run("zonecfg", "-z", "db", "create -b; add capped-memory; set physical=64M; end; "
          "add virtual-cpu; set ncpus=1; end; add direct-boot; set kernel=/k; end; "
          "add anet; set mac-address=02:08:20:01:02:03; end")
    term = Terminal(t, "db", "-n")
    term.expect(PROMPT)
    prompt = "zonecfg:web> "
    term.say("set zonename=web; commit", prompt)
    term.say("remove anet id=0; commit", prompt)
    said = term.say("add anet; set mac-address=02:08:20:01:02:03; end; commit", prompt)
    kz.eq("has it already" in said, False, said)
    term.press("exit\r")
    kz.eq(term.end(), 0)


@kz.test
def tab_completes_what_is_certain_and_shows_what_is_not(t):
    term = session(t)
    for keys, line in (("cre\t", "create "), ("set autob\tt\t", "set autoboot=true"),
                       ("set boot-p\thi\t", "set boot-priority=high"),
                       ("clear sh\t", "clear shutdown-timeout ")):
        term.press(keys)
        term.expect(PROMPT + line)
        term.press("\r")
        term.expect(PROMPT)
    term.press("add dev\t")
    term.expect("add device ")
    term.press("\r")
    term.expect(DEVICE)
    term.press("set \t")
    kz.eq(term.expect(DEVICE + "set ").split()[-4:],
          ["bootpri=", "id=", "match=", "storage="])
    term.press("id=7\r")
    term.expect(DEVICE)
    term.say("end")
    term.press("select device id=\t")
    kz.eq(term.expect(PROMPT + "select device id=").split()[-2:], ["0", "7"])
    term.press(b"\x03")
    term.expect(PROMPT)
    term.press("exit\r")
    kz.eq(term.end(), 0)
    kz.eq(config(t, "db")["autoboot"], True)
    kz.eq(config(t, "db")["boot-priority"], "high")


@kz.test
def lines_are_edited_and_remembered(t):
    term = session(t, "create")
    term.say("set bootargs=old\x7f\x7f\x7fnew")
    kz.has(term.say("info bootargs"), "bootargs: new\n")
    kz.has(term.say("\x10"), "bootargs: new\n")  # ^P: the line before
    term.press("exit\r")
    kz.eq(term.end(), 0)


@kz.test
def text_is_utf_8_whatever_the_locale(t):
    term = session(t, "create")
    kz.has(term.say("set bootargs=\u00e9\u00e8; info bootargs"), "bootargs: \u00e9\u00e8\n")
    term.press("exit\r")
    kz.eq(term.end(), 0)
    kz.eq(config(t, "db")["bootargs"], "\u00e9\u00e8")


@kz.test
def an_interrupt_gives_up_the_line_only(t):
    term = session(t, "create")
    term.say("set bootargs=kept")
    term.press("set bootargs=lost\x03")
    term.expect("^C\n" + PROMPT)
    term.say("add device", DEVICE)
    term.press("set id=9\x03")
    term.expect("^C\n" + DEVICE)
    term.say("cancel")
    term.say("delete", "Are you sure you want to delete the zone " + YES_NO)
    term.press("y\x03")  # is not a yes
    kz.has(term.expect(PROMPT), "nothing changed")
    os.kill(term.pid, signal.SIGINT)
    kz.has(term.say("info bootargs"), "bootargs: kept\n")
    term.press(b"\x04")
    kz.eq(term.end(), 0)
    kz.eq(config(t, "db")["bootargs"], "kept")
    kz.eq(len(config(t, "db")["device"]), 1)


@kz.test
def interrupts_do_not_cut_a_commit_short(t):
    term = session(t, "create")
    for n in range(10):
        term.press("set bootargs=%d; commit\r" % n)
        for _ in range(20):
            os.kill(term.pid, signal.SIGINT)
        term.expect(PROMPT)
        kz.eq(config(t, "db")["bootargs"], "%d" % n)
    term.press("exit\r")
    kz.eq(term.end(), 0)


def places(pid, text):
    """Where a text is in the writable memory of a process, as bytes and as wide characters."""
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            area, mode = line.split()[:2]
            begin, end = (int(x, 16) for x in area.split("-"))
            if not mode.startswith("rw") or end - begin > 64 << 20:
                continue  # what is larger is a sanitizer's
            try:
                mem.seek(begin)
                data = mem.read(end - begin)
            except OSError:
                continue
            found += [line.strip() for codec in ("utf-8", "utf-32-le")
                      if text.encode(codec) in data]
    return found


@kz.test
def a_key_leaves_no_trace_in_memory(t):
    first, second = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
    t.run("zonecfg", "-z", "db", stdin="create; add keysource; set raw=%s; end" % first)
    term = session(t)
    kz.has(term.say("export"), "set raw=" + first)
    term.say("info zonename")
    kz.eq(places(term.pid, first), [])
    term.say("select keysource", "zonecfg:db:keysource> ")
    term.say("set raw=" + second, "zonecfg:db:keysource> ")
    kz.eq(places(term.pid, second) != [], True)  # it is the one that is going to be committed
    term.say("cancel")
    kz.eq(places(term.pid, second), [])
    term.press("exit\r")
    kz.eq(term.end(), 0)


if __name__ == "__main__":
    kz.main()
