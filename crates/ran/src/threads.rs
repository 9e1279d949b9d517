//! How many threads compute, where the environment says so.

use std::env;
use std::thread::available_parallelism;

/// What rayon reads, in this order.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"];

/// Threads for each core, at most: more wait for one another and gain nothing.
const PER_CORE: usize = 4;
/// Threads in all, at most, on a machine that has fewer cores.
const MOST: usize = 256;

/// Takes the number of threads from the environment (`RAYON_NUM_THREADS`), no more than the machine has use for, before the
/// first of them starts: thousands of threads would take minutes to start, and a program that starts them hears no signal.
///
/// Returns a sentence where the number is another than the one that was asked for.
pub(crate) fn limit_threads() -> Option<String> {
    let cores = available_parallelism().map_or(1, usize::from);
    let asked = VARIABLES
        .into_iter()
        .find_map(|name| Some((name, env::var(name).ok()?)));
    let (name, text) = asked?;
    match limit(&text, cores) {
        Threads::AsAsked => None,
        Threads::Unread => Some(format!(
            "{name} is {text:?}, which is no number of threads: {} are started",
            rayon::current_num_threads()
        )),
        Threads::Fewer(most) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(most);
            // It fails where a pool is running already; then there is nothing left to limit.
            pool.build_global().ok()?;
            Some(format!(
                "{name} is {text}: {most} threads are started, the most for {cores} cores"
            ))
        }
    }
}

#[derive(Debug, PartialEq)]
enum Threads {
    AsAsked,
    Unread,
    Fewer(usize),
}

/// What is made of a number of threads that was asked for.
fn limit(text: &str, cores: usize) -> Threads {
    let most = (PER_CORE * cores).min(MOST).max(cores);
    if text.is_empty() {
        return Threads::AsAsked;
    }
    // A number of too many digits to be read is too large.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<usize>() {
        Ok(threads) if threads <= most => Threads::AsAsked,
        Ok(_) => Threads::Fewer(most),
        Err(_) if digits => Threads::Fewer(most),
        Err(_) => Threads::Unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_the_cores_have_use_for_are_limited() {
        for (text, cores, expected) in [
            ("1", 2, Threads::AsAsked),
            ("8", 2, Threads::AsAsked),
            ("9", 2, Threads::Fewer(8)),
            ("100000", 2, Threads::Fewer(8)),
            ("99999999999999999999999999", 2, Threads::Fewer(8)),
            ("1000", 128, Threads::Fewer(256)),
            ("300", 512, Threads::AsAsked),
            ("1000", 512, Threads::Fewer(512)),
            ("0", 2, Threads::AsAsked),
            ("", 2, Threads::AsAsked),
            ("abc", 2, Threads::Unread),
            ("-3", 2, Threads::Unread),
        ] {
            assert_eq!(limit(text, cores), expected, "{text} on {cores} cores");
        }
    }
}
