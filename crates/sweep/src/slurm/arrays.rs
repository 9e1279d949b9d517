//! The arrays that were submitted and have trials to run.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::idle::Idle;
use super::plan::Room;
use super::progress::Counts;
use super::queue::{Entry, Listing};
use super::task::{Fate, Task};
use super::{Job, SlurmError};

/// Arrays by number.
pub(super) struct Arrays {
    /// Where they lie.
    pub(super) folder: Folder,
    open: BTreeMap<u32, Array>,
    idle: Idle,
}

/// An array that was submitted.
struct Array {
    /// Its tasks that have trials to run, by index.
    tasks: BTreeMap<u32, Task>,
    /// How many tasks may run at once.
    throttle: Option<u32>,
    /// Whether Slurm has taken it; where that is not known, the queue will tell.
    is_taken: bool,
}

/// A task that ended and left trials without a result.
pub(super) struct Dead {
    /// The task.
    pub(super) task: Task,
    /// Those trials, in their order.
    pub(super) left: Vec<u64>,
    /// Its log.
    pub(super) log: PathBuf,
}

/// What an array is about to be submitted with.
pub(super) struct Shape {
    /// How many tasks it has.
    pub(super) tasks: u32,
    /// How many trials they have left.
    pub(super) trials: usize,
    /// How many tasks may run at once.
    pub(super) throttle: Option<u32>,
}

impl Arrays {
    /// The arrays that were open when the folder was last left.
    pub(super) fn open(job: &Job) -> Result<Self, SlurmError> {
        let (folder, numbers) = Folder::open(job)?;
        let open = numbers.into_iter().map(|number| {
            let tasks = folder.tasks(number)?.into_iter();
            let array = Array {
                tasks: (0..)
                    .zip(tasks.map(|trials| Task::new(trials, true)))
                    .collect(),
                throttle: None,
                is_taken: true,
            };
            Ok((number, array))
        });
        Ok(Self {
            open: open.collect::<Result<_, SlurmError>>()?,
            folder,
            idle: Idle::default(),
        })
    }

    /// How long ago the last of those arrays was submitted of which nobody knows whether Slurm has taken them.
    pub(super) fn unknown_for(&self) -> Option<Duration> {
        let ages = self
            .open
            .keys()
            .filter_map(|array| self.folder.unknown_for(*array));
        ages.min()
    }

    /// Keeps, of the arrays that were open, the tasks that the queue shows alive and that have some of these trials to run. The
    /// trials that remain are returned.
    pub(super) fn adopt(
        &mut self,
        listing: &Listing,
        trials: &[u64],
    ) -> Result<Vec<u64>, SlurmError> {
        let mut free: HashSet<u64> = trials.iter().copied().collect();
        for (number, mut array) in std::mem::take(&mut self.open) {
            let name = self.folder.name(number);
            let is_live = |index: u32| listing.task(&name, index).is_some_and(Entry::is_live);
            if !array.tasks.keys().any(|index| is_live(*index)) {
                self.folder.close(number)?;
                continue;
            }
            array.tasks.retain(|index, task| {
                is_live(*index) && {
                    task.keep(|trial| free.remove(&trial));
                    task.left() > 0
                }
            });
            if !array.tasks.is_empty() {
                self.open.insert(number, array);
            }
        }
        Ok(trials
            .iter()
            .copied()
            .filter(|trial| free.contains(trial))
            .collect())
    }

    /// Writes an array that is going to be submitted.
    pub(super) fn add(
        &mut self,
        job: &Job,
        tasks: Vec<Vec<u64>>,
        throttle: Option<u32>,
    ) -> Result<u32, SlurmError> {
        let number = self.folder.add(job, &tasks)?;
        let tasks = tasks.into_iter().map(|trials| Task::new(trials, false));
        let array = Array {
            tasks: (0..).zip(tasks).collect(),
            throttle,
            is_taken: false,
        };
        self.open.insert(number, array);
        Ok(number)
    }

    /// Slurm has taken an array.
    pub(super) fn accept(&mut self, array: u32, id: &str) -> Result<(), SlurmError> {
        if let Some(array) = self.open.get_mut(&array) {
            array.is_taken = true;
        }
        self.folder.accepted(array, id)
    }

    /// Slurm has refused an array.
    pub(super) fn discard(&mut self, array: u32) -> Result<(), SlurmError> {
        self.open.remove(&array);
        self.folder.discard(array)
    }

    /// The shape of an array.
    pub(super) fn shape(&self, array: u32) -> Shape {
        let array = &self.open[&array];
        Shape {
            tasks: array.tasks.keys().next_back().map_or(1, |last| last + 1),
            trials: array.tasks.values().map(Task::left).sum(),
            throttle: array.throttle,
        }
    }

    /// Whether no array has trials to run.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many tasks have trials to run, and how many trials they have left.
    pub(super) fn size(&self) -> (usize, usize) {
        let tasks = self.open.values().flat_map(|array| array.tasks.values());
        tasks.fold((0, 0), |(tasks, trials), task| {
            (tasks + 1, trials + task.left())
        })
    }

