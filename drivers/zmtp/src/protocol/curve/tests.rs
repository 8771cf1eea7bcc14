mod boxes;
mod exchange;
mod traffic;
