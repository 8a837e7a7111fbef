//! WHAT IS ON EVERY SCREEN: two lines of header, the foot, and screens too small for anything else.

pub(super) mod foot;
pub(super) mod header;
pub(super) mod narrow;
