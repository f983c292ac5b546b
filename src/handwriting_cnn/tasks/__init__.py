"""The reference tasks, written as data, and the function that runs one."""
