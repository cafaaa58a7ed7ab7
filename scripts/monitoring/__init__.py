"""What is watched, as data: service level objectives and dashboards. `scripts.gen_monitoring` writes their files."""
