"""The scripts that operators start by hand, from a directory that has nothing to do with the clone."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from paykit.events.schema_files import load_topics, schema_root
from paykit.kafka import topics
from paykit.testing import hosts
from paytools.localstack import Endpoints

SCRIPTS = Path(__file__).parents[3] / "scripts"
RUN_S_MAX = 120.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(stack: Endpoints, tmp_path: Path) -> Run:
    """Run a script on a stack of its own, whose parts are those of the session."""
    own = {
        "PAYSTREAM_HOME": str(tmp_path / "home"),
        "PAYSTREAM_STACK_POSTGRES_URL": stack.postgres,
        "PAYSTREAM_STACK_KAFKA_BOOTSTRAP": stack.kafka,
        "PAYSTREAM_STACK_REGISTRY_URL": stack.registry,
    }
    others = {name: text for name, text in os.environ.items() if not name.startswith("PAYSTREAM_")}

    def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [str(SCRIPTS / script), *arguments]
        return subprocess.run(
            argv, cwd=tmp_path, env=others | own, capture_output=True, text=True, timeout=RUN_S_MAX, check=False
        )

    return run


def test_a_stack_is_started_checked_given_its_topics_and_stopped(run: Run, stack: Endpoints) -> None:
    down = run("health-check.sh")
    assert (down.returncode, down.stdout) == (3, "not running\n")
    started = run("start-all-services.sh", "--parts-only")
    assert started.returncode == 0, started.stderr
    healthy = run("health-check.sh")
    assert healthy.returncode == 0
    assert [line.split()[:2] for line in healthy.stdout.splitlines()] == [
        ["postgres", "serves"],
        ["kafka", "serves"],
        ["registry", "serves"],
    ]
    prefix = hosts.new_prefix()
    names = list(topics.declared(load_topics(schema_root()).values(), prefix=prefix))
    lacking = run("test-kafka.sh", "--prefix", prefix)
    assert lacking.returncode == 1
    assert f"{names[0]}: missing" in lacking.stderr
    made = run("init-kafka-topics.sh", "--prefix", prefix)
    assert (made.returncode, made.stdout.splitlines()) == (0, [f"created {name}" for name in names])
    again = run("init-kafka-topics.sh", "--prefix", prefix)
    assert (again.returncode, again.stdout.splitlines()) == (0, [f"unchanged {name}" for name in names])
    tested = run("test-kafka.sh", "--prefix", prefix)
    answers, declared, read_back = tested.stdout.splitlines()
    assert tested.returncode == 0
    assert answers == f"Kafka answers at {stack.kafka}"
    assert declared == f"{len(names)} topics are as declared"
    assert read_back.startswith("a record was written and read back in ")
    assert run("paystream.sh", "down").returncode == 0


def test_a_wrong_option_is_wrong_usage(run: Run) -> None:
    for script in ("start-all-services.sh", "test-kafka.sh"):
        wrong = run(script, "--nonsense")
        assert wrong.returncode == 2
        assert "--nonsense" in wrong.stderr


def test_without_a_stack_the_scripts_for_kafka_say_how_to_get_one(run: Run) -> None:
    for script in ("init-kafka-topics.sh", "test-kafka.sh"):
        lost = run(script)
        assert lost.returncode == 1
        assert "start the local stack with `paystream up`, or give --kafka" in lost.stderr
