//! API.md, 3: bodies as they come over the wire: chunked, endless, broken off, refused while they still come.

use std::io::Write;
use std::net::TcpStream;

use crate::support::{Answer, Connection, Form, Request, Server, sample, wait_until};

/// More than the server reads on after a refusal, and far less than what is declared.
const PATIENCE_BYTES: usize = 64 * 1024 * 1024;

fn upload(server: &Server) -> Request {
    server.user(7).request("POST", "/api/v2/upload-asset").header("Content-Type", &Form::content_type())
}

#[test]
fn a_chunked_body_is_welcome_whatever_the_size_of_its_chunks() {
    let server = Server::start();
    for size in [1, 7, 1000, 100_000] {
        let bytes = sample::png_of(sample::fresh(), 40, 40);
        let form = Form::of("a.png", &bytes).text("clientId", "acme");
        let answer = upload(&server).body(&form.body()).send_chunked(size).expect(201);

        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let stored = server.user(7).get(&format!("/api/v2/assets/{id}")).expect(200);
        assert_eq!(stored.body, bytes, "chunks of {size}");
        assert_eq!(answer.json()["clientId"], "acme");
    }
}

#[test]
fn extensions_of_chunks_and_trailers_are_passed_over() {
    let server = Server::start();
    let bytes = sample::named("png");
    let body = Form::of("a.png", &bytes).body();
    let (first, second) = body.split_at(100);
    let mut connection = server.connect();
    connection.send(upload(&server).header("Transfer-Encoding", "chunked").head());
    connection.send(format!("{:X};name=value\r\n", first.len())).send(first);
    connection.send(format!("\r\n00{:x};a;b=\"c\"\r\n", second.len())).send(second);
    connection.send("\r\n0\r\nX-Trailer: x\r\nContent-Length: 5\r\n\r\n");
    let asset = connection.answer("POST").expect(201).json();
    assert_eq!(asset["size"], bytes.len());
}

#[test]
fn a_body_that_comes_byte_by_byte_is_read_like_any_other() {
    let server = Server::start();
    let bytes = sample::named("png");
    let request = upload(&server).body(&Form::of("a.png", &bytes).body());
    let mut connection = server.connect();
    connection.send(request.head());
    for byte in Form::of("a.png", &bytes).body() {
        connection.send([byte]);
    }
    let asset = connection.answer("POST").expect(201).json();
    assert_eq!(asset["size"], bytes.len());
}

#[test]
fn bytes_that_look_like_a_boundary_stay_in_the_file() {
    let server = Server::start();
    let almost = Form::content_type();
    let boundary = almost.rsplit('=').next().expect("a boundary");
    let mut bytes = sample::named("pdf");
    for tail in ["", "\r", "\r\n", "\r\n--", "\r\n--x"] {
        bytes.extend_from_slice(format!("{tail}--{boundary}").as_bytes()[..tail.len() + 10].as_ref());
        bytes.extend_from_slice(b"\r\n-\r\n\r\r\n");
    }
    bytes.extend_from_slice(format!("\r\n--{}\r\n", &boundary[..boundary.len() - 1]).as_bytes());
    bytes.extend_from_slice(format!("\n--{boundary}\r\n%%EOF\n").as_bytes());
    for chunk in [1, 3, 64, 100_000] {
        let form = Form::of("a.pdf", &bytes);
        let answer = upload(&server).body(&form.body()).send_chunked(chunk).expect(201);
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let stored = server.user(7).get(&format!("/api/v2/assets/{id}")).expect(200);
        assert!(stored.body == bytes, "chunks of {chunk}");
    }
}

