//! How much the engine has in hand, for `/metrics`.

use super::Engine;
use callback_phone::Media;
use std::sync::PoisonError;

impl Engine {
    /// What carries the sound of the calls.
    pub(crate) fn media(&self) -> &Media {
        &self.inner.tools.media
    }

    /// Legs that dead processes left and that are not down yet.
    pub(crate) fn orphans(&self) -> usize {
        self.inner.orphans.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
