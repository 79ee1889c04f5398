//! Whether this run could log in again under a configuration, by the output of `sshd -T`.

/// Settings that would lock the account out; `answer` are the lines of `sshd -T`.
pub(super) fn judge(arguments: &[&str], answer: &[String]) -> Vec<String> {
    let [port, account, _] = arguments else {
        return vec!["the validator `sshd` needs a port, an account and an address".to_owned()];
    };
    let mut problems = Vec::new();
    let (mut listens, mut some, mut mine) = (false, false, false);
    for line in answer {
        let mut words = line.split_whitespace();
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        let values: Vec<&str> = words.collect();
        let first = values.first().copied().unwrap_or_default();
        match key.as_str() {
            "port" => listens |= first == *port,
            "pubkeyauthentication" if first != "yes" => problems.push("it refuses keys".to_owned()),
            "permitrootlogin"
                if *account == "root" && (first == "no" || first.starts_with("forced")) =>
            {
                problems.push("it refuses root".to_owned());
            }
            "denyusers" if values.contains(account) => {
                problems.push(format!("it denies {account}"));
            }
            "allowusers" => {
                some = true;
                mine |= values.iter().any(|value| {
                    let name = value.split('@').next().unwrap_or_default();
                    name == *account || name.contains(['*', '?'])
                });
            }
            _ => {}
        }
    }
    if answer.is_empty() {
        problems.push("it printed no settings".to_owned());
    } else if !listens {
        problems.push(format!("it would not listen on port {port}"));
    }
    if some && !mine {
        problems.push(format!("AllowUsers leaves {account} out"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::judge;

    // Constructed in the form of `sshd -T`.
    const FINE: &str = "port 22\naddressfamily any\npermitrootlogin without-password\npubkeyauthentication yes\n\
        passwordauthentication no";

    fn judged(account: &str, more: &str) -> Vec<String> {
        let text = format!("{FINE}\n{more}");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        judge(&["22", account, "192.0.2.1"], &lines)
    }

    #[test]
    fn what_lets_the_account_in_is_accepted() {
        for more in [
            "",
            "allowusers root",
            "allowusers nobody\nallowusers root@192.0.2.*",
            "allowusers r?ot",
            "denyusers nobody",
        ] {
            assert_eq!(judged("root", more), Vec::<String>::new(), "{more}");
        }
        assert!(judged("anna", "permitrootlogin no").is_empty());
    }

    #[test]
    fn each_way_of_keeping_it_out_is_reported() {
        for (more, why) in [
            ("pubkeyauthentication no", "it refuses keys"),
            ("permitrootlogin no", "it refuses root"),
            ("permitrootlogin forced-commands-only", "it refuses root"),
            ("DenyUsers nobody root", "it denies root"),
            ("allowusers nobody", "AllowUsers leaves root out"),
        ] {
            assert_eq!(judged("root", more), [why]);
        }
        assert_eq!(
            judge(&["2222", "root", "a"], &["port 22".to_owned()]),
            ["it would not listen on port 2222"]
        );
        assert_eq!(judge(&["22", "root", "a"], &[]), ["it printed no settings"]);
    }
}