#[test]
fn what_stands_before_the_first_and_after_the_last_boundary_is_ignored() {
    let server = Server::start();
    let form = Form::of("a.png", &sample::named("png")).body();
    let preamble = [b"a preamble\r\nof two lines\r\n", &form[..]].concat();
    let epilogue = [&form[..], b"an epilogue"].concat();
    let unended = form[..form.len() - 2].to_vec();
    for body in [preamble, epilogue, unended] {
        upload(&server).body(&body).send().expect(201);
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it_or_the_refusal() {
    let server = Server::start();
    let body = Form::of("a.png", &sample::named("png")).body();
    let request = upload(&server).header("Expect", "100-continue").body(&body);

    let mut connection = server.connect();
    connection.send(request.head());
    assert_eq!(connection.answer("POST").status, 100);
    connection.send(&body);
    connection.answer("POST").expect(201);

    let refused = server
        .anyone()
        .request("POST", "/api/v2/upload-asset")
        .header("Content-Type", &Form::content_type())
        .header("Expect", "100-continue")
        .body(&body);
    let mut connection = server.connect();
    connection.send(refused.head());
    connection.answer("POST").expect(401).detail("Not authenticated");
}

/// Sends `head`, then `piece` again and again from a thread of its own until the server takes no more, and reads the
/// answer meanwhile. Gives the answer and how many bytes were taken.
#[track_caller]
fn answer_while_sending(mut connection: Connection, head: &[u8], piece: &[u8]) -> (Answer, usize) {
    connection.send(head);
    let mut sender: TcpStream = connection.sender();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let mut sent = 0;
            while sent < PATIENCE_BYTES && sender.write_all(piece).is_ok() {
                sent += piece.len();
            }
            sent
        });
        let answer = connection.answer("POST");
        let sent = sending.join().expect("the sending thread");
        (answer, sent)
    })
}

#[test]
fn a_body_declared_over_the_limit_is_refused_early_and_the_answer_can_be_read_while_sending() {
    let server = Server::with(&["--max-upload", "1MiB"]);
    let mut head = upload(&server).header("Content-Length", "2147483648").head();
    head.extend_from_slice(&Form::begun("a.png", "image/png"));
    head.extend_from_slice(&sample::named("png"));

    let (answer, sent) = answer_while_sending(server.connect(), &head, &[0; 32 * 1024]);

    answer.expect(400).detail("File too large. Maximum size is 1.0MB");
    assert!(sent < PATIENCE_BYTES, "the server went on reading");
    assert!(server.files().is_empty());
}

#[test]
fn an_endless_chunked_body_is_refused_early_and_the_answer_can_be_read_while_sending() {
    let server = Server::with(&["--max-upload", "1MiB"]);
    let mut head = upload(&server).header("Transfer-Encoding", "chunked").head();
    let mut begun = Form::begun("a.png", "image/png");
    begun.extend_from_slice(&sample::named("png"));
    head.extend_from_slice(format!("{:x}\r\n", begun.len()).as_bytes());
    head.extend_from_slice(&begun);
    head.extend_from_slice(b"\r\n");
    let chunk = [b"8000\r\n", &[0; 32 * 1024][..], b"\r\n"].concat();

    let (answer, sent) = answer_while_sending(server.connect(), &head, &chunk);

    answer.expect(400).detail("File too large. Maximum size is 1.0MB");
    assert!(sent < PATIENCE_BYTES, "the server went on reading");
    assert!(server.files().is_empty());
}

#[test]
fn whatever_never_ends_is_refused_early() {
    let server = Server::start();
    let boundary_line = {
        let form = Form::begun("a.png", "image/png");
        let end = memchr::memmem::find(&form, b"\r\n").expect("a line") + 2;
        form[..end].to_vec()
    };
    let rows: [(&str, Vec<u8>, &[u8]); 6] = [
        (
            "a type that is not allowed",
            {
                let mut begun = Form::begun("a.bmp", "image/bmp");
                begun.extend_from_slice(&sample::bmp(1));
                begun
            },
            &[0; 4096],
        ),
        (
            "a disguise",
            {
                let mut begun = Form::begun("a.pdf", "application/pdf");
                begun.extend_from_slice(&sample::named("png"));
                begun
            },
            &[0; 4096],
        ),
        ("a part's head", [&boundary_line[..], b"X-Long: "].concat(), &[b'x'; 4096]),
        (
            "a field",
            {
                let head = b"Content-Disposition: form-data; name=\"name\"\r\n\r\n";
                [&boundary_line[..], head].concat()
            },
            &[b'x'; 4096],
        ),
        (
            "an unknown field",
            {
                let head = b"Content-Disposition: form-data; name=\"other\"\r\n\r\n";
                [&boundary_line[..], head].concat()
            },
            &[b'x'; 4096],
        ),
        ("no form at all", Vec::new(), b"no boundary in sight\r\n"),
    ];
    for (what, begun, piece) in rows {
        let mut head = upload(&server).header("Content-Length", "2147483648").head();
        head.extend_from_slice(&begun);
        let (answer, sent) = answer_while_sending(server.connect(), &head, piece);
        answer.check_conventions();
        assert_eq!(answer.status, 400, "{what}");
        assert!(sent < PATIENCE_BYTES, "{what}: the server went on reading");
        assert!(server.files().is_empty(), "{what}");
    }
}

