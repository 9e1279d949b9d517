//! The program `ran` with one more kind of unit.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = ran_reservoir::register::<own_kind::Mean>() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ran::main()
}
