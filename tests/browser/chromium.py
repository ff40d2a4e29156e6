"""Chromium, driven by the DevTools protocol over a pair of pipes: no package is needed.

Every page, frame and pop-up is attached to before it runs, so that nothing it asks for goes unseen.
https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import tempfile
import time
import zlib

FLAGS = [
    "--headless=new",
    # As root in a container there is no sandbox to be had; what is proven here is not Chromium's.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    # The test has no hand to click with.
    "--autoplay-policy=no-user-gesture-required",
    # Would refuse pages that a test makes up what is on this machine, before our headers have a say.
    "--disable-features=LocalNetworkAccessChecks",
    "--remote-debugging-pipe",
    "--window-size=800,600",
]

# Nothing here takes this long unless it does not come at all. Seconds.
PATIENCE = 60


class Page:
    """A tab: what was asked for, what was shown, what was said in it."""

    def __init__(self):
        self.session = None
        self.target = None
        self.requests = []  # URLs, of its frames and pop-ups too
        self.types = {}  # URL -> Content-Type as the browser took it
        self.refused = []  # why the browser did not take something
        self.dialogs = []
        self.console = []
        self.popups = []


class Chromium:
    def __init__(self, program="/usr/bin/chromium"):
        self.profile = tempfile.TemporaryDirectory(prefix="assetd-browser-")
        to_child, self.write = os.pipe()
        self.read, from_child = os.pipe()
        # 3 and 4 are the protocol's own; these must not be among them while they are handed on.
        given = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_child, from_child)]
        os.close(to_child)
        os.close(from_child)
        command = f'exec "$@" 3<&{given[0]} 4>&{given[1]} {given[0]}<&- {given[1]}>&-'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", program, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"],
            pass_fds=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for fd in given:
            os.close(fd)
        self.buffer = b""
        self.last = 0
        self.answers = {}
        self.pages = {}  # session -> Page
        self.page = None
        self.documents = {}  # URL -> HTML that is served in its place
        self.call("Target.setAutoAttach", self.attaching())

    def attaching(self):
        return {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}

    def close(self):
        try:
            self.send("Browser.close")
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.profile.cleanup()

    def send(self, method, parameters=None, session=None):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return self.last

    def call(self, method, parameters=None, session=None):
        number = self.send(method, parameters, session)
        self.until(f"an answer to {method}", lambda: number in self.answers)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def until(self, what, condition, patience=PATIENCE):
        """Takes in what the browser says until the condition holds."""
        end = time.monotonic() + patience
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"in vain: {what}")
            self.pump(min(left, 0.05))

    def pump(self, seconds):
        ready, _, _ = select.select([self.read], [], [], seconds)
        if not ready:
            return
        more = os.read(self.read, 1 << 20)
        if not more:
            raise RuntimeError("Chromium has ended")
        self.buffer += more
        *messages, self.buffer = self.buffer.split(b"\0")
        for message in messages:
            message = json.loads(message)
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.event(message["method"], message["params"], message.get("sessionId"))

    def event(self, method, told, session):
        page = self.pages.get(session)
        if method == "Target.attachedToTarget":
            self.attached(told, page)
        elif page is None:
            return
        elif method == "Network.requestWillBeSent":
            page.requests.append(told["request"]["url"])
        elif method == "Network.responseReceived":
            page.types[told["response"]["url"]] = told["response"]["mimeType"]
        elif method == "Network.loadingFailed":
            page.refused.append(told.get("blockedReason") or told["errorText"])
        elif method == "Page.javascriptDialogOpening":
            page.dialogs.append(told["message"])
            self.send("Page.handleJavaScriptDialog", {"accept": True}, session)
        elif method == "Runtime.consoleAPICalled":
            page.console.append(" ".join(str(part.get("value")) for part in told["args"]))
        elif method == "Fetch.requestPaused":
            html = self.documents[told["request"]["url"]]
            answer = {
                "requestId": told["requestId"],
                "responseCode": 200,
                "responseHeaders": [{"name": "Content-Type", "value": "text/html"}],
                "body": base64.b64encode(html.encode()).decode(),
            }
            self.send("Fetch.fulfillRequest", answer, session)

    def attached(self, told, opener):
        session, target = told["sessionId"], told["targetInfo"]
        page = opener or self.page or Page()
        if target["type"] == "page":
            if page.session is None and opener is None:
                page.session, page.target = session, target["targetId"]
            else:
                page.popups.append(target["url"])
        self.pages[session] = page
        for method, parameters in [
            ("Target.setAutoAttach", self.attaching()),
            ("Network.enable", {}),
            ("Page.enable", {}),
            ("Runtime.enable", {}),
        ]:
            self.send(method, parameters, session)
        if self.documents:
            patterns = [{"urlPattern": url} for url in self.documents]
            self.send("Fetch.enable", {"patterns": patterns}, session)
        self.send("Runtime.runIfWaitingForDebugger", {}, session)

    def open(self, url, documents=None):
        """Opens a tab of its own, and closes the one before. `documents` are pages that the test makes up."""
        if self.page:
            self.send("Target.closeTarget", {"targetId": self.page.target})
        self.documents = documents or {}
        self.page = page = Page()
        self.call("Target.createTarget", {"url": "about:blank"})
        self.until("a tab", lambda: page.session)
        self.call("Page.navigate", {"url": url}, page.session)
        self.until(f"the end of loading {url}", lambda: self.evaluate("document.readyState") == "complete")
        return page

    def evaluate(self, expression):
        asked = {"expression": expression, "returnByValue": True}
        return self.call("Runtime.evaluate", asked, self.page.session)["result"].get("value")

    def until_true(self, expression):
        self.until(expression, lambda: self.evaluate(expression) is True)

    def pixels(self):
        """The pixels of what is painted now, at half its size."""
        clip = {"x": 0, "y": 0, "width": 800, "height": 600, "scale": 0.5}
        asked = {"format": "png", "clip": clip, "optimizeForSpeed": True}
        shot = self.call("Page.captureScreenshot", asked, self.page.session)
        return read_png(base64.b64decode(shot["data"]))

    def until_painted(self, what, is_it):
        """Waits until enough pixels are such as `is_it` says: 50, of 400 x 300."""
        self.until(f"painted: {what}", lambda: sum(map(is_it, self.pixels())) >= 50)

    def rest(self, seconds):
        """Takes in what still comes. For the proof that nothing does, which no event can end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(0.05)


def read_png(png):
    """The (red, green, blue) of all pixels of an 8-bit PNG that is not interlaced (PNG, 9.2: filters)."""
    at, data, header = 8, b"", None
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            data += body
    width, height, depth, colour, _, _, interlaced = header
    assert depth == 8 and colour in (2, 6) and not interlaced
    size = 3 if colour == 2 else 4
    raw, stride, above = zlib.decompress(data), width * size, bytes(width * size)
    pixels = []
    for row in range(height):
        start = row * (stride + 1)
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if kind == 2:
            line = bytearray(map(lambda a, b: (a + b) & 255, line, above))
        elif kind:
            for x in range(stride):
                left = line[x - size] if x >= size else 0
                up, corner = above[x], above[x - size] if x >= size else 0
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + up) // 2
                else:
                    far = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
                    guess = (left, up, corner)[far.index(min(far))]
                line[x] = (line[x] + guess) & 255
        above = bytes(line)
        pixels.extend(zip(above[0::size], above[1::size], above[2::size]))
    return pixels
