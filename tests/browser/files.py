"""Files that try to be more than they are. Each asks for `{canary}` and leaves a mark where a script of it runs."""

import struct
import zlib
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def fixture(name):
    return (FIXTURES / name).read_bytes()


def html(canary):
    return (
        f"<html><body><script>window.ran=1;alert('ran');fetch('{canary}html')</script>"
        f"<img src='{canary}img' onerror='window.ran=1'><iframe src='{canary}frame'></iframe></body></html>"
    ).encode()


def svg(canary):
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>fetch('{canary}svg')</script></svg>"
    ).encode()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(canary):
    plain = fixture("image/plain.png")
    end = plain.index(b"IHDR") + 4 + 13 + 4
    text = chunk(b"tEXt", b"Comment\0" + html(canary))
    return plain[:end] + text + plain[end:] + html(canary)


def jpeg(canary):
    plain, text = fixture("image/photo.jpg"), html(canary)
    return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + plain[2:] + text


def gif(canary):
    """Also a script: GIF89a is a variable, the width opens a comment that an extension closes."""
    script = f"*/=1;window.ran=1;fetch('{canary}gif');/*".encode()
    head = b"GIF89a" + b"/*" + b"\x0a\x00" + b"\x80\0\0" + b"\xff\0\0\0\0\xff"
    comment = b"\x21\xfe" + bytes([len(script)]) + script + b"\0"
    # Two by two pixels, red and blue. LZW: clear, 0, 1, 1 of 3 bits each, 0 and end of 4.
    picture = b"\x2c\0\0\0\0\x02\0\x02\0\0" + b"\x02\x03\x44\x02\x05\0"
    return head + comment + picture + b"\x3b*/"


def webp(canary):
    plain, text = fixture("image/lossy-alpha.webp"), html(canary)
    text += b" " * (len(text) % 2)
    body = plain[8:] + b"XMP " + struct.pack("<I", len(text)) + text
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4(canary):
    plain, text = fixture("video/sounding.mp4"), html(canary)
    length = struct.unpack(">I", plain[:4])[0]
    # Behind everything, so that no offset changes; and the brands stay in front.
    assert plain[4:8] == b"ftyp" and length < len(plain)
    return plain + box(b"free", text) + box(b"meta", bytes(4) + text)


def mp3(canary):
    text = html(canary)
    link = f"{canary}cover.jpg".encode()
    frames = [
        (b"TIT2", b"\0" + text),
        # ID3v2.4, 4.14: a picture that is only a link.
        (b"APIC", b"\0-->\0\3\0" + link),
        (b"WXXX", b"\0\0" + link),
    ]
    body = b"".join(name + struct.pack(">IH", len(data), 0) + data for name, data in frames)
    size = bytes((len(body) >> shift) & 127 for shift in (21, 14, 7, 0))
    plain = fixture("audio/tone.mp3")
    if plain[:3] == b"ID3":
        tag = sum((plain[6 + index] & 127) << shift for index, shift in enumerate((21, 14, 7, 0)))
        plain = plain[10 + tag :]
    return b"ID3\3\0\0" + size + body + plain


def wav(canary):
    plain, text = fixture("audio/tone.wav"), html(canary)
    text += b" " * (len(text) % 2)
    note = b"LIST" + struct.pack("<I", 12 + len(text)) + b"INFOICMT" + struct.pack("<I", len(text)) + text
    body = plain[8:] + note
    return b"RIFF" + struct.pack("<I", len(body)) + body


# A red bar on a page of 200 by 100 points.
BAR = b"1 0 0 rg 0 60 200 40 re f"


def pdf(objects, before=b""):
    """A PDF of these objects behind a catalog, a page tree and a page, which may name them by number from 5 on."""
    catalog, page, more = objects
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<<>>" + page + b">>",
        b"<</Length %d>>stream\n" % len(BAR) + BAR + b"\nendstream",
        *more,
    ]
    whole, places = before + b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(whole) - len(before))
        whole += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(whole) - len(before)
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    whole += b"".join(b"%010d 00000 n \n" % place for place in places)
    whole += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return whole


def pdf_script(canary):
    script = (
        f"app.alert('ran');app.launchURL('{canary}launch',true);this.submitForm('{canary}submit');"
        f"this.getURL('{canary}get');app.openDoc('{canary}doc');"
    ).encode()
    action = b"<</S/JavaScript/JS(" + script.replace(b"(", b"\\(").replace(b")", b"\\)") + b")>>"
    names = b"/Names<</JavaScript<</Names[(a) 5 0 R]>>>>"
    return pdf((b"/OpenAction 5 0 R" + names, b"/AA<</O 5 0 R>>", [action]))


def pdf_link(canary):
    action = b"<</S/URI/URI(" + canary.encode() + b"uri)/Next<</S/Launch/F(/bin/sh)/Win<</F(calc.exe)>>>>>>"
    # Also as the fields of a form that is sent off, and a document elsewhere.
    elsewhere = [b"<</FS/URL/F(" + canary.encode() + name + b")>>" for name in (b"form", b"other.pdf")]
    send = b"<</S/SubmitForm/F%s/Next<</S/GoToR/F%s/D[0/Fit]>>>>" % tuple(elsewhere)
    return pdf((b"/OpenAction 5 0 R", b"/AA<</O 6 0 R>>", [action, send]))


def pdf_behind_html(canary):
    return pdf((b"", b"", []), before=b"<!--" + html(canary)[:600] + b"-->\n" + html(canary)[:300])
