//! The bytes between server and worker.

use assetd::asset::{Facts, Flaw, Foreign, Format};
use assetd::media::Refusal;
use assetd::worker::Step;
use assetd::worker::wire::{FRAME_BYTES, Frame, Look, Report, Request};

fn every_report() -> Vec<Report> {
    let mut reports = vec![
        Report::Ready { landlock: true },
        Report::Ready { landlock: false },
        Report::NotReady { step: Step::Seccomp, errno: 1 },
        Report::Alive,
        Report::Facts(Facts::Image { width: 1, height: u32::MAX }),
        Report::Facts(Facts::Video { width: 1920, height: 1080, duration: u64::MAX }),
        Report::Facts(Facts::Audio { duration: 1 }),
        Report::Facts(Facts::Document { page_count: Some(7) }),
        Report::Facts(Facts::Document { page_count: None }),
        Report::Refused(Refusal::TooManyPixels { width: 50_000, height: 50_000 }),
        Report::NoPreview,
        Report::Picture { bytes: 1 },
        Report::Picture { bytes: 2 << 20 },
        Report::Peaks { rate: 44_100, samples_per_point: 256, points: 1 },
        Report::Peaks { rate: u32::MAX, samples_per_point: 1 << 31, points: 4096 },
    ];
    reports.extend(Flaw::ALL.iter().map(|flaw| Report::Refused(Refusal::Broken(*flaw))));
    reports.extend(Foreign::ALL.iter().map(|foreign| Report::Refused(Refusal::Foreign(*foreign))));
    reports
}

#[test]
fn messages_are_read_as_written() {
    for (sequence, report) in (u64::MAX - 1000..).zip(every_report()) {
        assert_eq!(Report::from_frame(&report.to_frame(sequence)), Some((sequence, report)));
        assert_eq!(Request::from_frame(&report.to_frame(sequence)), None);
    }
    let mut requests = vec![Request::Setup { memory_bytes: 1 << 40 }, Request::Check];
    for format in Format::ALL {
        for look in [Look::Facts, Look::Preview] {
            requests.push(Request::Look { look, format, size_bytes: 5 << 32, max_pixels: 3 << 33 });
        }
    }
    for request in requests {
        assert_eq!(Request::from_frame(&request.to_frame(5)), Some((5, request)));
        assert_eq!(Report::from_frame(&request.to_frame(5)), None);
    }
}

#[test]
fn bytes_that_no_message_has_are_none() {
    // Each report with each byte set to some values: what is still read is written just so.
    let mut refused = 0;
    for report in every_report() {
        let frame = report.to_frame(9);
        for index in 0..FRAME_BYTES {
            for value in [0, 1, 2, 0x40, 0x7f, 0xff] {
                let mut changed: Frame = frame;
                changed[index] = value;
                match Report::from_frame(&changed) {
                    Some((sequence, other)) => assert_eq!(other.to_frame(sequence), changed),
                    None => refused += 1,
                }
            }
        }
    }
    assert!(refused > 0);
    let impossible = [
        Report::Facts(Facts::Image { width: 0, height: 1 }),
        Report::Facts(Facts::Video { width: 1, height: 1, duration: 0 }),
        Report::Facts(Facts::Audio { duration: 0 }),
        Report::Picture { bytes: 0 },
        Report::Picture { bytes: (2 << 20) + 1 },
        Report::Peaks { rate: 1, samples_per_point: 256, points: 0 },
        Report::Peaks { rate: 1, samples_per_point: 256, points: 4097 },
    ];
    for report in impossible {
        assert_eq!(Report::from_frame(&report.to_frame(9)), None, "{report:?}");
    }
}
