//! HTTP/1.1 by hand over a socket, so that a test can send what no client library would.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{Answer, DEADLINE};

/// One connection to the server. What is sent is just what the test gives.
pub struct Connection {
    stream: TcpStream,
    /// Read and not yet used.
    ahead: Vec<u8>,
}

impl Connection {
    #[track_caller]
    pub fn open(address: SocketAddr) -> Connection {
        Connection::try_open(address).expect("a connection")
    }

    /// A connection, or `None` where nobody listens.
    pub fn try_open(address: SocketAddr) -> Option<Connection> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        stream.set_write_timeout(Some(DEADLINE)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Connection { stream, ahead: Vec::new() })
    }

    /// Sends these bytes, all of them.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Connection {
        self.stream.write_all(bytes.as_ref()).expect("bytes sent");
        self
    }

    /// Sends as much as the server takes: true where that is all.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that no more will be sent, and still reads.
    pub fn finish_sending(&mut self) {
        // The server may have closed its end already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// A second handle on the same connection, to send from another thread.
    pub fn sender(&self) -> TcpStream {
        self.stream.try_clone().expect("a second handle on the connection")
    }

    /// The next answer, which answers a request of this method.
    #[track_caller]
    pub fn answer(&mut self, method: &str) -> Answer {
        match self.try_answer(method) {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// The next answer, or why there is none.
    pub fn try_answer(&mut self, method: &str) -> io::Result<Answer> {
        let head = self.head()?;
        let (status, headers) = parse_head(&head)?;
        let mut answer = Answer { method: method.to_owned(), status, headers, body: Vec::new() };
        if method != "HEAD" && status >= 200 && status != 204 && status != 304 {
            answer.body = self.body(&answer)?;
        }
        Ok(answer)
    }

    /// Waits for the head of the next answer, which is still to be read.
    #[track_caller]
    pub fn wait_for_head(&mut self) {
        while find(&self.ahead, b"\r\n\r\n").is_none() {
            self.more().expect("more of the answer");
        }
    }

    /// Fails unless the server closes the connection without another byte.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        assert!(self.ahead.is_empty(), "the connection goes on");
        let mut byte = [0];
        match self.read(&mut byte) {
            Ok(count) => assert_eq!(count, 0, "the connection goes on"),
            // A reset closes it as well as an end does; a timeout does not.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
        }
    }

    /// All that comes until the server closes.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.ahead);
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    fn head(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.ahead, b"\r\n\r\n") {
                let rest = self.ahead.split_off(at + 4);
                return Ok(std::mem::replace(&mut self.ahead, rest));
            }
            self.more()?;
        }
    }

    /// RFC 9112, 6.3.
    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        if answer.try_header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            let mut body = Vec::new();
            loop {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or("").trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| bad("a chunk's size"))?;
                let chunk = self.exactly(size)?;
                body.extend_from_slice(&chunk);
                if !self.line()?.is_empty() {
                    return Err(bad("a chunk's end"));
                }
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match answer.try_header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| bad("a content length"))?;
                self.exactly(length)
            }
            None => Ok(self.rest()),
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = find(&self.ahead, b"\r\n") {
                let rest = self.ahead.split_off(at + 2);
                let line = std::mem::replace(&mut self.ahead, rest);
                return String::from_utf8(line[..at].to_vec()).map_err(|_| bad("a line"));
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            self.more()?;
        }
        let rest = self.ahead.split_off(length);
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    /// A socket with a timeout is interrupted also by a stop and a continue of the process (signal(7)).
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 64 * 1024];
        match self.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.ahead.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

fn parse_head(head: &[u8]) -> io::Result<(u16, Vec<(String, String)>)> {
    let head = std::str::from_utf8(head).map_err(|_| bad("a head in ASCII"))?;
    let mut lines = head.trim_end().split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ").or(line.strip_prefix("HTTP/1.0 ")))
        .and_then(|line| line.get(..3)?.parse().ok())
        .ok_or_else(|| bad("a status line"))?;
    let headers = lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => Err(bad("a header")),
        })
        .collect::<io::Result<_>>()?;
    Ok((status, headers))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer lacks {what}"))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}
