"""Git's door for SSH: the host's side of the programs that the system's sshd starts."""
