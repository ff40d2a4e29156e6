//! Stub.
use super::*;

pub fn sniff(_head: &[u8]) -> Option<Sniffed> {
    None
}

pub fn probe(_format: Format, _source: &mut dyn Source, _limits: &Limits) -> Result<Facts, Refusal> {
    Err(Flaw::BadStructure.into())
}

pub fn derive(_format: Format, _source: &mut dyn Source, _limits: &Limits) -> Option<Vec<u8>> {
    None
}
