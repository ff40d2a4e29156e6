#!/usr/bin/env python3
"""Makes stand-in.ttf beside it, from the FoxitSans.pfb that `hayro-font` carries:

    make.py …/hayro-font-0.5.0/assets/FoxitSans.pfb

ASCII as it is there; one sign for all that is written in the scripts of East Asia. Wants fontTools.
"""
import pathlib
import sys

from fontTools.agl import UV2AGL
from fontTools.cffLib import CFFFontSet
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import newTable
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

# A bare CFF, whatever its name says.
latin = CFFFontSet()
latin.decompile(open(sys.argv[1], "rb"), None)
outlines = latin[0].CharStrings

glyphs, widths, letters = {}, {}, {}
for code in range(0x20, 0x7F):
    name = UV2AGL[code]
    pen = TTGlyphPen(None)
    outline = outlines[name]
    outline.draw(Cu2QuPen(pen, max_err=2, reverse_direction=True))
    glyphs[name] = pen.glyph()
    widths[name] = round(outline.width)
    letters[code] = name

def bar(pen, left, bottom, right, top):
    pen.moveTo((left, bottom))
    pen.lineTo((left, top))
    pen.lineTo((right, top))
    pen.lineTo((right, bottom))
    pen.closePath()

# About as much ink as a sign of middling weight, and too regular to be taken for one: a frame with a cross in it.
pen = TTGlyphPen(None)
for x in (120, 465, 810):
    bar(pen, x, 0, x + 70, 740)
for y in (0, 335, 670):
    bar(pen, 120, y, 880, y + 70)
glyphs["sign"], widths["sign"] = pen.glyph(), 1000
for name in (".notdef", "blank"):
    glyphs[name], widths[name] = TTGlyphPen(None).glyph(), 1000

order = [".notdef", "blank", "sign", *letters.values()]
font = FontBuilder(1000, isTTF=True)
font.setupGlyphOrder(order)
font.setupGlyf(glyphs)
font.setupHorizontalMetrics({name: (widths[name], glyphs[name].xMin if hasattr(glyphs[name], "xMin") else 0)
                             for name in order})
font.setupHorizontalHeader(ascent=880, descent=-120)
font.setupMaxp()
font.setupPost(keepGlyphNames=False)
font.setupNameTable({"familyName": "Stand-in", "styleName": "Regular"})

# Many characters to one sign (OpenType, cmap, format 13): all from Hangul and kana to the second ideographic plane,
# the ideographic space and what lies around them left blank.
blank = [0x3000, 0xA0, 0xAD, 0x200B, 0xFEFF]
signs = [*range(0x1100, 0x1200), *range(0x2010, 0x2020), *range(0x2460, 0x27C0), *range(0x2E80, 0xA000),
         *range(0xA960, 0xA980), *range(0xAC00, 0xD800), *range(0xF900, 0xFB00), *range(0xFE30, 0xFE50),
         *range(0xFF01, 0xFFEF), *range(0x20000, 0x32000)]
table = CmapSubtable.newSubtable(13)
table.platformID, table.platEncID, table.language, table.reserved, table.length, table.nGroups = 3, 10, 0, 0, 0, 0
table.cmap = {code: "sign" for code in signs} | {code: "blank" for code in blank} | letters
font.font["cmap"] = cmap = newTable("cmap")
cmap.tableVersion, cmap.tables = 0, [table]
font.font["head"].created = font.font["head"].modified = 0
font.font.recalcTimestamp = False
font.save(pathlib.Path(__file__).with_name("stand-in.ttf"))
