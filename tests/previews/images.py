#!/usr/bin/env python3
"""Uploads the pictures below some folders to a running assetd; compares what it says of them with ExifTool and Pillow,
and its thumbnails with the renderings of Pillow and libvips.

    images.py http://127.0.0.1:8080 --token @FILE --json report.json DIR...

Run by hand. Wants numpy, Pillow, scikit-image, pyvips and the program exiftool. The measure is the structural
similarity of luma at the thumbnail's own size, at most 480 pixels a side; the better of the two references counts,
since each of them fails on some files. "bound" is what Pillow's rendering keeps when it is saved as a JPEG of the same
quality: more cannot be had.
"""
import argparse, collections, http.client, io, json, os, re, subprocess, sys, time, urllib.parse, warnings

import numpy
import pyvips
from PIL import Image, ImageCms, ImageFile, ImageOps
from skimage.metrics import structural_similarity

warnings.filterwarnings('ignore')
Image.MAX_IMAGE_PIXELS = None
ImageFile.LOAD_TRUNCATED_IMAGES = True
SIDE = 480
NAMES = re.compile(r'\.(jpe?g|jpe|jfif|png|apng|gif|webp|mpo)$', re.I)
TYPES = {b'\xff\xd8\xff': 'jpg', b'\x89PNG': 'png', b'GIF8': 'gif', b'RIFF': 'webp'}


