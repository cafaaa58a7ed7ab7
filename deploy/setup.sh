#!/bin/sh
# Prepare database, topics and schemas before the services start; every step may run again.
set -eu
paystream="python -m paytools.cli.main"
$paystream db init
$paystream db migrate
$paystream topics init
$paystream schemas register
