//! Reports the inputs of linear layers, from which `convert` learns how to round weights better.
//! Browsers do not have this module.

use std::cell::RefCell;

use crate::ops::Tensor;
/// A function that receives the name of a layer, the values of its input, row by row, and the
/// number of values in a row.
pub type Observer = Box<dyn FnMut(&str, &[f32], usize)>;

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
}

/// Reports the inputs of all linear layers that run on this thread to `observer` from now on;
/// `None` ends this.
pub fn observe(observer: Option<Observer>) {
    OBSERVER.set(observer);
}

/// Reports `x`, the input of the layer `name`, if there is an observer.
pub(super) fn seen<const D: usize>(name: &str, x: &Tensor<D>) {
    OBSERVER.with_borrow_mut(|observer| {
        if let Some(observer) = observer {
            let values =
                x.clone().into_data().try_into_vec::<f32>().expect("the inputs are floats");
            observer(name, &values, x.dims()[D - 1]);
        }
    });
}