#[test]
fn a_client_that_reads_only_after_it_has_sent_all_still_gets_the_refusal() {
    let server = Server::start();
    // The server reads on for 8 MiB.
    let mut bytes = sample::bmp(1);
    bytes.resize(7 * 1024 * 1024, 0);
    let form = Form::of("a.bmp", &bytes).body();
    let no_token = server.anyone().request("POST", "/api/v2/upload-asset").form(&form);
    for (request, status) in [(upload(&server).body(&form), 400), (no_token, 401)] {
        let mut connection = server.connect();
        connection.send(request.head()).send(&form);
        let answer = connection.answer("POST").expect(status);
        assert_eq!(answer.header("connection"), "close");
        connection.expect_closed();
    }
    assert!(server.files().is_empty());
}

#[test]
fn only_an_answer_before_the_end_of_a_long_body_closes_the_connection() {
    let server = Server::start();
    let long = Form::of("a.wav", &sample::wav(sample::fresh(), 300_000)).body();
    let short = Form::of("a.bmp", &sample::bmp(1)).body();
    let mut connection = server.connect();
    for (body, status) in [(&long, 201), (&short, 400)] {
        let answer = upload(&server).form(body).send_on(&mut connection).expect(status);
        assert_eq!(answer.try_header("connection"), None);
    }
    let waits =
        server.anyone().request("POST", "/api/v2/upload-asset").form(&short).header("Expect", "100-continue");
    connection.send(waits.head());
    assert_eq!(connection.answer("POST").expect(401).header("connection"), "close");
}

#[test]
fn an_upload_without_a_token_is_refused_while_it_comes() {
    let server = Server::start();
    let mut head = server
        .anyone()
        .request("POST", "/api/v2/upload-asset")
        .header("Content-Type", &Form::content_type())
        .header("Content-Length", "2147483648")
        .head();
    head.extend_from_slice(&Form::begun("a.png", "image/png"));

    let (answer, sent) = answer_while_sending(server.connect(), &head, &[0; 32 * 1024]);

    answer.expect(401).detail("Not authenticated");
    assert!(sent < PATIENCE_BYTES, "the server went on reading");
}

#[test]
fn a_broken_off_upload_leaves_nothing() {
    let server = Server::start();
    let bytes = sample::png_of(sample::fresh(), 200, 200);
    let body =
        Form::new().text("clientId", "acme").file("a.png", None, &bytes).text("campaignId", "spring").body();
    // In a head, in the file, in the field behind it, and before the end of the last boundary.
    for length in [100, 300, body.len() / 2, body.len() - 60, body.len() - 5] {
        let mut connection = server.connect();
        connection.send(upload(&server).body(&body).head());
        connection.send(&body[..length]);
        drop(connection);
    }
    // An upload after them shows that the server has not merely not begun.
    let asset = server.user(7).upload("after.png");
    wait_until("only the whole upload is left", || server.files() == [asset.file()]);
    assert_eq!(server.user(7).list_all(""), [asset.id()]);
}

#[test]
fn a_broken_off_chunked_upload_leaves_nothing() {
    let server = Server::start();
    let body = Form::of("a.png", &sample::png_of(sample::fresh(), 100, 100)).body();
    let head = upload(&server).header("Transfer-Encoding", "chunked").head();
    // The whole form, but the last chunk never comes.
    let mut connection = server.connect();
    connection.send(&head);
    connection.send(format!("{:x}\r\n", body.len() + 1));
    connection.send(&body);
    drop(connection);

    wait_until("nothing is left", || server.files().is_empty());
}

#[test]
fn a_file_is_not_seen_before_its_upload_is_whole() {
    let server = Server::start();
    let body = Form::of("a.png", &sample::named("png")).body();
    let mut connection = server.connect();
    let request = upload(&server).header("Expect", "100-continue").body(&body);
    connection.send(request.head());
    assert_eq!(connection.answer("POST").status, 100);
    connection.send(&body[..body.len() - 10]);

    assert!(server.user(7).list_all("").is_empty());
    assert!(!server.files_now().iter().any(|file| file.starts_with("assets/")));

    connection.send(&body[body.len() - 10..]);
    connection.answer("POST").expect(201);
    assert_eq!(server.user(7).list_all("").len(), 1);
}

