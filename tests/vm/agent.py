#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The lab's hands on the guest of tests/vm/lab: starts programs, ends them, reads and writes files, by XML-RPC on the address that is its
argument. On an emulated machine without anything of value, reached from one namespace alone: it asks nobody who they are."""
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import xmlrpc.client
import xmlrpc.server
import zlib


class Agent:
    def __init__(self):
        self._processes = []

    def start(self, words, log):
        """Its number."""
        with open(log, "a", encoding="utf-8") as output:
            self._processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True))
        return len(self._processes) - 1

    def poll(self, number):
        return self._processes[number].poll()

    def end(self, number, how, seconds):
        """The process and its children; what does not go is killed."""
        process = self._processes[number]
        os.killpg(process.pid, how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, words, seconds):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
        return done.returncode, done.stdout, done.stderr

    def read(self, path, begin):
        """Compressed: counters are mostly zeros."""
        with open(path, "rb") as file:
            file.seek(begin)
            return xmlrpc.client.Binary(zlib.compress(file.read(), 1))

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def exists(self, path):
        return os.path.exists(path)

    def size(self, path):
        return os.path.getsize(path) if os.path.exists(path) else 0

    def clear(self, folder):
        """An empty folder; the dataplane does not stay root, and writes there."""
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder + "/logs")
        os.chmod(folder, 0o755)


class Server(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    daemon_threads = True


def main():
    with Server((sys.argv[1], 8000), logRequests=False, allow_none=True) as server:
        server.register_instance(Agent())
        server.serve_forever()


if __name__ == "__main__":
    main()
