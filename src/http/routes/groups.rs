//! Clients and campaigns (API.md, 7).

use serde_json::json;
use warp::http::StatusCode;

use crate::asset::Grouping;
use crate::auth::Caller;
use crate::error::Error;
use crate::http::reply::{Response, json_reply};
use crate::http::request::Call;
use crate::http::view::GroupView;

/// `GET /api/v2/clients`.
pub async fn clients(caller: Caller, call: Call) -> Result<Response, Error> {
    list(caller, call, Grouping::Client)
}

/// `GET /api/v2/campaigns`.
pub async fn campaigns(caller: Caller, call: Call) -> Result<Response, Error> {
    list(caller, call, Grouping::Campaign)
}

/// `DELETE /api/v2/clients/{clientId}`.
pub async fn delete_client(caller: Caller, call: Call) -> Result<Response, Error> {
    delete(caller, call, Grouping::Client).await
}

/// `DELETE /api/v2/campaigns/{campaignId}`.
pub async fn delete_campaign(caller: Caller, call: Call) -> Result<Response, Error> {
    delete(caller, call, Grouping::Campaign).await
}

fn list(caller: Caller, call: Call, grouping: Grouping) -> Result<Response, Error> {
    let groups = call.app.store.groups(caller, grouping)?;
    let views: Vec<GroupView> = groups.iter().map(GroupView::from).collect();
    Ok(json_reply(StatusCode::OK, &views))
}

async fn delete(caller: Caller, call: Call, grouping: Grouping) -> Result<Response, Error> {
    let group = call.group(grouping)?;
    let deleted = call.app.store.delete_group(caller, grouping, group.clone()).await?;
    let message = format!("{grouping} {group} deleted successfully");
    let body = json!({ "success": true, "message": message, "deletedAssets": deleted });
    Ok(json_reply(StatusCode::OK, &body))
}
