//! Trials side by side in processes of this machine.
//!
//! A worker reads numbers of trials from its standard input, a line each, runs them one after another, writes their results
//! and answers each with a line. It ends at the end of its input, so that nothing runs on when this program is gone.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Stage, StageError};

/// Processes of this machine that run trials. They are kept from one call to the next, with the data that they have loaded.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    arguments: Vec<OsString>,
    count: usize,
    threads: usize,
    /// Processes that wait for work, and the folder whose trials they run.
    idle: Mutex<Vec<Process>>,
    folder: PathBuf,
}

/// Why trials cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A process cannot be started, or what it says not be written down.
    #[error("a worker cannot be started: {0}")]
    Start(io::Error),
    /// A worker cannot go on.
    #[error("a worker cannot go on: {0}")]
    Worker(String),
    /// A result cannot be written.
    #[error(transparent)]
    Stage(#[from] StageError),
}

/// What a worker answers to the number of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The trial's result is written.
    Done,
    /// The worker cannot go on, for instance because its disk is full.
    Broken(String),
}

impl Answer {
    /// The answer as a line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Done => "done".into(),
            Self::Broken(problem) => format!("broken {}", problem.replace('\n', " ")),
        }
    }

    fn read(line: &str) -> Option<Self> {
        match line.trim_end() {
            "done" => Some(Self::Done),
            line => line
                .strip_prefix("broken ")
                .map(|problem| Self::Broken(problem.into())),
        }
    }
}

/// Times that a trial is begun: one that ends its process twice is given up.
const ATTEMPTS: usize = 2;

impl Workers {
    /// Processes of a program, which is given some arguments and then the folder of the trials: `count` at once, each with
    /// `threads` threads (`RAYON_NUM_THREADS`). They are started when there is work.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>, count: usize, threads: usize) -> Self {
        Self {
            program,
            arguments,
            count: count.max(1),
            threads,
            idle: Mutex::default(),
            folder: PathBuf::new(),
        }
    }

    /// Runs trials, and tells the number of each that is done. Ends early when `stop` becomes true; trials that are
    /// running then are lost.
    ///
    /// # Errors
    ///
    /// When no process can be started, or results cannot be written.
    pub fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), WorkerError> {
        if self.folder != stage.folder() {
            self.end_idle();
            self.folder = stage.folder().into();
        }
        let work = Work {
            workers: self,
            stage,
            queue: Mutex::new(trials.iter().copied().collect()),
            attempts: Mutex::default(),
            children: Mutex::default(),
            over: AtomicBool::new(false),
        };
        let (tell, told) = channel();
        thread::scope(|scope| {
            for _ in 0..self.count.min(trials.len()) {
                let (work, tell) = (&work, tell.clone());
                scope.spawn(move || {
                    if let Err(error) = work.serve(&tell) {
                        // The receiver may have left with another worker's error.
                        let _ = tell.send(Err(error));
                    }
                });
            }
            drop(tell);
            let outcome = loop {
                if stop.load(Ordering::Relaxed) {
                    break Ok(());
                }
                match told.recv_timeout(Duration::from_millis(50)) {
                    Ok(Ok(trial)) => {
                        if let Err(error) = done(trial) {
                            break Err(error.into());
                        }
                    }
                    Ok(Err(error)) => break Err(error),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break Ok(()),
                }
            };
            if stop.load(Ordering::Relaxed) || outcome.is_err() {
                work.end();
            }
            outcome
        })
    }

    /// Ends the processes that wait for work.
    fn end_idle(&self) {
        for process in lock(&self.idle).drain(..) {
            // It has done its work, however it ends.
            let _ = process.end();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end_idle();
    }
}

/// What the threads that each look after a process share.
struct Work<'a> {
    workers: &'a Workers,
    stage: &'a Stage,
    queue: Mutex<VecDeque<u64>>,
    attempts: Mutex<HashMap<u64, usize>>,
    children: Mutex<Vec<Arc<Mutex<Child>>>>,
    over: AtomicBool,
}

/// A running worker.
#[derive(Debug)]
struct Process {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Work<'_> {
    /// Ends all processes, and keeps new ones from starting.
    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        for child in lock(&self.children).iter() {
            // It may have ended by itself.
            let _ = lock(child).kill();
        }
    }

    /// Runs trials until none is left.
    fn serve(&self, tell: &Sender<Result<u64, WorkerError>>) -> Result<(), WorkerError> {
        let mut process = lock(&self.workers.idle).pop();
        if let Some(process) = &process {
            lock(&self.children).push(Arc::clone(&process.child));
        }
        loop {
            let Some(trial) = lock(&self.queue).pop_front() else {
                break;
            };
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            if process.is_none() {
                process = Some(self.start().map_err(WorkerError::Start)?);
            }
            let asked = process.as_mut().expect("it was started above");
            match asked.ask(trial) {
                Some(Answer::Done) => {}
                Some(Answer::Broken(problem)) => return Err(WorkerError::Worker(problem)),
                None => {
                    let ended = process.take().expect("it was started above").end();
                    if self.over.load(Ordering::SeqCst) {
                        break;
                    }
                    if !self.stage.is_done(trial) && !self.give_up(trial, ended)? {
                        lock(&self.queue).push_back(trial);
                        continue;
                    }
                }
            }
            if tell.send(Ok(trial)).is_err() {
                break;
            }
        }
        match process {
            Some(process) if !self.over.load(Ordering::SeqCst) => {
                lock(&self.workers.idle).push(process)
            }
            // It was killed.
            Some(process) => drop(process.end()),
            None => {}
        }
        Ok(())
    }

    /// Writes down that a trial ended its process once too often. False where it is tried again.
    fn give_up(&self, trial: u64, ended: io::Result<ExitStatus>) -> Result<bool, StageError> {
        let count = {
            let mut attempts = lock(&self.attempts);
            let count = attempts.entry(trial).or_default();
            *count += 1;
            *count
        };
        if count < ATTEMPTS {
            return Ok(false);
        }
        let how = match ended {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let problem = format!(
            "the process that ran it ended {ATTEMPTS} times before it was done ({how}); {} has what it said",
            log(self.stage.folder()).display()
        );
        self.stage.give_up(trial, problem)?;
        Ok(true)
    }

    fn start(&self) -> io::Result<Process> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log(self.stage.folder()))?;
        let mut command = Command::new(&self.workers.program);
        command
            .args(&self.workers.arguments)
            .arg(self.stage.folder())
            .env("RAYON_NUM_THREADS", self.workers.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut children = lock(&self.children);
        let mut child = command.spawn()?;
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        if self.over.load(Ordering::SeqCst) {
            child.kill()?;
        }
        let child = Arc::new(Mutex::new(child));
        children.push(Arc::clone(&child));
        Ok(Process {
            child,
            input,
            output,
        })
    }
}

impl Process {
    /// Has a trial run; none where the process ends before it answers.
    fn ask(&mut self, trial: u64) -> Option<Answer> {
        writeln!(self.input, "{trial}").ok()?;
        self.input.flush().ok()?;
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        Answer::read(&line)
    }

    /// Ends its input, and waits for its end.
    fn end(self) -> io::Result<ExitStatus> {
        drop(self.input);
        drop(self.output);
        lock(&self.child).wait()
    }
}

/// What workers say that is no answer.
fn log(folder: &Path) -> PathBuf {
    folder.join("workers.log")
}

/// A lock whose holders do nothing that can leave its content half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
