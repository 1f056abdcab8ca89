# SPDX-License-Identifier: BSD-2-Clause
"""kzhost when no restarter comes: it ends by itself. Takes half a minute, by contract."""

import kz
from fake_restarter import Client, Host, exit_status


@kz.test
def nobody_comes(t):
    unwanted = Host(t)
    kz.need_kvm()
    host = Host(t, zone="web")
    c = host.connect()
    c.boot()
    client = Client(host)
    client.read_until("> ")
    c.close()
    client.send("poweroff\r")
    kz.has(client.read_all(), "[NOTICE: Zone halted]")
    # 10 s for somebody to tell, then the cause is in the exit status.
    kz.eq(host.wait(), exit_status("poweroff"))
    kz.has(host.output(), "no restarter came to hear the cause")
    # 30 s for somebody to want a zone.
    kz.eq(unwanted.wait(), 0)
    kz.has(unwanted.output(), "no restarter came to create the zone")


kz.main()
