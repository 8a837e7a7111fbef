//! WHAT A MODEL MAKES OF IT: the card that says what a model expects, the model, its predictions row by row.
//!
//! The only room that names tract. Called by the recorder's thread `predict` and by `cli`.
