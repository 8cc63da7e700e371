//! Small, medium and large human masks.

/// The size class of a human mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Small,
    Medium,
    Large,
}

impl Size {
    /// All sizes, from small to large.
    pub const ALL: [Size; 3] = [Size::Small, Size::Medium, Size::Large];

    /// The sentence above tables that says what the sizes mean.
    pub const NOTE: &str =
        "Small masks cover less than 1 % of the photo, medium ones up to 10 %, large ones more.";

    /// The size of a mask that covers this share of the photo.
    pub fn of(share: f64) -> Self {
        match share {
            share if share < 0.01 => Size::Small,
            share if share <= 0.1 => Size::Medium,
            _ => Size::Large,
        }
    }

    /// The name of the size in tables.
    pub fn name(self) -> &'static str {
        match self {
            Size::Small => "small",
            Size::Medium => "medium",
            Size::Large => "large",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shares_of_the_photo() {
        let sizes = [0.0, 0.0099, 0.01, 0.1, 0.11, 1.0].map(Size::of);
        assert_eq!(
            sizes,
            [Size::Small, Size::Small, Size::Medium, Size::Medium, Size::Large, Size::Large]
        );
    }
}
