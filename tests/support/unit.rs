//! The systemd unit: its settings, and its filter as the kernel applies it.

const UNIT: &str = include_str!("../../systemd/assetd.service");

/// The values of a setting, those of repeated lines together.
pub fn setting(name: &str) -> Vec<&'static str> {
    UNIT.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .flat_map(str::split_whitespace)
        .collect()
}

/// The filter of system calls, as systemd 252 makes it: what it does not name gets EPERM.
#[cfg(target_arch = "x86_64")]
#[track_caller]
pub fn filter() -> seccompiler::BpfProgram {
    use std::collections::BTreeMap;

    use seccompiler::{SeccompAction, SeccompFilter, TargetArch};

    /// Those of the unit's calls that Debian 12's group lacks, by number on x86-64.
    const MORE: [(&str, i64); 4] = [
        ("seccomp", libc::SYS_seccomp),
        ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
        ("landlock_add_rule", libc::SYS_landlock_add_rule),
        ("landlock_restrict_self", libc::SYS_landlock_restrict_self),
    ];
    let words = setting("SystemCallFilter");
    let (group, more) = words.split_first().expect("a filter");
    assert_eq!(*group, "@system-service");
    assert_eq!(setting("SystemCallErrorNumber"), ["EPERM"]);
    let mut allowed: BTreeMap<i64, Vec<_>> = include_str!("../fixtures/system-service-252-x86_64.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            (line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number"), vec![])
        })
        .collect();
    for word in more {
        let (_, number) = MORE.iter().find(|(name, _)| name == word).expect("a call that is known here");
        allowed.insert(*number, vec![]);
    }
    let forbid = SeccompAction::Errno(libc::EPERM as u32);
    let filter =
        SeccompFilter::new(allowed, forbid, SeccompAction::Allow, TargetArch::x86_64).expect("a filter");
    filter.try_into().expect("a program")
}
