//! `assetd token`: a token for a user, signed by the secret that `serve` verifies with.

use std::process::ExitCode;

use super::{fail, secret};
use crate::auth;
use crate::config::TokenOptions;

pub fn run(options: &TokenOptions) -> ExitCode {
    let secret = match secret(&options.data) {
        Ok(secret) => secret,
        Err(why) => return fail(why),
    };
    match auth::issue(&secret, &options.data.user_claim, options.user, options.admin, options.ttl) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(why),
    }
}
