//! Progress and cancellation of long work.

use std::future::Future;
use std::pin::Pin;

use crate::error::{Error, Result};

/// What a [`Progress`] calls: takes the fraction done so far (0..=1), answers whether to go on.
type Callback<'a> = dyn Fn(f32) -> Pin<Box<dyn Future<Output = bool> + 'a>> + 'a;

/// Told between steps how far the work is; may cancel it.
///
/// In a browser the callback gives the event loop a turn, so that a cancel can arrive at all.
pub struct Progress<'a> {
    callback: Box<Callback<'a>>,
    /// The part of the whole that this piece of work covers.
    start: f32,
    length: f32,
}

impl<'a> Progress<'a> {
    pub fn new<F, R>(callback: F) -> Self
    where
        F: Fn(f32) -> R + 'a,
        R: Future<Output = bool> + 'a,
    {
        Self {
            callback: Box::new(move |fraction| Box::pin(callback(fraction))),
            start: 0.0,
            length: 1.0,
        }
    }

    /// Reports to nobody and never cancels.
    pub fn none() -> Self {
        Self::new(|_| std::future::ready(true))
    }

    /// Reports that `fraction` of this piece is done.
    ///
    /// # Errors
    /// [`Error::Aborted`] if the callback says so.
    pub async fn checkpoint(&self, fraction: f32) -> Result<()> {
        let fraction = self.start + self.length * fraction.clamp(0.0, 1.0);
        if (self.callback)(fraction).await { Ok(()) } else { Err(Error::Aborted) }
    }

    /// Progress for the piece of this work between two fractions of it.
    pub fn piece<'b>(&'b self, from: f32, to: f32) -> Progress<'b> {
        Progress {
            callback: Box::new(|fraction| (self.callback)(fraction)),
            start: self.start + self.length * from,
            length: self.length * (to - from),
        }
    }
}
