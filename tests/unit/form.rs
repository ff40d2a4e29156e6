//! HTTP primitives: forms, ranges, preconditions, names, queries, JSON bodies; and what a file's name claims.

mod claim;
mod conditional;
mod disposition;
mod head;
mod json;
mod property;
mod query;
mod range;
mod reader;
mod support;
