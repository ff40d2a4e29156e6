#!/usr/bin/env python3
"""Compares the thumbnails of films with ffmpeg's frame: luma SSIM, per file. Needs ffmpeg, numpy, Pillow, scikit-image.

    assetd serve --listen 127.0.0.1:8080 --data DIR &
    assetd token --user 1 --data DIR > TOKEN
    python3 compare.py http://127.0.0.1:8080 TOKEN FOLDER... [--keep FOLDER] [--goal 0.95]

Each film is uploaded, its thumbnail fetched, and ffmpeg's frame made: the one that is displayed at 1 s (in the middle of
a shorter film), turned upright, with its pixel aspect, scaled to the thumbnail's size. A film whose frame at 1 s is flat
is compared with later ones too, since the thumbnail is one of those. Wide primaries are brought to BT.709, high dynamic
range is tone-mapped (zscale, mobius), whose curve is another than ours (BT.2390).
"""

import argparse
import io
import json
import pathlib
import subprocess
import sys
import urllib.request
import uuid

import numpy
from PIL import Image
from skimage.metrics import structural_similarity

FILMS = {".mp4", ".mov", ".m4v", ".qt", ".3gp"}
SIZES = {}


def call(url, token, body=None, kind=None):
    request = urllib.request.Request(url, data=body, headers={"Authorization": "Bearer " + token})
    if kind:
        request.add_header("Content-Type", kind)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read()


def upload(server, token, path):
    border = uuid.uuid4().hex
    name = path.stem + (".mov" if path.suffix.lower() in (".mov", ".qt") else ".mp4")
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + path.read_bytes() + f"\r\n--{border}--\r\n".encode()
    answer = json.loads(call(server + "/api/v2/upload-asset", token, body, "multipart/form-data; boundary=" + border))
    return answer.get("data", answer).get("asset", answer.get("data", answer))


def probe(path):
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(path)]
    facts = json.loads(subprocess.run(command, capture_output=True, text=True).stdout or "{}")
    films = [s for s in facts.get("streams", []) if s.get("codec_type") == "video"]
    films.sort(key=lambda s: s.get("disposition", {}).get("attached_pic", 0))
    length = float(facts.get("format", {}).get("duration", 0) or 0)
    return (films[0] if films else {}), length


def frame(path, stream, moment):
    """ffmpeg's last frame at or before a moment, upright, at its own size."""
    lines, codes = stream.get("height", 0), stream.get("color_space", "unknown")
    filters = [f"select=lte(t\\,{moment + 0.0005:.4f})"]
    if stream.get("color_transfer") in ("smpte2084", "arib-std-b67"):
        filters += ["zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0", "zscale=t=bt709:m=bt709:r=tv,format=yuv444p"]
        filters += ["scale=in_color_matrix=bt709:out_range=pc"]
    elif stream.get("color_primaries") in ("bt2020", "smpte432") and codes not in ("unknown", "gbr"):
        filters += ["zscale=tin=bt709:p=bt709:t=bt709:m=bt709:r=tv,format=yuv444p,scale=in_color_matrix=bt709:out_range=pc"]
    else:
        known = codes not in ("unknown", "gbr", "reserved")
        matrix = "auto" if known or codes == "gbr" else "bt709" if lines > 576 else "bt601"
        filters += [f"scale=in_color_matrix={matrix}:flags=accurate_rnd+full_chroma_int"]
    has_alpha = stream.get("pix_fmt", "").startswith(("yuva", "rgba", "argb", "gbra", "bgra"))
    filters += ["format=rgba" if has_alpha else "format=rgb24"]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", str(path), "-map", f"0:{stream['index']}", "-to", f"{moment + 2:.4f}"]
    command += ["-vf", ",".join(filters), "-vsync", "0", "-c:v", "png", "-compression_level", "1", "-f", "image2pipe", "-"]
    data = subprocess.run(command, capture_output=True).stdout
    start = data.rfind(b"\x89PNG\r\n\x1a\n")
    if start < 0:
        return None
    image = Image.open(io.BytesIO(data[start:])).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def luma(image):
    return numpy.asarray(image.convert("L"), dtype=float)


def similar(ours, theirs):
    theirs = theirs.resize(ours.size, Image.LANCZOS)
    a, b = luma(ours), luma(theirs)
    window = min(7, *a.shape)
    window -= 1 - window % 2
    if window < 3:
        return 1.0 if abs(a - b).max() < 16 else 0.0, (a - b).mean()
    return structural_similarity(a, b, data_range=255, win_size=window), (a - b).mean()


def compare(server, token, path, keep):
    stream, length = probe(path)
    try:
        asset = upload(server, token, path)
    except urllib.error.HTTPError as error:
        return None, f"refused: {error.code} {error.read()[:120]!r}"
    # The film's length is that of its tracks; what the file says of itself can be more than its pictures last.
    lengths = [part for part in (length, float(stream.get("duration", 0) or 0)) if part]
    moments = {1.0 if part > 1 else part / 2 for part in lengths} or {1.0}
    frames = [f for f in (frame(path, stream, moment) for moment in sorted(moments)) if f] if stream else []
    first = frames[0] if frames else None
    if not asset.get("thumbnailUrl"):
        return None, "no thumbnail" + ("" if first else ", and ffmpeg shows none")
    ours = Image.open(io.BytesIO(call(asset["thumbnailUrl"], token))).convert("RGB")
    if not first:
        return None, "thumbnail, but ffmpeg shows none"
    best, offset = similar(ours, first)
    for other in frames[1:]:
        if similar(ours, other)[0] > best:
            (best, offset), first = similar(ours, other), other
    if best < 0.95 and length > 1:
        for part in (10, 3, 2):
            other = frame(path, stream, length / part) if length / part > 1 and luma(first).std() < 20 else None
            if other:
                best, offset = max((best, offset), similar(ours, other))
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        ours.save(keep / f"{path.stem}-ours.png")
        first.resize(ours.size, Image.LANCZOS).save(keep / f"{path.stem}-ffmpeg.png")
    kind = f"{stream.get('codec_name')} {stream.get('profile', '')} {stream.get('pix_fmt')}"
    return best, f"{offset:+6.1f}  {ours.size[0]}x{ours.size[1]}  {kind}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("server")
    arguments.add_argument("token", type=pathlib.Path)
    arguments.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments.add_argument("--keep", type=pathlib.Path, help="where both pictures of each film go")
    arguments.add_argument("--goal", type=float, default=0.95)
    given = arguments.parse_args()
    token = given.token.read_text().strip()
    films = sorted(p for folder in given.folders for p in ([folder] if folder.is_file() else folder.rglob("*")) if p.suffix.lower() in FILMS)
    reached = compared = 0
    for path in films:
        try:
            value, note = compare(given.server, token, path, given.keep)
        except Exception as error:  # one film's trouble is not that of the others
            value, note = None, f"not compared: {error!r}"
        compared += value is not None
        reached += value is not None and value >= given.goal
        mark = " " if value is not None and value >= given.goal else "!"
        print(f"{mark} {'  -   ' if value is None else f'{value:.4f}'}  {path.name:42}  {note}", flush=True)
    print(f"{reached} of {compared} reach {given.goal}; {len(films) - compared} of {len(films)} were not compared")
    return 0 if reached >= 0.95 * compared else 1


if __name__ == "__main__":
    sys.exit(main())
