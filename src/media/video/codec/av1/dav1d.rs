//! `rav1d` behind a safe face. Its way in is dav1d's C interface, so this one file holds what is unsafe about it.
//!
//! One thread: the worker allows no more, and nothing is spawned then. No log.

use std::ffi::{c_int, c_uint};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::slice;

use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422,
};
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib::{
    dav1d_apply_grain, dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings,
    dav1d_get_picture, dav1d_open, dav1d_picture_unref, dav1d_send_data,
};

use crate::media::video::colour::Codes;
use crate::media::video::planes::{Plane, Planes};

/// A decoder of temporal units.
pub struct Decoder(Option<Dav1dContext>);

/// A decoded picture, still without its film grain.
pub struct Picture(Dav1dPicture);

/// The decoder can't go on.
pub struct Broken;

const AGAIN: c_int = -libc::EAGAIN;

impl Decoder {
    /// One that refuses pictures of more pixels.
    pub fn new(max_pixels: u32) -> Option<Decoder> {
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: the pointer is to memory of the right size that may be written to, which is all that is asked; and it
        // is filled in when the call returns.
        let mut settings = unsafe {
            dav1d_default_settings(NonNull::new_unchecked(settings.as_mut_ptr()));
            settings.assume_init()
        };
        settings.n_threads = 1;
        settings.max_frame_delay = 1;
        // Grain is put on the one picture that is shown.
        settings.apply_grain = 0;
        // Of several spatial layers the best, as players do.
        settings.all_layers = 0;
        settings.frame_size_limit = c_uint::from(max_pixels);
        // SAFETY: without a callback there is nothing to be called.
        settings.logger = unsafe { Dav1dLogger::new(None, None) };
        let mut context = None;
        // SAFETY: both pointers are to live values of their types.
        let result =
            unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        (result.0 == 0 && context.is_some()).then_some(Decoder(context))
    }

    /// Takes a temporal unit; gives the last picture that it shows.
    pub fn decode(&mut self, unit: &[u8]) -> Result<Option<Picture>, Broken> {
        let mut newest = None;
        if unit.is_empty() {
            return Ok(newest);
        }
        let mut data = Dav1dData::default();
        // SAFETY: `data` is a live value; what is given back is the start of so many bytes of its own, or null.
        let start = unsafe { dav1d_data_create(Some(NonNull::from(&mut data)), unit.len()) };
        let start = NonNull::new(start).ok_or(Broken)?;
        // SAFETY: `start` begins `unit.len()` bytes that nothing else points into; they do not overlap with `unit`,
        // which was there before.
        unsafe { start.as_ptr().copy_from_nonoverlapping(unit.as_ptr(), unit.len()) };
        let mut result = Ok(());
        while data.sz > 0 {
            let before = data.sz;
            // SAFETY: the context is open until `self` is dropped; `data` is a live value that holds what is left.
            let sent = unsafe { dav1d_send_data(self.0, Some(NonNull::from(&mut data))) }.0;
            let pictures = self.pictures(&mut newest);
            if (sent != 0 && sent != AGAIN) || pictures.is_err() || (sent == AGAIN && data.sz == before) {
                result = pictures.and(Err(Broken));
                break;
            }
        }
        // SAFETY: `data` is a live value, and what it still holds is given up here.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut data))) };
        result.and_then(|()| self.pictures(&mut newest)).map(|()| newest)
    }

    /// Takes all pictures that are ready, and keeps the last.
    fn pictures(&mut self, newest: &mut Option<Picture>) -> Result<(), Broken> {
        loop {
            let mut picture = Dav1dPicture::default();
            // SAFETY: the context is open until `self` is dropped; `picture` is an empty value to be written over.
            let result = unsafe { dav1d_get_picture(self.0, Some(NonNull::from(&mut picture))) }.0;
            match result {
                0 => *newest = Some(Picture(picture)),
                AGAIN => return Ok(()),
                _ => return Err(Broken),
            }
        }
    }

    /// The picture with its film grain.
    pub fn grained(&mut self, picture: Picture) -> Option<Picture> {
        // What is read is given up there too (unlike in dav1d itself), so it must not be given up here.
        let mut picture = ManuallyDrop::new(picture);
        let mut grained = Dav1dPicture::default();
        let (from, to) = (NonNull::from(&mut picture.0), NonNull::from(&mut grained));
        // SAFETY: the context is open until `self` is dropped; `from` is a picture of its making that is not used
        // again, `to` an empty one to be written over.
        let result = unsafe { dav1d_apply_grain(self.0, Some(to), Some(from)) };
        (result.0 == 0).then_some(Picture(grained))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from `dav1d_open`, is closed once, and this is the last use of it. Pictures hold
        // what they need by counts of their own.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.0))) };
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is a live value, empty or of the decoder's making, and given up once.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.0))) };
    }
}

impl Picture {
    /// A copy of its samples.
    pub fn planes(&self, container: Option<Codes>) -> Option<Planes> {
        let picture = &self.0;
        let (width, height) = (u32::try_from(picture.p.w).ok()?, u32::try_from(picture.p.h).ok()?);
        let depth = u8::try_from(picture.p.bpc).ok()?;
        let layout = picture.p.layout;
        let half = |side: u32| side.div_ceil(2);
        let chroma_size = if layout == DAV1D_PIXEL_LAYOUT_I420 {
            (half(width), half(height))
        } else if layout == DAV1D_PIXEL_LAYOUT_I422 {
            (half(width), height)
        } else {
            (width, height)
        };
        let [y, u, v] = picture.data;
        let [luma_stride, chroma_stride] = picture.stride;
        let plane = |start: Option<NonNull<_>>, stride: isize, (width, height): (u32, u32)| {
            let bytes = width as usize * if depth > 8 { 2 } else { 1 };
            let mut samples = Vec::with_capacity(bytes * height as usize);
            for row in 0..height as isize {
                let start = start?.cast::<u8>().as_ptr();
                // SAFETY: the decoder's plane has `height` rows of at least `bytes` bytes, `stride` apart, and is not
                // written to while the picture is held; rows lie within one allocation.
                samples
                    .extend_from_slice(unsafe { slice::from_raw_parts(start.offset(row * stride), bytes) });
            }
            Some(Plane { width, height, samples })
        };
        let luma = plane(y, luma_stride, (width, height))?;
        let chroma = if layout == DAV1D_PIXEL_LAYOUT_I400 {
            None
        } else {
            Some([plane(u, chroma_stride, chroma_size)?, plane(v, chroma_stride, chroma_size)?])
        };
        // SAFETY: the header is held by the picture, and not written to.
        let header = unsafe { picture.seq_hdr?.as_ref() };
        let own = Codes {
            primaries: u16::try_from(header.pri).ok()?,
            transfer: u16::try_from(header.trc).ok()?,
            matrix: u16::try_from(header.mtrx).ok()?,
            full_range: header.color_range != 0,
        };
        Some(Planes::whole(luma, chroma, depth, Codes::merged(Some(own), container)))
    }
}
