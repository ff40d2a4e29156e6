#!/usr/bin/env python3
"""What a preview costs, in CPU seconds, beside the tools that others call for it.

    cargo build --release && benches/previews.py

Needs ffmpeg, libvips-tools, poppler-utils, lame and reportlab (`pip install reportlab`). Each file is uploaded to a server of
its own and its preview fetched; what server and workers spent together on it, from the first byte of the upload to the
last of the preview, stands beside what the tool spent as a whole command. The median of RUNS runs, in turns.
"""

import glob
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

RUNS = 9
PROGRAM = os.path.join(os.path.dirname(__file__), "..", "target", "release", "assetd")
TICK = os.sysconf("SC_CLK_TCK")


def run(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)


def make(folder):
    """The files: name, what the tool is called, its command."""
    photo, film, sound, pages = (os.path.join(folder, name) for name in ("photo.jpg", "film.mp4", "sound.mp3", "pages.pdf"))
    quiet = ("ffmpeg", "-v", "error", "-y")
    # Grain, as sensors make it: a smooth picture would flatter the entropy decoder.
    run(*quiet, "-f", "lavfi", "-i", "mandelbrot=s=6000x4000:rate=1,noise=alls=8", "-frames:v", "1", "-q:v", "3", photo)
    run(*quiet, "-f", "lavfi", "-i", "mandelbrot=s=1920x1080:rate=25,noise=alls=6:allf=t", "-t", "12", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "medium", "-g", "250", "-keyint_min", "250", "-sc_threshold", "0", "-b:v", "6M", film)
    tones = "0.3*sin(2*PI*220*t)*sin(3*t)+0.2*sin(2*PI*554*t+sin(5*t))+0.1*(random(0)-0.5)"
    run(*quiet, "-f", "lavfi", "-i", f"aevalsrc={tones}|{tones}:s=44100:d=300", "-c:a", "libmp3lame", "-b:a", "192k", sound)
    draw_pages(pages, photo, folder)
    return [
        ("JPEG, 24 megapixels", photo, "thumbnail", "vipsthumbnail",
         ["vipsthumbnail", photo, "-s", "480", "-o", f"{folder}/vips.jpg"]),
        ("H.264, 1080p, a key frame in 250", film, "thumbnail", "ffmpeg -ss 1",
         ["ffmpeg", "-v", "error", "-y", "-ss", "1", "-i", film, "-frames:v", "1", "-vf", "scale=480:-2", f"{folder}/ffmpeg.jpg"]),
        ("PDF, 20 pages", pages, "thumbnail", "pdftoppm",
         ["pdftoppm", "-singlefile", "-scale-to", "480", "-jpeg", pages, f"{folder}/poppler"]),
        ("MP3, 5 minutes", sound, "waveform.json", "ffmpeg, samples",
         ["ffmpeg", "-v", "error", "-y", "-i", sound, "-ac", "1", "-f", "s16le", "/dev/null"]),
    ]


def draw_pages(path, photo, folder):
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    small = os.path.join(folder, "small.jpg")
    run("ffmpeg", "-v", "error", "-y", "-i", photo, "-vf", "scale=1500:-2", "-q:v", "4", small)
    canvas = Canvas(path, pagesize=A4)
    for page in range(20):
        canvas.setFont("Times-Roman", 11)
        for line in range(30):
            canvas.drawString(60, 780 - 14 * line, f"Page {page}, line {line}: the quick brown fox jumps over the lazy dog.")
        canvas.drawImage(small, 60, 60, 470, 280)
        canvas.showPage()
    canvas.save()


def spent(pid):
    """CPU seconds of a process, its children and those of them that ended."""
    total = 0
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(stat).read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.split("/")[2]) == pid:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            total += sum(map(int, fields[11:13]))
    return total / TICK


class Server:
    def __init__(self, folder):
        data = os.path.join(folder, "data")
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data", data],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "http://" in line:
                self.base = "http://" + line.split("http://")[1].split()[0].strip('"')
                break
        self.token = subprocess.run([PROGRAM, "token", "--user", "1", "--data", data], check=True, capture_output=True,
                                    text=True).stdout.strip()

    def call(self, method, path, body=None, headers=()):
        request = urllib.request.Request(self.base + path, data=body, method=method,
                                         headers={"Authorization": f"Bearer {self.token}", **dict(headers)})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def preview(self, file, part):
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{os.path.basename(file)}"\r\n\r\n'
        body = head.encode() + open(file, "rb").read() + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        asset = json.loads(self.call("POST", "/api/v2/upload-asset", body, headers))
        path = f"/api/v2/assets/{asset['id']}"
        assert self.call("GET", f"{path}/{part}")
        return path


def main():
    folder = tempfile.mkdtemp(prefix="assetd-previews-")
    try:
        files = make(folder)
        server = Server(folder)
        print(f"{'':36} {'assetd':>8} {'tool':>8}  CPU seconds, median of {RUNS}")
        for title, file, part, tool, command in files:
            ours, theirs = [], []
            for _ in range(RUNS):
                before, start = spent(server.process.pid), time.monotonic()
                path = server.preview(file, part)
                ours.append((spent(server.process.pid) - before, time.monotonic() - start))
                server.call("DELETE", path)
                before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
                run(*command)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                theirs.append((used, time.monotonic() - start))
            median = lambda rows, column: statistics.median(row[column] for row in rows)
            print(f"{title:36} {median(ours, 0):8.3f} {median(theirs, 0):8.3f}  {tool}; seconds waited "
                  f"{median(ours, 1):.3f}, {median(theirs, 1):.3f}", flush=True)
    finally:
        if "server" in locals():
            server.process.terminate()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
