#!/usr/bin/env python3
"""Makes a folder of films, one a codec and setting, for compare.py. Needs ffmpeg 5 or newer with the usual encoders.

    python3 make_films.py FOLDER [WORD]

WORD makes only the films with it in their names. What this ffmpeg can't encode is named and left out.
"""

import pathlib
import subprocess
import sys

SECONDS = 2.6
# A pattern with a clock, before a slow zoom: sharp and soft, colours, and no two frames alike.
SCENE = (
    "mandelbrot=s={w}x{h}:r={r}:end_scale=0.05:maxiter=60[m];testsrc2=s={w}x{h}:r={r},crop=iw*0.6:ih*0.6[t];"
    "[m][t]overlay=x=W*0.1+W*0.1*sin(t*3):y=H*0.1,trim=duration={d}"
)


def scene(w=400, h=224, r=25, d=SECONDS):
    return SCENE.format(w=w, h=h, r=r, d=d)


def hevc(params="", fmt="yuv420p", tag="hvc1", **more):
    params = ":".join(filter(None, ["log-level=none:pools=1:frame-threads=1", params]))
    return dict(codec=["-c:v", "libx265", "-preset", "veryfast", "-crf", "22", "-x265-params", params], fmt=fmt, tag=tag, **more)


def avc(params="", fmt="yuv420p", **more):
    extra = ["-x264-params", params] if params else []
    return dict(codec=["-c:v", "libx264", "-preset", "medium", "-crf", "20", *extra], fmt=fmt, **more)


def aom(fmt="yuv420p", extra=(), **more):
    return dict(codec=["-c:v", "libaom-av1", "-crf", "28", "-b:v", "0", "-cpu-used", "8", *extra], fmt=fmt, **more)


def vp9(fmt="yuv420p", extra=(), **more):
    return dict(codec=["-c:v", "libvpx-vp9", "-crf", "28", "-b:v", "0", "-cpu-used", "5", *extra], fmt=fmt, **more)


def prores(profile, fmt, encoder="prores_ks", extra=(), **more):
    return dict(codec=["-c:v", encoder, "-profile:v", str(profile), *extra], fmt=fmt, ext="mov", **more)


def mpeg4(extra=(), encoder="mpeg4", **more):
    return dict(codec=["-c:v", encoder, "-q:v", "3", *extra], fmt="yuv420p", **more)


def mjpeg(fmt, extra=(), **more):
    return dict(codec=["-c:v", "mjpeg", "-q:v", "3", "-strict", "unofficial", *extra], fmt=fmt, ext="mov", **more)


