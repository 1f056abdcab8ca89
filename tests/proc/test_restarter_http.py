# SPDX-License-Identifier: BSD-2-Clause
"""Metrics and status over HTTP: what is in them, and what hostile clients can not do."""

import json
import re
import socket

import kz
from restarter import call, configure, mistakes, setup, status


def ask(t, data, port=None, keep=False):
    """The whole answer to these bytes, as (status line, headers and body)."""
    s = socket.socket(socket.AF_INET if port else socket.AF_UNIX)
    s.settimeout(kz.DEADLINE)
    s.connect(("127.0.0.1", port) if port else t.path("run/zones/metrics.sock"))
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    text = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            text += part
    except ConnectionResetError:
        pass
    s.close()
    line, _, rest = text.decode().partition("\r\n")
    return line, rest


def get(t, path, port=None, host="localhost"):
    line, rest = ask(t, b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path.encode(), host.encode()),
                     port)
    kz.eq(line, "HTTP/1.1 200 OK")
    headers, _, body = rest.partition("\r\n\r\n")
    length = int(re.search(r"Content-Length: (\d+)", headers).group(1))
    kz.eq(len(body.encode()), length)
    return body


def metrics(t, **where):
    """{name with labels: value}, having checked the format."""
    found = {}
    typed = set()
    for line in get(t, "/metrics", **where).split("\n")[:-1]:
        if line.startswith("#"):
            match = re.fullmatch(r"# (?:HELP (\w+) [^\\]+|TYPE (\w+) (?:gauge|counter))", line)
            kz.eq(match is not None, True, line)
            typed.add(match.group(2))
            continue
        match = re.fullmatch(r'(\w+)(\{\w+="[^"\\]*"(?:,\w+="[^"\\]*")*\})? (-?[0-9.e+]+)', line)
        kz.eq(match is not None, True, line)
        kz.eq(match.group(1) in typed, True, line)
        kz.eq(line.split(" ")[0] in found, False, line)
        found[match.group(1) + (match.group(2) or "")] = float(match.group(3))
    return found


@kz.test
def metrics_follow_the_zones(t):
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 3}}')
    setup(t, "db", "web")
    m = metrics(t)
    kz.eq(m['kzones_instances{state="disabled"}'], 2)
    kz.eq(m["kzones_slots_limit"], 3)
    kz.eq(m['kzones_zone_state{zone="db",state="installed"}'], 1)
    kz.eq('kzones_zone_memory_bytes{zone="db"}' in m, False)
    call(t, "Enable", zone="db", temporary=True)
    t.wait_instance("db", "online")
    m = metrics(t)
    kz.eq(m['kzones_instances{state="online"}'], 1)
    kz.eq(m['kzones_zone_state{zone="db",state="running"}'], 1)
    kz.eq(m['kzones_instance_state{zone="db",state="online"}'], 1)
    kz.eq(m['kzones_zone_memory_bytes{zone="db"}'], 64 << 20)
    kz.eq(m['kzones_zone_cpu_seconds_total{zone="db"}'] >= 0, True)
    kz.eq([m['kzones_zone_%s_errors_total{zone="db"}' % what] for what in ("guest", "disk")],
          [0, 0])
    kz.eq(m['kzones_boot_start_seconds{zone="db"}'] >= 0, True)


@kz.test
def status_is_the_document(t):
    setup(t, "db")
    kz.eq(mistakes(json.loads(get(t, "/status?x=y"))), [])


@kz.test
def what_is_not_a_get_of_a_document_is_refused(t):
    setup(t, "db")
    for data, expected in (
            (b"GET /nothing HTTP/1.1\r\n\r\n", "404 Not Found"),
            (b"GET / HTTP/1.0\n\n", "404 Not Found"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
             "405 Method Not Allowed"),
            (b"DELETE /status HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            (b"GET /metrics\r\n\r\n", "400 Bad Request"),
            (b"GET  HTTP/1.1\r\n\r\n", "400 Bad Request"),
            (b"GET http://x/metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
            (b"\r\n\r\n", "400 Bad Request"),
            (b"\n\n", "400 Bad Request"),
            (b" \r\n\r\n", "400 Bad Request"),
            (b"GET /metrics HTTP/9\r\n\r\n", "400 Bad Request"),
            (b"GET /met\0rics HTTP/1.1\r\n\r\n", "400 Bad Request"),
            (b"GET /" + b"x" * 20000, "431 Request Header Fields Too Large"),
            (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 5000,
             "431 Request Header Fields Too Large")):
        line = ask(t, data)[0]
        # What is still unread when the answer was sent makes a reset: no answer then.
        if line or not expected.startswith("431"):
            kz.eq(line, "HTTP/1.1 " + expected, data[:60])
    kz.eq(metrics(t)["kzones_queued"], 0)


@kz.test
def idle_clients_do_not_keep_others_out(t):
    setup(t, "db")
    path = t.path("run/zones/metrics.sock")
    idle = []
    for n in range(100):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(kz.DEADLINE)
        s.connect(path)
        idle.append(s)
    call(t, "Instances")

    def served():
        try:
            return ask(t, b"GET /metrics HTTP/1.1\r\n\r\n")[0] == "HTTP/1.1 200 OK"
        except (BrokenPipeError, ConnectionResetError):
            return False
    kz.wait_for(served, "the idle ones are sent away")
    kz.eq(idle[0].recv(1), b"")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@kz.test
def a_loopback_port_comes_and_goes_with_the_property(t):
    setup(t, "db")
    port, other = free_port(), free_port()

    def listen(text):
        t.run("svccfg", "-s", "zones:default", "setprop", "config/metrics-listen=" + text)
        t.run("svcadm", "refresh", "zones:default")

    def refused(port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return False
        except ConnectionRefusedError:
            return True

    listen("127.0.0.1:%d" % port)
    kz.eq(metrics(t, port=port)["kzones_queued"], 0)
    get(t, "/metrics", port=port, host="127.0.0.1:%d" % port)
    for head in (b"", b"Host: evil.example\r\n", b"Host: localhost.evil.example\r\n"):
        kz.eq(ask(t, b"GET /metrics HTTP/1.1\r\n" + head + b"\r\n", port=port)[0],
              "HTTP/1.1 403 Forbidden")
    listen("127.0.0.1:%d" % other)
    kz.wait_for(lambda: refused(port), "the old port is closed")
    get(t, "/metrics", port=other)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        listen("127.0.0.1:%d" % s.getsockname()[1])
        kz.wait_for(lambda: "Address already in use" in t.svc.output(), "the complaint")
    listen('""')
    kz.wait_for(lambda: refused(other), "it is closed again")
    kz.eq(metrics(t)["kzones_queued"], 0)


kz.main()
