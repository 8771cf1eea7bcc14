mod damage;
mod folders;
mod histories;
mod restarts;
mod scene;
