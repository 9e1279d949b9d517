//! The files of a run, by name.

use std::io;
use std::path::Path;

use ran_files::Lasting;

/// A file that a run leaves, or has while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RunFile {
    /// The configuration, with all settings made.
    Config,
    /// How the run was started.
    Run,
    /// A record per seed.
    Records,
    /// The first seed's model.
    Model,
    /// A line per epoch.
    History,
    /// All that is needed to go on after an epoch.
    Checkpoint,
}

impl RunFile {
    /// In the order in which an earlier run's go: without the first there is nothing to go on with.
    pub(crate) const ALL: [Self; 6] = [
        Self::Run,
        Self::Config,
        Self::Records,
        Self::Model,
        Self::History,
        Self::Checkpoint,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Config => "config.toml",
            Self::Run => "run.json",
            Self::Records => "records.jsonl",
            Self::Model => "model.safetensors",
            Self::History => "history.jsonl",
            Self::Checkpoint => "checkpoint.safetensors",
        }
    }

    /// What it is to outlast.
    pub(super) fn lasting(self) -> Lasting {
        match self {
            Self::History | Self::Checkpoint => Lasting::Program,
            _ => Lasting::Power,
        }
    }

    /// Its bytes in a folder; none where it is not there.
    pub(crate) fn read(self, folder: &Path) -> io::Result<Option<Vec<u8>>> {
        there(ran_tasks::read_file(&folder.join(self.name())))
    }

    /// Its text in a folder; none where it is not there.
    pub(crate) fn text(self, folder: &Path) -> io::Result<Option<String>> {
        self.read(folder)?.map(text_of).transpose()
    }
}

/// The text of a file's bytes.
pub(crate) fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What was read of a file; none where there is no file.
fn there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// The pictures of a run; each is a file in SVG and one in PNG.
pub(super) const PICTURES: [&str; 6] = [
    "confusion",
    "labels",
    "forecast",
    "free-run",
    "capacity",
    "learning",
];

/// The names of all files that a run may leave.
pub(super) fn names() -> impl Iterator<Item = String> {
    let files = RunFile::ALL.iter().map(|file| file.name().to_string());
    let pictures = PICTURES
        .iter()
        .flat_map(|name| ["svg", "png"].map(|ending| format!("{name}.{ending}")));
    files.chain(pictures)
}
