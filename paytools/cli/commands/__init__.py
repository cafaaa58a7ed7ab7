"""The commands, one module each; `paytools.cli.main` lists them and imports the one that is asked for."""
