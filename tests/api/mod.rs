//! API.md through the front door.

mod access;
mod bombs;
mod change;
mod conditional;
mod damaged;
mod delete;
mod deprecated;
mod groups;
mod list;
mod list_model;
mod odd;
mod polyglots;
mod ranges;
mod read;
mod routes;
mod service;
mod thumbnail;
mod tokens;
mod upload_fields;
mod upload_formats;
mod upload_names;
mod upload_refusals;
mod upload_stream;
mod waveform;
