#!/usr/bin/env python3
"""Compares the waveforms of a running server with what ffmpeg decodes.

    waveforms.py http://127.0.0.1:8080 TOKEN FILE…      those files
    waveforms.py http://127.0.0.1:8080 TOKEN --generate  files of each coding, made by ffmpeg and lame

Run by hand; needs ffmpeg, for --generate lame too, and numpy. For each file: the points whose lowest or highest sample
differs by more than 1 of 256, the largest and the mean difference, and by how many points the lengths differ. ffmpeg
knows no MP3 of a free bit rate: those are decoded by mpg123. A sound of mixed rates ffmpeg brings to one rate by a filter,
which overshoots.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid

import numpy


def call(base, token, path, body=None, content_type=None):
    request = urllib.request.Request(base + path, data=body)
    request.add_header("Authorization", f"Bearer {token}")
    if content_type:
        request.add_header("Content-Type", content_type)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def upload(base, token, path):
    boundary = uuid.uuid4().hex
    name = "a" + path.suffix.lower()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return json.loads(call(base, token, "/api/v2/upload-asset", body, f"multipart/form-data; boundary={boundary}"))


def output(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).stdout


def decoded(path):
    """The mean of the channels, and the rate."""
    if "free" in path.name:
        rate, channels = 44100, 2
        raw = output("mpg123", "-q", "-e", "f32", "-s", "-r", str(rate), "--stereo", path)
        raw = raw[: len(raw) // 8 * 8]
    else:
        probe = output("ffprobe", "-loglevel", "error", "-select_streams", "a:0", "-show_entries",
                       "stream=sample_rate,channels", "-of", "csv=p=0", path).decode().split()
        if not probe:
            return None, 0
        rate, channels = (int(word) for word in probe[0].split(",")[:2])
        raw = output("ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-")
    samples = numpy.frombuffer(raw[: len(raw) // 4 * 4], "<f4")
    return samples[: len(samples) // channels * channels].reshape(-1, channels).astype("f8").mean(axis=1), rate


def compare(waveform, samples):
    """Rows of what ffmpeg has that we don't, and the differences of the points both have."""
    size = waveform["samples_per_pixel"]
    points = -(-len(samples) // size)
    filled = numpy.pad(samples, (0, points * size - len(samples)), mode="edge").reshape(points, size)
    wanted = numpy.stack([filled.min(axis=1), filled.max(axis=1)], axis=1)
    wanted = numpy.trunc(numpy.clip(wanted * 128, -128, 127))
    found = numpy.array(waveform["data"]).reshape(-1, 2)
    both = min(len(wanted), len(found))
    return len(found) - len(wanted), numpy.abs(found[:both] - wanted[:both])


def generate(folder):
    """A sweep on the left, bursts of noise on the right, in every coding."""
    sweep = "0.6*sin(2*PI*(200*t+150*t*t))"
    bursts = "0.9*(random(0)*2-1)*gt(mod(t\\,0.5)\\,0.35)"
    source = folder / "source.wav"
    output("ffmpeg", "-nostdin", "-y", "-f", "lavfi", "-i", f"aevalsrc={sweep}|{bursts}:s=44100:d=6",
           "-c:a", "pcm_f32le", source)

    def make(name, *options):
        output("ffmpeg", "-nostdin", "-y", "-i", source, *options, folder / name)

    for codec in ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw",
                  "adpcm_ima_wav", "adpcm_ms"]:
        make(f"{codec}.wav", "-c:a", codec)
        make(f"{codec}-mono.wav", "-c:a", codec, "-ac", "1")
    make("six.wav", "-c:a", "pcm_s16le", "-ac", "6")
    make("rf64.wav", "-c:a", "pcm_s16le", "-rf64", "always")
    make("mp3.wav", "-c:a", "libmp3lame", "-f", "wav")
    for rate in [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000]:
        make(f"{rate}.mp3", "-c:a", "libmp3lame", "-b:a", "64k", "-ar", str(rate))
        make(f"{rate}-mono.mp3", "-c:a", "libmp3lame", "-q:a", "6", "-ac", "1", "-ar", str(rate))
    make("320.mp3", "-c:a", "libmp3lame", "-b:a", "320k")
    make("no-info.mp3", "-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0")
    make("vbr.mp3", "-c:a", "libmp3lame", "-q:a", "2")
    make("abr.mp3", "-c:a", "libmp3lame", "-abr", "1", "-b:a", "96k")
    plain = folder / "plain.wav"
    make("plain.wav", "-c:a", "pcm_s16le")
    for name, options in [("simple-stereo", ["-m", "s"]), ("forced-joint", ["-m", "f"]), ("crc", ["-p"]),
                          ("intensity", ["-m", "j", "-b", "32"]), ("free-100", ["--resample", "44.1", "--freeformat", "-b", "100"]),
                          ("free-300", ["--freeformat", "-b", "300"]), ("free-450", ["--freeformat", "-b", "450"])]:
        output("lame", "--quiet", *options, plain, folder / f"{name}.mp3")
    source.unlink()
    return sorted(path for path in folder.iterdir())


def main():
    base, token, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        paths = generate(pathlib.Path(folder)) if names == ["--generate"] else [pathlib.Path(name) for name in names]
        worst, means = 0, []
        for path in paths:
            try:
                asset = upload(base, token, path)
            except urllib.error.HTTPError as error:
                print(f"{path.name}: refused: {error.read().decode()}")
                continue
            try:
                waveform = json.loads(call(base, token, f"/api/v2/assets/{asset['id']}/waveform.json"))
            except urllib.error.HTTPError as error:
                print(f"{path.name}: {error.code}")
                continue
            samples, rate = decoded(path)
            if samples is None or not len(samples):
                print(f"{path.name}: nothing to compare with; {waveform['length']} points")
                continue
            longer, differences = compare(waveform, samples)
            rates = "" if rate == waveform["sample_rate"] else f", rate {waveform['sample_rate']} for {rate}"
            off = int((differences.max(axis=1) > 1).sum())
            worst, means = max(worst, differences.max()), means + [differences.mean()]
            print(f"{path.name}: {off} of {len(differences)} points off, largest {differences.max():.0f}, "
                  f"mean {differences.mean():.4f}, length {longer:+}{rates}")
        print(f"{len(means)} sounds: largest {worst:.0f}, mean {numpy.mean(means):.4f} of 256")


if __name__ == "__main__":
    main()
