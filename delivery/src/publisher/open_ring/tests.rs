mod life;
mod recovery;
mod refusals;