    /// The names of all jobs that are of interest.
    pub(super) fn names(&self) -> Vec<String> {
        let numbers: BTreeSet<u32> = self
            .open
            .keys()
            .copied()
            .chain(self.idle.arrays())
            .collect();
        numbers
            .into_iter()
            .map(|array| self.folder.name(array))
            .collect()
    }

    /// Arrays that Slurm may not have, to be submitted again.
    pub(super) fn unknown(&self, listing: &Listing) -> Vec<u32> {
        let unknown = self.open.iter().filter(|(number, array)| {
            !array.is_taken && !listing.knows(&self.folder.name(**number))
        });
        unknown.map(|(number, _)| *number).collect()
    }

    /// What all of them take.
    pub(super) fn room(&self) -> Room {
        let mut room = Room::default();
        for array in self.open.values() {
            room.take(array.tasks.len(), array.throttle);
        }
        room
    }

    /// What the queue shows of them.
    pub(super) fn counts(&self, listing: &Listing) -> Counts {
        let mut counts = Counts::default();
        for (number, array) in &self.open {
            let name = self.folder.name(*number);
            let entries = array
                .tasks
                .keys()
                .filter_map(|index| listing.task(&name, *index));
            entries.for_each(|entry| counts.count(entry));
        }
        counts
    }

    /// Looks for results; says how many are new.
    pub(super) fn look(&mut self, is_done: &mut dyn FnMut(u64) -> bool) -> u64 {
        let tasks = self
            .open
            .values_mut()
            .flat_map(|array| array.tasks.values_mut());
        let new: usize = tasks.map(|task| task.look(is_done)).sum();
        self.close_ended();
        new as u64
    }

    /// Hears what the queue says: how many results that [`Self::look`] did not see came to light, and which tasks died.
    pub(super) fn hear(
        &mut self,
        listing: &Listing,
        grace: Duration,
        is_done: &mut dyn FnMut(u64) -> bool,
    ) -> (u64, Vec<Dead>) {
        let now = Instant::now();
        let (mut new, mut dead) = (0, Vec::new());
        for (number, array) in &mut self.open {
            let name = self.folder.name(*number);
            array.is_taken |= listing.knows(&name);
            if !array.is_taken {
                continue;
            }
            array.tasks.retain(|index, task| {
                let fate = task.hear(listing.task(&name, *index), now, grace, is_done);
                let left = match fate {
                    Fate::Open => return true,
                    Fate::Done => Vec::new(),
                    Fate::Died(left) => left,
                };
                new += (task.left() - left.len()) as u64;
                if !left.is_empty() {
                    dead.push(Dead {
                        task: std::mem::replace(task, Task::new(Vec::new(), false)),
                        left,
                        log: self.folder.log(*number, *index),
                    });
                }
                false
            });
        }
        self.close_ended();
        (new, dead)
    }

    /// Forgets tasks without trials to run, and closes arrays without such tasks.
    fn close_ended(&mut self) {
        let (folder, idle) = (&self.folder, &mut self.idle);
        self.open.retain(|number, array| {
            array.tasks.retain(|index, task| {
                let is_open = task.left() > 0;
                if !is_open && !task.is_gone() {
                    idle.add(*number, *index);
                }
                is_open
            });
            if array.tasks.is_empty() {
                // A mark that cannot be removed is removed by the next call in the folder.
                let _ = folder.close(*number);
            }
            !array.tasks.is_empty()
        });
    }

    /// Tasks that have had nothing to run for a time and still run, as Slurm names them, by the name of their job.
    pub(super) fn useless(
        &mut self,
        listing: &Listing,
        grace: Duration,
    ) -> Vec<(String, Vec<String>)> {
        let folder = &self.folder;
        self.idle
            .useless(|array| folder.name(array), listing, grace)
    }

    /// Whether tasks without trials to run may hold a place.
    pub(super) fn any_idle(&self) -> bool {
        !self.idle.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::SlurmConfig;

    #[test]
    fn of_what_was_submitted_earlier_the_tasks_that_live_and_are_wanted_are_followed() {
        let place = tempfile::tempdir().unwrap();
        let job = Job {
            name: "a".to_owned(),
            folder: place.path().to_owned(),
            program: "true".into(),
            arguments: Vec::new(),
            options: SlurmConfig::default(),
        };
        let mut before = Arrays::open(&job).unwrap();
        let tasks = vec![vec![0, 1], vec![2, 3], vec![4]];
        for _ in 0..3 {
            before.add(&job, tasks.clone(), None).unwrap();
        }
        let name = |array| before.folder.name(array);
        // The first array lives in part, the second is gone, and the third runs trials of the first once more.
        let text = format!(
            "{0}|0|7|RUNNING|None\n{0}|1|7|FAILED|None\n{0}|2|7|PENDING|Priority\n{1}|0|9|RUNNING|None\n",
            name(1),
            name(3)
        );
        let mut arrays = Arrays::open(&job).unwrap();
        let rest = arrays.adopt(&Listing::parse(&text), &[9, 1, 2, 3]).unwrap();
        assert_eq!(rest, [9, 2, 3]);
        assert_eq!(arrays.size(), (1, 1));
        assert_eq!(arrays.names(), [name(1)]);
        // The marks of arrays that live stay, whoever wants their trials.
        assert_eq!(Arrays::open(&job).unwrap().names(), [name(1), name(3)]);
    }
}
