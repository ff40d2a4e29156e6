//! Lists of assets, and what is done with one (API.md, 4 to 6).

use serde_json::json;
use warp::http::{HeaderValue, StatusCode, header};

use crate::asset::tags::normalise;
use crate::asset::{AssetId, Grouping, Kind, Tags};
use crate::auth::Caller;
use crate::error::{Error, Verb};
use crate::http::contents::{self, Served};
use crate::http::json;
use crate::http::query::{self, Query};
use crate::http::reply::{Response, json_reply};
use crate::http::request::Call;
use crate::http::view::View;
use crate::store;

/// `GET /api/v2/assets`: the caller's assets, newest first.
pub async fn list(caller: Caller, call: Call) -> Result<Response, Error> {
    let query = call.query()?;
    let page = call.app.store.list(caller, wanted(&query)?).await?;
    let base_url = call.base_url.as_str();
    let views: Vec<View> = page.assets.iter().map(|asset| View { asset, base_url }).collect();
    let mut response = json_reply(StatusCode::OK, &views);
    let headers = response.headers_mut();
    if let Some(total) = page.total {
        headers.insert("x-total-count", HeaderValue::from(total));
    }
    if let Some(next) = page.next
        && let Ok(link) = HeaderValue::from_str(&link(base_url, &query, next, page.skip))
    {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

/// What a list's query asks for.
fn wanted(query: &Query) -> Result<store::Query, Error> {
    let one = |name| query.one(name).map_err(|twice| Error::Bad(twice.to_string()));
    let group = |grouping: Grouping| {
        let text = one(grouping.field())?;
        text.map(str::parse).transpose().map_err(|why| Error::bad_group(grouping, why))
    };
    let kind = |text| {
        let unknown = || Error::Bad("asset_type must be image, video, audio or document".into());
        Kind::from_word(text).ok_or_else(unknown)
    };
    let number = |text: &str, least: u64, most: u64, sentence: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && (least..=most).contains(number));
        number.ok_or_else(|| Error::Bad(sentence.into()))
    };
    let limit = |text| number(text, 1, 100, "limit must be a whole number from 1 to 100");
    let offset = |text| number(text, 0, u64::MAX, "offset must be a whole number, 0 or more");
    let sha256 = |text| digest(text).ok_or_else(|| Error::Bad("sha256 must be 64 hex digits".into()));
    let before = |text: &str| text.parse().map_err(|_| Error::Bad("before must be an asset ID".into()));
    let tag = |text: &str| match Tags::new([text]) {
        Ok(_) => Ok(normalise(text)),
        Err(_) => Err(Error::Bad("tag must be 1 to 64 characters, none of them a control character".into())),
    };
    const DEFAULT_LIMIT: u64 = 50;
    Ok(store::Query {
        client: group(Grouping::Client)?,
        campaign: group(Grouping::Campaign)?,
        kind: one("asset_type")?.map(kind).transpose()?,
        tags: query.all("tag").filter(|tag| !tag.is_empty()).map(tag).collect::<Result<_, _>>()?,
        q: one("q")?.map(str::to_owned),
        sha256: one("sha256")?.map(sha256).transpose()?,
        limit: one("limit")?.map_or(Ok(DEFAULT_LIMIT), limit)? as usize,
        offset: one("offset")?.map_or(Ok(0), offset)?,
        before: one("before")?.map(before).transpose()?,
    })
}

/// 64 hex digits.
pub fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// The next page (RFC 8288): the same parameters, but by `before` where `offset` was. A search that met its bound while it
/// skipped goes on skipping.
fn link(base_url: &str, query: &Query, next: AssetId, skip: u64) -> String {
    let (next, skip) = (next.to_string(), skip.to_string());
    let kept = query.pairs().filter(|(name, _)| !matches!(*name, "offset" | "before"));
    let skipping = (skip != "0").then_some(("offset", skip.as_str()));
    let query = query::encode(kept.chain([("before", next.as_str())]).chain(skipping));
    format!("<{base_url}/api/v2/assets?{query}>; rel=\"next\"")
}

/// `GET /api/v2/assets/{id}`: the file.
pub async fn file(caller: Caller, call: Call) -> Result<Response, Error> {
    let asset = call.app.store.asset(caller, call.id()?, Verb::Access)?;
    let contents = call.app.store.original(&asset).await?;
    contents::reply(call, &asset, contents, Served::Original).await
}

/// `GET /api/v2/assets/{id}/thumbnail`.
pub async fn thumbnail(caller: Caller, call: Call) -> Result<Response, Error> {
    let picture = call.app.store.thumbnail(caller, call.id()?).await?;
    contents::reply(call, &picture.asset, picture.contents, Served::Thumbnail).await
}

/// `GET /api/v2/assets/{id}/waveform`: a picture of a sound.
pub async fn waveform(caller: Caller, call: Call) -> Result<Response, Error> {
    let picture = call.app.store.waveform_picture(caller, call.id()?).await?;
    contents::reply(call, &picture.asset, picture.contents, Served::WaveformPicture).await
}

/// `GET /api/v2/assets/{id}/waveform.json`: its peaks.
pub async fn waveform_json(caller: Caller, call: Call) -> Result<Response, Error> {
    let picture = call.app.store.waveform(caller, call.id()?).await?;
    contents::reply(call, &picture.asset, picture.contents, Served::Waveform).await
}

/// `GET /api/v2/assets/{id}/metadata`: the Asset.
pub async fn metadata(caller: Caller, call: Call) -> Result<Response, Error> {
    let asset = call.app.store.asset(caller, call.id()?, Verb::Access)?;
    Ok(json_reply(StatusCode::OK, &View { asset: &asset, base_url: &call.base_url }))
}

/// `PATCH /api/v2/assets/{id}`: name, tags and groups.
pub async fn change(caller: Caller, mut call: Call) -> Result<Response, Error> {
    let id = call.id()?;
    let asset = call.app.store.asset(caller, id, Verb::Change)?;
    if let Some(refused) = contents::refused_by_condition(&call, &asset) {
        return Ok(refused);
    }
    let body = call.body.whole(json::MAX_BODY_BYTES).await?;
    let changes = json::read_changes(&body).map_err(|bad| Error::Bad(bad.to_string()))?;
    let asset = call.app.store.change(caller, id, changes).await?;
    Ok(json_reply(StatusCode::OK, &View { asset: &asset, base_url: &call.base_url }))
}

/// `DELETE /api/v2/assets/{id}`: the record and all its files.
pub async fn delete(caller: Caller, call: Call) -> Result<Response, Error> {
    let id = call.id()?;
    let asset = call.app.store.asset(caller, id, Verb::Delete)?;
    if let Some(refused) = contents::refused_by_condition(&call, &asset) {
        return Ok(refused);
    }
    call.app.store.delete(caller, id).await?;
    let message = format!("Asset {id} deleted successfully");
    Ok(json_reply(StatusCode::OK, &json!({ "success": true, "message": message })))
}
