//! How trials are grouped into tasks and tasks into arrays, and how many arrays there is room for.

use std::collections::VecDeque;

use super::{SlurmConfig, SlurmError};

/// The arrays that are still to be submitted, each a list of tasks, each a list of trials.
pub(super) struct Plan {
    arrays: VecDeque<Vec<Vec<u64>>>,
    /// How many tasks an array may have.
    largest: usize,
    trials_per_task: Option<usize>,
    max_running: Option<usize>,
    max_queued: usize,
}

/// What the arrays take that wait or run.
#[derive(Default)]
pub(super) struct Room {
    queued: usize,
    running: usize,
}

impl Room {
    /// An array takes its part: a number of tasks, and how many of them may run at once.
    pub(super) fn take(&mut self, tasks: usize, throttle: Option<u32>) {
        self.queued += tasks;
        self.running += throttle.map_or(tasks, |most| tasks.min(most as usize));
    }
}

impl Plan {
    pub(super) fn new(options: &SlurmConfig) -> Self {
        let number = |number: u32| number as usize;
        Self {
            arrays: VecDeque::new(),
            largest: number(options.array_size),
            trials_per_task: options.trials_per_task.map(number),
            max_running: options.max_running.map(number),
            max_queued: number(options.max_queued),
        }
    }

    /// Slurm has a limit of its own: indices stay below it.
    pub(super) fn limit(&mut self, max_array_size: Option<u32>) -> Result<(), SlurmError> {
        match max_array_size {
            Some(0) => Err(SlurmError::NoArrays),
            Some(most) => {
                self.largest = self.largest.min(most as usize);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Plans trials in groups, and others each in a task of its own.
    pub(super) fn add(&mut self, together: Vec<u64>, alone: &[u64]) {
        let size = self
            .trials_per_task
            .unwrap_or(together.len().div_ceil(self.largest));
        let groups = together.chunks(size.max(1)).map(<[u64]>::to_vec);
        let tasks: Vec<_> = groups
            .chain(alone.iter().map(|trial| vec![*trial]))
            .collect();
        self.arrays
            .extend(tasks.chunks(self.largest).map(<[Vec<u64>]>::to_vec));
    }

    /// The next array that there is room for, and how many of its tasks may run at once; it takes its part of the room.
    ///
    /// What may run at once is shared among the arrays that can be submitted together, since a limit holds for an array.
    pub(super) fn next(&mut self, room: &mut Room) -> Option<(Vec<Vec<u64>>, Option<u32>)> {
        let tasks = self.arrays.front()?.len();
        if room.queued > 0 && room.queued + tasks > self.max_queued {
            return None;
        }
        let throttle = match self.max_running {
            None => None,
            Some(most) => {
                let free = most.checked_sub(room.running).filter(|free| *free > 0)?;
                Some(u32::try_from(free.div_ceil(self.arrays.len())).unwrap_or(u32::MAX))
            }
        };
        room.take(tasks, throttle);
        Some((self.arrays.pop_front()?, throttle))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tasks each array has and how many of them may run, until there is no more room.
    fn shapes(plan: &mut Plan, room: &mut Room) -> Vec<(usize, Option<u32>)> {
        std::iter::from_fn(|| plan.next(room))
            .map(|(tasks, throttle)| (tasks.len(), throttle))
            .collect()
    }

    fn plan(options: SlurmConfig, trials: u64) -> Plan {
        let mut plan = Plan::new(&options);
        plan.limit(Some(1001)).unwrap();
        plan.add((0..trials).collect(), &[]);
        plan
    }

    #[test]
    fn few_trials_get_a_task_each_and_many_share_the_tasks_of_one_array() {
        let mut few = plan(SlurmConfig::default(), 40);
        assert_eq!(shapes(&mut few, &mut Room::default()), [(40, None)]);
        let mut many = plan(SlurmConfig::default(), 1_000_000);
        let (tasks, _) = many.next(&mut Room::default()).unwrap();
        assert_eq!(tasks.len(), 1000);
        assert_eq!(tasks[999], (999_000..1_000_000).collect::<Vec<_>>());
        assert!(many.is_empty());
    }

    #[test]
    fn arrays_stay_below_slurms_limit_and_the_queue_below_ours() {
        let options = SlurmConfig {
            array_size: 5000,
            trials_per_task: Some(10),
            max_queued: 2500,
            ..SlurmConfig::default()
        };
        let mut plan = plan(options, 40_000);
        assert_eq!(
            shapes(&mut plan, &mut Room::default()),
            [(1001, None), (1001, None)]
        );
        let mut room = Room::default();
        room.take(1001, None);
        assert_eq!(shapes(&mut plan, &mut room), [(1001, None)]);
        assert_eq!(shapes(&mut plan, &mut Room::default()), [(997, None)]);
        assert!(plan.is_empty());
        assert!(matches!(plan.limit(Some(0)), Err(SlurmError::NoArrays)));
    }

    #[test]
    fn what_may_run_at_once_is_shared_among_arrays() {
        let options = SlurmConfig {
            array_size: 10,
            trials_per_task: Some(1),
            max_running: Some(8),
            ..SlurmConfig::default()
        };
        let mut plan = plan(options, 25);
        let mut room = Room::default();
        assert_eq!(
            shapes(&mut plan, &mut room),
            [(10, Some(3)), (10, Some(3)), (5, Some(2))]
        );
        plan.add(vec![1, 2], &[3]);
        assert_eq!(shapes(&mut plan, &mut room), []);
        let mut room = Room::default();
        room.take(10, Some(3));
        room.take(1, Some(3));
        assert_eq!(shapes(&mut plan, &mut room), [(3, Some(4))]);
    }

    #[test]
    fn suspects_run_alone() {
        let options = SlurmConfig {
            trials_per_task: Some(4),
            ..SlurmConfig::default()
        };
        let mut plan = Plan::new(&options);
        plan.add(vec![1, 2, 3, 4, 5], &[7, 8]);
        let (tasks, _) = plan.next(&mut Room::default()).unwrap();
        assert_eq!(tasks, [vec![1, 2, 3, 4], vec![5], vec![7], vec![8]]);
    }
}
