mod life;
mod recovery;
mod refusals;
mod returns;
