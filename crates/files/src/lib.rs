//! Files that are whole or absent at any time, and folders that are one program's at a time.

mod lock;
mod whole_file;

pub use lock::{FolderLock, LOCK};
pub use whole_file::{
    FolderError, Lasting, create_folder, is_temporary, remove_folders, write_file, write_whole,
};
