# SPDX-License-Identifier: BSD-3-Clause
"""A real Chromium, driven by chromedriver over the WebDriver protocol."""
import base64
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class WebDriverError(Exception):
    pass


def trust(home, authority):
    """A home whose Chromium knows the authority; where it is kept."""
    database = os.path.join(home, ".pki", "nssdb")
    os.makedirs(database)
    subprocess.run(["certutil", "-N", "-d", "sql:" + database, "--empty-password"], check=True)
    subprocess.run(["certutil", "-A", "-d", "sql:" + database, "-n", "authority", "-t", "C,,", "-i", authority], check=True)
    return database


class Driver:
    """chromedriver with a home of its own: there Chromium finds its trust store and nothing else; under: words before it, of a
    program that becomes it."""

    def __init__(self, home, port, log, under=()):
        environment = {"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        self.url = f"http://127.0.0.1:{port}"
        with open(log, "wb") as output:
            self.process = subprocess.Popen([*under, "chromedriver", f"--port={port}"], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = time.monotonic() + 10
        while not self.ready():
            if time.monotonic() > end or self.process.poll() is not None:
                raise WebDriverError(f"chromedriver did not start, see {log}")
            time.sleep(0.05)

    def ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except (OSError, WebDriverError):
            return False

    def call(self, method, path, body=None, timeout=30):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise WebDriverError(f"{value['error']}: {value['message'].splitlines()[0]}") from None

    def stop(self):
        self.process.terminate()
        self.process.wait(5)


class Browser:
    """One Chromium with a fresh profile, for which every name is at one address; more: its own switches."""

    def __init__(self, driver, profile, address, seconds=20, more=()):
        self.driver = driver
        host = f"[{address}]" if ":" in address else address
        rules = f"MAP *.example.org {host}, MAP * ~NOTFOUND"  # nothing else is looked up
        arguments = FLAGS + [f"--user-data-dir={profile}", f"--host-resolver-rules={rules}", *more]
        self.log = []
        os.makedirs(profile)
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"performance": "ALL"},
                  "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": arguments},
                  "timeouts": {"pageLoad": seconds * 1000, "script": seconds * 1000}}
        made = driver.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.path = "/session/" + made["sessionId"]
        self.version = made["capabilities"]["browserVersion"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and not issubclass(kind, Exception):
            return  # no time for good manners
        self.driver.call("DELETE", self.path)

    def go(self, url):
        self.driver.call("POST", self.path + "/url", {"url": url})
        self.log = []  # the page that a new browser shows has failures of its own in it
        asked = {event["requestId"] for event in self.events("Network.requestWillBeSent")
                 if event["request"]["url"] == url}
        failed = [event["errorText"] for event in self.events("Network.loadingFailed")
                  if event["requestId"] in asked]
        if failed:  # then the browser shows a page of its own instead
            raise WebDriverError(failed[0])

    def run(self, script):
        self.driver.call("POST", self.path + "/execute/sync", {"script": script, "args": []})

    def result(self, expression):
        """The value of a promise in the page."""
        script = f"const done = arguments[0]; Promise.resolve({expression}).then(" \
                 "(value) => done({value}), (error) => done({error: String(error)}));"
        got = self.driver.call("POST", self.path + "/execute/async", {"script": script, "args": []})
        if "error" in got:
            raise WebDriverError(got["error"])
        return got["value"]

    def devtools(self, command, **parameters):
        return self.driver.call("POST", self.path + "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.driver.call("GET", self.path + "/screenshot")))

    def events(self, method):
        """Events of the DevTools protocol since the page was asked for."""
        lines = self.driver.call("POST", self.path + "/se/log", {"type": "performance"})
        self.log += [json.loads(line["message"])["message"] for line in lines]
        return [event["params"] for event in self.log if event["method"] == method]

    def responses(self):
        """What the browser's network stack says of every answer."""
        return [event["response"] for event in self.events("Network.responseReceived")]