#[test]
fn requests_on_a_kept_connection_are_answered_in_their_order() {
    let server = Server::start();
    let user = server.user(7);
    let form = Form::of("a.png", &sample::named("png"));
    let post = upload(&server).body(&form.body());
    let list = user.request("GET", "/api/v2/assets");
    let refused = upload(&server).body(&Form::new().body());
    let mut connection = server.connect();

    // One after the other.
    post.send_on(&mut connection).expect(201);
    refused.send_on(&mut connection).expect(400);
    assert_eq!(list.send_on(&mut connection).page().ids.len(), 1);
    // All at once.
    connection.send(post.head()).send(form.body());
    connection.send(list.head());
    connection.send(user.request("HEAD", "/healthz").head());
    connection.send(list.head());
    connection.answer("POST").expect(201);
    assert_eq!(connection.answer("GET").page().ids.len(), 2);
    connection.answer("HEAD").expect(200);
    assert_eq!(connection.answer("GET").page().ids.len(), 2);
}

#[test]
fn many_uploads_at_once_are_all_kept() {
    let server = Server::start();
    const CLIENTS: u64 = 8;
    const EACH: usize = 5;
    std::thread::scope(|scope| {
        for user in 0..CLIENTS {
            let client = server.user(user);
            scope.spawn(move || {
                for _ in 0..EACH {
                    let bytes = sample::named("png");
                    let asset = client.upload_bytes("a.png", &bytes);
                    assert_eq!(client.get(&asset.path()).expect(200).body, bytes);
                }
            });
        }
    });
    for user in 0..CLIENTS {
        assert_eq!(server.user(user).list_all("").len(), EACH, "user {user}");
    }
}

#[test]
fn uploads_that_stall_hold_up_nobody() {
    let server = Server::start();
    let body = Form::of("a.png", &sample::named("png")).body();
    let stalled: Vec<Connection> = (0..30)
        .map(|_| {
            let request = upload(&server).header("Expect", "100-continue").body(&body);
            let mut connection = server.connect();
            connection.send(request.head());
            assert_eq!(connection.answer("POST").status, 100);
            connection.send(&body[..body.len() / 2]);
            connection
        })
        .collect();

    server.user(8).upload("b.png");
    for mut connection in stalled {
        connection.send(&body[body.len() / 2..]);
        connection.answer("POST").expect(201);
    }
}

/// Buffers, a decoder's tables and the like; far less than what is sent.
const FIXED_COSTS_BYTES: u64 = 24 * 1024 * 1024;

#[test]
fn memory_does_not_grow_with_a_file() {
    let server = Server::start();
    server.user(7).upload("a.wav");
    let before = server.peak_memory();
    let bytes = sample::wav(1, 48 * 1024 * 1024);
    std::thread::scope(|scope| {
        for user in [7, 8] {
            let (client, bytes) = (server.user(user), &bytes);
            scope.spawn(move || {
                let asset = client.upload_bytes("a.wav", bytes);
                assert!(client.get(&asset.path()).expect(200).body == *bytes);
            });
        }
    });
    let grown = server.peak_memory() - before;
    assert!(grown < FIXED_COSTS_BYTES, "{grown} bytes more");
}

#[test]
fn memory_does_not_grow_with_a_head_or_a_field_that_never_ends() {
    let server = Server::start();
    server.user(7).upload("a.wav");
    let before = server.peak_memory();
    let line = Form::begun("a.png", "image/png");
    let line = &line[..memchr::memmem::find(&line, b"\r\n").expect("a line") + 2];
    for begun in [
        &b"X-Long: "[..],
        b"Content-Disposition: form-data; name=\"",
        b"Content-Disposition: form-data; name=\"name\"\r\n\r\n",
        b"Content-Disposition: form-data; name=\"tags\"\r\n\r\n[\"",
        b"Content-Disposition: form-data; name=\"other\"\r\n\r\n",
    ] {
        let mut head = upload(&server).header("Content-Length", "2147483648").head();
        head.extend_from_slice(line);
        head.extend_from_slice(begun);
        let (answer, _) = answer_while_sending(server.connect(), &head, &[b'x'; 32 * 1024]);
        answer.expect(400);
    }
    let grown = server.peak_memory() - before;
    assert!(grown < FIXED_COSTS_BYTES / 3, "{grown} bytes more");
}
