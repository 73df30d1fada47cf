# SPDX-License-Identifier: BSD-3-Clause
"""Writes the pages that the browser visits into the lab's two servers: many small parts, each other than
all others, and with the digests by which the browser itself checks them (Subresource Integrity)."""
import base64
import hashlib
import json
import os
import shutil
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE = 24  # pixels of an image
# Node and folder → images, scripts, fetched texts. "held" is for a zone that limits requests.
PARTS = {("service", "browser"): (20, 20, 20), ("management", "browser"): (8, 8, 8), ("service", "held"): (5, 5, 5)}
HEAVY_CALLS = 8  # to the heavy zone, half of them with credentials


def png(pixels):
    def chunk(kind, data):
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[i:i + SIDE * 3] for i in range(0, len(pixels), SIDE * 3))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def opaque(pixels):
    """As a canvas gives them: red, green, blue, alpha."""
    return b"".join(pixels[i:i + 3] + b"\xff" for i in range(0, len(pixels), 3))


def integrity(data):
    return "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return integrity(data)


def write_page(node, folder, www):
    images, scripts, texts = PARTS[node, folder]
    body, pixels, fetches = [], [], []
    for number in range(images):
        colours = os.urandom(SIDE * SIDE * 3)
        write(f"{www}/{number}.png", png(colours))
        pixels.append(hashlib.sha256(opaque(colours)).hexdigest())
        body.append(f'<img src="{number}.png">')
    for number in range(scripts):
        code = f"ran.push({number});\n// {base64.b64encode(os.urandom(1500)).decode()}\n".encode()
        digest = write(f"{www}/{number}.js", code)
        body.append(f'<script defer src="{number}.js" integrity="{digest}"></script>')
    for number in range(texts):
        digest = write(f"{www}/{number}.txt", base64.b64encode(os.urandom(3000)))
        fetches.append({"url": f"{number}.txt", "integrity": digest})
    plan = {"pixels": pixels, "scripts": scripts, "fetches": fetches, "heavy": []}
    if (node, folder) == ("service", "browser"):
        plan["heavy"] = [{"url": f"https://api.example.org/browser/call/{number}",
                          "credentials": ("omit", "include")[number % 2]} for number in range(HEAVY_CALLS)]
    shutil.copy(os.path.join(HERE, "page.js"), www)
    write(f"{www}/index.html", f"""<!doctype html><meta charset="utf-8"><title>{node}</title>
<link rel="icon" href="data:,"><script>const ran = [], plan = {json.dumps(plan)};</script>
<script src="page.js"></script>
{os.linesep.join(body)}
""".encode())


def main():
    for node, folder in PARTS:
        www = os.path.join(sys.argv[1], node, "www", folder)
        os.makedirs(www, exist_ok=True)
        write_page(node, folder, www)


if __name__ == "__main__":
    main()
