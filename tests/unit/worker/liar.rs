//! What a worker could do to the server that has been taken over and even got out of its sandbox: all it has is the
//! socket. (What it can do from within, `worker::drill` does.)

use std::fs;
use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;

use assetd::asset::Format;
use assetd::worker::wire::{FRAME_BYTES, Frame, Look, Report, Request};
use assetd::worker::{Fault, Pool};
use rustix::fs::MemfdFlags;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::{FINE, block_on, derive, options, order, probe, user};
use crate::support::Folder;

/// Names the descriptors that a liar hands over.
const SMUGGLED: &str = "smuggled-by-a-worker";

/// A pool whose only child lies in this way, and the folder that it needs.
fn liars(lie: &str) -> (Pool, Folder) {
    let folder = Folder::new();
    symlink(std::env::current_exe().unwrap(), folder.join("tests")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unit/worker/liar.sh");
    symlink(script, folder.join(lie)).unwrap();
    let mut options = options(1);
    options.program = folder.join(lie);
    options.drill = false;
    (Pool::start(options).unwrap(), folder)
}

/// The liar itself, in a process that the pool has started. In the test run it has nothing to do.
#[test]
fn plays_a_worker_that_was_taken_over() {
    let Some(lie) = std::env::var_os("ASSETD_TEST_LIE") else { return };
    let stdin = io::stdin().as_fd().try_clone_to_owned().unwrap();
    let mut socket = UnixStream::from(stdin);
    // The server hangs up on it, which is an error here.
    let _ = play(lie.to_str().unwrap(), &mut socket);
}

fn play(lie: &str, socket: &mut UnixStream) -> io::Result<()> {
    let mut frame: Frame = [0; FRAME_BYTES];
    loop {
        // Descriptors of files are dropped unseen.
        socket.read_exact(&mut frame)?;
        let (sequence, request) = Request::from_frame(&frame).expect("a request");
        let Request::Look { look, .. } = request else {
            let ready = Report::Ready { landlock: true };
            match lie {
                "no-report" => socket.write_all(&[0xa5; FRAME_BYTES])?,
                "other-sequence" => socket.write_all(&ready.to_frame(sequence + 1))?,
                "other-report" => socket.write_all(&Report::Alive.to_frame(sequence))?,
                _ => socket.write_all(&ready.to_frame(sequence))?,
            }
            continue;
        };
        let report = match look {
            Look::Facts => Report::Facts(FINE),
            Look::Preview => Report::Picture { bytes: 1 << 20 },
        };
        match lie {
            "smuggles" => smuggle(socket, &report.to_frame(sequence))?,
            "endless" => {
                socket.write_all(&report.to_frame(sequence))?;
                socket.write_all(b"\xff\xd8\xff")?;
                loop {
                    socket.write_all(&[0; 4096])?;
                }
            }
            "breaks-off" => {
                socket.write_all(&report.to_frame(sequence))?;
                socket.write_all(&[0xff; 1000])?;
                return Ok(());
            }
            other => panic!("no such lie: {other}"),
        }
    }
}

/// Sends the frame with as many descriptors as one message takes (unix(7): 253).
fn smuggle(socket: &UnixStream, frame: &Frame) -> io::Result<()> {
    let file = rustix::fs::memfd_create(SMUGGLED, MemfdFlags::CLOEXEC)?;
    let files: Vec<BorrowedFd> = vec![file.as_fd(); 253];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
    sendmsg(socket, &[IoSlice::new(frame)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

#[test]
fn a_worker_that_lies_at_its_start_is_given_no_file() {
    for lie in ["no-report", "other-sequence", "other-report"] {
        let (pool, _folder) = liars(lie);

        let fault = block_on(pool.probe(order("fine"), Format::Png, user(1))).unwrap_err();

        assert!(matches!(fault, Fault::Ended(_)), "{lie}: {fault}");
    }
}

#[test]
fn a_server_takes_no_descriptor_from_a_worker() {
    let (pool, _folder) = liars("smuggles");

    assert_eq!(probe(&pool, "fine"), Ok(FINE));

    let smuggled: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().contains(SMUGGLED))
        .collect();
    assert!(smuggled.is_empty(), "{smuggled:?}");
}

#[test]
fn a_worker_that_sends_without_end_answers_once() {
    let (pool, _folder) = liars("endless");

    for _ in 0..3 {
        assert_eq!(probe(&pool, "fine"), Ok(FINE));
        // Just the bytes that were announced are taken.
        assert_eq!(derive(&pool, "fine").map(|picture| picture.len()), Some(1 << 20));
    }
}

#[test]
fn a_picture_that_breaks_off_is_none() {
    let (pool, _folder) = liars("breaks-off");

    assert_eq!(derive(&pool, "fine"), None);
}
