#!/usr/bin/env python3
"""Compares a running server's thumbnails of PDFs with Poppler's, and its page counts with pdfinfo's.

    pages.py http://127.0.0.1:8080 --token @FILE [--below 0.9] [--tsv OUT] [--keep DIR] PATH…

PATH is a PDF, or a folder of which every .pdf is taken. Each is uploaded; its thumbnail is held against
`pdftoppm -cropbox -singlefile -scale-to 480` by structural similarity of the luma, at 480 pixels. Prints the files
below the threshold, worst first, then a summary; exits 1 where fewer than 90 % of what both draw reach it.
Wants Python 3.11, poppler-utils, numpy, Pillow and scikit-image. Run by hand: it is no part of the tests.
"""
import argparse
import concurrent.futures
import http.client
import io
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import uuid

import numpy
from PIL import Image
from skimage.metrics import structural_similarity

SECONDS = 60  # for each run of Poppler, and for each answer of the server
SHARE = 0.9  # of the files that both draw


def paths(arguments):
    for argument in map(pathlib.Path, arguments):
        if argument.is_dir():
            yield from sorted(path for path in argument.rglob("*") if path.suffix.lower() == ".pdf")
        else:
            yield argument


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
        return done.stdout
    except subprocess.TimeoutExpired:
        return b""


def reference(path, cache):
    """The number of pages and the first of them as Poppler has them; None for either that it can't tell."""
    kept = cache and cache / f"{uuid.uuid5(uuid.NAMESPACE_OID, str(path.resolve()))}.json"
    if kept and kept.exists():
        pages = json.loads(kept.read_text())
        png = kept.with_suffix(".png")
        return pages, png.read_bytes() if png.exists() else b""
    found = re.search(rb"^Pages:\s+(\d+)", run("pdfinfo", path), re.M)
    pages = int(found[1]) if found else None
    png = run("pdftoppm", "-cropbox", "-singlefile", "-scale-to", "480", "-png", path)
    if kept:
        kept.write_text(json.dumps(pages))
        if png:
            kept.with_suffix(".png").write_bytes(png)
    return pages, png


class Server:
    def __init__(self, url, token):
        self.host = urllib.parse.urlsplit(url).netloc
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection(self.host, timeout=SECONDS)
        connection.request(method, path, body, self.headers | dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def upload(self, path):
        """(status, asset or refusal, thumbnail or None)"""
        boundary = uuid.uuid4().hex
        head = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="page.pdf"\r\n'
                "Content-Type: application/pdf\r\n\r\n")
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, content = self.call("POST", "/api/v2/upload-asset", body, kind)
        asset = json.loads(content)
        if status != 201:
            return status, asset, None
        picture = None
        if asset["thumbnailUrl"]:
            _, picture = self.call("GET", urllib.parse.urlsplit(asset["thumbnailUrl"]).path)
        self.call("DELETE", f"/api/v2/assets/{asset['id']}")
        return status, asset, picture


def luma(picture):
    return Image.open(io.BytesIO(picture)).convert("RGB").convert("L")


def similarity(ours, theirs):
    """None where the shapes differ by more than rounding."""
    ours, theirs = luma(ours), luma(theirs)
    if max(abs(a - b) for a, b in zip(ours.size, theirs.size)) > 2:
        return None
    if ours.size != theirs.size:
        theirs = theirs.resize(ours.size, Image.Resampling.LANCZOS)
    window = min(7, min(ours.size) // 2 * 2 - 1)
    if window < 3:
        return 1.0 - float(numpy.abs(numpy.asarray(ours, float) - numpy.asarray(theirs, float)).mean()) / 255
    return float(structural_similarity(numpy.asarray(ours), numpy.asarray(theirs), win_size=window))


def compare(server, path, arguments):
    pages, theirs = reference(path, arguments.cache)
    begin = time.monotonic()
    try:
        status, asset, ours = server.upload(path)
    except OSError as error:
        return {"path": path, "verdict": f"no answer: {error}", "pages": None, "score": None}
    seconds = time.monotonic() - begin
    row = {"path": path, "seconds": seconds, "truth": pages, "score": None, "status": status}
    row["pages"] = asset.get("pageCount") if status == 201 else asset.get("detail")
    if arguments.keep and (ours or theirs):
        stem = f"{path.parent.name}-{path.stem}"
        if ours:
            (arguments.keep / f"{stem}.ours.jpg").write_bytes(ours)
        if theirs:
            (arguments.keep / f"{stem}.theirs.png").write_bytes(theirs)
    if ours and theirs:
        row["score"] = similarity(ours, theirs)
        row["verdict"] = "compared" if row["score"] is not None else "another shape"
    else:
        row["verdict"] = "only theirs" if theirs else "only ours" if ours else "neither"
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--token", required=True)
    parser.add_argument("--below", type=float, default=0.9)
    parser.add_argument("--tsv", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for both pictures of each")
    parser.add_argument("--cache", type=pathlib.Path, help="folder to keep Poppler's answers in")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    for folder in (arguments.keep, arguments.cache):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    token = arguments.token
    if token.startswith("@"):
        token = pathlib.Path(token[1:]).read_text().strip()
    server = Server(arguments.server, token)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        rows = list(pool.map(lambda path: compare(server, path, arguments), paths(arguments.paths)))
    if arguments.tsv:
        keys = ["path", "verdict", "score", "truth", "pages", "seconds", "status"]
        lines = ["\t".join(str(row.get(key)) for key in keys) for row in rows]
        arguments.tsv.write_text("\n".join(lines) + "\n")
    scored = [row for row in rows if row["score"] is not None]
    for row in sorted(scored, key=lambda row: row["score"]):
        if row["score"] < arguments.below:
            print(f"{row['score']:.3f}  {row['path']}")
    for row in rows:
        if row["verdict"] not in ("compared", "neither"):
            print(f"{row['verdict']}  {row['path']}  {row['pages']}")
    for row in rows:
        if row.get("truth") is not None and row["pages"] != row["truth"]:
            print(f"pages: {row['pages']} for {row['truth']}  {row['path']}")
    reached = sum(row["score"] >= arguments.below for row in scored)
    share = reached / len(scored) if scored else 1.0
    print(f"{len(rows)} files, {len(scored)} compared, {reached} at {arguments.below} or more: {share:.1%}")
    return share < SHARE


if __name__ == "__main__":
    sys.exit(main())
