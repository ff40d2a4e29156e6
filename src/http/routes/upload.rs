//! Uploads: the form is read part by part while it arrives (API.md, 3 and 9).

use std::fmt::Display;

use warp::http::{HeaderValue, StatusCode, header};

use super::assets::digest;
use crate::asset::{GroupId, Grouping, Name, Tags};
use crate::auth::Caller;
use crate::error::Error;
use crate::http::form::{Form, FormError, MAX_HEAD_BYTES, MAX_PARTS, MAX_TEXT_BYTES};
use crate::http::reply::{Response, json_reply};
use crate::http::request::{Body, Call};
use crate::http::view::{self, View};
use crate::store::{Arrived, Claims, Fields, Store};

/// What a form may hold beside the file; a body that is longer than this and the largest file is refused unread.
const MAX_FORM_BYTES: u64 = (MAX_TEXT_BYTES + 2 * MAX_PARTS * MAX_HEAD_BYTES) as u64;

/// `POST /api/v2/upload-asset`.
pub async fn upload(caller: Caller, call: Call) -> Result<Response, Error> {
    receive(caller, call, None).await
}

/// `POST /api/clients/{clientId}/assets`: the path gives the client.
pub async fn to_client(caller: Caller, call: Call) -> Result<Response, Error> {
    let client = call.group(Grouping::Client)?;
    receive(caller, call, Some((Grouping::Client, client))).await
}

/// `POST /api/campaigns/{campaignId}/assets`: the path gives the campaign.
pub async fn to_campaign(caller: Caller, call: Call) -> Result<Response, Error> {
    let campaign = call.group(Grouping::Campaign)?;
    receive(caller, call, Some((Grouping::Campaign, campaign))).await
}

async fn receive(
    caller: Caller,
    mut call: Call,
    path_group: Option<(Grouping, GroupId)>,
) -> Result<Response, Error> {
    let store = &call.app.store;
    let content_type = call.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let declared_bytes = call.content_length();
    let form = Form::new(content_type, &mut call.body).map_err(form_error)?;
    let max_bytes = store.max_upload_bytes();
    if declared_bytes.is_some_and(|length| length > max_bytes.saturating_add(MAX_FORM_BYTES)) {
        return Err(Error::TooLarge { max_bytes });
    }
    let (arrived, mut fields) = read(store, form).await?;
    match path_group {
        Some((Grouping::Client, client)) => fields.client = Some(client),
        Some((Grouping::Campaign, campaign)) => fields.campaign = Some(campaign),
        None => {}
    }
    let asset = store.accept(caller, arrived, fields).await?;
    let mut response = json_reply(StatusCode::CREATED, &View { asset: &asset, base_url: &call.base_url });
    if let Ok(location) = HeaderValue::from_str(&view::url(&call.base_url, asset.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The text fields as they come; each at most once, but `tags`.
#[derive(Default)]
struct Texts {
    client: Option<String>,
    campaign: Option<String>,
    name: Option<String>,
    sha256: Option<String>,
    tags: Vec<String>,
}

impl Texts {
    fn put(&mut self, field: Field, text: String) -> Result<(), Error> {
        let slot = match field {
            Field::Client => &mut self.client,
            Field::Campaign => &mut self.campaign,
            Field::Name => &mut self.name,
            Field::Sha256 => &mut self.sha256,
            Field::Tags => {
                self.tags.push(text);
                return Ok(());
            }
        };
        if slot.replace(text).is_some() {
            return Err(Error::DuplicateField(field.name()));
        }
        Ok(())
    }

    /// Each field as its rule has it. An empty one counts as absent.
    fn fields(&self) -> Result<Fields, Error> {
        let group = |text: &Option<String>, grouping: Grouping| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map(str::parse).transpose().map_err(|why| Error::bad_group(grouping, why))
        };
        let sha256 = self.sha256.as_deref().filter(|text| !text.is_empty());
        let bad_digest = || Error::Bad("sha256 must be 64 hex digits".into());
        Ok(Fields {
            client: group(&self.client, Grouping::Client)?,
            campaign: group(&self.campaign, Grouping::Campaign)?,
            name: self.name.as_deref().map_or(Ok(None), Name::given)?,
            tags: Tags::from_form(&self.tags)?,
            sha256: sha256.map(|text| digest(text).ok_or_else(bad_digest)).transpose()?,
        })
    }
}

#[derive(Clone, Copy)]
enum Field {
    Client,
    Campaign,
    Name,
    Tags,
    Sha256,
}

impl Field {
    const ALL: [Field; 5] = [Field::Client, Field::Campaign, Field::Name, Field::Tags, Field::Sha256];

    fn name(self) -> &'static str {
        match self {
            Field::Client => Grouping::Client.field(),
            Field::Campaign => Grouping::Campaign.field(),
            Field::Name => "name",
            Field::Tags => "tags",
            Field::Sha256 => "sha256",
        }
    }
}

/// Reads a form to its end: the file into the store, the rest into memory, which is bounded.
async fn read(store: &Store, mut form: Form<&mut Body>) -> Result<(Arrived, Fields), Error> {
    let mut texts = Texts::default();
    let mut file = None;
    let mut ignored_bytes = 0;
    while let Some(head) = form.next_part().await.map_err(form_error)? {
        if head.name == "file" {
            if file.is_some() {
                return Err(Error::DuplicateField("file"));
            }
            let mut receiver =
                store.receive(Claims { file_name: head.file_name, media_type: head.content_type })?;
            while let Some(chunk) = form.chunk().await.map_err(form_error)? {
                receiver.chunk(&chunk).await?;
            }
            file = Some(receiver.finish().await?);
        } else if let Some(field) = Field::ALL.into_iter().find(|field| field.name() == head.name) {
            texts.put(field, form.text(field.name()).await.map_err(form_error)?)?;
            // A bad field is told before the file that follows it is sent in vain.
            texts.fields()?;
        } else if head.file_name.is_some() {
            while let Some(chunk) = form.chunk().await.map_err(form_error)? {
                ignored_bytes += chunk.len() as u64;
                // Ignored, but a body of unknown length must not go on for ever.
                if ignored_bytes > store.max_upload_bytes() {
                    return Err(Error::TooLarge { max_bytes: store.max_upload_bytes() });
                }
            }
        } else {
            // Ignored, whatever bytes it holds, but it counts as text.
            match form.text(&head.name).await {
                Ok(_) | Err(FormError::NotUtf8(_)) => {}
                Err(error) => return Err(form_error(error)),
            }
        }
    }
    Ok((file.ok_or(Error::NoFile)?, texts.fields()?))
}

/// What is wrong with a form; a body that broke off is one that is incomplete.
fn form_error<E: Display>(error: FormError<E>) -> Error {
    match error {
        FormError::Body(_) => Error::Bad("Multipart form is incomplete".into()),
        other => Error::Bad(other.to_string()),
    }
}
