//! Progress of long work, and how it is cancelled.

use std::future::Future;
use std::pin::Pin;

use crate::error::{Error, Result};

/// The callback of a [`Progress`]. It takes the fraction of the work that is done (0 to 1) and
/// answers whether to go on.
type Callback<'a> = dyn Fn(f32) -> Pin<Box<dyn Future<Output = bool> + 'a>> + 'a;

/// The way from long work to its caller: between its steps, the work reports how far it is and asks
/// whether to go on.
///
/// In a browser the callback gives the event loop a turn, so that a request to cancel can arrive.
pub struct Progress<'a> {
    callback: Box<Callback<'a>>,
    /// The part of the whole work that this piece covers, as fractions of the whole.
    start: f32,
    length: f32,
}

impl<'a> Progress<'a> {
    /// Reports to `callback`, which takes the fraction of the work that is done (0 to 1) and
    /// answers whether to go on.
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

    /// A progress that reports to nobody and never cancels.
    pub fn none() -> Self {
        Self::new(|_| std::future::ready(true))
    }

    /// Reports that `fraction` of this piece is done, and asks whether to go on.
    ///
    /// # Errors
    /// [`Error::Aborted`] if the callback answers no.
    pub async fn checkpoint(&self, fraction: f32) -> Result<()> {
        let fraction = self.start + self.length * fraction.clamp(0.0, 1.0);
        if (self.callback)(fraction).await { Ok(()) } else { Err(Error::Aborted) }
    }

    /// The progress of the piece of this work between two fractions of it.
    pub fn piece<'b>(&'b self, from: f32, to: f32) -> Progress<'b> {
        Progress {
            callback: Box::new(|fraction| (self.callback)(fraction)),
            start: self.start + self.length * from,
            length: self.length * (to - from),
        }
    }
}
