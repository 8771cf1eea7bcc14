mod life;
mod recovery;
mod refusals;
mod retired_topics;
mod returns;
mod reuse;