def colours(primaries, transfer, matrix, full=False):
    out = ["-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix]
    return out + ["-color_range", "pc" if full else "tv"]


def converted(matrix, full=False):
    return f"scale=out_color_matrix={matrix}:out_range={'pc' if full else 'tv'}"


BT709 = dict(args=colours("bt709", "bt709", "bt709"), filters=converted("bt709"))
PQ = colours("bt2020", "smpte2084", "bt2020nc")
HLG = colours("bt2020", "arib-std-b67", "bt2020nc")
# From a screen's light to that of high dynamic range, paper white at 203 cd/m².
TO_PQ = (
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,zscale=t=linear:npl=203,format=gbrpf32le,"
    "zscale=p=bt2020,zscale=t=smpte2084:m=bt2020nc:r=tv:npl=203"
)
TO_HLG = TO_PQ.replace("smpte2084", "arib-std-b67")

FILMS = {
    # HEVC
    "hevc_plain": hevc(),
    "hevc_bframes_opengop": hevc("bframes=4:b-pyramid=1:open-gop=1:keyint=12:min-keyint=12:scenecut=0"),
    "hevc_opengop_leading": hevc("bframes=4:b-adapt=0:b-pyramid=1:open-gop=1:keyint=27:min-keyint=27:scenecut=0"),
    "hevc_weightp": hevc("weightp=1:weightb=1:ref=4:bframes=3", filters="fade=in:0:20"),
    "hevc_wpp_slices": hevc("wpp=1:slices=4"),
    "hevc_tskip_amp": hevc("tskip=1:amp=1:rect=1:rdoq-level=2"),
    "hevc_lossless": hevc("lossless=1"),
    "hevc_cu_lossless": hevc("cu-lossless=1"),
    "hevc_scaling_lists": hevc("scaling-list=default"),
    "hevc_no_sao_no_deblock": hevc("sao=0:deblock=0"),
    "hevc_deblock_offsets": hevc("deblock=3,-3:sao=1:cbqpoffs=4:crqpoffs=-4"),
    "hevc_constrained_intra": hevc("constrained-intra=1:strong-intra-smoothing=0"),
    "hevc_ctu16": hevc("ctu=16:min-cu-size=8:max-tu-size=16"),
    "hevc_ctu32_temporal_layers": hevc("ctu=32:temporal-layers=1:bframes=3"),
    "hevc_inband_repeat_headers": hevc("repeat-headers=1:aud=1:hrd=1:vbv-maxrate=2000:vbv-bufsize=2000", tag="hev1"),
    "hevc_interlaced_flags": hevc("interlace=tff"),
    "hevc_odd_size": hevc(size=(426, 242)),
    "hevc_narrow": hevc(size=(202, 358)),
    "hevc_main10": hevc(fmt="yuv420p10le"),
    "hevc_main12": hevc(fmt="yuv420p12le"),
    "hevc_422_8": hevc(fmt="yuv422p"),
    "hevc_422_10": hevc(fmt="yuv422p10le"),
    "hevc_444_8": hevc(fmt="yuv444p"),
    "hevc_444_10": hevc(fmt="yuv444p10le"),
    "hevc_444_12": hevc(fmt="yuv444p12le"),
    "hevc_grey": hevc(fmt="gray"),
    "hevc_grey10": hevc(fmt="gray10le"),
    "hevc_gbr": hevc(fmt="gbrp"),
    "hevc_full_range": hevc(fmt="yuvj420p", args=colours("bt709", "bt709", "bt709", True), filters=converted("bt709", True)),
    "hevc_pq10": hevc(fmt="yuv420p10le", args=PQ, filters=TO_PQ),
    "hevc_hlg10": hevc(fmt="yuv420p10le", args=HLG, filters=TO_HLG),
    "hevc_fragmented": hevc(args=["-movflags", "+frag_keyframe+empty_moov"]),
    "hevc_gop250": hevc("keyint=250:bframes=3", seconds=4),
    "hevc_crf40": hevc("qp=40"),
    # H.264
    "h264_plain": avc(),
    "h264_baseline": avc(args=["-profile:v", "baseline"]),
    "h264_cavlc_8x8": avc("cabac=0:8x8dct=1"),
    "h264_opengop": avc("open-gop=1:bframes=3:keyint=12:scenecut=0"),
    "h264_weightp": avc("weightp=2:weightb=1", filters="fade=in:0:20"),
    "h264_tff": avc("interlaced=1:tff=1", filters="interlace"),
    "h264_fake_interlaced": avc("fake-interlaced=1"),
    "h264_high10": avc(fmt="yuv420p10le"),
    "h264_422": avc(fmt="yuv422p"),
    "h264_422_10": avc(fmt="yuv422p10le"),
    "h264_444": avc(fmt="yuv444p"),
    "h264_444_10": avc(fmt="yuv444p10le"),
    "h264_grey": avc(fmt="gray"),
    "h264_rgb": dict(codec=["-c:v", "libx264rgb", "-crf", "20"], fmt="bgr0"),
    "h264_lossless": avc("qp=0"),
    "h264_odd_size": avc(size=(426, 242)),
    "h264_full_range": avc(fmt="yuvj420p", args=colours("bt709", "bt709", "bt709", True), filters=converted("bt709", True)),
    "h264_bt709": avc(**BT709),
    "h264_bt2020": avc(args=colours("bt2020", "bt709", "bt2020nc"), filters=converted("bt2020")),
    "h264_240m": avc(args=colours("smpte240m", "smpte240m", "smpte240m"), filters=converted("smpte240m")),
    "h264_anamorphic": avc(size=(480, 360), filters="setsar=4/3"),
    "h264_narrow_pixels": avc(filters="setsar=8/9"),
    "h264_rotated_90": avc(turn=90),
    "h264_rotated_180": avc(turn=180),
    "h264_rotated_270": avc(turn=270),
    "h264_late_start": avc(cut="0.48"),
    "h264_gop250_no_b": avc("keyint=250:bframes=0:scenecut=0", seconds=4),
    "h264_short": avc(seconds=0.6),
    "h264_60fps": avc(rate=60),
    "h264_1080p": avc(size=(1920, 1080)),
    "h264_slices": avc("slices=4"),
    "h264_crop_left": avc(args=["-bsf:v", "h264_metadata=crop_left=32:crop_top=16"]),
    # AV1
    "av1_aom": aom(),
    "av1_aom_10": aom("yuv420p10le"),
    "av1_aom_12_422": aom("yuv422p12le"),
    "av1_aom_422": aom("yuv422p"),
    "av1_aom_444": aom("yuv444p"),
    "av1_aom_gbr": aom("gbrp"),
    "av1_aom_grey": aom("gray"),
    "av1_aom_grain": aom(extra=["-denoise-noise-level", "25"]),
    "av1_aom_odd": aom(size=(427, 241)),
    "av1_aom_tiles": aom(extra=["-tiles", "2x2"], size=(960, 540)),
    "av1_aom_screen": aom(extra=["-aom-params", "tune-content=screen:enable-intrabc=1:enable-palette=1"]),
    "av1_aom_still_res": aom(extra=["-lag-in-frames", "0", "-aom-params", "resize-mode=1:resize-denominator=12"]),
    "av1_aom_superres": aom(extra=["-aom-params", "superres-mode=1:superres-denominator=12"]),
    "av1_aom_error_resilient": aom(extra=["-aom-params", "error-resilient=1"]),
    "av1_svt": dict(codec=["-c:v", "libsvtav1", "-preset", "9", "-crf", "35"], fmt="yuv420p"),
    "av1_svt_10": dict(codec=["-c:v", "libsvtav1", "-preset", "9", "-crf", "35"], fmt="yuv420p10le"),
    "av1_svt_grain": dict(codec=["-c:v", "libsvtav1", "-preset", "9", "-crf", "35", "-svtav1-params", "film-grain=20"], fmt="yuv420p"),
    "av1_rav1e": dict(codec=["-c:v", "librav1e", "-speed", "10", "-qp", "100"], fmt="yuv420p"),
    "av1_pq10": aom("yuv420p10le", args=PQ, filters=TO_PQ),
    "av1_full_range": aom("yuv420p", args=colours("bt709", "bt709", "bt709", True), filters=converted("bt709", True)),
    "av1_1080p": aom(size=(1920, 1080)),
    # VP9
    "vp9_plain": vp9(),
    "vp9_altref": vp9(extra=["-auto-alt-ref", "1", "-lag-in-frames", "16"]),
    "vp9_two_tiles": vp9(extra=["-tile-columns", "2"], size=(960, 540)),
    "vp9_odd": vp9(size=(427, 241)),
    "vp9_422": vp9("yuv422p"),
    "vp9_440": vp9("yuv440p"),
    "vp9_444": vp9("yuv444p"),
    "vp9_10": vp9("yuv420p10le"),
    "vp9_12": vp9("yuv420p12le"),
    "vp9_444_10": vp9("yuv444p10le"),
    "vp9_gbr": vp9("gbrp"),
    "vp9_lossless": vp9(extra=["-lossless", "1", "-deadline", "good"]),
    "vp9_realtime": vp9(extra=["-deadline", "realtime", "-cpu-used", "8", "-error-resilient", "1"]),
    "vp9_hlg10": vp9("yuv420p10le", args=HLG, filters=TO_HLG),
    "vp9_1080p": vp9(size=(1920, 1080)),
    # Motion JPEG and PNG
    "mjpeg_420": mjpeg("yuvj420p"),
    "mjpeg_422": mjpeg("yuvj422p"),
    "mjpeg_444": mjpeg("yuvj444p"),
    "mjpeg_grey": mjpeg("gray"),
    "mjpeg_limited": mjpeg("yuv420p", args=["-color_range", "tv"]),
    "mjpeg_optimal_tables": mjpeg("yuvj420p", extra=["-huffman", "optimal"]),
    "mjpeg_mp4": dict(codec=["-c:v", "mjpeg", "-q:v", "3"], fmt="yuvj420p"),
    "mjpeg_without_tables": mjpeg("yuvj422p", extra=["-huffman", "default", "-bsf:v", "mjpegadump"]),
    "mjpeg_avi1": mjpeg("yuvj422p", extra=["-huffman", "default", "-bsf:v", "mjpeg2jpeg"]),
    "png_rgb": dict(codec=["-c:v", "png"], fmt="rgb24", ext="mov"),
    "png_rgba": dict(codec=["-c:v", "png"], fmt="rgba", ext="mov"),
    # ProRes
    "prores_proxy": prores(0, "yuv422p10le"),
    "prores_lt": prores(1, "yuv422p10le"),
    "prores_standard": prores(2, "yuv422p10le"),
    "prores_hq": prores(3, "yuv422p10le"),
    "prores_4444": prores(4, "yuv444p10le"),
    "prores_4444_alpha": prores(4, "yuva444p10le", filters="format=yuva444p10le,colorchannelmixer=aa=0.6"),
    "prores_4444xq": prores(5, "yuv444p10le"),
    "prores_interlaced": prores(2, "yuv422p10le", extra=["-flags", "+ildct"], filters="interlace"),
    "prores_aw": prores(3, "yuv422p10le", encoder="prores_aw"),
    "prores_odd": prores(3, "yuv422p10le", size=(426, 242)),
    "prores_1080p": prores(2, "yuv422p10le", size=(1920, 1080)),
    # MPEG-4 Part 2, H.263, MPEG-1 and 2
    "mpeg4_simple": mpeg4(),
    "mpeg4_bframes": mpeg4(["-bf", "2"]),
    "mpeg4_qpel": mpeg4(["-flags", "+qpel", "-mbd", "rd"]),
    "mpeg4_4mv_aic": mpeg4(["-flags", "+mv4+aic", "-mbd", "rd", "-trellis", "1"]),
    "mpeg4_interlaced": mpeg4(["-flags", "+ildct+ilme"], filters="interlace"),
    "mpeg4_mpeg_quant": mpeg4(["-mpeg_quant", "1"]),
    "mpeg4_data_partitioning": mpeg4(["-data_partitioning", "1", "-ps", "800"]),
    "mpeg4_asp_all": mpeg4(["-bf", "2", "-flags", "+qpel+mv4", "-mbd", "rd", "-g", "50"]),
    "mpeg4_odd": mpeg4(size=(426, 242)),
    "mpeg4_gop250": mpeg4(["-g", "250", "-bf", "2"], seconds=4),
    "mpeg4_xvid": mpeg4(encoder="libxvid"),
    "mpeg4_xvid_gmc_qpel": mpeg4(["-bf", "2", "-gmc", "1", "-flags", "+qpel"], encoder="libxvid"),
    "mpeg4_quicktime": mpeg4(ext="mov"),
    "h263_cif": dict(codec=["-c:v", "h263", "-q:v", "3"], fmt="yuv420p", size=(352, 288), ext="mov"),
    "h263_3gp": dict(codec=["-c:v", "h263", "-q:v", "3"], fmt="yuv420p", size=(176, 144), ext="mp4", muxer="3gp"),
    "h263_plus": dict(codec=["-c:v", "h263p", "-q:v", "3", "-flags", "+aic+loop", "-umv", "1"], fmt="yuv420p", size=(320, 240), ext="mov"),
    "mpeg2_mp4": dict(codec=["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2"], fmt="yuv420p"),
    "mpeg2_422": dict(codec=["-c:v", "mpeg2video", "-q:v", "3"], fmt="yuv422p"),
    "mpeg2_interlaced": dict(codec=["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-flags", "+ildct+ilme"], fmt="yuv420p", filters="interlace"),
    "mpeg2_mov": dict(codec=["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2"], fmt="yuv420p", ext="mov"),
    "mpeg1_mp4": dict(codec=["-c:v", "mpeg1video", "-q:v", "3"], fmt="yuv420p"),
    # QuickTime's own
    "raw_rgb24": dict(codec=["-c:v", "rawvideo"], fmt="rgb24", ext="mov", size=(320, 180)),
    "raw_2vuy": dict(codec=["-c:v", "rawvideo"], fmt="uyvy422", ext="mov", size=(320, 180)),
    "raw_yuv2": dict(codec=["-c:v", "rawvideo"], fmt="yuyv422", ext="mov", size=(320, 180)),
    "raw_v210": dict(codec=["-c:v", "v210"], fmt="yuv422p10le", ext="mov", size=(320, 180)),
    "animation": dict(codec=["-c:v", "qtrle"], fmt="rgb24", ext="mov", size=(320, 180)),
    "dnxhd": dict(codec=["-c:v", "dnxhd", "-profile:v", "dnxhr_sq"], fmt="yuv422p", ext="mov"),
    "cineform": dict(codec=["-c:v", "cfhd"], fmt="yuv422p10le", ext="mov"),
    "jpeg2000": dict(codec=["-c:v", "jpeg2000"], fmt="yuv420p", ext="mov"),
}


def make(folder, name, film):
    w, h = film.get("size", (400, 224))
    path = folder / f"{name}.{film.get('ext', 'mp4')}"
    if path.exists():
        return
    source = scene(w, h, film.get("rate", 25), film.get("seconds", SECONDS))
    filters = ",".join(filter(None, [source, film.get("filters"), f"format={film['fmt']}"]))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", "-filter_complex", f"{filters}[v]", "-map", "[v]"]
    command += film["codec"] + film.get("args", [])
    command += ["-tag:v", film["tag"]] if "tag" in film else []
    command += ["-f", film["muxer"]] if "muxer" in film else []
    made = subprocess.run(command + [str(path)], capture_output=True, text=True)
    again = []
    if "turn" in film:
        again = ["-metadata:s:v", f"rotate={film['turn']}"]
    if "cut" in film:
        again = ["-ss", film["cut"]]
    if made.returncode == 0 and again:
        # An edit list, or a turn, is written when the stream is copied.
        whole = path.rename(path.with_name("whole-" + path.name))
        before, behind = (again, []) if "cut" in film else ([], again)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *before, "-i", str(whole), "-c", "copy", *behind, str(path)]
        made = subprocess.run(command, capture_output=True, text=True)
        whole.unlink()
    if made.returncode != 0 or "Error while filtering" in made.stderr:
        path.unlink(missing_ok=True)
        print(f"{name}: not made: {made.stderr.strip().splitlines()[-1:]}", flush=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, film in FILMS.items():
        if word in name:
            make(folder, name, film)


if __name__ == "__main__":
    main()
