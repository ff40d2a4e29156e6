//! Films taken apart and put together: boxes (ISO/IEC 14496-12, 4.2) by the type of the first one in the file.

/// A box.
pub fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("a small box");
    [&size.to_be_bytes(), kind.as_slice(), body].concat()
}

/// Where the body of the first box of this type begins.
#[track_caller]
pub fn body_of(film: &[u8], kind: &[u8; 4]) -> usize {
    let found = film.windows(4).position(|window| window == kind);
    found.expect("the film has such a box") + 4
}

/// The film with these bytes at an offset into the body of the first box of this type.
#[track_caller]
pub fn patched(film: &[u8], kind: &[u8; 4], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let at = body_of(film, kind) + offset;
    let mut film = film.to_vec();
    film[at..at + bytes.len()].copy_from_slice(bytes);
    film
}

/// The film with a box renamed, so that it is passed over.
#[track_caller]
pub fn without(film: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let at = body_of(film, kind) - 4;
    let mut film = film.to_vec();
    film[at..at + 4].copy_from_slice(b"free");
    film
}

/// The first box of this type, header and all.
#[track_caller]
pub fn whole(film: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let start = body_of(film, kind) - 8;
    let size = u32::from_be_bytes(film[start..start + 4].try_into().expect("four bytes"));
    film[start..start + size as usize].to_vec()
}

/// A film whose movie box, the last one, has this body.
#[track_caller]
pub fn with_movie(film: &[u8], body: &[u8]) -> Vec<u8> {
    let start = body_of(film, b"moov") - 8;
    assert_eq!(start + whole(film, b"moov").len(), film.len(), "moov is last");
    [&film[..start], &atom(b"moov", body)].concat()
}
