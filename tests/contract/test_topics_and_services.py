"""What topics.toml says of writers and readers is what the services declare."""

from paykit.events import classes as catalogue
from paykit.events import schema_files
from paykit.process.catalogue import load_service, service_names

TOPICS = schema_files.load_topics(schema_files.schema_root())
SERVICES = [load_service(name) for name in service_names()]


def test_each_topic_is_read_by_the_consumers_it_declares_so_that_each_has_a_topic_for_dead_letters() -> None:
    reading = {
        name: {service.name for service in SERVICES if name in {each.topic for each in service.subscriptions}}
        for name in TOPICS
    }
    assert reading == {name: set(topic.consumers) for name, topic in TOPICS.items()}


def test_every_event_is_emitted_by_the_producer_of_its_topic_and_by_no_other() -> None:
    emitting = {(event.RECORD, service.name) for service in SERVICES for event in service.emits}
    declared = {(name, TOPICS[file.topic].producer) for name, file in catalogue.own_files().items()}
    assert emitting == declared


def test_every_record_of_a_topic_is_handled_or_ignored_by_each_of_its_readers() -> None:
    for service in SERVICES:
        for subscription in service.subscriptions:
            named = {event.RECORD for event in subscription.handles} | set(subscription.ignores)
            assert named == catalogue.records_of(subscription.topic), f"{service.name} on {subscription.topic}"
