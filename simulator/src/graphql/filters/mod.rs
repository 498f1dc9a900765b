//! Lists of merge requests: which rows they show (`criteria` and the files below it), in which order, and page by page.

mod criteria;
mod deployed;
mod logic;
mod pages;
mod people;
mod refusal;
mod rows;
mod sort;

pub(crate) use pages::{of_many, of_project};
