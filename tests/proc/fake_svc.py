# SPDX-License-Identifier: BSD-2-Clause
"""A svc.zones that only talks: a Varlink server with scripted answers, for tests of clients.

    with FakeSvc(t) as svc:
        svc.zones = [zone("web", state="running", id=5)]
        t.run("zoneadm", "list", "-cv")

Zones and Instances answer from the lists; any other method from `svc.answers`: an object
(the parameters of the answer), an exception from `error()`, or a function of (parameters,
tell) that gives or raises one, where tell(text) sends a progress text; or `together()`. Without an answer a
method succeeds with {}. `svc.calls` lists (method, parameters) in the order they came.
"""

import json
import os
import socket
import threading

import kz


def zone(name, state="installed", id=-1, aux=(), uuid="", path="-"):
    """A zone as Zones tells it."""
    return {"name": name, "id": id, "state": state, "auxiliary": list(aux), "uuid": uuid,
            "brand": "solaris-kz", "ip_type": "excl", "path": path}


def instance(name, state="online", next_state="none", time_ms=1166032581000, enabled=True,
             temporary=False, reason="", contract=0, auxiliary="none", blocked=False):
    """An instance as Instances tells it; the default time is in 2006."""
    return {"fmri": "svc:/system/zones/zone:" + name, "zone": name, "state": state,
            "next_state": next_state, "state_time_ms": time_ms, "enabled": enabled,
            "enabled_temporary": temporary, "reason": reason,
            "auxiliary_state": auxiliary, "blocked": blocked, "contract": contract}


def brief(i):
    """The same as Instances tells it with brief=true."""
    return {key: value for key, value in i.items()
            if key not in ("zone", "reason", "auxiliary_state", "devices", "confinement")
            and value not in ("none", False, 0)}


def error(name, message, **more):
    """An error answer of the interface."""
    return kz.VarlinkError("%s.%s" % (kz.IFACE, name), dict(more, message=message))


class together:
    """An answer that comes with a progress text in one piece."""

    def __init__(self, text, parameters):
        self.text, self.parameters = text, parameters


class FakeSvc:
    def __init__(self, t):
        self.zones = []
        self.instances = []
        self.more = {}      # what Instances tells besides: restarter, units
        self.answers = {}
        self.calls = []
        self.ended = threading.Semaphore(0)  # released at the end of each connection
        path = t.path("run/zones/svc.zones.sock")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        self.sock.listen(16)

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def serve(self):
        """One connection at a time: the clients under test have one."""
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            with connection:
                try:
                    self.serve_one(connection)
                except OSError:
                    pass
            self.ended.release()

    def serve_one(self, connection):
        buffer = b""
        while True:
            data = connection.recv(65536)
            if not data:
                return
            buffer += data
            while b"\0" in buffer:
                message, buffer = buffer.split(b"\0", 1)
                self.answer(connection, json.loads(message))

    def answer(self, connection, call):
        def send(*messages):
            connection.sendall(b"".join(json.dumps(m).encode() + b"\0" for m in messages))

        def progress(text):
            return {"parameters": {"progress": text}, "continues": True}

        def tell(text):
            send(progress(text))

        method = call["method"].rsplit(".", 1)[1]
        parameters = call.get("parameters", {})
        self.calls.append((method, parameters))
        try:
            result = self.result(method, parameters, tell)
            if isinstance(result, together):
                send(progress(result.text), {"parameters": result.parameters})
            else:
                send({"parameters": result})
        except kz.VarlinkError as e:
            send({"error": e.name, "parameters": e.parameters})

    def result(self, method, parameters, tell):
        result = self.answers.get(method, {})
        if callable(result):
            result = result(parameters, tell)
        if isinstance(result, Exception):
            raise result
        if method == "Zones" and method not in self.answers:
            return {"zones": self.zones}
        if method == "Instances" and method not in self.answers:
            return dict(self.more, instances=self.instances)
        return result
