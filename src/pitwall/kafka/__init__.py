"""Kafka: the car's wire format, the topics, and how clients reach the brokers.

Takes settings and ticks. Gives encoded messages, created topics and configurations of clients. May
import `channels`, `settings` and below.

- `wire`: encodes the car's messages; times and trace ids as messages and logs write them
- `topics`: creates the project's topics and asks where they end
- `clients`: configuration of librdkafka's clients and of Java's
- `unreadable`: the messages that a reader left out, counted and logged
"""