def fit(width, height):
    longest = max(width, height)
    if longest <= SIDE:
        return width, height
    return tuple(max(1, (side * SIDE + longest // 2) // longest) for side in (width, height))


def call(base, token, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=120)
    try:
        connection.request(method, path, body, {'Authorization': 'Bearer ' + token, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def upload(base, token, path):
    """What assetd says: status, body, thumbnail, seconds."""
    data = open(path, 'rb').read()
    # Under its true extension: whether a name disagrees with its bytes is not asked here.
    extension = next((ext for head, ext in TYPES.items() if data.startswith(head)), 'jpg')
    form = (b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="x.' + extension.encode()
            + b'"\r\nContent-Type: application/octet-stream\r\n\r\n' + data + b'\r\n--b0undary--\r\n')
    start = time.monotonic()
    status, body = call(base, token, 'POST', '/api/v2/upload-asset', form,
                        {'Content-Type': 'multipart/form-data; boundary=b0undary'})
    seconds = time.monotonic() - start
    told = json.loads(body)
    thumbnail = None
    if status == 201:
        asset = '/api/v2/assets/' + told['id']
        found, picture = call(base, token, 'GET', asset + '/thumbnail')
        thumbnail = picture if found == 200 else None
        call(base, token, 'DELETE', asset)
    return status, told, thumbnail, seconds


def exiftool(paths):
    """Sides as displayed by ExifTool, by path."""
    told = {}
    for start in range(0, len(paths), 400):
        run = subprocess.run(['exiftool', '-j', '-n', '-q', '-G1', '-File:ImageWidth', '-File:ImageHeight', '-PNG:ImageWidth',
                              '-PNG:ImageHeight', '-GIF:ImageWidth', '-GIF:ImageHeight', '-RIFF:ImageWidth',
                              '-RIFF:ImageHeight', '-IFD0:Orientation', '-FileType', *paths[start:start + 400]],
                             capture_output=True)
        for row in json.loads(run.stdout or b'[]'):
            def of(tag):
                return next((value for key, value in row.items() if key.endswith(':' + tag)), None)
            width, height, turn = of('ImageWidth'), of('ImageHeight'), of('Orientation')
            if width and height:
                told[row['SourceFile']] = (height, width) if turn in (5, 6, 7, 8) else (width, height)
    return told


def by_pillow(path):
    """The first frame as displayed, and its sides."""
    with Image.open(path) as image:
        if image.size[0] * image.size[1] > 300_000_000:
            raise ValueError('too large to compare')
        image.seek(0)
        icc = image.info.get('icc_profile')
        gamma = None if icc or 'srgb' in image.info else image.info.get('gamma')
        is_wide = image.mode.startswith('I;16')
        image = ImageOps.exif_transpose(image)
        if is_wide:
            image = Image.fromarray((numpy.asarray(image) >> 8).astype('uint8'))
        size = image.size
        if image.mode in ('P', 'PA') or 'transparency' in image.info:
            image = image.convert('RGBA')
        alpha = image.getchannel('A') if 'A' in image.getbands() else None
        if alpha is not None:
            image = image.convert('L' if image.mode == 'LA' else 'RGB')
        if icc and image.mode in ('RGB', 'CMYK', 'L'):
            try:
                profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
                image = ImageCms.profileToProfile(image, profile, ImageCms.createProfile('sRGB'), outputMode='RGB')
            except Exception:
                pass
        image = image.convert('RGB')
        if gamma and 0.2 <= gamma <= 1 and not 0.44 <= gamma < 0.47:
            image = image.point([round(255 * srgb((level / 255) ** (1 / gamma))) for level in range(256)] * 3)
        if alpha is not None:
            image.putalpha(alpha)
            image = Image.alpha_composite(Image.new('RGBA', size, 'white'), image).convert('RGB')
        return image, size


def srgb(light):
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def bound(reference, size):
    """What a JPEG of assetd's quality leaves of a picture."""
    image = reference.resize(size, Image.LANCZOS)
    data = io.BytesIO()
    small = max(size) <= 128
    image.save(data, 'JPEG', quality=93 if small else 85, subsampling=0 if small else 2)
    return similarity(numpy.asarray(Image.open(data).convert('L')), numpy.asarray(image.convert('L')))


def by_vips(path):
    image = pyvips.Image.thumbnail(path, SIDE, height=SIDE, size='down', export_profile='srgb', fail_on='none')
    if image.hasalpha():
        image = image.flatten(background=[255] * (image.bands - 1))
    return Image.fromarray(image.colourspace('srgb').cast('uchar').numpy()).convert('RGB')


def luma(image, size):
    return numpy.asarray(image.convert('L') if image.size == size else image.resize(size, Image.LANCZOS).convert('L'))


def similarity(one, other):
    window = min(7, *one.shape)
    window -= 1 - window % 2
    if window < 3:
        # Too small for windows: how far the shades lie apart.
        return 1 - float(numpy.abs(one.astype(float) - other).mean()) / 255
    return float(structural_similarity(one, other, win_size=window, data_range=255))


def judge(base, token, path, told_by_exiftool):
    row = {'path': path, 'exiftool': told_by_exiftool}
    status, told, thumbnail, row['seconds'] = upload(base, token, path)
    row['status'] = status
    row['detail'] = told.get('detail')
    row['size'] = (told.get('width'), told.get('height')) if status == 201 else None
    try:
        pillow, row['pillow'] = by_pillow(path)
    except Exception as error:
        pillow, row['pillow'] = None, None
        row['pillow_error'] = str(error)[:100]
    try:
        vips = by_vips(path)
    except Exception as error:
        vips = None
        row['vips_error'] = str(error)[:100]
    row['thumbnail'] = thumbnail is not None
    if thumbnail is None:
        return row
    drawn = Image.open(io.BytesIO(thumbnail))
    drawn.load()
    row['thumbnail_size'] = drawn.size
    row['proportions'] = drawn.size == fit(*row['size'])
    own = numpy.asarray(drawn.convert('L'))
    row['to'] = {name: round(similarity(own, luma(image, drawn.size)), 4)
                 for name, image in (('pillow', pillow), ('vips', vips)) if image is not None}
    if row['to']:
        row['ssim'] = max(row['to'].values())
        row['bound'] = round(bound(pillow or vips, drawn.size), 4)
    return row


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument('base')
    a.add_argument('folders', nargs='+')
    a.add_argument('--token', required=True)
    a.add_argument('--json')
    a.add_argument('--only', default='')
    a.add_argument('--below', type=float, default=0.95, help='pictures less similar than this are named')
    o = a.parse_args()
    token = open(o.token[1:]).read().strip() if o.token.startswith('@') else o.token
    paths = sorted(os.path.join(folder, name) for top in o.folders for folder, _, names in os.walk(top)
                   for name in names if NAMES.search(name) and re.search(o.only, os.path.join(folder, name)))
    sides = exiftool(paths)
    rows, table = [], collections.Counter()
    for path in paths:
        try:
            row = judge(o.base, token, path, sides.get(path))
        except Exception as error:
            row = {'path': path, 'error': f'{type(error).__name__}: {error}'}
        rows.append(row)
        remarks = []
        if 'error' in row:
            remarks.append(row['error'])
        elif row['status'] != 201:
            table['refused'] += 1
            if row['pillow']:
                remarks.append(f"{row['status']} {row['detail']}, but Pillow says {row['pillow']}")
        else:
            table['accepted'] += 1
            for name in ('exiftool', 'pillow'):
                if row[name] and tuple(row[name]) != row['size']:
                    remarks.append(f"{row['size']}, {name} says {row[name]}")
            if not row['thumbnail']:
                table['without a thumbnail'] += 1
                if 'pillow_error' not in row or 'vips_error' not in row:
                    remarks.append('no thumbnail')
            elif not row['proportions']:
                remarks.append(f"thumbnail {row['thumbnail_size']} of {row['size']}")
            if 'ssim' in row:
                table['compared'] += 1
                if row['ssim'] >= o.below:
                    table[f'of {o.below} or more'] += 1
                else:
                    table['less, as the bound'] += row['ssim'] >= row['bound'] - 0.01
                    remarks.append(f"similarity {row['to']}, bound {row['bound']}")
            if row['seconds'] > 2:
                remarks.append(f"{row['seconds']:.1f} s")
        if remarks:
            print(path, '; '.join(remarks), sep=': ', flush=True)
    print(dict(table))
    if o.json:
        json.dump(rows, open(o.json, 'w'), indent=1)


if __name__ == '__main__':
    sys.exit(main())
