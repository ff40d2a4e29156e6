//! The whole upload path in process, on a folder in memory: any bytes in, then the status is one of the documented ones, and
//! DATA holds just the accepted files under `{id}.{format}` names, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use assetd::asset::UserId;
use assetd::auth::{self, Keys};
use assetd::http::{App, Target, filter};
use assetd::store::{Limits, Store};
use assetd::worker;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Runtime;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    });
    runtime.block_on(future)
}

struct Server {
    app: Arc<App>,
    data: PathBuf,
    token: String,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let data = folder.join(format!("assetd-fuzz-{}", std::process::id()));
        let limits = Limits { max_upload_bytes: 128 * 1024, max_pixels: 16_000_000 };
        let mut options = worker::Options::new(worker::Limits { max_pixels: limits.max_pixels });
        options.program =
            std::env::var_os("ASSETD_PROGRAM").expect("ASSETD_PROGRAM names the program").into();
        let pool = worker::Pool::start(options).expect("workers");
        let store = Store::open(&data, limits, pool).expect("a store");
        let keys = Keys::from_secret(SECRET, "sub".into()).expect("a key");
        let user = UserId::new(1).expect("a user");
        let hour = std::time::Duration::from_secs(3600 * 24 * 365);
        let token = auth::issue(SECRET, "sub", user, false, hour).expect("a token");
        Server { app: Arc::new(App::new(store, keys, None)), data, token }
    })
}

impl Server {
    fn call(&self, method: &str, path: &str, body: &[u8]) -> (u16, Bytes) {
        let service = TowerToHyperService::new(warp::service(filter(Arc::clone(&self.app))));
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "multipart/form-data; boundary=b0undary")
            .header("content-length", body.len())
            .body(Full::new(Bytes::copy_from_slice(body)))
            .expect("a request");
        let target =
            Target { uri: request.uri().clone(), version: request.version(), local: "localhost".into() };
        request.extensions_mut().insert(target);
        block_on(async move {
            let response = service.call(request).await.expect("an answer");
            let status = response.status().as_u16();
            (status, response.into_body().collect().await.expect("a body").to_bytes())
        })
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.data.join(folder)).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().into_string().expect("a name in UTF-8")).collect()
    }
}

pub fn any_body(data: &[u8]) {
    let server = server();
    let (status, answer) = server.call("POST", "/api/v2/upload-asset", data);
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    match status {
        201 => {
            let text = |key: &str| answer[key].as_str().expect("a string").to_owned();
            let (id, format) = (text("id"), text("format"));
            let mut expected = BTreeSet::from([format!("{id}.{format}")]);
            if answer.get("thumbnailUrl").is_some_and(|url| url.is_string()) {
                expected.insert(format!("{id}_thumb.jpg"));
            }
            if answer.get("waveformUrl").is_some_and(|url| url.is_string()) {
                expected.insert(format!("{id}_waveform.json"));
            }
            assert_eq!(server.names("assets"), expected);
            let (status, _) = server.call("DELETE", &format!("/api/v2/assets/{id}"), b"");
            assert_eq!(status, 200);
        }
        400 => assert!(answer["detail"].as_str().is_some_and(|detail| !detail.is_empty())),
        other => panic!("status {other}: {answer}"),
    }
    assert!(server.names("assets").is_empty());
    // The delete came after the notes of the upload had gone.
    assert!(server.names("tmp").is_empty());
}
