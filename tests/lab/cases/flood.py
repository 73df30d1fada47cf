# SPDX-License-Identifier: BSD-3-Clause
"""What floods of forged or silent clients can do to honest ones: nothing."""
import random
import threading
import time

from lib import hello, packet, suite
from lib.packet import ACK, SYN
from lib.plan import plan

PLAN = plan(limits={"half_open": 1024, "half_open_per_source": 32})
DAM_ONLY = True
COST = 10

def _numbers(count=200, seed=3):
    dice = random.Random(seed)
    return [dice.randrange(1 << 32) for _ in range(count)]


@suite.dam_only
def test_forged_cookie(site):
    """ACKs without a valid cookie open nothing, and are counted"""
    link = site.keep(site.link())
    accepted = site.servers["service"].accepted
    text = hello.client_hello("service.example")
    with site.counted("bad_cookie", 50):
        for number in _numbers(60):
            client = site.raw(3, link=link)
            client.raw(ACK, number, number ^ 0x77777777)
            client.raw(ACK | packet.PSH, number, number ^ 0x77777777, payload=text)
    assert site.servers["service"].accepted == accepted


@suite.dam_only
def test_cookie_is_personal(site):
    """a cookie holds for its own addresses and ports only"""
    link = site.keep(site.link())
    honest = site.raw(4, link=link)
    honest.open()
    thief = site.raw(5, link=link)
    thief.sport, thief.iss, thief.irs = honest.sport, honest.iss, honest.irs
    accepted = site.servers["service"].accepted
    thief.segment(hello.client_hello("service.example"))
    time.sleep(0.3)
    assert site.servers["service"].accepted == accepted
    honest.segment()
    text = hello.client_hello("service.example")
    honest.send(text)
    site.keep(site.servers["service"].take(honest.address)).expect(text)


def _flood(site, stop, sent):
    """SYNs of forged sources, as fast as this thread can."""
    link = site.link()
    packets = [packet.ethernet(link.gateway_mac, link.mac, packet.tcp_packet(
        f"203.0.113.{128 + n % 120}", site.public[4], 1024 + n, 443, n * 99991, 0, SYN,
        options=packet.option_mss(1460))) for n in range(4000)]
    while not stop.is_set():
        for one in packets[:400]:
            link.sock.send(one)
        packets = packets[400:] + packets[:400]
        sent.append(400)
        time.sleep(0.01)
    link.close()


@suite.dam_only
def test_syn_flood(site):
    """during a flood of SYNs with forged sources, honest clients are served as before"""
    stop, sent = threading.Event(), []
    thread = threading.Thread(target=_flood, args=(site, stop, sent), daemon=True)
    thread.start()
    try:
        for _ in range(10):
            start = time.monotonic()
            site.finish(*site.connect())
            assert time.monotonic() - start < 1, "an honest client waited"
            time.sleep(0.1)
    finally:
        stop.set()
        thread.join()
    assert sum(sent) > 5000, "that was no flood"
    assert site.front.table("half_open") <= 20, "forged SYNs took up room"


@suite.dam_only
def test_silent_crowd(site):
    """one source may not hold more silent connections than the policy lets it; others are served"""
    crowd, before = [], site.front.table("half_open")
    with site.counted("half_open_source", 8):
        for _ in range(40):
            try:
                crowd.append(site.open(source=site.sources[4][30], timeout=1))
            except OSError:
                pass  # refused: what we want
        time.sleep(0.2)
        held = site.front.table("half_open") - before
        assert held <= 32, f"one source holds {held}"
        site.finish(*site.connect(source=site.sources[4][31]))
    for stream in crowd:
        stream.close()
