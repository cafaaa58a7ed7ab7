"""The parts of the local stack: PostgreSQL, Kafka, the registry, the services, and parts that others run."""
