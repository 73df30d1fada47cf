# SPDX-License-Identifier: BSD-3-Clause
"""What curl, h2load and httpx do: (what a person calls it, what does it), in the order of the table."""
import os
import subprocess
import time

from lib.site import PUBLIC
from place import HERE, host

GETS, FORMS = 50, 40
# What a client offers decides by which rule its records are read: the server's choice is not seen in TLS 1.3.
KINDS = {"HTTP/2": ("h2", "--http2"), "HTTP/1.1": ("h1", "--http1.1"),
         "HTTP/1.1 of a server without HTTP/2, which was offered": ("h1", "--http2")}


def gets(name, http):
    return lambda place: place.curl(name, [f"/item/{n}" for n in range(GETS)], http)


def forms(name, http):
    """Down one connection, each longer than the one before."""
    def run(place):
        words = []
        for n in range(FORMS):
            words += [*place.to(name), http, "-d", "name=value" + "x" * 3 * n, f"https://{host(name)}/take", "--next"]
        place.site.client.run("curl", *words[:-1], timeout=90)
    return run


def same_forms(name, http):
    """Down five connections, the same again and again."""
    def run(place):
        for n in range(5):
            place.curl(name, ["/take"] * (FORMS // 5), http, "-d", f"name=value{n}&text=" + "x" * 40 * n)
    return run


def uploads(name, http):
    """Fast, and as from a slow line."""
    def run(place):
        large = place.file("large", 3_000_000)
        place.curl(name, ["/take"], http, "-T", large)
        place.curl(name, ["/take"], http, "-T", large, "--limit-rate", "4M")
    return run


def up_and_down(place):
    """Both at once down one connection, the upload as from a slow line."""
    place.file("www/large.bin", 3_000_000)
    words = place.to("h2")
    place.site.client.run("curl", "-Z", *words, "-o", "/dev/null", f"https://{host('h2')}/large.bin", "--next", *words, "-T",
                          place.file("large", 3_000_000), "--limit-rate", "4M", f"https://{host('h2')}/take", timeout=90)


def lines(name, http):
    """A body that comes line by line, each a record."""
    def run(place):
        words = ["curl", *place.to(name), http, "-T", "-", f"https://{host(name)}/take"]
        child = place.site.client.popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        for n in range(60):
            child.stdin.write(b"x" * (20 + n % 12 * 7) + b"\n")
            child.stdin.flush()
            time.sleep(0.01)
        child.communicate(timeout=60)
    return run


def h2load(name, requests, *more):
    def run(place):
        said = place.site.client.run("h2load", "-n", requests, f"--connect-to={PUBLIC[4]}:443", *more,
                                     f"https://{host(name)}/item", timeout=90)
        assert f"{requests} succeeded" in said, said
    return run


def httpx(what):
    """That client's script: what its function of that name does."""
    def run(place):
        place.file("www/large.bin", 3_000_000)
        place.site.client.run("/usr/bin/python3", "-B", os.path.join(HERE, "httpx_client.py"), PUBLIC[4], f"https://{host('h2')}", what,
                              timeout=90)
    return run


def curl_rows():
    for http, (name, word) in KINDS.items():
        yield f"curl, {http}, TLS 1.3, {GETS} GETs one after the other", gets(name, word)
        yield f"curl, {http}, TLS 1.2, {GETS} GETs one after the other", gets(name + "-tls12", word)
        yield f"curl, {http}, {FORMS} forms of different lengths", forms(name, word)
        yield f"curl, {http}, {FORMS} forms, eight times the same down a connection", same_forms(name, word)
        yield f"curl, {http}, 3 MB uploaded, twice", uploads(name, word)
        yield f"curl, {http}, a body of 60 lines, one every 10 ms", lines(name, word)
    yield "curl `-Z`, HTTP/2, 3 MB up, slowly, beside 3 MB down", up_and_down


def h2load_rows():
    yield "h2load `-m 1`, HTTP/2, 100 GETs", h2load("h2", 100, "-c", "1", "-m", "1")
    yield "h2load `-m 1 -c 10`, HTTP/2, 500 GETs", h2load("h2", 500, "-c", "10", "-m", "1")
    yield "h2load `-m 10`, HTTP/2, 500 GETs: up to ten heads in a record", h2load("h2", 500, "-c", "1", "-m", "10")
    yield "h2load `--h1`, 100 GETs", h2load("h1", 100, "-c", "1", "-m", "1", "--h1")


def httpx_rows():
    yield "httpx, HTTP/2, 60 GETs of many lengths", httpx("gets")
    yield "httpx, 40 GETs beside an upload in 60 pieces", httpx("gets_beside_upload")
    yield "httpx, an upload in 200 pieces beside 3 MB down", httpx("upload_beside_download")
    yield "httpx, 4 uploads in 200 pieces each", httpx("uploads")
    yield "httpx, 3 uploads at once in 60 pieces each", httpx("uploads_at_once")
    yield "httpx, 80 GETs, eight of different lengths at once", httpx("gets_at_once")
    yield "httpx, 48 POSTs, eight of different lengths at once", httpx("posts_at_once")
